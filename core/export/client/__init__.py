"""A strict client for voicebanks: it sings as OpenUTAU does, with onnxruntime and nothing else.

It reads a bank from its folder only and knows neither torch nor experiments. Where OpenUTAU would
throw or go wrong silently, it names the file and the cure. ``bank`` reads, ``checking`` compares
what was read, ``words`` finds when phonemes are sung, ``phrases`` lays them out on frames,
``singing`` runs the graphs.
"""
