"""A tiny acoustic model and a tiny binary dataset, so that real trainings take seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.binarize.storage import BinaryWriter
from singwiz.core.config import Config, load_config
from singwiz.core.reporting import Reporter

BINS = 16
PHONEMES = {"SP": 1, "a": 2, "k": 3, "o": 4}

TINY: dict[str, Any] = {
    "base_config": ["configs/acoustic.yaml"],
    "task_cls": "training.acoustic_task.AcousticTask",
    "dictionaries": {"ja": "ja.txt"},
    "audio_sample_rate": 8000,
    "hop_size": 128,
    "win_size": 512,
    "fft_size": 512,
    "audio_num_mel_bins": BINS,
    "fmin": 40,
    "fmax": 4000,
    "hidden_size": 16,
    "enc_layers": 1,
    "num_heads": 2,
    "use_stretch_embed": False,
    "use_key_shift_embed": True,
    "backbone_type": "lynxnet2",
    "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
    "shallow_diffusion_args": {
        "aux_decoder_args": {"num_channels": 8, "num_layers": 1, "kernel_size": 3}
    },
    "sampling_steps": 2,
    "vocoder_ckpt": "",
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


def write_binary(folder: Path, *, items: int = 11, nan: bool = False) -> Path:
    """A prepared dataset whose mels follow the phonemes, so that there is something to learn."""
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
                fields = {
                    "spk_id": 0,
                    "languages": np.zeros(5, np.int64),
                    "tokens": tokens.astype(np.int64),
                    "mel": np.full_like(mel, np.nan, np.float32) if nan else mel.astype(np.float32),
                    "mel2ph": mel2ph.astype(np.int64),
                    "f0": rng.uniform(150, 300, frames).astype(np.float32),
                    "key_shift": 0.0,
                }
                names = {"names": f"song{number}", "spk_names": "aoi", "ph_texts": ""}
                writer.add(fields, length=frames, meta=names if split == "valid" else None)
    for name, content in (
        ("phonemes.json", PHONEMES),
        ("spk_map.json", {"aoi": 0}),
        ("lang_map.json", {"ja": 1}),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "dictionary-ja.txt").write_text("a\ta\nka\tk a\n", encoding="utf-8")
    return folder


def tiny_config(binary_dir: Path, **changes: Any) -> Config:
    """The tiny config over a prepared dataset; changes by dotted key."""
    return load_config({**TINY, "binary_data_dir": str(binary_dir)}, overrides=changes)


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
def record() -> type[Record]:
    return Record


@pytest.fixture(scope="session")
def prepare() -> Callable[..., Path]:
    return write_binary
