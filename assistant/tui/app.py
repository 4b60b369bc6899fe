"""The terminal application: the step list on the left, one step on the right.

Everything shown comes from :class:`~singwiz.assistant.guide.guide.Guide`. Calls to it run in
threads, because a job may be starting or a disk may be slow; drawing happens here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Footer, Header, Input, TextArea

from ...core.atomic import write_text
from ...core.errors import SingwizError
from ...core.listening.playing import Player
from ...core.project import MODEL_KINDS, ModelKind
from ...core.words import has, join, language, languages, retell, save, say
from ..guide.overview import OVERVIEW
from ..guide.view import Reply, StepLine, StepView
from ..guide.words import title, why
from .screens import HelpScreen
from .widgets.blocks import CopyText, PlayAudio, PlayVersion, VersionsBlock
from .widgets.questions import Answered
from .widgets.step_list import StepChosen, StepList
from .widgets.step_pane import ActionPressed, StepPane

if TYPE_CHECKING:
    from ..guide.guide import Guide

POLL_SECONDS = 1.0


class GuideApp(App[None]):
    """singwiz in a terminal."""

    TITLE = "singwiz"
    CSS_PATH = "app.tcss"
    # At 80 columns there is room for a step list of 22 and a readable form beside it.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-wide")]  # noqa: RUF012 - Textual declares it so

    BINDINGS: ClassVar[list[BindingType]] = [
        # What they are called in the footer is said by name_keys. All that is shown there has to
        # fit into 80 columns; the most used ones come first.
        Binding("f9", "primary", "tui.key.primary"),
        Binding("f8", "move(1)", "tui.key.ahead"),
        Binding("f7", "move(-1)", "tui.key.back"),
        Binding("f1", "step_help", "tui.key.help"),
        Binding("f3", "overview", "tui.key.overview"),
        Binding("f6", "next_language", "tui.key.language"),
        Binding("f2", "focus_steps", "tui.key.steps", show=False),
        Binding("f4", "edit_config", "tui.key.config", show=False),
        Binding("ctrl+q", "quit", "tui.key.quit", priority=True),
    ]

    def __init__(self, guide: Guide) -> None:
        super().__init__()
        self.guide = guide
        self.step_id = guide.current()
        self._keys = {key: list(found) for key, found in self._bindings.key_to_bindings.items()}
        self.name_keys()
        self._player = Player()

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal(id="body"):
            yield StepList(id="steps")
            yield StepPane(id="step")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.sub_title = self._project_name()
        self.refresh_guide()
        self.set_interval(POLL_SECONDS, self.refresh_guide)

    def on_unmount(self) -> None:
        self._player.stop()

    # Languages ---------------------------------------------------------------------------

    def name_keys(self) -> None:
        """Call the keys in the footer what they are called in the language that is spoken."""
        for key, bindings in self._keys.items():
            self._bindings.key_to_bindings[key] = [
                replace(binding, description=_name_of(binding)) for binding in bindings
            ]

    def action_next_language(self) -> None:
        """Speak the next language."""
        tags = [one.tag for one in languages()]
        self.speak(tags[(tags.index(language()) + 1) % len(tags)])

    def speak(self, tag: str) -> None:
        """Speak a language from now on, and the next time as well."""
        # Fields with other labels are made anew: what is half typed has to be taken before.
        self.screen.set_focus(None)
        try:
            save(tag)
        except SingwizError as error:
            self.notify(join(retell(error.message), retell(error.hint)), severity="warning")
        self.name_keys()
        self.refresh_bindings()
        self.refresh_guide()

    # Talking to the guide ----------------------------------------------------------------

    @work(thread=True, exclusive=True, group="look")
    def refresh_guide(self) -> None:
        """Ask the guide what to show, without holding up the keyboard."""
        step_id = self.step_id
        overview, view = self.guide.overview(), self.guide.view(step_id)
        self.call_from_thread(self._draw, overview, view)  # type: ignore[arg-type]

    async def _draw(self, overview: list[StepLine], view: StepView) -> None:
        if not self.is_running or view.id != self.step_id:
            return
        self.sub_title = self._project_name()
        self.query_one(StepList).show(overview, self.step_id)
        await self.query_one(StepPane).show(view)

    @on(Answered)
    def _take_answer(self, message: Answered) -> None:
        self._answer(self.step_id, {message.question: message.value})

    @work(thread=True, group="tell")
    def _answer(self, step_id: str, values: dict[str, Any]) -> None:
        reply = self.guide.answer(step_id, values)
        self.call_from_thread(self._after, reply, quiet=True)

    @on(ActionPressed)
    def _take_action(self, message: ActionPressed) -> None:
        self.act(message.action)

    @work(thread=True, group="tell")
    def act(self, action_id: str) -> None:
        """Press a button of the step that is shown."""
        reply = self.guide.act(self.step_id, action_id)
        self.call_from_thread(self._after, reply)

    def _after(self, reply: Reply, *, quiet: bool = False) -> None:
        # A refused answer is shown beside its field; only what has no field needs a notice.
        text = join(reply.message, reply.hint)
        if text and not (quiet and reply.errors):
            severity = "information" if reply.ok else "error"
            self.notify(text, severity=severity, timeout=4 if reply.ok else 10)  # type: ignore[arg-type]
        if reply.go_to:
            self.go_to(reply.go_to)
        else:
            self.refresh_guide()

    # Moving about ------------------------------------------------------------------------

    @on(StepChosen)
    def _choose_step(self, message: StepChosen) -> None:
        self.go_to(message.step_id)

    def go_to(self, step_id: str) -> None:
        """Show another step."""
        if step_id in (*self.guide.step_ids, OVERVIEW):
            self.step_id = step_id
            self.query_one(StepPane).scroll_home(animate=False)
            self.refresh_guide()

    def action_move(self, distance: int) -> None:
        """Go to the step ``distance`` places on."""
        ids = (OVERVIEW, *self.guide.step_ids)
        index = ids.index(self.step_id) + distance
        if 0 <= index < len(ids):
            self.go_to(ids[index])

    def action_overview(self) -> None:
        """Show where everything stands."""
        self.go_to(OVERVIEW)

    def action_focus_steps(self) -> None:
        """Put the keyboard on the step list."""
        self.query_one(StepList).focus()

    def action_primary(self) -> None:
        """Do what this step is there for."""
        view = self.query_one(StepPane).view
        if view is None:
            return
        enabled = [action for action in view.actions if action.enabled]
        chosen = next((action for action in enabled if action.primary), None)
        if chosen is not None:
            self.act(chosen.id)
        elif view.actions:
            self.notify(view.actions[0].reason or say("tui.choose-button"), severity="warning")

    def action_step_help(self) -> None:
        """Explain the step that is shown and the keys."""
        view = self.query_one(StepPane).view
        if view is not None:
            self.push_screen(HelpScreen(view))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every step and every button is also in the palette."""
        yield SystemCommand(title(OVERVIEW), why(OVERVIEW), self.action_overview)
        for line in self.query_one(StepList).lines:
            yield SystemCommand(
                say("tui.go-to", number=line.number, title=line.title),
                line.summary or say("tui.step-is", status=say(f"face.status.{line.status}")),
                lambda step_id=line.id: self.go_to(step_id),
            )
        view = self.query_one(StepPane).view
        for action in view.actions if view else ():
            if action.enabled:
                yield SystemCommand(
                    action.label,
                    say("tui.do-now"),
                    lambda action_id=action.id: self.act(action_id),
                )
        project = self.guide.project
        for kind in MODEL_KINDS if project else ():
            if project is not None and project.config_path(kind).exists():
                yield SystemCommand(
                    say("tui.edit-config", kind=kind),
                    say("tui.edit-config-help"),
                    lambda kind=kind: self.action_edit_config(kind),
                )
        yield SystemCommand(say("tui.explain"), say("tui.explain-help"), self.action_step_help)
        for one in languages():
            yield SystemCommand(
                say("tui.speak", name=one.name),
                say("tui.speak-help"),
                lambda tag=one.tag: self.speak(tag),
            )
        for command in super().get_system_commands(screen):
            words = f"tui.palette.{command.title.lower()}"
            if has(words):
                yield command._replace(title=say(f"{words}.title"), help=say(f"{words}.help"))
            else:
                yield command

    # The world outside -------------------------------------------------------------------

    def action_edit_config(self, kind: ModelKind = "acoustic") -> None:
        """Open the generated config of a model in the user's editor and come back."""
        project = self.guide.project
        path = project.config_path(kind) if project else None
        if path is None or not path.exists():
            self.notify(say("tui.no-config"), severity="warning")
            return
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _first_editor()
        if not editor:
            self.notify(say("tui.no-editor", path=str(path)), severity="warning")
            return
        try:
            with self.suspend():
                subprocess.run([*shlex.split(editor), str(path)], check=False)
        except OSError as error:
            text = say("tui.editor-failed", editor=editor, reason=error.strerror or str(error))
            self.notify(text, severity="error")
        self.refresh_guide()

    @on(CopyText)
    def _copy(self, message: CopyText) -> None:
        """Into the clipboard of the terminal, also over SSH; and into a file, for those without."""
        self.copy_to_clipboard(message.text)
        project = self.guide.project
        if project is None:
            self.notify(say("tui.copied"))
            return
        path = project.jobs_dir / "report.txt"
        try:
            write_text(path, message.text)
        except OSError as error:
            reason = error.strerror or str(error)
            self.notify(say("tui.copied-only", reason=reason), severity="warning")
            return
        self.notify(say("tui.copied-saved", path=str(path)), timeout=10)

    @on(PlayAudio)
    def _play(self, message: PlayAudio) -> None:
        if self._player.play(message.path):
            self.notify(say("tui.playing", name=message.path.name))
        else:
            self.notify(say("tui.no-player", path=str(message.path)), timeout=15)

    @on(PlayVersion)
    def _play_version(self, message: PlayVersion) -> None:
        if message.path is None:
            self._player.stop()
        elif not self._player.play(message.path, keep_position=True):
            self.notify(say("tui.no-player", path=str(message.path)), timeout=15)

    def on_key(self, event: Key) -> None:
        """In a listening test letters play, space stops, and numbers answer."""
        versions = next(iter(self.query(VersionsBlock)), None)
        if versions is None or isinstance(self.focused, Input | TextArea):
            return
        view = self.query_one(StepPane).view
        votes = [one for one in (view.actions if view else ()) if one.id.startswith("vote_")]
        if event.key == "space":
            self._player.stop()
        elif event.character and event.character.isdecimal():
            place = int(event.character) - 1
            if not 0 <= place < len(votes):
                return
            self._player.stop()
            self.act(votes[place].id)
        elif not (event.character and versions.press(event.character.upper())):
            return
        event.stop()

    def _project_name(self) -> str:
        return self.guide.project.state.name if self.guide.project else say("tui.no-project")


def _name_of(binding: Binding) -> str:
    if binding.action == "command_palette":
        return say("tui.key.palette")
    return say(binding.description) if has(binding.description) else binding.description


def _first_editor() -> str:
    names = ("nano", "micro", "vim", "vi", "notepad")
    return next((path for name in names if (path := shutil.which(name))), "")
