"""Two processes that train one model together: who sees what, and going on afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = """
import os, sys
from pathlib import Path
tests, binary, work_dir, steps = sys.argv[1:]
sys.path.insert(0, tests)
from conftest import tiny_config
from singwiz.core.training import train
from singwiz.core.training.task import TrainingTask

class Noted(TrainingTask):
    def training_step(self, batch, number):
        with open(f"{work_dir}/seen-{steps}-{self.global_rank}", "a") as file:
            print(number, *batch["indices"].tolist(), file=file)
        return super().training_step(batch, number)

import singwiz.core.training.trainer as trainer
trainer.TrainingTask = Noted
config = tiny_config(Path(binary), pl_trainer_accelerator="cpu", pl_trainer_devices=2,
                     max_updates=int(steps), val_check_interval=2, num_sanity_val_steps=1,
                     val_with_vocoder=False, num_valid_plots=0)
result = train(config, work_dir=Path(work_dir))
assert result.steps == int(steps)
"""


def train_in_two(binary: Path, work_dir: Path, steps: int) -> dict[int, list[list[int]]]:
    """Step -> the items that each of the two processes had."""
    script = work_dir / "train.py"
    script.write_text(SCRIPT)
    arguments = [str(Path(__file__).parent), str(binary), str(work_dir), str(steps)]
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    seen: dict[int, list[list[int]]] = {}
    for rank in (0, 1):
        for line in (work_dir / f"seen-{steps}-{rank}").read_text().splitlines():
            number, *items = map(int, line.split())
            seen.setdefault(number, []).append(items)
    return seen


@pytest.fixture(scope="module")
def both_runs(
    binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[int, list[list[int]]], dict[int, list[list[int]]]]:
    work_dir = tmp_path_factory.mktemp("together")
    return work_dir, train_in_two(binary, work_dir, 3), train_in_two(binary, work_dir, 4)


def test_the_processes_share_every_epoch_without_overlap(both_runs) -> None:
    """Eleven items make four batches: an epoch is two steps of two processes."""
    _, first, second = both_runs
    steps = {**first, **second}
    assert sorted(steps) == [0, 1, 2, 3]
    for epoch in ((0, 1), (2, 3)):
        items = [item for step in epoch for part in steps[step] for item in part]
        assert sorted(items) == list(range(11))


def test_a_shared_training_goes_on_in_the_middle_of_an_epoch(both_runs) -> None:
    work_dir, first, second = both_runs
    assert (sorted(first), sorted(second)) == ([0, 1, 2], [3])
    state = torch.load(work_dir / "model_ckpt_steps_4.ckpt", weights_only=True)
    assert state["global_step"] == 4
    assert all(bool(value.isfinite().all()) for value in state["state_dict"].values())
