"""Which segment of which DS file belongs to an item, and the labels and curves it has.

DS files can stand in for columns of ``transcriptions.csv`` and for what would be measured in a
recording. Not for judging them: see :mod:`.checks.ds_files`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from .ds import numbers, read_ds

LABELS = ("ph_seq", "ph_dur", "ph_num", "note_seq", "note_dur", "note_glide")
"""What replaces a cell of the same name."""

CURVES = ("f0_seq", "energy", "breathiness", "voicing", "tension")
"""What replaces a curve that would be measured."""

Segment = Mapping[str, Any]

_NUMBERED = re.compile(r"^(.+)#(\d+)$")


class DsFolder:
    """The DS files of a dataset; the one that was read last is kept.

    Args:
        files: name -> path, as :meth:`RawDataset.list_ds` gives them.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self._last: tuple[str, list[dict[str, Any]] | SingwizError] = ("", [])

    def __bool__(self) -> bool:
        return bool(self.files)

    def locate(self, name: str) -> tuple[str, int] | None:
        """File and segment of an item.

        ``abc`` is segment 0 of ``abc.ds`` or of ``abc#0.ds``. ``abc#2`` is segment 2 of
        ``abc.ds``, unless there is an ``abc#2.ds``; a ``#`` without number is part of the name.
        """
        for file in (f"{name}.ds", f"{name}#0.ds"):
            if file in self.files:
                return file, 0
        numbered = _NUMBERED.match(name)
        if numbered and f"{numbered[1]}.ds" in self.files:
            return f"{numbered[1]}.ds", int(numbered[2][:9])
        return None

    def read(self, file: str) -> list[dict[str, Any]]:
        """All segments of a file.

        Raises:
            SingwizError: see :func:`.ds.read_ds`; again at every call.
        """
        if self._last[0] != file:
            try:
                self._last = (file, read_ds(self.files[file]))
            except SingwizError as error:
                self._last = (file, error)
        found = self._last[1]
        if isinstance(found, SingwizError):
            raise found
        return found

    def segment(self, name: str) -> Segment | None:
        """The segment of an item; None if it has none.

        Raises:
            SingwizError: the file cannot be read, or has too few segments.
        """
        place = self.locate(name)
        if place is None:
            return None
        file, index = place
        segments = self.read(file)
        if index >= len(segments):
            raise SingwizError(
                "ds-index",
                f"DS file '{file}' has {len(segments)} segments, index {index} requested.",
                hint="Segments are counted from 0; correct the name in transcriptions.csv.",
                where=file,
            )
        return segments[index]


def labels_of(segment: Segment) -> dict[str, str]:
    """The labels of a segment as cells; numbers that are no text become text."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name in LABELS
        if (value := segment.get(name)) is not None and str(value).strip()
    }


def timestep_of(segment: Segment, curve: str) -> float | None:
    """Seconds per value of a curve; None if there is no usable number."""
    name = "f0_timestep" if curve == "f0_seq" else f"{curve}_timestep"
    try:
        step = float(segment[name])
    except (KeyError, TypeError, ValueError):
        return None
    return step if math.isfinite(step) and step > 0 else None


def curve_of(segment: Segment, curve: str) -> tuple[NDArray[np.float32], float] | None:
    """Values ``[n]`` and seconds per value of a curve; None if the segment does not have it.

    Raises:
        SingwizError: something is not a number, there is no value, or the time step is missing.
    """
    if segment.get(curve) is None:
        return None
    values = numbers(segment, curve)
    step = timestep_of(segment, curve)
    if not len(values) or step is None or (curve == "f0_seq" and values.min() < 0):
        name = "f0_timestep" if curve == "f0_seq" else f"{curve}_timestep"
        problem = (
            f"'{curve}' in its DS file has no values."
            if not len(values)
            else f"'{name}' in its DS file is missing or not a number above 0."
            if step is None
            else f"'{curve}' in its DS file goes below 0 Hz."
        )
        raise SingwizError("ds-curve-invalid", problem, hint="Export the song again.")
    return values.astype(np.float32), step
