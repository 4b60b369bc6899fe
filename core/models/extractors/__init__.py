"""Networks that analyse recordings: RMVPE finds the pitch, VR parts the tone from the breath.

With what surrounds them: the spectrograms they read and how their answers are decoded, as pure
functions of tensors. Not for files, devices or long recordings: that is ``features``.
"""
