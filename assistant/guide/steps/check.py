"""Step 2: every check on the recordings, as a table of findings with advice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....core.findings import Severity
from ..desk import Desk
from ..store import signature
from ..view import Block, Question, StepStatus, Table, Text
from ..watch import JobWatch
from .work import JobStep

MOST_ROWS = 300
"""Findings shown; more do not help anybody, and every one travels to the browser."""
SETTLED_LATER = frozenset({"phoneme-unknown", "phoneme-missing", "unknown-phoneme"})
"""Findings about the dictionary: the next step deals with them."""


class CheckStep(JobStep):
    """Runs the checks; errors have to be mended, or the user goes on without the bad items."""

    id = "check"
    stage = "check"

    def inputs(self, desk: Desk) -> Any:
        state = desk.opened.state
        return {
            "datasets": [
                [entry.raw_data_dir, entry.language, dataset_signature(entry.raw_data_dir)]
                for entry in state.datasets
            ],
            "thresholds": state.thresholds,
        }

    def params(self, desk: Desk) -> dict[str, Any]:
        return {"model": "acoustic"}

    def findings(self, watch: JobWatch) -> list[dict[str, Any]]:
        """The findings of a finished check, worst first."""
        order = {str(severity): number for number, severity in enumerate(Severity)}
        listed = watch.result.get("findings")
        found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return sorted(found, key=lambda one: order.get(str(one.get("severity")), len(order)))

    def blocking(self, watch: JobWatch) -> int:
        """Number of errors that this step has to settle."""
        return sum(
            one.get("severity") == str(Severity.ERROR) and one.get("code") not in SETTLED_LATER
            for one in self.findings(watch)
        )

    def verdict(self, desk: Desk, watch: JobWatch) -> StepStatus:
        if self.blocking(watch) and not desk.answer_of(self.id, "go_on", False):
            return StepStatus.READY
        return StepStatus.DONE

    def questions(self, desk: Desk) -> Sequence[Question]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done" or not self.blocking(watch):
            return ()
        return (self.ask("go_on", "toggle", desk.answer_of(self.id, "go_on", False)),)

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ()
        found = self.findings(watch)
        blocking = self.blocking(watch)
        later = [one for one in found if one.get("code") in SETTLED_LATER]
        blocks: list[Block] = []
        if blocking and desk.answer_of(self.id, "go_on", False):
            blocks.append(Text(self.say("going-on", count=blocking), "warning"))
        elif blocking:
            blocks.append(Text(self.say("errors", count=blocking), "error"))
        elif not found:
            blocks.append(Text(self.say("clean"), "good"))
        else:
            blocks.append(Text(self.say("usable"), "good"))
        if later:
            blocks.append(Text(self.say("later", count=len(later))))
        if found:
            blocks.append(self._table(found))
        return blocks

    def _table(self, found: list[dict[str, Any]]) -> Table:
        columns = ("severity", "item", "message", "hint", "code")
        rows = tuple(
            (
                str(one.get("severity", "")),
                _where(one),
                str(one.get("message", "")),
                str(one.get("hint", "")),
                str(one.get("code", "")),
            )
            for one in found[:MOST_ROWS]
        )
        title = self.say("table-title", shown=len(rows), count=len(found))
        return Table(
            title,
            tuple(self.say(f"column-{name}") for name in columns),
            rows,
            severity_column=0,
            empty=self.say("clean"),
        )

    def summary(self, desk: Desk) -> str:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ""
        facts = watch.result.get("summary")
        facts = facts if isinstance(facts, dict) else {}
        return self.say(
            "summary",
            items=facts.get("items", 0),
            minutes=round(float(facts.get("seconds") or 0.0) / 60.0, 1),
            errors=facts.get("errors", 0),
            warnings=facts.get("warnings", 0),
        )


def dataset_signature(raw_data_dir: str) -> list[Any]:
    """Changes when the transcriptions or the list of sound files change."""
    folder = Path(raw_data_dir)
    return [signature(folder / "transcriptions.csv"), signature(folder / "wavs")]


def _where(finding: dict[str, Any]) -> str:
    """Item, or file and line, whichever is known."""
    item = str(finding.get("item") or "")
    file = Path(str(finding.get("file") or "")).name
    line = finding.get("line")
    place = f"{file}:{line}" if file and line else file
    start = finding.get("start")
    time = f"{start:.2f} s" if isinstance(start, int | float) else ""
    return ", ".join(part for part in (item, place, time) if part)
