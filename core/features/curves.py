"""Loudness-like curves per frame, and what all curves need: resampling and smoothing.

The decibel rule, with its floor 80 dB under the loudest frame of the item, is part of what
trained models know as "energy" or "breathiness"; it must not depend on anything else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DYNAMIC_RANGE = 80.0
"""dB between the loudest frame of an item and the floor of its curve."""


def align(curve: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut or extend with zeros to ``length`` frames."""
    return np.pad(curve[:length], (0, max(0, length - len(curve))))


def resample_curve(
    points: ArrayLike, timestep: float, target_timestep: float, length: int
) -> NDArray[np.float32]:
    """A stored curve on another frame grid, by linear interpolation.

    Args:
        points: ``[n]`` values at times 0, timestep, 2·timestep, …
        timestep: seconds between the points.
        target_timestep: seconds between the resulting frames.
        length: frames of the result; what lies behind the last point repeats the last
            interpolated value.

    Returns:
        float32 ``[length]``.

    Raises:
        ValueError: there are no points, or a timestep is not positive.
    """
    values = np.asarray(points, np.float32)
    if values.size == 0:
        raise ValueError("a curve without points cannot be resampled")
    if timestep <= 0 or target_timestep <= 0:
        raise ValueError("timesteps must be positive")
    if values.size == 1:
        return np.full(length, values[0], np.float32)
    times = np.arange(0, (values.size - 1) * timestep, target_timestep)
    sampled = np.interp(times, np.arange(values.size) * timestep, values).astype(np.float32)
    return np.pad(sampled[:length], (0, max(0, length - sampled.size)), mode="edge")


def smooth(curve: NDArray[np.float32], width: float, dt: float) -> NDArray[np.float32]:
    """Convolve with half a sine wave.

    Args:
        curve: float32 ``[T]``.
        width: seconds; up to two frames leave the curve as it is.
        dt: seconds per frame.

    Returns:
        float32 ``[T]``.
    """
    taps = round(width / dt)
    if taps <= 2:
        return curve
    kernel = np.sin(np.pi * np.arange(taps) / (taps - 1)).astype(np.float32)
    kernel /= kernel.sum()
    left = (taps - 1) // 2
    padded = np.pad(curve, (left, taps - 1 - left), mode="edge")
    return np.convolve(padded, kernel, mode="valid").astype(np.float32)


def rms(
    waveform: NDArray[np.floating], *, hop_size: int, win_size: int, length: int
) -> NDArray[np.float32]:
    """Root mean square amplitude in windows centred at every hop; zeros outside the audio.

    Args:
        waveform: ``[N]``.
        hop_size: samples.
        win_size: samples per window.
        length: frames of the result; missing ones are 0.

    Returns:
        float32 ``[length]``.
    """
    half = win_size // 2
    # A running sum makes every window one subtraction; double precision keeps it exact enough.
    running = np.zeros(len(waveform) + 1)
    np.cumsum(np.square(waveform, dtype=np.float64), out=running[1:])
    starts = np.arange(1 + len(waveform) // hop_size) * hop_size - half
    ends = np.minimum(starts + win_size, len(waveform))
    power = (running[ends] - running[np.maximum(starts, 0)]) / win_size
    return align(np.sqrt(np.maximum(power, 0.0)).astype(np.float32), length)


def decibels(amplitude: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amplitude ``[T]`` in dB, at least -100 and at least 80 under the item's maximum."""
    level = 10.0 * np.log10(np.maximum(np.square(amplitude, dtype=np.float64), 1e-10))
    return np.maximum(level, level.max() - DYNAMIC_RANGE).astype(np.float32)


def energy(
    waveform: NDArray[np.floating], *, hop_size: int, win_size: int, length: int
) -> NDArray[np.float32]:
    """Loudness of a waveform ``[N]``: float32 ``[length]`` in dB, not smoothed."""
    return decibels(rms(waveform, hop_size=hop_size, win_size=win_size, length=length))


def breathiness(
    aperiodic: NDArray[np.floating], *, hop_size: int, win_size: int, length: int
) -> NDArray[np.float32]:
    """Loudness of the aperiodic part ``[N]``: float32 ``[length]`` in dB, not smoothed."""
    return energy(aperiodic, hop_size=hop_size, win_size=win_size, length=length)


def voicing(
    harmonic: NDArray[np.floating], *, hop_size: int, win_size: int, length: int
) -> NDArray[np.float32]:
    """Loudness of the harmonic part ``[N]``: float32 ``[length]`` in dB, not smoothed."""
    return energy(harmonic, hop_size=hop_size, win_size=win_size, length=length)
