"""Learning-rate schedules from configs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from singwiz.core.errors import SingwizError
from singwiz.core.training.schedulers import WarmupCosineSchedule, build_scheduler, schedule_at


def optimizer(lr: float = 0.01) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


def run(args: dict[str, Any], steps: int) -> list[float]:
    sgd = optimizer()
    scheduler = build_scheduler(sgd, args)
    rates = []
    for _ in range(steps):
        rates.append(float(sgd.param_groups[0]["lr"]))
        sgd.step()
        scheduler.step()
    return rates


STEP = {"scheduler_cls": "torch.optim.lr_scheduler.StepLR", "step_size": 4, "gamma": 0.5}
CHAIN = {
    "scheduler_cls": "torch.optim.lr_scheduler.ChainedScheduler",
    "schedulers": [
        {"cls": "torch.optim.lr_scheduler.ConstantLR", "factor": 0.5, "total_iters": 3},
        {"cls": "torch.optim.lr_scheduler.ExponentialLR", "gamma": 0.9},
    ],
}
WARM = {
    "scheduler_cls": "utils.training_utils.WarmupCosineSchedule",
    "warmup_steps": 3,
    "t_total": 10,
}


@pytest.mark.parametrize("args", [STEP, CHAIN, WARM])
@pytest.mark.parametrize("step", [0, 1, 5, 11])
def test_a_schedule_can_be_entered_at_any_step(args: dict[str, Any], step: int) -> None:
    state, lr = schedule_at(args, lr=0.01, step=step)
    assert lr == pytest.approx(run(args, 12)[step], rel=1e-9, abs=1e-15)
    sgd = optimizer()
    scheduler = build_scheduler(sgd, args)
    scheduler.load_state_dict(state)
    sgd.param_groups[0]["lr"] = lr
    sgd.step()
    scheduler.step()
    assert sgd.param_groups[0]["lr"] == pytest.approx(run(args, 13)[step + 1], abs=1e-15)


def test_a_changed_schedule_counts_from_the_first_step() -> None:
    assert schedule_at(STEP, lr=1e-3, step=20)[1] == pytest.approx(3.125e-5)


def test_unknown_arguments_are_left_out() -> None:
    assert run({**STEP, "odd": 3}, 5) == run(STEP, 5)


def test_the_warm_up_starts_at_its_minimum_and_the_cosine_ends_at_its_floor() -> None:
    rates = run({**WARM, "warmup_min": 0.1, "eta_min": 0.05}, 11)
    assert rates[0] == pytest.approx(0.001)
    assert max(rates) == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0.0005)


def test_a_chain_inside_a_sequence_is_refused() -> None:
    chain = {"cls": CHAIN["scheduler_cls"], "schedulers": CHAIN["schedulers"]}
    args = {
        "scheduler_cls": "torch.optim.lr_scheduler.SequentialLR",
        "milestones": [2],
        "schedulers": [{"cls": "torch.optim.lr_scheduler.ExponentialLR", "gamma": 0.9}, chain],
    }
    with pytest.raises(SingwizError) as caught:
        build_scheduler(optimizer(), args)
    assert caught.value.code == "scheduler-unusable"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("os.system", "scheduler-unknown"),
        ("torch.optim.lr_scheduler.Missing", "scheduler-unknown"),
        ("torch.optim.lr_scheduler.ReduceLROnPlateau", "scheduler-unusable"),
        ("torch.optim.lr_scheduler.StepLR", "scheduler-unusable"),
    ],
)
def test_schedules_that_cannot_run_are_reported(name: str, code: str) -> None:
    with pytest.raises(SingwizError) as caught:
        build_scheduler(optimizer(), {"scheduler_cls": name})
    assert caught.value.code == code


def test_the_state_of_every_schedule_can_be_loaded_safely(tmp_path: Any) -> None:
    for args in (STEP, CHAIN, WARM):
        state, _ = schedule_at(args, lr=0.01, step=3)
        torch.save(state, tmp_path / "state.pt")
        assert torch.load(tmp_path / "state.pt", weights_only=True) == state
    assert issubclass(WarmupCosineSchedule, torch.optim.lr_scheduler.LRScheduler)
