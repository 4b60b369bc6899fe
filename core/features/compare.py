"""Pitch extractors side by side: where they agree, where one fails, and which one to take.

There is no truth to compare with, so every extractor is compared with what the others agree
on: the median of those that lie together. Nothing here knows about files or pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pitch import PitchExtractor
from .swift import HIGHEST, LOWEST, Swift

Array = NDArray[np.float32]

NEAR = 0.5
"""Semitones within which extractors mean the same pitch."""
_OCTAVE = 12.0
_OCTAVE_WIDTH = 1.0
"""Semitones around an octave that count as one."""
_JUMP = 7.0
"""Semitones between neighbouring frames that nobody sings."""
_EDGE = 0.03
"""Share of f0_min and f0_max within which a pitch is at the limit."""
_BORDER = 2
"""Frames on either side of a border between sung and silent that are not judged."""
_WARM_UP = 0.5
"""Seconds of audio that are extracted before the clock runs: loading is not speed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How one extractor did on all clips; shares are 0..1.

    Attributes:
        name: as in the config key ``pe``.
        voiced: share of all frames it calls sung.
        missed: share of the frames others agree to be sung that it calls unsung.
        extra: share of the frames others agree to be unsung that it calls sung.
        cents: median difference from the others where all sing; None where they never agree.
        gross: share of those frames more than half a semitone away.
        octaves: share of those frames an octave away.
        jumps: leaps of more than a fifth between neighbouring frames, per minute sung.
        limits: share of its sung frames at or beyond ``f0_min`` or ``f0_max``.
        speed: seconds of audio per second of processor time.
    """

    name: str
    voiced: float
    missed: float
    extra: float
    cents: float | None
    gross: float
    octaves: float
    jumps: float
    limits: float
    speed: float

    @property
    def found(self) -> float:
        """Coverage: share of the frames others agree to be sung that it finds."""
        return 1.0 - self.missed

    @property
    def cost(self) -> float:
        """How much of a model's pitch would be learned wrongly; 0 is best."""
        return self.gross + 3.0 * self.octaves + self.missed + 0.5 * self.extra

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "found": self.found}


@dataclass(frozen=True, slots=True)
class Track:
    """What an extractor found in one clip.

    Attributes:
        f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
        processor: seconds of processor time.
    """

    f0: Array
    processor: float


@dataclass(frozen=True, slots=True)
class Range:
    """What is sung, between its outermost half percents, and the limits that leave room for it.

    Attributes:
        low, high: Hz; None if nothing steady is sung.
        f0_min, f0_max: Hz; the limits as they are, or wider where they cut.
        cut: share of the sung frames beyond the limits as they are.
    """

    low: float | None
    high: float | None
    f0_min: float
    f0_max: float
    cut: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Advice:
    """Which one to take.

    Attributes:
        name: value for the config; empty if there is nothing to choose from.
        reason: one or two sentences.
        notes: more that is worth knowing, a sentence each.
    """

    name: str
    reason: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "reason": self.reason, "notes": list(self.notes)}


def run(
    extractor: PitchExtractor, waveform: Array, sample_rate: int, *, hop_size: int, warm: bool
) -> Track:
    """Extract and take the time.

    Args:
        extractor: any.
        waveform: float32 ``[N]``.
        sample_rate: Hz.
        hop_size: samples.
        warm: it has run before; otherwise half a second is extracted first.

    Returns:
        ``1 + N // hop_size`` frames.
    """
    framing: dict[str, int] = {"hop_size": hop_size, "length": 1 + len(waveform) // hop_size}
    if not warm:
        first = waveform[: int(_WARM_UP * sample_rate)]
        extractor.extract(first, sample_rate, hop_size=hop_size, length=1)
    begin = time.process_time()
    f0, unvoiced = extractor.extract(waveform, sample_rate, **framing)
    return Track(np.where(unvoiced, np.float32(0), f0), time.process_time() - begin)


def measure_range(
    clips: Iterable[Array], sample_rate: int, *, hop_size: int, f0_min: float, f0_max: float
) -> Range:
    """What is sung from 47 to 2094 Hz, whatever the limits, as SwiftF0 hears it.

    Args:
        clips: float32 ``[N]`` each.
        sample_rate: Hz.
        hop_size: samples.
        f0_min, f0_max: Hz; the limits as they are.
    """
    steady = [
        _steady(run(Swift(LOWEST, HIGHEST), clip, sample_rate, hop_size=hop_size, warm=True).f0)
        for clip in clips
    ]
    sung = np.concatenate(steady) if steady else np.zeros(0, np.float32)
    if not len(sung):
        return Range(None, None, f0_min, f0_max)
    low, high = (float(value) for value in np.percentile(sung, (0.5, 99.5)))
    # A whole tone of room, because vibrato and slides go beyond the notes.
    room = 2.0 ** (2 / 12)
    lower = f0_min if low / room >= f0_min else max(40.0, 5.0 * np.floor(low / room / 5.0))
    upper = f0_max if high * room <= f0_max else min(2000.0, 50.0 * np.ceil(high * room / 50.0))
    cut = float(((sung < f0_min) | (sung > f0_max)).mean())
    return Range(low, high, min(f0_min, float(lower)), max(f0_max, float(upper)), cut)


def _steady(f0: Array) -> Array:
    """Sung frames whose neighbours are sung within a semitone, so no slips: ``[fewer]``."""
    pitch = np.log2(np.where(f0 > 0, f0, np.nan)) * 12
    calm = np.abs(np.diff(pitch)) < 1
    kept = np.zeros(len(f0), bool)
    kept[2:-2] = calm[:-3] & calm[1:-2] & calm[2:-1] & calm[3:]
    return f0[kept]


def consensus(others: Sequence[Array]) -> Array:
    """What extractors agree on, frame by frame.

    Args:
        others: float32 ``[T]`` Hz each, 0 where unvoiced.

    Returns:
        float32 ``[T]``: the median in Hz where more than half of them sing and lie within half a
        semitone of it, 0 where more than half are silent, NaN where they do not agree.
    """
    f0 = np.stack([np.asarray(one, np.float64) for one in others])
    count = len(f0)
    sung = (f0 > 0).sum(axis=0)
    pitch = 12 * np.log2(np.where(f0 > 0, f0, np.nan))
    agreed = np.full(f0.shape[1], np.nan)
    for frame in np.flatnonzero(2 * sung > count):
        values = pitch[:, frame]
        values = values[np.isfinite(values)]
        near = values[np.abs(values - np.median(values)) <= NEAR]
        if 2 * len(near) > count:
            agreed[frame] = 2.0 ** (np.median(near) / 12)
    agreed[2 * sung < count] = 0.0
    return agreed.astype(np.float32)


def judge(
    tracks: Mapping[str, Sequence[Track]],
    *,
    dt: float,
    f0_min: float,
    f0_max: float,
) -> list[Figures]:
    """Compare extractors on the same clips.

    Args:
        tracks: name -> one track per clip, all of the same lengths.
        dt: seconds per frame.
        f0_min, f0_max: Hz; limits whose neighbourhood is counted.

    Returns:
        One entry per extractor, in the same order. A single one is compared with itself.
    """
    figures = []
    for name, own in tracks.items():
        others = [clips for other, clips in tracks.items() if other != name] or [own]
        mine = np.concatenate([track.f0 for track in own])
        agreed = np.concatenate(
            [_inner(consensus([clips[k].f0 for clips in others])) for k in range(len(own))]
        )
        figures.append(_figures(name, own, mine, agreed, dt=dt, f0_min=f0_min, f0_max=f0_max))
    return figures


def _inner(agreed: Array) -> Array:
    """NaN also beside every change between sung and silent: there nobody is right or wrong."""
    state = np.where(np.isnan(agreed), -1, agreed > 0)
    near = np.zeros(len(agreed), bool)
    change = np.flatnonzero(np.diff(state)) + 1
    for shift in range(-_BORDER, _BORDER):
        near[np.clip(change + shift, 0, len(agreed) - 1)] = True
    return np.where(near, np.float32(np.nan), agreed)


def _figures(
    name: str,
    own: Sequence[Track],
    mine: Array,
    agreed: Array,
    *,
    dt: float,
    f0_min: float,
    f0_max: float,
) -> Figures:
    sung = mine > 0
    there, silent = agreed > 0, agreed == 0
    both = sung & there
    apart = np.abs(12 * np.log2(mine[both] / agreed[both]))
    octaves = np.abs(apart - _OCTAVE) < _OCTAVE_WIDTH
    jumps = sum(_jumps(track.f0) for track in own)
    processor = sum(track.processor for track in own)
    seconds = len(mine) * dt
    at_limit = (mine < f0_min * (1 + _EDGE)) | (mine > f0_max * (1 - _EDGE))
    return Figures(
        name=name,
        voiced=_share(sung),
        missed=_share(~sung[there]),
        extra=_share(sung[silent]),
        cents=float(100 * np.median(apart)) if len(apart) else None,
        gross=_share(apart > NEAR),
        octaves=_share(octaves),
        jumps=60.0 * jumps / max(float(sung.sum()) * dt, dt),
        limits=_share(at_limit[sung]),
        speed=seconds / max(processor, 1e-6),
    )


def _jumps(f0: Array) -> int:
    neighbours = (f0[1:] > 0) & (f0[:-1] > 0)
    steps = np.abs(12 * np.log2(f0[1:][neighbours] / f0[:-1][neighbours]))
    return int((steps > _JUMP).sum())


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def disagreements(tracks: Mapping[str, Track]) -> dict[str, NDArray[np.int8]]:
    """Where each extractor differs from what the others agree on, for pictures.

    Returns:
        Name -> int8 ``[T]``: 0 fine or undecided, 1 voicing differs, 2 another pitch, 3 an octave.
    """
    found = {}
    for name, own in tracks.items():
        others = [track.f0 for other, track in tracks.items() if other != name] or [own.f0]
        agreed = consensus(others)
        code = np.zeros(len(agreed), np.int8)
        code[np.isfinite(agreed) & ((agreed > 0) != (own.f0 > 0))] = 1
        both = np.flatnonzero((agreed > 0) & (own.f0 > 0))
        apart = np.abs(12 * np.log2(own.f0[both] / agreed[both]))
        code[both[apart > NEAR]] = 2
        code[both[np.abs(apart - _OCTAVE) < _OCTAVE_WIDTH]] = 3
        found[name] = code
    return found


CLOSE = 0.06
"""Costs that differ by less are the same: then speed and habit decide."""
PREFERRED = ("parselmouth", "rmvpe", "swift-f0", "harvest")
"""Which one to take if nothing speaks against it."""
NOISY = -45.0
"""dBFS of pauses from which noise is worth mentioning."""
_PATIENCE = 1800.0
"""Seconds of waiting for all recordings that nobody minds."""
_WORTH_SAYING = 0.02


def recommend(
    figures: Sequence[Figures],
    unavailable: Mapping[str, str],
    *,
    heard: Range,
    seconds: float,
    noise: float | None = None,
    gpu: bool = False,
) -> Advice:
    """Choose an extractor and say why in a musician's words.

    Args:
        figures: of :func:`judge`.
        unavailable: name -> why it could not run.
        heard: of :func:`measure_range`.
        seconds: length of all recordings, for an estimate of the time.
        noise: level of the pauses, dBFS.
        gpu: whether a network has a graphics card.
    """
    notes = [f"{name} was left out: {reason}" for name, reason in unavailable.items()]
    if heard.cut > 0:
        notes.insert(0, _about_range(heard))
    rank = {name: place for place, name in enumerate(PREFERRED)}
    # Those of installed packages last: nobody here knows them.
    ranked = sorted(figures, key=lambda one: rank.get(one.name, len(rank)))
    if not ranked:
        return Advice("", "No pitch extractor could run.", tuple(notes))
    best = min(one.cost for one in ranked)
    fits = [one for one in ranked if one.cost <= best + CLOSE]
    # A network that keeps the user waiting is only worth it if it is the only good one.
    quick = [one for one in fits if gpu or seconds / one.speed <= _PATIENCE]
    chosen = (quick or fits)[0]
    usual = ranked[0]
    if noise is not None and noise > NOISY:
        notes.append(
            f"The pauses of the recordings are not silent ({noise:.0f} dB): noise or room sound "
            "misleads extractors. Better recordings help more than any extractor."
        )
    if chosen.name == "swift-f0":
        notes.append(
            "DiffSinger's own scripts do not know swift-f0; the finished voice works everywhere."
        )
    slow = seconds / chosen.speed
    if slow > _PATIENCE and not (gpu and chosen.name == "rmvpe"):
        notes.append(
            f"It will take about {round(slow / 60)} min of processor time for all recordings."
        )
    strength = _STRENGTH.get(chosen.name, "")
    if len(ranked) == 1:
        reason = f"Only {chosen.name} could run, so there was nothing to compare it with."
    elif chosen is usual:
        reason = (
            f"{chosen.name} agrees with the others: it {_in_words(chosen)}. {strength}".rstrip()
        )
    else:
        reason = (
            f"{usual.name} {_in_words(usual)}; {chosen.name} {_in_words(chosen)}. {strength}"
        ).rstrip()
    return Advice(chosen.name, reason, tuple(notes))


_STRENGTH = {
    "parselmouth": "It is exact and fast, and needs neither a file nor a graphics card.",
    "rmvpe": "It was trained on noisy recordings and songs with accompaniment.",
    "swift-f0": "It stands noise, is fast, and needs neither a file nor a graphics card; "
    "its pitch is exact to about ten cents.",
    "harvest": "It keeps creaky and whispery singing, but takes its time.",
}


def _in_words(figures: Figures) -> str:
    """What is wrong with an extractor's result, the worst first."""
    found: list[tuple[float, Callable[[], str]]] = [
        (3 * figures.octaves, lambda: f"puts {_percent(figures.octaves)} into another octave"),
        (figures.missed, lambda: f"misses {_percent(figures.missed)} of the singing"),
        (figures.extra / 2, lambda: f"hears singing in {_percent(figures.extra)} of the pauses"),
        (figures.gross - figures.octaves, lambda: f"is off by more than half a semitone in "
         f"{_percent(figures.gross)}"),
    ]  # fmt: skip
    said = [words() for weight, words in sorted(found, key=lambda one: -one[0])
            if weight >= _WORTH_SAYING]  # fmt: skip
    if said:
        return " and ".join(said[:2])
    return (
        f"misses {_percent(figures.missed)} of the singing and puts {_percent(figures.octaves)} "
        "into another octave"
    )


def _about_range(heard: Range) -> str:
    assert heard.low is not None and heard.high is not None
    return (
        f"Sung is from {heard.low:.0f} to {heard.high:.0f} Hz, so {_percent(heard.cut)} of it lies "
        f"beyond the limits. Set f0_min to {heard.f0_min:g} and f0_max to {heard.f0_max:g}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
