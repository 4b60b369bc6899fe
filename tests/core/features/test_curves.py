import librosa
import numpy as np
import pytest
import pyworld

from singwiz.core.features.curves import (
    breathiness,
    decibels,
    energy,
    resample_curve,
    rms,
    smooth,
    voicing,
)
from singwiz.core.features.mel import mel_frame_count

DT = 512 / 44100
FRAMES = {"hop_size": 512, "win_size": 2048}


def test_resampling_repeats_the_last_interpolated_value() -> None:
    curve = resample_curve([100, 200, 300, 400], 0.005, DT, 4)
    np.testing.assert_allclose(curve, [100, 332.1995, 332.1995, 332.1995], rtol=1e-6)
    assert curve.dtype == np.float32


def test_resampling_onto_the_same_grid_keeps_the_curve() -> None:
    points = np.random.default_rng(0).random(20).astype(np.float32)
    np.testing.assert_allclose(resample_curve(points, DT, DT, 19), points[:19], rtol=1e-5)


def test_a_single_point_is_a_constant_curve_and_none_is_an_error() -> None:
    assert resample_curve([3.0], 0.01, DT, 5).tolist() == [3.0] * 5
    with pytest.raises(ValueError, match="without points"):
        resample_curve([], 0.01, DT, 5)
    with pytest.raises(ValueError, match="positive"):
        resample_curve([1.0, 2.0], 0.0, DT, 5)


def test_smoothing_uses_half_a_sine() -> None:
    impulse = np.zeros(11, np.float32)
    impulse[5] = 1
    smoothed = smooth(impulse, 0.06, DT)
    np.testing.assert_allclose(
        smoothed[3:8], [0, 0.292893, 0.414214, 0.292893, 0], rtol=1e-5, atol=1e-7
    )
    assert smoothed.dtype == np.float32


def test_smoothing_holds_the_ends_and_keeps_constants() -> None:
    np.testing.assert_allclose(smooth(np.full(7, 5, np.float32), 0.12, DT), 5, rtol=1e-6)


@pytest.mark.parametrize("width", [0.0, 0.01, 0.023])
def test_widths_up_to_two_frames_change_nothing(width: float) -> None:
    curve = np.random.default_rng(0).random(9).astype(np.float32)
    np.testing.assert_array_equal(smooth(curve, width, DT), curve)


@pytest.mark.parametrize("samples", [3000, 44100, 44544])
def test_rms_equals_librosas_with_zeros_outside(samples: int) -> None:
    waveform = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    expected = librosa.feature.rms(
        y=waveform, frame_length=2048, hop_length=512, pad_mode="constant"
    )[0]
    assert len(expected) == 1 + samples // 512
    np.testing.assert_allclose(rms(waveform, **FRAMES, length=len(expected)), expected, rtol=1e-4)


def test_energy_reaches_80_db_below_the_loudest_frame() -> None:
    waveform = np.zeros(44100, np.float32)
    waveform[:20000] = np.sin(np.arange(20000) * 0.1) * 0.01
    level = energy(waveform, **FRAMES, length=86)
    assert level.shape == (86,)
    assert level.max() == pytest.approx(20 * np.log10(0.01 / np.sqrt(2)), abs=0.1)
    # 1e-10 limits what is silent in itself, 80 dB what is silent in this item.
    assert level.min() == pytest.approx(-100, abs=1e-3)
    loud = energy(waveform * 90, **FRAMES, length=86)
    assert loud.min() == pytest.approx(loud.max() - 80, abs=1e-4)


def test_missing_frames_are_silent() -> None:
    amplitude = rms(np.ones(2048, np.float32), **FRAMES, length=20)
    assert not amplitude[10:].any()
    np.testing.assert_array_equal(
        decibels(amplitude)[10:], np.full(10, decibels(amplitude).max() - 80, np.float32)
    )


def test_a_second_has_86_mel_frames_and_the_others_one_more_that_is_cut() -> None:
    second = np.random.default_rng(0).standard_normal(44100).astype(np.float32) * 0.1
    frames = mel_frame_count(
        44100, hop_size=512, win_size=2048, fft_size=2048, key_shift=0.0, speed=1.0
    )
    assert frames == 86
    assert 1 + len(second) // 512 == 87
    whole = rms(second, **FRAMES, length=87)
    assert whole[-1] > 0
    np.testing.assert_array_equal(rms(second, **FRAMES, length=frames), whole[:86])
    # Harvest, without being cut.
    found, _ = pyworld.harvest(second.astype(np.float64), 44100, frame_period=512000 / 44100)
    assert len(found) == 87


def test_breathiness_and_voicing_are_the_energy_of_the_two_parts() -> None:
    rng = np.random.default_rng(0)
    part = (rng.standard_normal(44100) * np.linspace(0, 0.3, 44100)).astype(np.float32)
    expected = librosa.amplitude_to_db(
        librosa.feature.rms(y=part, frame_length=2048, hop_length=512, pad_mode="constant")[0][:86],
        ref=1.0,
        top_db=80.0,
    )
    for curve in (energy, breathiness, voicing):
        np.testing.assert_allclose(curve(part, **FRAMES, length=86), expected, atol=1e-3)
