"""The preview vocoder: pitch, loudness, voicing, determinism, odd input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

from singwiz.core.features.mel import mel_spectrogram
from singwiz.core.features.pitch import Parselmouth
from singwiz.core.synthesis.preview import BLOCK, PreviewVocoder

from .conftest import vowel

RATE, HOP = 44100, 512


def mel_of(sound: np.ndarray) -> np.ndarray:
    return mel_spectrogram(
        sound,
        sample_rate=RATE,
        hop_size=HOP,
        win_size=2048,
        fft_size=2048,
        num_mels=128,
        fmin=40.0,
        fmax=16000.0,
    )


def singing(seconds: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """A gliding vowel with vibrato and its F0 per frame."""
    time = np.arange(int(seconds * RATE)) / RATE
    f0 = 200.0 * 2 ** (time / 3 + 0.03 * np.sin(2 * np.pi * 5.5 * time))
    sound = vowel(f0)
    return sound, f0[::HOP][: len(sound) // HOP].astype(np.float32)


def level(sound: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))))


def test_copy_of_a_vowel_keeps_pitch_loudness_and_mel():
    sound, f0 = singing()
    mel = mel_of(sound)
    copy = PreviewVocoder().synthesise(mel, f0)

    assert copy.dtype == np.float32
    assert copy.shape == (len(mel) * HOP,)
    heard, unvoiced = Parselmouth(65, 1100).extract(copy, RATE, hop_size=HOP, length=len(f0))
    inner = slice(5, -5)
    assert unvoiced[inner].mean() < 0.02
    cents = 1200 * np.abs(np.log2(heard[inner] / f0[inner]))
    assert np.median(cents) < 10
    assert abs(level(copy) - level(sound)) < 2
    assert np.abs(mel_of(copy) - mel)[inner].mean() < 0.5


def test_a_fricative_stays_noise():
    rng = np.random.default_rng(1)
    sound, f0 = singing(0.5)
    hiss = sosfilt(butter(4, 4000, "high", fs=RATE, output="sos"), rng.standard_normal(RATE // 2))
    both = np.concatenate([sound, 0.05 * hiss]).astype(np.float32)
    mel = mel_of(both)
    pitch = np.full(len(mel), 300.0, np.float32)
    pitch[: len(f0)] = f0
    copy = PreviewVocoder().synthesise(mel, pitch)

    noise = copy[int(0.6 * RATE) : int(0.95 * RATE)]
    spectrum = np.abs(np.fft.rfft(noise * np.hanning(len(noise)))) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    band = (hertz > 4200) & (hertz < 12000)
    distance = np.abs((hertz + 150) % 300 - 150)
    on = spectrum[band & (distance < 30)].mean()
    off = spectrum[band & (distance > 120)].mean()
    assert abs(10 * np.log10(on / off)) < 2
    _, unvoiced = Parselmouth(65, 1100).extract(
        noise.astype(np.float32), RATE, hop_size=HOP, length=len(noise) // HOP
    )
    assert unvoiced.mean() > 0.9


@pytest.mark.parametrize("kind", ["blurred", "noisy"])
def test_the_mel_of_a_model_in_early_training_is_sung_on_pitch(kind: str):
    sound, f0 = singing(1.0)
    mel = mel_of(sound)
    if kind == "blurred":
        mel = gaussian_filter1d(mel, 3.0, axis=1)
    else:
        mel = mel + np.random.default_rng(0).normal(0, 2.0, mel.shape).astype(np.float32)
    copy = PreviewVocoder().synthesise(mel, f0)
    heard, unvoiced = Parselmouth(65, 1100).extract(copy, RATE, hop_size=HOP, length=len(f0))
    assert unvoiced.mean() < 0.4
    both = ~unvoiced
    assert np.median(1200 * np.abs(np.log2(heard[both] / f0[both]))) < 15


def test_zeros_in_f0_are_sung_without_voice():
    sound, f0 = singing(1.0)
    copy = PreviewVocoder().synthesise(mel_of(sound), np.zeros_like(f0))
    _, unvoiced = Parselmouth(65, 1100).extract(copy, RATE, hop_size=HOP, length=len(f0))
    assert unvoiced.mean() > 0.8


def test_same_input_gives_the_same_samples():
    sound, f0 = singing(0.4)
    mel = mel_of(sound)
    first, second = (PreviewVocoder().synthesise(mel, f0) for _ in range(2))
    assert np.array_equal(first, second)


def test_long_songs_have_no_seams_between_blocks():
    sound, f0 = singing(0.5)
    mel = np.tile(mel_of(sound)[10:11], (BLOCK + 60, 1))
    copy = PreviewVocoder().synthesise(mel, np.full(len(mel), f0[10], np.float32))
    seam = BLOCK * HOP
    step = np.abs(np.diff(copy))
    around = step[seam - 200 : seam + 200].max()
    assert around < 2.0 * step[seam - 50 * HOP : seam - 10 * HOP].max()


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_very_short_input(frames: int):
    copy = PreviewVocoder().synthesise(
        np.full((frames, 128), -4.0, np.float32), np.full(frames, 150.0, np.float32)
    )
    assert copy.shape == (frames * HOP,)
    assert np.isfinite(copy).all()


def test_wild_values_stay_finite_and_silence_stays_silent():
    rng = np.random.default_rng(0)
    mel = rng.normal(0, 40, (40, 128)).astype(np.float32)
    mel[3] = np.nan
    f0 = np.full(40, 220.0, np.float32)
    f0[5] = np.inf
    assert np.isfinite(PreviewVocoder().synthesise(mel, f0)).all()
    silent = PreviewVocoder().synthesise(np.full((40, 128), -11.5129, np.float32), f0)
    assert level(silent) < -70


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected mel"):
        PreviewVocoder().synthesise(np.zeros((5, 80), np.float32), np.zeros(5, np.float32))


def test_other_geometries_work():
    vocoder = PreviewVocoder(
        sample_rate=16000, hop_size=200, win_size=800, fft_size=1024, num_mels=80, fmax=8000.0
    )
    time = np.arange(16000) / 16000
    sound = vowel(np.full(16000, 180.0) + 0 * time, 16000)
    mel = mel_spectrogram(
        sound,
        sample_rate=16000,
        hop_size=200,
        win_size=800,
        fft_size=1024,
        num_mels=80,
        fmin=40.0,
        fmax=8000.0,
    )
    copy = vocoder.synthesise(mel, np.full(len(mel), 180.0, np.float32))
    assert abs(level(copy) - level(sound)) < 2
