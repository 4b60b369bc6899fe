"""One recording as a vocoder learns from it: sound, mel, pitch. This is what workers run."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..errors import SingwizError
from ..features.mel import mel_spectrogram
from ..features.pitch import Parselmouth, PitchExtractor, pitch_extractor
from .feature_cache import FeatureCache

RECORD_FLOOR = 1e-9
"""Mel floor of records, as SingingVocoders stores them; training clamps them to 1e-5."""

SILENCE_THRESHOLD = 0.01
"""Praat's limit for records: quiet ends of notes keep their pitch."""

PITCH_IDS = {"parselmouth": 1, "harvest": 2}
"""Numbers of the pitch extractors in SingingVocoders' records."""

PEAK = 0.95

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class VocoderRecipe:
    """Everything that decides what a record contains; names are those of the config keys."""

    audio_sample_rate: int
    hop_size: int
    win_size: int
    fft_size: int
    audio_num_mel_bins: int
    fmin: float
    fmax: float
    pe: str
    pe_ckpt: str
    f0_min: float
    f0_max: float
    peak_normalise: bool = False

    @classmethod
    def of(cls, config: Any) -> VocoderRecipe:
        """The recipe of a config, or of anything else with these attributes."""
        return cls(**{name: getattr(config, name) for name in cls.__dataclass_fields__})

    def mel(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Natural-log mel ``[T, bins]`` with the floor of records; ValueError if too short."""
        return mel_spectrogram(
            samples,
            sample_rate=self.audio_sample_rate,
            hop_size=self.hop_size,
            win_size=self.win_size,
            fft_size=self.fft_size,
            num_mels=self.audio_num_mel_bins,
            fmin=self.fmin,
            fmax=self.fmax,
            floor=RECORD_FLOOR,
        )

    def extractor(self) -> PitchExtractor:
        """The pitch extractor."""
        found = pitch_extractor(self)
        if isinstance(found, Parselmouth):
            return replace(found, silence_threshold=SILENCE_THRESHOLD)
        return found


@dataclass(frozen=True)
class VocoderTask:
    """One recording to prepare.

    Attributes:
        name: unique in the dataset.
        audio: the file.
        speaker: whose voice it is; empty if unknown.
        spk_id: number of the speaker.
        cache_key: name in the feature cache, or empty.
    """

    name: str
    audio: Path
    speaker: str = ""
    spk_id: int = 0
    cache_key: str = ""


@dataclass
class VocoderResult:
    """What became of a task: ``fields`` to store, or why there are none.

    ``failure`` says what is wrong with the recording, ``details`` holds the traceback of a
    failure that looks like our fault.
    """

    fields: Arrays | None = None
    seconds: float = 0.0
    failure: str = ""
    details: str = ""


def analyse(samples: NDArray[np.float32], recipe: VocoderRecipe) -> Arrays:
    """Mel and pitch of samples ``[N]`` at the recipe's rate.

    Returns:
        ``mel`` float32 ``[T, bins]``, ``f0`` float32 ``[T]`` Hz (interpolated), ``uv`` bool
        ``[T]``; T = N // hop.

    Raises:
        ValueError: the recording is shorter than a window.
    """
    mel = recipe.mel(samples)
    f0, uv = recipe.extractor().extract(
        samples, recipe.audio_sample_rate, hop_size=recipe.hop_size, length=len(mel)
    )
    return {"mel": mel, "f0": f0, "uv": uv}


def read_samples(path: Path, recipe: VocoderRecipe) -> NDArray[np.float32]:
    """A recording at the recipe's rate, mono.

    Raises:
        SingwizError: it cannot be read, is silent, or has a lower rate: what it lacks above
            would be learned as silence.
    """
    samples, rate = read_audio(path, None)
    wanted = recipe.audio_sample_rate
    if rate < wanted:
        raise SingwizError(
            "audio-rate-too-low",
            f"The recording has {rate} Hz, but the vocoder sings at {wanted} Hz.",
            hint="Leave it out, or record it again.",
            where=str(path),
        )
    if rate > wanted:
        import torch

        from ..models.resampling import sinc_resample

        samples = sinc_resample(torch.from_numpy(samples), rate, wanted).numpy()
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        raise SingwizError("audio-silent", "The recording is silent.", where=str(path))
    if recipe.peak_normalise:
        samples = samples * np.float32(PEAK / peak)
    return np.ascontiguousarray(samples, np.float32)


@dataclass(frozen=True)
class VocoderJob:
    """Prepares recordings; an object so that it can be sent to processes."""

    recipe: VocoderRecipe
    cache: Path | None = None

    def __call__(self, task: VocoderTask) -> VocoderResult:
        """The record of a recording; whatever goes wrong is in the result."""
        try:
            return self._record(task)
        except SingwizError as error:
            return VocoderResult(failure=error.message)
        except Exception as error:  # one bad file must not end the work
            return VocoderResult(
                failure=f"Preparing it failed: {error}.", details=traceback.format_exc()
            )

    def _record(self, task: VocoderTask) -> VocoderResult:
        samples = read_samples(task.audio, self.recipe)
        cache = FeatureCache(self.cache) if self.cache and task.cache_key else None
        found = cache.load(task.cache_key) if cache else None
        if found is None:
            try:
                found = analyse(samples, self.recipe)
            except ValueError:
                seconds = len(samples) / self.recipe.audio_sample_rate
                return VocoderResult(failure=f"The recording is only {seconds:.3f} s long.")
            if cache:
                cache.save(task.cache_key, found)
        fields = {"audio": samples, **found}
        return VocoderResult(fields, len(samples) / self.recipe.audio_sample_rate)
