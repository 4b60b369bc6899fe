"""Checks of training: what changes, what is saved, what goes on, what is shown."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..core.training.contract import LOSS, TrainableModel
from ..core.training.gallery import ValidationGallery
from .failures import demand
from .layers import check_finite

Batch = Mapping[str, Any]


def check_all_parameters_change(
    module: nn.Module,
    loss: Callable[[], Tensor],
    *,
    steps: int = 5,
    unused: Collection[str] = (),
) -> None:
    """After a few steps every parameter differs from what it was.

    Args:
        module: trained here with Adam; give a copy if that matters.
        loss: a training pass of the module to a scalar.
        steps: of the optimizer.
        unused: beginnings of the names of parameters that may stay, e.g. those that depend on the
            data; they have to be named, so that nothing is forgotten by accident.
    """
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=1e-3)
    with torch.autograd.set_detect_anomaly(True, check_nan=True):
        for _ in range(steps):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and not name.startswith(tuple(unused)):
            changed = not torch.equal(parameter, before[name])
            demand(changed, f"the parameter {name} is the same after {steps} steps of training")


def check_state_round_trip(
    build: Callable[[], nn.Module], call: Callable[[nn.Module], Tensor], folder: Path
) -> None:
    """A model that is saved and loaded again computes the same.

    Args:
        build: makes the model with fresh weights.
        call: runs it in evaluation mode.
        folder: for the file.
    """
    torch.manual_seed(1)
    saved = build().eval()
    path = folder / "round-trip.pt"
    torch.save(saved.state_dict(), path)
    torch.manual_seed(2)
    loaded = build().eval()
    loaded.load_state_dict(torch.load(path, weights_only=True))
    with torch.no_grad():
        torch.manual_seed(3)
        expected = call(saved)
        torch.manual_seed(3)
        got = call(loaded)
    demand(
        torch.equal(expected, got),
        "a saved and loaded model computes something else: it has state outside of its "
        "parameters and buffers",
    )


def check_resume(model: TrainableModel, batch: Batch, *, steps: int = 2) -> None:
    """Going on from saved weights and optimizers gives the same as not having stopped.

    Args:
        model: fresh.
        batch: what its ``format_batch`` gave.
        steps: before and after the stop.
    """
    going, stopped = copy.deepcopy(model), copy.deepcopy(model)
    optimizers = going.get_optimizers()
    _train(going, optimizers, batch, range(2 * steps))
    first = stopped.get_optimizers()
    _train(stopped, first, batch, range(steps))
    resumed = copy.deepcopy(model)
    resumed.load_state_dict(stopped.state_dict())
    second = resumed.get_optimizers()
    for name, optimizer in second.items():
        optimizer.load_state_dict(copy.deepcopy(first[name].state_dict()))
    _train(resumed, second, batch, range(steps, 2 * steps))
    for name, value in going.state_dict().items():
        same = torch.equal(value, resumed.state_dict()[name])
        demand(same, f"{name} differs after training that was interrupted and resumed")


def _train(
    model: TrainableModel, optimizers: Mapping[str, Any], batch: Batch, steps: range
) -> None:
    model.train()
    criterion = model.get_criterion()
    for step in steps:
        torch.manual_seed(step)
        for name in model.optimizers:
            optimizers[name].zero_grad()
            model.train_step(batch, criterion, name)[1][LOSS].backward()
            optimizers[name].step()


class _Gallery(ValidationGallery):
    """Looks at what is shown instead of keeping it."""

    def __init__(self) -> None:
        self.step = 1
        self.shown: list[str] = []

    def figure(self, tag: str, picture: Any, *, file: str = "", label: str = "") -> None:
        shape: tuple[int, ...] = getattr(picture, "shape", ())
        demand(
            len(shape) == 3 and shape[2] == 3,
            f"the picture '{tag}' is {shape} instead of [height, width, 3]",
        )
        self.shown.append(tag)

    def audio(
        self, tag: str, samples: Any, sample_rate: int, *, file: str = "", label: str = ""
    ) -> None:
        check_finite(torch.as_tensor(samples), f"the sound '{tag}'")
        self.shown.append(tag)


def check_logs(model: TrainableModel, batch: Batch) -> list[str]:
    """Losses have names and are scalars, and what a model shows of a training batch can be shown.

    Args:
        model: any.
        batch: what its ``format_batch`` gave.

    Returns:
        Tags of what was shown.
    """
    gallery, criterion = _Gallery(), model.get_criterion()
    demand(bool(criterion.names), "the criterion names no losses, so nothing would be logged")
    for name in model.optimizers:
        outputs, losses = model.train_step(batch, criterion, name)
        demand(LOSS in losses, f"the losses lack '{LOSS}'")
        demand(len(losses) > 1, f"there is nothing to log besides '{LOSS}'")
        demand(losses[LOSS].requires_grad, f"'{LOSS}' has no gradient, so nothing is learned")
        for key, value in losses.items():
            demand(value.ndim == 0, f"the loss '{key}' is no scalar")
        model.train_log(batch, outputs, gallery)
    return gallery.shown
