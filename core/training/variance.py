"""Training the variance model: phonemes and notes to durations, pitch and other curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ..models.outputs import named_outputs
from ..models.randomness import GLOBAL_RANDOM, RandomSource
from ..models.variance import VarianceModel, VarianceOutput
from .baselines import sample_items
from .contract import MAIN, Criterion, Outputs, TrainableModel
from .examination import Examination
from .figures import Notes, curve_figure, duration_figure, pitch_figure
from .measurements import Measurement
from .variance_scores import UNITS, Array, Parts, Prediction, Rules, Tally, compare


def retake_mask(
    batch_size: int, frames: int, *, device: torch.device, random: RandomSource = GLOBAL_RANDOM
) -> Tensor:
    """Where a training batch has to predict a curve, and where it may know it.

    A quarter of the samples predict everything, the others one random interval.

    Args:
        batch_size: B.
        frames: padded frames T of the batch.
        device: of the mask.
        random: draws the quarter first, then both ends of the intervals.

    Returns:
        bool ``[B, T]``, True = to be predicted.
    """
    everything = random.integers(4, batch_size, device=device) == 0
    ends = random.integers(frames + 1, 2 * batch_size, device=device).view(2, batch_size)
    start, end = ends.amin(dim=0), ends.amax(dim=0)
    places = torch.arange(frames, device=device)
    inside = (places >= start[:, None]) & (places < end[:, None])
    return inside | everything[:, None]


class VarianceCriterion(Criterion):
    """Losses of whatever is predicted."""

    def __init__(self, model: VarianceModel) -> None:
        super().__init__()
        parts = {
            "dur_loss": model.predict_dur,
            "pitch_loss": model.predict_pitch,
            "var_loss": bool(model.variances),
        }
        self.names = tuple(name for name, predicted in parts.items() if predicted)
        self._losses = model.losses  # not the model itself: it would become a child

    def compute(
        self, outputs: Outputs, batch: Mapping[str, Any], optimizer_name: str = MAIN
    ) -> dict[str, Tensor]:
        """``dur_loss``, ``pitch_loss`` and ``var_loss``."""
        return self._losses(
            VarianceOutput(*(outputs[name] for name in VarianceOutput._fields)),
            ph_dur=batch["ph_dur"],
            ph2word=batch.get("ph2word"),
            mel2ph=batch.get("mel2ph"),
        )


class VarianceTraining(VarianceModel, TrainableModel):
    """singwiz's own variance model, and whatever the config lets it predict."""

    _rules: Rules | None = None

    @classmethod
    def init_from_config(cls, config: Mapping[str, Any], *, vocab_size: int) -> Self:
        """See :meth:`.contract.TrainableModel.init_from_config`."""
        model = cls(config, vocab_size=vocab_size)
        model.options = dict(config)
        return model

    def get_criterion(self) -> Criterion:
        """See :class:`VarianceCriterion`."""
        return VarianceCriterion(self)

    @property
    def _predicts_curves(self) -> bool:
        return self.predict_pitch or bool(self.variances)

    def fields(self) -> list[str]:
        """Tokens, durations and what each enabled predictor reads and is measured by."""
        fields = ["tokens", "ph_dur"]
        if self.options.get("use_lang_id"):
            fields.append("languages")
        if self.options.get("use_spk_id"):
            fields.append("spk_id")
        if self.predict_dur:
            fields += ["ph2word", "midi"]
        if self._predicts_curves:
            fields += ["mel2ph", "pitch", "uv"]
        if self.predict_pitch:
            fields += ["note_midi", "note_rest", "note_dur", "mel2note", "base_pitch"]
            if self.options.get("use_glide_embed"):
                fields.append("note_glide")
        return [*fields, *self.variances]

    def format_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of :meth:`singwiz.core.models.variance.VarianceModel.forward`."""
        names = {"tokens": "txt_tokens", "spk_ids": "spk_id"}
        ignored = {"size", "indices", "uv"}
        return {names.get(name, name): v for name, v in batch.items() if name not in ignored}

    def train_step(
        self, batch: Mapping[str, Any], criterion: Criterion, optimizer_name: str = MAIN
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Losses of all parts, with new retake masks."""
        masks: dict[str, Any] = {}
        if self._predicts_curves:
            size, frames = batch["mel2ph"].shape
            device = batch["mel2ph"].device
            if self.predict_pitch:
                masks["pitch_retake"] = retake_mask(size, frames, device=device)
            if self.variances:
                masks["variance_retake"] = {
                    name: retake_mask(size, frames, device=device) for name in self.variances
                }
        outputs = named_outputs(self(**batch, **masks))
        return outputs, criterion(outputs, batch, optimizer_name)

    # Validation ---------------------------------------------------------------------------

    def eval_log(self, examination: Examination) -> list[Measurement]:
        """Predict held-out recordings, draw the first ones, and compare with simple rules.

        True durations, notes and (for curves besides pitch) true pitch are given; the pitch is
        predicted from scratch, twice: see :func:`.variance_scores.distances`.
        """
        ex = examination
        parts = Parts(self.predict_dur, self.predict_pitch, self.variances)
        if self._rules is None:
            training = sample_items(ex.training, seed=ex.surroundings.seed)
            self._rules = Rules(parts, vocab_size=ex.vocab_size, training=training)
        frame_ms = 1000 * self.options["hop_size"] / self.options["audio_sample_rate"]
        by_model, by_rules = (Tally(parts, classes=ex.classes, frame_ms=frame_ms) for _ in range(2))
        for indices, batch in ex.batches():
            inputs = self.format_batch(batch)
            output = self.inference(inputs)
            again = self.inference(inputs) if self._predicts_curves else None
            for row, index in enumerate(indices):
                item = ex.items[index]
                prediction = _row(output, row, item)
                other = None if again is None else _row(again, row, item)
                by_model.add(item, prediction, other, metrics=index < ex.shown)
                by_rules.add(item, self._rules.predict(item), metrics=index < ex.shown)
                if index < ex.shown:
                    _draw(ex, index, prediction)
        return compare(by_model, by_rules)

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """Errors of durations, pitch and curves as shares of the baselines', averaged."""
        shares = {
            one.name: share for one in measurements if (share := one.against_baseline()) is not None
        }
        parts = [
            [shares[name] for name in names if name in shares]
            for names in (
                ["dur_error"],
                ["pitch_error"],
                [f"{name}_error" for name in self.variances],
            )
        ]
        means = [sum(part) / len(part) for part in parts if part]
        return ("error_against_baseline", sum(means) / len(means)) if means else None


def _draw(examination: Examination, index: int, prediction: Prediction) -> None:
    """Pictures of what was predicted for one item."""
    items, gallery = examination.items, examination.gallery
    item, name, title = items[index], items.name(index), examination.title(index)
    if prediction.durations is not None:
        picture = duration_figure(
            np.round(prediction.durations),
            item["ph_dur"],
            examination.phonemes_of(index),
            title=title,
        )
        gallery.figure(f"dur_{index}", picture, file=f"{index}_dur.png", label=name)
    if prediction.pitch is not None:
        notes = Notes(item["note_midi"], item["note_rest"], item["note_dur"])
        picture = pitch_figure(prediction.pitch, item["pitch"], item["uv"], notes, title=title)
        gallery.figure(f"pitch_{index}", picture, file=f"{index}_pitch.png", label=name)
    for curve, values in prediction.curves.items():
        picture = curve_figure(values, item[curve], unit=UNITS[curve], title=title)
        file = f"{index}_{curve}.png"
        gallery.figure(f"{curve}_{index}", picture, file=file, label=f"{name}, {curve}")


def _row(output: VarianceOutput, row: int, item: Mapping[str, Any]) -> Prediction:
    """One row of the model's output, cut to the length of its item."""

    def cut(values: Tensor, like: str) -> Array:
        array: Array = values[row, : len(item[like])].float().cpu().numpy()
        return array

    durations = pitch = None
    if output.dur_pred is not None:
        durations = cut(output.dur_pred, "tokens")
    if output.pitch_pred is not None:
        pitch = item["base_pitch"] + cut(output.pitch_pred, "base_pitch")
    curves = {name: cut(v, "mel2ph") for name, v in (output.variances_pred or {}).items()}
    return Prediction(durations, pitch, curves)
