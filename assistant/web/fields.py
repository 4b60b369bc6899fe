"""Gradio components for questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from ...core.words import language, say, speaking
from ..guide.view import Question

MOST_RADIO_CHOICES = 5
MOST_FOLDER_ENTRIES = 500


@dataclass
class Field:
    """A question on the page: its control and the line that says why an answer was refused."""

    question: Question
    control: Component
    error: gr.Markdown
    picked: tuple[Dependency, ...] = ()
    """Events after which a browsed path stands in the control."""

    def read(self, value: Any) -> Any:
        """What the guide gets for what the control holds."""
        if self.question.kind == "paths":
            return [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if self.question.kind == "table":
            return [[str(cell) for cell in row] for row in value or ()]
        return value

    def write(self, question: Question) -> Any:
        """What the control holds for an answer."""
        return _shown(question)

    def taken_by(self, handler: Callable[..., Any], **wiring: Any) -> None:
        """Connect the events that mean: the user has decided."""
        control: Any = self.control
        if self.question.kind in ("choice", "toggle", "table"):
            control.input(handler, **wiring)
            return
        control.blur(handler, **wiring)
        control.submit(handler, **wiring)
        for event in self.picked:
            event.then(handler, **wiring)


def field(step_id: str, question: Question) -> Field:
    """Draw a question; must be called inside a Gradio layout."""
    label = f"{question.label} ({question.unit})" if question.unit else question.label
    shown = _shown(question)
    common: dict[str, Any] = {
        "label": label,
        "value": shown,
        "interactive": True,
        "elem_id": f"q-{question.id}",
        "key": ("control", step_id, question.id),
        "preserved_by_key": [],
    }
    info = question.help or None
    control: Any
    if question.kind == "choice":
        why = next((c.why for c in question.choices if c.value == question.value), "")
        common["info"] = " ".join(part for part in (question.help, why) if part) or None
        pairs = [(choice.label, choice.value) for choice in question.choices]
        if shown not in [value for _, value in pairs]:
            common["value"] = None
        kind = gr.Radio if len(pairs) <= MOST_RADIO_CHOICES else gr.Dropdown
        control = kind(pairs, **common)
    elif question.kind == "toggle":
        control = gr.Checkbox(info=info, **common)
    elif question.kind == "number":
        # Limits stay with the guide, which explains them; the browser would only cut the number.
        control = gr.Number(info=info, precision=0 if question.integer else None, **common)
    elif question.kind == "table":
        control = gr.Dataframe(
            headers=list(question.columns),
            type="array",
            wrap=True,
            **common,
        )
    elif question.kind == "paths":
        control = gr.Textbox(info=info, lines=2, max_lines=8, **common)
    else:
        control = gr.Textbox(info=info, max_lines=1, **common)
    error = gr.Markdown(
        _error(question),
        visible=bool(question.error),
        elem_classes="refused",
        key=("error", step_id, question.id),
        preserved_by_key=[],
    )
    picked = _browser(question, control) if question.kind in ("path", "paths") else ()
    return Field(question, control, error, picked)


def error_update(question: Question) -> Any:
    """The refusal line of a question as it is now."""
    return gr.Markdown(_error(question), visible=bool(question.error))


def _error(question: Question) -> str:
    # As code the text cannot become markup, whatever a file name in it looks like.
    return f"⚠ {_plain(question.error)}" if question.error else ""


def _plain(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$" else c for c in text)


def _shown(question: Question) -> Any:
    if question.kind == "paths":
        return "\n".join(str(path) for path in question.value or ())
    if question.kind == "table":
        return [list(row) for row in question.value or ()]
    if question.kind in ("text", "path"):
        return "" if question.value is None else str(question.value)
    return question.value


def _browser(question: Question, control: Any) -> tuple[Dependency, ...]:
    """Walk through the folders of the machine that the wizard runs on.

    Gives back the events that put a path into the control.
    """
    last = question.value[-1] if question.kind == "paths" and question.value else question.value
    start = _existing_folder(Path(str(last)).expanduser() if last else Path.home())
    wanted = question.pick
    with gr.Accordion(say("web.browse"), open=False, elem_id=f"browse-{question.id}"):
        here = gr.State(str(start))
        entry = gr.Dropdown(
            _entries(start, wanted),
            value=None,
            label=say("web.in-folder", folder=str(start)),
            filterable=True,
        )
        with gr.Row():
            up = gr.Button(say("web.folder-up"), size="sm")
            take = gr.Button(say("web.take-folder"), size="sm", visible=wanted == "folder")

    spoken = language()

    def walk(folder: Path) -> tuple[str, Any]:
        entries = _entries(folder, wanted)
        with speaking(spoken):
            label = say("web.in-folder", folder=str(folder))
        return str(folder), gr.Dropdown(entries, value=None, label=label)

    def enter(folder: str, name: str | None, current: str) -> tuple[str, Any, Any]:
        chosen = Path(folder) / (name or "")
        if chosen.is_dir():
            return *walk(chosen), gr.skip()
        return folder, gr.skip(), _with(question, current, chosen)

    def taken(folder: str, current: str) -> str:
        return _with(question, current, Path(folder))

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    up.click(lambda folder: walk(Path(folder).parent), [here], [here, entry], **private)
    return (
        entry.input(enter, [here, entry, control], [here, entry, control], **private),
        take.click(taken, [here, control], [control], **private),
    )


def _with(question: Question, current: str, path: Path) -> str:
    if question.kind == "path":
        return str(path)
    lines = [line for line in current.splitlines() if line.strip()]
    return "\n".join([*lines, str(path)] if str(path) not in lines else lines)


def _existing_folder(path: Path) -> Path:
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def _entries(folder: Path, wanted: str) -> list[str]:
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name.casefold())
    except OSError:
        return []
    visible = [path for path in found if not path.name.startswith(".")]
    folders = [path.name for path in visible if path.is_dir()]
    files = [path.name for path in visible if wanted == "file" and path.is_file()]
    return (folders + files)[:MOST_FOLDER_ENTRIES]
