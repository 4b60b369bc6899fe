"""The step that exports: what is missing, what is asked, what is shown of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import StepStatus, Table
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from ...core.synthesis.conftest import make_experiment, make_variance_experiment
from .conftest import action, question
from .test_guide import Elsewhere, elsewhere, texts  # noqa: F401


@pytest.fixture
def voice(guide: Guide, elsewhere: Elsewhere) -> Guide:  # noqa: F811
    """A project with a trained voice that needs breathiness."""

    def nothing(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        return {}

    checkpoints = guide.project.checkpoints_dir
    make_experiment(checkpoints / "acoustic", use_breathiness_embed=True)
    elsewhere.run(guide, "train", nothing)
    return guide


def test_what_is_missing_is_said_and_can_be_accepted(voice: Guide) -> None:
    view = voice.view("export")
    assert not action(view, "start").enabled
    shown = texts(voice, "export")
    assert "durations" in shown and "breathiness" in shown
    assert question(view, "incomplete").value is False
    assert voice.answer("export", {"incomplete": True}).ok
    assert action(voice.view("export"), "start").enabled


def test_a_variance_model_completes_the_voice(voice: Guide) -> None:
    voice.view("export")
    checkpoints = voice.project.checkpoints_dir
    make_variance_experiment(checkpoints / "variance", "dur", "breathiness")
    view = voice.view("export")
    assert action(view, "start").enabled
    assert not [one for one in view.blocks if one.tone == "warning"]
    assert "permission is on record" in view.blocks[0].body
    assert all(asked.id != "incomplete" for asked in view.questions)


def test_files_have_to_exist(voice: Guide, tmp_path: Path) -> None:
    answered = voice.answer("export", {"image": str(tmp_path / "no.png"), "author": "me"})
    assert set(answered.errors) == {"image"}
    assert question(voice.view("export"), "author").value == "me"


def test_the_report_is_shown(voice: Guide, elsewhere: Elsewhere, tmp_path: Path) -> None:  # noqa: F811
    remark = {"severity": "warning", "code": "W", "where": "dsdur", "message": "m", "hint": "h"}
    report = {
        "passed": True,
        "remarks": [remark],
        "renders": [{"speaker": "01: anna", "language": "ja", "seconds": 3.0}],
    }

    def export(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        return {
            "folder": str(tmp_path / "Aoi"),
            "archive": str(tmp_path / "Aoi.zip"),
            "types_file": "types.yaml",
            "errors": {"acoustic.onnx: mel": 1e-5},
            "guessed_types": {"cl": "stop"},
            "report": report,
        }

    elsewhere.run(voice, "export", export)
    view = voice.view("export")
    assert view.status is StepStatus.DONE and view.summary == "Aoi"
    shown = texts(voice, "export")
    for words in ("passes all checks", "01: anna ja", "Aoi.zip", "types.yaml", "1e-05"):
        assert words in shown
    tables = [block for block in view.blocks if isinstance(block, Table)]
    assert tables[0].rows == (("warning", "dsdur", "m", "h"),)
    assert tables[1].rows == (("cl", "stop"),)
    assert voice.answer("export", {"author": "you"}).ok
    assert voice.view("export").status is StepStatus.STALE
