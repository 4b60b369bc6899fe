"""From a raw dataset to a binary dataset: features of every item in files training can read.

The way in is :func:`singwiz.core.binarize.acoustic.binarize_acoustic`; training reads with
:class:`singwiz.core.binarize.storage.BinaryDataset`. Nothing is imported here, so that the
reader does not pay for the writer.
"""
