"""The train step shows what held-out recordings say, and what was planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Chart, Table, Text
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter
from singwiz.core.training.journal import Journal
from singwiz.core.training.measurements import Measurement
from singwiz.core.training.notices import ValidationRecord

PLAN = ("Start: a new model, from step 0.", "Model: 1.00 million parameters, all of them trained.")


def record(step: int, error: float) -> ValidationRecord:
    measured = (
        Measurement("mel_l1", "Mel error", "nat", error, 2, baseline=0.9),
        Measurement("voiced", "Voicing", "", 0.95, 2, higher_is_better=True),
    )
    return ValidationRecord(
        step, {"total_loss": 1.0}, {"total_loss": 1.0}, "mel_l1", error, 2, measurements=measured
    )


def train(folder_errors: dict[int, float]) -> Any:
    """A training that validates with these errors."""

    def stage(project: Project, params: Any, reporter: Reporter) -> dict[str, Any]:
        folder = project.experiment_dir("acoustic")
        folder.mkdir(parents=True, exist_ok=True)
        for number, line in enumerate(PLAN, 1):
            reporter.log(f"[{number}/{len(PLAN)}] {line}")
        reporter.log("Something else.")
        journal = Journal(folder)
        for step, error in folder_errors.items():
            journal.add(record(step, error))
            (folder / f"model_ckpt_steps_{step}.ckpt").write_bytes(b"")
            journal.mark_best()
        return {"steps": max(folder_errors)}

    return stage


@pytest.fixture
def trained(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> Guide:
    clean = {"findings": [], "summary": {"errors": 0, "items": 6, "seconds": 12.6}}
    monkeypatch.setitem(STAGES, "check", lambda *_: clean)
    monkeypatch.setitem(STAGES, "binarize", lambda *_: {"counts": {"train": 5, "valid": 1}})
    errors = {100: 0.6, 200: 0.4, 300: 0.5} | dict.fromkeys(range(400, 900, 100), 0.5)
    monkeypatch.setitem(STAGES, "train", train(errors))
    run_here(guide.project, "check", {}, reporter=Reporter())
    assert guide.answer("model", {"preset": "tiny"}).ok
    assert guide.act("model", "write").ok
    for stage in ("binarize", "train"):
        run_here(guide.project, stage, {}, reporter=Reporter())
    return guide


def test_figures_stand_beside_the_best_and_a_simple_rule(trained: Guide) -> None:
    blocks = trained.view("train").blocks
    figures = next(one for one in blocks if isinstance(one, Table) and "Held-out" in one.title)
    assert figures.columns == ("Measured", "Now, step 800", "Best, step 200", "A simple rule")
    assert figures.rows == (
        ("Mel error (nat)", "0.5", "0.4", "0.9"),
        ("Voicing", "0.95", "0.95", "–"),
    )
    course = next(one for one in blocks if isinstance(one, Chart))
    assert course.series["Mel error"][:2] == ((100.0, 0.6), (200.0, 0.4))


def test_the_best_checkpoint_is_named_and_a_standstill_is_said(trained: Guide) -> None:
    blocks = trained.view("train").blocks
    said = {one.tone: one.body for one in blocks if isinstance(one, Text)}
    assert "step 200" in said["good"] and "lowest Mel error of 8 validations" in said["good"]
    assert "hardly come out better since step 200" in said["warning"]
    checkpoints = next(
        one for one in blocks if isinstance(one, Table) and one.title == "Checkpoints"
    )
    assert [row[0] for row in checkpoints.rows if row[2]] == ["200"]


def test_the_plan_is_kept_although_the_log_moves_on(trained: Guide) -> None:
    view = trained.view("train")
    (plan,) = [
        one.body
        for one in view.blocks
        if isinstance(one, Text) and "What this training" in one.body
    ]
    for line in PLAN:
        assert f"- {line}" in plan
    assert view.job is not None and view.job.log_tail == ("Something else.",)


def test_a_best_checkpoint_that_is_gone_is_not_named(trained: Guide) -> None:
    folder = trained.project.experiment_dir("acoustic")
    (folder / "model_ckpt_steps_200.ckpt").unlink()
    blocks = Guide.open(trained.project.root).view("train").blocks
    assert not any(isinstance(one, Text) and "best checkpoint" in one.body for one in blocks)
    checkpoints = next(
        one for one in blocks if isinstance(one, Table) and one.title == "Checkpoints"
    )
    assert len(checkpoints.columns) == 2


def test_a_damaged_journal_hides_nothing_else(trained: Guide) -> None:
    folder: Path = trained.project.experiment_dir("acoustic")
    (folder / "validation.jsonl").write_text('{"step": "x"}\n[1, 2]\n', encoding="utf-8")
    titles = [one.title for one in trained.view("train").blocks if isinstance(one, Table)]
    assert titles == ["Checkpoints"]
