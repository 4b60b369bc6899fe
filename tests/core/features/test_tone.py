import numpy as np
import pytest

from singwiz.core.features.pitch import Parselmouth
from singwiz.core.features.tone import tone

SAMPLE_RATE = 44100
HOP = 512


def test_the_tone_sings_the_pitch_and_is_silent_where_nothing_is_sung() -> None:
    f0 = np.full(172, 220.0)
    f0[60:90] = 0
    f0[90:] = 440.0
    sound = tone(f0, sample_rate=SAMPLE_RATE, hop_size=HOP, samples=172 * HOP)
    heard, uv = Parselmouth(65, 1100).extract(sound, SAMPLE_RATE, hop_size=HOP, length=172)
    np.testing.assert_allclose(heard[5:55], 220, rtol=1e-3)
    np.testing.assert_allclose(heard[96:165], 440, rtol=1e-3)
    assert uv[63:87].all()
    assert not sound[62 * HOP : 88 * HOP].any()
    assert sound.dtype == np.float32
    assert np.abs(sound).max() < 0.45


def test_its_phase_is_continuous_so_that_it_does_not_click() -> None:
    f0 = 200 * 2 ** (np.arange(100) / 100)
    sound = tone(f0, sample_rate=SAMPLE_RATE, hop_size=HOP, samples=100 * HOP)
    # The steepest slope of four harmonics of 400 Hz and no step beyond it.
    steepest = 0.2 * sum(a * k for k, a in enumerate((1, 0.5, 0.33, 0.25), start=1))
    assert np.abs(np.diff(sound)).max() < steepest * 2 * np.pi * 405 / SAMPLE_RATE


@pytest.mark.parametrize("f0", [np.zeros(10), np.zeros(0)])
def test_no_pitch_is_silence(f0: np.ndarray) -> None:
    sound = tone(f0, sample_rate=SAMPLE_RATE, hop_size=HOP, samples=1000)
    assert sound.shape == (1000,)
    assert not sound.any()


def test_harmonics_that_the_sample_rate_cannot_carry_are_left_out() -> None:
    sound = tone(np.full(40, 3000.0), sample_rate=8000, hop_size=200, samples=8000)
    spectrum = np.abs(np.fft.rfft(sound[2000:6000]))
    loud = np.flatnonzero(spectrum > 0.02 * spectrum.max()) * 8000 / 4000
    assert loud.min() > 2900
    assert loud.max() < 3100
