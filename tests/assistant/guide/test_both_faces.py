"""The same answers through both faces make the same project, timing and pitch included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, Switch

from singwiz.assistant.guide import Guide
from singwiz.assistant.tui.app import GuideApp
from singwiz.assistant.web.app import build
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.reporting import Reporter

from .conftest import RawFolder
from .test_variance import CLEAN, add_words


def make(raw: RawFolder, folder: Path) -> Guide:
    guide = Guide.open(folder / "voice")
    assert guide.answer("recordings", {"raw_dirs": [str(raw.root)], "consent": True}).ok
    assert guide.act("recordings", "create").ok
    run_here(guide.project, "check", {}, reporter=Reporter())
    return guide


def through_the_browser(guide: Guide) -> None:
    """What the page's handlers get and do, without a browser."""
    from singwiz.assistant.web.app import _Form, _Page
    from singwiz.assistant.web.fields import field
    from singwiz.assistant.web.page import form_signature

    blocks = build(guide)
    with blocks:
        page = _Page(guide, blocks)

    def form() -> Any:
        view = guide.view("model")
        with blocks:
            fields = [field("model", question) for question in view.questions]
        return _Form("model", fields, form_signature(view))

    for name, value in (("preset", "tiny"), ("learn_dur", True), ("learn_pitch", True)):
        page._answer(form(), {name: value}, "en")
    page._answer(form(), {"max_updates": 30}, "en")
    shown = form()
    values = tuple(one.read(one.write(one.question)) for one in shown.fields)
    page._act(shown, "write", values, "en")


async def until(pilot: Pilot[Any], condition: Callable[[], Any]) -> None:
    for _ in range(1500):
        if condition():
            return
        await asyncio.sleep(0.02)
        await pilot.pause()
    raise AssertionError("the screen never came to show it")


async def through_the_terminal(guide: Guide) -> None:
    app = GuideApp(guide)
    async with app.run_test(size=(100, 90)) as pilot:
        app.go_to("model")
        await until(pilot, lambda: app.query("#q-learn_pitch Switch") and app.query("#q-preset"))
        app.query_one("#q-preset Select", Select).value = "tiny"
        await until(pilot, lambda: "acoustic" in guide.project.state.models)
        for name in ("learn_dur", "learn_pitch"):
            app.query_one(f"#q-{name} Switch", Switch).value = True
            await until(pilot, lambda name=name: app.query_one(f"#q-{name}").question.value)
        steps = app.query_one("#q-max_updates Input", Input)
        steps.focus()
        steps.value = "30"
        await pilot.press("enter")
        await until(pilot, lambda: guide.project.state.models["acoustic"].overrides)
        await until(pilot, lambda: app.query("#a-write"))
        app.act("write")
        await until(pilot, lambda: guide.project.config_path("variance").is_file())
        await until(pilot, lambda: app.step_id == "prepare")


async def test_both_faces_make_the_same_files(
    raw: RawFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_words(raw, notes=True)
    monkeypatch.setitem(STAGES, "check", lambda *_: CLEAN)
    (tmp_path / "web").mkdir()
    (tmp_path / "tui").mkdir()
    web, terminal = make(raw, tmp_path / "web"), make(raw, tmp_path / "tui")
    through_the_browser(web)
    await through_the_terminal(terminal)
    for file in ("configs/acoustic.yaml", "configs/variance.yaml"):
        one, other = [
            (guide.project.root / file).read_text(encoding="utf-8").replace(str(root), "")
            for guide, root in ((web, tmp_path / "web"), (terminal, tmp_path / "tui"))
        ]
        # The checksum is about the paths as well.
        assert one.splitlines()[4:] == other.splitlines()[4:], file
    states = [guide.project.state.model_dump(exclude={"guide"}) for guide in (web, terminal)]
    assert states[0] == states[1]
    assert states[0]["models"]["variance"]["preset"] == "tiny"
