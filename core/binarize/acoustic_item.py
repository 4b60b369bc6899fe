"""The features of one item for the acoustic model. This is what worker processes run.

It imports neither config nor dictionary code: whatever it needs is in the task and the recipe,
and both are plain data.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..errors import SingwizError
from ..features import curves, durations, mel, pitch, separation, tension
from .augmentation import ORIGINAL, Variant
from .feature_cache import FeatureCache

CURVES = ("energy", "breathiness", "voicing", "tension")
"""In the order in which they are stored."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the features of an audio file are.

    Names and units are those of the config keys; ``curves`` holds name and smoothing width in
    seconds of each wanted curve.
    """

    sample_rate: int
    hop_size: int
    win_size: int
    fft_size: int
    num_mels: int
    fmin: float
    fmax: float
    pe: str
    f0_min: float
    f0_max: float
    hnsep: str
    pe_ckpt: str = ""
    hnsep_ckpt: str = ""
    curves: tuple[tuple[str, float], ...] = ()

    @property
    def dt(self) -> float:
        """Seconds per frame."""
        return self.hop_size / self.sample_rate

    @property
    def separates(self) -> bool:
        """True if some curve needs the harmonic and the breathy part."""
        return any(name != "energy" for name, _ in self.curves)


@dataclass(frozen=True)
class Task:
    """One item and the variants to write; the first is always the original.

    Attributes:
        key: ``"<ds_id>:<name>"``.
        name: item name.
        audio: recording.
        tokens: phoneme ids.
        languages: language id per phoneme.
        ph_dur: seconds per phoneme.
        spk_id: speaker id of the original.
        variants: what to write.
        with_key_shift: items carry a ``key_shift`` field.
        with_speed: items carry a ``speed`` field.
        cache_keys: names in the feature cache, one per variant, or empty.
    """

    key: str
    name: str
    audio: Path
    tokens: tuple[int, ...]
    languages: tuple[int, ...]
    ph_dur: tuple[float, ...]
    spk_id: int
    variants: tuple[Variant, ...] = (ORIGINAL,)
    with_key_shift: bool = False
    with_speed: bool = False
    cache_keys: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of a task.

    Attributes:
        key: of the task.
        items: fields of each variant, ready to be stored.
        seconds: length of each variant.
        skipped: why the item was left out although nothing is broken; empty if it was not.
        failure: what is wrong with the item; empty if nothing.
        details: traceback of a failure that looks like our fault.
        audio_seconds: length of the recording.
    """

    key: str
    items: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    skipped: str = ""
    failure: str = ""
    details: str = ""
    audio_seconds: float = 0.0


class _Unvoiced(Exception):
    """No frame of the recording has a pitch."""


class _Features:
    """Computes or loads the features of one recording; audio is read when first needed."""

    def __init__(self, task: Task, recipe: Recipe, cache: FeatureCache | None) -> None:
        self.task = task
        self.recipe = recipe
        self.cache = cache
        self._waveform: NDArray[np.float32] | None = None

    @property
    def waveform(self) -> NDArray[np.float32]:
        if self._waveform is None:
            self._waveform, _ = read_audio(self.task.audio, self.recipe.sample_rate)
        return self._waveform

    def of(self, index: int) -> Arrays:
        """Mel, f0 and uv of a variant; the original's also with curves."""
        key = self.task.cache_keys[index] if self.task.cache_keys and self.cache else ""
        if key and self.cache:
            stored = self.cache.load(key)
            if stored is not None:
                return stored
        variant = self.task.variants[index]
        arrays = self._spectrum_and_pitch(variant)
        if index == 0 and not arrays["uv"].all():
            arrays |= self._curves(arrays["f0"], arrays["uv"])
        if key and self.cache:
            self.cache.save(key, arrays)
        return arrays

    def _spectrum_and_pitch(self, variant: Variant) -> Arrays:
        recipe = self.recipe
        try:
            spectrum = mel.mel_spectrogram(
                self.waveform,
                sample_rate=recipe.sample_rate,
                hop_size=recipe.hop_size,
                win_size=recipe.win_size,
                fft_size=recipe.fft_size,
                num_mels=recipe.num_mels,
                fmin=recipe.fmin,
                fmax=recipe.fmax,
                key_shift=variant.key_shift,
                speed=variant.speed,
            )
        except ValueError:
            seconds = len(self.waveform) / recipe.sample_rate
            raise SingwizError(
                "audio-too-short",
                f"The recording is only {seconds:.3f} s long.",
                hint="Remove the item or record it again.",
            ) from None
        f0, uv = pitch.pitch_extractor(recipe).extract(
            self.waveform,
            recipe.sample_rate,
            hop_size=recipe.hop_size,
            length=len(spectrum),
            speed=variant.speed,
        )
        return {"mel": spectrum, "f0": f0, "uv": uv}

    def _curves(self, f0: NDArray[np.float32], uv: NDArray[np.bool_]) -> Arrays:
        recipe = self.recipe
        frames = {
            "hop_size": recipe.hop_size,
            "win_size": recipe.win_size,
            "length": len(f0),
        }
        harmonic = aperiodic = self.waveform
        voiced_f0 = np.where(uv, np.float32(0), f0)
        if recipe.separates:
            harmonic, aperiodic = separation.separator(recipe).separate(
                self.waveform,
                voiced_f0,
                sample_rate=recipe.sample_rate,
                hop_size=recipe.hop_size,
                item_name=self.task.name,
            )
        found: Arrays = {}
        for name, width in recipe.curves:
            if name == "energy":
                curve = curves.energy(self.waveform, **frames)
            elif name == "breathiness":
                curve = curves.breathiness(aperiodic, **frames)
            elif name == "voicing":
                curve = curves.voicing(harmonic, **frames)
            else:
                curve = tension.tension(
                    harmonic, voiced_f0, sample_rate=recipe.sample_rate, **frames
                )
            found[name] = curves.smooth(curve, width, recipe.dt)
        return found


@dataclass(frozen=True)
class Job:
    """:func:`process_item` with all but the task decided; what is sent to processes."""

    recipe: Recipe
    cache_dir: Path | None

    def __call__(self, task: Task) -> Result:
        return process_item(task, self.recipe, self.cache_dir)


def process_item(task: Task, recipe: Recipe, cache_dir: Path | None) -> Result:
    """Compute all variants of an item. Never raises for a bad item: see :class:`Result`."""
    result = Result(task.key)
    cache = FeatureCache(cache_dir) if cache_dir is not None else None
    features = _Features(task, recipe, cache)
    try:
        original = features.of(0)
        result.audio_seconds = len(original["mel"]) * recipe.dt
        for index, variant in enumerate(task.variants):
            found = original if index == 0 else features.of(index)
            fields, seconds = _assemble(task, recipe, variant, original, found)
            result.items.append(fields)
            result.seconds.append(seconds)
    except _Unvoiced:
        result.skipped = "no voiced frame was found in it"
    except SingwizError as error:
        result.failure = f"{error.message} {error.hint}".strip()
    except ValueError as error:
        result.failure = f"{error}"
        result.details = traceback.format_exc()
    except Exception as error:
        # One broken item must not hide what is wrong with the others.
        result.failure = f"{type(error).__name__}: {error}"
        result.details = traceback.format_exc()
    if result.skipped or result.failure:
        result.items, result.seconds = [], []
    return result


def _assemble(
    task: Task, recipe: Recipe, variant: Variant, original: Arrays, found: Arrays
) -> tuple[dict[str, Any], float]:
    """The stored fields of a variant, and its length in seconds."""
    if found["uv"].all():
        raise _Unvoiced
    length = len(found["mel"])
    seconds = len(original["mel"]) * recipe.dt
    ph_dur = np.asarray(task.ph_dur, np.float32)
    speed = 1.0
    if variant != ORIGINAL and (variant.speed != 1 or task.with_speed):
        # The speed that a whole number of samples per frame amounts to.
        speed = round(recipe.hop_size * variant.speed) / recipe.hop_size
        seconds /= speed
        ph_dur = ph_dur / np.float32(speed)
    frames = durations.frames_from_seconds(ph_dur, recipe.dt)
    f0 = found["f0"]
    if variant.key_shift:
        f0 = f0 * np.float32(2.0 ** (variant.key_shift / 12.0))
    fields: dict[str, Any] = {
        "spk_id": task.spk_id if variant.spk_id is None else variant.spk_id,
        "languages": np.asarray(task.languages, np.int64),
        "tokens": np.asarray(task.tokens, np.int64),
        "mel": found["mel"],
        "mel2ph": durations.mel2ph_from_frames(frames, length),
        "f0": f0,
    }
    for name, _ in recipe.curves:
        curve = original[name]
        if variant.speed != 1:
            # DiffSinger stretches the curves of the original instead of measuring again.
            curve = curves.resample_curve(curve, recipe.dt, recipe.dt * speed, length)
        fields[name] = curve
        if not np.isfinite(curve).all():
            raise ValueError(f"its {name} curve is not finite")
    if task.with_key_shift:
        fields["key_shift"] = 0.0 if variant.spk_id is not None else variant.key_shift
    if task.with_speed:
        fields["speed"] = speed
    return fields, seconds
