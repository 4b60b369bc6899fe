"""Whole trainings of a tiny model: learning, resuming, stopping, failing."""

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

import numpy as np
import pytest
import torch

from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name

MakeConfig = Callable[..., Config]
SILENT = {"val_with_vocoder": False, "num_valid_plots": 0}


def steps_on_disk(work_dir: Path) -> list[int]:
    return sorted(int(p.stem.rpartition("_")[2]) for p in work_dir.glob("*.ckpt"))


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
    config: MakeConfig, record: type, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any, Any]:
    """One training of 40 steps with everything shown; folder, result, what was reported."""
    work_dir = tmp_path_factory.mktemp("finished") / "exp"
    wanted = config(max_updates=40, val_check_interval=20, num_sanity_val_steps=1)
    reporter = record()
    return work_dir, train(wanted, work_dir=work_dir, reporter=reporter), reporter


# What a training leaves ------------------------------------------------------------------


def test_the_loss_falls(finished: tuple[Path, Any, Any]) -> None:
    losses = finished[2].metrics["training/total_loss"]
    assert np.mean([losses[s] for s in range(31, 41)]) < 0.9 * np.mean(
        [losses[s] for s in range(1, 11)]
    )
    validation = finished[2].metrics["validation/total_loss"]
    assert validation[40] < validation[20] < validation[0]


def test_the_result_tells_steps_checkpoint_and_last_metrics(
    finished: tuple[Path, Any, Any],
) -> None:
    work_dir, result, _ = finished
    assert (result.steps, result.stopped_early) == (40, False)
    assert result.checkpoint == work_dir / "model_ckpt_steps_40.ckpt"
    assert {"training/mel_loss", "training/lr", "validation/total_loss"} <= result.metrics.keys()


def test_the_folder_holds_what_inference_needs(finished: tuple[Path, Any, Any]) -> None:
    work_dir = finished[0]
    assert load_config(work_dir / "config.yaml").hidden_size == 16
    assert json.loads((work_dir / "phonemes.json").read_text()) == {"SP": 1, "a": 2, "k": 3, "o": 4}
    for name in ("spk_map.json", "lang_map.json", "dictionary-ja.txt"):
        assert (work_dir / name).is_file()


def test_a_checkpoint_has_the_keys_of_diffsinger(finished: tuple[Path, Any, Any]) -> None:
    state = load(finished[0], 40)
    assert state["category"] == "acoustic"
    assert state["trainer_stage"] == "validate"
    assert state["global_step"] == 40
    assert all(name.startswith("model.") for name in state["state_dict"])
    assert sorted(state["optimizer_states"][0]) == ["optimizers", "param_groups", "state"]


def test_tensorboard_shows_the_curves_pictures_and_sounds(
    finished: tuple[Path, Any, Any],
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0] / "lightning_logs" / "latest"))
    events.Reload()
    tags = events.Tags()
    assert {
        "training/mel_loss",
        "training/aux_mel_loss",
        "training/total_loss",
        "training/batch_size",
        "training/lr",
        "validation/total_loss",
        "validation/mel_loss",
        "metrics/mel_l1",
        "metrics/f0_error",
        "baseline/mel_l1",
        "classes/mel_l1_vowel",
    } <= set(tags["scalars"])
    assert {"auxmel_0", "diffmel_0"} <= set(tags["images"])
    assert {"gt_0", "aux_0", "diff_0"} <= set(tags["audio"])
    assert [event.step for event in events.Scalars("validation/total_loss")] == [0, 20, 40]
    assert len(events.Audio("gt_0")) == 1
    assert len(events.Audio("diff_0")) == 3


def test_validation_results_are_files_and_announced(finished: tuple[Path, Any, Any]) -> None:
    work_dir, _, reporter = finished
    folder = work_dir / "validation" / "20"
    files = {"0_mel.png", "0_pred.wav", "0_gt.wav"}
    assert {path.name for path in folder.iterdir()} == files
    announced = {(kind, path) for kind, path in reporter.artifacts if path.parent == folder}
    assert announced == {
        ("image", folder / "0_mel.png"),
        ("audio", folder / "0_pred.wav"),
        ("audio", folder / "0_gt.wav"),
    }
    assert ("checkpoint", work_dir / "model_ckpt_steps_20.ckpt") in reporter.artifacts


# Resuming --------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Record, tiny_config
from singwiz.core.training import train

class Killed(Record):
    def metric(self, name, value, step):
        if step == 27:
            os.kill(os.getpid(), signal.SIGKILL)

config = tiny_config(Path(sys.argv[2]), max_updates=40, val_check_interval=20,
                     num_valid_plots=0, num_sanity_val_steps=0)
train(config, work_dir=Path(sys.argv[3]), reporter=Killed())
"""


def test_a_killed_training_resumes_to_the_same_losses_and_weights(
    finished: tuple[Path, Any, Any],
    binary: Path,
    config: MakeConfig,
    record: type,
    tmp_path: Path,
) -> None:
    arguments = [str(Path(__file__).parent), str(binary), str(tmp_path)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert steps_on_disk(tmp_path) == [20]
    reporter = record()
    resumed = config(max_updates=40, val_check_interval=20, num_valid_plots=0)
    result = train(resumed, work_dir=tmp_path, reporter=reporter)
    assert result.steps == 40
    straight = finished[2].metrics["training/total_loss"]
    assert reporter.metrics["training/total_loss"] == {s: straight[s] for s in range(21, 41)}
    assert same_weights(load(tmp_path, 40), load(finished[0], 40))


def test_training_with_accumulation_resumes_exactly_in_the_middle_of_an_epoch(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    wanted = config(**SILENT, accumulate_grad_batches=2, val_check_interval=3, max_updates=9)
    straight, first, second = record(), record(stop_at=5), record()
    train(wanted, work_dir=tmp_path / "one", reporter=straight)
    stopped = train(wanted, work_dir=tmp_path / "two", reporter=first)
    assert (stopped.steps, stopped.stopped_early) == (5, True)
    train(wanted, work_dir=tmp_path / "two", reporter=second)
    losses = {**first.metrics["training/total_loss"], **second.metrics["training/total_loss"]}
    assert losses == straight.metrics["training/total_loss"]
    assert straight.metrics["training/batch_size"][1] > 3
    assert same_weights(load(tmp_path / "one", 9), load(tmp_path / "two", 9))


def test_no_validation_is_repeated_or_lost_by_stopping_and_resuming(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    wanted = config(**SILENT, val_check_interval=4, max_updates=9)
    first, second, third = record(stop_at=4), record(stop_at=8), record()
    train(wanted, work_dir=tmp_path, reporter=first)
    assert "validation/total_loss" not in first.metrics
    train(wanted, work_dir=tmp_path, reporter=second)
    assert list(second.metrics["validation/total_loss"]) == [4]
    train(wanted, work_dir=tmp_path, reporter=third)
    assert list(third.metrics["validation/total_loss"]) == [8]
    again = record()
    train(config(**SILENT, val_check_interval=4, max_updates=12), work_dir=tmp_path, reporter=again)
    assert list(again.metrics["validation/total_loss"]) == [12]


def test_the_learning_rate_of_the_config_counts_on_resume(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    train(config(**SILENT, max_updates=4), work_dir=tmp_path)
    changed = {"lr_scheduler_args.step_size": 2, "lr_scheduler_args.gamma": 0.5}
    reporter = record()
    train(
        config(**SILENT, **changed, max_updates=6, **{"optimizer_args.lr": 0.08}),
        work_dir=tmp_path,
        reporter=reporter,
    )
    assert reporter.metrics["training/lr"] == {
        5: pytest.approx(0.02),
        6: pytest.approx(0.01),
    }
    assert "optimizer_args.lr" in reporter.warnings["config-changed"]
    assert load_config(tmp_path / "config.yaml").optimizer_args.lr == 0.08


def test_a_changed_optimizer_keeps_weights_and_step(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    train(config(**SILENT, max_updates=4), work_dir=tmp_path)
    reporter = record()
    changed = {"freezing_enabled": True, "frozen_params": ["model.fs2"]}
    result = train(config(**SILENT, **changed, max_updates=6), work_dir=tmp_path, reporter=reporter)
    assert result.steps == 6
    assert "optimizer-restarted" in reporter.warnings
    before, after = load(tmp_path, 4)["state_dict"], load(tmp_path, 6)["state_dict"]
    assert torch.equal(before["model.fs2.txt_embed.weight"], after["model.fs2.txt_embed.weight"])
    name = "model.diffusion.velocity_fn.output_projection.weight"
    assert not torch.equal(before[name], after[name])


def test_a_checkpoint_of_diffsinger_is_continued(
    finished: tuple[Path, Any, Any], config: MakeConfig, record: type, tmp_path: Path
) -> None:
    state = load(finished[0], 20)
    old = {
        name.replace(".in_proj.weight", ".in_proj_weight"): value
        for name, value in state["state_dict"].items()
    }
    old["model.fs2.encoder.layers.0.op.self_attn.rotary_embed.freqs"] = torch.zeros(4)
    saved = ["/elsewhere/model_ckpt_steps_10.ckpt", "/elsewhere/model_ckpt_steps_20.ckpt"]
    kept = {"best_k_models": {path: torch.tensor(1) for path in saved}, "kth_value": 10}
    foreign = {**state, "state_dict": old, "loops": {}, "callbacks": {"DsModelCheckpoint": kept}}
    del foreign["singwiz"]
    torch.save(foreign, tmp_path / checkpoint_name(20))
    shutil.copy(tmp_path / checkpoint_name(20), tmp_path / checkpoint_name(10))
    reporter = record()
    wanted = config(**SILENT, max_updates=24, val_check_interval=4, num_ckpt_keep=2)
    assert train(wanted, work_dir=tmp_path, reporter=reporter).steps == 24
    assert min(reporter.metrics["training/total_loss"]) == 21
    assert list(reporter.metrics["validation/total_loss"]) == [24]
    assert "optimizer-restarted" not in reporter.warnings
    assert steps_on_disk(tmp_path) == [20, 24]


def test_a_finished_training_is_left_as_it_is(
    finished: tuple[Path, Any, Any], config: MakeConfig
) -> None:
    work_dir = finished[0]
    before = (work_dir / checkpoint_name(40)).stat().st_mtime_ns
    result = train(config(max_updates=40, val_check_interval=20), work_dir=work_dir)
    assert (result.steps, result.stopped_early) == (40, False)
    assert (work_dir / checkpoint_name(40)).stat().st_mtime_ns == before


def test_max_steps_ends_the_training_earlier_and_saves(config: MakeConfig, tmp_path: Path) -> None:
    result = train(config(**SILENT), work_dir=tmp_path, max_steps=3)
    assert result.steps == 3
    assert steps_on_disk(tmp_path) == [3]


# Stopping and failing --------------------------------------------------------------------


def test_ctrl_c_stops_after_the_step_and_saves(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    class Interrupted(record):  # type: ignore[misc, valid-type]
        def metric(self, name: str, value: float, step: int) -> None:
            super().metric(name, value, step)
            if step == 3 and name == "training/lr":
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    result = train(config(**SILENT), work_dir=tmp_path, reporter=Interrupted())
    assert (result.steps, result.stopped_early) == (3, True)
    assert steps_on_disk(tmp_path) == [3]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_unexpected_error_saves_the_last_complete_step(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    class Broken(record):  # type: ignore[misc, valid-type]
        def metric(self, name: str, value: float, step: int) -> None:
            if step == 2:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(config(**SILENT), work_dir=tmp_path, reporter=Broken())
    assert steps_on_disk(tmp_path) == [2]


def test_a_recording_whose_data_is_no_number_is_named_and_nothing_saved(
    config: MakeConfig, prepare: Callable[..., Path], tmp_path: Path
) -> None:
    spoilt = prepare(tmp_path / "binary", nan=("song3",), named=True)
    with pytest.raises(SingwizError) as caught:
        train(config(spoilt, **SILENT, max_updates=20), work_dir=tmp_path / "exp")
    assert caught.value.code == "loss-not-finite"
    assert "'song3'" in caught.value.message
    assert "'mel'" in caught.value.message
    assert steps_on_disk(tmp_path / "exp") == []


def test_a_loss_that_explodes_ends_with_advice_and_the_names_of_the_batch(
    config: MakeConfig, prepare: Callable[..., Path], tmp_path: Path
) -> None:
    named = prepare(tmp_path / "binary", named=True)
    wild = config(named, **SILENT, max_updates=20, clip_grad_norm=0, **{"optimizer_args.lr": 1e30})
    with pytest.raises(SingwizError) as caught:
        train(wild, work_dir=tmp_path / "exp")
    assert caught.value.code == "loss-not-finite"
    assert "optimizer_args.lr" in caught.value.hint
    held = caught.value.where.split(", ")
    assert 1 <= len(held) <= 3
    assert all(name.startswith("song") for name in held)
    assert f"The batch held: {caught.value.where}." in caught.value.message


def test_too_little_memory_is_explained(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from singwiz.core.training.task import TrainingTask

    def too_much(self: Any, batch: Any) -> Any:
        return torch.empty(1 << 50)

    monkeypatch.setattr(TrainingTask, "losses", too_much)
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT), work_dir=tmp_path)
    assert caught.value.code == "out-of-memory"
    assert "max_batch_frames" in caught.value.hint


def test_a_full_disk_is_explained_and_leaves_no_half_file(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(content: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT), work_dir=tmp_path)
    assert caught.value.code == "disk-full"
    assert not list(tmp_path.rglob("*.ckpt"))


TERMINATED = """
import os, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Record, tiny_config
from singwiz.core.errors import SingwizError
from singwiz.core.training import train

class Failing(Record):
    def metric(self, name, value, step):
        if step == 5 and name == "training/lr":
            if sys.argv[4] == "SIGTERM":
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

config = tiny_config(Path(sys.argv[2]), max_updates=12, val_check_interval=4, log_interval=1,
                     num_valid_plots=0, num_sanity_val_steps=0)
try:
    result = train(config, work_dir=Path(sys.argv[3]), reporter=Failing())
    sys.exit(0 if result.stopped_early else 1)
except SingwizError as error:
    print(error.code)
"""


@pytest.mark.parametrize("trouble", ["SIGTERM", "no space"])
def test_trouble_in_the_middle_leaves_checkpoints_that_can_be_continued(
    binary: Path, config: MakeConfig, tmp_path: Path, trouble: str
) -> None:
    """The system asks the process to end (its steps are saved), or no longer takes large files."""
    arguments = [str(Path(__file__).parent), str(binary), str(tmp_path), trouble]
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    saved = {"SIGTERM": [4, 5], "no space": [4]}[trouble]
    assert steps_on_disk(tmp_path) == saved
    assert not list(tmp_path.glob(".*tmp*"))
    if trouble == "no space":
        assert done.stdout.strip() in ("disk-full", "checkpoint-unwritable")
    assert load(tmp_path, saved[-1])["global_step"] == saved[-1]
    assert train(config(**SILENT, max_updates=6), work_dir=tmp_path).steps == 6


# Checkpoints kept ------------------------------------------------------------------------


def test_permanent_checkpoints_survive_rotation(config: MakeConfig, tmp_path: Path) -> None:
    wanted = config(
        **SILENT,
        val_check_interval=5,
        max_updates=20,
        num_ckpt_keep=2,
        permanent_ckpt_start=5,
        permanent_ckpt_interval=10,
    )
    train(wanted, work_dir=tmp_path)
    assert steps_on_disk(tmp_path) == [5, 15, 20]


def test_fewer_checkpoints_are_kept_once_the_number_is_lowered(
    config: MakeConfig, tmp_path: Path
) -> None:
    train(config(**SILENT, val_check_interval=2, max_updates=6), work_dir=tmp_path)
    assert steps_on_disk(tmp_path) == [2, 4, 6]
    foreign = tmp_path / "model_ckpt_steps_1.ckpt"
    shutil.copy(tmp_path / checkpoint_name(2), foreign)
    lowered = config(**SILENT, val_check_interval=2, max_updates=8, num_ckpt_keep=1)
    train(lowered, work_dir=tmp_path)
    assert steps_on_disk(tmp_path) == [1, 8], "only files of the run itself may be deleted"


# Fine-tuning and freezing ----------------------------------------------------------------


def test_fine_tuning_starts_from_other_weights_at_step_zero(
    finished: tuple[Path, Any, Any], config: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    wanted = config(
        **SILENT,
        finetune_enabled=True,
        finetune_ckpt_path=str(finished[0] / checkpoint_name(40)),
        max_updates=1,
        **{"optimizer_args.lr": 1e-9},
    )
    assert train(wanted, work_dir=tmp_path, reporter=reporter).steps == 1
    assert "left out as configured" in reporter.logs[0]
    old, new = load(finished[0], 40)["state_dict"], load(tmp_path, 1)["state_dict"]
    torch.testing.assert_close(
        old["model.fs2.pitch_embed.weight"], new["model.fs2.pitch_embed.weight"]
    )
    assert not torch.allclose(old["model.fs2.txt_embed.weight"], new["model.fs2.txt_embed.weight"])


def test_frozen_parameters_do_not_move(config: MakeConfig, tmp_path: Path) -> None:
    frozen = {"freezing_enabled": True, "frozen_params": ["model.fs2", "model.aux_decoder"]}
    train(config(**SILENT, **frozen, max_updates=3, val_check_interval=1), work_dir=tmp_path)
    first, last = load(tmp_path, 1)["state_dict"], load(tmp_path, 3)["state_dict"]
    for name, weights in first.items():
        fixed = name.startswith(("model.fs2", "model.aux_decoder"))
        assert not fixed or torch.equal(weights, last[name]), name
    assert not all(torch.equal(weights, last[name]) for name, weights in first.items())


def test_only_the_trained_decoder_is_measured(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    stage_one = {"shallow_diffusion_args.train_aux_decoder": False}
    train(config(**SILENT, **stage_one, max_updates=4), work_dir=tmp_path, reporter=reporter)
    assert "training/aux_mel_loss" not in reporter.metrics
    assert set(reporter.metrics["validation/mel_loss"]) == {4}


# What does not fit together --------------------------------------------------------------


def test_another_network_in_the_same_folder_is_refused_and_nothing_changes(
    finished: tuple[Path, Any, Any], config: MakeConfig
) -> None:
    before = (finished[0] / "config.yaml").read_bytes()
    with pytest.raises(SingwizError) as caught:
        train(config(hidden_size=32), work_dir=finished[0])
    assert caught.value.code == "network-changed"
    assert (finished[0] / "config.yaml").read_bytes() == before


def test_other_phonemes_in_the_same_folder_are_refused(
    finished: tuple[Path, Any, Any], binary: Path, config: MakeConfig, tmp_path: Path
) -> None:
    other = shutil.copytree(binary, tmp_path / "binary")
    (other / "phonemes.json").write_text(json.dumps({"SP": 1, "a": 3, "k": 2, "o": 4}))
    with pytest.raises(SingwizError) as caught:
        train(config(other), work_dir=finished[0])
    assert caught.value.code == "phonemes-changed"
    assert "a, k" in caught.value.message


def test_data_prepared_with_other_settings_is_pointed_out(
    binary: Path, config: MakeConfig, record: type, tmp_path: Path
) -> None:
    prepared = shutil.copytree(binary, tmp_path / "binary")
    same = config(prepared, **SILENT, max_updates=1)
    for recorded, warned in ((same.hash_for("p"), False), ("other", True)):
        (prepared / "binarize.json").write_text(json.dumps({"config_hash": recorded}))
        reporter = record()
        train(same, work_dir=tmp_path / recorded[:5], reporter=reporter)
        assert ("binary-data-stale" in reporter.warnings) is warned


def test_missing_data_is_explained(config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        train(config(tmp_path / "nothing"), work_dir=tmp_path / "exp")
    assert caught.value.code == "binary-data-missing"
    assert not (tmp_path / "exp").exists()


def test_a_field_the_data_lacks_is_named(config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        train(config(use_tension_embed=True), work_dir=tmp_path)
    assert caught.value.code == "binary-data-outdated"
    assert "tension" in caught.value.message
