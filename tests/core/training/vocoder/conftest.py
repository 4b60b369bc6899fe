"""A tiny vocoder and a few seconds of synthetic singing, so that real trainings take seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from singwiz.core.binarize.vocoder import binarize_vocoder
from singwiz.core.config import Config, load_config

RATE, HOP = 16000, 64

NETWORK: dict[str, Any] = {
    "mini_nsf": True,
    "resblock": "2",
    "upsample_rates": [4, 4, 4],
    "upsample_kernel_sizes": [8, 8, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
    "fast_mpd_periods": [3],
    "fast_mpd_strides": [4, 2],
    "fast_mpd_init_channel": 2,
    "fast_mrd_init_channel": 2,
    "fast_mrd_strides": [2, 2],
    "fast_mrd_fft_sizes": [256],
    "fast_mrd_hop_sizes": [64],
    "fast_mrd_win_lengths": [256],
}

TINY: dict[str, Any] = {
    "base_config": ["configs/vocoder.yaml"],
    "gan_recipe": "fast",
    "audio_sample_rate": RATE,
    "hop_size": HOP,
    "win_size": 256,
    "fft_size": 256,
    "audio_num_mel_bins": 16,
    "fmin": 40,
    "fmax": 8000,
    "f0_min": 80,
    "model_args": NETWORK,
    "batch_size": 2,
    "crop_mel_frames": 16,
    "val_num": 2,
    "num_valid_plots": 0,
    "num_sanity_val_steps": 0,
    "log_interval": 1,
    "max_updates": 12,
    "val_check_interval": 6,
    "generater_optimizer_args": {"lr": 0.002},
    "pl_trainer_accelerator": "cpu",
}


def sing(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A gliding tone with overtones, a little breath, and silence at the end."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.05 * np.sin(2 * np.pi * time))) / rate
    tone = sum(0.3 / k * np.sin(k * phase) for k in range(1, 8))
    breath = 0.003 * np.random.default_rng(int(hertz)).standard_normal(len(time))
    voiced = time < seconds - 0.1
    return (tone * voiced + breath).astype(np.float32)


def write_sounds(folder: Path) -> Path:
    """A folder of recordings, one of them deeper down."""
    folder.mkdir(parents=True)
    for number, hertz in enumerate((140, 180, 220, 260, 300)):
        soundfile.write(folder / f"song{number}.wav", sing(hertz, 0.5 + 0.1 * number), RATE)
    (folder / "more").mkdir()
    soundfile.write(folder / "more" / "song0.wav", sing(200, 0.6), RATE)
    return folder


def tiny_config(binary_dir: Path, **changes: Any) -> Config:
    """The tiny config over a prepared dataset; changes by dotted key."""
    return load_config({**TINY, "binary_data_dir": str(binary_dir)}, overrides=changes)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds") / "wavs")


@pytest.fixture(scope="session")
def prepared(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary dataset of the sounds."""
    folder = tmp_path_factory.mktemp("prepared") / "binary"
    binarize_vocoder(tiny_config(folder, data_input_path=[str(sounds)]), workers=0, cache_dir=None)
    return folder


@pytest.fixture(scope="session")
def vocoder(prepared: Path) -> Callable[..., Config]:
    """The tiny config over the shared dataset, or over another folder."""

    def make(binary_dir: Path = prepared, **changes: Any) -> Config:
        return tiny_config(binary_dir, **changes)

    return make


@pytest.fixture(scope="session")
def voice() -> Callable[..., np.ndarray]:
    return sing
