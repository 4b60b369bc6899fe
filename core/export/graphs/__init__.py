"""The networks with the inputs and outputs that OpenUTAU's DiffSinger renderer uses.

Each graph is a ``nn.Module`` around parts of a trained model. It computes the same, but for a batch
of one, with the length regulation, the units of the editor and the sampling loop inside, and
without a step that would freeze the lengths of the example it is traced with.
"""
