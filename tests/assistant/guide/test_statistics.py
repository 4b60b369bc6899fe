"""Numbers, charts and single recordings beside the check."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.steps.statistics import sparkline
from singwiz.assistant.guide.view import Audio, Image, StepView, Table, Text
from singwiz.core.jobs import run_here
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RawFolder, action, question


def count(guide: Guide) -> None:
    """The statistics, made as the command line does."""
    run_here(Project.open(guide.project.root), "profile", {}, reporter=Reporter())


def images(view: StepView) -> list[Path]:
    return [block.path for block in view.blocks if isinstance(block, Image)]


def over(guide: Guide) -> StepView:
    """The view of the check step once nothing runs any more."""
    deadline = time.monotonic() + 60
    while (job := guide.view("check").job) is not None and job.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return guide.view("check")


def test_one_button_counts_and_the_step_shows_tables_and_charts(guide: Guide) -> None:
    assert action(guide.view("check"), "statistics").label == "Show statistics"
    assert guide.act("check", "statistics").ok
    assert "stop" in [one.id for one in guide.view("check").actions]
    view = over(guide)
    overview, phonemes = (block for block in view.blocks if isinstance(block, Table))
    assert "6 recordings" in overview.title
    assert overview.rows[0][1:4] == ("A3", "A3", "A3")
    times = {row[0]: row[1] for row in phonemes.rows}
    assert (times["a"], times["k"], times["SP"]) == ("12", "6", "12")
    assert len(images(view)) == 4
    assert all(path.is_file() for path in images(view))
    assert action(view, "statistics").label == "Renew the statistics"


def test_statistics_leave_the_check_as_it_is(guide: Guide) -> None:
    before = guide.view("check").status
    count(guide)
    assert guide.view("check").status is before
    assert guide.current() == "check"


def test_statistics_of_other_recordings_say_so(guide: Guide, raw: RawFolder) -> None:
    count(guide)
    assert not any(isinstance(b, Text) and b.tone == "warning" for b in guide.view("check").blocks)
    later = time.time() + 10
    os.utime(raw.root / "transcriptions.csv", (later, later))
    warned = [b for b in guide.view("check").blocks if isinstance(b, Text) and b.tone == "warning"]
    assert len(warned) == 1
    assert "changed" in warned[0].body


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}', '{"schema": 1, "datasets": 3}'])
def test_damaged_statistics_are_not_shown(guide: Guide, content: str) -> None:
    count(guide)
    file = guide.project.root / "datasets" / ".profile" / "profile.json"
    assert json.loads(file.read_text(encoding="utf-8"))["schema"] == 1
    file.write_text(content, encoding="utf-8")
    assert images(guide.view("check")) == []


def test_a_recording_can_be_seen_and_heard(guide: Guide) -> None:
    assert not [one for one in guide.view("check").actions if one.id == "look"]
    count(guide)
    asked = question(guide.view("check"), "look_at")
    assert [choice.label for choice in asked.choices][:2] == ["song0", "song1"]
    assert guide.answer("check", {"look_at": asked.choices[4].value}).ok
    assert guide.act("check", "look").ok
    view = over(guide)
    (sound,) = (block for block in view.blocks if isinstance(block, Audio))
    assert sound.caption == "song4"
    assert sound.path.is_file()
    assert any(path.name == "song4.png" for path in images(view))


def test_recordings_with_findings_are_offered_first(guide: Guide, raw: RawFolder) -> None:
    raw.rows[3] = (raw.rows[3][0], raw.rows[3][1], raw.rows[3][2].replace("0.3", "0.9"))
    raw.write()
    count(guide)
    run_here(Project.open(guide.project.root), "check", {}, reporter=Reporter())
    first = question(guide.view("check"), "look_at").choices[0]
    assert first.value == "aoi/song3"
    assert "findings" in first.label


def test_a_sparkline_shows_where_there_is_much() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == ""
    assert len(sparkline([1.0] * 1000)) <= 24
