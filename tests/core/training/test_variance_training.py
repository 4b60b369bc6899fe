"""Whole trainings of a tiny variance model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.models.randomness import RandomSource
from singwiz.core.training import train, variance
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.variance import retake_mask

MakeConfig = Callable[..., Config]
SILENT = {"num_valid_plots": 0}
KINDS = ["dur", "pitch", "breathiness", "tension"]
WHAT = ["predict_dur", "predict_pitch", "predict_breathiness", "predict_tension"]


def only(*wanted: str) -> dict[str, bool]:
    return {flag: flag in wanted for flag in WHAT}


@pytest.fixture(scope="module")
def finished(
    variance_config: MakeConfig, record: type, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any, Any]:
    """One training of 40 steps of all parts; folder, result, what was reported."""
    work_dir = tmp_path_factory.mktemp("finished") / "exp"
    wanted = variance_config(
        max_updates=40, val_check_interval=20, num_valid_plots=1, num_sanity_val_steps=1
    )
    reporter = record()
    return work_dir, train(wanted, work_dir=work_dir, reporter=reporter), reporter


def test_all_losses_fall(finished: tuple[Path, Any, Any]) -> None:
    for name in ("dur_loss", "pitch_loss", "var_loss"):
        losses = finished[2].metrics[f"training/{name}"]
        first, last = (
            np.mean([losses[s] for s in steps]) for steps in (range(1, 11), range(31, 41))
        )
        assert last < first, name
    total = finished[2].metrics["validation/total_loss"]
    assert total[40] < total[20] < total[0]


def test_a_checkpoint_is_one_of_a_variance_model(finished: tuple[Path, Any, Any]) -> None:
    state = torch.load(finished[0] / checkpoint_name(40), weights_only=True)
    assert state["category"] == "variance"
    assert "model.pitch_predictor.velocity_fn.input_projection.weight" in state["state_dict"]


def test_tensorboard_shows_every_part(finished: tuple[Path, Any, Any]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0] / "lightning_logs" / "latest"))
    events.Reload()
    tags = events.Tags()
    scalars = set(tags["scalars"])
    metrics = "rhythm_corr ph_dur_acc pitch_acc pitch_r2 breathiness_r2 tension_r2"
    errors = "dur_error pitch_error breathiness_error tension_error"
    assert {f"metrics/{name}" for name in f"{metrics} {errors}".split()} <= scalars
    assert {f"baseline/{name}" for name in errors.split()} <= scalars
    assert {"classes/dur_error_vowel", "classes/breathiness_error_unvoiced"} <= scalars
    assert [event.step for event in events.Scalars("metrics/pitch_acc")] == [20, 40]
    pictures = {f"{kind}_0" for kind in KINDS}
    assert pictures == set(tags["images"])


def test_pictures_are_files_and_announced(finished: tuple[Path, Any, Any]) -> None:
    folder = finished[0] / "validation" / "40"
    files = {folder / f"0_{kind}.png" for kind in KINDS}
    assert set(folder.iterdir()) == files
    assert {path for kind, path in finished[2].artifacts if path.parent == folder} == files
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)


def test_the_folder_tells_the_class_of_every_phoneme(finished: tuple[Path, Any, Any]) -> None:
    classes = json.loads((finished[0] / "phoneme_classes.json").read_text())
    assert classes == {"SP": "pause", "a": "vowel", "k": "unvoiced", "o": "vowel"}


# What is predicted decides what is read and measured -------------------------------------


@pytest.mark.parametrize(
    ("parts", "losses", "metrics"),
    [
        (["predict_dur"], {"dur_loss"}, {"dur_error", "rhythm_corr", "ph_dur_acc"}),
        (["predict_pitch"], {"pitch_loss"}, {"pitch_error", "pitch_acc", "pitch_r2"}),
        (["predict_tension"], {"var_loss"}, {"tension_error", "tension_r2"}),
    ],
)
def test_a_part_alone_trains(
    variance_config: MakeConfig,
    record: type,
    tmp_path: Path,
    parts: list[str],
    losses: set[str],
    metrics: set[str],
) -> None:
    reporter = record()
    wanted = variance_config(**only(*parts), max_updates=2, val_check_interval=2)
    train(wanted, work_dir=tmp_path, reporter=reporter)
    shown = {name for name in reporter.metrics if name.startswith(("validation/", "metrics/"))}
    expected = {f"validation/{name}" for name in (*losses, "total_loss")}
    assert shown == expected | {f"metrics/{name}" for name in metrics}


@pytest.mark.parametrize(
    "changes",
    [
        {"use_glide_embed": True},
        {"use_melody_encoder": False},
        {"use_spk_id": True, "num_spk": 1},
        {"use_lang_id": True, "num_lang": 1},
        {"diffusion_type": "ddpm", "timesteps": 20, "diff_speedup": 10},
        {"use_stretch_embed": False, "use_variance_scaling": False},
        {"dur_prediction_args.arch": "fs2", "dur_prediction_args.loss_type": "huber"},
        {"optimizer_args.optimizer_cls": "torch.optim.AdamW"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_kind_of_variance_model_trains(
    variance_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
) -> None:
    monkeypatch.setattr(variance, "_draw", lambda *arguments: None)  # the same for all
    wanted = variance_config(**changes, max_updates=2, val_check_interval=2)
    assert train(wanted, work_dir=tmp_path).steps == 2


def test_a_field_the_data_lacks_is_named(
    binary: Path, variance_config: MakeConfig, tmp_path: Path
) -> None:
    with pytest.raises(SingwizError) as caught:
        train(variance_config(binary, **only("predict_dur")), work_dir=tmp_path)
    assert caught.value.code == "binary-data-outdated"
    assert "midi, ph2word, ph_dur" in caught.value.message


# Resuming --------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Record, tiny_variance_config
from singwiz.core.training import train

class Killed(Record):
    def metric(self, name, value, step):
        if step == 27:
            os.kill(os.getpid(), signal.SIGKILL)

config = tiny_variance_config(Path(sys.argv[2]), max_updates=40, val_check_interval=20,
                              num_valid_plots=0)
train(config, work_dir=Path(sys.argv[3]), reporter=Killed())
"""


def test_a_killed_training_resumes_to_the_same_losses_and_weights(
    finished: tuple[Path, Any, Any],
    variance_binary: Path,
    variance_config: MakeConfig,
    record: type,
    tmp_path: Path,
) -> None:
    arguments = [str(Path(__file__).parent), str(variance_binary), str(tmp_path)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    reporter = record()
    resumed = variance_config(**SILENT, max_updates=40, val_check_interval=20)
    assert train(resumed, work_dir=tmp_path, reporter=reporter).steps == 40
    straight = finished[2].metrics
    for name in ("total_loss", "dur_loss", "pitch_loss", "var_loss"):
        tag = f"training/{name}"
        assert reporter.metrics[tag] == {s: straight[tag][s] for s in range(21, 41)}
    one, other = (
        torch.load(folder / checkpoint_name(40), weights_only=True)["state_dict"]
        for folder in (tmp_path, finished[0])
    )
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.parametrize(
    "schedule",
    [
        {
            "scheduler_cls": "torch.optim.lr_scheduler.SequentialLR",
            "milestones": [3],
            "schedulers": [
                {"cls": "torch.optim.lr_scheduler.ConstantLR", "factor": 0.5, "total_iters": 99},
                {"cls": "torch.optim.lr_scheduler.StepLR", "step_size": 2, "gamma": 0.5},
            ],
        },
        {
            "scheduler_cls": "torch.optim.lr_scheduler.ChainedScheduler",
            "schedulers": [
                {"cls": "torch.optim.lr_scheduler.ConstantLR", "factor": 0.5, "total_iters": 3},
                {"cls": "torch.optim.lr_scheduler.StepLR", "step_size": 5, "gamma": 0.5},
            ],
        },
    ],
    ids=["sequential", "chained"],
)
def test_nested_schedulers_accumulation_and_resuming_go_together(
    variance_config: MakeConfig, record: type, tmp_path: Path, schedule: dict[str, Any]
) -> None:
    wanted = variance_config(
        **SILENT,
        lr_scheduler_args=schedule,
        accumulate_grad_batches=2,
        max_updates=8,
        val_check_interval=4,
    )
    straight, first, second = record(), record(stop_at=5), record()
    train(wanted, work_dir=tmp_path / "one", reporter=straight)
    train(wanted, work_dir=tmp_path / "two", reporter=first)
    train(wanted, work_dir=tmp_path / "two", reporter=second)
    for tag in ("training/total_loss", "training/lr"):
        assert {**first.metrics[tag], **second.metrics[tag]} == straight.metrics[tag]
    # The rate that is used in the step after the one it is reported with.
    factors = [rate / 0.002 for rate in straight.metrics["training/lr"].values()]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    module = torch.optim.lr_scheduler
    if "milestones" in schedule:
        parts = [
            module.ConstantLR(optimizer, factor=0.5, total_iters=99),
            module.StepLR(optimizer, step_size=2, gamma=0.5),
        ]
        reference: Any = module.SequentialLR(optimizer, parts, milestones=[3])
    else:
        parts = [
            module.ConstantLR(optimizer, factor=0.5, total_iters=3),
            module.StepLR(optimizer, step_size=5, gamma=0.5),
        ]
        reference = module.ChainedScheduler(parts)
    expected = []
    for _ in factors:
        optimizer.step()
        reference.step()
        expected.append(optimizer.param_groups[0]["lr"])
    assert factors == pytest.approx(expected)


# Retake masks ----------------------------------------------------------------------------


def test_a_quarter_retakes_everything_and_the_rest_one_interval() -> None:
    random = RandomSource(torch.Generator().manual_seed(3))
    masks = retake_mask(4000, 50, device=torch.device("cpu"), random=random)
    assert masks.shape == (4000, 50)
    assert masks.dtype == torch.bool
    edges = (masks[:, 1:] != masks[:, :-1]).sum(1) + masks[:, 0].long() + masks[:, -1].long()
    assert edges.max() == 2, "one interval has one beginning and one end"
    everything = masks.all(1).float().mean()
    assert everything == pytest.approx(0.25, abs=0.03)
    # Two uniform ends are a third of the length apart.
    assert masks.float().mean() == pytest.approx(0.25 + 0.75 / 3, abs=0.02)


def test_masks_come_from_one_draw_for_the_quarter_then_one_per_end() -> None:
    class Noting(RandomSource):
        def __init__(self) -> None:
            super().__init__()
            self.draws: list[tuple[int, int]] = []

        def integers(self, high: int, size: int, *, device: torch.device) -> torch.Tensor:
            self.draws.append((high, size))
            values = {(4, 3): [0, 1, 2], (6, 6): [5, 4, 2, 0, 1, 2]}
            return torch.tensor(values[high, size])

    random = Noting()
    masks = retake_mask(3, 5, device=torch.device("cpu"), random=random)
    assert random.draws == [(4, 3), (6, 6)]
    assert masks.tolist() == [
        [True] * 5,
        [False, True, True, True, False],
        [False] * 5,
    ]
