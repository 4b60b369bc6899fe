"""The arithmetic against published tables, SciPy and independent formulas; and its error rates."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import optimize, stats

from singwiz.core.listening.adaptive import answers_by_chance, next_pair, round_robin
from singwiz.core.listening.statistics import (
    PRIOR,
    _evidence,
    binomial_p,
    bradley_terry,
    holm,
    mean_interval,
    needed,
    rank,
    wilcoxon_p,
    wilson,
)


@pytest.mark.parametrize(
    ("total", "critical"),
    [(5, 5), (8, 7), (10, 9), (12, 10), (16, 12), (20, 15), (25, 18), (50, 32)],
)
def test_abx_needs_as_many_right_answers_as_the_published_tables_say(
    total: int, critical: int
) -> None:
    assert needed(total, one_sided=True) == critical


def test_binomial_chances_are_the_well_known_ones() -> None:
    assert binomial_p(12, 16, one_sided=True) == pytest.approx(0.0384, abs=5e-5)
    assert binomial_p(13, 16, one_sided=False) == pytest.approx(0.0213, abs=5e-5)
    assert binomial_p(8, 16, one_sided=False) == 1.0
    assert binomial_p(0, 0, one_sided=True) == 1.0


def test_too_few_answers_can_show_nothing() -> None:
    assert needed(4, one_sided=True) is None
    assert needed(5, one_sided=False) is None
    assert needed(6, one_sided=False) == 6


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombe(
    successes: int, total: int, low: float, high: float
) -> None:
    assert wilson(successes, total) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


def gaps_with_rank_sum(count: int, negative: set[int]) -> np.ndarray:
    return np.array([-i if i in negative else i for i in range(1, count + 1)], float)


@pytest.mark.parametrize(
    ("count", "negative", "shown"),
    [  # two-sided 5 % critical rank sums: n = 6: 0, n = 8: 3, n = 10: 8
        (6, set(), True),
        (6, {1}, False),
        (8, {3}, True),
        (8, {4}, False),
        (10, {8}, True),
        (10, {9}, False),
    ],
)
def test_wilcoxon_agrees_with_the_table_of_critical_values(
    count: int, negative: set[int], shown: bool
) -> None:
    gaps = gaps_with_rank_sum(count, negative)
    p = wilcoxon_p(gaps, np.zeros(count))
    assert (p < 0.05) is shown
    assert p == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)


def test_wilcoxon_with_ties_counts_all_signs() -> None:
    gaps = np.array([10, 10, 10, 10, 10, 10, 10, -10.0])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    sums = (signs * stats.rankdata(np.abs(gaps))[:, None]).sum(axis=0)
    observed = (np.sign(gaps) * stats.rankdata(np.abs(gaps))).sum()
    assert wilcoxon_p(gaps, np.zeros(8)) == pytest.approx(np.mean(np.abs(sums) >= observed))
    assert wilcoxon_p([3, 3], [3, 3]) == 1.0


def test_holm_corrects_like_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_bootstrap_interval_of_a_mean_is_near_the_exact_one() -> None:
    values = np.random.default_rng(3).normal(50, 10, 60)
    low, high = mean_interval(values)
    exact = stats.t.interval(0.95, 59, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(exact, abs=0.6)


def test_bradley_terry_maximises_the_likelihood() -> None:
    wins = np.array([[0, 5, 8, 6], [1, 0, 4, 5], [0, 2, 0, 3], [2, 1, 4, 0]], float)
    counts = wins + PRIOR * (1 - np.eye(4))

    def loss(free: np.ndarray) -> float:
        logs = np.append(free, 0.0)
        gap = logs[:, None] - logs[None, :]
        return float((counts * np.logaddexp(0, -gap)).sum())

    best = np.append(optimize.minimize(loss, np.zeros(3), tol=1e-10).x, 0.0)
    assert bradley_terry(wins) == pytest.approx(best - best.mean(), abs=1e-4)


def test_an_unbeaten_condition_stays_finite() -> None:
    strength = bradley_terry(np.array([[0, 30, 30], [0, 0, 30], [0, 0, 0]]))
    assert np.isfinite(strength).all() and list(np.argsort(-strength)) == [0, 1, 2]


def test_ranking_claims_a_difference_by_chance_in_one_of_twenty_tests() -> None:
    some, others = (answers_by_chance(4, 30, 800, np.random.default_rng(seed)) for seed in (1, 2))
    limit = np.quantile(_evidence(others), 0.95)
    assert np.mean(_evidence(some) > limit) == pytest.approx(0.05, abs=0.025)
    # Fixed pairs would promise too much: pairs that follow the answers make results uneven.
    plain = np.zeros_like(some)
    rng = np.random.default_rng(3)
    for i in range(4):
        for j in range(i + 1, 4):
            plain[:, i, j] = rng.binomial(5, 0.5, 800)
            plain[:, j, i] = 5 - plain[:, i, j]
    assert np.mean(_evidence(some) > np.quantile(_evidence(plain), 0.95)) > 0.05


def simulated(strengths: list[float], trials: int, seed: int) -> np.ndarray:
    rng, drawn = random.Random(seed), np.random.default_rng(seed)
    wins = np.zeros((len(strengths), len(strengths)), int)
    for _ in range(trials):
        i, j = next_pair(wins, rng)
        if drawn.random() < 1 / (1 + np.exp(strengths[j] - strengths[i])):
            wins[i, j] += 1
        else:
            wins[j, i] += 1
    return wins


def test_a_skilled_listener_finds_the_best_of_four() -> None:
    by_chance = answers_by_chance(4, 40, 300, np.random.default_rng(0))
    found = [
        rank(simulated([-1, 3, 0, -2], 40, seed), by_chance=by_chance, seed=seed, draws=200)
        for seed in range(8)
    ]
    assert sum(one.order[0] == 1 for one in found) >= 7
    assert sum(one.equal_p < 0.05 for one in found) >= 7
    assert all(one.leaders[0] == one.order[0] for one in found)


def test_a_deaf_listener_is_never_told_that_one_is_the_best_with_certainty() -> None:
    by_chance = answers_by_chance(4, 30, 300, np.random.default_rng(0))
    found = [
        rank(simulated([0, 0, 0, 0], 30, seed), by_chance=by_chance, seed=seed, draws=200)
        for seed in range(8)
    ]
    assert sum(one.equal_p < 0.05 and len(one.leaders) == 1 for one in found) <= 1


def test_every_condition_is_heard_before_merit_counts() -> None:
    wins = np.zeros((7, 7), int)
    heard = set()
    rng = random.Random(0)
    for _ in range(4):
        i, j = next_pair(wins, rng)
        wins[i, j] += 1
        heard |= {i, j}
    assert heard == set(range(7))


def test_close_contenders_are_compared_more_often_than_decided_ones() -> None:
    wins = simulated([0, 0.1, -4, -4.5], 60, 5)
    games = wins + wins.T
    assert games[0, 1] > games[0, 2] and games[0, 1] > games[1, 3]


def test_fixed_pairs_go_round_evenly() -> None:
    pairs = round_robin(4, 12, random.Random(0))
    assert sorted(pairs) == sorted([(i, j) for i in range(4) for j in range(i + 1, 4)] * 2)
