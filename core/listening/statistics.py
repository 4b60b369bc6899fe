"""The arithmetic of listening tests: exact tests, intervals, rankings. No words, no files.

Binomial and Wilcoxon tests are SciPy's. The Bradley–Terry model (Bradley and Terry 1952) is fitted
with Newton's method on all bootstrap samples at once; its equality test simulates answers of
somebody who hears no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.05
"""What is rarer by chance than this counts as shown."""
CONFIDENCE = 0.95
DRAWS = 2000
"""Bootstrap samples; more move no interval by a visible amount."""
PRIOR = 0.25
"""Imagined wins in each direction of every pair, so that unbeaten conditions stay finite."""
_NEWTON_STEPS = 8
"""Enough for 12 digits; the likelihood is concave and the prior keeps it curved."""


def binomial_p(successes: int, total: int, *, one_sided: bool) -> float:
    """Exact chance to get ``successes`` or more (two-sided: or as rare) by coin tosses."""
    from scipy.stats import binomtest

    if total == 0:
        return 1.0
    side = "greater" if one_sided else "two-sided"
    return float(binomtest(successes, total, 0.5, alternative=side).pvalue)


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); 0 to 1 without any trial."""
    from scipy.stats import binomtest

    if total == 0:
        return 0.0, 1.0
    interval = binomtest(successes, total).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def needed(total: int, *, one_sided: bool) -> int | None:
    """The fewest equal answers of ``total`` that show something; None if not even all do."""
    for count in range(total // 2 + 1, total + 1):
        if binomial_p(count, total, one_sided=one_sided) < LEVEL:
            return count
    return None


def wilcoxon_p(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> float:
    """Two-sided Wilcoxon signed-rank test of paired scores; exact up to 13 pairs, ties included.

    Equal pairs are kept out (Wilcoxon's own way); without any difference the answer is 1.
    """
    from scipy.stats import PermutationMethod, wilcoxon

    gaps = np.asarray(first, float) - np.asarray(second, float)
    gaps = gaps[gaps != 0]
    if len(gaps) == 0:
        return 1.0
    method = PermutationMethod(n_resamples=9999, rng=np.random.default_rng(seed))
    return float(wilcoxon(gaps, method=method).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979), in the given order."""
    count = len(p_values)
    adjusted = [0.0] * count
    worst = 0.0
    for rank, i in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        worst = max(worst, min(1.0, (count - rank) * p_values[i]))
        adjusted[i] = worst
    return adjusted


def mean_interval(values: ArrayLike, *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval (percentiles) of a mean."""
    numbers = np.asarray(values, float)
    if len(numbers) < 2:
        return (float(numbers[0]), float(numbers[0])) if len(numbers) else (np.nan, np.nan)
    rng = np.random.default_rng(seed)
    means = rng.choice(numbers, (DRAWS, len(numbers))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def bradley_terry(wins: ArrayLike) -> Floats:
    """Strengths of conditions from pairwise wins.

    Args:
        wins: ``[…, m, m]``, how often row was preferred to column.

    Returns:
        float64 ``[…, m]`` log strengths with mean 0: row beats column with probability
        ``1 / (1 + exp(column − row))``.
    """
    counts = np.asarray(wins, float)
    size = counts.shape[-1]
    counts = counts + PRIOR * (1 - np.eye(size))
    games = counts + np.swapaxes(counts, -1, -2)
    logs: Floats = np.zeros(counts.shape[:-1])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(logs[..., None, :] - logs[..., :, None]))
        slope = (counts - games * chance).sum(axis=-1)
        weights = games * chance * (1 - chance)
        curvature = np.eye(size) * weights.sum(axis=-1, keepdims=True) - weights
        # Strengths are only known up to a constant; fixing their mean makes this solvable.
        step = np.linalg.solve(curvature + 1 / size, slope[..., None])[..., 0]
        logs = logs + np.clip(step, -1.5, 1.5)
    return logs - logs.mean(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Ranking:
    """A ranking by pairwise preferences; m conditions.

    Attributes:
        strengths: ``[m]`` log strengths, mean 0.
        low, high: their 95 % bootstrap intervals.
        equal_p: chance of answers at least as uneven from somebody who hears no difference.
        order: conditions from best to worst.
        leaders: the best and every condition that is not shown to be worse than it.
        wins: ``[m]`` preferred, of ``games`` ``[m]``.
    """

    strengths: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    equal_p: float
    order: tuple[int, ...]
    leaders: tuple[int, ...]
    wins: tuple[int, ...]
    games: tuple[int, ...]


def rank(
    wins: ArrayLike,
    *,
    by_chance: NDArray[np.int64] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> Ranking:
    """Rank conditions, and say which of them can be told apart from the best.

    Bootstrap samples are drawn from the fitted model, pair by pair, because few answers per pair
    are not worth resampling. The intervals of the differences to the best are corrected for their
    number (Bonferroni).

    Args:
        wins: ``[m, m]``, how often row was preferred to column.
        by_chance: ``[D, m, m]`` tests of the same length answered by somebody who hears no
            difference, see :func:`.adaptive.answers_by_chance`; None if the pairs were fixed.
        seed: of the simulation.
        draws: simulated data sets.
    """
    counts = np.asarray(wins, int)
    size = len(counts)
    games = counts + counts.T
    fitted = bradley_terry(counts)
    rng = np.random.default_rng(seed)
    upper = np.triu_indices(size, 1)

    def simulate(chances: Floats) -> NDArray[np.int64]:
        drawn = rng.binomial(games[upper], chances, (draws, len(chances)))
        data = np.zeros((draws, size, size), np.int64)
        data[:, upper[0], upper[1]] = drawn
        data[:, upper[1], upper[0]] = games[upper] - drawn
        return data

    chances = 1 / (1 + np.exp(fitted[upper[1]] - fitted[upper[0]]))
    samples = bradley_terry(simulate(chances))
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    if by_chance is None:
        by_chance = simulate(np.full(len(upper[0]), 0.5))
    rarer = np.sum(_evidence(by_chance) >= _evidence(counts) - 1e-9)
    order = sorted(range(size), key=lambda i: -fitted[i])
    best = order[0]
    least = LEVEL / max(1, size - 1)
    behind = np.quantile(samples[:, [best]] - samples, least / 2, axis=0)
    leaders = [best, *(i for i in order[1:] if behind[i] <= 0)]
    return Ranking(
        tuple(fitted.tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
        float((1 + rarer) / (1 + len(by_chance))),
        tuple(order),
        tuple(leaders),
        tuple(counts.sum(axis=1).tolist()),
        tuple(games.sum(axis=1).tolist()),
    )


def _evidence(wins: NDArray[np.int64]) -> Floats:
    """Log likelihood of the fitted strengths over that of equal ones, ``[…]``."""
    logs = bradley_terry(wins)
    chance = -np.logaddexp(0.0, logs[..., None, :] - logs[..., :, None])
    gained: Floats = (wins * (chance - np.log(0.5))).sum(axis=(-2, -1))
    return gained
