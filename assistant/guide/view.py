"""The plain objects through which the guide speaks to its two faces.

A face draws a :class:`StepView` and sends back answers and action ids; it decides nothing.
Whatever is new in the wizard is added here once and appears in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

QuestionKind = Literal["choice", "number", "text", "path", "paths", "toggle", "table"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a ``choice`` question; ``why`` explains it in a few words."""

    value: str
    label: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something the user decides.

    Attributes:
        id: key of the answer.
        kind: ``choice`` (str), ``number`` (int or float), ``text`` (str), ``path`` (str),
            ``paths`` (list of str), ``toggle`` (bool), ``table`` (list of rows of str).
        value: the current answer; a recommended one is already filled in.
        advanced: shown only under "more options".
        error: why the last given answer was refused; empty if it was taken.
        columns: column titles of a ``table``.
        pick: for paths: whether a folder or a file is wanted.
        integer: for numbers: only whole ones are taken.
    """

    id: str
    label: str
    kind: QuestionKind
    value: Any = None
    help: str = ""
    choices: tuple[Choice, ...] = ()
    advanced: bool = False
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    error: str = ""
    columns: tuple[str, ...] = ()
    pick: Literal["folder", "file"] = "folder"
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of Markdown; ``tone`` colours it."""

    body: str
    tone: Literal["plain", "good", "warning", "error"] = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table of strings. ``severity_column`` may hold error, warning or note; a ``folded``
    one is long and shows its title only until somebody opens it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    severity_column: int | None = None
    empty: str = "Nothing here."
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Line plot: series name -> points ``(x, y)``."""

    title: str
    series: dict[str, tuple[tuple[float, float], ...]]
    x_label: str = "step"
    y_label: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture inside the project folder; another ``version`` is another picture."""

    path: Path
    caption: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound file inside the project folder; another ``version`` is another sound."""

    path: Path
    caption: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Copyable:
    """A longer text to hand on, with a way to copy it; shown when somebody opens it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Versions:
    """Several versions of one sound, to switch between at the same moment.

    Attributes:
        sounds: letter and sound file, inside the project folder.
        key: what is heard; another key is another question.
        help: which keys play.
    """

    sounds: tuple[tuple[str, Path], ...]
    key: str = ""
    help: str = ""


Block = Text | Table | Chart | Image | Audio | Copyable | Versions


@dataclass(frozen=True, slots=True)
class Action:
    """A button. A disabled one says why in ``reason``."""

    id: str
    label: str
    primary: bool = False
    enabled: bool = True
    reason: str = ""


class StepStatus(StrEnum):
    """Where a step stands."""

    LOCKED = "locked"
    """An earlier step has to be done first."""
    READY = "ready"
    """Waiting for the user."""
    RUNNING = "running"
    """A job is at work."""
    DONE = "done"
    STALE = "stale"
    """Was done, but an earlier answer changed since."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobView:
    """The job of a step, running or last finished.

    ``fraction`` is 0..1 or None when unknown; ``eta`` and ``elapsed`` are seconds.
    """

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled", "died"]
    label: str = ""
    fraction: float | None = None
    eta: float | None = None
    elapsed: float = 0.0
    error: str = ""
    hint: str = ""
    log_tail: tuple[str, ...] = ()
    load: str = ""
    """How busy the machine is, while it runs."""


@dataclass(frozen=True, slots=True)
class StepView:
    """Everything a face needs to draw one step."""

    id: str
    number: int
    title: str
    why: str
    status: StepStatus
    summary: str = ""
    """One line for the overview, e.g. "140 recordings, 20.1 min"."""
    questions: tuple[Question, ...] = ()
    blocks: tuple[Block, ...] = ()
    actions: tuple[Action, ...] = ()
    job: JobView | None = None


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of the overview of all steps."""

    id: str
    number: int
    title: str
    status: StepStatus
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of answers or an action: a message, the field errors, where to go next."""

    ok: bool
    message: str = ""
    hint: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    go_to: str = ""
