"""A GRU whose training on a CPU does not drown in small operations.

torch's backward pass through time multiplies matrices twice per frame, once for the weights'
gradients; those can be had in a single multiplication after all frames. Cho et al., arXiv
1406.1078, in the variant of cuDNN (the reset gate acts behind the recurrent product).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class FrameGRU(nn.GRU):
    """``nn.GRU`` of one layer over ``[B, T, H]`` from a zero state; parameters are the same."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__(hidden_size, hidden_size, batch_first=True)

    def states(self, x: Tensor) -> Tensor:
        """Hidden state after each frame: ``[B, T, H]`` -> ``[B, T, H]``."""
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0)
        plain = x.is_cpu and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if plain and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            result: Tensor = _Recurrence.apply(x, *weights)
            return result
        return self(x)[0]


class _Recurrence(torch.autograd.Function):
    """Gates are in torch's order: reset, update, new. Tensors inside are time-major."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
    ) -> Tensor:
        x = x.transpose(0, 1).contiguous()  # [T, B, H]
        length, batch, size = x.shape
        gates = torch.addmm(b_ih, x.flatten(0, 1), w_ih.t()).view(length, batch, 3 * size)
        states = x.new_zeros(length + 1, batch, size)
        candidate = x.new_empty(length, batch, size)  # recurrent part of the new gate
        recurrent = x.new_empty(batch, 3 * size)
        weight = w_hh.t().contiguous()
        gate_parts, new_part = recurrent[:, : 2 * size], recurrent[:, 2 * size :]
        for before, after, both, reset, update, new, kept in zip(
            states[:-1].unbind(),
            states[1:].unbind(),
            gates[..., : 2 * size].unbind(),
            gates[..., :size].unbind(),
            gates[..., size : 2 * size].unbind(),
            gates[..., 2 * size :].unbind(),
            candidate.unbind(),
            strict=True,
        ):
            torch.addmm(b_hh, before, weight, out=recurrent)
            both.add_(gate_parts).sigmoid_()
            kept.copy_(new_part)
            new.addcmul_(reset, kept).tanh_()
            torch.lerp(new, before, update, out=after)
        ctx.save_for_backward(x, w_ih, w_hh, gates, states, candidate)
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, w_ih, w_hh, gates, states, candidate = ctx.saved_tensors
        length, batch, size = x.shape
        totals = grad.transpose(0, 1).clone(memory_format=torch.contiguous_format)
        reset, update, new = gates.chunk(3, dim=-1)
        before = states[:-1]
        # What a unit of gradient of the state means for the inputs of the update and new gates,
        # and for those of the reset gate per unit of the new gate's.
        to_update = (before - new) * update * (1 - update)
        to_new = (1 - update) * (1 - new * new)
        to_reset = to_new * candidate * reset * (1 - reset)
        factors = torch.cat([to_reset, to_update, to_new * reset], dim=-1)
        factors = factors.view(length, batch, 3, size)
        grad_recurrent = torch.empty_like(factors)
        carried = torch.zeros_like(totals[0])
        # Each state's own gradient, plus what the states after it hand back.
        for total, factor, part, flat, keep in zip(
            reversed(totals.unbind()),
            reversed(factors.unbind()),
            reversed(grad_recurrent.unbind()),
            reversed(grad_recurrent.flatten(-2).unbind()),
            reversed(update.unbind()),
            strict=True,
        ):
            total.add_(carried)
            torch.mul(factor, total.unsqueeze(1), out=part)
            torch.mul(total, keep, out=carried)
            carried.addmm_(flat, w_hh)
        flat_recurrent = grad_recurrent.view(-1, 3 * size)
        grad_inputs = torch.cat(
            [flat_recurrent[:, : 2 * size], (totals * to_new).view(-1, size)], dim=-1
        )
        grad_x = (grad_inputs @ w_ih).view(length, batch, size).transpose(0, 1)
        return (
            grad_x,
            grad_inputs.t() @ x.view(-1, size),
            flat_recurrent.t() @ before.reshape(-1, size),
            grad_inputs.sum(dim=0),
            flat_recurrent.sum(dim=0),
        )
