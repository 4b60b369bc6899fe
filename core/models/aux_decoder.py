"""The auxiliary decoder: a quick, smooth mel from which shallow diffusion starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import known_arguments
from .channel_last import TimeConv, conv_over_time
from .diffusion import denormalise, normalise
from .layers import AdamWConv1d, kaiming
from .registry import load_part


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm and an inverted bottleneck (arXiv 2201.03545)."""

    KERNEL_SIZE = 7

    def __init__(self, channels: int, dropout_rate: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), 1e-6))
        self.dwconv = TimeConv(
            channels, channels, self.KERNEL_SIZE, padding=self.KERNEL_SIZE // 2, groups=channels
        )
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.dropout = nn.Dropout(dropout_rate)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` -> ``[B, T, C]``."""
        y = self.norm(self.dwconv(x))
        y = self.gamma * self.pwconv2(self.act(self.pwconv1(y)))
        return x + self.dropout(y)


class ConvNeXtDecoder(nn.Module):
    """Convolution in, a stack of blocks, convolution out."""

    def __init__(
        self,
        in_dims: int,
        out_dims: int,
        *,
        num_channels: int = 512,
        num_layers: int = 6,
        kernel_size: int = 7,
        dropout_rate: float = 0.1,
    ) -> None:
        super().__init__()
        padding = (kernel_size - 1) // 2
        self.inconv = TimeConv(in_dims, num_channels, kernel_size, padding=padding)
        self.conv = nn.ModuleList(
            ConvNeXtBlock(num_channels, dropout_rate) for _ in range(num_layers)
        )
        self.outconv = kaiming(AdamWConv1d(num_channels, out_dims, kernel_size, padding=padding))

    def forward(self, cond: Tensor) -> Tensor:
        """``[B, T, H]`` -> ``[B, T, M]``."""
        x = self.inconv(cond)
        for block in self.conv:
            x = block(x)
        return conv_over_time(x, self.outconv)


AUX_DECODERS: dict[str, Callable[..., nn.Module]] = {"convnext": ConvNeXtDecoder}
"""Our own; installed packages may have more, see :mod:`.registry`. Each is called with
``in_dims``, ``out_dims`` and its own arguments, and maps ``[B, T, H]`` to ``[B, T, M]``."""


class AuxDecoder(nn.Module):
    """A decoder with the value range of the mel."""

    spec_min: Tensor
    spec_max: Tensor

    def __init__(
        self,
        in_dims: int,
        out_dims: int,
        *,
        arch: str,
        args: Mapping[str, Any],
        spec_min: Sequence[float],
        spec_max: Sequence[float],
        gradient_scale: float,
    ) -> None:
        """``gradient_scale`` is how much of this decoder's gradient reaches the encoder."""
        super().__init__()
        cls = AUX_DECODERS.get(arch) or load_part("aux_decoder", arch)
        chosen = known_arguments(cls, args, given=("in_dims", "out_dims"))
        self.decoder = cls(in_dims=in_dims, out_dims=out_dims, **chosen)
        self.gradient_scale = gradient_scale
        for name, values in (("spec_min", spec_min), ("spec_max", spec_max)):
            limits = torch.tensor(list(values)[:out_dims], dtype=torch.float32)
            self.register_buffer(name, limits.view(1, 1, -1), persistent=False)

    def norm_spec(self, spec: Tensor) -> Tensor:
        """Map spec_min … spec_max to -1 … 1."""
        return normalise(spec, self.spec_min, self.spec_max)

    def denorm_spec(self, spec: Tensor) -> Tensor:
        """Map -1 … 1 to spec_min … spec_max."""
        return denormalise(spec, self.spec_min, self.spec_max)

    def forward(self, cond: Tensor) -> Tensor:
        """Condition ``[B, T, H]`` -> normalised mel ``[B, T, M]``."""
        if torch.is_grad_enabled() and cond.requires_grad:
            scale = self.gradient_scale
            cond = scale * cond + (1.0 - scale) * cond.detach()
        return self.decoder(cond)
