"""The validations kept on disk, and which checkpoint is the best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.journal import BEST, VALIDATIONS, Journal, read_best, read_validations
from singwiz.core.training.measurements import Measurement
from singwiz.core.training.notices import ValidationRecord


def record(step: int, score: float, *, name: str = "mel_l1", items: int = 10) -> ValidationRecord:
    measured = Measurement("mel_l1", "mel error", "nat", score, items, classes={"vowel": 0.4})
    return ValidationRecord(
        step, {"total_loss": 1.0}, {}, name, score, items, measurements=(measured,)
    )


def validated(journal: Journal, *records: ValidationRecord) -> None:
    """As a training does it: the checkpoint is written after the validation."""
    for one in records:
        journal.add(one)
        (journal.work_dir / checkpoint_name(one.step)).touch()
        journal.mark_best()


def test_what_was_measured_comes_back_from_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    validated(journal, record(10, 0.6), record(20, 0.5))
    assert read_validations(tmp_path) == journal.records
    assert Journal(tmp_path).records == journal.records
    assert len((tmp_path / VALIDATIONS).read_text().splitlines()) == 2


def test_numbers_that_are_none_are_written_as_plain_json(tmp_path: Path) -> None:
    Journal(tmp_path).add(record(10, float("nan")))
    text = (tmp_path / VALIDATIONS).read_text()
    assert "NaN" not in text
    assert json.loads(text)["score"] is None
    (read,) = read_validations(tmp_path)
    assert read.score != read.score


def test_a_step_that_is_trained_anew_replaces_what_was_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    validated(journal, record(10, 0.6), record(20, 0.5), record(30, 0.4))
    journal.begin(20)
    validated(journal, record(20, 0.55))
    assert [(one.step, one.score) for one in read_validations(tmp_path)] == [(10, 0.6), (20, 0.55)]


def test_the_best_checkpoint_is_named_with_the_reason(tmp_path: Path) -> None:
    validated(Journal(tmp_path), record(10, 0.6), record(20, 0.5), record(30, 0.55))
    best = read_best(tmp_path)
    assert best is not None
    assert (best.step, best.checkpoint) == (20, tmp_path / checkpoint_name(20))
    assert best.why == "lowest mel error of 3 validations on 10 held-out recordings"
    assert best.to_dict()["checkpoint"] == str(tmp_path / checkpoint_name(20))


def test_only_scores_of_the_same_kind_and_recordings_compete(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    validated(journal, record(10, 0.1, name="aux_mel_l1"), record(20, 0.2, items=4))
    validated(journal, record(30, 0.5), record(40, 0.6))
    assert journal.protected() == {30}


def test_a_deleted_checkpoint_is_not_the_best(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    validated(journal, record(10, 0.3), record(20, 0.5))
    (tmp_path / checkpoint_name(10)).unlink()
    assert read_best(tmp_path) is None
    assert journal.protected() == {20}


def test_the_step_just_validated_is_protected_before_its_file_exists(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.protected() == set()
    journal.add(record(10, 0.3))
    assert journal.protected() == {10}
    journal.mark_best()
    assert not (tmp_path / BEST).exists()


def test_a_notice_is_new_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    new = [journal.add(record(10 * (i + 1), 0.5)) for i in range(8)]
    assert [[notice.code for notice in one] for one in new] == [[]] * 5 + [["plateau"], [], []]
    assert [len(one.notices) for one in read_validations(tmp_path)] == [0] * 5 + [1] * 3


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "null", '{"step": 1}', '{"step": "x"}', '{"step": 5, "validation": 3}'],
)
def test_damaged_lines_are_left_out(tmp_path: Path, line: str) -> None:
    Journal(tmp_path).add(record(10, 0.5))
    path = tmp_path / VALIDATIONS
    path.write_text(line + "\n" + path.read_text())
    assert [one.step for one in read_validations(tmp_path)] == [10]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"step": 1}',
        json.dumps({"step": 1, "checkpoint": "../x", "score_name": "a", "score": 1, "why": ""}),
    ],
)
def test_a_damaged_or_hostile_mark_is_no_mark(tmp_path: Path, content: str) -> None:
    (tmp_path / "x").touch()
    work_dir = tmp_path / "exp"
    work_dir.mkdir()
    (work_dir / BEST).write_text(content)
    assert read_best(work_dir) is None


def test_what_speaks_against_a_checkpoint_counts_before_its_score(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    wrong = [
        replace(record(s, score), against="out of tune") for s, score in ((10, 0.4), (20, 0.3))
    ]
    validated(journal, *wrong)
    best = read_best(tmp_path)
    assert best is not None
    assert (best.step, best.why.partition("; ")[2]) == (20, "still out of tune")
    validated(journal, record(30, 0.6), replace(record(40, 0.2), against="out of tune"))
    best = read_best(tmp_path)
    assert best is not None
    assert best.step == 30
    assert best.why.endswith("; those that are out of tune do not count")
    assert [one.against for one in read_validations(tmp_path)].count("out of tune") == 3
    assert journal.protected() == {30}
