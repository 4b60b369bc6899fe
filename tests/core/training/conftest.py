"""Tiny models and tiny binary datasets, so that real trainings take seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.binarize.storage import BinaryWriter
from singwiz.core.config import Config, load_config
from singwiz.core.reporting import Reporter

BINS = 16
PHONEMES = {"SP": 1, "a": 2, "k": 3, "o": 4}

SMALL_BACKBONE = {
    "backbone_type": "lynxnet2",
    "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
}

COMMON: dict[str, Any] = {
    "dictionaries": {"ja": "ja.txt"},
    "audio_sample_rate": 8000,
    "hop_size": 128,
    "win_size": 512,
    "fft_size": 512,
    "hidden_size": 16,
    "enc_layers": 1,
    "num_heads": 2,
    "sampling_steps": 2,
    "optimizer_args": {"lr": 0.002},
    "max_batch_frames": 300,
    "max_batch_size": 3,
    "max_updates": 8,
    "val_check_interval": 4,
    "num_valid_plots": 1,
    "num_sanity_val_steps": 0,
    "log_interval": 1,
    "pl_trainer_precision": "32-true",
}

TINY: dict[str, Any] = {
    **COMMON,
    **SMALL_BACKBONE,
    "base_config": ["configs/acoustic.yaml"],
    "task_cls": "training.acoustic_task.AcousticTask",
    "audio_num_mel_bins": BINS,
    "fmin": 40,
    "fmax": 4000,
    "use_stretch_embed": False,
    "use_key_shift_embed": True,
    "shallow_diffusion_args": {
        "aux_decoder_args": {"num_channels": 8, "num_layers": 1, "kernel_size": 3}
    },
    "vocoder_ckpt": "",
}

TINY_VARIANCE: dict[str, Any] = {
    **COMMON,
    "base_config": ["configs/variance.yaml"],
    "task_cls": "training.variance_task.VarianceTask",
    "use_stretch_embed": True,
    "predict_breathiness": True,
    "predict_tension": True,
    "dur_prediction_args": {"hidden_size": 8, "num_layers": 2},
    "melody_encoder_args": {"hidden_size": 8, "enc_layers": 1},
    "pitch_prediction_args": {"repeat_bins": 4, **SMALL_BACKBONE},
    "variances_prediction_args": {"total_repeat_bins": 8, **SMALL_BACKBONE},
}


class Record(Reporter):
    """Remembers everything it is told."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.step = 0
        self.metrics: dict[str, dict[int, float]] = {}
        self.warnings: dict[str, str] = {}
        self.artifacts: list[tuple[str, Path]] = []
        self.logs: list[str] = []

    def progress(self, done: float, total: float, label: str = "") -> None:
        assert 0 <= done <= total

    def metric(self, name: str, value: float, step: int) -> None:
        self.metrics.setdefault(name, {})[step] = value
        self.step = step

    def log(self, text: str) -> None:
        self.logs.append(text)

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings[code] = message

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        self.artifacts.append((kind, path))

    def cancelled(self) -> bool:
        return self.stop_at is not None and self.step >= self.stop_at


def write_binary(
    folder: Path, *, items: int = 11, nan: Collection[str] = (), named: bool = False
) -> Path:
    """A prepared dataset whose mels follow the phonemes, so that there is something to learn.

    Args:
        folder: to make.
        items: for training; they are named song0, song1, ….
        nan: names of training items whose mel is no number.
        named: store the names of training items, too.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    colours = rng.uniform(-9, -2, (len(PHONEMES) + 1, BINS)).astype(np.float32)
    for split, count in (("train", items), ("valid", 2)):
        with BinaryWriter(folder, split) as writer:
            for number in range(count):
                tokens = rng.integers(1, len(PHONEMES) + 1, 5)
                durations = rng.integers(4, 14, 5)
                mel2ph = np.repeat(np.arange(1, 6), durations)
                frames = len(mel2ph)
                mel = colours[tokens[mel2ph - 1]] + rng.normal(0, 0.1, (frames, BINS))
                if split == "train" and f"song{number}" in nan:
                    mel[3] = np.nan
                fields = {
                    "spk_id": 0,
                    "languages": np.zeros(5, np.int64),
                    "tokens": tokens.astype(np.int64),
                    "mel": mel.astype(np.float32),
                    "mel2ph": mel2ph.astype(np.int64),
                    "f0": rng.uniform(150, 300, frames).astype(np.float32),
                    "key_shift": 0.0,
                }
                writer.add(fields, length=frames, meta=_meta(split, number, named))
    _write_maps(folder)
    return folder


def write_variance_binary(folder: Path, *, items: int = 12) -> Path:
    """A prepared dataset for a variance model, with everything it can predict.

    Durations, pitch and curves follow the phonemes and notes.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(6)
    usual = np.array([0, 9, 12, 4, 7])
    for split, count in (("train", items), ("valid", 3)):
        with BinaryWriter(folder, split) as writer:
            for number in range(count):
                fields = _sung(rng, usual)
                writer.add(fields, length=len(fields["mel2ph"]), meta=_meta(split, number, True))
    _write_maps(folder)
    return folder


def _sung(rng: np.random.Generator, usual: np.ndarray) -> dict[str, Any]:
    """Three words "k a" or "k o" between pauses, a note for each."""
    vowels = rng.choice([2, 4], 3)
    tokens = np.array([1, 3, vowels[0], 3, vowels[1], 3, vowels[2], 1])
    durations = usual[tokens] + rng.integers(-1, 2, 8)
    words = np.array([1, 2, 2, 3, 3, 4, 4, 5])
    notes = np.array([60, *rng.integers(55, 70, 3), 60]).astype(np.float32)
    note_dur = np.bincount(words - 1, durations).astype(np.int64)
    mel2ph, mel2note = np.repeat(np.arange(1, 9), durations), np.repeat(np.arange(1, 6), note_dur)
    base_pitch = notes[mel2note - 1]
    place = np.arange(len(mel2ph))
    pitch = base_pitch + 0.4 * np.sin(place / 3) + 0.2
    sounds = tokens[mel2ph - 1]
    curves = {
        name: (low - 4.0 * sounds + rng.normal(0, 0.3, len(place))).astype(np.float32)
        for name, low in (("energy", -20), ("breathiness", -40), ("voicing", -20), ("tension", 3))
    }
    return {
        "spk_id": 0,
        "languages": np.zeros(8, np.int64),
        "tokens": tokens.astype(np.int64),
        "ph_dur": durations.astype(np.int64),
        "ph2word": words.astype(np.int64),
        "midi": np.repeat(notes, np.bincount(words)[1:]).round().astype(np.int64),
        "mel2ph": mel2ph.astype(np.int64),
        "note_midi": notes,
        "note_rest": np.array([True, False, False, False, True]),
        "note_dur": note_dur,
        "note_glide": np.array([0, 1, 0, 2, 0]),
        "mel2note": mel2note.astype(np.int64),
        "base_pitch": base_pitch,
        "pitch": pitch.astype(np.float32),
        "uv": (sounds == 1) | (sounds == 3),
        **curves,
    }


def _meta(split: str, number: int, named: bool) -> dict[str, str] | None:
    name = {"names": f"song{number}"}
    if split == "valid":
        return {**name, "spk_names": "aoi", "ph_texts": ""}
    return name if named else None


def _write_maps(folder: Path) -> None:
    for name, content in (
        ("phonemes.json", PHONEMES),
        ("spk_map.json", {"aoi": 0}),
        ("lang_map.json", {"ja": 1}),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "dictionary-ja.txt").write_text("a\ta\nka\tk a\no\to\nko\tk o\n", encoding="utf-8")


def tiny_config(binary_dir: Path, **changes: Any) -> Config:
    """The tiny config over a prepared dataset; changes by dotted key."""
    return load_config({**TINY, "binary_data_dir": str(binary_dir)}, overrides=changes)


def tiny_variance_config(binary_dir: Path, **changes: Any) -> Config:
    """The same for a variance model."""
    return load_config({**TINY_VARIANCE, "binary_data_dir": str(binary_dir)}, overrides=changes)


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_binary(tmp_path_factory.mktemp("prepared") / "binary")


@pytest.fixture(scope="session")
def config(binary: Path) -> Callable[..., Config]:
    """The tiny config over the shared dataset, or over another folder."""

    def make(binary_dir: Path = binary, **changes: Any) -> Config:
        return tiny_config(binary_dir, **changes)

    return make


@pytest.fixture(scope="session")
def variance_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_variance_binary(tmp_path_factory.mktemp("prepared") / "variance")


@pytest.fixture(scope="session")
def variance_config(variance_binary: Path) -> Callable[..., Config]:
    """The tiny config of a variance model over its shared dataset."""

    def make(binary_dir: Path = variance_binary, **changes: Any) -> Config:
        return tiny_variance_config(binary_dir, **changes)

    return make


@pytest.fixture(scope="session")
def record() -> type[Record]:
    return Record


@pytest.fixture(scope="session")
def prepare() -> Callable[..., Path]:
    return write_binary
