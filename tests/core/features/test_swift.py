import numpy as np
import pytest

from singwiz.core.features.pitch import Parselmouth
from singwiz.core.features.swift import HIGHEST, LOWEST, Swift

SAMPLE_RATE = 44100
HOP = 512


def tone(f0: np.ndarray) -> np.ndarray:
    """A buzz with the given F0 per sample; silent where it is 0."""
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    buzz = 0.1 * sum(np.sin(k * phase) / k for k in range(1, 12))
    return np.where(f0 > 0, buzz, 0).astype(np.float32)


def extract(waveform: np.ndarray, low: float = 65, high: float = 1100, length: int = 0):
    length = length or len(waveform) // HOP
    return Swift(low, high).extract(waveform, SAMPLE_RATE, hop_size=HOP, length=length)


def test_a_pitch_outside_the_range_is_unvoiced_and_not_folded_into_another_octave() -> None:
    low, high = np.full(SAMPLE_RATE, 150.0), np.full(SAMPLE_RATE, 600.0)
    waveform = tone(np.concatenate((low, high)))
    f0, uv = extract(waveform, high=400)
    assert not uv[10:80].any()
    assert uv[100:].all()
    np.testing.assert_allclose(f0[10:80], 150, rtol=0.006)
    # Interpolation holds the last pitch that counts.
    np.testing.assert_allclose(f0[100:], 150, rtol=0.01)


def test_silence_has_no_pitch_and_borders_are_where_the_sound_is() -> None:
    f0 = np.zeros(2 * SAMPLE_RATE)
    f0[SAMPLE_RATE // 2 : SAMPLE_RATE] = 220
    _, uv = extract(tone(f0))
    voiced = np.flatnonzero(~uv) * HOP / SAMPLE_RATE
    assert voiced[0] == pytest.approx(0.5, abs=0.02)
    assert voiced[-1] == pytest.approx(1.0, abs=0.02)
    assert len(voiced) == np.ptp(np.flatnonzero(~uv)) + 1


def test_frames_after_the_recording_are_unvoiced() -> None:
    _, uv = extract(tone(np.full(SAMPLE_RATE, 220.0)), length=120)
    assert uv[88:].all()
    assert not uv[2:84].any()


@pytest.mark.parametrize("samples", [0, 1, 300])
def test_a_recording_of_next_to_nothing_is_unvoiced(samples: int) -> None:
    f0, uv = extract(np.zeros(samples, np.float32), length=4)
    assert not f0.any()
    assert uv.all()


def test_it_finds_what_lies_beyond_the_usual_range_up_to_the_limits_of_the_network() -> None:
    for hertz in (1500.0, 55.0):
        f0, uv = extract(tone(np.full(SAMPLE_RATE, hertz)), low=LOWEST, high=HIGHEST)
        assert uv[10:70].mean() < 0.1
        assert abs(1200 * np.log2(np.median(f0) / hertz)) < 25


def test_it_agrees_with_praat_on_a_clean_voice_to_a_few_cents() -> None:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    waveform = tone(300 * 2 ** (0.03 * np.sin(2 * np.pi * 5 * times)))
    mine, _ = extract(waveform)
    theirs, _ = Parselmouth(65, 1100).extract(waveform, SAMPLE_RATE, hop_size=HOP, length=len(mine))
    cents = 1200 * np.abs(np.log2(mine / theirs))[4:-4]
    assert np.median(cents) < 6
    assert cents.max() < 30
