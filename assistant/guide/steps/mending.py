"""What check and dictionary have in common: changes shown before, done as a job, taken back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ....core.project import Project
from ..desk import Desk
from ..store import signature
from ..view import Action, Block, Reply, Table, Text
from ..watch import JobWatch
from ..words import say

if TYPE_CHECKING:
    from ....core.dataset.fixes import JournalEntry, Plan

STAGES = ("fix", "undo")
MOST_STEPS = 100
"""Lines shown of what would be done; the others are counted."""
MOST_CHANGES = 10
"""Changes listed that can be taken back."""
DIFF_LINES = 40


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan would do, ready to be shown.

    Attributes:
        steps: ``(item, what)``.
        refused: ``(item, why)``.
        diff: for people, long lines shortened.
        empty: nothing would change.
    """

    steps: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]
    diff: str
    empty: bool

    @classmethod
    def of(cls, plan: Plan) -> Preview:
        """The preview of a plan."""
        from ....core.dataset.fixes.excerpt import excerpt

        return cls(
            tuple((step.item, step.what) for step in plan.steps),
            tuple(dict.fromkeys((one.item, one.why) for one in plan.refused)),
            excerpt(plan.diff(), lines=DIFF_LINES),
            not plan,
        )


def preview(
    desk: Desk, name: str, key: Hashable, make_plan: Callable[[Project], Plan]
) -> list[Block]:
    """Blocks that show what a plan would do; a waiting line until it is worked out."""
    root = desk.opened.root
    try:
        found = desk.background.result(
            # The thread reads a project of its own: this one changes with every answer.
            name, key, lambda: Preview.of(make_plan(Project.open(root)))
        )  # fmt: skip
    except SingwizError as error:
        return [Text(f"{error.message} {error.hint}", "warning")]
    if found is None:
        return [Text(say("mend.planning"))]
    blocks: list[Block] = []
    if found.empty:
        blocks.append(Text(say("mend.nothing")))
    else:
        blocks.append(_table(say("mend.would", count=len(found.steps)), found.steps))
        if found.diff:
            fence = "`" * 4
            blocks.append(Text(f"{say('mend.diff')}\n\n{fence}diff\n{found.diff}\n{fence}"))
    if found.refused:
        title = say("mend.refused", count=len(found.refused))
        blocks.append(_table(title, found.refused, second="column-why"))
    return blocks


def _table(title: str, rows: Sequence[tuple[str, str]], *, second: str = "column-what") -> Table:
    shown = list(rows[:MOST_STEPS])
    if len(rows) > MOST_STEPS:
        shown.append(("…", say("mend.more", count=len(rows) - MOST_STEPS)))
    return Table(title, (say("mend.column-item"), say(f"mend.{second}")), tuple(shown))


def at_work(desk: Desk) -> JobWatch | None:
    """The fixing or undoing that runs now, whoever started it."""
    for stage in STAGES:
        watch = desk.watch(stage)
        if watch is not None and watch.running:
            return watch
    return None


def last_job(desk: Desk, *others: JobWatch | None) -> JobWatch | None:
    """Of fixing, undoing and some other jobs the one to show: a running one, else the newest."""
    known = [watch for watch in (*(desk.watch(stage) for stage in STAGES), *others) if watch]
    return max(known, key=lambda watch: (watch.running, watch.job.created), default=None)


def start(desk: Desk, stage: str, params: Mapping[str, Any]) -> Reply:
    """Start fixing or undoing, unless somebody is at it."""
    from ....core.jobs import start_job

    if at_work(desk) is not None:
        return Reply(True, say("job.already-running"))
    start_job(desk.opened, stage, params)
    return Reply(True, say(f"mend.{stage}-started"))


def changes(desk: Desk) -> list[JournalEntry]:
    """What was changed so far and can be taken back, newest first.

    Raises:
        SingwizError: a record is damaged.
    """
    from ....core.dataset.fixes import history

    project = desk.opened
    folder = project.root / "datasets" / ".journal"
    if signature(folder) is None:
        return []
    key = tuple(sorted((path.name, signature(path)) for path in _folders(folder)))
    return desk.remembered("changes", key, lambda: history(project))


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.isdecimal()]
    except OSError:
        return []


def undo_action(desk: Desk, *, reason: str = "") -> list[Action]:
    """A button that takes the last change back, if there is one."""
    done = changes(desk)
    if not done:
        return []
    return [Action("undo", say("mend.undo"), enabled=not reason, reason=reason)]


def undo(desk: Desk) -> Reply:
    """Take the last change back, and check again if it was one of the recordings."""
    return start(desk, "undo", {"recheck": True})


def in_vain(desk: Desk, *others: JobWatch | None) -> list[Block]:
    """Says so if the newest of all work was fixing that could not change anything."""
    watch = last_job(desk, *others)
    if watch is None or watch.job.stage != "fix" or watch.status.state != "done":
        return []
    if watch.result.get("applied") or watch.result.get("dry_run"):
        return []
    return [Text(say("mend.in-vain"), "warning")]


def history_table(desk: Desk) -> list[Block]:
    """What was changed so far, newest first."""
    done = changes(desk)
    if not done:
        return []
    rows = tuple(
        (
            datetime.fromtimestamp(entry.time).strftime("%Y-%m-%d %H:%M"),
            entry.title,
            " ".join(entry.steps[:3]) + (" …" if len(entry.steps) > 3 else ""),
        )
        for entry in done[:MOST_CHANGES]
    )
    columns = tuple(say(f"mend.column-{name}") for name in ("when", "change", "what"))
    return [Table(say("mend.history", count=len(done)), columns, rows)]
