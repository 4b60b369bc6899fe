"""The three ways in which an encoder can tell positions apart. None of them is learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import sinusoidal_embedding

ROTARY_LIMIT = 8192
"""Longest sequence, in positions, that DiffSinger's rotary tables cover."""

RELATIVE_TABLE = 5000
"""Length of the table of :class:`RelativePositions`; it fixes the number of the first position."""


def rotary_angles(length: int, dim: int, *, interleaved: bool, device: torch.device) -> Tensor:
    """Angles by which the ``dim`` channels of a head turn at each position (RoPE).

    Args:
        length: number of positions, at most 8192.
        dim: width of a head, even.
        interleaved: channel pairs are neighbours (GPT-J) rather than the two halves (GPT-NeoX).

    Returns:
        float32 ``[length, dim]`` in radians.
    """
    if length > ROTARY_LIMIT:
        raise ValueError(f"a sequence of {length} symbols is longer than {ROTARY_LIMIT}")
    frequencies = 10000.0 ** (-torch.arange(0, dim, 2, device=device) / dim)
    angles = torch.arange(length, device=device)[:, None] * frequencies
    if interleaved:
        return angles.repeat_interleave(2, dim=1)
    return torch.cat([angles, angles], dim=1)


def rotate(x: Tensor, angles: Tensor, *, interleaved: bool) -> Tensor:
    """``x`` ``[..., L, D]`` turned by ``angles`` ``[L, D]``."""
    if interleaved:
        first, second = x[..., 0::2], x[..., 1::2]
        quarter_turn = torch.stack([-second, first], dim=x.dim()).reshape(x.shape)
    else:
        first, second = x.chunk(2, dim=-1)
        quarter_turn = torch.cat([-second, first], dim=-1)
    return (x * angles.cos() + quarter_turn * angles.sin()).to(x.dtype)


class ClassicPositions(nn.Module):
    """Sinusoidal embedding of the 1-based rank among the non-padded symbols; 0 at padding."""

    _float_tensor: Tensor

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        # Means nothing, but checkpoints of this kind carry it and are loaded strictly.
        self.register_buffer("_float_tensor", torch.zeros(1))

    def forward(self, x: Tensor, pad: Tensor) -> Tensor:
        """``x`` ``[B, L, H]``, ``pad`` bool ``[B, L]`` -> ``[B, L, H]``."""
        nonpad = (~pad).long()
        rank = nonpad.cumsum(dim=1)
        return x + sinusoidal_embedding(rank, self.hidden_size) * nonpad[..., None]


class RelativePositions(nn.Module):
    """Scales by sqrt(H) and adds interleaved sines and cosines that count *down* with time.

    DiffSinger reads its reversed table of 5000 entries from the front, so the first symbol has
    position 4999 whatever the length. Trained weights rely on it.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size

    def forward(self, x: Tensor, pad: Tensor) -> Tensor:
        """``x`` ``[B, L, H]`` -> ``[B, L, H]``."""
        length = x.shape[1]
        first = max(RELATIVE_TABLE, length) - 1
        position = first - torch.arange(length, device=x.device, dtype=torch.float32)
        even = torch.arange(0, self.hidden_size, 2, device=x.device, dtype=torch.float32)
        angles = position[:, None] * torch.exp(even * -(math.log(10000.0) / self.hidden_size))
        table = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
        return x * math.sqrt(self.hidden_size) + table
