"""The binary dataset of a vocoder: which recordings, at which rate, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile

from singwiz.core.binarize.storage import read_metadata
from singwiz.core.binarize.vocoder import binarize_vocoder
from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.reporting import Reporter

RATE = 16000
SMALL: dict[str, Any] = {
    "base_config": ["configs/vocoder.yaml"],
    "audio_sample_rate": RATE,
    "hop_size": 64,
    "win_size": 256,
    "fft_size": 256,
    "audio_num_mel_bins": 16,
    "fmax": 8000,
    "model_args": {"upsample_rates": [4, 4, 4], "upsample_kernel_sizes": [8, 8, 8]},
    "crop_mel_frames": 16,
    "val_num": 2,
}

Make = Callable[..., Config]


def tone(hertz: float, seconds: float = 0.4, rate: int = RATE) -> np.ndarray:
    phase = 2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate
    return (0.2 * np.sin(phase) + 0.1 * np.sin(2 * phase)).astype(np.float32)


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: dict[str, str] = {}

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings[code] = message


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "wavs"
    (folder / "b").mkdir(parents=True)
    for number in range(6):
        soundfile.write(folder / f"a{number}.wav", tone(200 + 20 * number), RATE)
    soundfile.write(folder / "b" / "a0.flac", tone(150), RATE)
    return folder


@pytest.fixture
def make(sounds: Path, tmp_path: Path) -> Make:
    def config(**changes: Any) -> Config:
        places = {"data_input_path": [str(sounds)], "binary_data_dir": str(tmp_path / "binary")}
        return load_config({**SMALL, **places, **changes})

    return config


def names(folder: Path, split: str) -> list[str]:
    return list(read_metadata(folder, split)["names"])


def test_records_hold_sound_mel_and_pitch_of_equal_length(make: Make, tmp_path: Path) -> None:
    report = binarize_vocoder(make(), workers=0)
    assert report.counts == {"valid": 2, "train": 5, "train_original": 5}
    with h5py.File(tmp_path / "binary" / "train.data") as stored:
        item = stored["0"]
        frames = len(item["audio"]) // 64
        assert item["mel"].shape == (frames, 16)
        assert item["f0"].shape == item["uv"].shape == (frames,)
        assert item["audio"].dtype == np.float32
    kept = {*names(tmp_path / "binary", "train"), *names(tmp_path / "binary", "valid")}
    assert {"a0.wav", "b/a0.flac"} <= kept, "files of one stem stay apart"


def test_a_higher_rate_is_resampled_before_pitch_is_measured(
    make: Make, sounds: Path, tmp_path: Path
) -> None:
    soundfile.write(sounds / "z.wav", tone(250, rate=24000), 24000)
    binarize_vocoder(make(val_num=1), workers=0)
    folder = tmp_path / "binary"
    for split in ("train", "valid"):
        if "z.wav" in names(folder, split):
            with h5py.File(folder / f"{split}.data") as stored:
                item = stored[str(names(folder, split).index("z.wav"))]
                assert len(item["audio"]) == pytest.approx(0.4 * RATE, abs=2)
                assert np.median(item["f0"]) == pytest.approx(250, rel=0.01)
            return
    raise AssertionError("z.wav is missing")


def test_unusable_recordings_are_left_out_and_listed(
    make: Make, sounds: Path, tmp_path: Path
) -> None:
    soundfile.write(sounds / "low.wav", tone(200, rate=8000), 8000)
    soundfile.write(sounds / "silent.wav", np.zeros(8000, np.float32), RATE)
    soundfile.write(sounds / "click.wav", tone(200, 0.005), RATE)
    (sounds / "text.wav").write_text("no sound")
    report = binarize_vocoder(make(), workers=0)
    reasons = {entry["item"]: entry["reason"] for entry in report.skipped}
    assert reasons.keys() == {"low.wav", "silent.wav", "click.wav", "text.wav"}
    assert "8000" in reasons["low.wav"] and "16000" in reasons["low.wav"]
    written = json.loads((tmp_path / "binary" / "binarize.json").read_text())
    assert written["skipped"] == report.skipped
    with pytest.raises(SingwizError, match="could not be prepared"):
        binarize_vocoder(make(), workers=0, max_failed=3)


def test_what_training_will_pass_over_is_counted(make: Make, sounds: Path) -> None:
    soundfile.write(sounds / "a_short.wav", tone(200, 0.05), RATE)
    heard = Heard()
    # The one sine of this network runs at 4 kHz: pitch has to stay below 2 kHz.
    soundfile.write(sounds / "a_high.wav", tone(2200), RATE)
    report = binarize_vocoder(make(f0_max=2500, val_num=1), workers=0, reporter=heard)
    assert "2000 Hz" in heard.warnings["items-high"]
    assert "a_high" in heard.warnings["items-high"]
    if "items-short" in heard.warnings:  # unless it was kept for validation
        assert "16 frames" in heard.warnings["items-short"]
    assert not report.skipped


def test_validation_is_kept_when_recordings_are_added(
    make: Make, sounds: Path, tmp_path: Path
) -> None:
    binarize_vocoder(make(), workers=0)
    before = names(tmp_path / "binary", "valid")
    for number in range(10):
        soundfile.write(sounds / f"new{number}.wav", tone(170 + number), RATE)
    report = binarize_vocoder(make(), workers=0)
    assert names(tmp_path / "binary", "valid") == before
    assert report.cached == 7


def test_one_recording_is_always_left_for_training(make: Make) -> None:
    report = binarize_vocoder(make(val_num=100), workers=0)
    assert report.counts["train"] == 1


def test_lists_of_hifigan_choose_the_recordings(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "training.txt").write_text("a1|la\na2|la\n\na3|la\n")
    (tmp_path / "validation.txt").write_text("a4|la\n")
    lists = {
        "input_training_file": "training.txt",
        "input_validation_file": "validation.txt",
    }
    binarize_vocoder(make(**lists), workers=0, base_dir=tmp_path)
    assert names(tmp_path / "binary", "train") == ["a1.wav", "a2.wav", "a3.wav"]
    assert names(tmp_path / "binary", "valid") == ["a4.wav"]


def test_labelled_datasets_keep_their_own_validation_items(make: Make, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "wavs").mkdir(parents=True)
    for number in range(3):
        soundfile.write(raw / "wavs" / f"song{number}.wav", tone(220), RATE)
    rows = "".join(f"song{n},a,0.4\n" for n in range(3))
    (raw / "transcriptions.csv").write_text("name,ph_seq,ph_dur\n" + rows)
    entry = {"raw_data_dir": str(raw), "speaker": "aoi", "test_prefixes": ["song1"]}
    report = binarize_vocoder(make(datasets=[entry], data_input_path=[]), workers=0)
    assert names(tmp_path / "binary", "valid") == ["song1"]
    assert report.seconds_per_speaker["train"] == {"aoi": pytest.approx(0.8)}


def test_peaks_are_brought_to_one_level_where_wanted(make: Make, tmp_path: Path) -> None:
    binarize_vocoder(make(peak_normalise=True), workers=0)
    with h5py.File(tmp_path / "binary" / "train.data") as stored:
        assert np.abs(stored["0"]["audio"]).max() == pytest.approx(0.95)


def test_without_recordings_the_advice_names_the_keys(make: Make, tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        binarize_vocoder(make(data_input_path=[]), workers=0)
    assert "data_input_path" in caught.value.hint
    with pytest.raises(SingwizError, match="does not exist"):
        binarize_vocoder(make(data_input_path=[str(tmp_path / "lost")]), workers=0)
