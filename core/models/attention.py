"""Self attention over a padded batch of symbols."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import xavier
from .positions import rotary_angles, rotate

Rotary = Literal["none", "halves", "interleaved"]


class SelfAttention(nn.Module):
    """Multi-head self attention without biases, optionally with rotary positions."""

    def __init__(self, hidden_size: int, num_heads: int, *, rotary: Rotary = "none") -> None:
        super().__init__()
        unit = num_heads if rotary == "none" else 2 * num_heads
        if hidden_size % unit:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of {unit}")
        self.num_heads = num_heads
        self.rotary = rotary
        self.in_proj = xavier(nn.Linear(hidden_size, 3 * hidden_size, bias=False))
        self.out_proj = xavier(nn.Linear(hidden_size, hidden_size, bias=False))

    def forward(self, x: Tensor, pad: Tensor) -> Tensor:
        """Symbols look at all non-padded symbols.

        Args:
            x: ``[B, L, H]``.
            pad: bool ``[B, L]``, True at padding. Every sample needs one symbol that is not.

        Returns:
            ``[B, L, H]``.
        """
        batch, length, _ = x.shape
        # [B, L, 3H] -> three of [B, heads, L, H / heads]
        query, key, value = (
            part.reshape(batch, length, self.num_heads, -1).transpose(1, 2)
            for part in self.in_proj(x).chunk(3, dim=-1)
        )
        if self.rotary != "none":
            interleaved = self.rotary == "interleaved"
            angles = rotary_angles(
                length, query.shape[-1], interleaved=interleaved, device=x.device
            )
            query = rotate(query, angles, interleaved=interleaved)
            key = rotate(key, angles, interleaved=interleaved)
        visible = ~pad[:, None, None, :]
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        return self.out_proj(out.transpose(1, 2).reshape(batch, length, -1))
