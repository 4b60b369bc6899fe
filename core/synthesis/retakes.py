"""Parts of a song whose pitch or curves are predicted anew while the rest stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import USAGE_PROBLEM, SingwizError
from .segment import CURVES

_TEXT = re.compile(r"(\w+):(\d+(?:\.\d*)?)-(\d+(?:\.\d*)?)")


@dataclass(frozen=True)
class Retake:
    """One part.

    Attributes:
        tag: ``pitch`` or the name of a curve.
        start: s in the song.
        end: s in the song.
    """

    tag: str
    start: float
    end: float

    @classmethod
    def parse(cls, text: str) -> Retake:
        """Read ``pitch:12.5-14``.

        Raises:
            SingwizError: not such a text.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None or match[1] not in ("pitch", *CURVES):
            raise SingwizError(
                "retake-invalid",
                f"'{text}' does not say what to predict anew, and where.",
                hint="Write it like pitch:12.5-14, with seconds of the song; besides pitch there "
                f"are {', '.join(CURVES)}.",
                exit_code=USAGE_PROBLEM,
            )
        start, end = float(match[2]), float(match[3])
        if start >= end:
            raise SingwizError(
                "retake-invalid",
                f"'{text}' ends before it begins.",
                hint="Write the earlier second first.",
                exit_code=USAGE_PROBLEM,
            )
        return cls(match[1], start, end)


def retake_mask(
    retakes: Sequence[Retake], tag: str, *, offset: float, length: int, timestep: float
) -> NDArray[np.bool_] | None:
    """Frames of a segment to predict anew, bool ``[length]``; None if there are none.

    Args:
        retakes: parts of the song.
        tag: which of them count.
        offset: start of the segment, s.
        length: frames.
        timestep: s per frame.
    """
    times = offset + np.arange(length) * timestep
    mask = np.zeros(length, bool)
    for part in retakes:
        if part.tag == tag:
            mask |= (times >= part.start) & (times < part.end)
    return mask if mask.any() else None
