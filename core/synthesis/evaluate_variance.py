"""How close predicted durations, pitch and curves are to a recording's, beside simple rules.

The rules are what a model has to beat: phonemes as long as they are on average, scaled to their
word; the pitch of the notes; curves that never move.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dataset.ds import numbers
from ..features.curves import resample_curve
from .segment import CURVES, names_of
from .variance_inputs import VarianceReader

Array = NDArray[np.float64]


@dataclass(frozen=True)
class VarianceComparison:
    """Figures of one prediction; NaN and missing names where something was not predicted.

    Attributes:
        dur_ms: mean absolute error of a phoneme's length, ms.
        dur_baseline_ms: the same for mean lengths scaled to words.
        dur_within_50ms: share of phoneme borders that lie within 50 ms of the label, 0..1.
        pitch_cents: mean absolute error of the pitch over voiced frames, cents.
        pitch_baseline_cents: the same for the smoothed notes.
        pitch_within_50_cents: share of voiced frames within 50 cents, 0..1.
        curves: name -> mean absolute error, dB (tension: logit).
        curve_baselines: the same for the recording's own mean.
    """

    dur_ms: float = float("nan")
    dur_baseline_ms: float = float("nan")
    dur_within_50ms: float = float("nan")
    pitch_cents: float = float("nan")
    pitch_baseline_cents: float = float("nan")
    pitch_within_50_cents: float = float("nan")
    curves: Mapping[str, float] = field(default_factory=dict)
    curve_baselines: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain flat data, without what was not predicted."""
        plain = asdict(self)
        curves, baselines = plain.pop("curves"), plain.pop("curve_baselines")
        plain |= {f"{name}_mae": value for name, value in curves.items()}
        plain |= {f"{name}_baseline_mae": value for name, value in baselines.items()}
        return {name: value for name, value in plain.items() if not np.isnan(value)}


def mean_durations(
    items: Iterable[tuple[Sequence[str], Sequence[float]]],
) -> dict[str, float]:
    """Phoneme -> mean length in s.

    Args:
        items: ``ph_seq`` and ``ph_dur`` (s) of recordings.
    """
    sums: dict[str, list[float]] = {}
    for ph_seq, ph_dur in items:
        for symbol, seconds in zip(ph_seq, ph_dur, strict=True):
            entry = sums.setdefault(symbol, [0.0, 0.0])
            entry[0] += seconds
            entry[1] += 1
    return {symbol: total / count for symbol, (total, count) in sums.items()}


def rule_durations(
    ph_seq: Sequence[str],
    ph_num: ArrayLike,
    word_seconds: ArrayLike,
    means: Mapping[str, float],
) -> Array:
    """Mean lengths scaled so that every word is as long as its notes, float64 ``[N]`` in s.

    Args:
        ph_seq: ``[N]``; phonemes without mean get that of all.
        ph_num: ``[W]`` phonemes per word.
        word_seconds: ``[W]``.
        means: see :func:`mean_durations`.
    """
    overall = float(np.mean(list(means.values()))) if means else 0.1
    raw = np.array([means.get(symbol, overall) for symbol in ph_seq])
    sizes = np.asarray(ph_num, np.int64)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    sums = np.bincount(owners, raw, len(sizes))
    return raw * (np.asarray(word_seconds) / np.maximum(sums, 1e-9))[owners]


def compare_prediction(
    predicted: Mapping[str, Any],
    truth: Mapping[str, Any],
    tags: Collection[str],
    reader: VarianceReader,
    *,
    unvoiced: NDArray[np.bool_],
    means: Mapping[str, float],
) -> VarianceComparison:
    """Compare what was predicted for a recording with what was measured.

    Args:
        predicted: segment with predictions.
        truth: of :func:`.items.segment_from_item`: labels, pitch and curves.
        tags: what was predicted.
        reader: of the variance model.
        unvoiced: bool ``[T]`` on the model's grid: frames whose pitch does not count.
        means: mean phoneme lengths of the training set.

    Raises:
        SingwizError: a segment lacks something.
    """
    step = reader.timestep
    found: dict[str, Any] = {}
    if "dur" in tags:
        labels, mine = numbers(truth, "ph_dur"), numbers(predicted, "ph_dur")
        words = numbers(truth, "ph_num").astype(np.int64)
        inputs = reader.read(truth, 1, load_dur=False, load_pitch=False)
        rule = rule_durations(names_of(truth, "ph_seq"), words, inputs.word_dur * step, means)
        found["dur_ms"] = float(np.abs(mine - labels).mean() * 1000)
        found["dur_baseline_ms"] = float(np.abs(rule - labels).mean() * 1000)
        borders = np.abs(np.cumsum(mine) - np.cumsum(labels))[:-1]
        found["dur_within_50ms"] = float((borders <= 0.05).mean()) if len(borders) else 1.0
    length = len(unvoiced)
    if "pitch" in tags and not unvoiced.all():
        sung = np.log2(_curve(truth, "f0", step, length)[~unvoiced])
        mine = np.log2(_curve(predicted, "f0", step, length)[~unvoiced])
        base = reader.read(truth, 1, load_dur=True, load_pitch=False).base_pitch
        notes = np.pad(base, (0, max(0, length - len(base))), mode="edge")[:length][~unvoiced]
        cents = 1200 * np.abs(mine - sung)
        found["pitch_cents"] = float(cents.mean())
        found["pitch_within_50_cents"] = float((cents <= 50).mean())
        found["pitch_baseline_cents"] = float(
            1200 * np.abs((notes - 69) / 12 + np.log2(440) - sung).mean()
        )
    errors, baselines = {}, {}
    for name in CURVES:
        if name in tags and name in truth:
            own = _curve(truth, name, step, length)
            errors[name] = float(np.abs(_curve(predicted, name, step, length) - own).mean())
            baselines[name] = float(np.abs(own - own.mean()).mean())
    return VarianceComparison(**found, curves=errors, curve_baselines=baselines)


def _curve(segment: Mapping[str, Any], name: str, step: float, length: int) -> Array:
    points = numbers(segment, "f0_seq" if name == "f0" else name)
    own = float(numbers(segment, f"{name}_timestep")[0])
    return resample_curve(points, own, step, length).astype(np.float64)
