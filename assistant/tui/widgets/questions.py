"""One widget per kind of question. Each posts :class:`Answered` when the user has decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static, Switch, TextArea

from ....core.words import say
from ...guide.view import Question
from ..screens import PathPicker


class Answered(Message):
    """An answer, still unchecked; the guide says whether it can be taken."""

    def __init__(self, question: str, value: Any) -> None:
        super().__init__()
        self.question = question
        self.value = value


class QuestionField(Vertical):
    """A label, the control, help and the reason why an answer was refused."""

    def __init__(self, question: Question) -> None:
        super().__init__(classes=f"question question-{question.kind}", id=f"q-{question.id}")
        self.question = question

    def compose(self) -> ComposeResult:
        unit = f" ({self.question.unit})" if self.question.unit else ""
        yield Label(f"{self.question.label}{unit}", classes="question-label", markup=False)
        yield from self.control()
        yield Static(classes="question-why", markup=False)
        yield Static(classes="question-error", markup=False)

    def on_mount(self) -> None:
        self._annotate()

    def control(self) -> ComposeResult:
        """The widgets between the label and the help."""
        raise AssertionError("every kind of question has a control of its own")

    def show(self, question: Question) -> None:
        """Draw a changed question; what the user is typing now is left alone."""
        old, self.question = self.question, question
        if question.value != old.value and not self.has_focus_within:
            self.show_value()
        self._annotate()

    def show_value(self) -> None:
        """Put ``question.value`` into the control without answering."""

    def say(self, value: Any) -> None:
        """Answer, if this is a change."""
        if value != self.question.value or self.question.error:
            self.post_message(Answered(self.question.id, value))

    def _annotate(self) -> None:
        chosen = next((c for c in self.question.choices if c.value == self.question.value), None)
        why = " ".join(part for part in (self.question.help, chosen.why if chosen else "") if part)
        self._set(".question-why", why)
        self._set(".question-error", self.question.error)

    def _set(self, selector: str, text: str) -> None:
        widget = self.query_one(selector, Static)
        widget.update(text)
        widget.display = bool(text)


class ChoiceField(QuestionField):
    """One of several."""

    def control(self) -> ComposeResult:
        yield Select(self._options(), value=self._known_value(), allow_blank=True, compact=True)

    def show(self, question: Question) -> None:
        if question.choices != self.question.choices:
            self.question = question
            with self.prevent(Select.Changed):
                self.query_one(Select).set_options(self._options())
                self.show_value()
        super().show(question)

    def show_value(self) -> None:
        with self.prevent(Select.Changed):
            self.query_one(Select).value = self._known_value()

    def _options(self) -> list[tuple[str, str]]:
        return [(choice.label, choice.value) for choice in self.question.choices]

    def _known_value(self) -> Any:
        values = [choice.value for choice in self.question.choices]
        return self.question.value if self.question.value in values else Select.NULL

    @on(Select.Changed)
    def _changed(self, event: Select.Changed) -> None:
        event.stop()
        if event.value is not Select.NULL:
            self.say(event.value)


class ToggleField(QuestionField):
    """Yes or no."""

    def control(self) -> ComposeResult:
        yield Switch(bool(self.question.value))

    def show_value(self) -> None:
        with self.prevent(Switch.Changed):
            self.query_one(Switch).value = bool(self.question.value)

    @on(Switch.Changed)
    def _changed(self, event: Switch.Changed) -> None:
        event.stop()
        self.say(event.value)


class LineField(QuestionField):
    """Text or a number on one line; taken on Enter or when the field is left."""

    def control(self) -> ComposeResult:
        yield Input(self._text(), compact=True)

    def show_value(self) -> None:
        self.query_one(Input).value = self._text()

    def _text(self) -> str:
        return "" if self.question.value is None else str(self.question.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if isinstance(event.widget, Input):
            self._take()

    def _take(self) -> None:
        text = self.query_one(Input).value
        if text != self._text() or self.question.error:
            self.say(text)


class PathField(LineField):
    """A folder or file: type it, or walk to it."""

    def control(self) -> ComposeResult:
        with Horizontal(classes="path-row"):
            yield Input(
                self._text(), placeholder=say(f"tui.path-of-{self.question.pick}"), compact=True
            )
            yield Button(say("tui.browse"), classes="browse", compact=True)

    @on(Button.Pressed)
    def _browse(self, event: Button.Pressed) -> None:
        event.stop()
        start = Path(self._text()).expanduser() if self._text() else Path.cwd()
        self.app.push_screen(PathPicker(start, self.question.pick), self._picked)

    def _picked(self, path: Path | None) -> None:
        if path is not None:
            self.query_one(Input).value = str(path)
            self.say(str(path))


class PathsField(QuestionField):
    """Several folders, one per line."""

    def control(self) -> ComposeResult:
        yield TextArea(self._text(), soft_wrap=False, tab_behavior="focus", compact=True)
        yield Button(say("tui.add"), classes="browse", compact=True)

    def show_value(self) -> None:
        self.query_one(TextArea).text = self._text()

    def _text(self) -> str:
        return "\n".join(str(path) for path in self.question.value or ())

    def _lines(self) -> list[str]:
        lines = self.query_one(TextArea).text.splitlines()
        return [line.strip() for line in lines if line.strip()]

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if isinstance(event.widget, TextArea):
            self._take()

    def _take(self) -> None:
        if self._lines() != list(self.question.value or ()) or self.question.error:
            self.say(self._lines())

    @on(Button.Pressed)
    def _browse(self, event: Button.Pressed) -> None:
        event.stop()
        lines = self._lines()
        start = Path(lines[-1]).parent if lines else Path.cwd()
        self.app.push_screen(PathPicker(start, self.question.pick), self._picked)

    def _picked(self, path: Path | None) -> None:
        if path is not None:
            self.query_one(TextArea).text = "\n".join([*self._lines(), str(path)])
            self._take()


class TableField(QuestionField):
    """Rows of text; one line per row, cells separated by ``|``."""

    def control(self) -> ComposeResult:
        yield Static(" | ".join(self.question.columns), classes="table-head", markup=False)
        yield TextArea(self._text(), soft_wrap=False, tab_behavior="focus", compact=True)

    def show_value(self) -> None:
        self.query_one(TextArea).text = self._text()

    def _text(self) -> str:
        return "\n".join(" | ".join(row) for row in self.question.value or ())

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if isinstance(event.widget, TextArea):
            lines = event.widget.text.splitlines()
            rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.strip()]
            if rows != [list(row) for row in self.question.value or ()] or self.question.error:
                self.say(rows)


FIELDS: dict[str, type[QuestionField]] = {
    "choice": ChoiceField,
    "number": LineField,
    "text": LineField,
    "path": PathField,
    "paths": PathsField,
    "toggle": ToggleField,
    "table": TableField,
}


def field_for(question: Question) -> Widget:
    """The widget that asks a question."""
    return FIELDS[question.kind](question)
