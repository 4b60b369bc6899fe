"""Checks of the note and word columns that only variance models read."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...findings import Finding, Place, Severity
from ..raw import Item, RawDataset
from ..rows import read_numbers
from .label_frames import BREATH, PAUSE, VOWEL, ends_of, kind_of
from .listening import Listening
from .needs import Needs
from .rules import report, some
from .thresholds import Thresholds
from .voicing import FRAME

_NOTE = re.compile(r"([A-Ga-g])([#♯b!♭𝄪𝄫♮]*)(-?\d+|\+\d+)?([+-]\d+)?")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"#": 1, "♯": 1, "b": -1, "!": -1, "♭": -1, "𝄪": 2, "𝄫": -2, "♮": 0}
_FEWEST_FRAMES = 5
_EDGE = 0.15


def note_value(name: str) -> float | None:
    """MIDI value of a note name (A4 = 69, with cents); NaN for ``rest``, None for nonsense."""
    if name == "rest":
        return math.nan
    found = _NOTE.fullmatch(name)
    if found is None:
        return None
    letter, signs, octave, cents = found.groups()
    value = 12.0 * (int((octave or "0")[:6]) + 1) + _LETTERS[letter.upper()]
    return value + sum(_SIGNS[sign] for sign in signs) + int((cents or "0")[:6]) / 100.0


@dataclass(frozen=True, slots=True)
class Melody:
    """The notes of an item: MIDI values (NaN = rest) ``[M]``, and their ends in s ``[M]``."""

    names: tuple[str, ...]
    values: np.ndarray
    ends: np.ndarray


def melody_of(item: Item) -> Melody | None:
    """The notes of an item; None if it has none, or if they cannot be used."""
    names = tuple(item.cells.get("note_seq", "").split())
    try:
        durations = [float(token) for token in item.cells.get("note_dur", "").split()]
    except ValueError:
        return None
    values = [note_value(name) for name in names]
    if not names or len(names) != len(durations) or None in values:
        return None
    if min(durations) < 0 or not math.isfinite(sum(durations)):
        return None
    return Melody(names, np.array(values, np.float64), np.cumsum(durations))


def check_columns(dataset: RawDataset, needs: Needs) -> list[Finding]:
    """Columns that the chosen functions need and rows do not have."""
    wanted = ["ph_num"] * needs.predict_dur + ["note_seq", "note_dur"] * needs.predict_pitch
    has_ds = bool(dataset.list_ds()) and needs.prefer_ds
    findings = []
    for column in wanted:
        lacking = [item for item in dataset.items if not item.cells.get(column, "").strip()]
        if not lacking or has_ds:
            continue
        who = "every row" if len(lacking) == len(dataset.items) else f"{len(lacking)} rows"
        names = some([item.name for item in lacking], limit=3)
        message = f"'{column}' is missing in {who}: {names}."
        place = dataset.place(lacking[0].name, lacking[0].line)
        findings.append(report("variance-columns-missing", message, place))
    return findings


def check_notes(dataset: RawDataset, item: Item, needs: Needs, limits: Thresholds) -> list[Finding]:
    """Notes against phonemes and words, without listening."""
    names = item.cells.get("note_seq", "").split()
    if not names:
        return []
    severity = Severity.ERROR if needs.kind == "variance" else Severity.WARNING
    place = dataset.place(item.name, item.line)
    for k, name in enumerate(names):
        if note_value(name) is None:
            message = f"Note {k + 1} of '{item.name}' is '{name[:20]}', which is not a note."
            return [report("note-invalid", message, place, severity=severity)]
    if all(name == "rest" for name in names):
        message = f"All notes of '{item.name}' are rests."
        return [report("note-all-rest", message, place, severity=severity)]
    melody = melody_of(item)
    if melody is None:
        return []
    findings = []
    ends = ends_of(item)
    difference = float(melody.ends[-1] - ends[-1])
    if abs(difference) > limits.note_length + 1e-9:
        side = "after" if difference > 0 else "before"
        serious = abs(difference) > limits.note_length_error
        message = f"The notes of '{item.name}' end {abs(difference):.3f} s {side} its phonemes."
        worse = severity if serious else Severity.WARNING
        findings.append(report("note-length", message, place, severity=worse))
    if not findings:
        findings += _check_words(dataset, item, melody, ends, limits)
    findings += _check_rests(dataset, item, melody, ends, limits)
    return findings


def word_counts(item: Item) -> list[int] | None:
    """``ph_num`` of an item; None if it is missing or does not fit the phonemes."""
    counts, finding = read_numbers("ph_num", item.cells.get("ph_num", ""), Place())
    words = [int(count) for count in counts]
    if finding or not words or min(words) < 1 or sum(words) != len(item.ph_seq):
        return None
    return words


def _check_words(
    dataset: RawDataset, item: Item, melody: Melody, ends: np.ndarray, limits: Thresholds
) -> list[Finding]:
    words = word_counts(item)
    if words is None or len(words) < 2:
        return []
    borders = ends[np.cumsum(words)[:-1] - 1]
    notes = melody.ends
    near = np.searchsorted(notes, borders)
    left = np.abs(borders - notes[np.maximum(near - 1, 0)])
    right = np.abs(borders - notes[np.minimum(near, len(notes) - 1)])
    distance = np.minimum(left, right)
    off = np.flatnonzero(distance > limits.word_boundary + 1e-9)
    if not len(off):
        return []
    worst = int(off[np.argmax(distance[off])])
    message = (
        f"In '{item.name}' {len(off)} of {len(borders)} words begin beside a note, by up to "
        f"{distance[worst]:.2f} s."
    )
    place = _at(dataset, item, float(borders[worst]))
    return [report("note-word-boundary", message, place)]


def _check_rests(
    dataset: RawDataset, item: Item, melody: Melody, ends: np.ndarray, limits: Thresholds
) -> list[Finding]:
    """Rests over sung phonemes and notes over silence, one finding per item."""
    kinds = np.array([kind_of(symbol) for symbol in item.ph_seq])
    note_starts = np.concatenate(([0.0], melody.ends[:-1]))
    lengths = np.minimum(melody.ends, ends[-1]) - np.minimum(note_starts, ends[-1])
    rests = np.isnan(melody.values)
    # The consonants of the next word belong to the rest before it; only vowels are sung notes.
    sung = _time_of(kinds == VOWEL, ends, note_starts, melody.ends)
    still = _time_of((kinds == PAUSE) | (kinds == BREATH), ends, note_starts, melody.ends)
    wrong = np.where(rests, sung, still) > limits.rest_share * lengths + 1e-6
    wrong &= lengths > limits.word_boundary
    if not wrong.any():
        return []
    first = int(np.argmax(wrong))
    what = "a rest over singing" if rests[first] else "a note over silence"
    more = f" and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else ""
    place = _at(dataset, item, float(note_starts[first]), float(melody.ends[first]))
    message = f"'{item.name}' has {what} at {place.start:.2f} s{more}."
    return [report("note-rest", message, place)]


def _time_of(
    chosen: np.ndarray, ends: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> np.ndarray:
    """Seconds of chosen phonemes between each start and stop."""
    lengths = np.diff(ends, prepend=0.0)
    passed = np.concatenate(([0.0], np.cumsum(np.where(chosen, lengths, 0.0))))
    knots = np.concatenate(([0.0], ends))
    return np.interp(stops, knots, passed) - np.interp(starts, knots, passed)


def check_sung_notes(
    dataset: RawDataset, item: Item, heard: Listening, limits: Thresholds
) -> list[Finding]:
    """Notes against the pitch that is sung; one finding per item."""
    melody = melody_of(item)
    if melody is None:
        return []
    differences, frames = _differences(melody, heard.f0)
    if len(differences) < 1:
        return []
    values = np.array([median for _, median in differences])
    octaves = np.abs(np.abs(values) - 12 * np.round(np.abs(values) / 12)) <= limits.note_octave
    octaves &= np.abs(values) > 6
    off = (np.abs(values) > limits.note_off) & ~octaves
    starts = np.concatenate(([0.0], melody.ends[:-1]))
    count = len(values)
    enough = max(limits.note_off_share * count, min(count, 2) - 0.5)
    if octaves.sum() > max(enough, off.sum()):
        which = differences[int(np.argmax(octaves))][0]
        word = "below" if values[octaves].mean() > 0 else "above"
        message = (
            f"{int(octaves.sum())} of {count} notes of '{item.name}' are an octave {word} what "
            "is sung."
        )
        return [report("note-octave", message, _at(dataset, item, float(starts[which])))]
    close = float((np.abs(frames) <= 0.5).mean())
    if off.sum() > enough:
        which = differences[int(np.argmax(off))][0]
        message = (
            f"{int(off.sum())} of {count} notes of '{item.name}' are more than "
            f"{limits.note_off:g} semitone beside what is sung."
        )
        return [report("note-off-pitch", message, _at(dataset, item, float(starts[which])))]
    if close < limits.note_close_share:
        message = (
            f"Only {close:.0%} of the singing in '{item.name}' is within half a semitone of its "
            "notes."
        )
        return [report("note-off-pitch", message, dataset.place(item.name, item.line))]
    return []


def _differences(melody: Melody, f0: np.ndarray) -> tuple[list[tuple[int, float]], np.ndarray]:
    """Sung minus written, in semitones: median per note, and of every frame inside a note."""
    sung = np.full(len(f0), np.nan)
    sung[f0 > 0] = 69 + 12 * np.log2(f0[f0 > 0] / 440.0)
    found: list[tuple[int, float]] = []
    every: list[np.ndarray] = []
    start = 0.0
    for k, (value, end) in enumerate(zip(melody.values, melody.ends, strict=True)):
        # Notes begin with consonants and glide at both ends.
        edge = _EDGE * (end - start)
        inner = sung[round((start + edge) / FRAME) : round((end - edge) / FRAME)]
        inner = inner[~np.isnan(inner)] - value
        if not math.isnan(value) and len(inner) >= _FEWEST_FRAMES:
            found.append((k, float(np.median(inner))))
            every.append(inner)
        start = float(end)
    return found, np.concatenate(every) if every else np.zeros(0)


def check_glides(datasets: Sequence[RawDataset], needs: Needs) -> list[Finding]:
    """Ornaments that are unknown, and known ones that nobody sings."""
    if not needs.glide_types:
        return []
    counts: Counter[str] = Counter()
    findings = []
    for dataset in datasets:
        for item in dataset.items:
            glides = item.cells.get("note_glide", "").split()
            counts.update(glides)
            unknown = [g for g in dict.fromkeys(glides) if g not in ("none", *needs.glide_types)]
            if unknown:
                message = f"note_glide of '{item.name}' has the unknown type {some(unknown)}."
                place = dataset.place(item.name, item.line)
                findings.append(report("glide-unknown", message, place))
    for kind in (*needs.glide_types, "none"):
        if not counts[kind]:
            message = f"No note has the glide '{kind}', so the voice cannot learn it."
            findings.append(report("glide-unused", message, Place(symbol=kind)))
    return findings


def check_word_forms(
    dataset: RawDataset, kinds: Mapping[str, str], limits: Thresholds
) -> list[Finding]:
    """Words that begin with a consonant, hold two vowels, or have a pause inside.

    Args:
        kinds: phoneme as written in the labels -> ``vowel`` or ``consonant``; others are not
            judged.
    """
    bad: list[tuple[Item, str]] = []
    for item in dataset.items:
        words = word_counts(item)
        if words is None:
            continue
        borders = [0, *np.cumsum(words).tolist()]
        for number, (first, end) in enumerate(pairwise(borders)):
            what = _fault_of_word(item.ph_seq[first:end], kinds, number > 0)
            if what:
                bad.append((item, what))
                break
    if not bad:
        return []
    item, what = bad[0]
    names = some([item.name for item, _ in bad], limit=3)
    message = f"In {len(bad)} row(s) words are cut at the wrong place ({what}): {names}."
    return [report("word-form", message, dataset.place(item.name, item.line))]


def _fault_of_word(word: Sequence[str], kinds: Mapping[str, str], follows: bool) -> str:
    pauses = [kind_of(symbol) in (PAUSE, BREATH) for symbol in word]
    if any(pauses[1:]):
        return f"'{' '.join(word)}' has a pause inside"
    if follows and kinds.get(word[0]) == "consonant":
        return f"'{' '.join(word)}' begins with a consonant"
    if sum(kinds.get(symbol) == "vowel" for symbol in word) > 1:
        return f"'{' '.join(word)}' has two vowels"
    return ""


def _at(dataset: RawDataset, item: Item, start: float, end: float | None = None) -> Place:
    place = dataset.place(item.name, item.line)
    stop = None if end is None else round(end, 6)
    return Place(place.dataset, item.name, place.file, item.line, "", round(start, 6), stop)
