"""Learning-rate schedules from the config, and where they stand at a given step.

A schedule acts on the optimizer's groups once per optimizer step. Only torch's own schedulers
and the ones named here can be asked for: a config never imports code.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from ..errors import SingwizError

HINT = "Use for example torch.optim.lr_scheduler.StepLR with step_size and gamma."


class WarmupCosineSchedule(LRScheduler):
    """Linear warm-up, then a cosine down to a floor; all factors are relative to the base rate.

    Args:
        optimizer: the optimizer to drive.
        warmup_steps: steps of the warm-up.
        t_total: step at which the cosine has run ``cycles`` cycles.
        warmup_min: factor at step 0.
        eta_min: lowest factor after the warm-up.
        cycles: 0.5 is one fall from 1 to 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        t_total: int,
        warmup_min: float = 0.0,
        eta_min: float = 0.0,
        cycles: float = 0.5,
        last_epoch: int = -1,
    ) -> None:
        self.warmup_steps = warmup_steps
        self.t_total = t_total
        self.warmup_min = warmup_min
        self.eta_min = eta_min
        self.cycles = cycles
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | torch.Tensor]:
        """Learning rate of each group at the current step."""
        step = self.last_epoch
        if step < self.warmup_steps:
            factor = self.warmup_min + step / self.warmup_steps * (1 - self.warmup_min)
        else:
            progress = (step - self.warmup_steps) / max(1, self.t_total - self.warmup_steps)
            cosine = 0.5 * (1 + math.cos(2 * math.pi * self.cycles * progress))
            factor = max(self.eta_min, cosine)
        return [base * factor for base in self.base_lrs]


ALIASES: dict[str, type[LRScheduler]] = {
    "utils.training_utils.WarmupCosineSchedule": WarmupCosineSchedule,
}
"""Class names of DiffSinger configs that are not torch's."""


def build_scheduler(optimizer: Optimizer, args: Mapping[str, Any]) -> LRScheduler:
    """The schedule that ``lr_scheduler_args`` describes, acting on an optimizer.

    Args:
        optimizer: the optimizer to drive.
        args: ``scheduler_cls`` and the arguments of that class; arguments it does not know are
            left out. A mapping with the key ``cls`` anywhere inside becomes a scheduler too.

    Raises:
        SingwizError: unknown class, missing or unusable arguments.
    """
    return _build(optimizer, str(args.get("scheduler_cls", "")), args)


def _build(optimizer: Optimizer, name: str, args: Mapping[str, Any]) -> LRScheduler:
    cls = _scheduler_class(name)
    allowed = set(inspect.signature(cls.__init__).parameters) - {"self", "optimizer"}
    given = {key: value for key, value in args.items() if value is not None and key in allowed}
    kept = {key: _nested(optimizer, value) for key, value in given.items()}
    if cls is lr_scheduler.SequentialLR and any(
        isinstance(part, lr_scheduler.ChainedScheduler) for part in kept.get("schedulers", [])
    ):
        raise SingwizError(
            "scheduler-unusable",
            "A ChainedScheduler cannot be a part of a SequentialLR.",
            hint="Put the sequence inside the chain instead.",
        )
    try:
        if cls is lr_scheduler.ChainedScheduler:
            return cls(**kept, optimizer=optimizer)
        return cls(optimizer, **kept)
    except (TypeError, ValueError) as error:
        raise SingwizError(
            "scheduler-unusable",
            f"The learning-rate schedule {name} is refused: {error}.",
            hint=HINT,
        ) from None


def _nested(optimizer: Optimizer, value: Any) -> Any:
    if isinstance(value, Mapping):
        if "cls" in value:
            return _build(optimizer, str(value["cls"]), value)
        return {key: _nested(optimizer, part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nested(optimizer, part) for part in value]
    return value


def _scheduler_class(name: str) -> type[LRScheduler]:
    if name in ALIASES:
        return ALIASES[name]
    package, _, last = name.rpartition(".")
    cls = getattr(lr_scheduler, last, None) if package == "torch.optim.lr_scheduler" else None
    if not (inspect.isclass(cls) and issubclass(cls, LRScheduler)):
        raise SingwizError(
            "scheduler-unknown", f"There is no learning-rate schedule called '{name}'.", hint=HINT
        )
    if cls is lr_scheduler.ReduceLROnPlateau:
        raise SingwizError(
            "scheduler-unusable",
            "ReduceLROnPlateau waits for a validation result and cannot run once per step.",
            hint=HINT,
        )
    return cls


def advance(scheduler: LRScheduler, steps: int) -> None:
    """Put a fresh scheduler where it stands after a number of optimizer steps.

    Simple schedules jump there in closed form; sequences and chains are stepped.
    """
    with warnings.catch_warnings():
        # Stepping before the optimizer, and jumping, is what we mean to do here.
        warnings.simplefilter("ignore")
        if hasattr(scheduler, "_get_closed_form_lr") or isinstance(scheduler, WarmupCosineSchedule):
            if steps:
                scheduler.step(steps)
            return
        for _ in range(steps):
            scheduler.step()


def schedule_at(args: Mapping[str, Any], *, lr: float, step: int) -> tuple[dict[str, Any], float]:
    """State of a scheduler, and the learning rate, as if the schedule had run from step 0.

    This is how a resumed run gets its schedule: from the config as it is now, not from the
    checkpoint, so a changed ``lr``, ``step_size`` or ``gamma`` counts at once.

    Returns:
        The scheduler's state dict and the learning rate of the next optimizer step.
    """
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = build_scheduler(optimizer, args)
    advance(scheduler, step)
    return scheduler.state_dict(), float(optimizer.param_groups[0]["lr"])
