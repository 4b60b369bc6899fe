"""Checks of anything that maps tensors to tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .failures import demand

SIZES = ((2, 17), (1, 9), (3, 1), (1, 1))
"""Batches and frames that are tried: usual ones, a batch of one, a single frame."""

Shape = tuple[int, ...]


def check_shapes(
    call: Callable[..., Tensor],
    inputs: Callable[[int, int], Sequence[Tensor]],
    expected: Callable[[int, int], Shape],
    *,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> None:
    """The output has the right shape and is finite: for random, zero and tiny inputs.

    Args:
        call: the layer.
        inputs: batch and frames -> its inputs.
        expected: batch and frames -> the shape of its output.
        sizes: batches and frames to try.
    """
    for batch, frames in sizes:
        given = list(inputs(batch, frames))
        kinds = {"random": given, "zero": [torch.zeros_like(value) for value in given]}
        for kind, values in kinds.items():
            with torch.no_grad():
                output = call(*values)
            wanted = expected(batch, frames)
            demand(
                tuple(output.shape) == wanted,
                f"for {kind} inputs of {batch} × {frames} frames the output is "
                f"{tuple(output.shape)} instead of {wanted}",
            )
            check_finite(output, f"the output for {kind} inputs of {batch} × {frames} frames")


def check_finite(values: Any, what: str = "the output") -> None:
    """All numbers in (nested) tensors are finite."""
    for name, tensor in tensors(values):
        where = f"{what}, {name}," if name else what
        if tensor.is_floating_point():
            demand(bool(torch.isfinite(tensor).all()), f"{where} holds numbers that are not finite")


def check_deterministic(call: Callable[[], Any], what: str = "the output") -> None:
    """The same call with the same random numbers gives the same result."""
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        with torch.no_grad():
            results.append(dict(tensors(call())))
    first, second = results
    for name, value in first.items():
        same = value.shape == second[name].shape and torch.equal(value, second[name])
        demand(same, f"{what}{f', {name},' if name else ''} differs between two equal calls")


def check_batch_invariance(
    call: Callable[..., Tensor], inputs: Sequence[Tensor], *, tolerance: float = 1e-4
) -> None:
    """Each item of a batch gets what it would get alone.

    Args:
        call: the layer, in evaluation mode.
        inputs: tensors ``[B, …]`` with B > 1.
        tolerance: share of the largest value.
    """
    with torch.no_grad():
        together = call(*inputs)
        for row in range(len(together)):
            alone = call(*(value[row : row + 1] for value in inputs))[0]
            scale = float(alone.abs().max().clamp(min=1e-6))
            error = float((together[row] - alone).abs().max())
            demand(
                error <= tolerance * scale,
                f"item {row} of a batch differs by {error:.3g} from the same item alone "
                f"(largest value {scale:.3g}): items of a batch influence each other",
            )


def check_gradients(module: nn.Module, loss: Tensor, *, unused: Collection[str] = ()) -> None:
    """Every trained parameter gets a finite gradient.

    Args:
        module: whose parameters.
        loss: scalar; its backward pass is run.
        unused: beginnings of the names of parameters that may go without.
    """
    module.zero_grad()
    loss.backward()
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad or name.startswith(tuple(unused)):
            continue
        gradient = parameter.grad
        demand(gradient is not None, f"the parameter {name} gets no gradient")
        assert gradient is not None
        finite = bool(torch.isfinite(gradient).all())
        demand(finite, f"the gradient of {name} is not finite")


def tensors(values: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors in nested mappings and sequences, with names."""
    if isinstance(values, Tensor):
        yield name, values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for number, value in enumerate(values):
            yield from tensors(value, f"{name}.{number}" if name else str(number))
