"""The fields of one item for the variance model: durations, notes, pitch and curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import SingwizError
from ..features import curves, durations, midi
from ..features.pitch import resample_pitch
from .layers import Layers, Pitch, measured_curve
from .task import Recipe, Result, Task, Unvoiced


def add_variance(result: Result, task: Task, recipe: Recipe, layers: Layers) -> None:
    """Compute the item into a result.

    Raises:
        SingwizError, ValueError: the recording or its labels cannot be used.
        Unvoiced: nobody sings in it.
    """
    seconds = float(sum(task.ph_dur))
    length = round(seconds / recipe.dt)
    if length < 1:
        raise ValueError("its phonemes last less than one frame")
    ph_dur = durations.frames_from_seconds(task.ph_dur, recipe.dt)
    mel2ph = durations.mel2ph_from_frames(ph_dur, length)
    f0, unvoiced, given = _pitch(task, recipe, layers, length)
    if unvoiced.all():
        raise Unvoiced
    if task.audio is not None and given is None:
        result.audio_seconds = layers.audio_seconds()
    pitch = midi.pitch_from_f0(f0)
    fields: dict[str, Any] = {
        "spk_id": task.spk_id,
        "languages": np.asarray(task.languages, np.int64),
        "tokens": np.asarray(task.tokens, np.int64),
        "ph_dur": ph_dur,
    }
    if recipe.predict_pitch or recipe.curves:
        fields |= {"mel2ph": mel2ph, "pitch": pitch, "uv": unvoiced}
    if recipe.predict_dur:
        words = np.arange(1, len(task.notes.ph_num) + 1, dtype=np.int64)
        fields["ph2word"] = np.repeat(words, task.notes.ph_num)
        fields["midi"] = midi.phoneme_midi(pitch, mel2ph, len(task.tokens))
    if recipe.predict_pitch:
        fields |= _notes(task, recipe, length)
    for name, width in recipe.curves:
        if name in task.given:
            values, timestep = task.given[name]
            fields[name] = curves.resample_curve(values, timestep, recipe.dt, length)
        elif task.audio is None:
            raise SingwizError(
                "curve-missing",
                f"curve '{name}' of item '{task.name}' is neither in its DS file nor extractable "
                "(no audio).",
            )
        else:
            curve = measured_curve(layers, name, length, given)
            fields[name] = curves.smooth(curve, width, recipe.dt)
    result.items.append(fields)
    result.lengths.append(length)
    result.seconds.append(seconds)


def _pitch(
    task: Task, recipe: Recipe, layers: Layers, length: int
) -> tuple[Any, Any, Pitch | None]:
    """F0 and voicing, and once more what of them was given and not measured."""
    if "f0_seq" not in task.given:
        return (*layers.pitch(length), None)
    values, timestep = task.given["f0_seq"]
    given = resample_pitch(values, timestep, recipe.dt, length)
    return (*given, given)


def _notes(task: Task, recipe: Recipe, length: int) -> dict[str, Any]:
    notes = task.notes
    pitch, rest = midi.note_midi(notes.note_seq)
    note_dur = durations.frames_from_seconds(notes.note_dur, recipe.dt)
    mel2note = durations.mel2ph_from_frames(note_dur, length)
    fields = {
        "note_midi": pitch,
        "note_rest": rest,
        "note_dur": note_dur,
        "mel2note": mel2note,
        "base_pitch": midi.base_pitch(pitch, mel2note, recipe.dt, recipe.midi_smooth_width),
    }
    if recipe.glide_types is not None:
        fields["note_glide"] = midi.glide_ids(notes.note_glide, recipe.glide_types)
    return fields
