"""One step: why it matters, its questions, its buttons, its running work, and what came out."""

from __future__ import annotations

import asyncio

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Collapsible, ProgressBar, Static

from ....core.words import join, language, say
from ...guide.view import Action, Block, JobView, Question, StepView
from .blocks import block_widget
from .questions import QuestionField, field_for

PADDING, LEAST_WIDTH = 5, 17
"""Characters around a button's label, its margin included, and of the smallest button."""


class ActionPressed(Message):
    """A button of the step was pressed."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class StepPane(VerticalScroll):
    """Draws a :class:`StepView` and changes only what changed, so that typing is not disturbed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=False)
        self.view: StepView | None = None
        self._spoken = language()
        self._drawing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Static(id="why", markup=False)
        yield JobPanel(id="job")
        yield Questions(id="questions")
        yield Actions(id="actions")
        yield Blocks(id="blocks")

    async def show(self, view: StepView) -> None:
        """Draw the step. A second call waits: widgets must not go while they are being mounted."""
        async with self._drawing:
            old, self.view = self.view, view
            before, self._spoken = self._spoken, language()
            if view == old and before == self._spoken:
                return
            fresh = old is None or old.id != view.id
            self.query_one("#title", Static).update(_heading(view))
            self.query_one("#why", Static).update(view.why)
            self.query_one(JobPanel).show(view.job)
            await self.query_one(Questions).show(view.questions, fresh=fresh)
            await self.query_one(Actions).show(view.actions)
            await self.query_one(Blocks).show(view.blocks, fresh=fresh)


def _heading(view: StepView) -> str:
    if not view.number:
        return view.title
    return f"{view.number}. {view.title} – {say(f'face.status.{view.status}')}"


class Questions(Vertical):
    """The form; rare questions wait under "More options"."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._questions: tuple[Question, ...] = ()

    def compose(self) -> ComposeResult:
        for question in self._questions:
            if not question.advanced:
                yield field_for(question)
        advanced = [question for question in self._questions if question.advanced]
        if advanced:
            with Collapsible(title=say("face.more-options")):
                for question in advanced:
                    yield field_for(question)

    async def show(self, questions: tuple[Question, ...], *, fresh: bool) -> None:
        """Draw the questions, or only what changed in them."""
        old, self._questions = self._questions, questions
        if fresh or [_shape(q) for q in old] != [_shape(q) for q in questions]:
            await self.recompose()
            return
        for question, before in zip(questions, old, strict=True):
            if question != before:
                for field in self.query(f"#q-{question.id}").results(QuestionField):
                    field.show(question)


def _shape(question: Question) -> tuple[object, ...]:
    return (question.id, question.kind, question.label, question.advanced, question.columns)


class Actions(Vertical):
    """The buttons of the step, in as many rows as they need."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._actions: tuple[Action, ...] = ()
        self._rows: list[list[Action]] = []

    def compose(self) -> ComposeResult:
        self._rows = self._in_rows()
        for row in self._rows:
            with Horizontal(classes="action-row"):
                for action in row:
                    yield Button(
                        action.label,
                        id=f"a-{action.id}",
                        variant="primary" if action.primary else "default",
                        disabled=not action.enabled,
                        tooltip=action.reason or None,
                        compact=True,
                    )

    def _in_rows(self) -> list[list[Action]]:
        """The buttons from left to right, a new row where one would not fit."""
        rows: list[list[Action]] = []
        room = 0
        for action in self._actions:
            width = max(cell_len(action.label) + PADDING, LEAST_WIDTH)
            if not rows or width > room:
                rows.append([])
                room = self.size.width or self.app.size.width
            rows[-1].append(action)
            room -= width
        return rows

    async def on_resize(self) -> None:
        if self._in_rows() != self._rows:
            await self.recompose()

    async def show(self, actions: tuple[Action, ...]) -> None:
        """Draw the buttons if they changed."""
        if actions == self._actions:
            return
        self._actions = actions
        self.display = bool(actions)
        await self.recompose()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id:
            self.post_message(ActionPressed(event.button.id.removeprefix("a-")))


class Blocks(Vertical):
    """What there is to see. Blocks of the same kinds in the same order are changed in place."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._blocks: tuple[Block, ...] = ()

    def compose(self) -> ComposeResult:
        for block in self._blocks:
            yield block_widget(block)

    async def show(self, blocks: tuple[Block, ...], *, fresh: bool) -> None:
        """Draw the blocks, or only what changed in them."""
        old, self._blocks = self._blocks, blocks
        same_kinds = [type(block) for block in old] == [type(block) for block in blocks]
        if fresh or not same_kinds or len(self.children) != len(blocks):
            await self.recompose()
            return
        for widget, block in zip(self.children, blocks, strict=True):
            widget.show(block)  # type: ignore[attr-defined]


class JobPanel(Vertical):
    """Running work with its progress, or how the last one ended."""

    def compose(self) -> ComposeResult:
        yield Static(id="job-label", markup=False)
        yield ProgressBar(id="job-bar", show_eta=False)
        yield Static(id="job-log", markup=False)

    def on_mount(self) -> None:
        self.display = False

    def show(self, job: JobView | None) -> None:
        """Draw the job; a finished one without an error needs no panel."""
        self.display = job is not None and job.state != "done"
        if job is None:
            return
        label, bar, log = (
            self.query_one("#job-label", Static),
            self.query_one(ProgressBar),
            self.query_one("#job-log", Static),
        )
        bar.display = job.state == "running"
        label.set_class(job.state in ("failed", "died"), "bad")
        if job.state == "waiting":
            label.update(f"⏳ {job.label}")
        elif job.state == "running":
            load = f"\n{job.load}" if job.load else ""
            label.update(f"{job.label or say('face.working')} · {_times(job)}{load}")
            bar.update(
                total=None if job.fraction is None else 100,
                progress=0 if job.fraction is None else 100 * job.fraction,
            )
        else:
            ends = {"cancelled": "face.stopped", "died": "face.died"}
            text = job.error or say(ends.get(job.state, "face.failed"))
            label.update(join(text, job.hint))
        log.update("\n".join(job.log_tail[-3:]))
        log.display = bool(job.log_tail)


def _times(job: JobView) -> str:
    so_far = _clock(job.elapsed)
    if job.eta is None:
        return say("face.so-far", clock=so_far)
    return say("face.left", clock=so_far, eta=_clock(job.eta))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
