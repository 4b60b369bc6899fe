"""LYNXNet2: depthwise convolutions and double gated layers; the default backbone."""

from __future__ import annotations

from torch import Tensor, nn

from ..channel_last import TimeConv
from ..layers import (
    AdamWLinear,
    SinusoidalEmbedding,
    gated_unit,
    kaiming,
    zero_weight,
)
from .base import Backbone


class ResidualBlock(nn.Module):
    """Norm, depthwise convolution over time, two gated layers, projection back."""

    def __init__(
        self,
        channels: int,
        expansion_factor: float,
        kernel_size: int,
        dropout_rate: float,
        glu_type: str,
    ) -> None:
        super().__init__()
        inner = int(channels * expansion_factor)
        self.net = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Identity(),  # keeps the numbers that checkpoints give the layers
            TimeConv(channels, channels, kernel_size, padding=kernel_size // 2, groups=channels),
            nn.Identity(),
            nn.Linear(channels, 2 * inner),
            gated_unit(glu_type),
            nn.Linear(inner, 2 * inner),
            gated_unit(glu_type),
            nn.Linear(inner, channels),
            nn.Dropout(dropout_rate),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` -> ``[B, T, C]``."""
        return x + self.net(x)


class LYNXNet2(Backbone):
    """``num_layers`` residual blocks; step and condition enter once, at the input."""

    def __init__(
        self,
        *,
        in_dims: int,
        num_feats: int,
        hidden_size: int,
        num_layers: int = 6,
        num_channels: int = 512,
        expansion_factor: float = 1,
        kernel_size: int = 31,
        dropout_rate: float = 0.0,
        use_conditioner_cache: bool = False,
        glu_type: str = "swiglu",
    ) -> None:
        super().__init__(in_dims=in_dims, num_feats=num_feats)
        channels, bins = num_channels, in_dims * num_feats
        self.input_projection = kaiming(nn.Linear(bins, channels))
        # Both are the same map; the option decides how the checkpoint shapes its weight.
        self.conditioner_projection: nn.Module = (
            kaiming(nn.Conv1d(hidden_size, channels, 1))
            if use_conditioner_cache
            else kaiming(nn.Linear(hidden_size, channels))
        )
        self.diffusion_embedding = nn.Sequential(
            SinusoidalEmbedding(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.residual_layers = nn.ModuleList(
            ResidualBlock(channels, expansion_factor, kernel_size, dropout_rate, glu_type)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)
        self.output_projection = zero_weight(AdamWLinear(channels, bins))

    def project_condition(self, cond: Tensor) -> Tensor:
        """``[B, H, T]`` -> ``[B, T, C]``."""
        if isinstance(self.conditioner_projection, nn.Conv1d):
            return self.conditioner_projection(cond).transpose(1, 2)
        return self.conditioner_projection(cond.transpose(1, 2))

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """``x`` ``[B, F*M, T]``, ``t`` ``[B]`` or ``[1]`` -> ``[B, F*M, T]``."""
        step = self.diffusion_embedding(t).unsqueeze(1)
        x = self.input_projection(x.transpose(1, 2)) + condition + step
        for block in self.residual_layers:
            x = block(x)
        return self.output_projection(self.norm(x)).transpose(1, 2)
