"""The fields of one item for the acoustic model, and of its altered copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..features import curves, durations
from .augmentation import ORIGINAL, Variant
from .layers import Floats, Layers, measured_curve
from .task import Recipe, Result, Task, Unvoiced


def add_acoustic(result: Result, task: Task, recipe: Recipe, layers: Layers) -> None:
    """Compute all variants of an item into a result.

    Raises:
        SingwizError, ValueError: the recording or its labels cannot be used.
        Unvoiced: nobody sings in it.
    """
    original = layers.mel()
    frames = len(original)
    result.audio_seconds = frames * recipe.dt
    _, unvoiced = layers.pitch(frames)
    if unvoiced.all():
        raise Unvoiced
    found = {
        name: curves.smooth(measured_curve(layers, name, frames, None), width, recipe.dt)
        for name, width in recipe.curves
    }
    for variant in task.variants:
        fields, seconds = _variant(task, recipe, variant, layers, found, frames)
        result.items.append(fields)
        result.lengths.append(len(fields["mel"]))
        result.seconds.append(seconds)


def _variant(
    task: Task,
    recipe: Recipe,
    variant: Variant,
    layers: Layers,
    original: dict[str, Floats],
    frames: int,
) -> tuple[dict[str, Any], float]:
    """The stored fields of a variant, and its length in seconds."""
    spectrum = layers.mel(variant)
    length = len(spectrum)
    f0, unvoiced = layers.pitch(length, speed=variant.speed)
    if unvoiced.all():
        raise Unvoiced
    seconds = frames * recipe.dt
    ph_dur = np.asarray(task.ph_dur, np.float32)
    speed = 1.0
    if variant != ORIGINAL and (variant.speed != 1 or task.with_speed):
        # The speed that a whole number of samples per frame amounts to.
        speed = round(recipe.hop_size * variant.speed) / recipe.hop_size
        seconds /= speed
        ph_dur = ph_dur / np.float32(speed)
    if variant.key_shift:
        f0 = f0 * np.float32(2.0 ** (variant.key_shift / 12.0))
    fields: dict[str, Any] = {
        "spk_id": task.spk_id if variant.spk_id is None else variant.spk_id,
        "languages": np.asarray(task.languages, np.int64),
        "tokens": np.asarray(task.tokens, np.int64),
        "mel": spectrum,
        "mel2ph": durations.mel2ph_from_frames(
            durations.frames_from_seconds(ph_dur, recipe.dt), length
        ),
        "f0": f0,
    }
    for name, curve in original.items():
        if variant.speed != 1:
            # DiffSinger stretches the curves of the original instead of measuring again.
            curve = curves.resample_curve(curve, recipe.dt, recipe.dt * speed, length)
        fields[name] = curve
    if task.with_key_shift:
        fields["key_shift"] = 0.0 if variant.spk_id is not None else variant.key_shift
    if task.with_speed:
        fields["speed"] = speed
    return fields, seconds
