"""Encodes the notes of the score for the pitch predictor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .encoder import Encoder, EncoderSettings
from .inputs import needed
from .layers import EmbeddingTable, ScalarEmbedding, xavier

ENCODER_KEYS = (
    "hidden_size",
    "enc_layers",
    "enc_ffn_kernel_size",
    "ffn_act",
    "dropout",
    "num_heads",
    "use_pos_embed",
    "rel_pos",
    "use_rope",
)
"""Keys that ``melody_encoder_args`` may override; the others come from the root of the config."""


class MelodyEncoder(nn.Module):
    """A small encoder over notes."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        args = config.get("melody_encoder_args") or {}
        own = {key: args[key] for key in ENCODER_KEYS if key in args}
        settings = EncoderSettings.from_config({**config, **own})
        hidden = settings.hidden_size
        self.use_variance_scaling = bool(config.get("use_variance_scaling", False))
        self.note_midi_embed = ScalarEmbedding(hidden)
        self.note_dur_embed = ScalarEmbedding(hidden)
        self.note_glide_embed: EmbeddingTable | None = None
        if config.get("use_glide_embed", False):
            types = config.get("glide_types") or ()
            self.note_glide_embed = EmbeddingTable(len(types) + 1, hidden, padding_idx=0)
        self.glide_embed_scale = float(config.get("glide_embed_scale", 128**0.5))
        self.encoder = Encoder(settings)
        self.out_proj = xavier(nn.Linear(hidden, config["hidden_size"]))

    def forward(
        self,
        note_midi: Tensor,
        note_rest: Tensor,
        note_dur: Tensor,
        note_glide: Tensor | None = None,
    ) -> Tensor:
        """Encode notes.

        Args:
            note_midi: float ``[B, T_n]`` in semitones, negative = padding; rests carry the pitch of
                the nearest note.
            note_rest: bool ``[B, T_n]``.
            note_dur: int64 ``[B, T_n]`` in frames.
            note_glide: int64 ``[B, T_n]``, 0 = no glide, else 1 + index of the glide type.

        Returns:
            ``[B, T_n, H]``.
        """
        scaled_midi = note_midi / 128 if self.use_variance_scaling else note_midi
        midi = self.note_midi_embed(scaled_midi) * (~note_rest)[..., None]
        scaled_dur = torch.log1p(note_dur.float()) if self.use_variance_scaling else note_dur
        extra = self.note_dur_embed(scaled_dur)
        if self.note_glide_embed is not None:
            glide = self.note_glide_embed(needed("note_glide", note_glide))
            extra = extra + self.glide_embed_scale * glide
        return self.out_proj(self.encoder(midi, extra, note_midi < 0))
