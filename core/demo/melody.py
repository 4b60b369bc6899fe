"""What the demo singer sings: phrases of notes and syllables, and their exact labels.

No sound is made here; :mod:`.voice` sings a :class:`Phrase`. Time is kept on a grid of one
millisecond so that labels written with six decimals are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VOWELS = ("a", "i", "u", "e", "o")
CONSONANTS = ("k", "s", "t", "n", "m", "r", "h")
NASAL = "N"
SYLLABLES: dict[str, tuple[str, ...]] = {
    **{vowel: (vowel,) for vowel in VOWELS},
    **{c + v: (c, v) for c in CONSONANTS for v in VOWELS},
    NASAL: (NASAL,),
}
"""The demo language: syllable → phonemes. SP (silence) and AP (breath) are not part of it."""

CONSONANT_MS = {"k": 80, "s": 110, "t": 70, "n": 70, "m": 75, "r": 45, "h": 75}
MAJOR = (0, 2, 4, 5, 7, 9, 11)
LOWEST, HIGHEST = 52, 70
"""Range of the demo singer, MIDI: E3 to A#4, an octave and a half."""

NOTE_MS = (240, 300, 360, 480, 640)
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class Note:
    """One syllable on one pitch; ``syllable`` may be ``SP`` or ``AP`` (then ``midi`` is None)."""

    syllable: str
    midi: int | None
    milliseconds: int


@dataclass(frozen=True)
class Phrase:
    """Notes with the labels that follow from them.

    Attributes:
        notes: what is sung, from ``SP`` to ``SP``.
        ph_seq: phonemes.
        ph_ms: milliseconds per phoneme, same length; sums to the length of the notes.
        ph_num: phonemes per word; a word starts at a vowel, ``N``, ``SP`` or ``AP``, and a
            consonant belongs to the word before it, because it is sung before the beat.
    """

    notes: tuple[Note, ...]
    ph_seq: tuple[str, ...]
    ph_ms: tuple[int, ...]
    ph_num: tuple[int, ...]

    @property
    def milliseconds(self) -> int:
        return sum(note.milliseconds for note in self.notes)

    @property
    def note_seq(self) -> tuple[str, ...]:
        return tuple("rest" if n.midi is None else note_name(n.midi) for n in self.notes)

    @property
    def note_dur(self) -> tuple[float, ...]:
        return tuple(n.milliseconds / 1000 for n in self.notes)

    @property
    def ph_dur(self) -> tuple[float, ...]:
        return tuple(ms / 1000 for ms in self.ph_ms)


def note_name(midi: int) -> str:
    """``60`` → ``C4``."""
    return f"{NAMES[midi % 12]}{midi // 12 - 1}"


def label(notes: list[Note]) -> Phrase:
    """Spell notes as phonemes: each vowel starts on the beat, its consonant just before it.

    Args:
        notes: starts with ``SP`` or ``AP``; every note is longer than the consonant after it.
    """
    ph_seq: list[str] = []
    ph_ms: list[int] = []
    ph_num: list[int] = []
    for note in notes:
        spelled = SYLLABLES.get(note.syllable, (note.syllable,))
        for consonant in spelled[:-1]:
            length = min(CONSONANT_MS[consonant], ph_ms[-1] // 2)
            ph_ms[-1] -= length
            ph_seq.append(consonant)
            ph_ms.append(length)
            ph_num[-1] += 1
        ph_seq.append(spelled[-1])
        ph_ms.append(note.milliseconds)
        ph_num.append(1)
    return Phrase(tuple(notes), tuple(ph_seq), tuple(ph_ms), tuple(ph_num))


class Composer:
    """Writes phrases that use every phoneme about equally often.

    Args:
        rng: source of all choices.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._onsets: list[str] = []
        self._vowels: list[str] = []

    def phrase(self, seconds: float) -> Phrase:
        """A phrase of exactly ``round(seconds, 3)`` seconds, ``SP`` … ``SP``, a breath inside.

        Args:
            seconds: at least 1.5.
        """
        total = round(seconds * 1000)
        notes = [
            Note("SP", None, int(self.rng.integers(140, 221))),
            Note("AP", None, int(self.rng.integers(200, 301))),
        ]
        tail = int(self.rng.integers(140, 221))
        left = total - tail - sum(n.milliseconds for n in notes)
        tonic = int(self.rng.integers(12))
        scale = [m for m in range(LOWEST, HIGHEST + 1) if (m - tonic) % 12 in MAJOR]
        step = int(self.rng.integers(len(scale)))
        while left > 0:
            length = int(self.rng.choice(NOTE_MS))
            if left - length < min(NOTE_MS):
                length = left
            notes.append(Note(self._syllable(), scale[step], length))
            left -= length
            step += int(self.rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]))
            step = abs(step) if step < len(scale) else 2 * (len(scale) - 1) - step
        notes.append(Note("SP", None, tail))
        return label(notes)

    def _syllable(self) -> str:
        """Next syllable: onsets and vowels are each dealt like cards, so none is forgotten."""
        if not self._onsets:
            self._onsets = list(self.rng.permutation([*CONSONANTS, "", NASAL]))
        onset = self._onsets.pop()
        if onset == NASAL:
            return NASAL
        if not self._vowels:
            self._vowels = list(self.rng.permutation(VOWELS))
        return onset + self._vowels.pop()


def demo_song() -> list[tuple[float, Phrase]]:
    """The song that is rendered at the end of the demo: two phrases and their offsets in seconds.

    Rising and falling lines with a wide leap and a long last note; composed for this program.
    """
    first = (
        "SP:400 AP:250 ha:57:400 ru:59:400 no:61:600 mi:64:300 ke:62:300 sa:61:500 "
        "ki:66:700 to:64:300 o:61:800 SP:300"
    )
    second = (
        "SP:300 AP:250 na:64:400 mi:66:400 ta:69:600 N:66:400 e:64:300 ro:61:300 "
        "su:62:400 he:59:400 a:57:1200 SP:400"
    )
    result: list[tuple[float, Phrase]] = []
    offset = 0.0
    for text in (first, second):
        notes = []
        for word in text.split():
            parts = word.split(":")
            midi = int(parts[1]) if len(parts) == 3 else None
            notes.append(Note(parts[0], midi, int(parts[-1])))
        phrase = label(notes)
        result.append((offset, phrase))
        offset = round(offset + phrase.milliseconds / 1000, 3)
    return result
