"""Every screen of the terminal wizard, compared with a picture of how it should look.

The pictures in ``snapshots/`` are small SVG files of our own: fonts, window frame and clipping make
nine tenths of what Textual writes and say nothing. One line per run of text, so that a difference
can be read. After a change that is meant:  pytest tests/assistant/tui --update-snapshots
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import unified_diff
from html import escape
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Collapsible, Input, OptionList

from singwiz.assistant.guide.overview import OVERVIEW
from singwiz.assistant.tui.app import GuideApp
from singwiz.assistant.tui.screens import HelpScreen
from singwiz.assistant.tui.widgets.step_pane import StepPane

from ... import pictures
from .whole_voice import AT_WORK, SameEverywhere, make_voice

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 40))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("music")
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def voice(folder: Path) -> Iterator[SameEverywhere]:
    with pytest.MonkeyPatch.context() as patch:
        yield make_voice(folder, patch)


class Album:
    """Takes pictures of an app in every size and compares them."""

    def __init__(self, update: bool) -> None:
        self.update = update
        self.different: list[str] = []

    async def take(
        self, name: str, pilot: Pilot[Any], ready: Callable[[], Any], first: Widget | None = None
    ) -> None:
        """Pictures once the screen shows what it should; ``first`` is scrolled to its top."""
        # The size it has comes first: laying everything out anew takes longest.
        for size in sorted(SIZES, key=lambda size: size != tuple(pilot.app.size)):
            if size != tuple(pilot.app.size):
                await pilot.resize_terminal(*size)
            path = SNAPSHOTS / f"{name}-{size[0]}x{size[1]}.svg"
            known = path.read_text(encoding="utf-8") if path.exists() else ""
            now = before = ""
            for _ in range(100):
                await self.rest(pilot, ready)
                if first is not None:
                    first.scroll_visible(animate=False, top=True, immediate=True)
                    await self.rest(pilot, ready)
                before, now = now, picture(drawn(pilot.app), size[0])
                # What is not as expected may still be on its way to it.
                if now in (known, before):
                    break
            if self.update:
                path.write_text(now, encoding="utf-8")
            elif now != known:
                kept = pictures.keep(f"changed-{path.name}", pilot.app.export_screenshot())
                lines = unified_diff(known.splitlines(), now.splitlines(), lineterm="", n=0)
                shown = "\n".join(list(lines)[2:14])
                self.different.append(f"{path.name}: see {kept}\n{shown}")

    async def rest(self, pilot: Pilot[Any], ready: Callable[[], Any]) -> None:
        """Let the app work until it shows what it should and nothing is on its way."""
        for _ in range(500):
            await pilot.pause()
            if ready() and not any(worker.is_running for worker in pilot.app.workers):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the screen never came to show it")


Cell = tuple[str, Style]


def drawn(app: App[Any]) -> list[list[Cell]]:
    """Runs of equal style of every row of the screen, windows over it included."""
    # What Textual's own screenshots are made from; those take ten times as long.
    update: Any = app.screen._compositor.render_update(
        full=True, screen_stack=app._background_screens, simplify=True
    )
    rows = []
    for strips in update.strips:
        runs: list[Cell] = []
        for text, style, *_ in chain.from_iterable(strips):
            style = _seen(text, style or Style.null())
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + text, style)
            else:
                runs.append((text, style))
        rows.append(runs)
    return rows


def _seen(text: str, style: Style) -> Style:
    """Without what a click would do, and without the colour of nothing."""
    fore, back = (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
    if not text.strip() and not style.underline:
        return Style(bgcolor=back)
    return Style(color=fore, bgcolor=back, bold=style.bold, underline=style.underline)


def picture(rows: list[list[Cell]], columns: int) -> str:
    """A small SVG: a rectangle per field of colour, a text per run."""
    fields = Counter[str]()
    for runs in rows:
        for text, style in runs:
            fields[_hex(style.bgcolor)] += cell_len(text)
    ground = fields.most_common(1)[0][0]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * 10} {len(rows) * 20}">',
        f'<rect width="100%" height="100%" fill="{ground}"/>',
        '<g font-family="monospace" font-size="16.6" style="white-space:pre">',
    ]
    for row, runs in enumerate(rows):
        lines.append(f'<g transform="translate(0 {row * 20})">')
        column = 0
        for back, same in groupby(runs, lambda run: _hex(run[1].bgcolor)):
            width = sum(cell_len(text) for text, _ in same)
            if back != ground:
                lines.append(
                    f'<rect x="{column * 10}" width="{width * 10}" height="20" fill="{back}"/>'
                )
            column += width
        column = 0
        for text, style in runs:
            if text.strip():
                indent = len(text) - len(text.lstrip(" "))
                more = ' font-weight="bold"' if style.bold else ""
                more += ' text-decoration="underline"' if style.underline else ""
                lines.append(
                    f'<text x="{(column + indent) * 10}" y="16" fill="{_hex(style.color)}"{more}>'
                    f"{escape(text.strip(' '))}</text>"
                )
            column += cell_len(text)
        lines.append("</g>")
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _hex(colour: Color | None) -> str:
    return colour.get_truecolor().hex if colour else "#000000"


async def test_every_screen_looks_as_it_did(
    voice: SameEverywhere,
    folder: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("singwiz.assistant.tui.app.POLL_SECONDS", 3600.0)
    album = Album(request.config.getoption("--update-snapshots"))
    empty = SameEverywhere.open(folder / "other voice")
    empty.folder = str(folder)  # type: ignore[attr-defined]
    async with GuideApp(empty).run_test(size=SIZES[0]) as pilot:
        await album.take("first-visit", pilot, lambda: shows(pilot, "recordings"))

    app = GuideApp(voice)
    app.cursor_blink, app.animation_level = False, "none"
    async with app.run_test(size=SIZES[0]) as pilot:
        for step in (*voice.step_ids, OVERVIEW):
            app.go_to(step)
            await album.take(step, pilot, lambda step=step: shows(pilot, step))
            if step == "check":
                await pilot.press("f1")
                await album.take("help", pilot, lambda: isinstance(app.screen, HelpScreen))
                await pilot.press("escape")
            elif step == "model":
                more = app.query_one("#questions Collapsible", Collapsible)
                more.collapsed = False
                await album.take("settings", pilot, lambda: True, first=more)
            elif step == "train":
                voice.job = AT_WORK
                app.refresh_guide()
                await album.take(
                    "at-work", pilot, lambda: app.query_one(StepPane).view.job == AT_WORK
                )
                voice.job = None
            elif step == "listen":
                assert voice.act("listen", "listen_test").ok
                app.refresh_guide()
                await album.take("blind-test", pilot, lambda: bool(app.query("VersionsBlock")))
                assert voice.act("listen", "pause_test").ok
        await pilot.press("ctrl+p")
        await album.rest(pilot, lambda: app.screen.query_one(OptionList).option_count)
        app.screen.query_one(Input).cursor_blink = False
        await album.take("palette", pilot, lambda: app.screen.query_one(Input).has_focus)
    assert not album.different, "\n\n".join(
        [*album.different, "If this is meant: pytest tests/assistant/tui --update-snapshots"]
    )


def shows(pilot: Pilot[Any], step: str) -> bool:
    view = pilot.app.query_one(StepPane).view
    return view is not None and view.id == step
