"""From phonemes and curves to the frame-level condition of the acoustic decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .encoder import Encoder, EncoderSettings
from .gru import FrameGRU
from .inputs import needed
from .layers import EmbeddingTable, ScalarEmbedding
from .regulators import (
    durations_from_owners,
    gather_frames,
    means_by_owner,
    stretch_positions,
)
from .stretch import StretchEmbedding

VARIANCES = ("energy", "breathiness", "voicing", "tension")
"""Curves besides pitch, in the order of everything that lists them."""

CURVE_SCALES = {"energy": 1 / 96, "breathiness": 1 / 96, "voicing": 1 / 96, "tension": 0.1}
"""With ``use_variance_scaling``: factors that bring dB and logits to about 1."""

KEY_SHIFT_SCALE = 1 / 12
"""With ``use_variance_scaling``: octaves instead of semitones."""


def curve_scale(name: str, *, use_variance_scaling: bool) -> float:
    """The factor by which the curve ``name`` is multiplied before it is embedded."""
    return CURVE_SCALES[name] if use_variance_scaling else 1.0


class AcousticCondition(nn.Module):
    """Encodes the phonemes, spreads them over frames and adds pitch, curves, speaker and style."""

    def __init__(self, config: Mapping[str, Any], *, vocab_size: int) -> None:
        super().__init__()
        settings = EncoderSettings.from_config(config)
        hidden = settings.hidden_size
        self.use_variance_scaling = bool(config.get("use_variance_scaling", False))
        self.use_mix_ln = bool(config.get("use_mix_ln", False))
        use_spk_id = bool(config.get("use_spk_id", False))
        if self.use_mix_ln:
            if not use_spk_id:
                raise ValueError("use_mix_ln needs use_spk_id")
            layers = frozenset(config.get("mix_ln_layer") or ())
            settings = replace(settings, mix_ln_layers=layers)

        self.txt_embed = EmbeddingTable(vocab_size, hidden, padding_idx=0)
        self.lang_embed: EmbeddingTable | None = None
        if config.get("use_lang_id", False):
            self.lang_embed = EmbeddingTable(config["num_lang"] + 1, hidden, padding_idx=0)
        self.stretch_embed: StretchEmbedding | None = None
        if config.get("use_stretch_embed", False):
            self.stretch_embed = StretchEmbedding(hidden)
            self.stretch_embed_rnn = FrameGRU(hidden)
        self.dur_embed = ScalarEmbedding(hidden)
        self.encoder = Encoder(settings)
        self.pitch_embed = ScalarEmbedding(hidden)
        self.variance_embeds = nn.ModuleDict(
            {v: ScalarEmbedding(hidden) for v in VARIANCES if config.get(f"use_{v}_embed", False)}
        )
        self.key_shift_embed: ScalarEmbedding | None = None
        if config.get("use_key_shift_embed", False):
            self.key_shift_embed = ScalarEmbedding(hidden)
        self.speed_embed: ScalarEmbedding | None = None
        if config.get("use_speed_embed", False):
            self.speed_embed = ScalarEmbedding(hidden)
        self.spk_embed: EmbeddingTable | None = None
        if use_spk_id:
            self.spk_embed = EmbeddingTable(config["num_spk"], hidden)

    def _speaker(self, spk_embed_id: Tensor | None, spk_mix_embed: Tensor | None) -> Tensor | None:
        """The speaker embedding ``[B, 1 or T, H]``, or None for a model of one speaker."""
        if self.spk_embed is None:
            return None
        if spk_mix_embed is not None:
            return spk_mix_embed
        return self.spk_embed(needed("spk_embed_id", spk_embed_id)).unsqueeze(1)

    def forward(
        self,
        txt_tokens: Tensor,
        mel2ph: Tensor,
        f0: Tensor,
        *,
        languages: Tensor | None = None,
        spk_embed_id: Tensor | None = None,
        spk_mix_embed: Tensor | None = None,
        key_shift: Tensor | None = None,
        speed: Tensor | None = None,
        variances: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """The condition of the decoder; see :meth:`.acoustic.AcousticModel.forward` for units.

        Returns:
            ``[B, T, H]``. Padded frames are *not* zero.
        """
        ph_dur = durations_from_owners(mel2ph, txt_tokens.shape[1])
        extra = self.dur_embed(torch.log1p(ph_dur.float()) if self.use_variance_scaling else ph_dur)
        if self.lang_embed is not None:
            extra = extra + self.lang_embed(needed("languages", languages))
        speaker = self._speaker(spk_embed_id, spk_mix_embed)
        style = speaker
        if self.use_mix_ln and speaker is not None and speaker.shape[1] > 1:
            # The encoder runs on phonemes: a speaker that changes by frame is averaged over each.
            style = means_by_owner(speaker, mel2ph, txt_tokens.shape[1])
        encoded = self.encoder(self.txt_embed(txt_tokens), extra, txt_tokens == 0, style)

        cond = gather_frames(encoded, mel2ph)
        if self.stretch_embed is not None:
            cond = cond + self.stretch_embed(stretch_positions(mel2ph, ph_dur))
            cond = cond + self.stretch_embed_rnn.states(cond)
        if speaker is not None:
            cond = cond + speaker
        cond = cond + self.pitch_embed(torch.log1p(f0 / 700))
        curves = variances or {}
        for name, embed in self.variance_embeds.items():
            scale = curve_scale(name, use_variance_scaling=self.use_variance_scaling)
            cond = cond + embed(needed(name, curves.get(name)) * scale)
        if self.key_shift_embed is not None:
            scale = KEY_SHIFT_SCALE if self.use_variance_scaling else 1.0
            cond = cond + self.key_shift_embed(needed("key_shift", key_shift) * scale)
        if self.speed_embed is not None:
            cond = cond + self.speed_embed(needed("speed", speed))
        return cond
