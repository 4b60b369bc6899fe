"""From a raw dataset to a binary dataset: features of every item in files training can read.

Training only needs :mod:`.storage`; the rest is loaded when it is asked for, so that the
reader does not pay for the writer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .report import BinarizeReport
    from .run import binarize
    from .storage import BinaryDataset, BinaryWriter, read_metadata

_HOME = {
    "BinarizeReport": ".report",
    "BinaryDataset": ".storage",
    "BinaryWriter": ".storage",
    "binarize": ".run",
    "read_metadata": ".storage",
}

__all__ = [
    "BinarizeReport",
    "BinaryDataset",
    "BinaryWriter",
    "binarize",
    "read_metadata",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
