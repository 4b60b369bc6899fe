"""Our block-wise WORLD against the reference implementation."""

from functools import cache

import numpy as np
import pytest
import pyworld

from singwiz.core.features.curves import energy
from singwiz.core.features.separation import World
from singwiz.core.features.tension import tension
from singwiz.core.features.world_analysis import aperiodicity, spectral_envelope
from singwiz.core.features.world_noise import world_noise
from singwiz.core.features.world_synthesis import (
    place_pulses,
    synthesise_aperiodic,
    synthesise_harmonic,
)

RATE, HOP, FFT = 44100, 512, 2048
PERIOD = 1000 * HOP / RATE
SIZES = {"sample_rate": RATE, "fft_size": FFT}


@cache
def phrase() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A gliding voice from 70 to 900 Hz with pauses: float64 waveform, f0 and frame times."""
    rng = np.random.default_rng(0)
    samples = 2 * RATE
    seconds = np.arange(samples) / RATE
    f0 = 70.0 * 2 ** (seconds / 2 * 3.7) * 2 ** (0.02 * np.sin(2 * np.pi * 5 * seconds))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    tone = sum(np.sin(k * phase) / k**1.5 * (k * f0 < 15000) for k in range(1, 40))
    voiced = (seconds % 0.5 > 0.12).astype(float)
    tone *= np.convolve(voiced, np.hanning(600) / np.hanning(600).sum(), "same")
    waveform = 0.1 * tone + 0.003 * rng.standard_normal(samples)
    frames = -(-samples // HOP)
    times = np.arange(frames) * HOP / RATE
    return waveform, np.where(times % 0.5 > 0.13, f0[::HOP], 0.0), times


@cache
def reference() -> dict[str, np.ndarray]:
    waveform, f0, times = phrase()
    envelope = pyworld.cheaptrick(waveform, f0, times, RATE, fft_size=FFT)
    noisy = pyworld.d4c(waveform, f0, times, RATE, fft_size=FFT)
    harmonic = np.maximum(envelope * (1 - noisy**2), 1e-16)
    zeros, ones = np.zeros_like(noisy), np.ones_like(noisy)
    return {
        "envelope": envelope,
        "aperiodicity": noisy,
        "harmonic": pyworld.synthesize(f0, harmonic, zeros, RATE, PERIOD),
        "aperiodic": pyworld.synthesize(f0, envelope * noisy**2, ones, RATE, PERIOD),
    }


def decibels_apart(first: np.ndarray, second: np.ndarray) -> float:
    """Power of the difference against the power of the first."""
    return 10 * np.log10(np.sum((first - second) ** 2) / np.sum(first**2))


def test_envelope_is_cheaptricks() -> None:
    found = spectral_envelope(*phrase(), **SIZES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(10 * np.log10(found / reference()["envelope"]), 0, atol=0.05)


def test_aperiodicity_is_d4cs() -> None:
    found, expected = aperiodicity(*phrase(), **SIZES), reference()["aperiodicity"]
    assert ((found[:, 0] < 0.9) == (expected[:, 0] < 0.9)).all()
    assert 0.4 < np.mean(found[:, 0] < 0.9) < 0.9
    difference = np.abs(20 * np.log10(found / expected))
    assert difference.max() < 0.3
    assert np.median(difference) < 0.005


def test_synthesis_is_worlds_sample_by_sample() -> None:
    _, f0, _ = phrase()
    expected = reference()
    share = expected["aperiodicity"] ** 2
    pulses = place_pulses(f0, hop_size=HOP, **SIZES)
    power = np.maximum(expected["envelope"] * (1 - share), 1e-16).astype(np.float32)
    harmonic = synthesise_harmonic(power, pulses, fft_size=FFT)
    assert len(harmonic) == len(f0) * HOP
    # What is missing is the noise 60 dB below voiced pulses.
    assert decibels_apart(expected["harmonic"], harmonic) < -55
    power = (expected["envelope"] * share).astype(np.float32)
    aperiodic = synthesise_aperiodic(power, pulses, fft_size=FFT)
    assert decibels_apart(expected["aperiodic"], aperiodic) < -100


def test_curves_are_those_of_the_reference() -> None:
    waveform, f0, _ = phrase()
    length = len(f0) - 1
    frames = {"hop_size": HOP, "win_size": 2048, "length": length}
    pitch = f0.astype(np.float32)
    parts = World(FFT).separate(
        waveform.astype(np.float32), pitch, sample_rate=RATE, hop_size=HOP, item_name="x"
    )
    for name, part in zip(("harmonic", "aperiodic"), parts, strict=True):
        difference = energy(part, **frames) - energy(reference()[name], **frames)
        assert np.abs(difference).max() < 0.3
        assert np.median(np.abs(difference)) < 0.01
    tensions = [
        tension(part.astype(np.float32), pitch, sample_rate=RATE, **frames)
        for part in (parts[0], reference()["harmonic"])
    ]
    difference = np.abs(tensions[0] - tensions[1])[pitch[:length] > 0]
    assert np.median(difference) < 0.005
    assert np.percentile(difference, 95) < 0.1


def test_noise_is_marsaglias_xorshift_summed_by_twelves() -> None:
    x, y, z, w = 123456789, 362436069, 521288629, 88675123
    expected = []
    for _ in range(600):
        total = 0
        for _ in range(12):
            t = (x ^ (x << 11)) & 0xFFFFFFFF
            x, y, z = y, z, w
            w = (w ^ (w >> 19)) ^ (t ^ (t >> 8))
            total += w >> 4
        expected.append(total / 2**28 - 6)
    np.testing.assert_allclose(world_noise(600), expected, atol=1e-6)
    np.testing.assert_array_equal(world_noise(20000)[:600], world_noise(600))


@pytest.mark.parametrize("f0", [np.zeros(8), np.full(8, 440.0), np.full(2, 100.0)])
def test_all_silent_and_all_sung_items_work(f0: np.ndarray) -> None:
    pulses = place_pulses(f0, hop_size=HOP, **SIZES)
    power = np.full((len(f0), FFT // 2 + 1), 1e-4, np.float32)
    for synthesise in (synthesise_harmonic, synthesise_aperiodic):
        waveform = synthesise(power, pulses, fft_size=FFT)
        assert len(waveform) == len(f0) * HOP
        assert np.isfinite(waveform).all()
