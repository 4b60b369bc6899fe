"""Encodes the phonemes of the variance model and predicts their durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .duration_predictor import DurationPredictor
from .encoder import Encoder, EncoderSettings
from .inputs import needed
from .layers import EmbeddingTable, ScalarEmbedding
from .regulators import sums_by_owner


class LinguisticEncoder(nn.Module):
    """Phoneme encoder in one of two modes, fixed by what the model predicts.

    *Word mode* (durations are predicted): phonemes are told which of them begin a word and how long
    the word is. *Phoneme mode*: they are told how long they are themselves.
    """

    def __init__(self, config: Mapping[str, Any], *, vocab_size: int) -> None:
        super().__init__()
        settings = EncoderSettings.from_config(config)
        hidden = settings.hidden_size
        self.predict_dur = bool(config.get("predict_dur", False))
        self.use_variance_scaling = bool(config.get("use_variance_scaling", False))
        self.txt_embed = EmbeddingTable(vocab_size, hidden, padding_idx=0)
        self.lang_embed: EmbeddingTable | None = None
        if config.get("use_lang_id", False):
            self.lang_embed = EmbeddingTable(config["num_lang"] + 1, hidden, padding_idx=0)
        if self.predict_dur:
            self.onset_embed = EmbeddingTable(2, hidden)
            self.word_dur_embed = ScalarEmbedding(hidden)
        else:
            self.ph_dur_embed = ScalarEmbedding(hidden)
        self.encoder = Encoder(settings)
        if self.predict_dur:
            self.midi_embed = EmbeddingTable(128, hidden)
            self.dur_predictor = DurationPredictor(hidden, config["dur_prediction_args"])

    def forward(
        self,
        txt_tokens: Tensor,
        *,
        languages: Tensor | None,
        ph2word: Tensor | None,
        midi: Tensor | None,
        ph_dur: Tensor | None,
        word_dur: Tensor | None,
        ph_speaker: Tensor | None,
        infer: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Encode phonemes; units as in :meth:`.variance.VarianceModel.forward`.

        Args:
            ph_speaker: speaker embedding ``[B, 1 or T_ph, H]``.

        Returns:
            Phoneme vectors ``[B, T_ph, H]``, and durations float ``[B, T_ph]`` in frames or None.
        """
        if self.predict_dur:
            extra = self._word_features(ph2word, ph_dur, word_dur if infer else None)
        else:
            scaled = needed("ph_dur", ph_dur)
            if self.use_variance_scaling:
                scaled = torch.log1p(scaled.float())
            extra = self.ph_dur_embed(scaled)
        if self.lang_embed is not None:
            extra = extra + self.lang_embed(needed("languages", languages))
        pad = txt_tokens == 0
        encoded = self.encoder(self.txt_embed(txt_tokens), extra, pad)
        if not self.predict_dur:
            return encoded, None
        x = encoded + self.midi_embed(needed("midi", midi).clamp(0, 127))
        if ph_speaker is not None:
            x = x + ph_speaker
        return encoded, self.dur_predictor(x, pad, clamp=infer)

    def _word_features(
        self, ph2word: Tensor | None, ph_dur: Tensor | None, word_dur: Tensor | None
    ) -> Tensor:
        """Word mode: onset and word duration of each phoneme, ``[B, T_ph, H]``."""
        ph2word = needed("ph2word", ph2word)
        if word_dur is None:
            # There are no more words than phonemes; how many exactly, only the GPU knows.
            word_dur = sums_by_owner(needed("ph_dur", ph_dur), ph2word, ph2word.shape[1])
        onset = (ph2word > F.pad(ph2word, (1, -1))).long()
        own_word_dur = F.pad(word_dur, (1, 0)).gather(1, ph2word)
        return self.onset_embed(onset) + self.word_dur_embed(own_word_dur)
