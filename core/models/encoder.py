"""The transformer that reads phonemes (or notes): pre-norm blocks in the manner of FastSpeech 2.

Not for embeddings: what goes in are vectors already.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Rotary, SelfAttention
from .layers import gated_unit, xavier
from .positions import ClassicPositions, RelativePositions


@dataclass(frozen=True)
class EncoderSettings:
    """Sizes and options of one encoder, read from DiffSinger's keys."""

    hidden_size: int
    num_layers: int = 4
    num_heads: int = 2
    kernel_size: int = 3
    ffn_act: str = "gelu"
    dropout: float = 0.1
    use_pos_embed: bool = True
    use_rope: bool = False
    rope_interleaved: bool = True
    rel_pos: bool = False
    mix_ln_layers: frozenset[int] = frozenset()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> EncoderSettings:
        """The phoneme encoder of ``config``, without Mix-LN, which only the acoustic model has."""
        return cls(
            hidden_size=config["hidden_size"],
            num_layers=config["enc_layers"],
            num_heads=config.get("num_heads", 2),
            kernel_size=config["enc_ffn_kernel_size"],
            ffn_act=config.get("ffn_act", "gelu"),
            dropout=config.get("dropout", 0.1),
            use_pos_embed=config.get("use_pos_embed", True),
            use_rope=config.get("use_rope", False),
            rope_interleaved=config.get("rope_interleaved", True),
            rel_pos=config.get("rel_pos", False),
        )

    @property
    def rotary(self) -> Rotary:
        """What the attention layers do about positions."""
        if not (self.use_rope and self.use_pos_embed):
            return "none"
        return "interleaved" if self.rope_interleaved else "halves"


def _activation(name: str) -> nn.Module:
    """The activation of a feed-forward layer on ``[B, C, L]``."""
    plain = {"relu": nn.ReLU, "gelu": nn.GELU, "swish": nn.SiLU}
    if name in plain:
        return plain[name]()
    if name in ("swiglu", "atanglu"):
        return gated_unit(name, dim=1)
    raise ValueError(f"unknown ffn_act {name!r} (known: relu, gelu, swish, swiglu, atanglu)")


class FeedForward(nn.Module):
    """A convolution over neighbouring symbols, an activation, and a projection back."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        hidden, kernel = settings.hidden_size, settings.kernel_size
        if kernel % 2 == 0:
            raise ValueError(f"enc_ffn_kernel_size {kernel} is even; it has to be odd")
        gates = 2 if settings.ffn_act in ("swiglu", "atanglu") else 1
        self.scale = kernel**-0.5
        self.ffn_1 = nn.Conv1d(hidden, 4 * hidden * gates, kernel, padding=kernel // 2)
        self.activation = _activation(settings.ffn_act)
        self.dropout = nn.Dropout(settings.dropout)
        self.ffn_2 = xavier(nn.Linear(4 * hidden, hidden))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, L, H]`` -> ``[B, L, H]``."""
        x = self.activation(self.ffn_1(x.transpose(1, 2)) * self.scale)
        return self.ffn_2(self.dropout(x.transpose(1, 2)))


class MixLayerNorm(nn.Module):
    """Layer norm whose shift and scale come from the speaker (Mix-LN).

    In training the styles of two samples of the batch are mixed, so that the encoder learns to
    say phonemes in a way that does not give the speaker away.
    """

    BETA = 0.2
    """Both parameters of the Beta distribution of the mixing weight: mostly near 0 or 1."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.affine = xavier(nn.Linear(hidden_size, 2 * hidden_size))
        with torch.no_grad():
            self.affine.bias[hidden_size:] = 1.0

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        """Normalise ``x`` in the style of ``speaker``.

        Args:
            x: ``[B, L, H]``.
            speaker: embedding ``[B, H]``, ``[B, 1, H]`` or ``[B, L, H]``.

        Returns:
            ``[B, L, H]``.
        """
        if speaker.dim() == 2:
            speaker = speaker.unsqueeze(1)
        shift, scale = self.affine(speaker).chunk(2, dim=-1)
        if self.training and len(x) > 1:
            other = torch.randperm(len(x), device=x.device)
            beta = torch.distributions.Beta(self.BETA, self.BETA)
            weight = beta.sample((len(x), 1, 1)).to(shift)
            shift = weight * shift + (1 - weight) * shift[other]
            scale = weight * scale + (1 - weight) * scale[other]
        return scale * F.layer_norm(x, (self.hidden_size,)) + shift


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each behind a norm and around a residual."""

    def __init__(self, settings: EncoderSettings, *, mix_ln: bool) -> None:
        super().__init__()
        self.mix_ln = mix_ln
        norm = MixLayerNorm if mix_ln else nn.LayerNorm
        hidden = settings.hidden_size
        self.layer_norm1 = norm(hidden)
        self.self_attn = SelfAttention(hidden, settings.num_heads, rotary=settings.rotary)
        self.layer_norm2 = norm(hidden)
        self.ffn = FeedForward(settings)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, pad: Tensor, speaker: Tensor | None) -> Tensor:
        """``x`` ``[B, L, H]``, ``pad`` bool ``[B, L]`` -> ``[B, L, H]``, zero at padding."""
        style = (speaker,) if self.mix_ln else ()
        nonpad = (~pad)[..., None].to(x.dtype)
        x = (x + self.dropout(self.self_attn(self.layer_norm1(x, *style), pad))) * nonpad
        return (x + self.dropout(self.ffn(self.layer_norm2(x, *style)))) * nonpad


class EncoderLayer(nn.Module):
    """Carries a block under the name ``op``, as checkpoints do."""

    def __init__(self, settings: EncoderSettings, *, mix_ln: bool) -> None:
        super().__init__()
        self.op = TransformerBlock(settings, mix_ln=mix_ln)

    def forward(self, x: Tensor, pad: Tensor, speaker: Tensor | None) -> Tensor:
        """See :meth:`TransformerBlock.forward`."""
        return self.op(x, pad, speaker)


class Encoder(nn.Module):
    """Positions, a stack of transformer blocks, and a final norm."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.dropout = nn.Dropout(settings.dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(settings, mix_ln=i in settings.mix_ln_layers)
            for i in range(settings.num_layers)
        )
        self.layer_norm = nn.LayerNorm(settings.hidden_size)
        self.embed_positions: nn.Module | None = None
        if not settings.use_rope:
            kind = RelativePositions if settings.rel_pos else ClassicPositions
            self.embed_positions = kind(settings.hidden_size)

    def forward(
        self, main: Tensor, extra: Tensor, pad: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """Read a sequence of symbols.

        Args:
            main: symbol embeddings ``[B, L, H]``.
            extra: what else is known of each symbol ``[B, L, H]``.
            pad: bool ``[B, L]``, True at padding.
            speaker: embedding ``[B, 1, H]`` or ``[B, L, H]``; needed with Mix-LN, else unused.

        Returns:
            ``[B, L, H]``, zero at padding.
        """
        nonpad = (~pad)[..., None].to(main.dtype)
        x = math.sqrt(self.settings.hidden_size) * main + extra
        if self.settings.use_pos_embed and self.embed_positions is not None:
            x = self.embed_positions(x, pad)
        x = self.dropout(x) * nonpad
        for layer in self.layers:
            x = layer(x, pad, speaker)
        return self.layer_norm(x) * nonpad
