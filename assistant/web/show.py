"""Gradio components for what a step shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import Any
from urllib.parse import quote

import gradio as gr

from ...core.words import say
from ..guide.view import Audio, Block, Chart, Copyable, Image, Table, Text, Versions

SEVERITIES = {"error": "✖", "warning": "▲", "note": "•"}

MANY_COLUMNS = 4
"""Tables with so many are moved sideways on a phone."""


def show_blocks(step_id: str, blocks: Sequence[Block]) -> None:
    """Draw everything but charts; must be called inside a Gradio layout.

    Sounds, pictures and tables are keyed by what they show, so that a sound that is being played
    goes on when something else on the page changes.
    """
    for number, block in enumerate(blocks):
        match block:
            case Text():
                gr.Markdown(block.body, elem_classes=["note", block.tone])
            case Table(folded=True):
                with gr.Accordion(block.title, open=False, elem_classes="folded"):
                    _table(block, f"table-{number}")
            case Table():
                _table(block, f"table-{number}")
            case Copyable():
                with gr.Accordion(block.title, open=False, elem_classes="folded"):
                    gr.Textbox(
                        block.text,
                        label=block.title,
                        lines=8,
                        max_lines=20,
                        interactive=False,
                        buttons=["copy"],
                        elem_classes="copyable",
                        key=("copyable", step_id, block.title),
                        preserved_by_key=[],
                    )
            case Image():
                if block.caption:
                    # Gradio's own label would lie upon the picture and hide its heading.
                    gr.Markdown(block.caption, elem_classes="caption")
                gr.Image(
                    str(block.path),
                    label=block.caption,
                    show_label=False,
                    interactive=False,
                    buttons=["fullscreen", "download"],
                    key=("image", step_id, str(block.path)),
                    preserved_by_key=[],
                )
            case Audio():
                gr.Audio(
                    str(block.path),
                    label=block.caption,
                    interactive=False,
                    buttons=["download"],
                    elem_classes="sound",
                    key=("audio", step_id, str(block.path)),
                )
            case Versions():
                _versions(step_id, block)


def _versions(step_id: str, block: Versions) -> None:
    """Buttons that switch between versions without losing the place."""
    sources = [
        {"letter": letter, "url": f"/gradio_api/file={quote(str(path))}"}
        for letter, path in block.sounds
    ]
    buttons = "".join(
        f'<button type="button" data-play="{escape(letter)}">▶ {escape(letter)}</button>'
        for letter, _ in block.sounds
    )
    gr.HTML(
        f'<div class="versions" data-sources="{escape(json.dumps(sources))}">{buttons}'
        f'<button type="button" data-stop>■</button><p>{escape(block.help)}</p></div>',
        js_on_load=_script(),
        key=("versions", step_id, block.key),
        preserved_by_key=[],
    )


def _script() -> str:
    """What makes the buttons play; the player is the one of the page for friends."""
    player = resources.files("singwiz.core.listening") / "player.js"
    switch = resources.files(__package__) / "versions.js"
    return player.read_text(encoding="utf-8") + switch.read_text(encoding="utf-8")


def _table(block: Table, elem_id: str) -> None:
    if not block.rows:
        gr.Markdown(
            say("web.empty", title=block.title, empty=block.empty), elem_classes=["note", "plain"]
        )
        return
    rows = [list(row) for row in block.rows]
    if block.severity_column is not None:
        for row in rows:
            column = block.severity_column
            if mark := SEVERITIES.get(row[column]):
                row[column] = f"{mark} {say(f'face.severity.{row[column]}')}"
    gr.Dataframe(
        rows,
        headers=list(block.columns),
        label=block.title,
        interactive=False,
        wrap=True,
        column_widths=_widths(block),
        max_height=520,
        show_search="filter" if len(rows) > 8 else "none",
        elem_id=elem_id,
        elem_classes="wide" if len(block.columns) >= MANY_COLUMNS else None,
    )


def _widths(block: Table) -> list[str | int]:
    """Shares of the width by what the columns hold, so that long texts wrap and nothing hides."""
    longest = [
        min(30, max(12, len(title), *(len(row[column]) for row in block.rows)))
        for column, title in enumerate(block.columns)
    ]
    return [f"{100 * length / sum(longest):.0f}%" for length in longest]


def show_charts(step_id: str, charts: Sequence[Chart]) -> None:
    """Draw curves; must be called inside a Gradio layout."""
    for chart in charts:
        gr.LinePlot(
            chart_frame(chart),
            x="x",
            y="y",
            color="series",
            title=chart.title,
            x_title=chart.x_label,
            y_title=chart.y_label or say("web.value"),
            height=260,
            key=("chart", step_id, chart.title),
            preserved_by_key=[],
        )


def chart_frame(chart: Chart) -> Any:
    """The points of a chart as a data frame with the columns x, y and series."""
    import pandas as pd

    points = [(x, y, name) for name, line in chart.series.items() for x, y in line]
    return pd.DataFrame(points, columns=["x", "y", "series"])
