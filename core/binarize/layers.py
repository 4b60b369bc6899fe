"""The features of one recording in layers, each remembered on its own.

A layer depends on the recording and on few settings, and never on labels: a changed label or
smoothing width changes none of them, another pitch extractor leaves the spectrum alone, and
acoustic and variance models of the same recordings share pitch and loudness.

=========  ============================================  =====================================
layer      content                                       depends on
=========  ============================================  =====================================
mel        spectrogram, one for each altered copy        spectrum settings, shift and speed
pitch      F0 and voicing of the whole recording         extractor, range, hop, speed
loudness   amplitude                                     hop and window
parts      amplitude of harmonic and of aperiodic part   separator, pitch
base       amplitude of the lowest harmonic              separator, pitch
=========  ============================================  =====================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..errors import SingwizError
from ..features import curves, mel, tension
from ..features.pitch import PitchExtractor, pitch_extractor
from ..features.separation import Separator, separator
from ..models.registry import find_part, is_foreign
from .augmentation import ORIGINAL, Variant
from .feature_cache import FeatureCache, entry_key
from .task import Arrays, Recipe, Task

Floats = NDArray[np.float32]
Pitch = tuple[Floats, NDArray[np.bool_]]

_PACKAGES = {
    "parselmouth": "praat-parselmouth",
    "harvest": "pyworld-prebuilt",
    "swift-f0": "swift-f0",
}


def _package(kind: str, name: str) -> str:
    """The distribution that a part comes from and whose version counts; "" for our own code."""
    if is_foreign(kind, name):
        return find_part(kind, name).package
    return _PACKAGES.get(name, "")


def _foreign_version(kind: str, name: str) -> dict[str, str]:
    """The version of the package that a part is from; nothing for our own."""
    return {"version": _version(_package(kind, name))} if is_foreign(kind, name) else {}


@lru_cache(maxsize=1)
def extractor_of(recipe: Recipe) -> PitchExtractor:
    """The pitch extractor, made once per process."""
    return pitch_extractor(recipe, device=recipe.device)


@lru_cache(maxsize=1)
def separator_of(recipe: Recipe) -> Separator:
    """The harmonic-noise separator, made once per process."""
    return separator(recipe, device=recipe.device)


@lru_cache(maxsize=8)
def _version(package: str) -> str:
    return metadata.version(package)


class LayerKeys:
    """Names of a recording's layers in the feature cache.

    Args:
        digest: of the recording.
        recipe: what decides its features.
        name: of the item; decides what is random in a separation.
    """

    def __init__(self, digest: str, recipe: Recipe, name: str) -> None:
        self.digest = digest
        self.recipe = recipe
        self.name = name

    def _key(self, layer: str, **settings: Any) -> str:
        decoded = {"sample_rate": self.recipe.sample_rate, "soxr": _version("soxr")}
        return entry_key(self.digest, {"layer": layer, **decoded, **settings})

    def mel(self, variant: Variant) -> str:
        """Of the spectrogram of a variant."""
        recipe = self.recipe
        return self._key(
            "mel",
            hop_size=recipe.hop_size,
            win_size=recipe.win_size,
            fft_size=recipe.fft_size,
            num_mels=recipe.num_mels,
            fmin=recipe.fmin,
            fmax=recipe.fmax,
            key_shift=variant.key_shift,
            speed=variant.speed,
        )

    def pitch(self, speed: float = 1.0) -> str:
        """Of F0 on the frame grid of a speed."""
        recipe = self.recipe
        limits = {} if recipe.pe == "rmvpe" else {"f0_min": recipe.f0_min, "f0_max": recipe.f0_max}
        package = _package("pitch_extractor", recipe.pe)
        return self._key(
            "pitch",
            pe=recipe.pe,
            weights=recipe.pe_digest,
            version=_version(package) if package else "",
            hop_size=round(recipe.hop_size * speed),
            **limits,
        )

    def loudness(self) -> str:
        """Of the amplitude of the whole."""
        return self._key("loudness", hop_size=self.recipe.hop_size, win_size=self.recipe.win_size)

    def separated(self, layer: str, given_pitch: str = "") -> str:
        """Of ``parts`` or ``base``; ``given_pitch`` names a pitch that was not measured."""
        recipe = self.recipe
        return self._key(
            layer,
            pitch=given_pitch or self.pitch(),
            hnsep=recipe.hnsep,
            weights=recipe.hnsep_digest,
            **_foreign_version("separator", recipe.hnsep),
            fft_size=recipe.fft_size,
            win_size=recipe.win_size,
            hop_size=recipe.hop_size,
            seed=self.name if recipe.hnsep == "world" else "",
        )


def layer_keys(task: Task, recipe: Recipe) -> list[str]:
    """The names of all layers that a task needs."""
    if not task.digest:
        return []
    keys = LayerKeys(task.digest, recipe, task.name)
    found = []
    if recipe.kind == "acoustic":
        found += [keys.mel(variant) for variant in task.variants]
    if "f0_seq" not in task.given:
        found += [keys.pitch(speed) for speed in dict.fromkeys(v.speed for v in task.variants)]
    wanted = {name for name, _ in recipe.curves if name not in task.given}
    if "energy" in wanted:
        found.append(keys.loudness())
    given_pitch = _name_of_given(task)
    if {"breathiness", "voicing", "tension"} & wanted:
        found.append(keys.separated("parts", given_pitch))
    if "tension" in wanted:
        found.append(keys.separated("base", given_pitch))
    return found


def _name_of_given(task: Task) -> str:
    if "f0_seq" not in task.given:
        return ""
    values, timestep = task.given["f0_seq"]
    return entry_key(values.tobytes().hex(), {"timestep": timestep, "ph_dur": task.ph_dur})


class Layers:
    """Computes or loads the layers of one recording; it is decoded when first needed.

    Args:
        task: names the recording.
        recipe: what decides its features.
        cache: where they are remembered, if anywhere.
    """

    def __init__(self, task: Task, recipe: Recipe, cache: FeatureCache | None) -> None:
        self.task = task
        self.recipe = recipe
        self.cache = cache if task.digest else None
        self._keys = LayerKeys(task.digest, recipe, task.name)
        self._waveform: Floats | None = None
        self._separated: tuple[Floats, Floats] | None = None
        self._known: dict[str, Arrays] = {}

    @property
    def waveform(self) -> Floats:
        """The recording, float32 ``[N]``."""
        if self._waveform is None:
            assert self.task.audio is not None, "items without a recording have all curves given"
            self._waveform, _ = read_audio(self.task.audio, self.recipe.sample_rate)
        return self._waveform

    def _layer(self, key: str, compute: Callable[[], Arrays]) -> Arrays:
        known = self._known.get(key)
        if known is None:
            known = self.cache.load(key) if self.cache else None
            if known is None:
                known = compute()
                if self.cache:
                    self.cache.save(key, known)
            self._known[key] = known
        return known

    def mel(self, variant: Variant = ORIGINAL) -> Floats:
        """Spectrogram of a variant, ``[T, bins]``.

        Raises:
            SingwizError: the recording is too short.
        """
        return self._layer(self._keys.mel(variant), lambda: {"mel": self._compute_mel(variant)})[
            "mel"
        ]

    def _compute_mel(self, variant: Variant) -> Floats:
        recipe = self.recipe
        try:
            return mel.mel_spectrogram(
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
            raise too_short(len(self.waveform) / recipe.sample_rate) from None

    def pitch(self, length: int, *, speed: float = 1.0) -> Pitch:
        """F0 in Hz without gaps and whether frames are unvoiced, ``[length]`` each."""
        found = self._whole_pitch(speed)
        return fit_pitch(found["f0"], found["uv"], length)

    def audio_seconds(self) -> float:
        """Length of the recording."""
        return int(self._whole_pitch(1.0)["samples"]) / self.recipe.sample_rate

    def _whole_pitch(self, speed: float) -> Arrays:
        return self._layer(self._keys.pitch(speed), lambda: self._compute_pitch(speed))

    def _compute_pitch(self, speed: float) -> Arrays:
        samples = len(self.waveform)
        hop = round(self.recipe.hop_size * speed)
        if samples < hop:
            raise too_short(samples / self.recipe.sample_rate)
        f0, unvoiced = extractor_of(self.recipe).extract(
            self.waveform,
            self.recipe.sample_rate,
            hop_size=self.recipe.hop_size,
            length=samples // hop + 1,
            speed=speed,
        )
        return {"f0": f0, "uv": unvoiced, "samples": np.array(samples)}

    def amplitude(self, length: int) -> Floats:
        """RMS of the recording, ``[length]``."""
        found = self._layer(self._keys.loudness(), lambda: {"whole": self._measure(self.waveform)})
        return curves.align(found["whole"], length)

    def parts(self, length: int, given: Pitch | None) -> tuple[Floats, Floats]:
        """RMS of the harmonic and of the aperiodic part, ``[length]`` each.

        Args:
            length: frames.
            given: F0 and voicing where they were not measured.
        """
        key = self._keys.separated("parts", _name_of_given(self.task))

        def compute() -> Arrays:
            harmonic, aperiodic = self._separate(given)
            return {"harmonic": self._measure(harmonic), "aperiodic": self._measure(aperiodic)}

        found = self._layer(key, compute)
        return curves.align(found["harmonic"], length), curves.align(found["aperiodic"], length)

    def base(self, length: int, given: Pitch | None) -> Floats:
        """RMS of the lowest harmonic, ``[length]``; see :meth:`parts`."""
        key = self._keys.separated("base", _name_of_given(self.task))

        def compute() -> Arrays:
            harmonic, _ = self._separate(given)
            filtered = tension.base_harmonic(
                harmonic,
                self._voiced_f0(given),
                sample_rate=self.recipe.sample_rate,
                hop_size=self.recipe.hop_size,
                win_size=self.recipe.win_size,
            )
            return {"base": self._measure(filtered)}

        return curves.align(self._layer(key, compute)["base"], length)

    def _measure(self, waveform: Floats) -> Floats:
        frames = 1 + len(waveform) // self.recipe.hop_size
        sizes = {"hop_size": self.recipe.hop_size, "win_size": self.recipe.win_size}
        return curves.rms(waveform, length=frames, **sizes)

    def _voiced_f0(self, given: Pitch | None) -> Floats:
        frames = max(1, len(self.waveform) // self.recipe.hop_size)
        f0, unvoiced = given if given is not None else self.pitch(frames)
        return np.where(unvoiced, np.float32(0), f0)

    def _separate(self, given: Pitch | None) -> tuple[Floats, Floats]:
        if self._separated is None:
            self._separated = separator_of(self.recipe).separate(
                self.waveform,
                self._voiced_f0(given),
                sample_rate=self.recipe.sample_rate,
                hop_size=self.recipe.hop_size,
                item_name=self.task.name,
            )
        return self._separated


def fit_pitch(f0: Floats, unvoiced: NDArray[np.bool_], length: int) -> Pitch:
    """Cut or extend a whole recording's pitch to the frames of an item.

    Frames after the last voiced one keep its pitch, whatever would have come later.

    Args:
        f0: ``[T]`` Hz without gaps.
        unvoiced: bool ``[T]``.
        length: frames of the result; those after the recording are unvoiced.

    Returns:
        float32 ``[length]``, all zeros if no frame is voiced, and bool ``[length]``.
    """
    quiet = np.pad(unvoiced[:length], (0, max(0, length - len(unvoiced))), constant_values=True)
    fitted = np.zeros(length, np.float32)
    voiced = np.flatnonzero(~quiet)
    if len(voiced):
        last = int(voiced[-1])
        fitted[: last + 1] = f0[: last + 1]
        fitted[last + 1 :] = f0[last]
    return fitted, quiet


def too_short(seconds: float) -> SingwizError:
    """What is wrong with a recording that has not even one frame."""
    return SingwizError(
        "audio-too-short",
        f"The recording is only {seconds:.3f} s long.",
        hint="Remove the item or record it again.",
    )


def measured_curve(layers: Layers, name: str, length: int, given: Pitch | None) -> Floats:
    """A curve of :data:`.task.CURVES`, ``[length]``, not smoothed."""
    if name == "energy":
        return curves.decibels(layers.amplitude(length))
    harmonic, aperiodic = layers.parts(length, given)
    if name == "breathiness":
        return curves.decibels(aperiodic)
    if name == "voicing":
        return curves.decibels(harmonic)
    return tension.tension_from_amplitudes(harmonic, layers.base(length, given))
