"""Tension: how much of the voiced sound lies above its fundamental."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .curves import rms
from .pitch import interpolate_unvoiced

_HALF_WIDTH = 3.5
"""Bins kept on either side of the fundamental: the main lobe of the Nuttall window."""
_BLOCK = 128
_LIMIT = 1e-4
"""Ratios stay this far away from 0 and 1, so that the logit stays within ±9.2102."""


def nuttall_window(size: int) -> NDArray[np.float64]:
    """The periodic 4-term Nuttall window, float64 ``[size]``."""
    phase = 2 * np.pi * np.arange(size) / size
    return (
        0.355768
        - 0.487396 * np.cos(phase)
        + 0.144232 * np.cos(2 * phase)
        - 0.012604 * np.cos(3 * phase)
    )


def base_harmonic(
    harmonic: NDArray[np.float32],
    f0: NDArray[np.float32],
    *,
    sample_rate: int,
    hop_size: int,
    win_size: int,
) -> NDArray[np.float32]:
    """The fundamental alone, cut out of the harmonic waveform by a filter that follows F0.

    Args:
        harmonic: float32 ``[N]``.
        f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
        sample_rate: Hz.
        hop_size: samples.
        win_size: samples of window and FFT; even.

    Returns:
        float32 ``[N]``.
    """
    from scipy import fft as scipy_fft

    count = 1 + len(harmonic) // hop_size
    pitch, _ = interpolate_unvoiced(np.pad(f0, (0, max(0, count - len(f0))), mode="edge"))
    centres = pitch[:count, None].astype(np.float64) * (win_size / sample_rate)
    bins = np.arange(win_size // 2 + 1)
    keep = (
        (centres >= 1)
        & (bins >= np.maximum(centres - _HALF_WIDTH, 0))
        & (bins < np.minimum(centres + _HALF_WIDTH, len(bins)))
    )
    # The filter is zero above the highest F0, so that the inverse FFT gets few bins to copy.
    highest = 1 + int(np.flatnonzero(keep.any(axis=0))[-1]) if keep.any() else 1

    window = nuttall_window(win_size).astype(np.float32)
    half = win_size // 2
    padded = np.pad(harmonic, half, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, win_size)[::hop_size][:count]
    summed = np.zeros((count - 1) * hop_size + win_size, np.float32)
    weight = np.zeros_like(summed)
    squared = window * window
    for begin in range(0, count, _BLOCK):
        spectrum = scipy_fft.rfft(frames[begin : begin + _BLOCK] * window, axis=-1)
        kept = spectrum[:, :highest] * keep[begin : begin + _BLOCK, :highest]
        parts = scipy_fft.irfft(kept, win_size, axis=-1) * window
        for index, part in enumerate(parts, start=begin):
            place = slice(index * hop_size, index * hop_size + win_size)
            summed[place] += part
            weight[place] += squared
    filtered = summed[half:] / np.maximum(weight[half:], 1e-11)
    return np.pad(filtered[: len(harmonic)], (0, max(0, len(harmonic) - len(filtered))))


def tension_from_amplitudes(
    full: NDArray[np.floating], base: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The logit of the amplitude ratio between overtones and everything harmonic.

    Args:
        full: ``[T]`` RMS amplitude of the harmonic part.
        base: ``[T]`` RMS amplitude of the fundamental.

    Returns:
        float32 ``[T]`` between -9.2102 (only the fundamental) and 9.2102 (none of it).
    """
    full64, base64 = np.asarray(full, np.float64), np.asarray(base, np.float64)
    ratio = np.sqrt(np.maximum(full64**2 - base64**2, 0.0)) / (full64 + 1e-5)
    ratio = np.clip(ratio, _LIMIT, 1.0 - _LIMIT)
    return np.log(ratio / (1.0 - ratio)).astype(np.float32)


def tension(
    harmonic: NDArray[np.float32],
    f0: NDArray[np.float32],
    *,
    sample_rate: int,
    hop_size: int,
    win_size: int,
    length: int,
) -> NDArray[np.float32]:
    """Tension per frame: float32 ``[length]`` logit, not smoothed.

    Args:
        harmonic: float32 ``[N]`` harmonic part.
        f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
        sample_rate: Hz.
        hop_size: samples.
        win_size: samples.
        length: frames.
    """
    base = base_harmonic(
        harmonic, f0, sample_rate=sample_rate, hop_size=hop_size, win_size=win_size
    )
    return tension_from_amplitudes(
        rms(harmonic, hop_size=hop_size, win_size=win_size, length=length),
        rms(base, hop_size=hop_size, win_size=win_size, length=length),
    )
