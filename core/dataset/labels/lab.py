"""Label files of HTS, HTK, NNSVS and Sinsy: ``start end phoneme``, in 100 ns units or seconds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from .model import Label, Tier, checked, invalid, parse_time

Unit = Literal["100ns", "ms", "s"]

_PER_SECOND: dict[Unit, float] = {"100ns": 1e7, "ms": 1e3, "s": 1.0}
_LONGEST = 7200.0
"""s; whole numbers that would be a longer song are not seconds."""

_FULL_CONTEXT = re.compile(r"\^[^-\s]*-([^+\s]+)\+[^=\s]*=\S*/")
"""p1^p2-PHONEME+p3=p4/A:…, the form of HTS and Sinsy; only the phoneme matters here."""


def read_lab(text: str, *, unit: Unit | None = None, seconds: float | None = None) -> Tier:
    """Read a ``.lab`` file.

    Args:
        text: its content.
        unit: of the times; None = found out from the numbers.
        seconds: length of the recording, which helps to find the unit.

    Raises:
        SingwizError: not labels with times.
    """
    rows: list[tuple[int, str, str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split(None, 2)
        if not fields:
            continue
        if fields[0].startswith("#!MLF!"):
            raise invalid("this is a master label file with many recordings in one", number)
        if len(fields) < 2:
            raise invalid(f"'{line.strip()[:30]}' has no times", number)
        rows.append((number, fields[0], fields[1], _phoneme(fields[2] if fields[2:] else "")))
    starts = [parse_time(start, number) for number, start, _, _ in rows]
    ends = [parse_time(end, number) for number, _, end, _ in rows]
    if unit is None:
        whole = not any(sign in token for _, *row in rows for token in row[:2] for sign in ".,eE")
        unit = _guess(max(ends, default=0.0), whole, seconds)
    factor = _PER_SECOND[unit]
    labels = [
        checked(Label(start / factor, end / factor, phoneme), number)
        for start, end, (number, _, _, phoneme) in zip(starts, ends, rows, strict=True)
    ]
    return Tier(tuple(labels))


def write_lab(labels: Iterable[Label], *, unit: Unit = "100ns") -> str:
    """The text of a ``.lab`` file. Spaces inside a label would be read as more fields."""
    return "".join(
        f"{_time(label.start, unit)} {_time(label.end, unit)} {label.text}\n" for label in labels
    )


def _time(seconds: float, unit: Unit) -> str:
    if unit == "s":
        return f"{seconds:.7f}"
    return str(round(seconds * _PER_SECOND[unit]))


def _phoneme(rest: str) -> str:
    full = _FULL_CONTEXT.search(rest)
    if full:
        return full.group(1)
    first, *others = rest.split() or [""]
    # HTK puts scores behind the name.
    return first if all(map(_is_number, others)) else rest.strip()


def _is_number(token: str) -> bool:
    try:
        return math.isfinite(float(token))
    except ValueError:
        return False


def _guess(last: float, whole: bool, seconds: float | None) -> Unit:
    if not whole:
        return "s"
    if seconds and last > 0:
        units: Sequence[Unit] = tuple(_PER_SECOND)
        return min(units, key=lambda u: abs(math.log(last / _PER_SECOND[u] / seconds)))
    return "100ns" if last > _LONGEST else "s"
