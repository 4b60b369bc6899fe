"""Notes and syllables as DS segments, ready for variance models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..dataset.note_names import REST, note_name
from .lyrics import Pronouncer, Syllable
from .model import ScoreSong, SungNote

SPLIT = 0.8
"""s; at longer rests a new segment begins."""

HEAD, TAIL = 0.4, 0.3
"""s of silence before and after a segment, where there is room."""

SHORTEST_HEAD = 0.2
"""s that the first consonants of a song need before its first note."""

SHORTEST_REST = 0.04
"""s; shorter rests belong to the note before them."""


@dataclass
class _Segment:
    """A segment while it is written."""

    offset: float
    words: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    slurs: list[int] = field(default_factory=list)
    lyrics: list[str] = field(default_factory=list)

    def rest(self, seconds: float, phoneme: str = "SP") -> None:
        self.words.append([phoneme])
        self._note(REST, seconds, slur=False)

    def sing(self, note: SungNote, syllable: Syllable, seconds: float) -> None:
        if syllable.phonemes:
            # What comes before the vowel is sung in the time of the note before.
            self.words[-1] += syllable.phonemes[: syllable.anchor]
            self.words.append(list(syllable.phonemes[syllable.anchor :]))
            self.lyrics.append(note.lyric)
        self._note(note_name(note.midi), seconds, slur=not syllable.phonemes)

    def _note(self, name: str, seconds: float, *, slur: bool) -> None:
        self.notes.append(name)
        self.durations.append(seconds)
        self.slurs.append(int(slur))

    def plain(self, language: str) -> dict[str, Any]:
        segment: dict[str, Any] = {
            "offset": round(self.offset, 6),
            "text": " ".join(self.lyrics),
            "ph_seq": " ".join(phoneme for word in self.words for phoneme in word),
            "ph_num": " ".join(str(len(word)) for word in self.words),
            "note_seq": " ".join(self.notes),
            "note_dur": " ".join(f"{seconds:.6f}" for seconds in self.durations),
            "note_slur": " ".join(map(str, self.slurs)),
        }
        return segment | ({"lang": language} if language else {})


def score_segments(
    song: ScoreSong, pronouncer: Pronouncer, *, language: str = ""
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Make the DS segments of a score.

    A word of DiffSinger begins with the vowel of a note; the consonants before it belong to the
    word before. Segments begin and end with silence, and are separated at long rests.

    Args:
        song: a read score.
        pronouncer: dictionary of its language.
        language: written as ``lang``; not written if empty.

    Returns:
        Segments with ``ph_seq``, ``ph_num``, ``note_seq``, ``note_dur``, ``note_slur`` and
        ``offset``, and what was assumed, as sentences.

    Raises:
        SingwizError: lyrics are missing or unknown.
    """
    notes, syllables = _without_silent(song.notes, pronouncer.syllables(song.notes))
    shift = max(0.0, SHORTEST_HEAD - notes[0].start) if notes else 0.0
    remarks = list(song.remarks)
    if shift:
        remarks.append(
            f"The song begins {shift:.2f} s later than written: its first consonants are sung "
            "before the first note."
        )
    segments: list[dict[str, Any]] = []
    now: _Segment | None = None
    end = 0.0
    for k, (note, syllable) in enumerate(zip(notes, syllables, strict=True)):
        start = note.start + shift
        gap = start - end
        if now is None or gap > SPLIT - 1e-6:
            if now is not None:
                now.rest(TAIL)
                segments.append(now.plain(language))
            head = min(HEAD, start)
            now = _Segment(start - head)
            now.rest(head)
        elif gap >= SHORTEST_REST:
            now.rest(gap)
        end = note.end + shift
        following = notes[k + 1].start + shift if k + 1 < len(notes) else None
        if following is not None and 0 < following - end < SHORTEST_REST:
            end = following
        if syllable.breath:
            now.rest(end - start, syllable.phonemes[0])
        else:
            now.sing(note, syllable, end - start)
    if now is not None:
        now.rest(TAIL)
        segments.append(now.plain(language))
    return segments, tuple(remarks)


def _without_silent(
    notes: Sequence[SungNote], syllables: Sequence[Syllable]
) -> tuple[list[SungNote], list[Syllable]]:
    """Without notes that say silence; a vowel held across a rest is sung anew behind it."""
    kept_notes: list[SungNote] = []
    kept: list[Syllable] = []
    vowel = ""
    for note, syllable in zip(notes, syllables, strict=True):
        if syllable.breath and syllable.phonemes == ("SP",):
            continue
        here = syllable
        if syllable.phonemes and not syllable.breath:
            vowel = syllable.phonemes[syllable.anchor]
        elif not syllable.phonemes:
            after_rest = (
                not kept or kept[-1].breath or note.start - kept_notes[-1].end >= SHORTEST_REST
            )
            if after_rest and not vowel:
                continue
            if after_rest:
                here = Syllable((vowel,))
        kept_notes.append(note)
        kept.append(here)
    return kept_notes, kept
