"""One recording to look at and to listen to: its picture, and a cut-out of its sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio, write_audio
from ..dataset.checks.listening import PitchTracker
from ..dataset.checks.voicing import FRAME
from ..dataset.raw import Item
from ..errors import USAGE_PROBLEM, SingwizError
from .paper import file_stem, save_figure
from .sound import Label, Sound, draw_sound

_FADE = 0.005
"""Seconds over which a cut fades in and out, so that it does not click."""


def plot_item(
    item: Item,
    folder: Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    tracker: PitchTracker | None = None,
) -> Path:
    """Draw waveform, spectrogram, pitch and phonemes of a recording as PNG.

    Args:
        item: with a recording.
        folder: where to; the file is named after the item, and after the range if one is given.
        start, end: seconds; the whole recording by default.
        tracker: finds the pitch; None = the fast one.

    Returns:
        The file.

    Raises:
        SingwizError: the recording cannot be read, nothing of it lies in the range, or the
            picture cannot be written.
    """
    from ..features.pitch_scan import scan_tracker

    samples, rate = _read(item)
    first, last = _range(item, len(samples) / rate, start, end)
    f0 = (tracker or scan_tracker()).track(samples, rate, frame=FRAME)
    part = samples[round(first * rate) : round(last * rate)]
    sound = Sound(part, rate, f0, FRAME / 2, FRAME, labels_of(item), first)
    whole = start <= 0 and end is None
    name = file_stem(item.name) + ("" if whole else f"-{first:.2f}-{last:.2f}")
    return save_figure(draw_sound(sound, title=item.name), folder / f"{name}.png")


def cut_item(item: Item, start: float, end: float, path: Path) -> Path:
    """Write a part of a recording as WAV, to listen to it.

    Args:
        item: with a recording.
        start, end: seconds.
        path: where to.

    Returns:
        ``path``.

    Raises:
        SingwizError: the recording cannot be read, nothing of it lies in the range, or the file
            cannot be written.
    """
    samples, rate = _read(item)
    first, last = _range(item, len(samples) / rate, start, end)
    part = samples[round(first * rate) : round(last * rate)].copy()
    fade = min(round(_FADE * rate), len(part) // 2)
    if fade:
        slope = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        part[:fade] *= slope
        part[-fade:] *= slope[::-1]
    write_audio(path, part, rate)
    return path


def labels_of(item: Item) -> tuple[Label, ...]:
    """Start, end and symbol of every phoneme."""
    edges = [0.0, *np.cumsum(item.ph_dur).tolist()]
    return tuple(zip(edges[:-1], edges[1:], item.ph_seq, strict=True))


def _read(item: Item) -> tuple[NDArray[np.float32], int]:
    if item.audio is None:
        raise SingwizError(
            "audio-missing",
            f"'{item.name}' has no recording.",
            hint="Put it into the folder wavs.",
        )
    return read_audio(item.audio, None)


def _range(item: Item, seconds: float, start: float, end: float | None) -> tuple[float, float]:
    """The range as far as it lies in the recording."""
    first, last = max(start, 0.0), min(seconds if end is None else end, seconds)
    if not first < last:
        raise SingwizError(
            "range-empty",
            f"'{item.name}' has nothing {_words(start, end)}: it lasts {seconds:.2f} s.",
            hint="Give a start before the end, both in seconds within the recording.",
            exit_code=USAGE_PROBLEM,
        )
    return first, last


def _words(start: float, end: float | None) -> str:
    return f"after {start:g} s" if end is None else f"between {start:g} and {end:g} s"
