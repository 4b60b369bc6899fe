"""A trained variance model that completes songs: durations, pitch, and other curves.

predictor = VariancePredictor.load(Path("checkpoints/variance"))
completed = predictor.complete(Path("song.ds"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import Config
from ..device import choose_device
from .experiment import Experiment, read_experiment
from .networks import (
    checked_steps,
    diverged,
    load_network,
    mixed_embedding,
    row,
    seeded,
)
from .predictions import Plan
from .retakes import Retake, retake_mask
from .segment import CURVES, TAGS, Array, has
from .variance_inputs import VarianceInputs, VarianceReader

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..models.randomness import RandomSource
    from ..models.sampling import SamplingOptions
    from ..reporting import Reporter
    from .completion import Song


def predicted_tags(config: Config) -> tuple[str, ...]:
    """What a variance model with this config predicts: tags in the order of :data:`TAGS`."""
    keys = config.to_dict()
    return tuple(tag for tag in TAGS if keys.get(f"predict_{tag}"))


@dataclass
class VariancePredictor:
    """A variance model with everything it needs.

    Attributes:
        experiment: config, phonemes and speakers.
        model: the network, in evaluation mode on ``device``.
        device: ``cpu``, ``cuda``, ….
        checkpoint: file the weights came from.
    """

    experiment: Experiment
    model: nn.Module
    device: str
    checkpoint: Path

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        steps: int | None = None,
        device: str = "auto",
        config: Config | None = None,
    ) -> VariancePredictor:
        """Load an experiment folder.

        Args:
            path: folder with ``config.yaml``, maps, dictionaries and
                ``model_ckpt_steps_<N>.ckpt``.
            steps: which N; the largest if None.
            device: ``auto``, ``cpu``, ``cuda``, ….
            config: used instead of ``config.yaml``.

        Raises:
            SingwizError: the folder is incomplete, damaged, or contradicts itself.
        """
        experiment = read_experiment(Path(path), kind="variance", config=config)
        device = choose_device(device)
        model, checkpoint = load_network(experiment, steps=steps, device=device)
        return cls(experiment, model, device, checkpoint)

    @property
    def tags(self) -> tuple[str, ...]:
        """What it predicts, e.g. ``("dur", "pitch", "breathiness")``."""
        return predicted_tags(self.experiment.config)

    @property
    def reader(self) -> VarianceReader:
        """Puts segments on this model's frame grid."""
        e = self.experiment
        return VarianceReader(e.config, e.phonemes, e.spk_map)

    def complete(
        self,
        ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        predict: Sequence[str] = (),
        language: str | None = None,
        speaker: str | None = None,
        key: float = 0.0,
        expr: float | None = None,
        retakes: Sequence[Retake] = (),
        steps: int | None = None,
        seed: int | None = None,
        reporter: Reporter | None = None,
    ) -> Song:
        """Predict what a song lacks, or what is asked for.

        Args:
            ds: DS file, its segments, or one segment.
            predict: ``dur``, ``pitch``, ``energy``, ``breathiness``, ``voicing``, ``tension``:
                predicted even where the song has them, and nothing else is written. None of
                them = everything that is missing.
            language: replaces ``lang`` of every segment.
            speaker: name or mix such as ``anna:0.3|ben:0.7``.
            key: semitones to transpose notes and pitch by.
            expr: 0..1, how lively the pitch is; replaces the segments' ``expr``.
            retakes: parts to predict anew; what surrounds them stays and is taken into account.
            steps: sampling steps instead of the config's.
            seed: of the noise sampling starts from; a segment's own ``seed`` is stronger.
            reporter: receives progress.

        Raises:
            SingwizError: the song lacks something, or options do not fit the model.
            Cancelled: the user stopped the work.
        """
        from .completion import complete_song, open_segments

        return complete_song(
            [self],
            open_segments(ds, key=key),
            predict=predict,
            language=language,
            speaker=speaker,
            expr=expr,
            retakes=retakes,
            steps=steps,
            seed=seed,
            reporter=reporter,
        )

    def predict(
        self,
        segment: Mapping[str, Any],
        number: int,
        plan: Plan,
        *,
        language: str | None = None,
        speaker: str | None = None,
        expr: float | None = None,
        retakes: Sequence[Retake] = (),
        steps: int | None = None,
        seed: int | None = None,
    ) -> dict[str, Array]:
        """Run the predictors of a plan on one segment.

        Args:
            segment: DS segment.
            number: its number in the song, from 1.
            plan: what runs.
            language: see :meth:`complete`.
            speaker: see :meth:`complete`.
            expr: see :meth:`complete`.
            retakes: see :meth:`complete`.
            steps: see :meth:`complete`.
            seed: used unless the segment has its own.

        Returns:
            Tag -> what was predicted: ``dur`` int64 ``[N]`` in frames, ``pitch`` float32 ``[T]``
            in semitones, curves float32 ``[T]`` in dB (tension: logit).

        Raises:
            SingwizError: the segment lacks something, or the model gives no numbers.
        """
        import torch

        from ..models.sampling import SamplingOptions

        reader = self.reader
        again = {tag for tag in self.tags if tag != "dur" and has(segment, tag)}
        own = {part.tag for part in retakes} & again
        inputs = reader.read(
            segment,
            number,
            load_dur=plan.load_dur,
            load_pitch=plan.load_pitch or (plan.pitch and "pitch" in own),
            language=language,
            speaker=speaker,
            expr=expr,
        )
        masks: dict[str, np.ndarray[Any, Any]] = {}
        for tag in own:
            mask = retake_mask(
                retakes,
                tag,
                offset=inputs.offset,
                length=inputs.length,
                timestep=reader.timestep,
            )
            if mask is not None:
                masks[tag] = mask
        options = SamplingOptions.from_config(
            self.experiment.config.to_dict(), steps=checked_steps(steps)
        )
        random = seeded(inputs.seed if inputs.seed is not None else seed)
        known = {
            name: reader.curve(segment, name, inputs.length)
            for name in CURVES
            if name in self.tags and has(segment, name) and any(tag in CURVES for tag in masks)
        }
        with torch.inference_mode():
            found = self._run(inputs, plan, masks, known, options, random)
        finite = all(np.isfinite(values).all() for values in found.values())
        if not finite or ("dur" in found and not found["dur"].any()):
            raise diverged(f"segment {number}")
        return found

    def _run(
        self,
        inputs: VarianceInputs,
        plan: Plan,
        masks: Mapping[str, np.ndarray[Any, Any]],
        known: Mapping[str, Array],
        options: SamplingOptions,
        random: RandomSource,
    ) -> dict[str, Array]:
        from ..models.regulators import fit_to_words

        found: dict[str, Any] = {}
        tensors = self._tensors(inputs)
        pitch = masks.get("pitch") if plan.pitch else None
        if pitch is not None:
            tensors["pitch_retake"] = row(pitch, self.device)
        elif plan.pitch:
            tensors.pop("pitch", None)
        curves = self._known_curves(inputs, masks, known) if plan.curves else {}
        common = {"infer": True, "sampling": options, "random": random}
        # With a retaken pitch the curves have to hear the new one: two passes.
        apart = pitch is not None and plan.curves
        output = self.model(
            **tensors,
            **({} if apart else curves),
            **common,
            run_pitch=plan.pitch,
            run_variances=plan.curves and not apart,
        )
        if plan.dur:
            fitted = fit_to_words(output.dur_pred, tensors["ph2word"], tensors["word_dur"])
            found["dur"] = fitted[0].cpu().numpy()
        if plan.pitch:
            sung = inputs.base_pitch + output.pitch_pred[0].float().cpu().numpy()
            if pitch is not None and inputs.pitch is not None:
                sung = np.where(pitch, sung, inputs.pitch)
            found["pitch"] = sung.astype(np.float32)
        if apart:
            again = {**tensors, "pitch": row(found["pitch"], self.device)}
            output = self.model(**again, **curves, **common, run_pitch=False)
        if plan.curves:
            for name, curve in output.variances_pred.items():
                values = curve[0].float().cpu().numpy()
                if name in masks:
                    values = np.where(masks[name], values, known[name])
                found[name] = values.astype(np.float32)
        return found

    def _known_curves(
        self,
        inputs: VarianceInputs,
        masks: Mapping[str, np.ndarray[Any, Any]],
        known: Mapping[str, Array],
    ) -> dict[str, Any]:
        """What the curve predictor is told of curves that are only retaken in part."""
        if not any(tag in CURVES for tag in masks):
            return {}
        names = [tag for tag in self.tags if tag in CURVES]
        everywhere = np.ones(inputs.length, bool)
        nothing = np.zeros(inputs.length, np.float32)
        told: dict[str, Any] = {name: row(known.get(name, nothing), self.device) for name in names}
        told["variance_retake"] = {
            name: row(masks.get(name, ~everywhere if name in known else everywhere), self.device)
            for name in names
        }
        return told

    def _tensors(self, inputs: VarianceInputs) -> dict[str, torch.Tensor]:
        """The inputs of one segment as a batch of one."""
        arrays = {
            "txt_tokens": inputs.tokens,
            "languages": inputs.languages,
            "ph2word": inputs.ph2word,
            "midi": inputs.midi,
            "ph_dur": inputs.ph_dur,
            "word_dur": inputs.word_dur,
            "mel2ph": inputs.mel2ph,
            "note_midi": inputs.note_midi,
            "note_rest": inputs.note_rest,
            "note_dur": inputs.note_dur,
            "note_glide": inputs.note_glide,
            "mel2note": inputs.mel2note,
            "base_pitch": inputs.base_pitch,
            "pitch": inputs.pitch,
            "pitch_expr": inputs.expr,
        }
        batch = {n: row(values, self.device) for n, values in arrays.items() if values is not None}
        if inputs.speakers is not None and inputs.ph_speakers is not None:
            table: Any = self.model.spk_embed
            batch["spk_mix_embed"] = mixed_embedding(table, inputs.speakers, self.device)
            batch["ph_spk_mix_embed"] = mixed_embedding(table, inputs.ph_speakers, self.device)
        return batch
