"""Checks of a criterion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..core.training.contract import LOSS, MAIN, Criterion
from .failures import demand


def check_criterion(
    criterion: Criterion,
    outputs: Mapping[str, Any],
    batch: Mapping[str, Any],
    *,
    perfect: Mapping[str, Any] | None = None,
    padding: Mapping[str, Tensor] | None = None,
    low: float = 0.0,
    high: float = float("inf"),
    optimizer_name: str = MAIN,
) -> None:
    """Losses are named scalars within their limits; padding does not matter.

    Args:
        criterion: to check.
        outputs: some output of the model; tensors that need gradients are looked at.
        batch: the batch it belongs to.
        perfect: output that is exactly right; every loss has to be ``low`` then.
        padding: name of an output -> bool mask that broadcasts to it, True where it is padding.
            Garbage there must change nothing.
        low, high: limits of every loss.
        optimizer_name: whose step it is.
    """
    losses = criterion(outputs, batch, optimizer_name)
    demand(LOSS in losses, f"the losses lack '{LOSS}'")
    for name, value in losses.items():
        number = float(value.detach())
        demand(value.ndim == 0, f"the loss '{name}' is no scalar")
        demand(number == number and abs(number) != float("inf"), f"the loss '{name}' is {number}")
        demand(low <= number <= high, f"the loss '{name}' is {number}, not within {low} … {high}")
    _check_gradients(losses[LOSS], outputs)
    if perfect is not None:
        for name, value in criterion(perfect, batch, optimizer_name).items():
            number = float(value.detach())
            demand(
                abs(number - low) <= 1e-5,
                f"the loss '{name}' of a perfect output is {number:.3g} instead of {low}",
            )
    if padding is not None:
        _check_padding(criterion, outputs, batch, padding, losses, optimizer_name)


def _check_gradients(loss: Tensor, outputs: Mapping[str, Any]) -> None:
    wanted = {
        name: value
        for name, value in outputs.items()
        if isinstance(value, Tensor) and value.requires_grad
    }
    if not wanted:
        return
    found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True, retain_graph=True)
    demand(any(one is not None for one in found), "the loss depends on none of the outputs")
    for name, gradient in zip(wanted, found, strict=True):
        if gradient is not None:
            finite = bool(torch.isfinite(gradient).all())
            demand(finite, f"the gradient of '{LOSS}' to '{name}' is not finite")


def _check_padding(
    criterion: Criterion,
    outputs: Mapping[str, Any],
    batch: Mapping[str, Any],
    padding: Mapping[str, Tensor],
    before: Mapping[str, Tensor],
    optimizer_name: str,
) -> None:
    spoilt = dict(outputs)
    for name, mask in padding.items():
        value = outputs[name]
        spoilt[name] = torch.where(mask.expand_as(value), value + 1e3, value)
    for name, value in criterion(spoilt, batch, optimizer_name).items():
        was, now = float(before[name].detach()), float(value.detach())
        demand(
            abs(now - was) <= 1e-6 + 1e-5 * abs(was),
            f"the loss '{name}' changes from {was:.4g} to {now:.4g} when only padding changes",
        )
