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
DICTIONARY_CODES = frozenset(
    {
        "unknown-phoneme",
        "missing-phoneme",
        "syllable-in-labels",
        "language-prefix",
        "language-tag",
        "language-unknown",
        "language-wrong",
        "phoneme-hidden-by-global",
        "merged-groups-joined",
        "merged-group-single",
    }
)
"""Findings, besides those named ``dictionary-…``, that the next step deals with."""


class CheckStep(JobStep):
    """Runs the checks; errors have to be mended, or the user goes on in spite of them."""

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

    def input_files(self, desk: Desk) -> list[Path]:
        return [
            path
            for entry in desk.opened.state.datasets
            for path in dataset_files(entry.raw_data_dir)
        ]

    def params(self, desk: Desk) -> dict[str, Any]:
        return {"model": "acoustic"}

    def findings(self, watch: JobWatch) -> tuple[list[dict[str, Any]], int]:
        """The findings of a finished check, worst first, and how many problems more there are
        about the dictionary: those are shown, and mended, in the next step."""
        order = {str(severity): number for number, severity in enumerate(Severity)}
        found = watch.entries("findings")
        own = [one for one in found if not _about_dictionary(str(one.get("code", "")))]
        own.sort(key=lambda one: order.get(str(one.get("severity")), len(order)))
        later = [
            one
            for one in found
            if _about_dictionary(str(one.get("code", "")))
            and one.get("severity") != str(Severity.NOTE)
        ]
        return own, len(later)

    def count(self, watch: JobWatch, severity: Severity) -> int:
        """Number of findings of a severity that this step has to settle."""
        found, _ = self.findings(watch)
        return sum(one.get("severity") == str(severity) for one in found)

    def broken(self, watch: JobWatch) -> list[list[str]]:
        """``[dataset, item]`` of every recording with an error."""
        found, _ = self.findings(watch)
        error = str(Severity.ERROR)
        items = {
            (str(one.get("dataset", "")), str(one["item"]))
            for one in found
            if one.get("item") and one.get("severity") == error
        }
        return [list(item) for item in sorted(items)]

    def going_on(self, desk: Desk, watch: JobWatch) -> bool:
        """Whether the user wants to go on although *this* check found errors."""
        return desk.answer_of(self.id, "go_on_after", "") == watch.job.id

    def verdict(self, desk: Desk, watch: JobWatch) -> StepStatus:
        if self.count(watch, Severity.ERROR) and not self.going_on(desk, watch):
            return StepStatus.READY
        return StepStatus.DONE

    def questions(self, desk: Desk) -> Sequence[Question]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done" or not self.count(watch, Severity.ERROR):
            return ()
        return (self.ask("go_on", "toggle", self.going_on(desk, watch)),)

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        watch = self.watch(desk)
        if watch is not None and "go_on" in values:
            # A yes is about the errors that were seen, not about those of a later check.
            desk.save_answer(self.id, "go_on_after", watch.job.id if values["go_on"] else "")
        return {}

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ()
        found, later = self.findings(watch)
        blocking = self.count(watch, Severity.ERROR)
        blocks: list[Block] = []
        if blocking and self.going_on(desk, watch):
            blocks.append(Text(self.say("going-on", count=blocking), "warning"))
        elif blocking:
            blocks.append(Text(self.say("errors", count=blocking), "error"))
        elif not found:
            blocks.append(Text(self.say("clean"), "good"))
        else:
            blocks.append(Text(self.say("usable"), "good"))
        if later:
            blocks.append(Text(self.say("later", count=later)))
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
        facts = watch.facts("summary")
        return self.say(
            "summary",
            items=facts.get("items", 0),
            minutes=round(float(facts.get("seconds") or 0.0) / 60.0, 1),
            errors=self.count(watch, Severity.ERROR),
            warnings=self.count(watch, Severity.WARNING),
        )


def dataset_signature(raw_data_dir: str) -> list[Any]:
    """Changes when the transcriptions or the list of sound files change."""
    return [signature(path) for path in dataset_files(raw_data_dir)]


def dataset_files(raw_data_dir: str) -> tuple[Path, Path]:
    """The transcriptions, and the folder whose time stamp shows added and removed sounds."""
    folder = Path(raw_data_dir)
    return folder / "transcriptions.csv", folder / "wavs"


def _about_dictionary(code: str) -> bool:
    return code in DICTIONARY_CODES or code.startswith("dictionary-")


def _where(finding: dict[str, Any]) -> str:
    """Item, or file and line, whichever is known."""
    item = str(finding.get("item") or "")
    file = Path(str(finding.get("file") or "")).name
    line = finding.get("line")
    place = f"{file}:{line}" if file and line else file
    start = finding.get("start")
    time = f"{start:.2f} s" if isinstance(start, int | float) else ""
    return ", ".join(part for part in (item, place, time) if part)
