"""A few short clips that tell most about a voice: its extremes, where extractors fail first.

Found by the quick look of the checks, which remembers what it heard, so that choosing among
hours of recordings takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset.checks.label_frames import VOWEL, kind_of
from ..dataset.checks.listening import Listening, listen
from ..dataset.checks.memory import ListeningMemory
from ..dataset.checks.voicing import FRAME
from ..dataset.raw import Item, RawDataset
from ..errors import Cancelled, SingwizError
from ..reporting import Reporter

CLIP_SECONDS = 8.0
"""Long enough to hear what goes on, short enough for slow extractors."""

REASONS = {
    "highest": "the highest singing",
    "lowest": "the lowest singing",
    "softest": "the softest singing",
    "liveliest": "the fastest changes of pitch",
    "longest": "the longest note",
    "asked": "chosen by you",
}
"""Why a clip was picked -> in words; the order is that of importance."""

_WINDOW = 25
"""Frames (half a second) that a moment lasts."""
_SUNG = 0.7
"""Share of a moment that has to be sung."""
_STEADY = 9
"""Frames of the median that keeps single wrong ones from being the highest or lowest."""
_NOISE_SHARE = 10.0
_FEWEST_PAUSES = 10

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a recording.

    Attributes:
        dataset: name.
        item: with a recording.
        start, end: seconds; ``end`` may lie behind the end of the recording.
        why: key of :data:`REASONS`.
    """

    dataset: str
    item: Item
    start: float
    end: float
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The clips, and what the quick look heard beside.

    Attributes:
        clips: in the order of :data:`REASONS`.
        noise: level of the pauses, dBFS, middle of all recordings; None where none has a pause.
        seconds: length of all recordings by their labels.
    """

    clips: tuple[Clip, ...]
    noise: float | None
    seconds: float


def whole(dataset: str, item: Item, why: str = "asked") -> Clip:
    """A recording from beginning to end."""
    return Clip(dataset, item, 0.0, float("inf"), why)


def choose_clips(
    datasets: Sequence[RawDataset],
    count: int,
    *,
    memory: Path | None = None,
    reporter: Reporter | None = None,
) -> Choice:
    """Pick clips; the same recordings always give the same ones.

    Args:
        datasets: opened.
        count: clips at most, each from another recording; the reasons take turns.
        memory: folder that remembers what was heard.
        reporter: receives progress, and may cancel.

    Raises:
        SingwizError: no recording can be read, or in none of them anybody sings.
        Cancelled: the user stopped.
    """
    reporter = reporter or Reporter()
    places = [(d.name, item) for d in datasets for item in d.items if item.audio is not None]
    moments: dict[str, list[tuple[float, int, float]]] = {why: [] for why in _FINDERS}
    noises = []
    for index, heard in enumerate(_listen([item for _, item in places], memory, reporter)):
        if not heard.good or not (heard.f0 > 0).any():
            continue
        for why, find in _FINDERS.items():
            found = find(places[index][1], heard)
            if found is not None:
                score, time = found
                moments[why].append((-score, index, time))
        pauses = heard.level[heard.f0 == 0]
        if len(pauses) >= _FEWEST_PAUSES:
            noises.append(float(np.percentile(pauses, _NOISE_SHARE)))
    for ranking in moments.values():
        ranking.sort()
    if not any(moments.values()):
        raise SingwizError(
            "nothing-sung",
            "No singing was found in the recordings.",
            hint="Check the recordings first: singwiz check PROJECT",
        )
    clips: list[Clip] = []
    taken: set[int] = set()
    while len(clips) < count:
        before = len(clips)
        for why, ranking in moments.items():
            best = next((one for one in ranking if one[1] not in taken), None)
            if best is None or len(clips) == count:
                continue
            _, index, time = best
            taken.add(index)
            dataset, item = places[index]
            start = max(0.0, min(time - CLIP_SECONDS / 2, item.seconds - CLIP_SECONDS))
            clips.append(Clip(dataset, item, round(start, 2), round(start + CLIP_SECONDS, 2), why))
        if len(clips) == before:
            break
    order = list(REASONS)
    return Choice(
        tuple(sorted(clips, key=lambda clip: order.index(clip.why))),
        float(np.median(noises)) if noises else None,
        sum(item.seconds for _, item in places),
    )


def _listen(items: Sequence[Item], memory: Path | None, reporter: Reporter) -> Iterator[Listening]:
    with ListeningMemory(memory) as remembered:
        for number, item in enumerate(items):
            if reporter.cancelled():
                raise Cancelled
            if number % 20 == 0:
                reporter.progress(number, len(items), "Choosing telling clips")
            assert item.audio is not None
            heard = remembered.recall(item.audio)
            if heard is None:
                heard = listen(item.audio)
                remembered.keep(item.audio, heard)
            yield heard


# Finders: the most extreme moment of a recording, as (how extreme, seconds), or None. -------


def _highest(item: Item, heard: Listening) -> tuple[float, float] | None:
    steady = _steady(heard.f0)
    if not np.isfinite(steady).any():
        return None
    frame = int(np.nanargmax(steady))
    return float(steady[frame]), frame * FRAME


def _lowest(item: Item, heard: Listening) -> tuple[float, float] | None:
    steady = _steady(heard.f0)
    if not np.isfinite(steady).any():
        return None
    frame = int(np.nanargmin(steady))
    return -float(steady[frame]), frame * FRAME


def _softest(item: Item, heard: Listening) -> tuple[float, float] | None:
    sung = _moments((heard.f0 > 0).astype(np.float32)) >= _SUNG
    if not sung.any():
        return None
    level = np.where(sung, _moments(heard.level[: len(heard.f0)]), np.inf)
    frame = int(np.argmin(level))
    return -float(level[frame]), frame * FRAME


def _liveliest(item: Item, heard: Listening) -> tuple[float, float] | None:
    steady = _steady(heard.f0)
    steps = np.abs(np.diff(np.log2(steady), prepend=np.nan)) * 12
    # An octave within a frame is rather a mistake of the quick look.
    steps[~(steps < 7)] = 0
    moving = _moments(steps.astype(np.float32))
    frame = int(np.argmax(moving))
    return float(moving[frame]), frame * FRAME


def _longest(item: Item, heard: Listening) -> tuple[float, float] | None:
    vowels = [k for k, symbol in enumerate(item.ph_seq) if kind_of(symbol) == VOWEL]
    if not vowels:
        return None
    k = max(vowels, key=lambda index: (item.ph_dur[index], -index))
    return item.ph_dur[k], sum(item.ph_dur[:k]) + item.ph_dur[k] / 2


_FINDERS: dict[str, Callable[[Item, Listening], tuple[float, float] | None]] = {
    "highest": _highest,
    "lowest": _lowest,
    "softest": _softest,
    "liveliest": _liveliest,
    "longest": _longest,
}


def _steady(f0: Array) -> Array:
    """Median of neighbouring frames where all of them are sung, else NaN: ``[T]``."""
    half = _STEADY // 2
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(f0, half), _STEADY)
    return np.where((frames > 0).all(axis=1), np.median(frames, axis=1), np.nan)


def _moments(curve: Array) -> Array:
    """Mean over the half second around each frame: ``[T]``."""
    padded = np.pad(curve, (_WINDOW // 2, _WINDOW - 1 - _WINDOW // 2), mode="edge")
    return np.convolve(padded, np.full(_WINDOW, 1 / _WINDOW, np.float32), mode="valid")
