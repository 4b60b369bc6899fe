"""WaveNet: dilated, gated convolutions whose skip outputs are summed (DiffWave, DiffSinger)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import AdamWConv1d, kaiming, sinusoidal_embedding, zero_weight
from .base import Backbone


class ResidualBlock(nn.Module):
    """One dilated convolution with a gate, seeing the step and the condition."""

    def __init__(self, channels: int, hidden_size: int, dilation: int) -> None:
        super().__init__()
        self.dilated_conv = nn.Conv1d(
            channels, 2 * channels, 3, padding=dilation, dilation=dilation
        )
        self.diffusion_projection = nn.Linear(channels, channels)
        self.conditioner_projection = nn.Conv1d(hidden_size, 2 * channels, 1)
        self.output_projection = nn.Conv1d(channels, 2 * channels, 1)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Next ``x`` and this block's skip output.

        Args:
            x: ``[B, C, T]``.
            step: step embedding ``[B, C]`` or ``[1, C]``.
            condition: projected condition ``[B, 2C, T]``.

        Returns:
            Two tensors ``[B, C, T]``.
        """
        y = x + self.diffusion_projection(step)[..., None]
        gate, content = (self.dilated_conv(y) + condition).chunk(2, dim=1)
        y = torch.sigmoid(gate) * torch.tanh(content)
        residual, skip = self.output_projection(y).chunk(2, dim=1)
        return (x + residual) / math.sqrt(2.0), skip


class WaveNet(Backbone):
    """``num_layers`` residual blocks; the dilation doubles and starts over every cycle."""

    def __init__(
        self,
        *,
        in_dims: int,
        num_feats: int,
        hidden_size: int,
        num_layers: int = 20,
        num_channels: int = 256,
        dilation_cycle_length: int = 4,
    ) -> None:
        super().__init__(in_dims=in_dims, num_feats=num_feats)
        channels, bins = num_channels, in_dims * num_feats
        self.num_channels = channels
        self.input_projection = kaiming(nn.Conv1d(bins, channels, 1))
        self.mlp = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.Mish(), nn.Linear(4 * channels, channels)
        )
        self.residual_layers = nn.ModuleList(
            ResidualBlock(channels, hidden_size, 2 ** (i % dilation_cycle_length))
            for i in range(num_layers)
        )
        self.skip_projection = kaiming(nn.Conv1d(channels, channels, 1))
        self.output_projection = zero_weight(AdamWConv1d(channels, bins, 1))

    def project_condition(self, cond: Tensor) -> list[Tensor]:
        """``[B, H, T]`` -> one ``[B, 2C, T]`` per block."""
        blocks = cast(Iterable[ResidualBlock], self.residual_layers)
        return [block.conditioner_projection(cond) for block in blocks]

    def denoise(self, x: Tensor, t: Tensor, condition: list[Tensor]) -> Tensor:
        """``x`` ``[B, F*M, T]``, ``t`` ``[B]`` or ``[1]`` -> ``[B, F*M, T]``."""
        x = F.relu(self.input_projection(x))
        step = self.mlp(sinusoidal_embedding(t, self.num_channels))
        total = torch.zeros_like(x)
        for block, local in zip(self.residual_layers, condition, strict=True):
            x, skip = block(x, step, local)
            total = total + skip
        x = F.relu(self.skip_projection(total / math.sqrt(len(self.residual_layers))))
        return self.output_projection(x)
