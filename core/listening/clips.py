"""Which parts of which recordings tell differences: edges of the range, rare sounds, long notes,
fast consonants.

Five minutes of listening cannot cover a corpus, so the few clips are those in which models differ
most. Each says why it was chosen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .plan import Clip

SECONDS = (2.5, 5.0)
"""Shortest and longest clip: long enough to judge, short enough to remember."""
PAUSE_PHONEMES = frozenset({"SP", "AP"})
_MOST_OF_AN_ITEM = 2
"""Clips from one recording, if there are others."""


@dataclass(frozen=True)
class Material:
    """A held-out recording, as far as choosing needs it.

    Attributes:
        item, dataset: names.
        ph_seq: phonemes.
        ph_dur: their lengths, s.
        classes: phoneme -> class of sound (``vowel``, ``voiced``, ``unvoiced``, ``pause``).
        f0: Hz per frame, 0 where unvoiced.
        timestep: s per frame.
    """

    item: str
    dataset: str
    ph_seq: Sequence[str]
    ph_dur: Sequence[float]
    classes: Mapping[str, str]
    f0: ArrayLike
    timestep: float


@dataclass(frozen=True)
class _Window:
    """A possible clip and what speaks for it."""

    material: Material
    start: float
    end: float
    points: Mapping[str, float]
    detail: Mapping[str, str]


def choose_clips(
    materials: Sequence[Material],
    counts: Mapping[str, int],
    wanted: int,
    *,
    seed: int,
) -> tuple[Clip, ...]:
    """Choose clips, reason by reason in turn.

    Args:
        materials: held-out recordings.
        counts: phoneme -> occurrences in all recordings; what is missing was never trained.
        wanted: clips; fewer if there is less.
        seed: for ties.
    """
    rng = random.Random(f"{seed}/clips")
    windows = [window for one in materials for window in _windows(one, counts)]
    rng.shuffle(windows)
    chosen: list[tuple[_Window, str]] = []
    reasons = ("high", "low", "rare", "long", "fast")
    turn = 0
    while windows and len(chosen) < wanted:
        reason = reasons[turn % len(reasons)]
        turn += 1
        taken = Counter(one.material.item for one, _ in chosen)
        least = min(taken[one.material.item] for one in windows)
        fair = [
            one
            for one in windows
            if taken[one.material.item] < _MOST_OF_AN_ITEM or taken[one.material.item] == least
        ]
        # A fresh recording is worth more than a slightly higher note.
        best = max(fair, key=lambda one: one.points[reason] - 0.5 * taken[one.material.item])
        chosen.append((best, reason))
        windows = [one for one in windows if not _overlap(one, best)]
    return tuple(
        Clip(
            id=f"k{number}",
            item=one.material.item,
            dataset=one.material.dataset,
            start=round(one.start, 3),
            end=round(one.end, 3),
            why=(one.detail[reason],),
        )
        for number, (one, reason) in enumerate(chosen, 1)
    )


def _overlap(first: _Window, second: _Window) -> bool:
    same = first.material is second.material
    return same and first.start < second.end and second.start < first.end


def _windows(material: Material, counts: Mapping[str, int]) -> list[_Window]:
    """Stretches between phoneme borders, with points for every reason (about 0 to 1)."""
    durations = np.asarray(material.ph_dur, float)
    borders = np.concatenate([[0.0], np.cumsum(durations)])
    total = borders[-1]
    low, high = SECONDS
    if total <= high + 1:
        spans = [(0, len(durations))] if total >= 0.5 else []
    else:
        pauses = [i for i, symbol in enumerate(material.ph_seq) if symbol in PAUSE_PHONEMES]
        starts = sorted({0, *pauses}) or [0]
        # Long phrases without pause: start at vowels, where a cut is soft.
        starts = sorted(
            {*starts, *(i for i, s in enumerate(material.ph_seq)
                        if material.classes.get(s) == "vowel")}
        )  # fmt: skip
        spans = []
        for start in starts:
            end = int(np.searchsorted(borders, borders[start] + high, side="right")) - 1
            if borders[end] - borders[start] >= low:
                spans.append((start, end))
    seen = sum(counts.values()) or 1
    f0 = np.asarray(material.f0, float)
    windows = []
    for first, last in spans:
        start, end = borders[first], min(borders[last], borders[first] + high + 1)
        symbols = list(material.ph_seq[first:last])
        kinds = [material.classes.get(symbol, "voiced") for symbol in symbols]
        sung = f0[int(start / material.timestep) : int(end / material.timestep)]
        sung = sung[sung > 0]
        if len(sung) == 0:
            continue
        top, bottom = np.percentile(sung, 95), np.percentile(sung, 5)
        sounds = [s for s, kind in zip(symbols, kinds, strict=True) if kind != "pause"]
        rarest = sorted(set(sounds), key=lambda s: (counts.get(s, 0), s))[:2]
        rarity = max((-np.log((counts.get(s, 0) + 0.5) / seen) for s in sounds), default=0.0)
        lengths = list(zip(durations[first:last], kinds, strict=True))
        vowels = [seconds for seconds, kind in lengths if kind == "vowel"]
        longest = max(vowels, default=0.0)
        consonants = sum(kind in ("voiced", "unvoiced") for kind in kinds)
        rate = consonants / max(end - start, 1e-3)
        silent = sum(seconds for seconds, kind in lengths if kind == "pause")
        penalty = silent / max(end - start, 1e-3)
        points = {
            "high": float(np.log2(top / 440)),
            "low": float(-np.log2(bottom / 440)),
            "rare": rarity / 5,
            "long": min(longest, 3.0),
            "fast": rate / 5,
        }
        detail = {
            "high": f"high notes, up to {top:.0f} Hz",
            "low": f"low notes, down to {bottom:.0f} Hz",
            "rare": f"rare sounds: {', '.join(rarest)}",
            "long": f"a long note of {longest:.1f} s",
            "fast": f"{rate:.1f} consonants per second",
        }
        points = {name: value - penalty for name, value in points.items()}
        windows.append(_Window(material, float(start), float(end), points, detail))
    return windows
