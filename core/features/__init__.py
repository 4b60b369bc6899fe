"""What a recording sounds like, as numbers per frame: mel, pitch, durations, curves.

Pure functions of waveforms and label times, in NumPy and SciPy. Nothing here knows about
datasets, configs or files. All frame curves of an item share ``hop_size``: value ``t`` of a
curve belongs to sample ``t * hop_size`` (mel frames are centred half a hop later, a constant
that vocoders and models of the DiffSinger family have learned).
"""
