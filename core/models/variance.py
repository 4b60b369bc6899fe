"""The variance model: from phonemes and notes to durations, pitch and other curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .condition import curve_scale
from .decoder import build_diffusion
from .gru import FrameGRU
from .inputs import needed
from .layers import EmbeddingTable, ScalarEmbedding
from .linguistic import LinguisticEncoder
from .losses import diffusion_loss, duration_loss
from .melody_encoder import MelodyEncoder
from .outputs import MAIN_OUTPUT
from .randomness import GLOBAL_RANDOM, RandomSource
from .regulators import fit_to_words, gather_frames, owners_from_durations, stretch_positions
from .repeat_bins import RepeatBins, predicted_variances
from .sampling import SamplingOptions
from .stretch import StretchEmbedding


class VarianceOutput(NamedTuple):
    """What a pass of the variance model gives. None or empty where nothing is predicted."""

    dur_pred: Tensor | None
    """Durations float ``[B, T_ph]`` in frames; not negative when ``infer``."""
    pitch_pred: Any
    """Training: prediction, its target (and flow times). Inference: deviation from the base pitch
    ``[B, T]`` in semitones."""
    variances_pred: Any
    """Training: as for pitch. Inference: name -> curve ``[B, T]``."""

    def as_dict(self) -> dict[str, Any]:
        """By name; the main output is everything that was predicted."""
        predicted = {name: value for name, value in self._asdict().items() if value is not None}
        return {MAIN_OUTPUT: predicted, **self._asdict()}


class VarianceModel(nn.Module):
    """Linguistic encoder and duration predictor, then a pitch and a multi-curve predictor."""

    category = "variance"

    def __init__(self, config: Mapping[str, Any], *, vocab_size: int) -> None:
        """See :func:`singwiz.core.models.build_model`."""
        super().__init__()
        hidden = config["hidden_size"]
        self.predict_dur = bool(config.get("predict_dur", False))
        self.predict_pitch = bool(config.get("predict_pitch", False))
        self.variances = predicted_variances(config)
        if not (self.predict_dur or self.predict_pitch or self.variances):
            raise ValueError("the variance model is asked to predict nothing")
        self.use_variance_scaling = bool(config.get("use_variance_scaling", False))
        self.dur_args = config.get("dur_prediction_args") or {}
        self.lambdas = {
            part: float(config.get(f"lambda_{part}_loss", 1.0)) for part in ("dur", "pitch", "var")
        }
        self.loss_type = config.get("main_loss_type", config.get("diff_loss_type", "l2"))
        self.log_norm = bool(config.get("main_loss_log_norm", False))

        self.stretch_embed: StretchEmbedding | None = None
        predicts_curves = self.predict_pitch or bool(self.variances)
        if config.get("use_stretch_embed", False) and predicts_curves:
            self.stretch_embed = StretchEmbedding(hidden)
            self.stretch_embed_rnn = FrameGRU(hidden)
        self.spk_embed: EmbeddingTable | None = None
        if config.get("use_spk_id", False):
            self.spk_embed = EmbeddingTable(config["num_spk"], hidden)
        self.fs2 = LinguisticEncoder(config, vocab_size=vocab_size)
        self.melody_encoder: MelodyEncoder | None = None
        if self.predict_pitch:
            self._build_pitch(config, hidden)
        if self.variances:
            self._build_variances(config, hidden)

    def _build_pitch(self, config: Mapping[str, Any], hidden: int) -> None:
        if config.get("use_melody_encoder", False):
            self.melody_encoder = MelodyEncoder(config)
            self.delta_pitch_embed = ScalarEmbedding(hidden)
        else:
            self.base_pitch_embed = ScalarEmbedding(hidden)
        self.pitch_retake_embed = EmbeddingTable(2, hidden)
        self.pitch_bins = RepeatBins.for_pitch(config)
        self.pitch_predictor = build_diffusion(
            config,
            section=config["pitch_prediction_args"],
            out_dims=self.pitch_bins.num_bins,
            spec_min=self.pitch_bins.spec_min,
            spec_max=self.pitch_bins.spec_max,
        )

    def _build_variances(self, config: Mapping[str, Any], hidden: int) -> None:
        self.pitch_embed = ScalarEmbedding(hidden)
        self.variance_embeds = nn.ModuleDict({v: ScalarEmbedding(hidden) for v in self.variances})
        self.variance_bins = RepeatBins.for_variances(config, self.variances)
        self.variance_predictor = build_diffusion(
            config,
            section=config["variances_prediction_args"],
            out_dims=self.variance_bins.num_bins,
            num_feats=len(self.variances),
            spec_min=self.variance_bins.spec_min,
            spec_max=self.variance_bins.spec_max,
        )

    def forward(
        self,
        txt_tokens: Tensor,
        *,
        languages: Tensor | None = None,
        ph2word: Tensor | None = None,
        midi: Tensor | None = None,
        ph_dur: Tensor | None = None,
        word_dur: Tensor | None = None,
        mel2ph: Tensor | None = None,
        note_midi: Tensor | None = None,
        note_rest: Tensor | None = None,
        note_dur: Tensor | None = None,
        note_glide: Tensor | None = None,
        mel2note: Tensor | None = None,
        base_pitch: Tensor | None = None,
        pitch: Tensor | None = None,
        pitch_expr: Tensor | None = None,
        pitch_retake: Tensor | None = None,
        energy: Tensor | None = None,
        breathiness: Tensor | None = None,
        voicing: Tensor | None = None,
        tension: Tensor | None = None,
        variance_retake: Mapping[str, Tensor] | None = None,
        spk_id: Tensor | None = None,
        spk_mix_embed: Tensor | None = None,
        ph_spk_mix_embed: Tensor | None = None,
        infer: bool = False,
        run_pitch: bool = True,
        run_variances: bool = True,
        sampling: SamplingOptions | None = None,
        random: RandomSource = GLOBAL_RANDOM,
    ) -> VarianceOutput:
        """A training pass, or (``infer``) prediction. Inputs that are not used are ignored.

        Args:
            txt_tokens: phoneme ids, int64 ``[B, T_ph]``, 0 = padding.
            languages: int64 ``[B, T_ph]``, 0 = phoneme of no particular language.
            ph2word: 1-based word of each phoneme, int64 ``[B, T_ph]``, 0 = padding.
            midi: pitch of each phoneme, int64 ``[B, T_ph]`` in semitones.
            ph_dur: int64 ``[B, T_ph]`` in frames.
            word_dur: int64 ``[B, T_w]`` in frames, for inference.
            mel2ph: 1-based phoneme of each frame, int64 ``[B, T]``, 0 = padding. If absent, it is
                made from predicted durations and ``word_dur``.
            note_midi: float32 ``[B, T_n]`` in semitones, -1 = padding.
            note_rest: bool ``[B, T_n]``.
            note_dur: int64 ``[B, T_n]`` in frames.
            note_glide: int64 ``[B, T_n]``, 0 = no glide.
            mel2note: 1-based note of each frame, int64 ``[B, T]``.
            base_pitch: smoothed curve of the notes, float32 ``[B, T]`` in semitones.
            pitch: the singer's pitch, float32 ``[B, T]`` in semitones.
            pitch_expr: expressiveness, float32 ``[B, 1 or T]`` in 0 … 1.
            pitch_retake: bool ``[B, T]``, True where to predict; everywhere if absent.
            energy: float32 ``[B, T]`` in dB.
            breathiness: float32 ``[B, T]`` in dB.
            voicing: float32 ``[B, T]`` in dB.
            tension: float32 ``[B, T]``, logit.
            variance_retake: name -> bool ``[B, T]``, True where to predict that curve.
            spk_id: int64 ``[B]``.
            spk_mix_embed: weighted sum of speaker embeddings ``[B, 1 or T, H]`` instead.
            ph_spk_mix_embed: the same per phoneme ``[B, 1 or T_ph, H]``.
            infer: sample instead of predicting noise or velocity at a random time.
            run_pitch: False leaves the pitch predictor out.
            run_variances: False leaves the predictor of the other curves out.
            sampling: how to sample; the config's options if not given.
            random: source of the random draws: those of pitch, then those of the other curves.
        """
        speaker, ph_speaker = self._speakers(spk_id, spk_mix_embed, ph_spk_mix_embed)
        encoded, dur_pred = self.fs2(
            txt_tokens,
            languages=languages,
            ph2word=ph2word,
            midi=midi,
            ph_dur=ph_dur,
            word_dur=word_dur,
            ph_speaker=ph_speaker,
            infer=infer,
        )
        run_pitch = run_pitch and self.predict_pitch
        run_variances = run_variances and bool(self.variances)
        if not (run_pitch or run_variances):
            return VarianceOutput(dur_pred, None, {} if infer else None)

        if mel2ph is None:
            mel2ph = self._mel2ph(dur_pred, ph2word, word_dur, base_pitch)
        cond = gather_frames(encoded, mel2ph)
        if self.stretch_embed is not None:
            cond = cond + self.stretch_embed(stretch_positions(mel2ph, ph_dur))
            cond = cond + self.stretch_embed_rnn.states(cond)
        if speaker is not None:
            cond = cond + speaker

        pitch_pred = None
        if run_pitch:
            base_pitch = needed("base_pitch", base_pitch)
            pitch_cond = cond + self._retake_embedding(base_pitch, pitch_expr, pitch_retake)
            if self.melody_encoder is not None:
                notes = self.melody_encoder(
                    needed("note_midi", note_midi),
                    needed("note_rest", note_rest),
                    needed("note_dur", note_dur),
                    note_glide,
                )
                pitch_cond = pitch_cond + gather_frames(notes, needed("mel2note", mel2note))
            known, reference = self._known_pitch(base_pitch, pitch, pitch_retake)
            pitch_cond = pitch_cond + known
            if infer:
                spec = self.pitch_predictor.sample(pitch_cond, options=sampling, random=random)
                pitch_pred = self.pitch_bins.decode(spec)[0]
                if pitch is None:
                    pitch = base_pitch + pitch_pred
            else:
                target = self.pitch_bins.encode([needed("pitch", pitch) - reference])
                pitch_pred = self.pitch_predictor(pitch_cond, target, random=random)
        if not run_variances:
            return VarianceOutput(dur_pred, pitch_pred, {} if infer else None)

        given = {
            "energy": energy,
            "breathiness": breathiness,
            "voicing": voicing,
            "tension": tension,
        }
        curves = {name: given[name] for name in self.variances}
        var_cond = self._add_variances(cond, needed("pitch", pitch), curves, variance_retake)
        if infer:
            spec = self.variance_predictor.sample(var_cond, options=sampling, random=random)
            decoded = self.variance_bins.decode(spec)
            return VarianceOutput(
                dur_pred, pitch_pred, dict(zip(self.variances, decoded, strict=True))
            )
        target = self.variance_bins.encode([needed(name, curves[name]) for name in curves])
        variances_pred = self.variance_predictor(var_cond, target, random=random)
        return VarianceOutput(dur_pred, pitch_pred, variances_pred)

    def inference(
        self, inputs: Mapping[str, Tensor], aux_input: Mapping[str, Any] | None = None
    ) -> VarianceOutput:
        """Predict.

        Args:
            inputs: those of :meth:`forward` that describe the song.
            aux_input: ``run_pitch``, ``run_variances``, ``sampling`` and ``random`` of
                :meth:`forward`, if wanted.
        """
        return self(**inputs, infer=True, **(aux_input or {}))

    @property
    def speaker_table(self) -> nn.Module | None:
        """Speaker id -> embedding ``[H]``; None if the model has no speakers."""
        return self.spk_embed

    def _speakers(
        self,
        spk_id: Tensor | None,
        spk_mix_embed: Tensor | None,
        ph_spk_mix_embed: Tensor | None,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Speaker embeddings per frame ``[B, 1 or T, H]`` and per phoneme ``[B, 1 or T_ph, H]``."""
        if self.spk_embed is None:
            return None, None
        if spk_mix_embed is not None and ph_spk_mix_embed is not None:
            return spk_mix_embed, ph_spk_mix_embed
        speaker = self.spk_embed(needed("spk_id", spk_id)).unsqueeze(1)
        return speaker, speaker

    def _mel2ph(
        self,
        dur_pred: Tensor | None,
        ph2word: Tensor | None,
        word_dur: Tensor | None,
        base_pitch: Tensor | None,
    ) -> Tensor:
        """``mel2ph`` ``[B, T]`` from predicted durations, as long as ``base_pitch``."""
        ph_dur = fit_to_words(
            needed("mel2ph", dur_pred), needed("ph2word", ph2word), needed("word_dur", word_dur)
        )
        mel2ph = owners_from_durations(ph_dur)
        if base_pitch is None:
            return mel2ph
        return F.pad(mel2ph, (0, base_pitch.shape[1] - mel2ph.shape[1]))

    def _retake_embedding(
        self, base_pitch: Tensor, pitch_expr: Tensor | None, pitch_retake: Tensor | None
    ) -> Tensor:
        """How much of the pitch is to be predicted at each frame, ``[B, T, H]``."""
        if pitch_retake is None:
            pitch_retake = torch.ones_like(base_pitch, dtype=torch.bool)
        if pitch_expr is None:
            return self.pitch_retake_embed(pitch_retake.long())
        amount = (pitch_expr * pitch_retake)[..., None]
        keep, predict = self.pitch_retake_embed.weight
        return amount * predict + (1.0 - amount) * keep

    def _known_pitch(
        self, base_pitch: Tensor, pitch: Tensor | None, pitch_retake: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What is known of the pitch ``[B, T, H]``, and the curve ``[B, T]`` it is predicted from.

        Without a melody encoder the known pitch *replaces* the base pitch outside the retaken
        region, so the target there is 0; trained weights rely on it.
        """
        if self.melody_encoder is not None:
            delta = torch.zeros_like(base_pitch)
            if pitch_retake is not None:
                delta = (needed("pitch", pitch) - base_pitch) * ~pitch_retake
            scaled = delta / 12 if self.use_variance_scaling else delta
            return self.delta_pitch_embed(scaled), base_pitch
        if pitch_retake is not None:
            base_pitch = torch.where(pitch_retake, base_pitch, needed("pitch", pitch))
        scaled = base_pitch / 128 if self.use_variance_scaling else base_pitch
        return self.base_pitch_embed(scaled), base_pitch

    def _add_variances(
        self,
        cond: Tensor,
        pitch: Tensor,
        curves: Mapping[str, Tensor | None],
        retake: Mapping[str, Tensor] | None,
    ) -> Tensor:
        """The multi-curve predictor's condition ``[B, T, H]``."""
        cond = cond + self.pitch_embed(pitch / 12 if self.use_variance_scaling else pitch)
        if retake is None:
            return cond
        for name, embed in self.variance_embeds.items():
            scale = curve_scale(name, use_variance_scaling=self.use_variance_scaling)
            known = embed(needed(name, curves[name]) * scale)
            cond = cond + known * (~retake[name])[..., None]
        return cond

    def losses(
        self,
        output: VarianceOutput,
        *,
        ph_dur: Tensor | None = None,
        ph2word: Tensor | None = None,
        mel2ph: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The weighted losses of a training pass; their plain sum is what to minimise.

        Args:
            output: what :meth:`forward` returned.
            ph_dur: true durations, int64 ``[B, T_ph]`` in frames (durations).
            ph2word: int64 ``[B, T_ph]`` (durations).
            mel2ph: int64 ``[B, T]`` (pitch and other curves).

        Returns:
            Scalars ``dur_loss``, ``pitch_loss`` and ``var_loss``, each only if predicted.
        """
        losses = {}
        mask = None if mel2ph is None else mel2ph > 0
        if output.dur_pred is not None:
            losses["dur_loss"] = self.lambdas["dur"] * duration_loss(
                output.dur_pred,
                needed("ph_dur", ph_dur),
                needed("ph2word", ph2word),
                log_offset=self.dur_args.get("log_offset", 1.0),
                loss_type=self.dur_args.get("loss_type", "mse"),
                lambda_pdur=self.dur_args.get("lambda_pdur_loss", 0.6),
                lambda_wdur=self.dur_args.get("lambda_wdur_loss", 0.3),
                lambda_sdur=self.dur_args.get("lambda_sdur_loss", 0.1),
            )
        for part, prediction in (("pitch", output.pitch_pred), ("var", output.variances_pred)):
            if prediction is not None:
                losses[f"{part}_loss"] = self.lambdas[part] * diffusion_loss(
                    prediction, mask, loss_type=self.loss_type, log_norm=self.log_norm
                )
        return losses
