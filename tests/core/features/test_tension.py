import librosa
import numpy as np
import pytest

from singwiz.core.features.tension import (
    base_harmonic,
    nuttall_window,
    tension,
    tension_from_amplitudes,
)

SAMPLE_RATE = 44100
SIZES = {"sample_rate": SAMPLE_RATE, "hop_size": 512, "win_size": 2048}


def voice(f0: float, amplitudes: list[float], samples: int = 30000) -> np.ndarray:
    phase = 2 * np.pi * f0 * np.arange(samples) / SAMPLE_RATE
    tones = [a * np.sin(k * phase) for k, a in enumerate(amplitudes, start=1)]
    return sum(tones).astype(np.float32)


@pytest.mark.parametrize(
    ("ratio", "logit"), [(0, -9.21024), (0.5, 0), (0.9, 2.19722), (1, 9.21024)]
)
def test_tension_is_the_logit_of_the_ratio(ratio: float, logit: float) -> None:
    full = np.array([1e4])
    found = tension_from_amplitudes(full, full * np.sqrt(1 - ratio**2))
    np.testing.assert_allclose(found, logit, atol=1e-4)


def test_silence_has_the_lowest_tension() -> None:
    np.testing.assert_allclose(tension_from_amplitudes(np.zeros(3), np.zeros(3)), -9.21024, 1e-5)


def test_base_harmonic_keeps_the_fundamental_and_drops_the_rest() -> None:
    f0 = np.full(58, 300.0, np.float32)
    whole = voice(300, [0.2, 0.1, 0.3, 0.05])
    base = base_harmonic(whole, f0, **SIZES)
    assert base.shape == whole.shape
    assert base.dtype == np.float32
    inner = slice(3000, -3000)
    np.testing.assert_allclose(base[inner], voice(300, [0.2])[inner], atol=2e-4)


def test_base_harmonic_is_the_masked_transform_there_and_back() -> None:
    rng = np.random.default_rng(0)
    whole = (voice(250, [0.2, 0.1]) + 0.01 * rng.standard_normal(30000)).astype(np.float32)
    f0 = np.linspace(200, 400, 59).astype(np.float32)
    f0[20:30] = 0
    found = base_harmonic(whole, f0, **SIZES)

    window = nuttall_window(2048)
    spectrum = librosa.stft(whole, n_fft=2048, hop_length=512, window=window, pad_mode="reflect")
    voiced = np.flatnonzero(f0)
    centres = 2.0 ** np.interp(np.arange(59), voiced, np.log2(f0[voiced])) * 2048 / SAMPLE_RATE
    bins = np.arange(1025)[:, None]
    keep = (bins >= np.maximum(centres - 3.5, 0)) & (bins < centres + 3.5)
    expected = librosa.istft(spectrum * keep, hop_length=512, window=window, length=len(whole))
    np.testing.assert_allclose(found[:-1024], expected[:-1024], atol=1e-5)


def test_strong_overtones_are_tense() -> None:
    f0 = np.full(58, 300.0, np.float32)
    soft = tension(voice(300, [0.2, 0.02]), f0, **SIZES, length=58)
    hard = tension(voice(300, [0.05, 0.1, 0.1, 0.1]), f0, **SIZES, length=58)
    assert soft.shape == hard.shape == (58,)
    assert np.median(soft) == pytest.approx(np.log(0.0995 / 0.9005), abs=0.05)
    assert np.median(hard) > 2
