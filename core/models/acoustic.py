"""The acoustic model: phonemes, f0 and curves in, mel spectrogram out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from .aux_decoder import AuxDecoder
from .condition import AcousticCondition
from .decoder import build_diffusion
from .inputs import needed
from .losses import aux_mel_loss, diffusion_loss
from .outputs import MAIN_OUTPUT
from .randomness import GLOBAL_RANDOM, RandomSource
from .sampling import SamplingOptions


class AcousticOutput(NamedTuple):
    """What a pass of the acoustic model gives. None where a part took no part."""

    aux_out: Tensor | None
    """Auxiliary decoder: normalised mel in training, mel when singing; ``[B, T, M]``."""
    diff_out: Any
    """Training: prediction, its target (and flow times), ``[B, 1, M, T]``. Singing: the mel
    ``[B, T, M]``."""

    def as_dict(self) -> dict[str, Any]:
        """By name; the main output is what diffusion gives."""
        return {MAIN_OUTPUT: self.diff_out, **self._asdict()}


class AcousticModel(nn.Module):
    """Condition, auxiliary decoder (with shallow diffusion) and diffusion decoder."""

    category = "acoustic"

    def __init__(self, config: Mapping[str, Any], *, vocab_size: int) -> None:
        """See :func:`singwiz.core.models.build_model`."""
        super().__init__()
        bins = config["audio_num_mel_bins"]
        spec_range = {"spec_min": config["spec_min"], "spec_max": config["spec_max"]}
        shallow = bool(config.get("use_shallow_diffusion", False))
        args = config.get("shallow_diffusion_args") or {}
        self.train_aux_decoder = shallow and bool(args.get("train_aux_decoder", True))
        self.train_diffusion = not shallow or bool(args.get("train_diffusion", True))
        self.start_from_gt = bool(args.get("val_gt_start", False))
        self.lambda_aux_mel_loss = float(config.get("lambda_aux_mel_loss", 0.2))
        self.loss_type = config.get("main_loss_type", config.get("diff_loss_type", "l2"))
        self.log_norm = bool(config.get("main_loss_log_norm", False))

        self.fs2 = AcousticCondition(config, vocab_size=vocab_size)
        self.aux_decoder: AuxDecoder | None = None
        if shallow:
            self.aux_decoder = AuxDecoder(
                config["hidden_size"],
                bins,
                arch=args.get("aux_decoder_arch", "convnext"),
                args=args.get("aux_decoder_args") or {},
                gradient_scale=args.get("aux_decoder_grad", 0.1),
                **spec_range,
            )
        self.diffusion = build_diffusion(config, out_dims=bins, shallow=shallow, **spec_range)

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
        energy: Tensor | None = None,
        breathiness: Tensor | None = None,
        voicing: Tensor | None = None,
        tension: Tensor | None = None,
        gt_mel: Tensor | None = None,
        infer: bool = False,
        sampling: SamplingOptions | None = None,
        random: RandomSource = GLOBAL_RANDOM,
    ) -> AcousticOutput:
        """A training pass, or (``infer``) singing. Inputs that the model does not use are ignored.

        Args:
            txt_tokens: phoneme ids, int64 ``[B, T_ph]``, 0 = padding.
            mel2ph: 1-based phoneme of each frame, int64 ``[B, T]``, 0 = padding.
            f0: float32 ``[B, T]`` in Hz, interpolated where unvoiced, 0 at padding.
            languages: int64 ``[B, T_ph]``, 0 = phoneme of no particular language.
            spk_embed_id: int64 ``[B]``.
            spk_mix_embed: weighted sum of speaker embeddings ``[B, 1 or T, H]`` instead.
            key_shift: float32 ``[B, 1 or T]`` in semitones.
            speed: float32 ``[B, 1 or T]``, 1 = original speed.
            energy: float32 ``[B, T]`` in dB.
            breathiness: float32 ``[B, T]`` in dB.
            voicing: float32 ``[B, T]`` in dB.
            tension: float32 ``[B, T]``, logit.
            gt_mel: log mel ``[B, T, M]``, 0 at padding: the target in training; when singing with
                ``start_from_gt`` the mel to start from.
            infer: sample a mel instead of predicting noise or velocity at a random time.
            sampling: how to sample; the config's options if not given.
            random: source of the random draws: times, then noise.

        Returns:
            When singing, padded frames of both mels are 0.
        """
        curves = {
            "energy": energy,
            "breathiness": breathiness,
            "voicing": voicing,
            "tension": tension,
        }
        cond = self.fs2(
            txt_tokens,
            mel2ph,
            f0,
            languages=languages,
            spk_embed_id=spk_embed_id,
            spk_mix_embed=spk_mix_embed,
            key_shift=key_shift,
            speed=speed,
            variances={name: curve for name, curve in curves.items() if curve is not None},
        )
        if infer:
            return self._sing(cond, mel2ph, gt_mel, sampling, random)
        aux_out = None
        if self.train_aux_decoder and self.aux_decoder is not None:
            aux_out = self.aux_decoder(cond)
        diff_out = None
        if self.train_diffusion:
            diff_out = self.diffusion(cond, needed("gt_mel", gt_mel), random=random)
        return AcousticOutput(aux_out, diff_out)

    def inference(
        self, inputs: Mapping[str, Tensor], aux_input: Mapping[str, Any] | None = None
    ) -> AcousticOutput:
        """Sing.

        Args:
            inputs: those of :meth:`forward` that describe the song.
            aux_input: ``gt_mel``, ``sampling`` and ``random`` of :meth:`forward`, if wanted.
        """
        return self(**inputs, infer=True, **(aux_input or {}))

    @property
    def speaker_table(self) -> nn.Module | None:
        """Speaker id -> embedding ``[H]``; None if the model has no speakers."""
        return self.fs2.spk_embed

    def _sing(
        self,
        cond: Tensor,
        mel2ph: Tensor,
        gt_mel: Tensor | None,
        sampling: SamplingOptions | None,
        random: RandomSource,
    ) -> AcousticOutput:
        """Both mels for the condition ``[B, T, H]``."""
        mask = (mel2ph > 0).unsqueeze(-1)
        aux_mel = source = None
        if self.aux_decoder is not None:
            aux_mel = self.aux_decoder.denorm_spec(self.aux_decoder(cond)) * mask
            source = gt_mel if self.start_from_gt and gt_mel is not None else aux_mel
        mel = self.diffusion.sample(cond, source=source, options=sampling, random=random)
        return AcousticOutput(aux_mel, mel * mask)

    def losses(
        self, output: AcousticOutput, *, gt_mel: Tensor, mel2ph: Tensor
    ) -> dict[str, Tensor]:
        """The weighted losses of a training pass; their plain sum is what to minimise.

        Args:
            output: what :meth:`forward` returned.
            gt_mel: log mel ``[B, T, M]``.
            mel2ph: int64 ``[B, T]``.

        Returns:
            Scalars ``aux_mel_loss`` and ``mel_loss``, each only if its part is trained.
        """
        losses = {}
        if output.aux_out is not None and self.aux_decoder is not None:
            target = self.aux_decoder.norm_spec(gt_mel)
            losses["aux_mel_loss"] = self.lambda_aux_mel_loss * aux_mel_loss(output.aux_out, target)
        if output.diff_out is not None:
            losses["mel_loss"] = diffusion_loss(
                output.diff_out, mel2ph > 0, loss_type=self.loss_type, log_norm=self.log_norm
            )
        return losses
