"""Optimizers and schedules of a checkpoint, made ready for going on under the present config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .contract import TrainableModel
from .optimizers import resumed_state, state_shapes
from .schedulers import schedule_at
from .stepping import checked_optimizers

if TYPE_CHECKING:
    from .memory import AnyTask


def resume_optimizers(task: AnyTask, checkpoint: dict[str, Any], step: int) -> None:
    """Replace the states in a checkpoint by what training shall go on with.

    A schedule of the config's is where it stands at this step now, so that a changed setting
    counts at once. One of the model's own goes on from the state that was saved.

    Args:
        task: whose optimizers.
        checkpoint: changed in place.
        step: optimizer steps done.
    """
    model = task.model
    optimizers = checked_optimizers(model, model.get_optimizers())
    own_schedule = type(model).get_schedulers is not TrainableModel.get_schedulers
    args: Mapping[str, Any] = task.options.get("lr_scheduler_args") or {}
    saved = list(checkpoint.get("optimizer_states") or [])
    states, schedules, changed = [], [], []
    for number, (name, optimizer) in enumerate(optimizers.items()):
        fresh, shapes = optimizer.state_dict(), state_shapes(optimizer)
        base = lr = float(optimizer.param_groups[0]["lr"])
        old = saved[number] if len(saved) == len(optimizers) else None
        if own_schedule:
            lr = float(old["param_groups"][0]["lr"]) if old else base
        else:
            schedule, lr = schedule_at(args, lr=base, step=step)
            schedules.append(schedule)
        state = None if old is None else resumed_state(fresh, old, shapes, lr=lr)
        if state is None:
            changed.append(name)
            state = resumed_state(fresh, fresh, shapes, lr=lr)
        states.append(state)
    checkpoint["optimizer_states"] = states
    if not own_schedule:
        checkpoint["lr_schedulers"] = schedules
    for name in changed:
        of = f" of the {name}" if len(optimizers) > 1 else ""
        task.surroundings.reporter.warning(
            "optimizer-restarted",
            f"The optimizer{of} or the frozen parameters changed: weights and step are kept, the "
            "optimizer starts anew.",
        )
