"""From trained models to what OpenUTAU loads: ONNX graphs, and the voicebank folder around them.

``graphs`` holds the networks in the form that OpenUTAU calls them, ``onnx_file`` writes and reads
back one graph. Importing the room costs nothing; torch and onnx come with the first export.
"""
