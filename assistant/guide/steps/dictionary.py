"""Step 3: what the labels use and what the dictionary knows have to be the same symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core.atomic import write_text
from ....core.dictionary import (
    Mismatch,
    PhonemeSet,
    compare,
    list_dictionaries,
    read_dictionary,
    resolve_dictionary,
    trim_dictionary,
)
from ....core.dictionary.files import GLOBAL_PHONEMES
from ....core.errors import SingwizError
from ....core.findings import Finding, Severity, has_errors
from ..desk import Desk, is_file
from ..store import signature
from ..view import Action, Block, Question, Reply, StepStatus, Table, Text
from ..words import say
from .base import Step
from .check import MOST_ROWS, dataset_signature


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
        state = desk.opened.state
        key = (
            tuple(
                (entry.raw_data_dir, entry.language, str(dataset_signature(entry.raw_data_dir)))
                for entry in state.datasets
            ),
            tuple(
                (language, chosen, signature(desk.opened.root / chosen))
                for language, chosen in state.dictionaries.items()
            ),
            tuple(state.extra_phonemes),
            tuple(tuple(group) for group in state.merged_phoneme_groups),
        )
        return desk.remembered("comparison", key, lambda: self._compare(desk))

    def _compare(self, desk: Desk) -> Comparison:
        from ....core.dataset.raw import RawDataset

        project = desk.opened
        state = project.state
        findings: list[Finding] = []
        dictionaries = {}
        try:
            for language, chosen in state.dictionaries.items():
                path = resolve_dictionary(chosen, base=project.root)
                dictionaries[language], problems = read_dictionary(path, language)
                findings += problems
            phonemes = PhonemeSet.build(
                dictionaries,
                extra_phonemes=state.extra_phonemes,
                merged_phoneme_groups=state.merged_phoneme_groups,
            )
        except SingwizError as error:
            return Comparison(None, trouble=error)
        sequences = [
            (item.name, dataset.language, item.ph_seq)
            for dataset in (
                RawDataset.open(
                    Path(entry.raw_data_dir),
                    name=entry.name,
                    speaker=entry.speaker,
                    language=entry.language,
                )
                for entry in state.datasets
            )
            for item in dataset.items
        ]
        return Comparison(
            compare(phonemes, sequences),
            symbols=len(phonemes.ids),
            findings=(*findings, *phonemes.findings),
        )

    def own_status(self, desk: Desk) -> StepStatus:
        if not desk.opened.state.datasets:
            return StepStatus.READY
        comparison = self.comparison(desk)
        return StepStatus.DONE if comparison.ok else StepStatus.READY

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
        asked.append(
            self.ask("extra_phonemes", "text", " ".join(state.extra_phonemes), advanced=True)
        )
        return asked

    def _main_language(self, desk: Desk) -> str:
        datasets = desk.opened.state.datasets
        return datasets[0].language if datasets else ""

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        errors: dict[str, str] = {}
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
        comparison = self.comparison(desk)
        actions = []
        if comparison.unexpected:
            actions.append(self.button("add_symbols", primary=not comparison.missing))
        silent = [symbol for symbol in comparison.missing if symbol in GLOBAL_PHONEMES]
        if len(comparison.missing) > len(silent):
            actions.append(self.button("trim", primary=True))
        if len(silent) == 1:
            actions.append(self.button("merge_silence", primary=comparison.missing == silent))
        return actions

    def act(self, desk: Desk, action: str) -> Reply:
        comparison = self.comparison(desk)
        if action == "add_symbols":
            with desk.edit() as project:
                known = project.state.extra_phonemes
                known += [symbol for symbol in comparison.unexpected if symbol not in known]
            return Reply(True, self.say("added", symbols=", ".join(comparison.unexpected)))
        if action == "merge_silence":
            with desk.edit() as project:
                project.state.merged_phoneme_groups.append(list(GLOBAL_PHONEMES))
            return Reply(True, self.say("merged"))
        return self._trim(desk, comparison)

    def _trim(self, desk: Desk, comparison: Comparison) -> Reply:
        """Write copies of the dictionaries without the entries whose symbols nobody sings."""
        mismatch = comparison.mismatch
        if mismatch is None:
            return Reply(False, say("refused.action"))
        used = {
            name for label, count in mismatch.counts.items() if count for name in label.split("|")
        }
        unused = {name for label in comparison.missing for name in label.split("|")}
        removed = 0
        with desk.edit() as project:
            state = project.state
            for language, chosen in list(state.dictionaries.items()):
                path = resolve_dictionary(chosen, base=project.root)
                dictionary, _ = read_dictionary(path, language)
                text = trim_dictionary(dictionary, used)
                if not text:
                    return Reply(False, self.say("nothing-left", language=language))
                dropped = len(dictionary.entries) - text.count("\n")
                if dropped <= 0:
                    continue
                removed += dropped
                copy = project.root / "datasets" / f"dictionary-{language}.txt"
                write_text(copy, text)
                state.dictionaries[language] = str(copy)
            state.extra_phonemes = [one for one in state.extra_phonemes if one not in unused]
        return Reply(True, self.say("trimmed", count=removed))

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
        advice = _advice(mismatch)
        if mismatch.unexpected:
            rows = tuple(
                (symbol, str(use.count), ", ".join(use.items),
                 advice.get(symbol, ""))
                for symbol, use in sorted(mismatch.unexpected.items())
            )  # fmt: skip
            columns = ("symbol", "count", "items", "advice")
            blocks.append(
                Table(self.say("unexpected"), tuple(self.say(f"column-{c}") for c in columns), rows)
            )
        if mismatch.missing:
            rows2 = tuple((symbol, advice.get(symbol, "")) for symbol in mismatch.missing)
            blocks.append(
                Table(self.say("missing"), (self.say("column-symbol"), self.say("column-advice")),
                      rows2)
            )  # fmt: skip
        if comparison.findings:
            blocks.append(self._findings_table(comparison))
        return blocks

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


def _advice(mismatch: Mismatch) -> dict[str, str]:
    """Suggestions per symbol, in one sentence each."""
    advice: dict[str, str] = {}
    for suggestion in mismatch.suggestions:
        advice.setdefault(suggestion.symbol, suggestion.advice)
    return advice
