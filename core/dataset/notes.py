"""Notes from pitch curves: rough estimates, cents, short slurs, and notes that fit the words.

Pure functions of numbers; what they make has to be refined by ear before it trains a good pitch
model. Not for finding the pitch: :mod:`singwiz.core.features.notes` hands the curves in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VOICED_SHARE = 0.15
"""A word with a smaller share of voiced frames is a rest."""

NEAR = 0.5
"""Semitones; frames that far from a note still belong to it."""

CLOSE_SHARE = 0.4
"""If fewer of a note's voiced frames are near it, the label is doubtful."""

TOLERANCE = 0.01
"""Seconds by which borders of notes and words may differ and still mean the same."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        midi: pitch with cents as decimals; None = rest.
        seconds: length.
        slur: continues the word before it.
    """

    midi: float | None
    seconds: float
    slur: bool = False


def rough_notes(
    f0: NDArray[np.floating],
    unvoiced: NDArray[np.bool_],
    word_dur: Sequence[float],
    timestep: float,
    *,
    rests: Sequence[bool] | None = None,
) -> tuple[Note, ...]:
    """One note per word: the mean of the frames around the word's most frequent semitone.

    Args:
        f0: ``[T]`` Hz; values of unvoiced frames do not matter.
        unvoiced: bool ``[T]``.
        word_dur: s per word.
        timestep: s per frame.
        rests: words that are silence or breath; they become rests whatever sounds in them.
    """
    midi = _midi(f0, unvoiced)
    notes = []
    for k, (first, last) in enumerate(_frames(word_dur, timestep, len(midi))):
        inside = midi[first:last]
        voiced = inside[np.isfinite(inside)]
        silent = bool(rests[k]) if rests is not None else False
        if silent or not len(voiced) or len(voiced) < VOICED_SHARE * len(inside):
            notes.append(Note(None, word_dur[k]))
            continue
        semitones, counts = np.unique(np.rint(voiced), return_counts=True)
        mode = semitones[np.argmax(counts)]
        near = voiced[(voiced >= mode - NEAR) & (voiced < mode + NEAR)]
        notes.append(Note(float(near.mean()), word_dur[k]))
    return tuple(notes)


def correct_cents(
    notes: Sequence[Note],
    f0: NDArray[np.floating],
    unvoiced: NDArray[np.bool_],
    timestep: float,
) -> tuple[tuple[Note, ...], tuple[int, ...]]:
    """Move every note to where it is really sung, by less than a quarter tone.

    Args:
        notes: as labelled.
        f0: ``[T]`` Hz.
        unvoiced: bool ``[T]``.
        timestep: s per frame.

    Returns:
        The notes, and the positions of doubtful ones: those of whose voiced frames fewer than
        :data:`CLOSE_SHARE` are within half a semitone. Without any such frame a note stays.
    """
    midi = _midi(f0, unvoiced)
    corrected: list[Note] = []
    doubtful = []
    spans = _frames([note.seconds for note in notes], timestep, len(midi))
    for k, (note, (first, last)) in enumerate(zip(notes, spans, strict=True)):
        inside = midi[first:last]
        voiced = inside[np.isfinite(inside)]
        if note.midi is None or not len(voiced):
            corrected.append(note)
            continue
        near = voiced[np.abs(voiced - note.midi) <= NEAR]
        if len(near) < CLOSE_SHARE * len(voiced):
            doubtful.append(k)
        pitch = float(near.mean()) if len(near) else note.midi
        corrected.append(Note(pitch, note.seconds, note.slur))
    return tuple(corrected), tuple(doubtful)


def remove_short_slurs(notes: Sequence[Note], shortest: float) -> tuple[Note, ...]:
    """Merge the very short notes of a word into their neighbours.

    A run between two longer notes is shared half and half, one at the start of a word goes to
    the next note, one at its end to the note before. Words with one note or only short ones stay.

    Args:
        notes: of an item; a note without ``slur`` begins a word.
        shortest: s; shorter notes are merged.
    """
    words: list[list[Note]] = []
    for note in notes:
        if note.slur and words:
            words[-1].append(note)
        else:
            words.append([note])
    return tuple(note for word in words for note in _without_short(word, shortest))


def _without_short(word: list[Note], shortest: float) -> list[Note]:
    kept = [k for k, note in enumerate(word) if note.seconds >= shortest]
    if len(word) == 1 or not kept or len(kept) == len(word):
        return word
    seconds = {k: word[k].seconds for k in kept}
    for k, note in enumerate(word):
        if k in seconds:
            continue
        before = max((i for i in kept if i < k), default=None)
        after = min((i for i in kept if i > k), default=None)
        for neighbour in (before, after):
            if neighbour is not None:
                both = before is not None and after is not None
                seconds[neighbour] += note.seconds / 2 if both else note.seconds
    return [
        Note(word[k].midi, seconds[k], slur=word[0].slur if position == 0 else True)
        for position, k in enumerate(kept)
    ]


def align_to_words(
    notes: Sequence[Note], word_dur: Sequence[float], *, tolerance: float = TOLERANCE
) -> tuple[Note, ...]:
    """Notes cut and stretched so that every word begins and ends with one.

    Args:
        notes: as labelled; their slurs do not matter.
        word_dur: s per word.
        tolerance: s; borders of notes that near to a border of a word are taken for it.

    Returns:
        Notes whose lengths add up to each word; the first of a word has no slur, others have.

    Raises:
        ValueError: there is no note.
    """
    if not notes:
        raise ValueError("there is no note to align")
    ends = np.cumsum([note.seconds for note in notes])
    starts = np.concatenate(([0.0], ends[:-1]))
    word_ends = np.cumsum(word_dur)
    aligned: list[Note] = []
    for word, seconds in enumerate(word_dur):
        begin, end = (float(word_ends[word - 1]) if word else 0.0), float(word_ends[word])
        first = int(np.argmin(np.abs(starts - begin)))
        if begin < starts[first] - tolerance and first > 0:
            first -= 1
        last = int(np.argmin(np.abs(ends - end)))
        if end > ends[last] + tolerance and last < len(notes) - 1:
            last += 1
        last = max(first, last)
        borders = [begin, *(min(max(float(s), begin), end) for s in starts[first + 1 : last + 1])]
        pieces: list[tuple[float | None, float]] = []
        for k, border in enumerate(borders):
            until = borders[k + 1] if k + 1 < len(borders) else end
            pitch = notes[first + k].midi
            if pieces and pieces[-1][0] == pitch:
                pieces[-1] = (pitch, pieces[-1][1] + until - border)
            elif until > border:
                pieces.append((pitch, until - border))
        if not pieces:
            pieces = [(notes[first].midi, seconds)]
        for k, (pitch, length) in enumerate(_exact(pieces, seconds)):
            aligned.append(Note(pitch, length, slur=k > 0))
    return tuple(aligned)


def _exact(
    pieces: list[tuple[float | None, float]], seconds: float
) -> list[tuple[float | None, float]]:
    """Lengths rounded to microseconds; the last one takes what makes the sum exact."""
    rounded = [(pitch, round(length, 6)) for pitch, length in pieces]
    others = sum(length for _, length in rounded[:-1])
    rounded[-1] = (rounded[-1][0], max(round(seconds - others, 9), 0.0))
    return rounded


def _midi(f0: NDArray[np.floating], unvoiced: NDArray[np.bool_]) -> NDArray[np.float64]:
    """MIDI numbers ``[T]``, NaN where unvoiced."""
    voiced = ~np.asarray(unvoiced, bool) & (np.asarray(f0) > 0)
    hz = np.where(voiced, np.asarray(f0, np.float64), 440.0)
    return np.where(voiced, 69 + 12 * np.log2(hz / 440), np.nan)


def _frames(seconds: Sequence[float], timestep: float, length: int) -> list[tuple[int, int]]:
    """First and one-past-last frame of consecutive stretches of time."""
    borders = np.rint(np.cumsum([0.0, *seconds]) / timestep)
    whole = np.clip(borders, 0, length).astype(int)
    return list(zip(whole[:-1].tolist(), whole[1:].tolist(), strict=True))
