"""Validation metrics of duration and curve predictions, pooled over items.

Each metric counts over single items cut to their true length and gives one number at the end;
without any item the number is None, so that nothing is logged that was not measured.
"""

from __future__ import annotations

from torch import Tensor

from ..models.regulators import fit_to_words, sums_by_owner


class RhythmCorrectness:
    """Share of words whose predicted length is right within a tolerance.

    Args:
        tolerance: allowed relative error of a word's length.
    """

    def __init__(self, tolerance: float = 0.05) -> None:
        self.tolerance = tolerance
        self.correct = 0
        self.total = 0

    def update(self, pred: Tensor, target: Tensor, ph2word: Tensor, mask: Tensor) -> None:
        """Count one item.

        Args:
            pred, target: phoneme durations ``[1, L]`` in frames.
            ph2word: ``[1, L]`` int64, 1-based word of each phoneme.
            mask: ``[1, L]`` bool; a word counts if any of its phonemes is marked. All its
                phonemes enter its length.
        """
        words = int(ph2word.max())
        pred_words = sums_by_owner(pred.float(), ph2word, words)
        target_words = sums_by_owner(target.float(), ph2word, words)
        counted = sums_by_owner(mask.float(), ph2word, words) > 0
        correct = (pred_words - target_words).abs() <= self.tolerance * target_words
        self.correct += int((correct & counted).sum())
        self.total += int(counted.sum())

    def compute(self) -> float | None:
        """Correct words / words, or None before the first update."""
        return self.correct / self.total if self.total else None


class PhonemeDurationAccuracy:
    """Share of phonemes placed right inside their word, whatever the length of the word.

    Args:
        tolerance: allowed relative error of a phoneme's length.
    """

    def __init__(self, tolerance: float = 0.2) -> None:
        self.tolerance = tolerance
        self.accurate = 0
        self.total = 0

    def update(self, pred: Tensor, target: Tensor, ph2word: Tensor, mask: Tensor) -> None:
        """Count one item; arguments as in :meth:`RhythmCorrectness.update`."""
        word_dur = sums_by_owner(target, ph2word, int(ph2word.max()))
        aligned = fit_to_words(pred.float(), ph2word, word_dur)
        accurate = (aligned - target).abs() <= self.tolerance * target
        self.accurate += int((accurate & mask).sum())
        self.total += int(mask.sum())

    def compute(self) -> float | None:
        """Accurate phonemes / phonemes, or None before the first update."""
        return self.accurate / self.total if self.total else None


class CurveAccuracy:
    """Share of frames where a curve is right within a tolerance.

    Args:
        tolerance: allowed absolute error, e.g. 0.5 semitones.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.accurate = 0
        self.total = 0

    def update(self, pred: Tensor, target: Tensor, mask: Tensor) -> None:
        """Count the marked frames of one item; all arguments ``[1, T]``."""
        accurate = (pred - target).abs() <= self.tolerance
        self.accurate += int((accurate & mask).sum())
        self.total += int(mask.sum())

    def compute(self) -> float | None:
        """Accurate frames / frames, or None before the first update."""
        return self.accurate / self.total if self.total else None


class CurveR2:
    """How much of a curve's variation is predicted: R², pooled over all frames of all items.

    Kept as mean and squared deviation (Welford): sums of squares cancel badly for curves
    around -60 dB.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.deviation = 0.0
        self.error = 0.0

    def update(self, pred: Tensor, target: Tensor, mask: Tensor) -> None:
        """Count the marked frames of one item; all arguments ``[1, T]``."""
        wanted = target[mask].double()
        count = wanted.numel()
        if not count:
            return
        self.error += float(((wanted - pred[mask].double()) ** 2).sum())
        mean = float(wanted.mean())
        shift = mean - self.mean
        total = self.count + count
        self.deviation += float(((wanted - mean) ** 2).sum())
        self.deviation += shift * shift * self.count * count / total
        self.mean += shift * count / total
        self.count = total

    def compute(self) -> float | None:
        """1 - squared error / squared deviation, or None where the target never varied."""
        return 1 - self.error / self.deviation if self.deviation > 0 else None
