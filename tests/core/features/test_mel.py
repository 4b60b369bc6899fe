from pathlib import Path

import librosa
import numpy as np
import pytest

from singwiz.core.features.mel import mel_filterbank, mel_frame_count, mel_spectrogram

SETTINGS = {
    "sample_rate": 44100,
    "hop_size": 512,
    "win_size": 2048,
    "fft_size": 2048,
    "num_mels": 128,
    "fmin": 40,
    "fmax": 16000,
}
FIXTURE = np.load(Path(__file__).parents[2] / "golden" / "nvstft-A.npz")


@pytest.mark.parametrize(
    ("key_shift", "speed"), [(0, 1.0), (5, 1.0), (-5, 1.0), (0, 1.25), (3.5, 0.8)]
)
def test_mel_equals_that_of_the_vocoders(key_shift: float, speed: float) -> None:
    mel = mel_spectrogram(FIXTURE["wav"], **SETTINGS, key_shift=key_shift, speed=speed)
    expected = FIXTURE[f"mel_k{key_shift}_s{speed}"].T
    assert mel.shape == expected.shape
    assert mel.dtype == np.float32
    np.testing.assert_allclose(mel, expected, atol=0.0039)


@pytest.mark.parametrize(
    ("sample_rate", "fft_size", "num_mels", "fmin", "fmax"),
    [(44100, 2048, 128, 40, 16000), (22050, 1024, 80, 0, 8000), (48000, 2048, 100, 20, 24000)],
)
def test_filterbank_equals_librosas(
    sample_rate: int, fft_size: int, num_mels: int, fmin: float, fmax: float
) -> None:
    ours = mel_filterbank(
        sample_rate=sample_rate, fft_size=fft_size, num_mels=num_mels, fmin=fmin, fmax=fmax
    )
    theirs = librosa.filters.mel(
        sr=sample_rate, n_fft=fft_size, n_mels=num_mels, fmin=fmin, fmax=fmax
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-8)


def test_one_second_has_86_frames() -> None:
    waveform = np.zeros(44100, np.float32)
    assert mel_spectrogram(waveform, **SETTINGS).shape == (86, 128)


def test_silence_lies_on_the_floor() -> None:
    mel = mel_spectrogram(np.zeros(5000, np.float32), **SETTINGS)
    np.testing.assert_allclose(mel, np.log(1e-5), rtol=1e-6)


@pytest.mark.parametrize("samples", [700, 768, 769, 2048, 44099])
@pytest.mark.parametrize(("key_shift", "speed"), [(0.0, 1.0), (4.3, 1.7), (-5.0, 0.5)])
def test_frame_count_is_known_beforehand(samples: int, key_shift: float, speed: float) -> None:
    options = {"key_shift": key_shift, "speed": speed}
    sizes = {name: SETTINGS[name] for name in ("hop_size", "win_size", "fft_size")}
    count = mel_frame_count(samples, **sizes, **options)
    waveform = np.ones(samples, np.float32)
    if count == 0:
        with pytest.raises(ValueError, match="too short"):
            mel_spectrogram(waveform, **SETTINGS, **options)
    else:
        assert len(mel_spectrogram(waveform, **SETTINGS, **options)) == count


def test_a_window_shorter_than_the_fft_is_centred() -> None:
    rng = np.random.default_rng(0)
    waveform = rng.standard_normal(20000).astype(np.float32) * 0.1
    settings = SETTINGS | {"win_size": 1024, "num_mels": 40}
    mel = mel_spectrogram(waveform, **settings)
    padded = np.pad(waveform, 256, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=2048, hop_length=512, win_length=1024, center=False)
    bank = librosa.filters.mel(sr=44100, n_fft=2048, n_mels=40, fmin=40, fmax=16000)
    expected = np.log(np.maximum(bank @ np.abs(spectrum), 1e-5)).T
    np.testing.assert_allclose(mel, expected, atol=1e-3)
