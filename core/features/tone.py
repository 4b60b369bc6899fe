"""A pitch curve made audible: a plain tone that sings it, to be laid beside the recording.

The ear notices an octave error or a wrong voicing at once; the eye has to look for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HARMONICS = (1.0, 0.5, 0.33, 0.25)
"""Amplitudes; the overtones make the octave unmistakable."""
_LEVEL = 0.2
_FADE = 0.008
"""Seconds in which the tone comes and goes, so that it does not click."""


def tone(
    f0: NDArray[np.floating], *, sample_rate: int, hop_size: int, samples: int
) -> NDArray[np.float32]:
    """Sing F0 with four harmonics, continuous in phase, silent on unvoiced frames.

    Args:
        f0: ``[T]`` Hz at samples 0, hop_size, 2·hop_size, …; 0 where unvoiced.
        sample_rate: Hz.
        hop_size: samples.
        samples: length of the result.

    Returns:
        float32 ``[samples]``, at most 0.42 in amplitude.
    """
    curve = np.asarray(f0, np.float64)
    voiced = curve > 0
    if not voiced.any():
        return np.zeros(samples, np.float32)
    frames = np.arange(len(curve))
    octaves = np.interp(frames, frames[voiced], np.log2(curve[voiced]))
    places = np.arange(samples) / hop_size
    pitch = 2.0 ** np.interp(places, frames, octaves)
    phase = 2 * np.pi * np.cumsum(pitch / sample_rate)
    nearest = np.clip(np.rint(places).astype(int), 0, len(curve) - 1)
    gate = _smooth(voiced[nearest].astype(np.float64), round(_FADE * sample_rate))
    total = np.zeros(samples)
    for number, amplitude in enumerate(_HARMONICS, start=1):
        # Above half the sample rate a harmonic would come back as a wrong tone.
        audible = number * pitch < 0.45 * sample_rate
        total += amplitude * audible * np.sin(number * phase)
    return (_LEVEL * gate * total).astype(np.float32)


def _smooth(gate: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Slopes instead of steps, by a running mean of ``width`` samples."""
    if width < 2:
        return gate
    sums = np.cumsum(np.pad(gate, (width // 2 + 1, width - width // 2 - 1), mode="edge"))
    return (sums[width:] - sums[:-width]) / width
