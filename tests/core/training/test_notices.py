"""When the series of validations says that enough is enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from singwiz.core.training.notices import ValidationRecord, find_notices, overfitting, plateau


def series(
    scores: Sequence[float],
    *,
    validation: Sequence[float] | None = None,
    training: Sequence[float] | None = None,
    score_name: str = "mel_l1",
) -> list[ValidationRecord]:
    """Validations every 100 steps."""
    losses = validation or [1.0] * len(scores)
    trained = training or [1.0] * len(scores)
    return [
        ValidationRecord(100 * (i + 1), {"dur_loss": v}, {"dur_loss": t}, score_name, s, 10)
        for i, (s, v, t) in enumerate(zip(scores, losses, trained, strict=True))
    ]


def test_a_model_that_still_improves_is_left_alone() -> None:
    scores = [float(s) for s in np.linspace(1.0, 0.5, 40)]
    assert plateau(series(scores)) is None


def test_five_validations_without_a_better_one_are_a_plateau() -> None:
    scores = [0.9, 0.7, 0.5, 0.51, 0.5, 0.52, 0.499]
    assert plateau(series(scores)) is None
    notice = plateau(series([*scores, 0.51]))
    assert notice is not None
    assert notice.code == "plateau"
    assert notice.since == 300
    assert "step 300" in notice.message


def test_a_long_training_is_given_more_time() -> None:
    falling = [float(s) for s in np.linspace(1.0, 0.5, 30)]
    assert plateau(series([*falling, *[0.5] * 7])) is None
    assert plateau(series([*falling, *[0.5] * 12])) is not None


def test_scores_that_mean_something_else_are_not_compared() -> None:
    before = series([0.1] * 8, score_name="validation/total_loss")
    assert plateau(before) is not None
    assert plateau([*before, *series([0.5] * 4)]) is None


def test_a_score_that_is_no_number_says_nothing() -> None:
    assert plateau(series([0.5, float("nan"), *[0.5] * 8])) is None


LEARNT = [1.0, 0.8, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3]
BY_HEART = [1.0, 0.8, 0.7, 0.69, 0.75, 0.8, 0.85, 0.9]


def test_held_out_recordings_that_get_worse_while_training_goes_on_are_overfitting() -> None:
    notice = overfitting(series([1.0] * 8, validation=BY_HEART, training=LEARNT), "dur_loss")
    assert notice is not None
    assert (notice.code, notice.part, notice.since) == ("overfitting", "dur_loss", 400)
    assert notice.message.startswith("Durations: since step 400")


@pytest.mark.parametrize(
    ("validation", "training"),
    [
        (BY_HEART, [1.0, 0.8, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5]),  # training does not get better
        ([1.0, 0.8, 0.7, 0.69, 0.75, 0.69, 0.85, 0.9], LEARNT),  # a good one in between
        ([1.0, 0.8, 0.7, 0.69, 0.695, 0.7, 0.695, 0.7], LEARNT),  # hardly worse
        (LEARNT, LEARNT),
    ],
    ids=["training-stands", "wavering", "hardly", "fine"],
)
def test_other_shapes_are_no_overfitting(validation: list[float], training: list[float]) -> None:
    assert overfitting(series([1.0] * 8, validation=validation, training=training), "dur_loss") is (
        None
    )


def test_both_notices_can_hold_and_few_validations_say_nothing() -> None:
    both = series([0.5] * 8, validation=BY_HEART, training=LEARNT)
    assert [notice.code for notice in find_notices(both)] == ["overfitting", "plateau"]
    assert find_notices(both[:4]) == []
    assert find_notices([]) == []
