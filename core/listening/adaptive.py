"""Which two of many to compare next: the pair whose answer tells most about the ranking."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .statistics import PRIOR, Floats, bradley_terry

_UNHEARD = 1e3
"""Worth of hearing a condition for the first time: more than any information."""
_TIE = 1e-7


def next_pair(wins: ArrayLike, rng: random.Random) -> tuple[int, int]:
    """The pair to compare next.

    Each condition is heard once before any is compared by merit. Then the expected information of
    an answer counts: how open it is, ``p (1 − p)``, times how uncertain the difference of the two
    strengths still is (the curvature of the Bradley–Terry likelihood says so). Ties are drawn.

    Args:
        wins: ``[m, m]``, how often row was preferred to column.
        rng: for ties.
    """
    counts = np.asarray(wins, float)
    ties = np.array([rng.random() for _ in _pairs(len(counts))])
    best = int(np.argmax(_worth(counts) + _TIE * ties))
    return _pairs(len(counts))[best]


def answers_by_chance(
    size: int, trials: int, draws: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Whole tests answered by somebody who hears no difference, pairs chosen as above.

    Pairs that follow the answers make uneven results more frequent than fixed pairs do; these
    simulations know how much.

    Args:
        size: conditions m.
        trials: answers per test.
        draws: tests D.

    Returns:
        int64 ``[D, m, m]`` wins of row over column.
    """
    wins = np.zeros((draws, size, size), np.int64)
    pairs = np.array(_pairs(size))
    each = np.arange(draws)
    for _ in range(trials):
        ties = generator.random((draws, len(pairs)))
        chosen = pairs[np.argmax(_worth(wins) + _TIE * ties, axis=-1)]
        flipped = generator.random(draws) < 0.5
        winner = np.where(flipped, chosen[:, 1], chosen[:, 0])
        loser = np.where(flipped, chosen[:, 0], chosen[:, 1])
        wins[each, winner, loser] += 1
    return wins


def round_robin(size: int, trials: int, rng: random.Random) -> list[tuple[int, int]]:
    """All pairs in turn, each round in another order, where answers are not known beforehand."""
    schedule: list[tuple[int, int]] = []
    while size > 1 and len(schedule) < trials:
        pairs = _pairs(size)
        rng.shuffle(pairs)
        schedule += pairs
    return schedule[:trials]


def _pairs(size: int) -> list[tuple[int, int]]:
    return list(combinations(range(size), 2))


def _worth(wins: ArrayLike) -> Floats:
    """How much an answer about each pair would tell, ``[…, pairs]``."""
    counts = np.asarray(wins, float)
    size = counts.shape[-1]
    games = counts + np.swapaxes(counts, -1, -2)
    unheard = (games.sum(axis=-1) == 0).astype(float)
    strength = bradley_terry(counts)
    chance = 1 / (1 + np.exp(strength[..., None, :] - strength[..., :, None]))
    openness = chance * (1 - chance)
    weights = (games + 2 * PRIOR) * openness * (1 - np.eye(size))
    information = np.eye(size) * weights.sum(axis=-1, keepdims=True) - weights
    # Strengths are only known up to a constant; fixing their mean makes the matrix invertible.
    covariance = np.linalg.inv(information + 1 / size)
    i, j = np.array(_pairs(size)).T
    doubt = covariance[..., i, i] + covariance[..., j, j] - 2 * covariance[..., i, j]
    told: Floats = openness[..., i, j] * doubt + _UNHEARD * (unheard[..., i] + unheard[..., j])
    return told
