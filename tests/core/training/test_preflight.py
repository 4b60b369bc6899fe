"""What a training says before it begins, and what it refuses to begin."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.training import preview, train
from singwiz.core.training.checkpoints import checkpoint_name

MakeConfig = Callable[..., Config]
SILENT = {"val_with_vocoder": False, "num_valid_plots": 0}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def trained(config: MakeConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work_dir = tmp_path_factory.mktemp("trained")
    train(config(**SILENT, max_updates=4), work_dir=work_dir)
    return work_dir


def test_a_fresh_training_says_what_it_will_do(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    reporter = record()
    plan = preview(config(**SILENT), work_dir=tmp_path / "exp", reporter=reporter)
    assert not (tmp_path / "exp").exists(), "a preview writes nothing"
    assert (plan.start, plan.source, plan.step, plan.goal) == ("fresh", None, 0, 8)
    assert plan.parameters == plan.trained > 10_000
    assert plan.items == 11
    assert plan.epochs == pytest.approx(8 / plan.batches)
    assert [line.split("]")[0] for line in reporter.logs] == [f"[{i}/5" for i in range(1, 6)]
    assert "a new model" in reporter.logs[0]
    assert "all of them trained" in reporter.logs[1]
    assert "largest batch (144 frames)" in reporter.logs[3]
    assert plan.to_dict()["cost"]["frames"] == 144


def test_the_estimates_are_near_what_training_takes(config: MakeConfig, trained: Path) -> None:
    """AdamW holds two numbers per parameter, Muon one; files also hold a few bytes of names."""
    plan = preview(config(**SILENT, max_updates=6), work_dir=trained)
    size = os.path.getsize(trained / checkpoint_name(4))
    assert plan.checkpoint_bytes == pytest.approx(size, rel=0.7)
    assert plan.cost is not None
    assert plan.cost.gradients == 4 * plan.parameters
    assert plan.cost.weights == pytest.approx(plan.cost.gradients, rel=0.01)
    assert plan.cost.weights < plan.cost.optimizer < 2 * plan.cost.weights
    assert plan.cost.activations > 144 * 16 * 4
    assert plan.seconds == pytest.approx(2 * plan.cost.seconds)


def test_a_resumed_training_says_from_where(
    config: MakeConfig, record: type, trained: Path
) -> None:
    reporter = record()
    plan = preview(config(**SILENT, max_updates=6), work_dir=trained, reporter=reporter)
    assert (plan.start, plan.step, plan.goal) == ("resume", 4, 6)
    assert plan.source == str(trained / checkpoint_name(4))
    assert "goes on at step 4" in reporter.logs[0]
    done = preview(config(**SILENT, max_updates=4), work_dir=trained)
    assert (done.epochs, done.cost) == (0, None)


def test_fine_tuning_and_freezing_are_counted(
    config: MakeConfig, record: type, trained: Path, tmp_path: Path
) -> None:
    reporter = record()
    wanted = config(
        **SILENT,
        finetune_enabled=True,
        finetune_ckpt_path=str(trained / checkpoint_name(4)),
        freezing_enabled=True,
        frozen_params=["model.fs2.encoder", "model.fs2"],
    )
    plan = preview(wanted, work_dir=tmp_path, reporter=reporter)
    assert plan.start == "finetune"
    names = torch.load(trained / checkpoint_name(4), weights_only=True)["state_dict"]
    assert plan.finetune == {
        "loaded": len(names) - 1,
        "ignored": 1,
        "reshaped": 0,
        "missing": 1,
        "unused": 0,
    }
    sizes = {name: value.numel() for name, value in names.items()}
    encoder = sum(n for name, n in sizes.items() if name.startswith("model.fs2.encoder"))
    whole = sum(n for name, n in sizes.items() if name.startswith("model.fs2"))
    assert plan.frozen == {"model.fs2.encoder": encoder, "model.fs2": whole - encoder}
    assert plan.parameters - plan.trained == whole
    assert "1 left out as configured" in reporter.logs[0]
    assert f"model.fs2.encoder ({encoder:,})" in reporter.logs[1]


def test_the_trial_step_leaves_no_trace(config: MakeConfig, tmp_path: Path) -> None:
    """Momentum, dropout and a step on trial would all show in the weights of the first step."""
    weights = []
    for number, skip in enumerate((False, True)):
        with pytest.MonkeyPatch.context() as patch:
            if skip:
                patch.setattr("singwiz.core.training.preflight.measure_step", lambda *args: None)
            train(config(**SILENT, max_updates=2), work_dir=tmp_path / str(number))
        loaded = torch.load(tmp_path / str(number) / checkpoint_name(2), weights_only=True)
        weights.append(loaded["state_dict"])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_disk_too_small_for_a_checkpoint_is_refused_before_anything_is_written(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 9000, 9000))
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT), work_dir=tmp_path / "exp")
    assert caught.value.code == "disk-too-small"
    assert not (tmp_path / "exp").exists()


def test_a_disk_too_small_for_all_checkpoints_is_pointed_out(
    config: MakeConfig, record: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = record()
    wanted = config(**SILENT, val_check_interval=2, max_updates=20, num_ckpt_keep=8)
    size = preview(wanted, work_dir=tmp_path, reporter=reporter).checkpoint_bytes
    assert "disk-tight" not in reporter.warnings
    free = 5 * size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - free, free))
    plan = preview(wanted, work_dir=tmp_path, reporter=reporter)
    assert plan.disk_needed == 9 * size
    assert "num_ckpt_keep" in reporter.warnings["disk-tight"]


# Too little memory -----------------------------------------------------------------------


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """``small_memory(frames, after=0)``: larger batches run out of memory; tells all sizes."""
    from singwiz.core.training.acoustic import AcousticTraining

    step = AcousticTraining.train_step

    def limit(frames: int, *, after: int = 0) -> list[int]:
        tried: list[int] = []

        def limited(self: Any, batch: Any, *arguments: Any) -> Any:
            size = batch["mel2ph"].numel()
            tried.append(size)
            if size > frames and len(tried) > after:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return step(self, batch, *arguments)

        monkeypatch.setattr(AcousticTraining, "train_step", limited)
        return tried

    return limit


def test_without_permission_too_little_memory_names_the_setting_and_its_value(
    config: MakeConfig, small_memory: Callable[..., list[int]], tmp_path: Path
) -> None:
    small_memory(100)
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT), work_dir=tmp_path)
    assert caught.value.code == "out-of-memory"
    assert "max_batch_frames to 72" in caught.value.hint
    assert "144 frames" in caught.value.message


def test_with_permission_training_goes_on_from_the_last_step_with_smaller_batches(
    config: MakeConfig, record: type, small_memory: Callable[..., list[int]], tmp_path: Path
) -> None:
    tried = small_memory(100, after=4)
    reporter = record()
    wanted = config(**SILENT, sort_by_len=False)
    result = train(wanted, work_dir=tmp_path, reporter=reporter, retry_smaller=True)
    assert result.steps == 8
    assert "max_batch_frames 70" in reporter.warnings["smaller-batches"]
    failed = next(i for i, size in enumerate(tried) if i >= 4 and size > 100)
    assert max(tried[failed + 1 :]) <= 70
    starts = [line for line in reporter.logs if "Start" in line]
    assert "a new model" in starts[0]
    assert "goes on at step" in starts[1]
    assert sorted(reporter.metrics["training/total_loss"]) == list(range(1, 9))


def test_a_single_item_that_does_not_fit_ends_the_retries(
    config: MakeConfig, record: type, small_memory: Callable[..., list[int]], tmp_path: Path
) -> None:
    small_memory(10)
    reporter = record()
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT), work_dir=tmp_path, reporter=reporter, retry_smaller=True)
    assert caught.value.code == "out-of-memory"
    assert "shorter phrases" in caught.value.hint


def test_too_little_memory_in_a_validation_names_the_setting_of_validations(
    config: MakeConfig, small_memory: Callable[..., list[int]], tmp_path: Path
) -> None:
    small_memory(70)
    several = {"max_val_batch_size": 2, "max_batch_size": 1, "num_sanity_val_steps": 1}
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT, **several), work_dir=tmp_path)
    assert "max_val_batch_frames" in caught.value.hint
    assert "validation batch" in caught.value.message
