"""The step that compares extractors: it recommends, is taken with one click, and bars nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Audio, Image, StepStatus, Table, Text
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RawFolder, action, finish, question


def figures(name: str) -> dict[str, Any]:
    return {
        "name": name, "voiced": 0.7, "found": 0.98, "missed": 0.02, "extra": 0.0, "cents": 2.0,
        "gross": 0.0, "octaves": 0.01, "jumps": 12.3, "limits": 0.0, "speed": 80.4,
    }  # fmt: skip


def outcome(folder: Path, *, pe: str = "swift-f0", high: float = 1400.0) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("a.png", "a.wav", "a-swift-f0.wav", "a-world.png", "a-world-breath.wav"):
        (folder / name).write_bytes(b"content")
    return {
        "clips": [{"dataset": "aoi", "item": "song0", "start": 0.0, "end": 2.1, "why": "highest"}],
        "noise": -60.0,
        "seconds": 12.0,
        "pitch": {
            "figures": [figures("parselmouth"), figures("swift-f0")],
            "unavailable": {"rmvpe": "its file is not here."},
            "range": {"low": 200.0, "high": 1300.0, "f0_min": 65.0, "f0_max": high, "cut": 0.1},
            "advice": {"name": pe, "reason": "It agrees.", "notes": ["rmvpe was left out."]},
            "shown": [
                {
                    "item": "song0",
                    "picture": str(folder / "a.png"),
                    "recording": str(folder / "a.wav"),
                    "tones": {"swift-f0": str(folder / "a-swift-f0.wav")},
                    "apart": 3,
                }
            ],
        },
        "separation": {
            "figures": [
                {"name": "world", "balance": 1.0, "leak": None, "vowels": -20.0,
                 "consonants": 0.0, "speed": 11.0}
            ],
            "unavailable": {},
            "advice": {"name": "world", "reason": "Only world could run.", "notes": []},
            "shown": [
                {
                    "item": "song0",
                    "separator": "world",
                    "picture": str(folder / "a-world.png"),
                    "harmonic": "",
                    "aperiodic": str(folder / "a-world-breath.wav"),
                }
            ],
        },
        "files": [],
    }  # fmt: skip


@pytest.fixture
def checked(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guide]:
    """A guide whose recordings are checked."""
    clean = {"findings": [], "summary": {"errors": 0, "items": 6, "seconds": 12.6}}
    monkeypatch.setitem(STAGES, "check", lambda *_: clean)
    run_here(guide.project, "check", {}, reporter=Reporter())
    yield guide


def compare(guide: Guide, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """A comparison with a known result, run by somebody."""

    def stage(project: Project, params: Any, reporter: Reporter) -> dict[str, Any]:
        return outcome(project.root / "datasets" / ".features", **changes)

    monkeypatch.setitem(STAGES, "features", stage)
    run_here(guide.project, "features", {}, reporter=Reporter())


def primary(guide: Guide) -> str:
    (one,) = [one.id for one in guide.view("features").actions if one.primary]
    return one


def test_it_invites_and_bars_nobody(checked: Guide) -> None:
    assert checked.current() == "features"
    view = checked.view("features")
    assert view.status is StepStatus.READY
    assert primary(checked) == "usual"
    assert question(view, "pe").value == "parselmouth"
    assert question(view, "f0_max").advanced
    assert checked.view("model").status is StepStatus.READY
    assert checked.act("model", "write").ok


def test_passing_by_keeps_the_usual_choice(checked: Guide) -> None:
    reply = checked.act("features", "usual")
    assert reply.ok
    assert reply.go_to == "model"
    assert checked.view("features").status is StepStatus.DONE
    assert checked.current() == "model"
    assert checked.project.state.overrides == {}
    assert "parselmouth" in checked.view("features").summary


def test_one_click_takes_the_recommendation_for_all_models(
    checked: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(checked, monkeypatch)
    view = checked.view("features")
    assert question(view, "pe").value == "swift-f0"
    assert "recommended" in next(
        one.label for one in question(view, "pe").choices if one.value == "swift-f0"
    )
    assert primary(checked) == "accept"
    reply = checked.act("features", "accept")
    assert reply.go_to == "model"
    overrides = checked.project.state.overrides
    assert overrides == {"pe": "swift-f0", "hnsep": "world", "f0_min": 65.0, "f0_max": 1400.0}
    assert checked.view("features").status is StepStatus.DONE
    assert "accept" not in [one.id for one in checked.view("features").actions]
    assert checked.act("model", "write").ok
    config = checked.project.config_path("acoustic").read_text(encoding="utf-8")
    assert "pe: swift-f0" in config
    assert "f0_max: 1400.0" in config


def test_another_answer_counts_at_once_and_makes_the_model_stale(
    checked: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked.act("model", "write")
    assert checked.view("model").status is StepStatus.DONE
    assert checked.answer("features", {"pe": "harvest"}).ok
    assert checked.project.state.overrides == {"pe": "harvest"}
    assert checked.view("model").status is StepStatus.STALE
    # A later comparison does not take the decision back.
    compare(checked, monkeypatch)
    assert question(checked.view("features"), "pe").value == "harvest"


def test_a_range_the_wrong_way_round_is_refused(checked: Guide) -> None:
    reply = checked.answer("features", {"f0_min": 500, "f0_max": 200})
    assert not reply.ok
    assert set(reply.errors) == {"f0_min", "f0_max"}
    assert checked.project.state.overrides == {}


def test_a_network_without_its_file_is_not_offered_and_one_with_it_is(checked: Guide) -> None:
    values = [one.value for one in question(checked.view("features"), "pe").choices]
    assert values == ["parselmouth", "swift-f0", "harvest"]
    file = checked.project.root / "checkpoints" / "rmvpe" / "model.pt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    assert checked.answer("features", {"pe": "rmvpe"}).ok
    assert checked.project.state.overrides == {"pe": "rmvpe", "pe_ckpt": str(file)}


def test_table_pictures_and_sounds_are_shown(
    checked: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(checked, monkeypatch)
    blocks = checked.view("features").blocks
    texts = "\n".join(block.body for block in blocks if isinstance(block, Text))
    assert "**Pitch: swift-f0.** It agrees." in texts
    assert "rmvpe was left out." in texts
    pitch, separation = [block for block in blocks if isinstance(block, Table)]
    assert pitch.rows[0] == (
        "parselmouth", "98.0 %", "0.0 %", "1.0 %", "2.0", "12", "0.0 %", "80×",
    )  # fmt: skip
    assert separation.rows == (("world", "–", "-20 dB", "0.0 dB", "1.0 dB", "11×"),)
    shown = [block.path.name for block in blocks if isinstance(block, Image | Audio)]
    assert shown == ["a.png", "a.wav", "a-swift-f0.wav", "a-world.png", "a-world-breath.wav"]


def test_changed_recordings_are_noticed_but_nothing_is_undone(
    checked: Guide, monkeypatch: pytest.MonkeyPatch, raw: RawFolder
) -> None:
    compare(checked, monkeypatch)
    checked.act("features", "accept")
    assert not any(
        b.tone == "warning" for b in checked.view("features").blocks if hasattr(b, "tone")
    )
    raw.sing("song9", "SP k a SP")
    raw.write()
    view = checked.view("features")
    assert view.status is StepStatus.DONE
    assert any("changed since" in block.body for block in view.blocks if isinstance(block, Text))


@pytest.mark.parametrize(
    "result", [{}, {"pitch": 3}, {"clips": [1], "pitch": {"figures": [None], "advice": []}}]
)
def test_a_damaged_result_is_no_crash(
    checked: Guide, monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]
) -> None:
    monkeypatch.setitem(STAGES, "features", lambda *_: result)
    run_here(checked.project, "features", {}, reporter=Reporter())
    assert checked.view("features").questions
    assert checked.act("features", "usual" if not result.get("clips") else "accept").ok


def test_the_real_comparison_runs_as_a_job(checked: Guide) -> None:
    assert checked.act("features", "start").ok
    view = finish(checked, "features", limit=120)
    assert view.job is not None
    assert view.job.state == "done", view.job.error
    assert action(view, "accept").enabled
    assert [block for block in view.blocks if isinstance(block, Image)]
    assert checked.act("features", "accept").ok
    assert checked.current() == "model"
