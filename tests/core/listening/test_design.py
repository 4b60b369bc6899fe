"""Orders: balanced, reproducible, with catch trials; and which answers a question takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.listening.design import (
    check_answer,
    check_size,
    fixed_trials,
    trial_at,
)
from singwiz.core.listening.store import ListeningTest

from .conftest import label_of, make


def test_an_order_can_be_made_again_and_another_order_differs(pair: ListeningTest) -> None:
    again = fixed_trials(pair.plan, 5)
    assert fixed_trials(pair.plan, 5) == again
    assert fixed_trials(pair.plan, 6) != again


def test_sides_and_clips_are_balanced(pair: ListeningTest) -> None:
    for order in range(20):
        trials = [one for one in fixed_trials(pair.plan, order) if not one.catch]
        assert len(trials) == pair.plan.trials
        first = Counter(label_of(pair, one.tokens[0]) for one in trials)
        assert first == {"step 1000": 4, "step 2000": 4}
        assert set(Counter(one.clip for one in trials).values()) == {2}


def test_two_catch_trials_are_mixed_in_but_never_open_a_test(pair: ListeningTest) -> None:
    places = Counter()
    for order in range(60):
        trials = fixed_trials(pair.plan, order)
        assert len(trials) == pair.plan.length == pair.plan.trials + 2
        catches = [one for one in trials if one.catch]
        assert len(catches) == 2 and catches[0].number > 0
        for one in catches:
            places[one.number] += 1
            good = one.tokens["AB".index(one.right)]
            assert label_of(pair, good) != "spoiled on purpose"
    assert len(places) > 5, "nobody can learn where they are"


def test_x_is_a_or_b_equally_often_and_never_the_same_file(tmp_path: Path) -> None:
    test = make(tmp_path, "abx", "one", "two")
    for order in range(10):
        trials = fixed_trials(test.plan, order)
        counted = Counter(one.right for one in trials if not one.catch)
        assert counted == {"A": 4, "B": 4}
        for one in trials:
            a_or_b = one.tokens["AB".index(one.right)]
            assert label_of(test, one.tokens[2]) == label_of(test, a_or_b)
            assert test.plan.sound(one.tokens[2]).clip == test.plan.sound(a_or_b).clip
            contents = {test.sound(token).read_bytes() for token in one.tokens}
            assert len(contents) == 3, "equal files would give X away"


def test_a_mushra_page_hides_the_reference_among_anchors_and_candidates(tmp_path: Path) -> None:
    test = make(tmp_path, "mushra", "one", "two", trials=6, clips=6)
    trials = fixed_trials(test.plan, 0)
    assert sorted(one.clip for one in trials) == sorted(clip.id for clip in test.plan.clips)
    for one in trials:
        assert one.letters == ("R", "A", "B", "C", "D", "E")
        assert label_of(test, one.tokens[0]) == "recording"
        hidden = Counter(label_of(test, token) for token in one.tokens[1:])
        assert set(hidden) == {"recording", "one", "two", "anchor, 3.5 kHz", "anchor, 7 kHz"}
    places = {tuple(label_of(test, token) for token in one.tokens) for one in trials}
    assert len(places) > 1, "letters move from page to page"


def test_tagging_plays_every_clip_of_every_condition_once(tmp_path: Path) -> None:
    test = make(tmp_path, "tag", "one", "two", trials=8, clips=4)
    heard = [one.tokens[0] for one in fixed_trials(test.plan, 3) if not one.catch]
    expected = {one.token for one in test.plan.sounds if one.condition != "broken"}
    assert set(heard) == expected and len(heard) == len(expected)


BAD_CHOICES: list[Any] = [None, "A", {}, {"choice": "C"}, {"choice": 1}, {"choice": "A", "x": 1}]


@pytest.mark.parametrize("answer", BAD_CHOICES)
def test_an_answer_to_another_question_is_refused(pair: ListeningTest, answer: Any) -> None:
    with pytest.raises(SingwizError) as caught:
        check_answer(pair.plan, trial_at(pair.plan, 0, 0), answer)
    assert caught.value.code == "listening-answer-invalid"


def test_scores_outside_of_the_scale_are_refused(tmp_path: Path) -> None:
    test = make(tmp_path, "mushra", "one", trials=6, clips=6)
    trial = trial_at(test.plan, 0, 0)
    good = dict.fromkeys(trial.rated, 50)
    assert check_answer(test.plan, trial, {"scores": good}) == {"scores": good}
    for score in (-1, 101, 50.5, True, "50", None):
        with pytest.raises(SingwizError):
            check_answer(test.plan, trial, {"scores": good | {"A": score}})


@pytest.mark.parametrize(
    ("kind", "conditions", "trials", "code"),
    [
        ("xyz", 2, 16, "listening-kind-unknown"),
        ("ab", 3, 16, "listening-conditions-count"),
        ("rank", 2, 16, "listening-conditions-count"),
        ("ab", 2, 5, "listening-trials-count"),
        ("ab", 2, 101, "listening-trials-count"),
    ],
)
def test_tests_that_could_show_nothing_are_not_made(
    kind: str, conditions: int, trials: int, code: str
) -> None:
    with pytest.raises(SingwizError) as caught:
        check_size(kind, conditions, trials)
    assert caught.value.code == code
