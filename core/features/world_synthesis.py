"""WORLD's synthesis of a purely harmonic or a purely aperiodic waveform, many pulses at once.

M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system
for real-time applications", IEICE Trans. Inf. & Syst. E99-D (2016). Agrees with the reference
implementation (pyworld), which mixes both parts and so does everything twice, noise included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .world_noise import world_noise

Floats = NDArray[np.float32]

_BLOCK = 64
_UNVOICED_RATE = 500.0
"""Pulses per second where there is no pitch."""
_FLOOR = 1e-12


@dataclass(frozen=True)
class Pulses:
    """Where the excitation falls.

    Attributes:
        samples: int ``[P]``, index of the sample before each pulse.
        shift: float32 ``[P]``, samples from there to the pulse, 0..1.
        voiced: bool ``[P]``.
        gap: int ``[P]``, samples to the next pulse; 0 for the last.
        frame: float64 ``[P]``, position in frames.
        length: samples of the waveform.
    """

    samples: NDArray[np.int64]
    shift: Floats
    voiced: NDArray[np.bool_]
    gap: NDArray[np.int64]
    frame: NDArray[np.float64]
    length: int


def place_pulses(
    f0: NDArray[np.float64], *, sample_rate: int, hop_size: int, fft_size: int
) -> Pulses:
    """One pulse per period; F0 is interpolated between frames.

    Args:
        f0: float64 ``[T]`` Hz, 0 on unvoiced frames; T is at least 2.
        sample_rate: Hz.
        hop_size: samples per frame.
        fft_size: samples; periods longer than this count as unvoiced.
    """
    count = len(f0)
    length = count * hop_size
    coarse = np.where(f0 < sample_rate // fft_size + 1, 0.0, f0)
    voicing = (coarse > 0).astype(np.float64)
    # One frame more, on the line through the last two.
    coarse, voicing = (np.append(c, 2 * c[-1] - c[-2]) for c in (coarse, voicing))
    # Exactly half-way between a voiced and an unvoiced frame, rounding decides, and the phase of
    # all later pulses with it: so seconds, as in WORLD, although samples would be simpler.
    knots = np.arange(count + 1) * (1000.0 * hop_size / sample_rate / 1000.0)
    share = (np.arange(length) / sample_rate).reshape(count, hop_size)
    share -= knots[:-1, None]
    share /= np.diff(knots)[:, None]
    change = np.diff(voicing)
    sounding = np.repeat(voicing[:-1] > 0.5, hop_size).reshape(count, hop_size)
    for border in np.flatnonzero(change):
        sounding[border] = voicing[border] + share[border] * change[border] > 0.5
    rate = share
    rate *= np.diff(coarse)[:, None]
    rate += coarse[:-1, None]
    rate[~sounding] = _UNVOICED_RATE
    voiced = sounding.ravel()
    rate *= 2 * np.pi
    rate /= sample_rate
    total = np.cumsum(rate)
    # At 500 Hz every fifth pulse falls exactly on a sample, so rounding counts here as well: the
    # quick way finds pulses to within a sample, the remainder decides as it does in WORLD.
    near = np.flatnonzero(np.diff(np.floor(total / (2 * np.pi))))
    near = np.unique(np.clip(np.concatenate((near - 1, near, near + 1)), 0, length - 2))
    before, after = (np.fmod(total[at], 2 * np.pi) for at in (near, near + 1))
    wraps = np.abs(after - before) > np.pi
    samples, before, after = near[wraps], before[wraps], after[wraps]
    missing = 2 * np.pi - before
    return Pulses(
        samples=samples,
        shift=(missing / (missing + after)).astype(np.float32),
        voiced=voiced[samples],
        gap=np.diff(samples, append=samples[-1:]),
        frame=samples / hop_size,
        length=length,
    )


def _spectra(power: Floats, frame: NDArray[np.float64]) -> Floats:
    """Power spectra between frames: ``[B, bins]``."""
    last = len(power) - 1
    floor = np.minimum(frame.astype(np.int64), last)
    ceiling = np.minimum(floor + 1, last)
    share = (frame - floor).astype(np.float32)[:, None]
    return power[floor] * (1 - share) + power[ceiling] * share


class _MinimumPhase:
    """Turns power spectra into minimum-phase frequency responses."""

    def __init__(self, fft_size: int) -> None:
        self.fft_size = fft_size
        # Odd part of the folded cepstrum: its transform is the phase.
        self.sign = np.zeros(fft_size, np.float32)
        self.sign[1 : fft_size // 2] = 1
        self.sign[fft_size // 2 + 1 :] = -1
        self.omega = (2 * np.pi / fft_size * np.arange(fft_size // 2 + 1)).astype(np.float32)

    def response(self, power: Floats, delay: Floats | None = None) -> NDArray[np.complex64]:
        """Complex ``[B, bins]``; ``delay`` in samples ``[B]`` adds linear phase."""
        from scipy import fft as scipy_fft

        level = np.log(power)
        level *= 0.5
        cepstrum = scipy_fft.irfft(level, self.fft_size, axis=1)
        cepstrum *= self.sign
        phase = scipy_fft.rfft(cepstrum, axis=1).imag
        if delay is not None:
            phase = phase - delay[:, None] * self.omega
        amplitude = np.sqrt(power)
        response = np.empty(phase.shape, np.complex64)
        np.multiply(amplitude, np.cos(phase), out=response.real)
        np.multiply(amplitude, np.sin(phase), out=response.imag)
        return response


def _add(waveform: Floats, parts: Floats, starts: NDArray[np.int64]) -> None:
    """Overlap-add; ``waveform`` has room for what hangs over at its ends."""
    size = parts.shape[1]
    for part, start in zip(parts, starts.tolist(), strict=True):
        waveform[start : start + size] += part


def _dc_remover(fft_size: int) -> Floats:
    half = fft_size // 2
    ramp = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, half + 1) / (1 + fft_size))
    ramp /= 2 * ramp.sum()
    return np.concatenate((ramp, ramp[::-1])).astype(np.float32)


def synthesise_harmonic(
    power: Floats,
    pulses: Pulses,
    *,
    fft_size: int,
    chosen: NDArray[np.bool_] | None = None,
    widest: int | None = None,
) -> Floats:
    """Pulse train through the envelope, and noise where there is no pitch.

    The noise of WORLD's voiced pulses, 60 dB below them, is left out.

    Args:
        power: float32 ``[T, fft_size // 2 + 1]``.
        pulses: see :func:`place_pulses`.
        fft_size: samples; twice the length of a pulse.
        chosen: bool ``[P]``, which pulses to use; None = all.
        widest: samples over which a pulse's DC is taken back, at least ``fft_size``, which is
            the default.

    Returns:
        float32 ``[N]``.
    """
    from scipy import fft as scipy_fft

    half = fft_size // 2
    wanted = np.ones(len(pulses.voiced), bool) if chosen is None else chosen
    waveform = np.zeros(pulses.length + 2 * fft_size, np.float32)
    shape = _MinimumPhase(fft_size)
    voiced = np.flatnonzero(pulses.voiced & wanted)
    direct = np.zeros(len(pulses.voiced), np.float32)
    for begin in range(0, len(voiced), _BLOCK):
        block = voiced[begin : begin + _BLOCK]
        spectra = _spectra(power, pulses.frame[block]) + np.float32(_FLOOR)
        response = shape.response(spectra, pulses.shift[block])
        parts = scipy_fft.irfft(response, fft_size, axis=1)
        # The second half is what a circular transform puts before the pulse.
        parts = parts[:, :half]
        loud = np.sqrt(pulses.gap[block], dtype=np.float32)
        parts *= loud[:, None]
        if widest is None or widest == fft_size:
            direct[block] = parts.sum(axis=1)
        else:
            direct[block] = response[:, 0].real * loud
        _add(waveform, parts, pulses.samples[block] + (fft_size + 1))
    _add_noise(waveform, power, pulses, np.flatnonzero(~pulses.voiced & wanted), shape)
    found = waveform[fft_size : fft_size + pulses.length]
    return found - _direct_current(direct, pulses, widest or fft_size)


def _direct_current(direct: Floats, pulses: Pulses, width: int) -> Floats:
    """What is subtracted around the pulses so that none of them has DC: float32 ``[N]``."""
    from scipy.signal import oaconvolve

    train = np.zeros(pulses.length, np.float32)
    np.add.at(train, pulses.samples, direct)
    spread = oaconvolve(train, _dc_remover(width))
    start = width // 2 - 1
    return spread[start : start + pulses.length].astype(np.float32)


def synthesise_aperiodic(
    power: Floats, pulses: Pulses, *, fft_size: int, chosen: NDArray[np.bool_] | None = None
) -> Floats:
    """Noise through the envelope, pulse by pulse: float32 ``[N]``.

    Args:
        power: float32 ``[T, fft_size // 2 + 1]``.
        pulses: see :func:`place_pulses`.
        fft_size: samples.
        chosen: bool ``[P]``, which pulses to use; None = all.
    """
    waveform = np.zeros(pulses.length + 2 * fft_size, np.float32)
    used = np.arange(len(pulses.samples)) if chosen is None else np.flatnonzero(chosen)
    _add_noise(waveform, power, pulses, used, _MinimumPhase(fft_size))
    return waveform[fft_size : fft_size + pulses.length]


def _add_noise(
    waveform: Floats,
    power: Floats,
    pulses: Pulses,
    chosen: NDArray[np.int64],
    shape: _MinimumPhase,
) -> None:
    from scipy import fft as scipy_fft

    if not len(chosen):
        return
    size = shape.fft_size
    first = pulses.samples[0]
    noise = np.append(world_noise(int(pulses.samples[-1] - first)), np.zeros(size, np.float32))
    for begin in range(0, len(chosen), _BLOCK):
        block = chosen[begin : begin + _BLOCK]
        gaps = pulses.gap[block]
        columns = np.arange(min(int(gaps.max(initial=1)), size))
        inside = columns < gaps[:, None]
        excitation = noise[(pulses.samples[block] - first)[:, None] + columns] * inside
        excitation -= (
            inside * (excitation.sum(axis=1) / np.maximum(gaps, 1)).astype(np.float32)[:, None]
        )
        response = shape.response(np.maximum(_spectra(power, pulses.frame[block]), 1e-30))
        response *= scipy_fft.rfft(excitation, size, axis=1)
        parts = scipy_fft.irfft(response, size, axis=1)
        starts = pulses.samples[block] + (size + 1)
        _add(waveform, parts[:, : size // 2], starts)
        _add(waveform, parts[:, size // 2 :], starts - size // 2)
