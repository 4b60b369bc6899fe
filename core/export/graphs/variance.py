"""The variance model as OpenUTAU calls it: four graphs that hand phoneme vectors to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...models.condition import curve_scale
from ...models.variance import VarianceModel
from .parts import (
    FRAMES,
    NOTES,
    STEPS,
    TOKENS,
    WORDS,
    Graph,
    Languages,
    NoLanguages,
    Port,
    SampledGraph,
    Stretch,
    counts,
    curve,
    gather,
    gather_numbers,
    owners,
    positions,
)
from .samplers import Sampler, smoothing_taps

SHORTEST = 0.01
"""Frames; OpenUTAU divides by the sum of a word's predicted durations."""


def _encoded(hidden: int) -> Port:
    return Port("encoder_out", torch.float32, (*TOKENS, hidden))


class LinguisticGraph(Graph):
    """Phonemes, and how long words (or phonemes) are, to phoneme vectors.

    Args:
        model: trained, in evaluation mode, on the CPU.
        cross_lingual: ids of phonemes that several languages share.
    """

    def __init__(self, model: VarianceModel, *, cross_lingual: Sequence[int] = ()) -> None:
        super().__init__()
        fs2 = self.fs2 = model.fs2
        hidden = fs2.txt_embed.embedding_dim
        self.languages: nn.Module | None = None
        ports = [counts("tokens", TOKENS)]
        if fs2.lang_embed is not None:
            if cross_lingual:
                ports.append(counts("languages", TOKENS))
                vocab_size = fs2.txt_embed.num_embeddings
                self.languages = Languages(fs2.lang_embed, cross_lingual, vocab_size)
            else:
                self.languages = NoLanguages(fs2.lang_embed)
        if fs2.predict_dur:
            ports += [counts("word_div", WORDS), counts("word_dur", WORDS)]
        else:
            ports.append(counts("ph_dur", TOKENS))
        self.inputs = tuple(ports)
        self.outputs = (_encoded(hidden), Port("x_masks", torch.bool, TOKENS))

    def forward(self, *values: Tensor) -> tuple[Tensor, Tensor]:
        """See :attr:`inputs`; gives the vectors ``[1, N, H]`` and where they are padding."""
        given = self.named(values)
        fs2, tokens = self.fs2, given["tokens"]
        if fs2.predict_dur:
            places = positions(tokens)
            word = owners(given["word_div"], places)
            starts = given["word_div"].cumsum(dim=1) - given["word_div"]
            onset = (gather_numbers(starts, word) == places.view(1, -1)).long() * (word > 0)
            own = gather_numbers(given["word_dur"], word)
            extra = fs2.onset_embed(onset) + fs2.word_dur_embed(own.float())
        else:
            scaled = given["ph_dur"].float()
            extra = fs2.ph_dur_embed(torch.log1p(scaled) if fs2.use_variance_scaling else scaled)
        if self.languages is not None:
            extra = extra + self.languages(tokens, given.get("languages"))
        pad = tokens == 0
        return fs2.encoder(fs2.txt_embed(tokens), extra, pad), pad


def _take_speaker(graph: Graph, model: VarianceModel, frozen_speaker: Tensor | None) -> bool:
    """True if the speaker is an input; else what there is to add is kept as ``speaker``."""
    speaker = torch.zeros(1, 1, 1) if frozen_speaker is None else frozen_speaker.view(1, 1, -1)
    graph.register_buffer("speaker", speaker, persistent=False)
    return model.spk_embed is not None and frozen_speaker is None


class DurationGraph(Graph):
    """Phoneme vectors and their notes to durations.

    Args:
        model: trained, in evaluation mode, on the CPU; predicts durations.
        frozen_speaker: embedding ``[H]`` to sing with always; None takes one per phoneme.
    """

    speaker: Tensor

    def __init__(self, model: VarianceModel, *, frozen_speaker: Tensor | None = None) -> None:
        super().__init__()
        self.fs2 = model.fs2
        hidden = model.fs2.txt_embed.embedding_dim
        ports = [
            _encoded(hidden),
            Port("x_masks", torch.bool, TOKENS),
            counts("ph_midi", TOKENS),
        ]
        if _take_speaker(self, model, frozen_speaker):
            ports.append(Port("spk_embed", torch.float32, (*TOKENS, hidden)))
        self.inputs = tuple(ports)
        self.outputs = (Port("ph_dur_pred", torch.float32, TOKENS),)

    def forward(self, *values: Tensor) -> Tensor:
        """Durations ``[1, N]`` in frames, not rounded, above 0."""
        given = self.named(values)
        x = given["encoder_out"] + self.fs2.midi_embed(given["ph_midi"].clamp(0, 127))
        x = x + given.get("spk_embed", self.speaker)
        return self.fs2.dur_predictor(x, given["x_masks"], clamp=True).clamp(min=SHORTEST)


class _FrameGraph(SampledGraph):
    """What pitch and variance graph share: phoneme vectors laid out on frames."""

    speaker: Tensor

    def _take_frames(self, model: VarianceModel) -> None:
        self.stretch: Stretch | None = None
        if model.stretch_embed is not None:
            self.stretch = Stretch(model.stretch_embed, model.stretch_embed_rnn)

    def _frames(self, given: Mapping[str, Tensor]) -> Tensor:
        """The condition ``[1, T, H]``."""
        ph_dur, frames = given["ph_dur"], positions(given["pitch"])
        owner = owners(ph_dur, frames)
        cond = gather(given["encoder_out"], owner)
        if self.stretch is not None:
            cond = self.stretch(cond, ph_dur, owner, frames)
        return cond + given.get("spk_embed", self.speaker)

    def _take_sampler(self, sampler: Sampler, *kept: str) -> None:
        self.sampler = sampler
        self.state = (*sampler.state, *kept)
        self.loops = sampler.loops
        self.kept = kept


class PitchGraph(_FrameGraph):
    """Phoneme vectors and notes to pitch.

    Args:
        model: trained, in evaluation mode, on the CPU; predicts pitch.
        config: its config, plain.
        frozen_speaker: embedding ``[H]`` to sing with always; None takes one per frame.
        freeze_expr: sing fully expressive always.
        freeze_glide: no note glides; OpenUTAU never says that one does.
    """

    kernel: Tensor

    def __init__(
        self,
        model: VarianceModel,
        config: Mapping[str, Any],
        *,
        frozen_speaker: Tensor | None = None,
        freeze_expr: bool = False,
        freeze_glide: bool = True,
    ) -> None:
        super().__init__()
        hidden = model.fs2.txt_embed.embedding_dim
        self.melody_encoder = model.melody_encoder
        if model.melody_encoder is not None:
            self.delta_pitch_embed = model.delta_pitch_embed
        else:
            self.base_pitch_embed = model.base_pitch_embed
        self.pitch_retake_embed = model.pitch_retake_embed
        self.bins = model.pitch_bins
        self.use_variance_scaling = model.use_variance_scaling
        self._take_frames(model)
        self._take_sampler(Sampler(model.pitch_predictor), "base")
        taps = smoothing_taps(
            float(config.get("midi_smooth_width", 0.06)),
            config["hop_size"] / config["audio_sample_rate"],
        )
        kernel = torch.ones(1) if taps is None else torch.from_numpy(taps)
        self.register_buffer("kernel", kernel.view(1, 1, -1), persistent=False)

        ports = [
            _encoded(hidden),
            counts("ph_dur", TOKENS),
            Port("note_midi", torch.float32, NOTES),
        ]
        if self.melody_encoder is not None:
            ports.append(Port("note_rest", torch.bool, NOTES))
        ports.append(counts("note_dur", NOTES))
        if (
            self.melody_encoder is not None
            and self.melody_encoder.note_glide_embed is not None
            and not freeze_glide
        ):
            ports.append(counts("note_glide", NOTES))
        ports.append(curve("pitch"))
        if not freeze_expr:
            ports.append(curve("expr"))
        ports.append(Port("retake", torch.bool, FRAMES))
        if _take_speaker(self, model, frozen_speaker):
            ports.append(Port("spk_embed", torch.float32, (*FRAMES, hidden)))
        ports.append(STEPS)
        self.inputs = tuple(ports)
        self.outputs = (Port("pitch_pred", torch.float32, FRAMES),)

    def begin(self, *values: Tensor) -> tuple[Tensor, ...]:
        """See :class:`SampledGraph`."""
        given = self.named(values)
        pitch, retake = given["pitch"], given["retake"]
        note = owners(given["note_dur"], positions(pitch))
        base = self._smoothed(gather_numbers(given["note_midi"], note))
        cond = self._frames(given) + self._retake(given)
        if self.melody_encoder is not None:
            note_dur = given["note_dur"]
            notes = self.melody_encoder(
                given["note_midi"],
                given["note_rest"],
                note_dur,
                given.get("note_glide", torch.zeros_like(note_dur)),
            )
            delta = (pitch - base) * ~retake
            scaled = delta / 12 if self.use_variance_scaling else delta
            cond = cond + gather(notes, note) + self.delta_pitch_embed(scaled)
        else:
            base = base * retake + pitch * ~retake
            scaled = base / 128 if self.use_variance_scaling else base
            cond = cond + self.base_pitch_embed(scaled)
        return (*self.sampler.begin(cond, given["steps"]), base)

    def finish(self, x: Tensor, *kept: Tensor) -> Tensor:
        """Pitch ``[1, T]`` in semitones."""
        return kept[0] + self.bins.decode(self.sampler.finish(x))[0]

    def _smoothed(self, midi: Tensor) -> Tensor:
        """The step curve of the notes ``[1, T]``, rounded off as in the training data."""
        size = self.kernel.shape[-1]
        left = (size - 1) // 2
        padded = F.pad(midi[:, None], (left, size - 1 - left), mode="replicate")
        return F.conv1d(padded, self.kernel)[:, 0]

    def _retake(self, given: Mapping[str, Tensor]) -> Tensor:
        """How much of the pitch is to be predicted at each frame, ``[1, T, H]``."""
        retake = given["retake"]
        if "expr" not in given:
            return self.pitch_retake_embed(retake.long())
        amount = (given["expr"] * retake)[..., None]
        keep, predict = self.pitch_retake_embed.weight[0], self.pitch_retake_embed.weight[1]
        return amount * predict + (1.0 - amount) * keep


class VarianceGraph(_FrameGraph):
    """Phoneme vectors and pitch to the other curves.

    Args:
        model: trained, in evaluation mode, on the CPU; predicts curves.
        frozen_speaker: embedding ``[H]`` to sing with always; None takes one per frame.
    """

    def __init__(self, model: VarianceModel, *, frozen_speaker: Tensor | None = None) -> None:
        super().__init__()
        hidden = model.fs2.txt_embed.embedding_dim
        self.names = model.variances
        self.pitch_embed = model.pitch_embed
        self.variance_embeds = model.variance_embeds
        self.bins = model.variance_bins
        self.use_variance_scaling = model.use_variance_scaling
        self._take_frames(model)
        self._take_sampler(Sampler(model.variance_predictor))
        ports = [_encoded(hidden), counts("ph_dur", TOKENS), curve("pitch")]
        ports += [curve(name) for name in self.names]
        ports.append(Port("retake", torch.bool, (*FRAMES, len(self.names))))
        if _take_speaker(self, model, frozen_speaker):
            ports.append(Port("spk_embed", torch.float32, (*FRAMES, hidden)))
        ports.append(STEPS)
        self.inputs = tuple(ports)
        self.outputs = tuple(curve(f"{name}_pred") for name in self.names)

    def begin(self, *values: Tensor) -> tuple[Tensor, ...]:
        """See :class:`SampledGraph`."""
        given = self.named(values)
        pitch = given["pitch"] / 12 if self.use_variance_scaling else given["pitch"]
        cond = self._frames(given) + self.pitch_embed(pitch)
        for number, name in enumerate(self.names):
            scale = curve_scale(name, use_variance_scaling=self.use_variance_scaling)
            known = self.variance_embeds[name](given[name] * scale)
            cond = cond + known * (~given["retake"][..., number])[..., None]
        return self.sampler.begin(cond, given["steps"])

    def finish(self, x: Tensor, *kept: Tensor) -> tuple[Tensor, ...]:
        """One curve ``[1, T]`` per name."""
        return tuple(self.bins.decode(self.sampler.finish(x)))
