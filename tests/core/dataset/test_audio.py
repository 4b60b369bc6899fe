"""Reading and writing audio: formats, rates, channels, damage."""

import struct

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset import audio
from singwiz.core.dataset.audio import probe_audio, read_audio, write_audio
from singwiz.core.errors import SingwizError


def tone(rate: int, seconds: float = 0.5, frequency: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", "PCM_16")],
)
@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
def test_every_format_and_rate_arrives_as_the_same_tone(tmp_path, suffix, subtype, rate):
    path = tmp_path / f"täst 声.{suffix}"
    soundfile.write(path, tone(rate), rate, subtype=subtype)
    info = probe_audio(path)
    assert (info.sample_rate, info.channels, info.subtype) == (rate, 1, subtype)
    assert info.seconds == pytest.approx(0.5)
    samples, got = read_audio(path, 44100)
    assert got == 44100
    assert samples.dtype == np.float32
    assert abs(len(samples) - 22050) <= 1
    inner = slice(2000, -2000)
    assert np.abs(samples[inner] - tone(44100)[: len(samples)][inner]).max() < 2e-3


def test_channels_are_averaged_and_the_files_own_rate_can_be_kept(tmp_path):
    path = tmp_path / "stereo.wav"
    left = tone(48000)
    soundfile.write(path, np.stack([left, 0.5 * left], axis=1), 48000, subtype="FLOAT")
    samples, rate = read_audio(path, None)
    assert rate == 48000
    np.testing.assert_allclose(samples, 0.75 * left, atol=1e-6)


def test_a_long_file_is_read_in_blocks_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "_BLOCK", 1000)
    path = tmp_path / "long.flac"
    soundfile.write(path, tone(44100), 44100)
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(read_audio(path, None)[0], whole)


def test_what_is_written_comes_back_clipped_as_16_bit(tmp_path):
    path = tmp_path / "sub" / "out.wav"
    write_audio(path, np.array([0.0, 0.5, 1.5, -1.5, np.nan]), 44100)
    assert probe_audio(path).subtype == "PCM_16"
    samples, _ = read_audio(path, None)
    np.testing.assert_allclose(samples, [0, 0.5, 1, -1, 0], atol=1e-4)
    assert [file.name for file in path.parent.iterdir()] == ["out.wav"]


def riff(frames_claimed: int, rate: int = 44100, data: bytes = b"\1\0" * 50) -> bytes:
    """A 16-bit mono WAV whose header says what we like."""
    size = frames_claimed * 2
    header = struct.pack("<IHHIIHH", 16, 1, 1, rate, (rate * 2) & 0xFFFFFFFF, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", min(36 + size, 0xFFFFFFFF)) + b"WAVEfmt " + header
        + b"data" + struct.pack("<I", min(size, 0xFFFFFFFF)) + data
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "audio-empty"),
        (b"RIFF", "audio-unreadable"),
        (b"not audio at all" * 100, "audio-unreadable"),
        (riff(0, data=b""), "audio-empty"),
        (riff(50, rate=0), "audio-"),
        (riff(50, rate=2**31 - 1), "audio-sample-rate"),
    ],
)
def test_broken_files_are_errors_with_advice(tmp_path, content, code):
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    for read in (probe_audio, lambda p: read_audio(p, 44100)):
        with pytest.raises(SingwizError) as caught:
            read(path)
        assert caught.value.code.startswith(code)
        assert "broken.wav" in caught.value.message
        assert caught.value.hint


def test_a_header_that_claims_hours_costs_no_memory(tmp_path):
    wav = tmp_path / "huge.wav"
    wav.write_bytes(riff(2**31 - 1000))
    try:
        assert len(read_audio(wav, None)[0]) <= 50
    except SingwizError as error:
        assert error.code in ("audio-too-long", "audio-truncated", "audio-unreadable")
    flac = tmp_path / "huge.flac"
    soundfile.write(flac, tone(44100), 44100)
    data = bytearray(flac.read_bytes())
    data[21] |= 0x0F  # the top bits of the number of samples in STREAMINFO
    flac.write_bytes(data)
    with pytest.raises(SingwizError) as caught:
        read_audio(flac, None)
    assert caught.value.code == "audio-too-long"


def test_a_flac_that_breaks_off_is_noticed(tmp_path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 200000), 44100)
    path.write_bytes(path.read_bytes()[:100000])
    with pytest.raises(SingwizError) as caught:
        read_audio(path, None)
    assert caught.value.code in ("audio-truncated", "audio-unreadable")


def test_a_header_that_claims_more_than_there_is_is_noticed(tmp_path):
    path = tmp_path / "short.flac"
    soundfile.write(path, tone(44100), 44100)
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack(">I", 44100 * 600)  # the number of samples in STREAMINFO
    path.write_bytes(data)
    with pytest.raises(SingwizError) as caught:
        read_audio(path, None)
    assert caught.value.code in ("audio-truncated", "audio-unreadable")


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.1]), 44100, subtype="FLOAT")
    with pytest.raises(SingwizError) as caught:
        read_audio(path, 44100)
    assert caught.value.code == "audio-not-finite"


def test_missing_files_and_folders_are_errors(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(SingwizError) as caught:
            probe_audio(path)
        assert caught.value.code == "audio-missing"
