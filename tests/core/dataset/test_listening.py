"""Listening once: frames, the quick look at pitch, the end of the spectrum, damaged files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from singwiz.core.dataset.checks import listening
from singwiz.core.dataset.checks.listening import cents_of, hertz_of, listen, listen_closely
from singwiz.core.dataset.checks.voicing import RATE as QUICK_RATE
from singwiz.core.dataset.checks.voicing import coarse_pitch

RATE = 44100


def voice(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * hertz * time
    tones = sum(0.1 / k**0.8 * np.sin(k * phase + k * k) for k in range(1, 20))
    return tones.astype(np.float32)


def hiss(level: float, seconds: float, rate: int = RATE) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(round(seconds * rate))
    return (level * noise).astype(np.float32)


def heard(tmp_path: Path, samples: np.ndarray, rate: int = RATE) -> listening.Listening:
    soundfile.write(tmp_path / "a.wav", samples, rate)
    return listen(tmp_path / "a.wav")


@pytest.mark.parametrize("hertz", [70.0, 110.0, 220.0, 440.0, 880.0])
def test_the_quick_look_finds_a_sung_pitch(hertz):
    found = coarse_pitch(voice(hertz, 1.0, QUICK_RATE))
    assert len(found) == 50
    inner = found[3:-3]
    assert np.abs(1200 * np.log2(inner / hertz)).max() < 25


def test_noise_breath_and_silence_have_no_pitch():
    song = np.concatenate(
        (voice(220, 1, QUICK_RATE), hiss(0.01, 1, QUICK_RATE), np.zeros(QUICK_RATE, np.float32))
    )
    found = coarse_pitch(song)
    assert (found[2:48] > 0).all()
    assert (found[53:] > 0).mean() < 0.05
    assert len(coarse_pitch(np.zeros(0, np.float32))) == 0
    assert not coarse_pitch(np.zeros(900, np.float32)).any()


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000, 96000])
def test_frames_of_level_and_pitch_belong_together_at_every_rate(tmp_path, rate):
    loud, quiet = voice(220, 1.0, rate), hiss(1e-3, 1.01, rate)
    result = heard(tmp_path, np.concatenate((loud, quiet)), rate)
    assert len(result.level) == len(result.f0) == 101
    assert result.level[10:45].min() > -21
    assert result.level[55:95].max() < -55
    assert (result.f0[5:45] > 0).all()
    assert not (result.f0[55:95] > 0).any()


def test_a_long_recording_is_heard_like_a_short_one(tmp_path, monkeypatch):
    samples = np.concatenate([voice(200 + 20 * k, 0.7) for k in range(6)])
    whole = heard(tmp_path, samples)
    monkeypatch.setattr("singwiz.core.dataset.audio._BLOCK", 10007)
    parts = heard(tmp_path, samples)
    assert np.array_equal(whole.level, parts.level)
    differ = np.abs(cents_of(whole.f0).astype(int) - cents_of(parts.f0).astype(int))
    assert differ.max() <= 2


def test_only_ten_minutes_are_looked_at_frame_by_frame(tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "LONGEST", 1.0)
    result = heard(tmp_path, voice(220, 3.0))
    assert len(result.level) == len(result.f0) == 50
    assert result.measures.info.seconds == pytest.approx(3.0)


@pytest.mark.parametrize("rate", [22050, 32000])
def test_converted_recordings_show_where_their_highs_end(tmp_path, rate):
    bright = voice(220, 2.0) + hiss(0.02, 2.0)
    converted = soxr.resample(soxr.resample(bright, RATE, rate), rate, RATE)
    dull = heard(tmp_path, converted)
    assert dull.cliff > 20
    assert dull.cutoff == pytest.approx(0.475 * rate, rel=0.05)
    assert heard(tmp_path, bright).cliff < 10


def test_damaged_recordings_are_an_answer(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound at all")
    assert not listen(tmp_path / "bad.wav").good
    assert not listen_closely(tmp_path / "bad.wav", None).good
    assert not listen(tmp_path / "lost.wav").good
    tiny = heard(tmp_path, np.full(3, 0.1, np.float32))
    assert tiny.good
    assert len(tiny.level) == 1


def test_steps_of_a_cent_survive_being_stored():
    f0 = np.array([0.0, 20.0, 65.4, 220.0, 1046.5, 2000.0], np.float32)
    stored = cents_of(f0)
    assert stored.dtype == np.uint16
    assert np.array_equal(cents_of(hertz_of(stored)), stored)
    assert np.abs(hertz_of(stored)[2:] / f0[2:] - 1).max() < 4e-4
    assert hertz_of(stored)[0] == 0
