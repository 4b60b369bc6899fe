"""Convolutions over time on ``[B, T, C]``, the layout in which everything else here is fastest.

They are plain ``nn.Conv1d`` layers as far as parameters go. On a CPU they run as 2-D convolutions
of images one pixel high or wide, whose channel-last kernels are several times faster.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_over_time(x: Tensor, conv: nn.Conv1d) -> Tensor:
    """``conv`` of stride 1 applied to ``[B, T, C]`` -> ``[B, T, C']``."""
    if conv.kernel_size == (1,) and conv.groups == 1:
        return F.linear(x, conv.weight.squeeze(-1), conv.bias)
    if not x.is_cpu or torch.compiler.is_compiling() or torch.jit.is_tracing():
        # Not conv(…): a TimeConv would come back here.
        return nn.Conv1d.forward(conv, x.transpose(1, 2)).transpose(1, 2)
    padding, dilation = int(conv.padding[0]), conv.dilation[0]
    if conv.groups > 1 and conv.groups == conv.in_channels and dilation == 1:
        depthwise = x.contiguous(), conv.weight, conv.bias, padding
        if torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu"):
            return _Depthwise.apply(*depthwise)
        return _depthwise(*depthwise)
    y = F.conv2d(
        _wide(x.contiguous()),
        conv.weight.unsqueeze(2),
        conv.bias,
        padding=(0, padding),
        dilation=(1, dilation),
        groups=conv.groups,
    )
    return y.squeeze(2).transpose(1, 2)


def _wide(x: Tensor) -> Tensor:
    """``[B, T, C]`` as channel-last images ``[B, C, 1, T]``, without copying."""
    return x.transpose(1, 2).unsqueeze(2)


def _tall(x: Tensor) -> Tensor:
    """``[B, T, C]`` as channel-last images ``[B, C, T, 1]``, without copying."""
    return x.transpose(1, 2).unsqueeze(3)


def _depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    kernel = weight.unsqueeze(2)
    y = F.conv2d(_wide(x), kernel, bias, padding=(0, padding), groups=x.shape[-1])
    return y.squeeze(2).transpose(1, 2)


class _Depthwise(torch.autograd.Function):
    """One filter per channel. Kernels for images that lie are quick forward and for the input's
    gradient; for the weight's gradient those for images that stand are."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.has_bias = padding, bias is not None
        return _depthwise(x, weight, bias, padding)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            # The correlation with the mirrored filter, padded to give as many frames as x has.
            mirrored = weight.shape[-1] - 1 - ctx.padding
            grad_x = _depthwise(grad, weight.flip(-1), None, mirrored)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.ops.aten.convolution_backward(
                _tall(grad),
                _tall(x),
                weight.unsqueeze(3),
                None,
                [1, 1],
                [ctx.padding, 0],
                [1, 1],
                False,
                [0, 0],
                x.shape[-1],
                [False, True, False],
            )[1].squeeze(3)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            grad_bias = grad.sum(dim=(0, 1))
        return grad_x, grad_weight, grad_bias, None


class TimeConv(nn.Conv1d):
    """``nn.Conv1d`` of stride 1 that takes and gives ``[B, T, C]``."""

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` -> ``[B, T, C']``."""
        return conv_over_time(x, self)
