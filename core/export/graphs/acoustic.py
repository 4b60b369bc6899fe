"""The acoustic model as OpenUTAU calls it: phonemes, durations, pitch and curves to a mel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...models.acoustic import AcousticModel
from ...models.condition import KEY_SHIFT_SCALE, curve_scale
from ...models.condition import VARIANCES as CURVES
from ...models.outputs import MAIN_OUTPUT, named_outputs
from .parts import (
    FRAMES,
    STEPS,
    TOKENS,
    Graph,
    Languages,
    NoLanguages,
    Port,
    SampledGraph,
    Stretch,
    counts,
    curve,
    gather,
    owners,
    positions,
)
from .samplers import Sampler

LN_10 = 2.30259
"""From log10 to natural logarithm, with the digits that everybody in this family uses."""


class AcousticGraph(SampledGraph):
    """Phonemes to natural-log mel.

    Args:
        model: trained, in evaluation mode, on the CPU.
        config: its config, plain.
        cross_lingual: ids of phonemes that several languages share.
        frozen_speaker: embedding ``[H]`` to sing with always; None takes one per frame.
        frozen_gender: -1 … 1, to sing with always.
        freeze_velocity: sing at normal speed always.
    """

    frozen_speaker: Tensor

    def __init__(
        self,
        model: AcousticModel,
        config: Mapping[str, Any],
        *,
        cross_lingual: Sequence[int] = (),
        frozen_speaker: Tensor | None = None,
        frozen_gender: float | None = None,
        freeze_velocity: bool = False,
    ) -> None:
        super().__init__()
        fs2 = model.fs2
        hidden = fs2.txt_embed.embedding_dim
        self.fs2 = fs2
        self.aux_decoder = model.aux_decoder
        self.sampler = Sampler(model.diffusion)
        self.state = (*self.sampler.state, "mask")
        self.loops = self.sampler.loops
        self.kept = ("mask",)
        self.is_log10 = str(config.get("mel_base", "10")) != "e"
        self.stretch: Stretch | None = None
        if fs2.stretch_embed is not None:
            self.stretch = Stretch(fs2.stretch_embed, fs2.stretch_embed_rnn)
        self.languages: nn.Module | None = None
        takes_languages = fs2.lang_embed is not None and bool(cross_lingual)
        if fs2.lang_embed is not None:
            self.languages = (
                Languages(fs2.lang_embed, cross_lingual, fs2.txt_embed.num_embeddings)
                if cross_lingual
                else NoLanguages(fs2.lang_embed)
            )
        self.controls = Controls(config, frozen_gender)
        speaker = torch.zeros(0) if frozen_speaker is None else frozen_speaker.view(1, 1, -1)
        self.register_buffer("frozen_speaker", speaker, persistent=False)

        takes_speaker = fs2.spk_embed is not None and frozen_speaker is None
        ports = [counts("tokens", TOKENS)]
        if takes_languages:
            ports.append(counts("languages", TOKENS))
        ports += [counts("durations", TOKENS), curve("f0")]
        ports += [curve(name) for name in fs2.variance_embeds]
        if fs2.key_shift_embed is not None and frozen_gender is None:
            ports.append(curve("gender"))
        if fs2.speed_embed is not None and not freeze_velocity:
            ports.append(curve("velocity"))
        if takes_speaker:
            ports.append(Port("spk_embed", torch.float32, (*FRAMES, hidden)))
        if model.aux_decoder is not None:
            ports.append(Port("depth", torch.float32, ()))
        ports.append(STEPS)
        self.inputs = tuple(ports)
        bins = model.diffusion.out_dims
        self.outputs = (Port("mel", torch.float32, (*FRAMES, bins)),)

    def begin(self, *values: Tensor) -> tuple[Tensor, ...]:
        """See :class:`SampledGraph`; the inputs are those of :attr:`inputs`."""
        given = self.named(values)
        cond, owner = self._condition(given)
        mask = (owner > 0)[..., None]
        source = None
        if self.aux_decoder is not None:
            source = self.aux_decoder.denorm_spec(self.aux_decoder(cond)) * mask
        return (*self.sampler.begin(cond, given["steps"], source, given.get("depth")), mask)

    def finish(self, x: Tensor, *kept: Tensor) -> Tensor:
        """The mel ``[1, T, M]``."""
        mel = self.sampler.finish(x) * kept[0]
        return mel * LN_10 if self.is_log10 else mel

    def _condition(self, given: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The condition ``[1, T, H]`` and the owner of each frame."""
        fs2 = self.fs2
        tokens, f0 = given["tokens"], given["f0"]
        durations = given["durations"] * (tokens != 0).long()
        frames = positions(f0)
        owner = owners(durations, frames)
        extra = fs2.dur_embed(
            torch.log1p(durations.float()) if fs2.use_variance_scaling else durations.float()
        )
        if self.languages is not None:
            extra = extra + self.languages(tokens, given.get("languages"))
        speaker = style = self._speaker(given)
        if fs2.use_mix_ln and "spk_embed" in given:
            style = _means(given["spk_embed"], owner, positions(tokens))
        encoded = fs2.encoder(fs2.txt_embed(tokens), extra, tokens == 0, style)
        cond = gather(encoded, owner)
        if self.stretch is not None:
            cond = self.stretch(cond, durations, owner, frames)
        if speaker is not None:
            cond = cond + speaker
        cond = cond + fs2.pitch_embed(torch.log1p(f0 * (owner > 0) / 700.0))
        for name, embed in fs2.variance_embeds.items():
            scale = curve_scale(name, use_variance_scaling=fs2.use_variance_scaling)
            cond = cond + embed(given[name] * scale)
        if fs2.key_shift_embed is not None:
            scale = KEY_SHIFT_SCALE if fs2.use_variance_scaling else 1.0
            cond = cond + fs2.key_shift_embed(self.controls.key_shift(given) * scale)
        if fs2.speed_embed is not None:
            cond = cond + fs2.speed_embed(self.controls.speed(given))
        return cond, owner

    def _speaker(self, given: Mapping[str, Tensor]) -> Tensor | None:
        if self.fs2.spk_embed is None:
            return None
        return given.get("spk_embed", self.frozen_speaker)


class Controls:
    """Gender and velocity of the editor in the units of a model.

    Args:
        config: plain; its augmentation says how far the voice was shifted and stretched.
        frozen_gender: -1 … 1, to sing with always.
    """

    def __init__(self, config: Mapping[str, Any], frozen_gender: float | None) -> None:
        augmentation = config.get("augmentation_args") or {}
        shift = (augmentation.get("random_pitch_shifting") or {}).get("range") or (-12.0, 12.0)
        speed = (augmentation.get("random_time_stretching") or {}).get("range") or (0.5, 2.0)
        self.shift_min, self.shift_max = float(shift[0]), float(shift[1])
        self.speed_min, self.speed_max = float(speed[0]), float(speed[1])
        self.frozen_gender = frozen_gender

    def key_shift(self, given: Mapping[str, Tensor]) -> Tensor:
        """Semitones ``[1, T or 1]``."""
        gender = given.get("gender")
        if gender is None:
            gender = torch.full((1, 1), float(self.frozen_gender or 0.0))
        gender = gender.clamp(-1.0, 1.0)
        up = gender.clamp(min=0.0) * self.shift_max
        return up + gender.clamp(max=0.0) * abs(self.shift_min)

    def speed(self, given: Mapping[str, Tensor]) -> Tensor:
        """1 = original speed, ``[1, T or 1]``."""
        velocity = given.get("velocity", torch.ones(1, 1))
        return velocity.clamp(self.speed_min, self.speed_max)


class ForeignAcousticGraph(Graph):
    """Phonemes to natural-log mel with a model of an installed package.

    Whatever the model's ``inference`` computes is traced as it is. The editor's number of steps is
    taken and not used: OpenUTAU sends it in any case.

    Args:
        model: trained, in evaluation mode, on the CPU; see
            :class:`singwiz.core.training.acoustic.AcousticBase`.
        config: its config, plain.
        cross_lingual, frozen_speaker, frozen_gender, freeze_velocity: see :class:`AcousticGraph`.
    """

    frozen_speaker: Tensor
    shared: Tensor

    def __init__(
        self,
        model: Any,
        config: Mapping[str, Any],
        *,
        vocab_size: int,
        cross_lingual: Sequence[int] = (),
        frozen_speaker: Tensor | None = None,
        frozen_gender: float | None = None,
        freeze_velocity: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.controls = Controls(config, frozen_gender)
        self.is_log10 = str(config.get("mel_base", "10")) != "e"
        self.on = {name for name in ("lang_id", "spk_id") if config.get(f"use_{name}")}
        curves = [name for name in CURVES if config.get(f"use_{name}_embed")]
        self.on |= {name for name in ("key_shift", "speed") if config.get(f"use_{name}_embed")}
        speaker = torch.zeros(0) if frozen_speaker is None else frozen_speaker.view(1, 1, -1)
        self.register_buffer("frozen_speaker", speaker, persistent=False)
        shared = torch.zeros(vocab_size, dtype=torch.int64)
        shared[list(cross_lingual)] = 1
        self.register_buffer("shared", shared, persistent=False)
        ports = [counts("tokens", TOKENS)]
        if "lang_id" in self.on and cross_lingual:
            ports.append(counts("languages", TOKENS))
        ports += [counts("durations", TOKENS), curve("f0")]
        ports += [curve(name) for name in curves]
        if "key_shift" in self.on and frozen_gender is None:
            ports.append(curve("gender"))
        if "speed" in self.on and not freeze_velocity:
            ports.append(curve("velocity"))
        if "spk_id" in self.on and frozen_speaker is None:
            width = model.speaker_table.embedding_dim
            ports.append(Port("spk_embed", torch.float32, (*FRAMES, width)))
        ports.append(STEPS)
        self.inputs = tuple(ports)
        self.curves = curves
        bins = int(config["audio_num_mel_bins"])
        self.outputs = (Port("mel", torch.float32, (*FRAMES, bins)),)

    def forward(self, *values: Tensor) -> Tensor:
        """See :class:`.parts.Graph`; the inputs are those of :attr:`inputs`."""
        given = self.named(values)
        tokens, f0 = given["tokens"], given["f0"]
        durations = given["durations"] * (tokens != 0).long()
        owner = owners(durations, positions(f0))
        inputs = {"txt_tokens": tokens, "mel2ph": owner, "f0": f0 * (owner > 0)}
        inputs |= {name: given[name] for name in self.curves}
        if "lang_id" in self.on:
            languages = given.get("languages", torch.zeros_like(tokens))
            inputs["languages"] = languages * self.shared[tokens]
        if "key_shift" in self.on:
            inputs["key_shift"] = self.controls.key_shift(given)
        if "speed" in self.on:
            inputs["speed"] = self.controls.speed(given)
        if "spk_id" in self.on:
            inputs["spk_mix_embed"] = given.get("spk_embed", self.frozen_speaker)
        mel = named_outputs(self.model.inference(inputs))[MAIN_OUTPUT] * (owner > 0)[..., None]
        mel = mel * LN_10 if self.is_log10 else mel
        return mel + 0.0 * given["steps"].reshape(-1)[0].float()


def _means(frames: Tensor, owner: Tensor, tokens: Tensor) -> Tensor:
    """Mean of ``[1, T, H]`` over the frames of each phoneme -> ``[1, N, H]``; 0 without frames."""
    owned = (owner.unsqueeze(1) == (tokens + 1).view(1, -1, 1)).float()
    return owned @ frames / owned.sum(dim=-1, keepdim=True).clamp(min=1.0)
