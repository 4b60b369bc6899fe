"""Phrases on the frame grid: durations, words, notes, and pitch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bank import DsDict
from .problems import BankProblem
from .words import Clock, Note, Phoneme

PADDING = 8
"""Frames of silence before and behind a phrase."""

CURVE_TICKS = 5
"""Ticks between two points of a curve."""

Array = NDArray[np.float32]
Integers = NDArray[np.int64]


def phrases_of(phonemes: Sequence[Phoneme]) -> list[list[Phoneme]]:
    """Phonemes that touch, together."""
    phrases: list[list[Phoneme]] = []
    for phoneme in phonemes:
        if phrases and phrases[-1][-1].end == phoneme.start:
            phrases[-1].append(phoneme)
        else:
            phrases.append([phoneme])
    return phrases


def frames_of(lengths: Sequence[float], frame: float) -> Integers:
    """Whole frames ``[N]`` of lengths in ms, without an error that adds up."""
    edges = np.round(np.cumsum(np.asarray(lengths, np.float64)) / frame + 0.5)
    return np.diff(edges, prepend=0.0).astype(np.int64)


@dataclass(frozen=True)
class Grid:
    """A phrase on the frames of one module.

    Attributes:
        symbols: SP, the phonemes, SP.
        durations: int64 ``[N]`` frames.
        frame: ms.
        start: ms of the phrase; the grid begins :data:`PADDING` frames before it.
    """

    symbols: tuple[str, ...]
    durations: Integers
    frame: float
    start: float

    @classmethod
    def of(cls, phrase: Sequence[Phoneme], clock: Clock, frame: float) -> Grid:
        """Lay out a phrase."""
        lengths = [clock.ms(p.end) - clock.ms(p.start) for p in phrase]
        pad = PADDING * frame
        return cls(
            ("SP", *(p.symbol for p in phrase), "SP"),
            frames_of([pad, *lengths, pad], frame),
            frame,
            clock.ms(phrase[0].start),
        )

    @property
    def length(self) -> int:
        """Frames T."""
        return int(self.durations.sum())

    @property
    def times(self) -> NDArray[np.float64]:
        """When each frame is, ms ``[T]``."""
        frames = np.arange(self.length, dtype=np.float64)
        return self.start - PADDING * self.frame + frames * self.frame

    def words(self, dsdict: DsDict) -> tuple[Integers, Integers]:
        """Phonemes and frames per word, int64 ``[W]``: a word begins with its vowel.

        Raises:
            BankProblem: a phoneme has no type.
        """
        check_typed(self.symbols, dsdict)
        inner = self.symbols[1:-1]
        vowels = [k for k, symbol in enumerate(inner) if dsdict.is_vowel(symbol)]
        vowels = vowels or [len(inner) - 1]
        edges = [0, *(k + 1 for k in vowels), len(self.symbols)]
        div = np.diff(edges)
        frames = [int(self.durations[a:b].sum()) for a, b in itertools.pairwise(edges)]
        return div.astype(np.int64), np.array(frames, np.int64)


def check_typed(symbols: Sequence[str], dsdict: DsDict) -> None:
    """Every phoneme has to have a type.

    Raises:
        BankProblem: one has none.
    """
    untyped = sorted({symbol for symbol in symbols if symbol not in dsdict.types})
    if untyped:
        raise BankProblem("E_DSDICT", f"{', '.join(untyped)} has no type.", dsdict.where)


@dataclass
class Curve:
    """What the editor keeps of a pitch: a point every five ticks from the phrase's start.

    Attributes:
        start: tick.
        points: semitones ``[P]``.
        clock: tempo.
    """

    start: int
    points: NDArray[np.float64]
    clock: Clock

    @classmethod
    def drawn(cls, phrase: Sequence[Phoneme], notes: Sequence[Note], clock: Clock) -> Curve:
        """The tones of the notes, without bends."""
        start, end = phrase[0].start, phrase[-1].end
        ticks = np.arange(start, end + CURVE_TICKS, CURVE_TICKS)
        begins = np.array([note.start for note in notes])
        tones = np.array([note.tone for note in notes], np.float64)
        which = np.clip(np.searchsorted(begins, ticks, side="right") - 1, 0, len(notes) - 1)
        return cls(start, tones[which], clock)

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Semitones at times in ms ``[T]``, held at both ends."""
        ticks = np.array([self.clock.tick(ms) for ms in times])
        place = np.clip((ticks - self.start) / CURVE_TICKS, 0, len(self.points) - 1)
        return np.interp(place, np.arange(len(self.points)), self.points)

    def replaced(self, times: NDArray[np.float64], pitch: Array) -> Curve:
        """With a predicted pitch, kept as deviations in whole cents.

        Args:
            times: ms ``[T]``.
            pitch: semitones ``[T]``.
        """
        ticks = self.start + CURVE_TICKS * np.arange(len(self.points))
        when = np.array([self.clock.ms(float(tick)) for tick in ticks])
        cents = np.round(100 * (np.interp(when, times, pitch) - self.points))
        return Curve(self.start, self.points + cents / 100, self.clock)


@dataclass(frozen=True)
class NoteRows:
    """The notes of a phrase as a pitch model reads them.

    Attributes:
        tones: float32 ``[K]`` semitones; rests have those of notes beside them.
        rests: bool ``[K]``.
        frames: int64 ``[K]``; sum to T.
    """

    tones: Array
    rests: NDArray[np.bool_]
    frames: Integers

    @classmethod
    def of(
        cls,
        phrase: Sequence[Phoneme],
        notes: Sequence[Note],
        grid: Grid,
        dsdict: DsDict,
        clock: Clock,
    ) -> NoteRows:
        """The rows of a phrase."""
        start, end = phrase[0].start, phrase[-1].end
        inside = [note for note in notes if note.end > start and note.start < end]
        pad = PADDING * grid.frame
        first = clock.ms(inside[0].start) if inside else clock.ms(start)
        rows: list[tuple[float, float, bool]] = [
            (max(0.0, first - clock.ms(start) + pad), 0.0, True)
        ]
        now = inside[0].start if inside else start
        for note in inside:
            if note.start > now:
                rows.append((clock.ms(note.start) - clock.ms(now), 0.0, True))
            rest = not any(
                dsdict.is_vowel(p.symbol) and p.symbol not in ("SP", "AP")
                for p in phrase
                if note.start <= p.start < note.end
            )
            if note.continues:
                rest = rows[-1][2]
            rows.append((clock.ms(note.end) - clock.ms(note.start), note.tone, rest))
            now = note.end
        rows.append((pad, 0.0, True))
        frames = frames_of([row[0] for row in rows], grid.frame)
        return cls(
            _filled([row[1] for row in rows], [row[2] for row in rows]),
            np.array([row[2] for row in rows]),
            _absorbed(frames, grid.length),
        )


def _filled(tones: Sequence[float], rests: Sequence[bool]) -> Array:
    """Tones where rests sing what is beside them: in the middle half the one, half the other."""
    filled = np.array(tones, np.float32)
    sung = [k for k, rest in enumerate(rests) if not rest]
    if not sung:
        return np.full(len(tones), 60.0, np.float32)
    filled[: sung[0]] = filled[sung[0]]
    filled[sung[-1] + 1 :] = filled[sung[-1]]
    for left, right in itertools.pairwise(sung):
        run = right - left - 1
        half = left + 1 + (run + 1) // 2
        filled[left + 1 : half] = filled[left]
        filled[half:right] = filled[right]
    return filled


def _absorbed(frames: Integers, total: int) -> Integers:
    """Frames that sum to ``total``: the last row takes the rest, or earlier rows give."""
    frames = frames.copy()
    frames[-1] += total - int(frames.sum())
    for k in range(len(frames) - 1, 0, -1):
        if frames[k] < 0:
            frames[k - 1] += frames[k]
            frames[k] = 0
    return frames


def resampled(values: Array, source: Grid, target: Grid) -> Array:
    """A curve of one grid on the frames of another: head, body and tail by time."""
    if source.frame == target.frame and source.length == target.length:
        return values
    position: NDArray[Any] = (target.times - source.times[0]) / source.frame
    return np.interp(position, np.arange(len(values)), values).astype(np.float32)
