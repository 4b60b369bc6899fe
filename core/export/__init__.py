"""From trained models to what OpenUTAU loads: ONNX graphs, and the voicebank folder around them.

``graphs`` holds the networks in the form that OpenUTAU calls them, ``onnx_file`` writes and reads
back one graph, ``experiment`` and ``vocoder`` export one model with all that belongs to it.
``plan`` puts a voicebank together on paper, ``voicebank`` writes it, ``client`` sings with it like
OpenUTAU and says what is wrong. ``peer`` copies experiments in the layout of openvpi/DiffSinger.
Importing the room costs nothing; torch and onnx come with the first export.
"""
