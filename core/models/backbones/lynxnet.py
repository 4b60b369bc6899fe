"""LYNXNet: residual convolution modules in the manner of the Conformer's, one per block."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from ..channel_last import TimeConv, conv_over_time
from ..layers import (
    AdamWConv1d,
    SinusoidalEmbedding,
    SwiGLU,
    kaiming,
    zero_weight,
)
from .base import Backbone


class FramePReLU(nn.PReLU):
    """``nn.PReLU`` with a slope per channel of ``[B, T, C]``."""

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` -> ``[B, T, C]``."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _activation(name: str | None, channels: int) -> nn.Module:
    """The activation behind the depthwise convolution."""
    if name is None or name == "PReLU":
        return FramePReLU(channels)
    if name == "SiLU":
        return nn.SiLU()
    if name == "ReLU":
        return nn.ReLU()
    raise ValueError(f"unknown activation {name!r} for lynxnet (known: PReLU, SiLU, ReLU)")


class ConvModule(nn.Module):
    """Norm, expansion with a gate, depthwise convolution, projection back."""

    def __init__(
        self,
        channels: int,
        expansion_factor: int,
        kernel_size: int,
        activation: str | None,
        dropout_rate: float,
    ) -> None:
        super().__init__()
        inner = int(channels * expansion_factor)
        self.net = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Identity(),  # keeps the numbers that checkpoints give the layers
            TimeConv(channels, 2 * inner, 1),
            SwiGLU(),
            TimeConv(inner, inner, kernel_size, padding=kernel_size // 2, groups=inner),
            _activation(activation, inner),
            TimeConv(inner, channels, 1),
            nn.Dropout(dropout_rate),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` -> ``[B, T, C]``."""
        return self.net(x)


class ResidualBlock(nn.Module):
    """One convolution module that sees the step and the condition."""

    def __init__(
        self,
        channels: int,
        hidden_size: int,
        conv_module: ConvModule,
        *,
        strong_cond: bool,
    ) -> None:
        super().__init__()
        self.strong_cond = strong_cond
        self.diffusion_projection = TimeConv(channels, channels, 1)
        self.conditioner_projection = TimeConv(hidden_size, channels, 1)
        self.convmodule = conv_module

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """``x`` and ``condition`` ``[B, T, C]``, ``step`` ``[B, 1, C]`` -> ``[B, T, C]``.

        With ``strong_cond`` the condition is part of what the residual carries on.
        """
        conditioned = x + condition
        residual = conditioned if self.strong_cond else x
        return residual + self.convmodule(conditioned + self.diffusion_projection(step))


class LYNXNet(Backbone):
    """``num_layers`` residual blocks, the condition added anew in each."""

    def __init__(
        self,
        *,
        in_dims: int,
        num_feats: int,
        hidden_size: int,
        num_layers: int = 6,
        num_channels: int = 512,
        expansion_factor: int = 2,
        kernel_size: int = 31,
        activation: str | None = "PReLU",
        dropout_rate: float = 0.0,
        strong_cond: bool = False,
    ) -> None:
        super().__init__(in_dims=in_dims, num_feats=num_feats)
        channels, bins = num_channels, in_dims * num_feats
        self.strong_cond = strong_cond
        self.input_projection = kaiming(TimeConv(bins, channels, 1))
        self.diffusion_embedding = nn.Sequential(
            SinusoidalEmbedding(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.residual_layers = nn.ModuleList(
            ResidualBlock(
                channels,
                hidden_size,
                ConvModule(channels, expansion_factor, kernel_size, activation, dropout_rate),
                strong_cond=strong_cond,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)
        self.output_projection = zero_weight(AdamWConv1d(channels, bins, 1))

    def project_condition(self, cond: Tensor) -> list[Tensor]:
        """``[B, H, T]`` -> one ``[B, T, C]`` per block."""
        blocks = cast(Iterable[ResidualBlock], self.residual_layers)
        cond = cond.transpose(1, 2)
        return [block.conditioner_projection(cond) for block in blocks]

    def denoise(self, x: Tensor, t: Tensor, condition: list[Tensor]) -> Tensor:
        """``x`` ``[B, F*M, T]``, ``t`` ``[B]`` or ``[1]`` -> ``[B, F*M, T]``."""
        x = self.input_projection(x.transpose(1, 2))
        if not self.strong_cond:
            x = F.gelu(x)
        step = self.diffusion_embedding(t)[:, None]
        for block, local in zip(self.residual_layers, condition, strict=True):
            x = block(x, step, local)
        return conv_over_time(self.norm(x), self.output_projection).transpose(1, 2)
