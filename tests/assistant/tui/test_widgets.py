"""The terminal face draws every kind of question and block and sends back what was chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from textual.pilot import Pilot
from textual.widgets import (
    Button,
    Collapsible,
    DataTable,
    Input,
    ProgressBar,
    Select,
    Sparkline,
    Static,
    Switch,
    TextArea,
)

from singwiz.assistant.guide.view import JobView
from singwiz.assistant.tui.app import GuideApp, player_command
from singwiz.assistant.tui.screens import HelpScreen, PathPicker
from singwiz.assistant.tui.widgets.blocks import half_blocks
from singwiz.assistant.tui.widgets.step_list import StepList


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Let the app work until the condition holds; it is asserted by the caller's next lines."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("the screen never came to show it")


def text(app: GuideApp, selector: str) -> str:
    return str(app.query_one(selector, Static).render())


async def open_step(pilot: Pilot[Any]) -> GuideApp:
    app: GuideApp = pilot.app  # type: ignore[assignment]
    await until(pilot, lambda: bool(app.query("#q-rate")) and bool(app.query(DataTable)))
    await pilot.pause()
    return app


async def test_every_kind_of_question_is_shown_and_answered(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)

        app.query_one("#q-preset Select", Select).value = "big"
        app.query_one("#q-consent Switch", Switch).value = True
        number = app.query_one("#q-steps Input", Input)
        number.focus()
        number.value = "250"
        await pilot.press("enter")
        name = app.query_one("#q-name Input", Input)
        name.focus()
        name.value = "歌"
        folders = app.query_one("#q-folders TextArea", TextArea)
        folders.focus()
        folders.text = "/a\n/b c\n"
        rows = app.query_one("#q-rows TextArea", TextArea)
        rows.focus()
        rows.text = "a | c"
        app.query_one(StepList).focus()
        await until(pilot, lambda: len(guide.answers) >= 6)

    told = {key: value for _, values in guide.answers for key, value in values.items()}
    assert told == {
        "preset": "big",
        "consent": True,
        "steps": "250",
        "name": "歌",
        "folders": ["/a", "/b c"],
        "rows": [["a", "c"]],
    }


async def test_a_refused_answer_is_explained_beside_its_field(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        guide.refusals = {"steps": "At least one step."}
        app.query_one("#q-steps Input", Input).focus()
        app.query_one("#q-steps Input", Input).value = "0"
        await pilot.press("enter")
        await until(pilot, lambda: "At least" in text(app, "#q-steps .question-error"))
        assert app.query_one("#q-steps .question-error").display


async def test_typing_is_not_disturbed_while_the_screen_is_refreshed(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        field = app.query_one("#q-name Input", Input)
        field.focus()
        field.value = "half typed"
        guide.values["name"] = "from the browser"
        guide.curve = (*guide.curve, (20.0, 0.25))
        app.refresh_guide()
        curve = app.query_one(Sparkline)
        await until(pilot, lambda: list(curve.data or ()) == [1.0, 0.5, 0.25])
        assert app.query_one("#q-name Input", Input) is field
        assert field.value == "half typed"


async def test_buttons_act_and_move_on_and_disabled_ones_do_not(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        assert app.query_one("#a-stop", Button).disabled
        await pilot.press("f9")
        await until(pilot, lambda: app.step_id == "three")
    assert guide.actions == [("two", "start")]


async def test_steps_are_reached_by_keys_and_by_the_list(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 24)) as pilot:
        app = await open_step(pilot)
        await pilot.press("f7")
        assert app.step_id == "one"
        await pilot.press("f8", "f8", "f8")
        assert app.step_id == "three"
        await pilot.press("f2", "home", "down", "enter")
        await until(pilot, lambda: app.step_id == "one")
        await pilot.press("f3")
        await until(pilot, lambda: text(app, "#title") == "Everything")
        await pilot.press("f8")
        await until(pilot, lambda: app.step_id == "one")


async def test_the_palette_offers_every_step_and_enabled_button(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 24)) as pilot:
        app = await open_step(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
    assert {"Go to 1. Recordings", "Go to 3. Listen", "Start training"} <= set(titles)
    assert "Stop" not in titles


async def test_a_report_is_copied_and_long_tables_wait_to_be_opened(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        folds = {one.title for one in app.query(Collapsible)}
        assert {"More options", "Everything there is", "A report"} <= folds
        copy = app.query_one(".copy", Button)
        copy.press()
        await until(pilot, lambda: app.clipboard == "log …")


async def test_waiting_work_says_for_what(guide: Any) -> None:
    guide.job = JobView("j1", "waiting", "busy with train of 'aoi', then yours")
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        assert "busy with train of 'aoi', then yours" in text(app, "#job-label")
        assert not app.query_one("#job-bar").display
        guide.job = JobView("j1", "running", "step 1", 0.1, load="processor 97 %")
        app.refresh_guide()
        await until(pilot, lambda: "processor 97 %" in text(app, "#job-label"))


async def test_running_work_shows_progress_and_remaining_time(guide: Any) -> None:
    guide.job = JobView("j1", "running", "step 30 of 100", 0.3, eta=70, elapsed=30)
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        assert "step 30 of 100 · 0:30 so far, about 1:10 left" in text(app, "#job-label")
        assert app.query_one(ProgressBar).percentage == pytest.approx(0.3, abs=0.02)
        guide.job = JobView("j1", "failed", error="The disk is full.", hint="Free some space.")
        app.refresh_guide()
        await until(pilot, lambda: text(app, "#job-label") == "The disk is full. Free some space.")


async def test_help_explains_the_step_and_the_keys(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 24)) as pilot:
        app = await open_step(pilot)
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_a_file_is_picked_by_walking(guide: Any, tmp_path: Path) -> None:
    guide.values["file"] = str(tmp_path / "not-there.ds")
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        app.query_one("#q-file Button", Button).press()
        await until(pilot, lambda: isinstance(app.screen, PathPicker))
        await pilot.pause(0.3)
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: bool(guide.answers))
    assert guide.answers == [("two", {"file": str(tmp_path / "picture.png")})]


async def test_table_rows_are_spelled_out_and_brackets_are_no_markup(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        app.query_one(DataTable).focus()
        await until(pilot, lambda: "It is [broken]." in text(app, ".table-detail"))
        assert app.query_one(DataTable).row_count == 2


async def test_the_config_opens_in_the_editor_only_when_there_is_one(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 24)) as pilot:
        app = await open_step(pilot)
        await pilot.press("f4")
        await pilot.pause()
        assert any("no config yet" in str(note.message) for note in app._notifications)


def test_half_blocks_show_upper_and_lower_pixels(tmp_path: Path) -> None:
    picture = Pillow.new("RGB", (8, 8), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 4, 8, 8))
    picture.save(tmp_path / "two.png")
    drawn = half_blocks(tmp_path / "two.png", 2, max_rows=10)
    assert drawn.plain == "▀▀\n"
    assert str(drawn.spans[0].style) == "#ff0000 on #0000ff"


def test_a_sound_is_played_by_a_player_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    player = tmp_path / "aplay"
    player.write_text(f"#!{sys.executable}\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert player_command(Path("/x y.wav")) == [str(player), "-q", "/x y.wav"]
    monkeypatch.setenv("PATH", "")
    assert player_command(Path("/x y.wav")) is None


async def test_another_language_is_spoken_without_losing_what_was_typed(guide: Any) -> None:
    async with GuideApp(guide).run_test(size=(80, 70)) as pilot:
        app = await open_step(pilot)
        field = app.query_one("#q-name Input", Input)
        field.focus()
        field.value = "half typed"
        for title, key in (("実行中", "次へ"), ("进行中", "下一步"), ("at work", "Next")):
            guide.job = JobView("j", "running", "step 1 of 2", 0.5)
            await pilot.press("f6")
            await until(pilot, lambda title=title: title in text(app, "#title"))
            keys = {one.binding.description for one in app.screen.active_bindings.values()}
            assert key in keys
            assert app.step_id == "two"
            assert app.query_one("#q-name Input", Input).value == "half typed"
        assert guide.values["name"] == "half typed"
        commands = [command.title for command in app.get_system_commands(app.screen)]
        assert "Language: 日本語" in commands
