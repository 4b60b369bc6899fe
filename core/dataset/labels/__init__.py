"""Labels in the forms of other programs: HTS and NNSVS, Audacity, Praat, V1 lists, UTAU.

Readers take text and give labels with times in seconds; writers give text that the readers
turn into the same labels again. Nothing here opens a recording or changes a dataset.
"""

from .files import FORMATS, LabelFile, read_label_file, recognise
from .model import Label, Tier
from .sequence import (
    ARPABET_SYMBOLS,
    SILENCE_SYMBOLS,
    LabelSequence,
    labels_of,
    sequence_of,
)

__all__ = [
    "ARPABET_SYMBOLS",
    "FORMATS",
    "SILENCE_SYMBOLS",
    "Label",
    "LabelFile",
    "LabelSequence",
    "Tier",
    "labels_of",
    "read_label_file",
    "recognise",
    "sequence_of",
]
