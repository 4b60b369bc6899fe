"""Notes with lyrics in seconds: what all score formats become."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import USAGE_PROBLEM, SingwizError

Syllabic = Literal["single", "begin", "middle", "end"]

DEFAULT_BPM = 120.0
MAX_SECONDS = 4 * 3600.0
MAX_NOTES = 100_000


@dataclass(frozen=True, slots=True)
class SungNote:
    """One note.

    Attributes:
        start: s.
        end: s, after the start.
        midi: pitch with cents as decimals.
        lyric: as written; empty where a note continues the one before.
        place: where it is in the score, e.g. ``bar 3, beat 2``.
        syllabic: which part of a word the lyric is, where the format tells.
    """

    start: float
    end: float
    midi: float
    lyric: str
    place: str
    syllabic: Syllabic = "single"


@dataclass(frozen=True)
class ScoreSong:
    """A read score.

    Attributes:
        title: for people.
        notes: one voice, by time, not overlapping.
        remarks: what was left out or assumed, as sentences.
    """

    title: str
    notes: tuple[SungNote, ...]
    remarks: tuple[str, ...] = ()


class TempoMap:
    """Quarter notes to seconds.

    Args:
        changes: quarter note of each change and tempo in quarters per minute, in any order.
    """

    def __init__(self, changes: Iterable[tuple[float, float]]) -> None:
        self._starts = [0.0]
        self._tempos = [DEFAULT_BPM]
        self._seconds = [0.0]
        for quarter, bpm in sorted(changes, key=lambda change: change[0]):
            if not 1.0 <= bpm <= 10_000.0 or not quarter >= 0.0:
                raise unreadable(f"a tempo of {bpm:g} quarters per minute cannot be sung")
            now = self.seconds(quarter)
            if quarter == self._starts[-1]:
                self._tempos[-1] = bpm
                continue
            self._starts.append(quarter)
            self._tempos.append(bpm)
            self._seconds.append(now)

    def seconds(self, quarter: float) -> float:
        """When a quarter note begins, s."""
        k = max(0, bisect_right(self._starts, quarter) - 1)
        return self._seconds[k] + (quarter - self._starts[k]) * 60.0 / self._tempos[k]


class Bars:
    """Quarter notes to bars and beats.

    Args:
        signatures: quarter note, beats per bar and length of a beat in quarters of each change.
    """

    def __init__(self, signatures: Iterable[tuple[float, int, float]] = ()) -> None:
        self._changes: list[tuple[float, int, int, float]] = [(0.0, 1, 4, 1.0)]
        for quarter, beats, beat in sorted(signatures):
            if beats < 1 or beat <= 0:
                continue
            start, bar, old_beats, old_beat = self._changes[-1]
            passed = (quarter - start) / (old_beats * old_beat)
            change = (quarter, bar + max(0, round(passed)), beats, beat)
            if quarter <= start:
                self._changes[-1] = change
            else:
                self._changes.append(change)

    def place(self, quarter: float) -> str:
        """``bar 3, beat 2.5``, both from 1."""
        start, bar, beats, beat = next(
            change for change in reversed(self._changes) if change[0] <= max(quarter, 0.0)
        )
        passed = (max(quarter, 0.0) - start) / beat
        return f"bar {bar + int(passed // beats)}, beat {1 + passed % beats:.3g}"


def one_voice(notes: Sequence[SungNote]) -> tuple[tuple[SungNote, ...], tuple[str, ...]]:
    """Notes by time, each ending where the next begins at the latest, and what that took away.

    Of notes that begin together the one with a lyric counts, else the highest.

    Raises:
        SingwizError: there are no notes, or impossibly many.
    """
    if not notes:
        raise SingwizError(
            "score-no-notes",
            "There are no notes in this score.",
            hint="Choose another part, or export the score again.",
            exit_code=USAGE_PROBLEM,
        )
    if len(notes) > MAX_NOTES or max(note.end for note in notes) > MAX_SECONDS:
        raise unreadable("it is longer than any song")
    ordered = sorted(notes, key=lambda n: (n.start, not n.lyric, -n.midi))
    kept: list[SungNote] = []
    lost = cut = 0
    for note in ordered:
        if note.end <= note.start:
            continue
        if kept and note.start - kept[-1].start < 1e-6:
            lost += 1
            continue
        if kept and kept[-1].end > note.start + 1e-6:
            cut += 1
            kept[-1] = replace(kept[-1], end=note.start)
        kept.append(note)
    remarks = []
    if lost:
        remarks.append(f"{lost} notes sound together with another one and were left out.")
    if cut:
        remarks.append(f"{cut} notes were shortened, because the next one begins before they end.")
    if not kept:
        return one_voice(())
    return tuple(kept), tuple(remarks)


def unreadable(what: str, where: str = "") -> SingwizError:
    """The error for a file that makes no sense as a score."""
    return SingwizError(
        "score-unreadable",
        f"This score cannot be read: {what}.",
        hint="Export it again from the program it was written with.",
        where=where,
        exit_code=USAGE_PROBLEM,
    )


def no_part(wanted: str, names: Sequence[str]) -> SingwizError:
    """The error for a part or track that is not there."""
    return SingwizError(
        "score-part-missing",
        f"The score has no part '{wanted}'.",
        hint="There are: " + ", ".join(f"{k} {n}".strip() for k, n in enumerate(names, 1)) + ".",
        exit_code=USAGE_PROBLEM,
    )


def choose_part(wanted: str, names: Sequence[str]) -> int | None:
    """Index of the part that is called so, or has that number from 1; None if none is wanted.

    Raises:
        SingwizError: there is no such part.
    """
    if not wanted:
        return None
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    raise no_part(wanted, names)
