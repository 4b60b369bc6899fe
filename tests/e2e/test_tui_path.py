"""The whole way in the terminal: from a folder of recordings to a sound, by keys and fields."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static, Switch, TextArea

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import StepStatus
from singwiz.assistant.tui.app import GuideApp
from singwiz.assistant.tui.widgets.blocks import AudioBlock, ChartBlock, ImageBlock
from singwiz.assistant.tui.widgets.step_list import StepList
from singwiz.core.demo.corpus import make_corpus

from .. import pictures


def words(pilot: Pilot[Any]) -> str:
    """What the screen says, for a failure that a reader can understand."""
    return "\n".join(str(widget.render()) for widget in pilot.app.query(Static))


async def until(pilot: Pilot[Any], condition: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, words(pilot)
        await asyncio.sleep(0.1)
        await pilot.pause()


async def test_recordings_become_a_voice_in_the_terminal(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "demo", items=6, seconds=1.5, sample_rate=44100)
    app = GuideApp(Guide.open(tmp_path / "my voice"))

    def shown(selector: str) -> bool:
        return bool(app.query(selector))

    def is_now(step_id: str, status: StepStatus) -> bool:
        lines = {line.id: line.status for line in app.query_one(StepList).lines}
        return lines.get(step_id) is status

    async with app.run_test(size=(100, 60)) as pilot:
        await until(pilot, lambda: shown("#q-raw_dirs TextArea"))
        folders = app.query_one("#q-raw_dirs TextArea", TextArea)
        folders.focus()
        folders.text = str(corpus.raw_data_dir)
        pictures.of_terminal("tui-recordings", app)
        consent = app.query_one("#q-consent Switch", Switch)
        consent.focus()
        await pilot.press("space")
        await until(pilot, lambda: shown("#a-create") and not app.query_one("#a-create").disabled)
        await pilot.press("f9")

        await until(pilot, lambda: app.step_id == "check" and shown("#a-start"))
        await pilot.press("f9")
        await until(pilot, lambda: is_now("check", StepStatus.DONE))
        await until(pilot, lambda: is_now("dictionary", StepStatus.DONE))
        pictures.of_terminal("tui-check", app)

        app.go_to("model")
        await until(pilot, lambda: shown("#q-preset SelectCurrent #label"))
        pictures.of_terminal("tui-model", app)
        app.query_one("#q-preset Select", Select).value = "tiny"
        steps = app.query_one("#q-max_updates Input", Input)
        steps.focus()
        steps.value = "20"
        await pilot.press("enter")
        config = app.guide.project
        assert config is not None
        await until(
            pilot,
            lambda: app.guide.project.state.models["acoustic"].overrides,  # type: ignore[union-attr]
        )
        await pilot.press("f9")

        for step_id in ("prepare", "train", "listen"):
            await until(pilot, lambda step_id=step_id: app.step_id == step_id and shown("#a-start"))
            await pilot.press("f9")
            pictures.of_terminal(f"tui-{step_id}-at-work", app)
            await until(pilot, lambda step_id=step_id: is_now(step_id, StepStatus.DONE), 300)
            pictures.of_terminal(f"tui-{step_id}", app)
            if step_id == "train":
                await until(pilot, lambda: shown("ChartBlock"))
                assert app.query(ChartBlock)
            if step_id != "listen":
                await pilot.press("f9")

        await until(pilot, lambda: shown("AudioBlock") and shown("ImageBlock"))
        assert app.query(ImageBlock)
        pictures.of_terminal("tui-listen", app)
        sounds = [widget.block.path for widget in app.query(AudioBlock)]
        assert all(soundfile.info(path).duration > 1.0 for path in sounds)
