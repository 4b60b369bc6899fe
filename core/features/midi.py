"""Pitch in semitones: of frames, of phonemes and of notes.

MIDI numbers throughout (A4 = 69, cents as decimals), because intervals are differences there.
Not for guessing notes from recordings: see :mod:`.notes`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset.note_names import parse_note
from ..errors import SingwizError
from .curves import smooth


def pitch_from_f0(f0: NDArray[np.floating]) -> NDArray[np.float32]:
    """Pitch of each frame.

    Args:
        f0: ``[T]`` Hz, above 0; interpolate unvoiced frames before.

    Returns:
        float32 ``[T]`` MIDI numbers.

    Raises:
        ValueError: a frame has no F0.
    """
    hertz = np.asarray(f0, np.float64)
    if not (hertz > 0).all():
        raise ValueError("a frame without F0 has no pitch")
    return (69.0 + 12.0 * np.log2(hertz / 440.0)).astype(np.float32)


def phoneme_midi(
    pitch: NDArray[np.floating], mel2ph: NDArray[np.integer], count: int
) -> NDArray[np.int64]:
    """Mean pitch of each phoneme's frames, as whole semitones.

    The same rule gives the MIDI of words, with the owners of frames being words.

    Args:
        pitch: ``[T]`` MIDI numbers without gaps: sung, or of the notes.
        mel2ph: int ``[T]``, 1-based phoneme that owns each frame; 0 = nobody.
        count: number of phonemes P.

    Returns:
        int64 ``[P]``, 0..127; 0 for a phoneme without frames.
    """
    frames = np.bincount(mel2ph, minlength=count + 1)[1 : count + 1]
    total = np.bincount(mel2ph, np.asarray(pitch, np.float64), minlength=count + 1)[1 : count + 1]
    return np.clip(np.rint(total / np.maximum(frames, 1)), 0, 127).astype(np.int64)


def note_midi(
    note_seq: Sequence[str], *, without_notes: float | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Pitch of each note; rests take that of the nearest note, of two the earlier one's.

    Args:
        note_seq: ``[N]`` names such as ``A4``, ``F#3-12`` and ``rest``.
        without_notes: MIDI number of all rests where there is no note at all.

    Returns:
        float32 ``[N]`` MIDI numbers, and bool ``[N]``, true for rests.

    Raises:
        SingwizError: a name is no note, or all are rests and ``without_notes`` is not given.
    """
    pitches = [parse_note(name) for name in note_seq]
    rest = np.array([pitch is None for pitch in pitches], np.bool_)
    sung = np.flatnonzero(~rest)
    if not len(sung):
        if without_notes is None:
            raise SingwizError(
                "notes-all-rest",
                "There is nothing but rests in note_seq.",
                hint="Write the notes that are sung, or leave the item out.",
                where="note_seq",
            )
        return np.full(len(rest), without_notes, np.float32), rest
    values = np.array([pitches[index] for index in sung], np.float32)
    distance = np.abs(np.arange(len(rest))[:, None] - sung)
    return values[distance.argmin(axis=1)], rest


def frame_midi(
    note_midi: NDArray[np.floating], mel2note: NDArray[np.integer]
) -> NDArray[np.float32]:
    """The pitch of the note that owns each frame.

    Args:
        note_midi: ``[N]`` MIDI numbers without rests.
        mel2note: int ``[T]``, 1-based.

    Returns:
        float32 ``[T]``.
    """
    return np.asarray(note_midi, np.float32)[mel2note - 1]


def base_pitch(
    note_midi: NDArray[np.floating], mel2note: NDArray[np.integer], dt: float, width: float
) -> NDArray[np.float32]:
    """The melody as written, its steps rounded: what a pitch predictor adds its curve to.

    Args:
        note_midi: ``[N]`` MIDI numbers without rests.
        mel2note: int ``[T]``, 1-based note that owns each frame.
        dt: seconds per frame.
        width: seconds of the smoothing kernel (``midi_smooth_width``).

    Returns:
        float32 ``[T]`` MIDI numbers.
    """
    return smooth(frame_midi(note_midi, mel2note), width, dt)


def glide_ids(
    note_glide: Sequence[str], glide_types: Sequence[str], *, unknown: int | None = None
) -> NDArray[np.int64]:
    """Numbers of ornaments: ``none`` is 0, the types of the config follow from 1.

    Args:
        note_glide: ``[N]`` names.
        glide_types: names in the config's order, without ``none``.
        unknown: number of a name that is not among them.

    Returns:
        int64 ``[N]``.

    Raises:
        SingwizError: a name is unknown and ``unknown`` is not given.
    """
    ids = {"none": 0} | {name: number for number, name in enumerate(glide_types, start=1)}
    if unknown is None:
        for name in note_glide:
            if name not in ids:
                raise SingwizError(
                    "glide-unknown",
                    f"'{name[:30]}' is not an ornament of this model.",
                    hint=f"Use one of these: {', '.join(ids)}; or add it to glide_types.",
                    where="note_glide",
                )
    return np.array([ids.get(name, unknown) for name in note_glide], np.int64)
