"""Log-mel spectrograms, computed the way DiffSinger's vocoders expect them.

The numbers must agree with what a vocoder was trained on, so every choice here (padding,
window, filterbank, floor) is an interface and not a matter of taste.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-5
"""Magnitudes are clamped here before the logarithm; ln(1e-5) = -11.5129."""

_BLOCK = 128
"""Frames per FFT call: small enough to stay in the CPU's cache, and memory stays flat."""


def _slaney_mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4."""
    linear = mel * (200.0 / 3.0)
    return np.where(mel < 15.0, linear, 1000.0 * np.exp((mel - 15.0) * (np.log(6.4) / 27.0)))


def _slaney_hz_to_mel(hz: float) -> float:
    if hz < 1000.0:
        return hz * 3.0 / 200.0
    return float(15.0 + np.log(hz / 1000.0) * (27.0 / np.log(6.4)))


@lru_cache(maxsize=8)
def mel_filterbank(
    *, sample_rate: int, fft_size: int, num_mels: int, fmin: float, fmax: float
) -> NDArray[np.float32]:
    """Triangular filters, equally spaced on the Slaney mel scale, each of area 1 (in Hz).

    Args:
        sample_rate: Hz.
        fft_size: samples; the spectrum has ``fft_size // 2 + 1`` bins.
        num_mels: number of filters.
        fmin: lower edge of the first filter, Hz.
        fmax: upper edge of the last filter, Hz.

    Returns:
        float32 ``[num_mels, fft_size // 2 + 1]``, read-only because it is shared.
    """
    edges = _slaney_mel_to_hz(
        np.linspace(_slaney_hz_to_mel(fmin), _slaney_hz_to_mel(fmax), num_mels + 2)
    )
    bins = np.arange(fft_size // 2 + 1) * (sample_rate / fft_size)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters = (triangles * (2.0 / (high - low))).astype(np.float32)
    filters.flags.writeable = False
    return filters


def mel_frame_count(
    samples: int, *, hop_size: int, win_size: int, fft_size: int, key_shift: float, speed: float
) -> int:
    """Number of frames :func:`mel_spectrogram` gives for ``samples`` samples; 0 if too few."""
    factor = 2.0 ** (key_shift / 12.0)
    fft, win = round(fft_size * factor), round(win_size * factor)
    hop = round(hop_size * speed)
    if samples <= (win - hop + 1) // 2:
        return 0
    return max(0, 1 + (samples + win - hop - fft) // hop)


def mel_spectrogram(
    waveform: NDArray[np.float32],
    *,
    sample_rate: int,
    hop_size: int,
    win_size: int,
    fft_size: int,
    num_mels: int,
    fmin: float,
    fmax: float,
    key_shift: float = 0.0,
    speed: float = 1.0,
    floor: float = FLOOR,
) -> NDArray[np.float32]:
    """Natural-log mel spectrogram.

    Transposing scales window and FFT and reads the result as if it had the original size;
    time stretching scales the hop. Both are the augmentations of DiffSinger.

    Args:
        waveform: float ``[N]`` mono in [-1, 1].
        sample_rate: Hz.
        hop_size: samples between frames.
        win_size: samples of the Hann window.
        fft_size: samples, at least ``win_size``.
        num_mels: mel channels.
        fmin: Hz.
        fmax: Hz.
        key_shift: semitones; positive sounds higher.
        speed: factor; 2 halves the number of frames.
        floor: magnitudes are clamped here before the logarithm.

    Returns:
        float32 ``[T, num_mels]``; with ``fft_size == win_size`` and no augmentation T is
        ``N // hop_size``. Values are at least ln(floor).

    Raises:
        ValueError: the waveform is too short for one window (under about 0.02 s).
    """
    # Imported here because a prepared dataset can be read without it.
    from scipy import fft as scipy_fft

    factor = 2.0 ** (key_shift / 12.0)
    fft, win = round(fft_size * factor), round(win_size * factor)
    hop = round(hop_size * speed)
    total = mel_frame_count(
        len(waveform),
        hop_size=hop_size,
        win_size=win_size,
        fft_size=fft_size,
        key_shift=key_shift,
        speed=speed,
    )
    if total == 0:
        raise ValueError(f"{len(waveform)} samples are too short for a window of {win}")
    padding = ((win - hop) // 2, (win - hop + 1) // 2)
    padded = np.pad(np.asarray(waveform, np.float32), padding, mode="reflect")

    window = np.zeros(fft, np.float32)
    start = (fft - win) // 2
    window[start : start + win] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win)
    if key_shift != 0:
        window *= win_size / win

    filters = mel_filterbank(
        sample_rate=sample_rate, fft_size=fft_size, num_mels=num_mels, fmin=fmin, fmax=fmax
    )
    # A filter covers few bins. Summing only those is as fast as a matrix product, and unlike
    # that, its rounding does not depend on how many threads the BLAS library has.
    bands = []
    for row in filters[:, : fft // 2 + 1]:
        used = np.flatnonzero(row)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
        bands.append((first, last, row[first:last]))
    lowest = min(first for first, _, _ in bands)
    highest = max(last for _, last, _ in bands)

    frames = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop][:total]
    mel = np.empty((total, num_mels), np.float32)
    for begin in range(0, total, _BLOCK):
        spectrum = scipy_fft.rfft(frames[begin : begin + _BLOCK] * window, axis=-1)
        part = spectrum[:, lowest:highest]
        magnitude = np.sqrt(part.real * part.real + part.imag * part.imag)
        for index, (first, last, weights) in enumerate(bands):
            np.einsum(
                "tb,b->t",
                magnitude[:, first - lowest : last - lowest],
                weights,
                out=mel[begin : begin + _BLOCK, index],
            )
    return np.log(np.maximum(mel, floor, out=mel), out=mel)
