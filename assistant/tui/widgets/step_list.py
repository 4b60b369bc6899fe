"""The list of all steps with where they stand."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import on
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...guide.overview import OVERVIEW
from ...guide.view import StepLine, StepStatus
from ...guide.words import title

MARKS: dict[StepStatus, tuple[str, str]] = {
    StepStatus.LOCKED: ("·", "dim"),
    StepStatus.READY: ("○", ""),
    StepStatus.RUNNING: ("▶", "bold cyan"),
    StepStatus.DONE: ("✓", "green"),
    StepStatus.STALE: ("↻", "yellow"),
    StepStatus.FAILED: ("✗", "bold red"),
}


WIDTH = 20
"""Cells for a title; the list is 24 wide, with a mark, a blank and a border."""


class StepChosen(Message):
    """The user wants to see a step."""

    def __init__(self, step_id: str) -> None:
        super().__init__()
        self.step_id = step_id


class StepList(OptionList):
    """All steps; Enter shows one.

    A mark says where a step stands: ✓ done, ○ your turn, ▶ working, ↻ do again, ✗ failed, · later.
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.lines: list[StepLine] = []
        self._shown = ""

    def show(self, lines: list[StepLine], shown: str) -> None:
        """Draw the steps; ``shown`` is the one on the right."""
        if lines == self.lines and shown == self._shown:
            return
        moved = shown != self._shown
        highlighted = self.highlighted
        self.lines, self._shown = lines, shown
        self.clear_options()
        style = "bold" if shown == OVERVIEW else ""
        self.add_option(Option(Text(_cut(f"≡ {title(OVERVIEW)}"), style), id=OVERVIEW))
        self.add_options(Option(_prompt(line, line.id == shown), id=line.id) for line in lines)
        self.highlighted = self.get_option_index(shown) if moved else highlighted

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id:
            self.post_message(StepChosen(event.option.id))


def _prompt(line: StepLine, shown: bool) -> Text:
    mark, style = MARKS[line.status]
    text = Text.assemble((f"{mark} ", style), (_cut(line.title), "bold" if shown else style))
    if line.summary:
        text.append(f"\n  {_cut(line.summary)}", "dim")
    return text


def _cut(text: str) -> str:
    """As much as fits beside the mark: a list of steps should not wrap."""
    return text if cell_len(text) <= WIDTH else set_cell_size(text, WIDTH - 1).rstrip() + "…"
