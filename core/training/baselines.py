"""What the simplest rules would predict: whoever trains for hours should see that it pays.

Fitted on the training recordings, a part of them where there are many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .data import TrainingItems

FRAMES = 200_000
"""About 40 minutes of singing: more does not move a mean."""


def sample_items(items: TrainingItems, *, seed: int) -> Iterator[Mapping[str, Any]]:
    """Training items in random order, until there are :data:`FRAMES` frames."""
    frames = 0
    for index in np.random.default_rng(seed).permutation(len(items)):
        if frames >= FRAMES:
            return
        frames += items.sizes[index]
        yield items[int(index)]


class MeanDurations:
    """The rule for durations: each phoneme lasts as long as it does on average.

    Args:
        vocab_size: number of phoneme ids.
    """

    def __init__(self, vocab_size: int) -> None:
        self._sums = np.zeros(vocab_size)
        self._counts = np.zeros(vocab_size)

    def add(self, tokens: ArrayLike, ph_dur: ArrayLike) -> None:
        """Learn from phoneme ids ``[N]`` and their durations ``[N]``."""
        ids, size = np.asarray(tokens, np.int64), len(self._sums)
        self._sums += np.bincount(ids, np.asarray(ph_dur, np.float64), minlength=size)
        self._counts += np.bincount(ids, minlength=size)

    def predict(self, tokens: ArrayLike) -> NDArray[np.float32]:
        """Durations float32 ``[N]``; a phoneme never seen has the mean of all."""
        overall = self._sums.sum() / max(1.0, self._counts.sum())
        means = np.where(self._counts > 0, self._sums / np.maximum(self._counts, 1), overall)
        return means[np.asarray(tokens, np.int64)].astype(np.float32)


class MeanCurve:
    """The rule for a curve: it always has its mean value."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, curve: ArrayLike) -> None:
        """Learn from a curve ``[T]``."""
        values = np.asarray(curve, np.float64)
        self._sum += float(values.sum())
        self._count += values.size

    @property
    def value(self) -> float:
        """The mean of everything."""
        return self._sum / max(1, self._count)
