"""How far predicted durations, pitch and curves are off, for the model and for simple rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.regulators import fit_to_words, sums_by_owner
from .baselines import MeanCurve, MeanDurations
from .measurements import ErrorsByClass, Measurement
from .metrics import CurveAccuracy, CurveR2, PhonemeDurationAccuracy, RhythmCorrectness

Array = NDArray[np.float32]

UNITS = {"energy": "dB", "breathiness": "dB", "voicing": "dB", "tension": "logit"}
"""Of the curves besides pitch."""

PITCH_TOLERANCE = 0.5
"""Semitones within which ``pitch_acc`` counts a frame as right."""


@dataclass(frozen=True)
class Parts:
    """What a variance model predicts.

    Attributes:
        durations, pitch: whether it does.
        curves: names of the other curves.
    """

    durations: bool
    pitch: bool
    curves: Sequence[str]


@dataclass(frozen=True)
class Prediction:
    """What the model, or a rule, says about one item.

    Attributes:
        durations: float ``[N]`` in frames, not rounded; None if not predicted.
        pitch: float ``[T]`` in semitones; None if not predicted.
        curves: name -> float ``[T]``.
    """

    durations: Array | None = None
    pitch: Array | None = None
    curves: Mapping[str, Array] = field(default_factory=dict)


class Rules:
    """The baselines: mean durations of the phonemes, the notes as pitch, mean curves.

    Args:
        parts: what to predict.
        vocab_size: number of phoneme ids.
        training: items to learn from.
    """

    def __init__(
        self, parts: Parts, *, vocab_size: int, training: Iterable[Mapping[str, Any]]
    ) -> None:
        self._parts = parts
        self._durations = MeanDurations(vocab_size)
        self._curves = {name: MeanCurve() for name in parts.curves}
        for item in training:
            self._durations.add(item["tokens"], item["ph_dur"])
            for name, curve in self._curves.items():
                curve.add(item[name])

    def predict(self, item: Mapping[str, Any]) -> Prediction:
        """What they say about an item."""
        return Prediction(
            self._durations.predict(item["tokens"]) if self._parts.durations else None,
            item["base_pitch"] if self._parts.pitch else None,
            {
                name: np.full(len(item[name]), curve.value, np.float32)
                for name, curve in self._curves.items()
            },
        )


class Tally:
    """Errors and DiffSinger's metrics of one predictor.

    Args:
        parts: what is predicted.
        classes: class number of every phoneme id, int ``[V]``.
        frame_ms: length of a frame.
    """

    def __init__(self, parts: Parts, *, classes: NDArray[np.int64], frame_ms: float) -> None:
        self._classes = classes
        self._frame_ms = frame_ms
        self.errors: dict[str, ErrorsByClass] = {}
        self.metrics: dict[str, Any] = {}
        if parts.durations:
            self.errors["dur_error"] = ErrorsByClass()
            self.metrics["rhythm_corr"] = RhythmCorrectness()
            self.metrics["ph_dur_acc"] = PhonemeDurationAccuracy()
        if parts.pitch:
            self.errors["pitch_error"] = ErrorsByClass()
            self.metrics["pitch_acc"] = CurveAccuracy(PITCH_TOLERANCE)
            self.metrics["pitch_r2"] = CurveR2()
        for name in parts.curves:
            self.errors[f"{name}_error"] = ErrorsByClass()
            self.metrics[f"{name}_r2"] = CurveR2()
        self.items = 0
        self.metric_items = 0

    def add(
        self,
        item: Mapping[str, Any],
        prediction: Prediction,
        again: Prediction | None = None,
        *,
        metrics: bool,
    ) -> None:
        """Count one item; with ``metrics`` in DiffSinger's, too.

        Args:
            item: from the binary dataset.
            prediction: of a model or a rule.
            again: pitch and curves drawn once more, of a model that sings anew every time; see
                :func:`distances`.
            metrics: whether to count in DiffSinger's metrics.
        """
        self.items += 1
        self.metric_items += metrics
        classes = self._classes[item["tokens"]]
        if prediction.durations is not None:
            self._add_durations(item, prediction.durations, classes, metrics)
        if "mel2ph" not in item:
            return
        sung = item["mel2ph"] > 0
        owners = classes[np.maximum(item["mel2ph"], 1) - 1]
        voiced = sung & np.logical_not(item["uv"])
        if prediction.pitch is not None:
            cents = 100 * distances(item["pitch"], prediction.pitch, again.pitch if again else None)
            self.errors["pitch_error"].add(cents[voiced], owners[voiced])
            if metrics:
                self._add_curve("pitch_acc", prediction.pitch, item["pitch"], voiced)
                self._add_curve("pitch_r2", prediction.pitch, item["pitch"], voiced)
        for name, curve in prediction.curves.items():
            off = distances(item[name], curve, again.curves[name] if again else None)
            self.errors[f"{name}_error"].add(off[sung], owners[sung])
            if metrics:
                self._add_curve(f"{name}_r2", curve, item[name], voiced)

    def _add_curve(self, metric: str, *curves: NDArray[Any]) -> None:
        self.metrics[metric].update(*(torch.from_numpy(curve)[None] for curve in curves))

    def _add_durations(
        self, item: Mapping[str, Any], durations: Array, classes: NDArray[np.int64], metrics: bool
    ) -> None:
        target, ph2word, tokens = (
            torch.from_numpy(item[name])[None] for name in ("ph_dur", "ph2word", "tokens")
        )
        predicted = torch.from_numpy(durations)[None]
        # Singing, the notes say how long a word is: only what is inside the word is judged.
        word_dur = sums_by_owner(target, ph2word, int(ph2word.max()))
        fitted = fit_to_words(predicted, ph2word, word_dur)
        self.errors["dur_error"].add((fitted - target)[0].numpy() * self._frame_ms, classes)
        if metrics:
            for name in ("rhythm_corr", "ph_dur_acc"):
                self.metrics[name].update(predicted.round(), target, ph2word, tokens != 0)


def distances(target: Array, drawn: Array, again: Array | None = None) -> Array:
    """How far predictions ``[T]`` are off, at every frame.

    A singer never sings a note twice in the same way, and a model that learned this does not
    either: even the singer's own second take would be further off than a straight line through
    the middle of all takes. So a model is judged by the continuous ranked probability score
    (Gneiting & Raftery 2007, eq. 21), estimated from two draws: their mean distance to the
    target less half of their distance to one another. For whatever predicts the same every time
    it is the absolute error, so both can be compared.

    Args:
        target: what was sung ``[T]``.
        drawn: a prediction ``[T]``.
        again: an independent draw of the same ``[T]``; None if there is only one prediction.
    """
    off = np.abs(drawn - target)
    if again is None:
        return off
    both: Array = (off + np.abs(again - target) - np.abs(drawn - again)) / 2
    return both


def compare(model: Tally, rules: Tally) -> list[Measurement]:
    """Everything that was counted for the model, with the rules beside it."""
    found = []
    for name, errors in model.errors.items():
        label, unit = _described(name)
        found.append(errors.measurement(name, label, unit, model.items, rules.errors[name]))
    for name, metric in model.metrics.items():
        value = metric.compute()
        if value is not None:
            found.append(
                Measurement(
                    name,
                    _described(name)[0],
                    "",
                    value,
                    model.metric_items,
                    baseline=rules.metrics[name].compute(),
                    higher_is_better=True,
                )
            )
    return [one for one in found if one is not None]


def _described(name: str) -> tuple[str, str]:
    """Label and unit of a measurement."""
    known = {
        "dur_error": ("phoneme length error", "ms"),
        "pitch_error": ("pitch error", "cents"),
        "rhythm_corr": ("words of right length", ""),
        "ph_dur_acc": ("phonemes of right length", ""),
        "pitch_acc": ("frames in tune", ""),
    }
    if name in known:
        return known[name]
    curve, _, kind = name.rpartition("_")
    return (f"{curve} R²", "") if kind == "r2" else (f"{curve} error", UNITS[curve])
