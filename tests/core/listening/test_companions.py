"""Figures beside the ear, on sounds whose errors are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from singwiz.core.features.pitch import Parselmouth
from singwiz.core.listening.companions import (
    compare,
    duration_errors,
    loudness_range,
    mean_figures,
    stft_distance,
)

RATE = 44100
CONFIG: Any = SimpleNamespace(
    audio_sample_rate=RATE, hop_size=512, win_size=2048, fft_size=2048,
    audio_num_mel_bins=40, fmin=40.0, fmax=16000.0,
)  # fmt: skip


def sung(pitch: float, seconds: float = 1.5) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.1 * sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 8))).astype("f4")


def figures(sound: np.ndarray, recording: np.ndarray) -> dict[str, float]:
    return compare(sound, recording, CONFIG, Parselmouth(65.0, 1100.0))


def test_the_recording_itself_has_no_errors() -> None:
    found = figures(sung(220), sung(220))
    assert found["f0_rmse_cents"] < 0.01 and found["octave_errors"] == 0
    assert found["voicing_errors"] == found["mel_l1"] == found["stft_distance"] == 0


def test_a_quarter_tone_is_fifty_cents() -> None:
    found = figures(sung(220 * 2 ** (50 / 1200)), sung(220))
    assert found["f0_rmse_cents"] == pytest.approx(50, abs=1) and found["octave_errors"] == 0


def test_an_octave_is_an_octave_error() -> None:
    found = figures(sung(440), sung(220))
    assert found["octave_errors"] > 0.95


def test_half_a_silence_is_half_unvoiced() -> None:
    half = sung(220)
    half[len(half) // 2 :] = 0
    assert figures(half, sung(220))["voicing_errors"] == pytest.approx(0.5, abs=0.05)


def test_more_noise_is_further_away() -> None:
    noise = np.random.default_rng(0).normal(0, 1, len(sung(220))).astype("f4")
    distances = [
        stft_distance(sung(220) + level * noise, sung(220)) for level in (0.001, 0.01, 0.1)
    ]
    assert distances == sorted(distances) and distances[0] > 0


def test_length_errors_are_told_by_class_of_sound() -> None:
    found = duration_errors(
        [0.1, 0.4, 0.2], [0.05, 0.5, 0.2], ["k", "a", "a"], {"a": "vowel", "k": "unvoiced"}
    )
    assert found == pytest.approx({"dur_ms_unvoiced": 50, "dur_ms_vowel": 50})


def test_a_short_sound_has_no_loudness_range_and_an_even_one_hardly_any() -> None:
    assert loudness_range(sung(220), RATE) is None
    steps = np.concatenate([sung(220, 6), 0.25 * sung(220, 6)])
    assert loudness_range(steps, RATE) > 8


def test_means_skip_what_a_clip_does_not_have() -> None:
    found = mean_figures([{"a": 1.0, "b": None}, {"a": 3.0}, {"c": float("nan")}])
    assert found == {"a": 2.0}
