"""What acoustic trainings measure, keep and mark; the recipe of two stages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.evaluate import phoneme_mean_baseline
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.data import TrainingItems
from singwiz.core.training.journal import BEST, read_best, read_validations

MakeConfig = Callable[..., Config]
SILENT = {"val_with_vocoder": False}
FROZEN = {"freezing_enabled": True, "frozen_params": ["model.fs2"]}


@pytest.fixture(scope="module")
def trained(
    config: MakeConfig, record: type, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """Twelve steps, validated every fourth, only the newest checkpoint kept; and its reporter."""
    work_dir = tmp_path_factory.mktemp("trained") / "exp"
    wanted = config(
        **SILENT, max_updates=12, val_check_interval=4, num_ckpt_keep=1, num_valid_plots=2
    )
    reporter = record()
    train(wanted, work_dir=work_dir, reporter=reporter)
    return work_dir, reporter


def test_every_checkpoint_has_a_line_with_what_was_measured(trained: tuple[Path, Any]) -> None:
    work_dir, reporter = trained
    records = read_validations(work_dir)
    assert [one.step for one in records] == [4, 8, 12]
    last = records[-1]
    assert last.validation["total_loss"] == reporter.metrics["validation/total_loss"][12]
    since_then = [reporter.metrics["training/total_loss"][step] for step in range(9, 13)]
    assert last.training["total_loss"] == pytest.approx(np.mean(since_then), rel=1e-5)
    assert {one.name for one in last.measurements} == {"mel_l1", "aux_mel_l1"}
    assert (last.score_name, last.score) == ("mel_l1", reporter.metrics["metrics/mel_l1"][12])


def test_the_baseline_is_the_mean_mel_of_each_phoneme(
    trained: tuple[Path, Any], binary: Path
) -> None:
    fields = ["tokens", "mel", "mel2ph"]
    training, held_out = (TrainingItems(binary, split, fields) for split in ("train", "valid"))
    frames = np.array(held_out.sizes)
    errors = [
        phoneme_mean_baseline([training[i] for i in range(len(training))], held_out[i])
        for i in range(2)
    ]
    (measured,) = [
        one for one in read_validations(trained[0])[0].measurements if one.name == "mel_l1"
    ]
    assert measured.items == 2
    assert measured.baseline == pytest.approx(np.average(errors, weights=frames), rel=1e-4)
    assert measured.value > measured.baseline, "nobody learns that much in four steps"
    assert set(measured.classes) == {"vowel", "unvoiced", "pause"}


def test_the_log_shows_a_table(trained: tuple[Path, Any]) -> None:
    shown = [text for text in trained[1].logs if text.startswith("Held-out recordings at step 12")]
    assert len(shown) == 1
    assert "mel error (nat)" in shown[0]
    assert "baseline" in shown[0]


def test_the_best_checkpoint_is_marked_and_survives_rotation(trained: tuple[Path, Any]) -> None:
    work_dir, _ = trained
    records = read_validations(work_dir)
    wanted = min(records, key=lambda one: one.score)
    best = read_best(work_dir)
    assert best is not None
    assert (best.step, best.score) == (wanted.step, wanted.score)
    on_disk = {int(p.stem.rpartition("_")[2]) for p in work_dir.glob("*.ckpt")}
    assert on_disk == {wanted.step, 12}


def test_a_best_checkpoint_that_is_old_survives_and_goes_once_it_is_beaten(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from singwiz.core.training.task import TrainingTask

    scores = {2: 0.5, 4: 0.6, 6: 0.7, 8: 0.4, 10: 0.9, 12: 0.8}

    def scored(self: TrainingTask, measurements: Any) -> tuple[str, float]:
        return "mel_l1", scores[self.trainer.global_step]

    monkeypatch.setattr(TrainingTask, "score", scored)

    def train_to(steps: int) -> set[int]:
        wanted = config(
            **SILENT, num_valid_plots=0, val_check_interval=2, num_ckpt_keep=2, max_updates=steps
        )
        train(wanted, work_dir=tmp_path)
        return {int(p.stem.rpartition("_")[2]) for p in tmp_path.glob("*.ckpt")}

    assert train_to(6) == {2, 4, 6}
    assert train_to(12) == {8, 10, 12}
    best = read_best(tmp_path)
    assert best is not None
    assert best.step == 8


def test_without_examples_the_validation_loss_decides(config: MakeConfig, tmp_path: Path) -> None:
    train(config(**SILENT, num_valid_plots=0, max_updates=4), work_dir=tmp_path)
    (record,) = read_validations(tmp_path)
    assert record.score_name == "validation/total_loss"
    assert record.score == record.validation["total_loss"]
    assert (tmp_path / BEST).is_file()


def test_a_run_that_is_taken_back_forgets_the_validations_after(
    config: MakeConfig, tmp_path: Path
) -> None:
    quiet = {**SILENT, "num_valid_plots": 0, "val_check_interval": 2}
    train(config(**quiet, max_updates=6), work_dir=tmp_path)
    (tmp_path / checkpoint_name(6)).unlink()
    train(config(**quiet, max_updates=5), work_dir=tmp_path)
    assert [one.step for one in read_validations(tmp_path)] == [2, 4]
    best = read_best(tmp_path)
    assert best is not None
    assert best.step in (2, 4)


def test_a_plateau_is_announced_once(
    config: MakeConfig, record: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from singwiz.core.training.task import TrainingTask

    class Counting(record):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.told: list[str] = []

        def warning(self, code: str, message: str, item: str = "") -> None:
            self.told.append(code)

    monkeypatch.setattr(TrainingTask, "score", lambda self, measurements: ("mel_l1", 0.5))
    wanted = config(**SILENT, num_valid_plots=0, val_check_interval=1, max_updates=8)
    reporter = Counting()
    train(wanted, work_dir=tmp_path, reporter=reporter)
    assert reporter.told.count("plateau") == 1


def test_a_wish_to_stop_is_heard_while_the_model_is_tried_and_the_validation_made_up_for(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    class Impatient(record):  # type: ignore[misc, valid-type]
        tried = False

        def progress(self, done: float, total: float, label: str = "") -> None:
            self.tried = self.tried or "held-out recording 1 of 1" in label

        def cancelled(self) -> bool:
            return self.tried

    wanted = config(**SILENT, max_updates=6, val_check_interval=4)
    stopped = train(wanted, work_dir=tmp_path, reporter=Impatient())
    assert (stopped.steps, stopped.stopped_early) == (4, True)
    assert read_validations(tmp_path) == []
    train(wanted, work_dir=tmp_path)
    assert [one.step for one in read_validations(tmp_path)] == [4]


# Shallow diffusion in two stages ---------------------------------------------------------


def test_the_auxiliary_decoder_is_trained_after_the_main_one_in_the_same_experiment(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    args = "shallow_diffusion_args."
    one = {f"{args}train_aux_decoder": False, f"{args}val_gt_start": True}
    first = record()
    train(config(**SILENT, **one, max_updates=4), work_dir=tmp_path, reporter=first)
    assert "metrics/aux_mel_l1" not in first.metrics
    two = {f"{args}train_diffusion": False, "lambda_aux_mel_loss": 1.0, **FROZEN}
    second = record()
    wanted = config(**SILENT, **two, max_updates=8)
    assert train(wanted, work_dir=tmp_path, reporter=second).steps == 8
    assert "optimizer-restarted" in second.warnings
    losses = {name for name in second.metrics if name.endswith("loss")}
    assert losses == {
        f"{kind}/{name}"
        for kind in ("training", "validation")
        for name in ("aux_mel_loss", "total_loss")
    }
    assert all(np.isfinite(list(values.values())).all() for values in second.metrics.values())
    assert read_validations(tmp_path)[-1].score_name == "aux_mel_l1"
    before, after = (
        torch.load(tmp_path / checkpoint_name(step), weights_only=True)["state_dict"]
        for step in (4, 8)
    )
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("model.aux_decoder.") for name in moved)


def test_a_config_that_trains_nothing_is_refused(config: MakeConfig, tmp_path: Path) -> None:
    args = "shallow_diffusion_args."
    nothing = {f"{args}train_aux_decoder": False, f"{args}train_diffusion": False}
    with pytest.raises(SingwizError) as caught:
        train(config(**nothing), work_dir=tmp_path)
    assert caught.value.code == "nothing-trained"
