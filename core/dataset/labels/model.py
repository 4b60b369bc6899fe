"""What every label format comes down to: named stretches of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import SingwizError

MAX_SECONDS = 1e6
"""Later times are taken for damage; eleven days are enough for any recording."""


@dataclass(frozen=True, slots=True)
class Label:
    """A named stretch of time; ``start`` and ``end`` in s from the beginning of the recording.

    A point in time has ``end == start``.
    """

    start: float
    end: float
    text: str

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of labels, in the order of the file.

    Attributes:
        labels: may have gaps; empty labels are left out.
        name: of the row, where the format knows names.
        end: length of the recording (s) where the format says it.
    """

    labels: tuple[Label, ...]
    name: str = ""
    end: float | None = None


def parse_time(token: str, line: int) -> float:
    """A time as a number; decimal commas are understood.

    Raises:
        SingwizError: not a finite number between 0 and a bearable maximum times 1e7.
    """
    try:
        value = float(token if "." in token else token.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in token or abs(value) > MAX_SECONDS * 1e7:
        raise invalid(f"'{token[:30]}' is not a time", line)
    return value


def checked(label: Label, line: int) -> Label:
    """The label, if its times make sense.

    Raises:
        SingwizError: it ends before it starts, or starts before the recording.
    """
    if label.end < label.start:
        raise invalid(f"'{label.text[:30]}' ends before it starts", line)
    if label.start < 0 or label.end > MAX_SECONDS:
        raise invalid(f"'{label.text[:30]}' lies outside of any recording", line)
    return label


def invalid(what: str, line: int | None = None) -> SingwizError:
    """The error for content that is no label; the reader of the file adds its name."""
    return SingwizError(
        "labels-invalid",
        f"The labels cannot be read: {what}.",
        hint="Correct that line, or export the labels again.",
        where=f"line {line}" if line else "",
    )
