"""Small layers that several networks share: number embeddings, gated units, optimizer marks.

Not for anything that knows about phonemes, frames or diffusion.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ADAMW = "adamw"
"""Value of ``optimizer_group`` on modules that a matrix optimizer such as Muon must not touch."""


class AdamWLinear(nn.Linear):
    """A Linear that stays with AdamW when the other matrices are trained by Muon.

    Starts with Xavier weights and zero bias.
    """

    optimizer_group = ADAMW

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class AdamWConv1d(nn.Conv1d):
    """A Conv1d that stays with AdamW when the other matrices are trained by Muon."""

    optimizer_group = ADAMW


class ScalarEmbedding(AdamWLinear):
    """Embeds one number per position, e.g. an energy curve in dB."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__(1, hidden_size)

    def forward(self, curve: Tensor) -> Tensor:
        """``curve`` ``[...]`` of any real dtype -> ``[..., H]``."""
        return super().forward(curve.to(self.weight.dtype)[..., None])


class EmbeddingTable(nn.Embedding):
    """An embedding table whose rows start at N(0, 1/sqrt(H)) and whose padding row is zero."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].zero_()


def sinusoidal_embedding(x: Tensor, dim: int) -> Tensor:
    """``x`` ``[...]`` of any real dtype -> float32 ``[..., dim]``: sines, then cosines.

    Frequencies fall geometrically from 1 to 1/10000.
    """
    half = dim // 2
    step = math.log(10000.0) / max(1, half - 1)
    frequencies = torch.exp(torch.arange(half, device=x.device) * -step)
    angles = x.float()[..., None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=angles.dim() - 1)


class SinusoidalEmbedding(nn.Module):
    """:func:`sinusoidal_embedding` as the first layer of an MLP."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """``[...]`` -> float32 ``[..., dim]``."""
        return sinusoidal_embedding(x, self.dim)


class SwiGLU(nn.Module):
    """``out * silu(gate)``, where the input is ``out`` followed by ``gate`` on axis ``dim``."""

    FP16_LIMIT = 1000.0

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """``2n`` channels on axis ``dim`` -> ``n`` channels."""
        out, gate = x.chunk(2, dim=self.dim)
        product = out * F.silu(gate)
        if product.dtype == torch.float16:
            # Half precision overflows at 65504 and the layers behind sum hundreds of these.
            return product.clamp(-self.FP16_LIMIT, self.FP16_LIMIT)
        return product


class ATanGLU(nn.Module):
    """``out * atan(gate)``: the gate is bounded, so half precision needs no guard."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """``2n`` channels on axis ``dim`` -> ``n`` channels."""
        out, gate = x.chunk(2, dim=self.dim)
        return out * torch.atan(gate)


def gated_unit(name: str, dim: int = -1) -> nn.Module:
    """The gated unit called ``name``: ``swiglu`` or ``atanglu``."""
    if name == "swiglu":
        return SwiGLU(dim)
    if name == "atanglu":
        return ATanGLU(dim)
    raise ValueError(f"unknown gated unit {name!r} (known: swiglu, atanglu)")


Layer = TypeVar("Layer", nn.Linear, nn.Conv1d)


def kaiming(layer: Layer) -> Layer:
    """``layer`` with Kaiming-normal weights; the bias keeps torch's default."""
    nn.init.kaiming_normal_(layer.weight)
    return layer


def zero_weight(layer: Layer) -> Layer:
    """``layer`` with weights 0, so that a new network starts by predicting its bias."""
    nn.init.zeros_(layer.weight)
    return layer


def xavier(layer: nn.Linear) -> nn.Linear:
    """``layer`` with Xavier-uniform weights and zero bias."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
