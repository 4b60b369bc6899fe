"""Metadata as DiffSinger keeps it: a pickle, read without running what is in it.

A pickle can name any function to be called while it is read. Here it can only name what numbers
of NumPy are made of, and even those are made by functions of this module.
"""

from __future__ import annotations

import pickle  # reading goes through find_class below
import re
from pathlib import Path
from typing import Any

import numpy as np

_MAX_BYTES = 512 * 2**20
_NUMBER = re.compile(r"[?biuf][1248]?|U\d{1,6}")


class _Dtype:
    """Stands in for ``numpy.dtype`` in a pickle."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = ">" if state[1] == ">" else "<"


def _scalar(dtype: _Dtype, data: bytes) -> Any:
    """Stands in for NumPy's maker of numbers."""
    if not isinstance(dtype, _Dtype) or not _NUMBER.fullmatch(str(dtype.code)):
        raise pickle.UnpicklingError("a number of an unknown kind")
    raw = data.encode("latin-1") if isinstance(data, str) else data
    return np.frombuffer(raw, np.dtype(dtype.order + dtype.code), count=1)[0].item()


_KNOWN = {
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("_codecs", "encode"): lambda text, _="latin-1": text.encode("latin-1"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _KNOWN.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return found


def read_pickled(path: Path) -> Any:
    """What is in a pickle of plain values and NumPy numbers.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or asks for anything else.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("it is too large")
    with path.open("rb") as handle:
        try:
            return _Unpickler(handle).load()
        except OSError:
            raise
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise ValueError(str(error) or type(error).__name__) from None


def write_pickled(path: Path, meta: dict[str, list[Any]]) -> None:
    """Write metadata for DiffSinger's reader."""
    path.write_bytes(pickle.dumps(meta, protocol=4))
