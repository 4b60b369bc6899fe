"""Note names as DiffSinger writes them (``F#4-12``, ``rest``) and MIDI numbers.

Not for estimating notes from recordings: see :mod:`.notes`.
"""

from __future__ import annotations

import math
import re

from ..errors import SingwizError

REST = "rest"

_NOTE = re.compile(
    r"(?P<letter>[A-Ga-g])(?P<signs>[#♯b!♭𝄪𝄫♮]*)(?P<octave>[+-]?\d{1,3})?(?P<cents>[+-]\d{1,5})?",
    re.ASCII,
)
_SEMITONE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGN = {"#": 1, "♯": 1, "b": -1, "!": -1, "♭": -1, "𝄪": 2, "𝄫": -2, "♮": 0}
_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def parse_note(name: str) -> float | None:
    """The pitch of a note name.

    A sign right after the letter belongs to the octave: ``C+25`` is octave 25.

    Returns:
        MIDI number (A4 = 69) with cents as decimals; None for ``rest``.

    Raises:
        SingwizError: not a note name.
    """
    if name == REST:
        return None
    match = _NOTE.fullmatch(name)
    if match is None:
        hint = "Write notes like C4, F#3 or A#4-15, and silence as rest."
        if name.lower() == REST:
            hint = "Write 'rest' in small letters."
        raise SingwizError("note-invalid", f"'{name[:30]}' is not a note name.", hint=hint)
    octave = int(match["octave"] or 0)
    midi = 12 * (octave + 1) + _SEMITONE[match["letter"].upper()]
    midi += sum(_SIGN[sign] for sign in match["signs"])
    return midi + int(match["cents"] or 0) / 100


def note_name(midi: float | None) -> str:
    """The name of a pitch, with sharps, and cents where there are any.

    Args:
        midi: MIDI number with cents as decimals, finite; None for a rest.
    """
    if midi is None:
        return REST
    whole = round(midi)
    cents = round(100 * (midi - whole))
    tail = f"{cents:+d}" if cents else ""
    return f"{_SHARPS[whole % 12]}{whole // 12 - 1}{tail}"


def hz_to_midi(hz: float) -> float:
    """MIDI number of a frequency above zero."""
    return 69 + 12 * math.log2(hz / 440)


def midi_to_hz(midi: float) -> float:
    """Frequency of a MIDI number."""
    return 440 * 2.0 ** ((midi - 69) / 12)
