"""Step 3: what the labels use and what the dictionary knows have to be the same symbols."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core.dictionary import Mismatch, list_dictionaries
from ....core.errors import SingwizError
from ....core.findings import Finding, Severity, has_errors
from ....core.project import Project
from ..desk import Desk, fingerprint, is_file
from ..sources import dataset_signature
from ..store import signature
from ..view import Action, Block, JobView, Question, Reply, StepStatus, Table, Text
from ..words import say
from . import cures, mending
from .base import Step
from .check import MOST_ROWS


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found, or why nothing could be compared."""

    mismatch: Mismatch | None
    symbols: int = 0
    trouble: SingwizError | None = None
    findings: tuple[Finding, ...] = ()
    """What is wrong with the dictionary files themselves."""

    @property
    def ok(self) -> bool:
        """Whether labels and usable dictionaries agree."""
        mismatch = self.mismatch
        return mismatch is not None and mismatch.ok and not has_errors(self.findings)

    @property
    def unexpected(self) -> list[str]:
        """Symbols of the labels that no dictionary knows."""
        return sorted(self.mismatch.unexpected) if self.mismatch else []

    @property
    def missing(self) -> list[str]:
        """Symbols of the dictionaries that no label uses."""
        return list(self.mismatch.missing) if self.mismatch else []


class DictionaryStep(Step):
    """Compares live: whatever is changed shows its effect at once, without a job."""

    id = "dictionary"
    needs = ("recordings",)
    follows_at_once = True

    def comparison(self, desk: Desk) -> Comparison:
        """Labels against dictionaries, worked out again only when one of them changed."""
        return desk.remembered("comparison", self._key(desk), lambda: self._compare(desk))

    def _key(self, desk: Desk) -> Hashable:
        """Everything that the comparison depends on."""
        state = desk.opened.state
        return (
            tuple(
                (entry.name, entry.language, str(dataset_signature(desk.opened, entry)))
                for entry in state.datasets
            ),
            tuple(
                (language, chosen, signature(desk.opened.root / chosen))
                for language, chosen in state.dictionaries.items()
            ),
            tuple(state.extra_phonemes),
            tuple(tuple(group) for group in state.merged_phoneme_groups),
        )

    def _compare(self, desk: Desk) -> Comparison:
        from ....core.jobs.matching import match

        try:
            found = match(desk.opened)
        except SingwizError as error:
            return Comparison(None, trouble=error)
        return Comparison(found.mismatch, len(found.phonemes.ids), findings=found.findings)

    def own_status(self, desk: Desk) -> StepStatus:
        if not desk.opened.state.datasets:
            return StepStatus.READY
        work = mending.at_work(desk)
        if work is not None and "cures" in work.job.params:
            return StepStatus.RUNNING
        comparison = self.comparison(desk)
        return StepStatus.DONE if comparison.ok else StepStatus.READY

    def job(self, desk: Desk) -> JobView | None:
        """A change of the labels while it runs, or what went wrong with the last one."""
        watch = mending.last_job(desk, desk.watch("check"))
        if watch is None or watch.job.stage == "check":
            watch = mending.at_work(desk)
        return watch.view() if watch and watch.status.state != "done" else None

    # Questions ------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        state = desk.opened.state
        language = self._main_language(desk)
        asked = [
            self.ask(
                "dictionary_file",
                "path",
                state.dictionaries.get(language, ""),
                pick="file",
                help=self.say("file-help", shipped=", ".join(list_dictionaries()) or "–"),
            )
        ]
        mismatch = self.comparison(desk).mismatch
        if mismatch is not None and not mending.at_work(desk):
            asked += cures.questions(desk, mismatch)
        asked.append(
            self.ask("extra_phonemes", "text", " ".join(state.extra_phonemes), advanced=True)
        )
        return asked

    def _main_language(self, desk: Desk) -> str:
        datasets = desk.opened.state.datasets
        return datasets[0].language if datasets else ""

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        errors = cures.answer(desk, values)
        state = desk.opened.state
        if "dictionary_file" in values:
            chosen = values["dictionary_file"]
            name = Path(chosen).name
            if name in list_dictionaries() and not is_file(chosen):
                chosen = name  # a shipped one, typed by its name
            if chosen in list_dictionaries() or is_file(chosen):
                state.dictionaries[self._main_language(desk)] = chosen
            else:
                errors["dictionary_file"] = self.say("no-file", file=chosen)
        if "extra_phonemes" in values:
            state.extra_phonemes = list(dict.fromkeys(values["extra_phonemes"].split()))
        return errors

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        if work := mending.at_work(desk):
            return (self.button("stop"),) if "cures" in work.job.params else ()
        comparison = self.comparison(desk)
        actions = cures.actions(desk, comparison.mismatch) if comparison.mismatch else []
        if self._fixable(comparison):
            actions.append(self.button("fix_dictionary", primary=not actions))
        return (*actions, *mending.undo_action(desk))

    def act(self, desk: Desk, action: str) -> Reply:
        work = mending.at_work(desk)
        if action == "stop" and work is not None:
            work.job.stop()
            return Reply(True, self.say("stopping"))
        if action == "undo":
            return mending.undo(desk)
        comparison = self.comparison(desk)
        if action == "fix_dictionary":
            return self._clean(desk, comparison)
        reply = cures.act(desk, action, comparison.mismatch) if comparison.mismatch else None
        return reply or Reply(False, say("refused.action"))

    def _fixable(self, comparison: Comparison) -> list[Finding]:
        if not comparison.findings:
            return []
        from ....core.dataset.fixes import with_fixes

        return [finding for finding in with_fixes(comparison.findings) if finding.fix]

    def _clean(self, desk: Desk, comparison: Comparison) -> Reply:
        """Clean a copy of the dictionary, unclear lines included: there is no other way on."""
        from ....core.dataset.fixes import plan_fixes

        project = Project.open(desk.opened.root)
        plan = plan_fixes(project, self._fixable(comparison), safe_only=False)
        return cures.apply_now(desk, plan)

    # What there is to see -------------------------------------------------------------

    def blocks(self, desk: Desk) -> Sequence[Block]:
        comparison = self.comparison(desk)
        mismatch = comparison.mismatch
        if comparison.trouble is not None or mismatch is None:
            error = comparison.trouble
            return (Text(f"{error} {error.hint}" if error else "", "error"),)
        blocks: list[Block] = []
        if comparison.ok:
            blocks.append(Text(self.say("match", symbols=comparison.symbols), "good"))
        if not mismatch.ok:
            blocks.append(Text(f"```\n{mismatch.report()}\n```", "error"))
        if not mismatch.ok:
            blocks.append(cures.table(mismatch))
        if comparison.findings:
            blocks.append(self._findings_table(comparison))
        if not mismatch.ok and not mending.at_work(desk):
            blocks += cures.clips(desk, mismatch)
            blocks += cures.preview(desk, mismatch, fingerprint(self._key(desk)))
        return [*blocks, *mending.history_table(desk)]

    def _findings_table(self, comparison: Comparison) -> Table:
        order = {severity: number for number, severity in enumerate(Severity)}
        worst_first = sorted(comparison.findings, key=lambda finding: order[finding.severity])
        columns = ("severity", "line", "message", "advice")
        return Table(
            self.say("file-problems"),
            tuple(self.say(f"column-{name}") for name in columns),
            tuple(
                (
                    str(finding.severity),
                    str(finding.place.line or ""),
                    finding.message,
                    finding.hint,
                )
                for finding in worst_first[:MOST_ROWS]
            ),
            severity_column=0,
        )

    def summary(self, desk: Desk) -> str:
        if not desk.opened.state.datasets:
            return ""
        comparison = self.comparison(desk)
        if comparison.trouble is not None:
            return comparison.trouble.message
        if not comparison.ok and comparison.mismatch is not None and comparison.mismatch.ok:
            return self.say("summary-broken")
        if comparison.unexpected or comparison.missing:
            return self.say(
                "summary-mismatch",
                unexpected=len(comparison.unexpected),
                missing=len(comparison.missing),
            )
        return self.say("summary", symbols=comparison.symbols)
