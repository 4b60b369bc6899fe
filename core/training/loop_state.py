"""Where Lightning's loops stand, derived from an optimizer step instead of remembered."""

from __future__ import annotations

from typing import Any


def loop_state(
    step: int, batches: int, *, missed_validation: bool, manual: bool = False
) -> dict[str, Any]:
    """State of Lightning's loops in the middle of their one epoch.

    Args:
        step: optimizer steps done.
        batches: batches trained on.
        missed_validation: a validation was due at this step but did not finish. It is made up
            for: Lightning runs one that looks begun.
        manual: the task steps its optimizers itself.
    """

    def counts(**numbers: int) -> dict[str, dict[str, int]]:
        return {"total": dict(numbers), "current": dict(numbers)}

    def all_counts(number: int) -> dict[str, dict[str, int]]:
        return counts(ready=number, started=number, processed=number, completed=number)

    def two_counts(number: int) -> dict[str, dict[str, int]]:
        return counts(ready=number, completed=number)

    begun = counts(ready=1, started=1, processed=0, completed=0)
    automatic = 0 if manual else step
    zero_grad = counts(ready=automatic, started=automatic, completed=automatic)
    optimizer = {"optimizer": {"step": two_counts(automatic), "zero_grad": zero_grad}}
    return {
        "state_dict": {},
        "epoch_progress": begun,
        "epoch_loop.state_dict": {"_batches_that_stepped": step},
        "epoch_loop.batch_progress": {**all_counts(batches), "is_last_batch": False},
        "epoch_loop.scheduler_progress": two_counts(automatic),
        "epoch_loop.automatic_optimization.state_dict": {},
        "epoch_loop.automatic_optimization.optim_progress": optimizer,
        "epoch_loop.manual_optimization.state_dict": {},
        "epoch_loop.manual_optimization.optim_step_progress": two_counts(step - automatic),
        "epoch_loop.val_loop.state_dict": {},
        "epoch_loop.val_loop.batch_progress": {
            **(begun if missed_validation else all_counts(0)),
            "is_last_batch": False,
        },
    }
