"""Windows over the wizard: the help of a step and the folder picker."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, DirectoryTree, Input, Markdown, Static

from ...core.words import say
from ..guide.view import StepView


class HelpScreen(ModalScreen[None]):
    """What a step is for, its questions, and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Close")]

    def __init__(self, view: StepView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        number = f"{self._view.number}. " if self._view.number else ""
        parts = [f"## {number}{self._view.title}", self._view.why]
        parts += [f"**{q.label}** – {q.help}" for q in self._view.questions if q.help]
        parts += [f"### {say('tui.keys-title')}", say("tui.keys")]
        with VerticalScroll(classes="window"):
            yield Markdown("\n\n".join(parts))


class _FolderTree(DirectoryTree):
    """A tree without hidden entries; only folders when a folder is wanted."""

    def __init__(self, root: Path, pick: Literal["folder", "file"]) -> None:
        super().__init__(root)
        self._pick = pick

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        visible = (path for path in paths if not path.name.startswith("."))
        return [path for path in visible if self._pick == "file" or path.is_dir()]


class PathPicker(ModalScreen[Path | None]):
    """Choose a folder or a file by walking, or by typing where to start."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, start: Path, pick: Literal["folder", "file"]) -> None:
        super().__init__()
        while not start.is_dir() and start != start.parent:
            start = start.parent
        self._start = start
        self._pick = pick
        self._chosen: Path = start

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(say(f"tui.choose-{self._pick}"), classes="window-title")
            yield Input(str(self._start), id="picker-start")
            yield _FolderTree(self._start, self._pick)
            with Horizontal(classes="buttons"):
                yield Button(say("tui.take"), variant="primary", id="take")
                yield Button(say("tui.up"), id="up")
                yield Button(say("tui.cancel"), id="cancel")

    @on(Input.Submitted, "#picker-start")
    def _start_elsewhere(self, event: Input.Submitted) -> None:
        path = Path(event.value).expanduser()
        if path.is_dir():
            self._show(path.absolute())
        else:
            self.notify(say("tui.no-folder", path=str(path)), severity="warning")

    @on(DirectoryTree.NodeHighlighted)
    def _highlight(self, event: DirectoryTree.NodeHighlighted) -> None:
        if event.node.data is not None:
            self._chosen = event.node.data.path

    @on(DirectoryTree.FileSelected)
    def _take_file(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(event.path)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "up":
            self._show(Path(self.query_one(_FolderTree).path).parent)
        elif event.button.id == "cancel":
            self.dismiss(None)
        elif self._pick == "file" and not self._chosen.is_file():
            self.notify(say("tui.choose-in-list"), severity="warning")
        else:
            self.dismiss(self._chosen)

    def _show(self, folder: Path) -> None:
        self._chosen = folder
        self.query_one(_FolderTree).path = folder
        self.query_one("#picker-start", Input).value = str(folder)
