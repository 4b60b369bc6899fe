"""Predicts how many frames each phoneme lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .layers import AdamWLinear


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``[B, C, L]``."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, L]`` -> ``[B, C, L]``."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _residual_layer(in_dims: int, channels: int, kernel_size: int, dropout: float) -> nn.Sequential:
    """A layer of the ``resnet`` kind."""
    return nn.Sequential(
        ChannelNorm(in_dims),
        nn.Conv1d(in_dims, channels, kernel_size, padding=kernel_size // 2),
        nn.ReLU(),
        nn.Conv1d(channels, channels, 1),
        nn.Dropout(dropout),
    )


def _plain_layer(in_dims: int, channels: int, kernel_size: int, dropout: float) -> nn.Sequential:
    """A layer of FastSpeech 2's kind. The leading identity keeps the names of old checkpoints."""
    return nn.Sequential(
        nn.Identity(),
        nn.Conv1d(in_dims, channels, kernel_size, padding=kernel_size // 2),
        nn.ReLU(),
        ChannelNorm(channels),
        nn.Dropout(dropout),
    )


class DurationPredictor(nn.Module):
    """A stack of convolutions over phonemes; predicts logarithms of durations."""

    def __init__(self, in_dims: int, args: Mapping[str, Any]) -> None:
        """``args`` is ``dur_prediction_args``; without ``arch`` it is from before ``resnet``."""
        super().__init__()
        self.residual = args.get("arch", "fs2") == "resnet"
        self.log_offset = float(args.get("log_offset", 1.0))
        channels = args["hidden_size"]
        kernel_size, dropout = args["kernel_size"], args.get("dropout", 0.1)
        layer = _residual_layer if self.residual else _plain_layer
        self.conv = nn.ModuleList(
            layer(channels if i else in_dims, channels, kernel_size, dropout)
            for i in range(args["num_layers"])
        )
        self.res_conv: nn.Conv1d | None = None
        if self.residual and in_dims != channels:
            self.res_conv = nn.Conv1d(in_dims, channels, 1)
        self.linear = AdamWLinear(channels, 1)

    def forward(self, x: Tensor, pad: Tensor, *, clamp: bool) -> Tensor:
        """Durations of phonemes.

        Args:
            x: phoneme vectors ``[B, L, H]``.
            pad: bool ``[B, L]``, True at padding.
            clamp: raise negative durations to 0; not in training, where they get a gradient.

        Returns:
            float ``[B, L]`` in frames, not rounded; 1 - log_offset at padding.
        """
        nonpad = (~pad).unsqueeze(1).to(x.dtype)
        x = x.transpose(1, 2)
        for i, layer in enumerate(self.conv):
            y = layer(x)
            if self.residual:
                y = y + (self.res_conv(x) if i == 0 and self.res_conv is not None else x)
            x = y * nonpad
        logarithm = self.linear(x.transpose(1, 2))[..., 0] * nonpad[:, 0]
        durations = torch.exp(logarithm) - self.log_offset
        return durations.clamp(min=0.0) if clamp else durations
