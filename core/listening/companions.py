"""Measurements beside the ear: how far a sound is from the recording, in numbers.

They explain a verdict and never replace one: a voice can be close in every number and sound dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..features.pitch import PitchExtractor
from ..synthesis.evaluate import mel_l1, recording_mel

if TYPE_CHECKING:
    from ..config import Config

Array = NDArray[np.float32]

OCTAVE_CENTS = 600.0
"""A pitch further off than half an octave is in another octave, not out of tune."""
RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))
"""FFT size and hop of the multi-resolution STFT distance (Yamamoto et al. 2020)."""

UNITS = {
    "f0_rmse_cents": "cents",
    "octave_errors": "share",
    "voicing_errors": "share",
    "mel_l1": "nat",
    "stft_distance": "",
    "loudness_range": "LU",
}


def compare(
    sound: Array, recording: Array, config: Config, extractor: PitchExtractor
) -> dict[str, float]:
    """Figures of one clip against the same stretch of the recording.

    Args:
        sound: float32 ``[N]`` at the config's rate.
        recording: the same stretch.
        config: of the acoustic model: mel parameters.
        extractor: of pitch.

    Returns:
        ``f0_rmse_cents`` over frames voiced in both; ``octave_errors``, the share of these that
        are more than half an octave off; ``voicing_errors``, the share of frames voiced in one
        only; ``mel_l1`` in nat; ``stft_distance``. What cannot be measured is left out.
    """
    length = min(len(sound), len(recording))
    sound, recording = sound[:length], recording[:length]
    rate, hop = config.audio_sample_rate, config.hop_size
    frames = max(1, length // hop)
    there, unvoiced = extractor.extract(recording, rate, hop_size=hop, length=frames)
    here, silent = extractor.extract(sound, rate, hop_size=hop, length=frames)
    both = ~unvoiced & ~silent
    found = {
        "voicing_errors": float(np.mean(unvoiced != silent)),
        "mel_l1": mel_l1(recording_mel(sound, config), recording_mel(recording, config)),
        "stft_distance": stft_distance(sound, recording),
    }
    if both.any():
        cents = 1200 * np.log2(here[both] / there[both])
        found["f0_rmse_cents"] = float(np.sqrt(np.mean(cents**2)))
        found["octave_errors"] = float(np.mean(np.abs(cents) > OCTAVE_CENTS))
    return found


def stft_distance(sound: Array, recording: Array) -> float:
    """Mean over three resolutions of spectral convergence plus log-magnitude distance."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    distances = []
    for size, hop in RESOLUTIONS:
        if len(recording) < size:
            continue
        transform = ShortTimeFFT(hann(size, sym=False), hop, fs=1.0)
        mine, theirs = (np.abs(transform.stft(one.astype(float))) for one in (sound, recording))
        convergence = np.linalg.norm(theirs - mine) / np.maximum(np.linalg.norm(theirs), 1e-9)
        logs = np.abs(np.log(theirs + 1e-5) - np.log(mine + 1e-5)).mean()
        distances.append(convergence + logs)
    return float(np.mean(distances)) if distances else float("nan")


def loudness_range(sound: Array, sample_rate: int) -> float | None:
    """Loudness range of EBU Tech 3342 in LU; None if the sound is too short to have one.

    It is made for programmes of a minute; for single clips it only compares conditions.
    """
    import pyloudnorm

    if len(sound) < 4 * sample_rate:
        return None
    value = float(pyloudnorm.Meter(sample_rate).loudness_range(sound.astype(float)))
    return value if np.isfinite(value) else None


def duration_errors(
    predicted: Sequence[float],
    labelled: Sequence[float],
    ph_seq: Sequence[str],
    classes: Mapping[str, str],
) -> dict[str, float]:
    """Mean absolute error of phoneme lengths in ms per class of sound, ``dur_ms_<class>``."""
    errors: dict[str, list[float]] = {}
    for mine, label, symbol in zip(predicted, labelled, ph_seq, strict=True):
        errors.setdefault(classes.get(symbol, "voiced"), []).append(abs(mine - label) * 1000)
    return {f"dur_ms_{kind}": float(np.mean(values)) for kind, values in sorted(errors.items())}


def mean_figures(clips: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Mean of every figure over the clips that have it."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for clip in clips for name in clip):
        values = [clip[name] for clip in clips if clip.get(name) is not None]
        numbers = [float(value) for value in values if value is not None and np.isfinite(value)]
        if numbers:
            found[name] = float(np.mean(numbers))
    return found
