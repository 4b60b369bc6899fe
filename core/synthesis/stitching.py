"""Putting rendered segments on one time line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def stitch(pieces: Sequence[tuple[float, Array]], sample_rate: int) -> Array:
    """Place segments at their offsets: gaps become silence, overlaps are cross-faded linearly.

    Like DiffSinger, with three differences where it fails or loses sound: segments may come in
    any order, the fade is never longer than the new segment, and the longer tail is kept.

    Args:
        pieces: offset in seconds (≥ 0) and samples float32 ``[N]`` of each segment.
        sample_rate: Hz.

    Returns:
        float32 ``[N]``; silence before the first offset is kept.
    """
    ordered = sorted(pieces, key=lambda piece: piece[0])
    starts = [round(offset * sample_rate) for offset, _ in ordered]
    ends = [s + len(audio) for s, (_, audio) in zip(starts, ordered, strict=True)]
    result = np.zeros(max(ends, default=0), np.float32)
    written = 0
    for start, end, (_, audio) in zip(starts, ends, ordered, strict=True):
        overlap = min(max(written - start, 0), len(audio))
        if overlap:
            rise = np.linspace(0.0, 1.0, overlap, dtype=np.float32)
            old = result[start : start + overlap]
            # A segment that ends inside the old one must fade out again: it has no tail to join.
            if end < written:
                rise = np.minimum(rise, rise[::-1]) * 2
            result[start : start + overlap] = old + rise * (audio[:overlap] - old)
        result[start + overlap : end] = audio[overlap:]
        written = max(written, end)
    return result
