"""Step 2: every check on the recordings, as a table of findings with advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....core.findings import Severity
from ..desk import Desk
from ..sources import dataset_files, dataset_signature
from ..view import Action, Block, JobView, Question, Reply, StepStatus, Table, Text
from ..watch import JobWatch
from . import check_fixes, looking, mending, statistics
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
                [entry.raw_data_dir, entry.language, dataset_signature(desk.opened, entry)]
                for entry in state.datasets
            ],
            "thresholds": state.thresholds,
        }

    def input_files(self, desk: Desk) -> list[Path]:
        return [
            path
            for entry in desk.opened.state.datasets
            for path in dataset_files(desk.opened, entry)
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
        """Whether the user wants to go on although *this* check found errors.

        A later check that found nothing but errors that were known then asks for nothing new.
        """
        if desk.answer_of(self.id, "go_on_after", "") == watch.job.id:
            return True
        known = desk.answer_of(self.id, "go_on_errors", [""])
        return bool(known) and set(self._errors(watch)) <= set(map(str, known))

    def _errors(self, watch: JobWatch) -> list[str]:
        """What every error is about, as one word each."""
        found, _ = self.findings(watch)
        error = str(Severity.ERROR)
        return sorted(
            {
                "|".join(str(one.get(key, "")) for key in ("code", "dataset", "item"))
                for one in found
                if one.get("severity") == error
            }
        )

    def verdict(self, desk: Desk, watch: JobWatch) -> StepStatus:
        if self.count(watch, Severity.ERROR) and not self.going_on(desk, watch):
            return StepStatus.READY
        return StepStatus.DONE

    def own_status(self, desk: Desk) -> StepStatus:
        return StepStatus.RUNNING if mending.at_work(desk) else super().own_status(desk)

    def questions(self, desk: Desk) -> Sequence[Question]:
        watch = self.watch(desk)
        if mending.at_work(desk):
            return ()
        if watch is None or watch.status.state != "done":
            return self._look_at(desk)
        asked = check_fixes.question(desk, watch)
        if self.count(watch, Severity.ERROR):
            # There is a button for it; this is where it is taken back.
            going_on = self.going_on(desk, watch)
            asked.append(self.ask("go_on", "toggle", going_on, advanced=not going_on))
        return [*asked, *self._look_at(desk)]

    def _look_at(self, desk: Desk) -> list[Question]:
        return looking.question(desk, self.watch(desk))

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        watch = self.watch(desk)
        if watch is not None and "go_on" in values:
            self._go_on(desk, watch, yes=bool(values["go_on"]))
        if "fix" in values:
            desk.save_answer(self.id, "fix", values["fix"])
        if looking.QUESTION in values:
            desk.save_answer(self.id, looking.QUESTION, values[looking.QUESTION])
        return {}

    def _go_on(self, desk: Desk, watch: JobWatch, *, yes: bool) -> None:
        # A yes is about the errors that were seen, not about new ones of a later check.
        desk.save_answer(self.id, "go_on_after", watch.job.id if yes else "")
        desk.save_answer(self.id, "go_on_errors", self._errors(watch) if yes else [])

    # Fixing and counting are jobs of their own, beside the check ----------------------

    def job(self, desk: Desk) -> JobView | None:
        beside = (statistics.unfinished(desk), looking.unfinished(desk))
        watch = mending.last_job(desk, self.watch(desk), *beside)
        return watch.view() if watch else None

    def actions(self, desk: Desk) -> Sequence[Action]:
        if mending.at_work(desk):
            return (self.button("stop"),)
        actions = [*super().actions(desk), *self._mending_actions(desk)]
        if any(action.primary for action in actions[1:]):
            actions[0] = replace(actions[0], primary=False)
        if self._checks(desk):
            return actions
        return (*actions, *looking.action(self._look_at(desk)), statistics.action(desk))

    def _mending_actions(self, desk: Desk) -> list[Action]:
        watch = self.watch(desk)
        if watch is not None and watch.running:
            return []
        known = watch is not None and watch.status.state == "done"
        buttons = check_fixes.actions(desk, watch, self.mark(desk)) if watch and known else []
        if self.own_status(desk) is StepStatus.READY:
            if watch and known and self.fresh(desk) and self.count(watch, Severity.ERROR):
                buttons.append(self.button("go_on"))
            # What loses nothing comes first, then doing without what cannot be mended here.
            best = next((place for place, one in enumerate(buttons) if one.enabled), None)
            if best is not None:
                buttons[best] = replace(buttons[best], primary=True)
        return [*buttons, *mending.undo_action(desk)]

    def _checks(self, desk: Desk) -> bool:
        watch = self.watch(desk)
        return watch is not None and watch.running

    def act(self, desk: Desk, action: str) -> Reply:
        counting = statistics.at_work(desk)
        mended, watch = mending.at_work(desk), self.watch(desk)
        if action == statistics.START:
            return statistics.start(desk)
        if action == looking.ACTION:
            return looking.start(desk, self._look_at(desk))
        if action == "undo":
            return mending.undo(desk)
        if action == "go_on" and watch is not None:
            self._go_on(desk, watch, yes=True)
            return Reply(True, go_to="next")
        if action in ("fix_safe", "fix_kind") and watch is not None:
            return check_fixes.act(desk, action, watch, fresh=self.fresh(desk))
        if action == "stop" and mended is not None:
            mended.job.stop()
            return Reply(True, self.say("stopping"))
        if action == "stop" and counting is not None and not self._checks(desk):
            return statistics.stop(counting)
        return super().act(desk, action)

    # What there is to see -------------------------------------------------------------

    def blocks(self, desk: Desk) -> Sequence[Block]:
        return (
            *self._verdict_blocks(desk),
            *self._mending_blocks(desk),
            *looking.blocks(desk),
            *statistics.blocks(desk, self.input_files(desk)),
        )

    def _mending_blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        known = watch is not None and watch.status.state == "done" and self.fresh(desk)
        return (
            *mending.in_vain(desk, watch),
            *(check_fixes.blocks(desk, watch, self.mark(desk)) if watch and known else ()),
            *mending.history_table(desk),
        )

    def _verdict_blocks(self, desk: Desk) -> Sequence[Block]:
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
        if safe := check_fixes.safe_count(watch):
            blocks.append(Text(self.say("fixable", count=safe)))
        if later:
            blocks.append(Text(self.say("later", count=later)))
        if found:
            blocks.append(self._table(found))
        return blocks

    def _table(self, found: list[dict[str, Any]]) -> Table:
        columns = ("severity", "item", "message", "hint", "fix", "code")
        rows = tuple(
            (
                str(one.get("severity", "")),
                _where(one),
                str(one.get("message", "")),
                str(one.get("hint", "")),
                check_fixes.can_be_fixed(one),
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
