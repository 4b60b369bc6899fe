"""From label times in seconds to whole frames, and from frames to "who owns this frame"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def frames_from_seconds(
    ph_dur: Sequence[float] | NDArray[np.floating], dt: float
) -> NDArray[np.int64]:
    """Durations in frames, from the rounded boundaries and not from rounded durations.

    Rounding boundaries keeps errors from adding up along the item. A frame belongs to the
    phoneme that sounds at the frame's time.

    Args:
        ph_dur: ``[P]`` seconds, each finite and not negative.
        dt: seconds per frame.

    Returns:
        int64 ``[P]``; zero for phonemes shorter than the grid can show.

    Raises:
        ValueError: a duration is negative or not finite, or all of them are zero.
    """
    seconds = np.asarray(ph_dur, np.float32)
    if not np.isfinite(seconds).all():
        raise ValueError("a duration in ph_dur is not a finite number")
    if (seconds < 0).any():
        raise ValueError("a duration in ph_dur is negative")
    # Single precision decides on which side of a frame border a label falls; DiffSinger adds
    # up in double precision and rounds every end time to single, and so do we.
    ends = np.cumsum(seconds, dtype=np.float64).astype(np.float32)
    if ends.size == 0 or ends[-1] <= 0:
        raise ValueError("ph_dur adds up to nothing")
    borders = np.rint(ends / np.float32(dt) + np.float32(0.5)).astype(np.int64)
    return np.diff(borders, prepend=0)


def mel2ph_from_frames(frames: NDArray[np.integer], length: int) -> NDArray[np.int64]:
    """The 1-based index of the phoneme (word, note) that owns each frame.

    Args:
        frames: int ``[P]`` durations in frames.
        length: frames of the result; missing ones go to the last owner, surplus is cut.

    Returns:
        int64 ``[length]``, values 1..P.

    Raises:
        ValueError: no phoneme owns a frame.
    """
    owners = np.repeat(np.arange(1, len(frames) + 1, dtype=np.int64), frames)[:length]
    if owners.size == 0:
        raise ValueError("no phoneme owns a frame")
    return np.pad(owners, (0, length - owners.size), mode="edge")
