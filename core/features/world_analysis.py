"""WORLD's analysis: spectral envelope (CheapTrick) and aperiodicity (D4C), many frames at once.

M. Morise, "CheapTrick, a spectral envelope estimator for high-quality speech synthesis", Speech
Communication 67 (2015), and "D4C, a band-aperiodicity estimator for high-quality speech
synthesis", Speech Communication 84 (2016). The results agree with the reference
implementation (pyworld) to a fraction of a decibel; working on blocks of frames with
single-precision FFTs takes a fraction of its time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLOCK = 32
_DEFAULT_F0 = 500.0
"""Hz; decides the window where there is no pitch."""
_Q1 = -0.15
"""Spectral recovery of CheapTrick."""
_LOVE_TRAIN_FLOOR = 40.0
_D4C_FLOOR = 47.0
_BAND = 3000.0
"""Hz between the frequencies at which D4C measures."""
_VOICED = 0.85
"""Share of the energy below 4 kHz from which a frame counts as voiced."""
_HIGH_VOICE = 250.0
"""Hz."""
_TINY = 1e-12


def _round(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Half away from zero, as WORLD rounds."""
    return np.floor(values + 0.5).astype(np.int64)


def _fft_size_for(periods: float, sample_rate: int, f0_floor: float) -> int:
    return int(2 ** (1 + int(np.log2(periods * sample_rate / f0_floor + 1))))


def _blocks(f0: NDArray[np.float64], frames: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Frames with similar F0 together, because their windows have similar lengths."""
    ordered = frames[np.argsort(f0[frames], kind="stable")]
    for begin in range(0, len(ordered), _BLOCK):
        yield ordered[begin : begin + _BLOCK]


class _Windows:
    """Pitch-adaptive windows on a waveform.

    Args:
        waveform: ``[N]``.
        sample_rate: Hz.
    """

    def __init__(self, waveform: NDArray[np.float64], sample_rate: int) -> None:
        self.waveform = waveform.astype(np.float32)
        self.sample_rate = sample_rate

    def of(self, f0: NDArray[np.float64], periods: float) -> _Block:
        """Windows of ``periods`` periods for frames with F0 ``[B]`` Hz."""
        return _Block(self, f0, periods)


class _Block:
    """The windows of some frames; their shapes share a cosine."""

    def __init__(self, source: _Windows, f0: NDArray[np.float64], periods: float) -> None:
        self.waveform = source.waveform
        self.rate = source.sample_rate
        half = _round(periods * self.rate / f0 / 2)
        self.base = np.arange(2 * int(half.max()) + 1) - half[:, None]
        step = (2 * np.pi * f0 / (periods * self.rate)).astype(np.float32)
        self.cosine = np.cos(self.base.astype(np.float32) * step[:, None])
        self.inside = self.base <= half[:, None]

    @property
    def longest(self) -> int:
        """Samples of the longest window."""
        return self.base.shape[1]

    def hann(self) -> Floats:
        """``[B, longest]``; every window starts at column 0."""
        window = np.float32(0.5) * self.cosine
        window += np.float32(0.5)
        window *= self.inside
        return window

    def blackman(self) -> Floats:
        """``[B, longest]``; every window starts at column 0."""
        # cos(2x) = 2 cos(x)² - 1
        window = np.float32(0.16) * self.cosine
        window += np.float32(0.5)
        window *= self.cosine
        window += np.float32(0.34)
        window *= self.inside
        return window

    def cut(self, times: NDArray[np.float64], window: Floats) -> Floats:
        """Windowed audio around times ``[B]`` in seconds: ``[B, longest]``."""
        index = _round(times * self.rate + 0.001)[:, None] + self.base
        np.clip(index, 0, len(self.waveform) - 1, out=index)
        audio = self.waveform[index]
        audio *= window
        return audio

    def centred(self, times: NDArray[np.float64], window: Floats) -> Floats:
        """The same without its mean, weighted by the window."""
        audio = self.cut(times, window)
        weight = audio.sum(axis=1, dtype=np.float64) / window.sum(axis=1, dtype=np.float64)
        audio -= window * weight.astype(np.float32)[:, None]
        return audio


def _power(spectrum: NDArray[np.complex64]) -> NDArray[np.float64]:
    real, imag = spectrum.real, spectrum.imag
    return (real * real + imag * imag).astype(np.float64)


def _mirror_below_f0(power: NDArray[np.float64], f0_bins: NDArray[np.float64]) -> None:
    """Add to every bin below F0 what lies as far above the middle, in place (DC correction)."""
    place = f0_bins[:, None] - np.arange(1 + int(f0_bins.max()))
    inside = place >= 0
    index = np.where(inside, place, 0.0).astype(np.int64)
    share = place - index
    rows = np.arange(len(power))[:, None]
    low, high = power[rows, index], power[rows, index + 1]
    power[:, : place.shape[1]] += (low + share * (high - low)) * inside


def _smooth_linearly(
    power: NDArray[np.float64], width_bins: NDArray[np.float64], *, step: int = 1
) -> NDArray[np.float64]:
    """Mean over a moving window of fractional width, mirrored at both ends.

    Args:
        power: ``[B, bins]``.
        width_bins: ``[B]``.
        step: only every so manieth bin is wanted.

    Returns:
        float64 ``[B, ceil(bins / step)]``.
    """
    rows, bins = power.shape
    reach = int(width_bins.max()) + 2
    padded = np.empty((rows, bins + 2 * reach))
    padded[:, reach : reach + bins] = power
    padded[:, :reach] = power[:, reach:0:-1]
    padded[:, reach + bins :] = power[:, -2 : -reach - 2 : -1]
    running = np.cumsum(padded, axis=1)
    result = np.empty((rows, -(-bins // step)))
    part = np.empty(result.shape[1])
    for row, values, sums, width in zip(result, padded, running, width_bins.tolist(), strict=True):
        # Entry k of the running sum reaches up to the upper edge of bin k - reach.
        low, high = reach - 0.5 - width / 2, reach - 0.5 + width / 2
        a, b = int(low), int(high)
        np.subtract(sums[b : b + bins : step], sums[a : a + bins : step], out=row)
        np.multiply(values[b + 1 : b + 1 + bins : step], high - b, out=part)
        row += part
        np.multiply(values[a + 1 : a + 1 + bins : step], low - a, out=part)
        row -= part
        row *= 1 / width
    return result


def spectral_envelope(
    waveform: NDArray[np.float64],
    f0: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    sample_rate: int,
    fft_size: int,
) -> Floats:
    """CheapTrick.

    Args:
        waveform: float64 ``[N]``.
        f0: float64 ``[T]`` Hz, 0 on unvoiced frames.
        times: float64 ``[T]`` seconds.
        sample_rate: Hz.
        fft_size: samples.

    Returns:
        Power spectra, float32 ``[T, fft_size // 2 + 1]``.
    """
    from scipy import fft as scipy_fft

    lowest = 3.0 * sample_rate / (fft_size - 3)
    pitch = np.where(f0 <= lowest, _DEFAULT_F0, f0)
    windows = _Windows(waveform, sample_rate)
    quefrency = (np.arange(fft_size // 2 + 1) / sample_rate).astype(np.float32)
    quefrency[0] = 1  # anything but 0, which must not divide
    envelope = np.empty((len(f0), fft_size // 2 + 1), np.float32)
    for block in _blocks(pitch, np.arange(len(f0))):
        at = pitch[block]
        shapes = windows.of(at, 3.0)
        window = shapes.hann()
        window /= np.sqrt((window * window).sum(axis=1, keepdims=True))
        audio = shapes.cut(times[block], window)
        audio -= window * (audio.sum(axis=1) / window.sum(axis=1))[:, None]
        power = _power(scipy_fft.rfft(audio, fft_size, axis=1))
        bins = at * (fft_size / sample_rate)
        _mirror_below_f0(power, bins)
        power = _smooth_linearly(power, bins * (2.0 / 3.0))
        level = np.maximum(power.astype(np.float32), np.finfo(np.float32).tiny)
        np.log(level, out=level)
        cepstrum = scipy_fft.irfft(level, fft_size, axis=1)[:, : fft_size // 2 + 1]
        phase = (np.pi * at).astype(np.float32)[:, None] * quefrency
        sine = np.sin(phase)
        # sin(x)/x smooths over one F0; 1 - 4 q sin(x)² takes back what that blurs.
        np.divide(sine, phase, out=phase)
        phase[:, 0], sine[:, 0] = 1, 0
        cepstrum *= phase
        sine *= sine
        sine *= np.float32(-4 * _Q1)
        sine += 1
        cepstrum *= sine
        # The cepstrum is even, so its transform is a cosine transform of the first half.
        cepstrum[:, 1:-1] *= 2
        envelope[block] = np.exp(scipy_fft.rfft(cepstrum, fft_size, axis=1).real)
    return envelope


def aperiodicity(
    waveform: NDArray[np.float64],
    f0: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    sample_rate: int,
    fft_size: int,
) -> Floats:
    """D4C.

    Args:
        waveform: float64 ``[N]``.
        f0: float64 ``[T]`` Hz, 0 on unvoiced frames.
        times: float64 ``[T]`` seconds.
        sample_rate: Hz.
        fft_size: samples of the envelope the result is meant for.

    Returns:
        Amplitude ratio of noise to everything, 0..1, float32 ``[T, fft_size // 2 + 1]``; 1 on
        unvoiced frames.
    """
    bins = fft_size // 2 + 1
    result = np.ones((len(f0), bins), np.float32)
    windows = _Windows(waveform, sample_rate)
    bands = int(min(15000.0, sample_rate / 2 - _BAND) / _BAND)
    axis = np.arange(bins) * (sample_rate / fft_size)
    knots = np.append(np.arange(bands + 1) * _BAND, sample_rate / 2)
    # Linear interpolation of decibels between the knots, as a matrix.
    between = np.stack([np.interp(axis, knots, unit) for unit in np.eye(len(knots))])
    for block in _blocks(f0, np.flatnonzero(f0)):
        voiced = block[_love_train(windows, times[block], f0[block]) > _VOICED]
        if not len(voiced):
            continue
        at = np.maximum(f0[voiced], _D4C_FLOOR)
        levels = _band_levels(windows, times[voiced], at, bands)
        ends = np.full((2, len(voiced), 1), [[[-60.0]], [[-_TINY]]])
        # einsum, because rounding in a BLAS product would depend on its number of threads.
        decibels = np.einsum("tk,kb->tb", np.hstack((ends[0], levels, ends[1])), between)
        result[voiced] = np.exp((decibels * (np.log(10.0) / 20.0)).astype(np.float32))
    return result


def _love_train(
    windows: _Windows, times: NDArray[np.float64], f0: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the energy up to 7.9 kHz that lies below 4 kHz: ``[B]``."""
    from scipy import fft as scipy_fft

    rate = windows.sample_rate
    size = _fft_size_for(3.0, rate, _LOVE_TRAIN_FLOOR)
    shapes = windows.of(np.maximum(f0, _LOVE_TRAIN_FLOOR), 3.0)
    audio = shapes.centred(times, shapes.blackman())
    low, middle, high = (int(np.ceil(hz * size / rate)) for hz in (100.0, 4000.0, 7900.0))
    # Half of the bins tell the same as long as the window fits, but for the two at the edges.
    fits = shapes.longest <= size // 2
    step = 2 if fits else 1
    power = _power(scipy_fft.rfft(audio, size // step, axis=1))
    bins = np.arange(power.shape[1]) * step
    below = np.einsum("tb,b->t", power, _overlap(bins, step, low + 1, middle + 1))
    above = np.einsum("tb,b->t", power, _overlap(bins, step, middle + 1, high + 1))
    return below / np.maximum(below + above, 1e-300)


def _overlap(bins: NDArray[np.int64], width: int, first: int, end: int) -> NDArray[np.float64]:
    """Share of each bin of a width that lies in the bins ``first`` to ``end`` of width 1."""
    low = np.maximum(bins - width / 2, first - 0.5)
    high = np.minimum(bins + width / 2, end - 0.5)
    return np.maximum(high - low, 0.0) / width


def _band_levels(
    windows: _Windows, times: NDArray[np.float64], f0: NDArray[np.float64], bands: int
) -> NDArray[np.float64]:
    """Aperiodicity in dB at multiples of 3 kHz: ``[B, bands]``."""
    from scipy import fft as scipy_fft

    rate = windows.sample_rate
    size = _fft_size_for(4.0, rate, _D4C_FLOOR)
    f0_bins = f0 * (size / rate)
    length = int(_BAND * size / rate) * 2 + 1
    # Nothing above the highest band counts, but for what smoothing brings down from there.
    needed = int(_BAND * bands * size / rate) + length // 2 + 1
    bins = min(size // 2 + 1, needed + int(1.5 * f0_bins.max()) + 8)
    delay = _group_delay(windows, times, f0, size, bins)
    # Smoothed as they are, every second value tells all, and of high voices every fourth.
    step = 4 if f0.min() > _HIGH_VOICE else 2
    # What is left after smoothing over F0 are the deviations that noise causes.
    smoothed = _smooth_linearly(delay, f0_bins / 2)
    delay = smoothed[:, ::step] - _smooth_linearly(smoothed, f0_bins, step=step)

    phase = 2 * np.pi * np.arange(length) / (length - 1)
    window = (
        0.355768
        - 0.487396 * np.cos(phase)
        + 0.144232 * np.cos(2 * phase)
        - 0.012604 * np.cos(3 * phase)
    )
    # The share of power outside the strongest bins is what D4C calls noise.
    strongest = int(np.floor(size * 8.0 / length + 0.5)) + 1
    width = -(-length // step)
    parts = np.zeros((bands, len(f0), width), np.float32)
    for band, part in enumerate(parts):
        first = int(_BAND * (band + 1) * size / rate) - length // 2
        skipped = -first % step
        shape = window[skipped::step]
        begin = (first + skipped) // step
        np.multiply(delay[:, begin : begin + len(shape)], shape, out=part[:, : len(shape)])
    spectrum = scipy_fft.rfft(parts.reshape(-1, width), size // step, axis=1)
    power = spectrum.real * spectrum.real
    power += spectrum.imag * spectrum.imag
    kept = power.shape[1] - strongest
    power.partition(kept, axis=1)
    quiet = power[:, :kept].sum(axis=1, dtype=np.float64)
    total = quiet + power[:, kept:].sum(axis=1, dtype=np.float64)
    ratio = np.maximum(quiet, 1e-300) / np.maximum(total, 1e-300)
    levels = 10 * np.log10(ratio).reshape(bands, -1).T
    return np.minimum(0.0, levels + ((f0 - 100.0) / 50.0)[:, None])


def _group_delay(
    windows: _Windows, times: NDArray[np.float64], f0: NDArray[np.float64], size: int, bins: int
) -> NDArray[np.float64]:
    """Temporally static group delay of the lowest bins of an FFT of some size: ``[B, bins]``."""
    from scipy import fft as scipy_fft

    f0_bins = f0 * (size / windows.sample_rate)
    shapes = windows.of(f0, 4.0)
    window = shapes.blackman()
    ramp = np.arange(1, shapes.longest + 1, dtype=np.float32)
    centroid = np.zeros((len(f0), bins))
    for shift in (-0.25, 0.25):
        audio = shapes.centred(times + shift / f0, window)
        audio /= np.sqrt((audio * audio).sum(axis=1, keepdims=True) + np.float32(1e-30))
        plain = scipy_fft.rfft(audio, size, axis=1)[:, :bins]
        audio *= ramp
        ramped = scipy_fft.rfft(audio, size, axis=1)[:, :bins]
        centroid += plain.real * ramped.real + plain.imag * ramped.imag
    _mirror_below_f0(centroid, f0_bins)
    audio = shapes.centred(times, shapes.hann())
    power = _power(scipy_fft.rfft(audio, size, axis=1)[:, :bins])
    _mirror_below_f0(power, f0_bins)
    centroid /= _smooth_linearly(power, f0_bins)
    return centroid
