"""Going on from files of the original HiFi-GAN."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from singwiz.core.binarize.vocoder import binarize_vocoder
from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.vocoder.experiment import build_gan
from singwiz.core.training.vocoder.hifigan import newest_pair

CONFIG: dict[str, Any] = {
    "resblock": "2",
    "upsample_rates": [4, 4, 4],
    "upsample_kernel_sizes": [8, 8, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
    "discriminator_periods": [3],
    "batch_size": 2,
    "learning_rate": 0.0002,
    "lr_decay": 0.5,
    "segment_size": 1024,
    "num_mels": 16,
    "n_fft": 256,
    "hop_size": 64,
    "win_size": 256,
    "sampling_rate": 16000,
    "fmin": 0,
    "fmax": 8000,
    "fmax_for_loss": None,
    "num_workers": 0,
    "val_num": 1,
    "num_valid_plots": 0,
    "num_sanity_val_steps": 0,
    "log_interval": 1,
    "pl_trainer_accelerator": "cpu",
}


@pytest.fixture
def folder(sounds: Path, tmp_path: Path) -> Path:
    """What somebody who trained HiFi-GAN has: a config, a pair of step 5 in epoch 2, and a newer
    generator whose discriminators were lost."""
    home = tmp_path / "cp_hifigan"
    home.mkdir()
    places = {"input_wavs_dir": str(sounds), "binary_data_dir": str(tmp_path / "binary")}
    (home / "config.json").write_text(json.dumps({**CONFIG, **places}))
    config = load_config(home / "config.json")
    binarize_vocoder(config, workers=0, cache_dir=None)
    write_pair(config, home, 5, epoch=2)
    (home / "g_00000009").write_bytes(b"newer")
    return home


def write_pair(config: Config, home: Path, steps: int, *, epoch: int) -> None:
    gan = build_gan(config.to_dict(), 7)
    mpd, msd = gan.discriminator["mpd"], gan.discriminator["msd"]
    g = torch.optim.AdamW(gan.generator.parameters(), 2e-4, betas=(0.8, 0.99))
    both = itertools.chain(msd.parameters(), mpd.parameters())
    d = torch.optim.AdamW(both, 2e-4, betas=(0.8, 0.99))
    for parameter in gan.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    for optimizer in (g, d):
        optimizer.step()
    torch.save({"generator": gan.generator.state_dict()}, home / f"g_{steps:08d}")
    state = {
        "mpd": mpd.state_dict(),
        "msd": msd.state_dict(),
        "optim_g": g.state_dict(),
        "optim_d": d.state_dict(),
        "steps": steps,
        "epoch": epoch,
    }
    torch.save(state, home / f"do_{steps:08d}")


def test_a_pair_beside_the_config_is_continued_with_its_optimizers_step_and_epoch(
    folder: Path, record: type, tmp_path: Path
) -> None:
    config, reporter, work_dir = load_config(folder / "config.json"), record(), tmp_path / "exp"
    result = train(config, work_dir=work_dir, max_steps=7, reporter=reporter)
    assert result.steps == 7
    # 0.0002 halved in each of the two epochs before.
    assert reporter.metrics["training/lr"] == {7: pytest.approx(5e-5)}
    assert "optimizer-restarted" not in reporter.warnings
    assert any("g_00000005" in line for line in reporter.logs)
    saved = torch.load(work_dir / checkpoint_name(7), weights_only=True)
    for optimizer in saved["optimizer_states"]:
        assert {int(moments["step"]) for moments in optimizer["state"].values()} == {2}
    assert not (folder / checkpoint_name(7)).exists()
    # The next call goes on from what was saved, not from the pair.
    again = record()
    train(config, work_dir=work_dir, max_steps=8, reporter=again)
    assert list(again.metrics["training/lr"]) == [8]


def test_files_of_different_steps_are_no_pair(tmp_path: Path) -> None:
    assert newest_pair(tmp_path) is None
    assert newest_pair(tmp_path / "nowhere") is None
    for name in ("g_00000005", "do_00000004", "g_5", "logs"):
        (tmp_path / name).touch()
    with pytest.raises(SingwizError) as caught:
        newest_pair(tmp_path)
    assert caught.value.code == "hifigan-pair"
    for name in ("do_00000005", "g_00000003", "do_00000003"):
        (tmp_path / name).touch()
    assert newest_pair(tmp_path) == (tmp_path / "g_00000005", tmp_path / "do_00000005")
