"""What the answers mean, in words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from singwiz.core.listening.design import Trial
from singwiz.core.listening.store import ListeningTest
from singwiz.core.listening.tables import condition_table, figure_table, session_table
from singwiz.core.listening.verdict import judge

from .conftest import label_of, listen, make, prefers


def exactly(test: ListeningTest, label: str, count: int) -> Any:
    """A listener who prefers one condition in the first ``count`` questions."""
    careful = prefers(test, label)
    asked = [0]

    def answer(trial: Trial) -> dict[str, Any]:
        given = careful(trial)
        if trial.catch:
            return given
        asked[0] += 1
        return given if asked[0] <= count else {"choice": "BA"["AB".index(given["choice"])]}

    return answer


def test_thirteen_of_sixteen_is_a_preference(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late", trials=16)
    listen(test, exactly(test, "late", 13))
    outcome = judge(test)
    assert outcome.words == "'late' preferred, 13 of 16, p = 0.021."
    assert outcome.shown and outcome.winner == "late"
    table = condition_table(outcome)
    assert table is not None and table.rows[1][:3] == ("late", "13 of 16", "81%")


def test_twelve_of_sixteen_shows_no_preference(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late", trials=16)
    listen(test, exactly(test, "late", 12))
    outcome = judge(test)
    assert outcome.words.startswith("No difference shown: 'late' was preferred 12 of 16 times")
    assert "It takes 13 equal answers of 16" in outcome.words
    assert (
        not outcome.shown and outcome.winner == "" and outcome.p == pytest.approx(0.0768, abs=1e-4)
    )


def test_twelve_right_of_sixteen_is_a_difference_heard(tmp_path: Path) -> None:
    test = make(tmp_path, "abx", "early", "late", trials=16)
    right = [0]

    def answer(trial: Trial) -> dict[str, Any]:
        right[0] += not trial.catch
        wrong = {"A": "B", "B": "A"}[trial.right]
        return {"choice": trial.right if trial.catch or right[0] <= 12 else wrong}

    listen(test, answer)
    assert judge(test).words == (
        "A difference between 'early' and 'late' was heard: 12 of 16 right, p = 0.038."
    )


def test_who_misses_a_catch_trial_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late")
    careful = prefers(test, "late")

    def careless(trial: Trial) -> dict[str, Any]:
        given = careful(trial)
        return {"choice": "BA"["AB".index(given["choice"])]} if trial.catch else given

    listen(test, careless, listener="Ben")
    assert judge(test).words == "No verdict: nobody who finished passed the catch trials."
    assert judge(test, everybody=True).winner == "late"
    listen(test, careful, listener="Anna")
    outcome = judge(test)
    table = session_table(outcome)
    assert outcome.winner == "late" and table is not None
    assert table.rows[0][2:] == ("2", "no: missed a catch trial") and table.rows[1][3] == "yes"


def test_listening_again_until_it_pleases_does_not_count(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late")
    listen(test, prefers(test, "early"), listener="Anna")
    for _ in range(2):
        listen(test, prefers(test, "late"), listener="Anna")
    outcome = judge(test)
    assert outcome.winner == "early"
    assert [one.why for one in outcome.sessions] == ["", *["has listened before"] * 2]


def test_an_unfinished_test_has_no_verdict(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late")
    assert judge(test).words == "No verdict yet: no listener has finished the test."
    session = test.begin()
    while len(session.answers) < test.plan.length - 1:
        trial = test.next_trial(session)
        assert trial is not None
        session = test.answer(session, trial, prefers(test, "late")(trial))
    assert judge(test).words == "No verdict yet: no listener has finished the test."


def test_a_ranking_names_the_best_of_many(tmp_path: Path) -> None:
    labels = ("one", "two", "three")
    test = make(tmp_path, "rank", *labels, trials=30)

    def answer(trial: Trial) -> dict[str, Any]:
        if trial.catch:
            return {"choice": trial.right}
        places = [labels.index(label_of(test, token)) for token in trial.tokens]
        return {"choice": "A" if places[0] > places[1] else "B"}

    listen(test, answer)
    outcome = judge(test)
    assert outcome.winner == "three" and "Order: three > two > one." in outcome.words
    assert [row["place"] for row in outcome.conditions] == [1, 2, 3]


def scorer(test: ListeningTest, scores: dict[str, int], seed: int = 0) -> Any:
    rng = random.Random(seed)

    def answer(trial: Trial) -> dict[str, Any]:
        given = {}
        for letter, token in zip(trial.letters, trial.tokens, strict=True):
            if letter in trial.rated:
                given[letter] = min(100, scores[label_of(test, token)] + rng.randint(0, 6))
        return {"scores": given}

    return answer


ANCHORS = {"recording": 95, "anchor, 3.5 kHz": 15, "anchor, 7 kHz": 40}


def make_stages(folder: Path) -> ListeningTest:
    """The vocoder alone beside the acoustic model."""
    labels, sources = ("copy-synthesis", "acoustic model"), ("recording", "copy", "voice")
    return make(folder, "mushra", *labels, trials=8, clips=8, stages=True, sources=sources)


def test_mushra_scores_name_the_better_one_and_the_first_bad_stage(tmp_path: Path) -> None:
    test = make_stages(tmp_path)
    heard = {"copy-synthesis": 91, "acoustic model": 50}
    listen(test, scorer(test, ANCHORS | heard))
    outcome = judge(test)
    assert outcome.winner == "copy-synthesis" and outcome.p == pytest.approx(2 / 2**8)
    assert "most is lost in the acoustic model" in outcome.words or (
        "The first bad stage is the acoustic model" in outcome.words
    )
    table = condition_table(outcome)
    assert table is not None and [row[0] for row in table.rows][:2] == [
        "recording",
        "copy-synthesis",
    ]


def test_a_bad_vocoder_is_the_first_bad_stage(tmp_path: Path) -> None:
    test = make_stages(tmp_path)
    listen(test, scorer(test, ANCHORS | {"copy-synthesis": 40, "acoustic model": 40}))
    outcome = judge(test)
    assert "The first bad stage is the vocoder" in outcome.words
    assert outcome.words.startswith("No difference shown between")


def test_too_few_ratings_for_so_many_conditions_are_said_to_be_too_few(tmp_path: Path) -> None:
    scores = {"one": 90, "two": 70, "three": 50}
    test = make(tmp_path, "mushra", *scores, trials=6, clips=6)
    listen(test, scorer(test, ANCHORS | scores))
    alone = judge(test).words
    assert alone.startswith("No difference shown between")
    assert "6 ratings of each are too few to show one between 3" in alone
    listen(test, scorer(test, ANCHORS | scores), listener="a friend")
    assert judge(test).winner == "one"


def test_who_does_not_find_the_hidden_reference_is_left_out(tmp_path: Path) -> None:
    test = make(tmp_path, "mushra", "one", trials=6, clips=6)
    listen(test, scorer(test, ANCHORS | {"recording": 60, "one": 90}))
    (line,) = judge(test).sessions
    assert not line.counted and "reference" in line.why


def test_tags_say_what_is_wrong(tmp_path: Path) -> None:
    test = make(tmp_path, "tag", "early", "late", trials=16, clips=8)

    def answer(trial: Trial) -> dict[str, Any]:
        if trial.catch:
            return {"score": 1, "tags": ["clipping"]}
        bad = label_of(test, trial.tokens[0]) == "early"
        return {"score": 2 if bad else 4, "tags": ["buzz"] if bad else []}

    listen(test, answer)
    outcome = judge(test)
    assert outcome.winner == "late" and "'early': buzz in 8 of 8" in outcome.words
    table = condition_table(outcome)
    assert table is not None and table.rows[1] == ("early", "2.0", "2.0 to 2.0", "buzz 8 of 8")
    assert figure_table(outcome) is None


def test_six_listeners_are_counted_as_people_too(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late", trials=6, clips=2)
    for number in range(6):
        listen(test, prefers(test, "late"), listener=f"friend {number}")
    outcome = judge(test)
    assert outcome.p is not None and outcome.p < 1e-9
    assert "Counting listeners instead of answers (Wilcoxon): p = 0.031." in outcome.notes


def test_simulated_listeners_are_right_as_often_as_the_level_promises(tmp_path: Path) -> None:
    test = make(tmp_path, "ab", "early", "late", trials=6, clips=2)
    deaf = sum(_verdict(test, tmp_path, 0.5, seed).shown for seed in range(15))
    keen = sum(_verdict(test, tmp_path, 1.0, seed).winner == "late" for seed in range(3))
    assert deaf <= 3, "one in twenty on average, and 6 of 6 is rarer still"
    assert keen == 3


def _verdict(test: ListeningTest, folder: Path, share: float, seed: int) -> Any:
    listen(test, prefers(test, "late", share=share, seed=seed), order=seed)
    outcome = judge(test)
    (test.folder / "answers.jsonl").unlink()
    return outcome
