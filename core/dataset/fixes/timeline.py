"""The labels of one row as lists that belong together: phonemes, words and notes.

For fixes that lengthen, shorten, insert or remove a phoneme without letting the other columns
fall out of step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .edits import DatasetEdit
from .table import TableRow

_DIGITS = 6


@dataclass
class Timeline:
    """Labels of one item.

    Attributes:
        ph_seq: phonemes as written.
        ph_dur: s.
        ph_num: phonemes per word; empty if there is no such column, or it does not fit.
        note_seq, note_dur, note_slur, note_glide: notes; empty alike.
    """

    ph_seq: list[str]
    ph_dur: list[float]
    ph_num: list[int] = field(default_factory=list)
    note_seq: list[str] = field(default_factory=list)
    note_dur: list[float] = field(default_factory=list)
    note_slur: list[str] = field(default_factory=list)
    note_glide: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the phonemes, s."""
        return sum(self.ph_dur)

    @property
    def first(self) -> str:
        """First phoneme without language prefix."""
        return self.ph_seq[0].rpartition("/")[2]

    @property
    def last(self) -> str:
        """Last phoneme without language prefix."""
        return self.ph_seq[-1].rpartition("/")[2]

    def stretch_end(self, seconds: float) -> None:
        """Lengthen (or shorten) the last phoneme, and a rest above it."""
        self.ph_dur[-1] += seconds
        if self.note_seq and self.note_seq[-1] == "rest":
            self.note_dur[-1] = max(self.note_dur[-1] + seconds, 0.0)

    def stretch_start(self, seconds: float) -> None:
        """Lengthen (or shorten) the first phoneme, and a rest above it."""
        self.ph_dur[0] += seconds
        if self.note_seq and self.note_seq[0] == "rest":
            self.note_dur[0] = max(self.note_dur[0] + seconds, 0.0)

    def add_silence(self, seconds: float, *, at_start: bool) -> None:
        """A phoneme SP, a word of its own, with a rest."""
        where = 0 if at_start else len(self.ph_seq)
        self.ph_seq.insert(where, "SP")
        self.ph_dur.insert(where, seconds)
        if self.ph_num:
            self.ph_num.insert(0 if at_start else len(self.ph_num), 1)
        if self.note_seq:
            end = 0 if at_start else len(self.note_seq)
            self.note_seq.insert(end, "rest")
            self.note_dur.insert(end, seconds)
            if self.note_slur:
                self.note_slur.insert(end, "0")
            if self.note_glide:
                self.note_glide.insert(end, "none")

    def remove(self, k: int) -> bool:
        """Take out a phoneme; its time goes to a neighbour.

        Returns:
            False, with nothing changed, if it is the only one or a whole word with notes.
        """
        if len(self.ph_seq) < 2:
            return False
        word = self._word_of(k)
        if word is not None and self.ph_num[word] == 1 and self.note_seq:
            return False
        seconds = self.ph_dur.pop(k)
        self.ph_seq.pop(k)
        self.ph_dur[max(k - 1, 0)] += seconds
        if word is not None:
            self.ph_num[word] -= 1
            if not self.ph_num[word]:
                self.ph_num.pop(word)
        return True

    def _word_of(self, k: int) -> int | None:
        end = 0
        for word, size in enumerate(self.ph_num):
            end += size
            if k < end:
                return word
        return None


def read_timeline(edit: DatasetEdit, row: TableRow) -> Timeline | None:
    """The labels of a row; None if phonemes and durations cannot be used."""
    ph_seq = edit.cell(row, "ph_seq").split()
    ph_dur = _floats(edit.cell(row, "ph_dur"))
    if not ph_seq or ph_dur is None or len(ph_dur) != len(ph_seq) or min(ph_dur) < 0:
        return None
    timeline = Timeline(ph_seq, ph_dur)
    words = _floats(edit.cell(row, "ph_num")) or []
    if words and all(n >= 1 and n.is_integer() for n in words) and sum(words) == len(ph_seq):
        timeline.ph_num = [int(n) for n in words]
    notes = edit.cell(row, "note_seq").split()
    lengths = _floats(edit.cell(row, "note_dur")) or []
    if notes and len(notes) == len(lengths):
        timeline.note_seq, timeline.note_dur = notes, lengths
        for column in ("note_slur", "note_glide"):
            values = edit.cell(row, column).split()
            setattr(timeline, column, values if len(values) == len(notes) else [])
    return timeline


def write_timeline(edit: DatasetEdit, row: TableRow, timeline: Timeline) -> None:
    """Write the lists that changed back into the row."""
    columns: dict[str, list[str]] = {
        "ph_seq": timeline.ph_seq,
        "ph_dur": [_seconds(value) for value in timeline.ph_dur],
        "ph_num": [str(value) for value in timeline.ph_num],
        "note_seq": timeline.note_seq,
        "note_dur": [_seconds(value) for value in timeline.note_dur],
        "note_slur": timeline.note_slur,
        "note_glide": timeline.note_glide,
    }
    for column, values in columns.items():
        old = edit.cell(row, column).split()
        if values and not _equal(values, old):
            # What did not change keeps its spelling, so that the diff shows what did.
            if len(values) == len(old):
                values = [b if _equal([a], [b]) else a for a, b in zip(values, old, strict=True)]
            edit.set(row, column, values)


def _equal(values: list[str], old: list[str]) -> bool:
    return len(values) == len(old) and all(
        a == b or _rounded(a) == _rounded(b) for a, b in zip(values, old, strict=True)
    )


def _rounded(text: str) -> str:
    try:
        return _seconds(float(text))
    except ValueError:
        return text


def _seconds(value: float) -> str:
    return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".") or "0"


def _floats(cell: str) -> list[float] | None:
    try:
        values = [float(token) for token in cell.split()]
    except ValueError:
        return None
    finite = all(abs(value) < 1e12 for value in values) and "_" not in cell
    return values if values and finite else None
