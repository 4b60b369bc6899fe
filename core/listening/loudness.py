"""Making sounds comparable: equal loudness, equal length, soft edges; and spoiled copies.

Loudness is the integrated loudness of ITU-R BS.1770-4 (pyloudnorm). Anchors follow ITU-R
BS.1534-3: the reference low-passed at 3.5 kHz and at 7 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

TARGET = -23.0
"""LUFS, as in EBU R 128: leaves singing its peaks."""
CEILING = 10 ** (-1 / 20)
"""Highest sample: −1 dBFS."""
FADE_SECONDS = 0.02
LOW_ANCHOR, MID_ANCHOR = 3500.0, 7000.0
QUIETEST = -70.0
"""LUFS below which a sound counts as silence (the absolute gate of BS.1770)."""


def loudness(samples: Array, sample_rate: int) -> float:
    """Integrated loudness in LUFS; −inf for silence."""
    import pyloudnorm

    least = int(0.4 * sample_rate) + 1
    padded = np.pad(samples, (0, max(0, least - len(samples)))).astype(np.float64)
    if not padded.any():
        return float("-inf")
    return float(pyloudnorm.Meter(sample_rate).integrated_loudness(padded))


def match(sounds: Mapping[str, Array], sample_rate: int) -> tuple[dict[str, Array], float]:
    """Versions of one clip with equal length, equal loudness and soft edges.

    If one version would exceed the ceiling, all become quieter: loudness decides too many tests.

    Args:
        sounds: name -> samples ``[N]``; lengths may differ by rounding.
        sample_rate: Hz.

    Returns:
        The sounds, float32 of the shortest length, and their loudness in LUFS. Silence stays
        silence.
    """
    length = min(len(one) for one in sounds.values())
    cut = {name: np.asarray(one[:length], np.float32) for name, one in sounds.items()}
    levels = {name: loudness(one, sample_rate) for name, one in cut.items()}
    target = TARGET
    for name, one in cut.items():
        if levels[name] > QUIETEST:
            peak = float(np.abs(one).max())
            target = min(target, levels[name] + 20 * float(np.log10(CEILING / peak)))
    matched = {}
    for name, one in cut.items():
        gain = 10 ** ((target - levels[name]) / 20) if levels[name] > QUIETEST else 1.0
        matched[name] = faded(one * np.float32(gain), sample_rate)
    return matched, target


def faded(samples: Array, sample_rate: int) -> Array:
    """Raised-cosine fades at both ends."""
    count = min(len(samples) // 2, int(FADE_SECONDS * sample_rate))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))
    result = samples.astype(np.float32).copy()
    result[:count] *= ramp
    result[len(result) - count :] *= ramp[::-1]
    return result


def low_passed(samples: Array, sample_rate: int, cutoff: float) -> Array:
    """An anchor: zero-phase low-pass, −6 dB at ``cutoff`` Hz and more than 60 dB an octave on."""
    from scipy.signal import firwin, oaconvolve

    taps = firwin(511, cutoff, fs=sample_rate, window="hamming")
    return oaconvolve(samples, taps, mode="same").astype(np.float32)


def broken(samples: Array, sample_rate: int) -> Array:
    """An unmistakably bad version for catch trials: clipped hard, with drop-outs."""
    peak = float(np.abs(samples).max()) or 1.0
    crushed = np.clip(samples * (12 / peak), -1.0, 1.0) * peak / 3
    period, gap = int(0.35 * sample_rate), int(0.12 * sample_rate)
    sounding = (np.arange(len(samples)) % period) >= gap
    return (crushed * sounding).astype(np.float32)


def dithered(samples: Array, generator: np.random.Generator) -> NDArray[np.int16]:
    """16-bit samples with triangular dither of one step: no two files are equal, none sounds so."""
    noise = generator.random(len(samples)) - generator.random(len(samples))
    return np.clip(np.rint(samples * 32767.0 + noise), -32768, 32767).astype(np.int16)
