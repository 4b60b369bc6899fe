"""Whole trainings of a tiny vocoder: both sides learn, resume, start from others, and export."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.neural import NeuralVocoder
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.journal import read_best, read_validations
from singwiz.core.training.vocoder.experiment import build_gan, newest_checkpoint
from singwiz.core.training.vocoder.export import export_vocoder
from singwiz.core.training.vocoder.optimizers import freeze
from singwiz.core.training.vocoder.tuning import IN_TUNE

MakeConfig = Callable[..., Config]


def steps_on_disk(work_dir: Path) -> list[int]:
    return sorted(int(p.stem.rpartition("_")[2]) for p in work_dir.glob("model_ckpt*.ckpt"))


def load(work_dir: Path, step: int) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(work_dir / checkpoint_name(step), weights_only=True)
    return loaded


def same_weights(one: dict[str, Any], other: dict[str, Any]) -> bool:
    weights, others = one["state_dict"], other["state_dict"]
    return weights.keys() == others.keys() and all(
        torch.equal(weights[name], others[name]) for name in weights
    )


@pytest.fixture(scope="module")
def finished(
    vocoder: MakeConfig, record: type, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any, Any]:
    """One training of 24 steps with everything shown; folder, result, what was reported."""
    work_dir = tmp_path_factory.mktemp("finished") / "exp"
    wanted = vocoder(
        max_updates=24, val_check_interval=12, num_sanity_val_steps=1, num_valid_plots=1
    )
    reporter = record()
    return work_dir, train(wanted, work_dir=work_dir, reporter=reporter), reporter


# What a training leaves ------------------------------------------------------------------


def test_the_spectrogram_error_falls(finished: tuple[Path, Any, Any]) -> None:
    metrics = finished[2].metrics
    errors = metrics["training/mel_spec_error"]
    assert np.mean([errors[s] for s in range(19, 25)]) < 0.85 * np.mean(
        [errors[s] for s in range(1, 7)]
    )
    validation = metrics["validation/mel_spec_error"]
    assert validation[24] < validation[12] < validation[0]


def test_a_batch_is_one_step_although_two_optimizers_move(
    finished: tuple[Path, Any, Any],
) -> None:
    work_dir, result, reporter = finished
    assert result.steps == 24
    assert steps_on_disk(work_dir) == [12, 24]
    state = load(work_dir, 24)
    assert state["global_step"] == 24
    assert len(state["optimizer_states"]) == 2
    assert max(reporter.metrics["training/total_loss"]) == 24
    for optimizer in state["optimizer_states"]:
        assert {int(moments["step"]) for moments in optimizer["state"].values()} == {24}


def test_weights_have_the_names_of_the_community(finished: tuple[Path, Any, Any]) -> None:
    heads = {".".join(name.split(".")[:2]) for name in load(finished[0], 24)["state_dict"]}
    assert {"generator.conv_pre", "discriminator.mpd", "discriminator.mrd"} <= heads
    assert all(head.startswith(("generator.", "discriminator.")) for head in heads)


def test_tensorboard_shows_the_curves_pictures_and_sounds(
    finished: tuple[Path, Any, Any],
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0] / "lightning_logs" / "latest"))
    events.Reload()
    tags = events.Tags()
    names = ("DmpdlossT", "DmrdlossF", "Gmpdloss", "Gmrd_feature_loss", "aux_mel_loss", "lr")
    assert {f"training/{name}" for name in names} <= set(tags["scalars"])
    assert {"validation/total_loss", "validation/stft_loss"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("validation/stft_loss")] == [0, 12, 24]
    assert tags["images"] == ["log10stft_0"]
    pitch = events.Scalars("metrics/f0_within_50")
    assert [event.step for event in pitch] == [0, 12, 24]
    assert all(0 <= event.value <= 1 for event in pitch)
    assert len(events.Audio("gt_0_")) == 1
    assert len(events.Audio("HIFI_0_")) == 3


def test_the_newest_and_the_best_vocoder_can_sing(finished: tuple[Path, Any, Any]) -> None:
    work_dir, _, reporter = finished
    for which in ("last", "best"):
        path = work_dir / "exported" / which / "model.ckpt"
        content = torch.load(path, weights_only=True)
        assert list(content) == ["generator"]
        described = json.loads(path.with_name("config.json").read_text())
        assert (described["mini_nsf"], described["hop_size"]) == (True, 64)
        voice = NeuralVocoder.load(path)
        sound = voice.synthesise(np.full((20, 16), -4, np.float32), np.full(20, 200, np.float32))
        assert sound.shape == (20 * 64,)
        assert np.isfinite(sound).all()
    assert any(path.parent.name == "best" for _, path in reporter.artifacts)


def test_an_older_checkpoint_can_be_exported(
    finished: tuple[Path, Any, Any], tmp_path: Path
) -> None:
    saved = load_config(finished[0] / "config.yaml")
    path, step = export_vocoder(saved, finished[0], tmp_path / "out", step=12)
    assert step == 12
    exported = torch.load(path, weights_only=True)["generator"]
    trained = load(finished[0], 12)["state_dict"]
    assert torch.equal(exported["conv_post.weight_v"], trained["generator.conv_post.weight_v"])
    with pytest.raises(SingwizError) as caught:
        export_vocoder(saved, finished[0], tmp_path / "out", step=13)
    assert "12, 24" in caught.value.hint


# Resuming --------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import tiny_config
from singwiz.core.reporting import Reporter
from singwiz.core.training import train

class Killed(Reporter):
    def metric(self, name, value, step):
        if step == 15:
            os.kill(os.getpid(), signal.SIGKILL)

config = tiny_config(Path(sys.argv[2]), max_updates=24, val_check_interval=12)
train(config, work_dir=Path(sys.argv[3]), reporter=Killed())
"""


def test_a_killed_training_resumes_to_the_same_losses_and_weights_of_both_sides(
    finished: tuple[Path, Any, Any],
    prepared: Path,
    vocoder: MakeConfig,
    record: type,
    tmp_path: Path,
) -> None:
    arguments = [str(Path(__file__).parent), str(prepared), str(tmp_path)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert steps_on_disk(tmp_path) == [12]
    reporter = record()
    result = train(
        vocoder(max_updates=24, val_check_interval=12), work_dir=tmp_path, reporter=reporter
    )
    assert result.steps == 24
    straight = finished[2].metrics
    for name in ("training/total_loss", "training/DmpdlossF", "training/aux_mel_loss"):
        assert reporter.metrics[name] == {s: straight[name][s] for s in range(13, 25)}
    assert reporter.metrics["validation/stft_loss"] == {24: straight["validation/stft_loss"][24]}
    assert same_weights(load(tmp_path, 24), load(finished[0], 24))


def test_the_best_checkpoint_is_marked_by_its_spectrograms_among_those_in_tune(
    finished: tuple[Path, Any, Any],
) -> None:
    best, metrics = read_best(finished[0]), finished[2].metrics
    errors = {s: v for s, v in metrics["validation/mel_spec_error"].items() if s}
    tuned = {s for s in errors if metrics["metrics/f0_within_50"][s] >= IN_TUNE}
    candidates = {s: errors[s] for s in tuned or errors}
    assert best is not None
    assert best.score_name == "mel_spec_error"
    assert (best.step, best.score) == min(candidates.items(), key=lambda pair: pair[1])
    for one in read_validations(finished[0]):
        assert {m.name for m in one.measurements} >= {"f0_within_50"}
        assert bool(one.against) == (one.step not in tuned)


def test_a_checkpoint_of_singingvocoders_is_continued_at_its_true_step(
    finished: tuple[Path, Any, Any], vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    theirs = load(finished[0], 12)
    del theirs["singwiz"], theirs["category"]
    theirs["global_step"] = 24  # every batch counts twice
    torch.save(theirs, tmp_path / checkpoint_name(24))
    reporter = record()
    result = train(vocoder(max_updates=15), work_dir=tmp_path, reporter=reporter)
    assert result.steps == 15
    assert sorted(reporter.metrics["training/total_loss"]) == [13, 14, 15]
    assert "optimizer-restarted" not in reporter.warnings
    # Theirs stays, and the newer one of ours counts although its number is smaller.
    assert steps_on_disk(tmp_path) == [15, 24]
    assert newest_checkpoint(tmp_path) == tmp_path / checkpoint_name(15)


def test_the_learning_rates_of_the_config_count_on_resume(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    train(vocoder(max_updates=2), work_dir=tmp_path)
    reporter = record()
    changed = vocoder(max_updates=3, **{"generater_optimizer_args.lr": 0.0005})
    train(changed, work_dir=tmp_path, reporter=reporter)
    assert reporter.metrics["training/lr"] == {3: 0.0005}
    groups = load(tmp_path, 3)["optimizer_states"][0]["param_groups"]
    assert groups[0]["lr"] == 0.0005


def test_rates_fall_from_epoch_to_epoch(vocoder: MakeConfig, record: type, tmp_path: Path) -> None:
    reporter = record()
    falling = {"scheduler_cls": "exponential", "gamma": 0.5}
    train(vocoder(max_updates=5, lr_scheduler_args=falling), work_dir=tmp_path, reporter=reporter)
    # Four recordings in batches of two: an epoch is two steps.
    assert list(reporter.metrics["training/lr"].values()) == [0.002] * 2 + [0.001] * 2 + [0.0005]


def test_ctrl_c_stops_after_the_step_saves_and_exports(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    class Interrupted(record):  # type: ignore[misc, valid-type]
        def metric(self, name: str, value: float, step: int) -> None:
            super().metric(name, value, step)
            if step == 3 and name == "training/lr":
                os.kill(os.getpid(), signal.SIGINT)

    result = train(vocoder(), work_dir=tmp_path, reporter=Interrupted())
    assert (result.steps, result.stopped_early) == (3, True)
    assert steps_on_disk(tmp_path) == [3]
    assert (tmp_path / "exported" / "last" / "model.ckpt").is_file()


def test_a_loss_that_is_no_number_ends_with_advice_and_saves_nothing(
    prepared: Path, vocoder: MakeConfig, tmp_path: Path
) -> None:
    broken = tmp_path / "binary"
    shutil.copytree(prepared, broken)
    with h5py.File(broken / "train.data", "r+") as stored:
        for item in stored.values():
            item["audio"][...] = np.nan
    with pytest.raises(SingwizError) as caught:
        train(vocoder(broken), work_dir=tmp_path)
    assert caught.value.code == "loss-not-finite"
    assert "generater_optimizer_args.lr" in caught.value.hint
    assert not steps_on_disk(tmp_path)


def test_too_little_memory_names_what_to_lower(
    vocoder: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from singwiz.core.training.vocoder.gan import Gan

    monkeypatch.setattr(Gan, "perform", lambda *args: torch.empty(1 << 50))
    with pytest.raises(SingwizError) as caught:
        train(vocoder(), work_dir=tmp_path)
    assert caught.value.code == "out-of-memory"
    assert "Lower batch_size to 1" in caught.value.hint


# Small vocoders from nothing --------------------------------------------------------------


def test_a_small_vocoder_learns_from_spectrograms_first_and_never_loses_the_pitch(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    # At the higher rate of the other tests the pitch of so tiny a network hangs on the seed.
    settings = {
        "aux_step": 58,
        "pitch_first": True,
        "model_args.mini_nsf": False,
        "generater_optimizer_args.lr": 0.0005,
    }
    fresh = build_gan(vocoder(**settings).to_dict(), 1234).state_dict()
    straight, reporter = tmp_path / "straight", record()
    config = vocoder(max_updates=60, val_check_interval=30, num_sanity_val_steps=-1, **settings)
    train(config, work_dir=straight, reporter=reporter)
    errors = reporter.metrics["validation/mel_spec_error"]
    assert errors[60] < 0.95 * errors[0]
    pitch = reporter.metrics["metrics/f0_within_50"]
    assert min(pitch[30], pitch[60]) > IN_TUNE
    assert all(not one.against for one in read_validations(straight))
    # No discriminator was asked, or moved, before its time; resuming keeps to that.
    assert sorted(reporter.metrics["training/DmpdlossT"]) == [59, 60]
    early = load(straight, 30)["state_dict"]
    for name, value in early.items():
        smooth = ".ups." in name and name.endswith("weight_v")
        if smooth or name.startswith("discriminator."):
            assert torch.equal(value, fresh[name]), name
    resumed, again = tmp_path / "resumed", record()
    resumed.mkdir()
    shutil.copy(straight / checkpoint_name(30), resumed)
    train(config, work_dir=resumed, reporter=again)
    assert "optimizer-restarted" not in again.warnings
    assert same_weights(load(resumed, 60), load(straight, 60))


# Other recipes ---------------------------------------------------------------------------


def test_pitch_control_is_learned_with_the_community_s_discriminators(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    config = vocoder(
        gan_recipe="nsf", pc_aug=True, max_updates=1, **{"model_args.discriminator_periods": [3]}
    )
    train(config, work_dir=tmp_path, reporter=reporter)
    assert {"training/pc_wav_loss", "training/DmsdlossT", "training/Gmpd_feature_loss"} <= set(
        reporter.metrics
    )
    described = json.loads((tmp_path / "exported" / "last" / "config.json").read_text())
    assert described["pc_aug"] is True


def test_mixed_precision_trains_with_finite_losses(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    config = vocoder(pl_trainer_precision="bf16-mixed", pc_aug=True, max_updates=2)
    train(config, work_dir=tmp_path, reporter=reporter)
    assert all(
        np.isfinite(value) for curve in reporter.metrics.values() for value in curve.values()
    )
    weights = load(tmp_path, 2)["state_dict"].values()
    assert all(value.dtype == torch.float32 for value in weights if value.is_floating_point())


def test_muon_moves_both_sides_and_resumes(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    muon = {
        f"{side}_optimizer_args.optimizer_cls": "modules.optimizer.muon.Muon_AdamW"
        for side in ("generater", "discriminate")
    }
    straight, resumed, reporter = tmp_path / "straight", tmp_path / "resumed", record()
    train(vocoder(max_updates=4, **muon), work_dir=straight)
    train(vocoder(max_updates=2, **muon), work_dir=resumed)
    train(vocoder(max_updates=4, **muon), work_dir=resumed, reporter=reporter)
    assert "optimizer-restarted" not in reporter.warnings
    assert same_weights(load(straight, 4), load(resumed, 4))


DATA_PARALLEL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import tiny_config
from singwiz.core.training import train

if __name__ == "__main__":
    config = tiny_config(Path(sys.argv[2]), max_updates=3, pl_trainer_devices=2, batch_size=1)
    train(config, work_dir=Path(sys.argv[3]))
"""


def test_two_devices_train_one_vocoder(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.py"
    script.write_text(DATA_PARALLEL)
    arguments = [str(Path(__file__).parent), str(prepared), str(tmp_path / "exp")]
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    state = load(tmp_path / "exp", 3)
    assert state["global_step"] == 3
    assert state["singwiz"]["plan"][0] == 2


# Starting from others --------------------------------------------------------------------


def test_fine_tuning_starts_from_both_sides_of_a_training(
    finished: tuple[Path, Any, Any], vocoder: MakeConfig, tmp_path: Path
) -> None:
    base = finished[0] / checkpoint_name(24)
    rates = {f"{side}_optimizer_args.lr": 0.0 for side in ("generater", "discriminate")}
    config = vocoder(max_updates=1, finetune_enabled=True, finetune_ckpt_path=str(base), **rates)
    train(config, work_dir=tmp_path)
    assert load(tmp_path, 1)["global_step"] == 1
    assert same_weights(load(tmp_path, 1), load(finished[0], 24))


def test_fine_tuning_an_exported_vocoder_says_that_its_discriminators_are_missing(
    finished: tuple[Path, Any, Any], vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    base, reporter = finished[0] / "exported" / "last", record()
    config = vocoder(
        max_updates=1,
        finetune_enabled=True,
        finetune_ckpt_path=str(base),
        **{"generater_optimizer_args.lr": 0.0},
    )
    train(config, work_dir=tmp_path, reporter=reporter)
    assert "finetune-without-discriminators" in reporter.warnings
    mine, theirs = (load(f, n)["state_dict"] for f, n in ((tmp_path, 1), (finished[0], 24)))
    assert torch.equal(mine["generator.ups.0.weight_v"], theirs["generator.ups.0.weight_v"])


def test_a_vocoder_of_another_family_is_refused(
    finished: tuple[Path, Any, Any], vocoder: MakeConfig, tmp_path: Path
) -> None:
    config = vocoder(
        finetune_enabled=True,
        finetune_ckpt_path=str(finished[0] / checkpoint_name(24)),
        **{"model_args.mini_nsf": False},
    )
    with pytest.raises(SingwizError) as caught:
        train(config, work_dir=tmp_path)
    assert caught.value.code == "vocoder-family"


def test_frozen_parts_do_not_move_and_their_buffers_are_no_obstacle(
    vocoder: MakeConfig, tmp_path: Path
) -> None:
    prefixes = ["discriminator.mrd", "generator.conv_pre"]
    config = vocoder(max_updates=2, freezing_enabled=True, frozen_params=prefixes)
    train(config, work_dir=tmp_path)
    fresh = build_gan(config.to_dict(), 1234).state_dict()
    trained = load(tmp_path, 2)["state_dict"]
    still = {name for name, value in trained.items() if torch.equal(value, fresh[name])}
    assert {name for name in trained if name.startswith(tuple(prefixes))} <= still
    assert "generator.conv_post.bias" not in still
    full = build_gan(vocoder(gan_recipe="nsf").to_dict(), 0)
    assert freeze(full, ["discriminator.msd"]) == 8 * 2 + 2 * 8 * 3
    assert not any(p.requires_grad for p in full.discriminator["msd"].parameters())


def test_without_discriminators_to_train_the_generator_still_learns(
    vocoder: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    config = vocoder(max_updates=2, freezing_enabled=True, frozen_params=["discriminator"])
    train(config, work_dir=tmp_path, reporter=reporter)
    assert "training/DmpdlossT" not in reporter.metrics
    assert "training/Gmpdloss" in reporter.metrics
    with pytest.raises(SingwizError, match="whole generator"):
        frozen = vocoder(freezing_enabled=True, frozen_params=["generator"])
        train(frozen, work_dir=tmp_path / "other")
    with pytest.raises(SingwizError, match="begins so"):
        unknown = vocoder(freezing_enabled=True, frozen_params=["model.fs2"])
        train(unknown, work_dir=tmp_path / "other")


def test_other_networks_in_the_same_folder_are_refused(vocoder: MakeConfig, tmp_path: Path) -> None:
    train(vocoder(max_updates=1), work_dir=tmp_path)
    before = (tmp_path / "config.yaml").read_text()
    with pytest.raises(SingwizError) as caught:
        wider = vocoder(max_updates=2, **{"model_args.upsample_initial_channel": 32})
        train(wider, work_dir=tmp_path)
    assert caught.value.code == "network-changed"
    assert (tmp_path / "config.yaml").read_text() == before


def test_missing_data_is_explained(vocoder: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        train(vocoder(tmp_path / "nowhere"), work_dir=tmp_path / "exp")
    assert caught.value.code == "binary-data-missing"
    assert "--model vocoder" in caught.value.hint
