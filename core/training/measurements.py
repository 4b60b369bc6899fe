"""What a validation measures, as plain numbers with a baseline beside them, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..dictionary.sounds import SOUND_CLASSES

ABSOLUTE_ZERO = 1e-9
"""A baseline this good leaves nothing to compare with."""


@dataclass(frozen=True)
class Measurement:
    """One figure of the model on held-out recordings.

    Attributes:
        name: short, as in TensorBoard's tag, e.g. ``mel_l1``.
        label: the same in words.
        unit: of the values; empty for shares and R².
        value: of the model.
        items: recordings measured.
        baseline: what the simplest rule reaches on the same recordings; None if there is none.
        higher_is_better: for shares and R²; errors are better when low.
        classes: value per class of sound, where frames or phonemes have one.
        baseline_classes: the same of the baseline.
    """

    name: str
    label: str
    unit: str
    value: float
    items: int
    baseline: float | None = None
    higher_is_better: bool = False
    classes: Mapping[str, float] = field(default_factory=dict)
    baseline_classes: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def against_baseline(self) -> float | None:
        """The error as a share of the baseline's: below 1 the model is better."""
        if self.higher_is_better or self.baseline is None or self.baseline < ABSOLUTE_ZERO:
            return None
        return self.value / self.baseline


class ErrorsByClass:
    """Mean absolute error over everything, and over each class of sound."""

    def __init__(self) -> None:
        self._sums = np.zeros(len(SOUND_CLASSES))
        self._counts = np.zeros(len(SOUND_CLASSES))

    def add(self, errors: ArrayLike, classes: ArrayLike) -> None:
        """Count errors ``[N]`` (their sign is dropped) of sounds with class numbers ``[N]``."""
        numbers = np.asarray(classes, dtype=np.int64)
        size = len(SOUND_CLASSES)
        self._sums += np.bincount(numbers, np.abs(np.asarray(errors, np.float64)), minlength=size)
        self._counts += np.bincount(numbers, minlength=size)

    def mean(self) -> float | None:
        """Over everything; None before anything was counted."""
        total = self._counts.sum()
        return float(self._sums.sum() / total) if total else None

    def by_class(self) -> dict[str, float]:
        """Over each class that occurred."""
        return {
            name: float(self._sums[i] / self._counts[i])
            for i, name in enumerate(SOUND_CLASSES)
            if self._counts[i]
        }

    def measurement(
        self, name: str, label: str, unit: str, items: int, baseline: ErrorsByClass | None = None
    ) -> Measurement | None:
        """These errors beside those of a baseline; None if there are none."""
        mean = self.mean()
        if mean is None:
            return None
        return Measurement(
            name,
            label,
            unit,
            mean,
            items,
            baseline=None if baseline is None else baseline.mean(),
            classes=self.by_class(),
            baseline_classes={} if baseline is None else baseline.by_class(),
        )


def table(measurements: Sequence[Measurement]) -> list[str]:
    """The measurements as lines of aligned text, headings first; no lines without any."""
    if not measurements:
        return []
    rows = [["", "model", "baseline", *SOUND_CLASSES]]
    for one in measurements:
        label = f"{one.label} ({one.unit})" if one.unit else one.label
        baseline = "" if one.baseline is None else _short(one.baseline)
        by_class = [_short(one.classes[c]) if c in one.classes else "" for c in SOUND_CLASSES]
        rows.append([label, _short(one.value), baseline, *by_class])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
