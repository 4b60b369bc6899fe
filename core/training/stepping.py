"""One batch for a model with several optimizers, such as a generator and its discriminators.

A batch is one step, whatever the number of optimizers: steps, files and curves count batches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..errors import SingwizError
from .contract import LOSS

if TYPE_CHECKING:
    from .memory import AnyTask


def checked_optimizers(model: Any, optimizers: Mapping[str, Optimizer]) -> dict[str, Optimizer]:
    """The optimizers of a model.

    Raises:
        ValueError: their names are not those that the model says it steps.
    """
    if set(optimizers) != set(model.optimizers):
        raise ValueError(
            f"the model steps the optimizers {', '.join(model.optimizers)}, but makes "
            f"{', '.join(optimizers) or 'none'}"
        )
    return dict(optimizers)


def is_trained(optimizer: Optimizer) -> bool:
    """False if everything that an optimizer could change is frozen."""
    return any(p.requires_grad for group in optimizer.param_groups for p in group["params"])


def take_steps(
    task: AnyTask, batch: Mapping[str, Any], *, clip: float = 0.0, skipped: Collection[str] = ()
) -> tuple[Tensor, dict[str, Tensor], dict[str, Any]]:
    """A step of every optimizer, in the model's order.

    Args:
        task: with automatic optimization off.
        batch: formatted.
        clip: norm that the gradients of an optimizer are cut to; 0 = no limit.
        skipped: optimizers that make no step this time.

    Returns:
        The sum of all ``loss``es, all other losses by name (two of one name: the later with the
        optimizer's behind it), and the last outputs.
    """
    model, criterion = task.model, task.criterion
    own: Any = task.optimizers()
    wrapped: dict[str, Any] = dict(zip(task.optimizer_names, own, strict=True))
    total, logs = torch.zeros((), device=task.device), dict[str, Tensor]()
    outputs: dict[str, Any] = {}
    stepped = [
        name
        for name in model.optimizers
        if name not in skipped and is_trained(wrapped[name].optimizer)
    ]
    for name in stepped:
        optimizer = wrapped[name]
        task.stepping = optimizer.optimizer
        outputs, losses = model.train_step(batch, criterion, name)
        loss = losses[LOSS]
        total = total + loss.detach()
        for key, value in losses.items():
            if key != LOSS:
                logs[f"{key}_{name}" if key in logs else key] = value.detach()
        task.step_losses = losses
        optimizer.zero_grad()
        task.manual_backward(loss)
        if clip:
            task.clip_gradients(optimizer.optimizer, clip, "norm")
        if name == stepped[-1]:
            optimizer.step()
        else:
            # Past Lightning's counter: a batch is one step, not several.
            task.trainer.strategy.optimizer_step(optimizer.optimizer, lambda: None)
    task.stepping = None
    return total, logs, outputs


def refuse_accumulation(options: Mapping[str, Any]) -> None:
    """Several optimizers take their steps after every batch.

    Raises:
        SingwizError: the config asks for gradients of several batches.
    """
    if int(options.get("accumulate_grad_batches") or 1) > 1:
        raise SingwizError(
            "accumulation-impossible",
            "A model with several optimizers cannot gather gradients over batches.",
            hint="Set accumulate_grad_batches to 1, and make batches larger if memory allows.",
        )
