"""Neural vocoders: generators from mel and F0 to sound, their discriminators, mels and losses.

``generator`` with ``config`` and ``excitation`` is the network that is used; the others are for
training it: ``discriminators``, ``mrd``, ``fast_discriminators``, ``mel``, ``losses``.
"""
