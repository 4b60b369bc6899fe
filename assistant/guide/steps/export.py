"""Step 9: the voice becomes a voicebank for OpenUTAU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..desk import Desk, fingerprint, is_file
from ..store import signature
from ..view import Block, Question, Table, Text
from .listen import ListenStep
from .train import TrainStep
from .work import JobStep

MOST_ROWS = 100
"""Remarks and phonemes shown."""

_TEXTS = ("name", "author", "license")
_FILES = ("image", "vocoder")


class ExportStep(JobStep):
    """Asks who the singer is, exports, and shows what the checks found."""

    id = "export"
    stage = "export"
    needs = ("recordings", "train")
    _train = TrainStep()
    _listen = ListenStep()

    def inputs(self, desk: Desk) -> Any:
        return {
            "answers": self.params(desk),
            "consent": desk.opened.state.consent,
            "variance": self._trained(desk),
        }

    def params(self, desk: Desk) -> dict[str, Any]:
        given = {key: desk.answer_of(self.id, key, "") for key in (*_TEXTS, *_FILES)}
        given["name"] = given["name"] or desk.opened.state.name
        incomplete = bool(desk.answer_of(self.id, "incomplete", False))
        checkpoint = self._listen.checkpoint(desk)
        chosen = {"ckpt": int(checkpoint)} if checkpoint else {}
        return {"to": "openutau", "zip": True, "allow_incomplete": incomplete, **chosen, **given}

    def _trained(self, desk: Desk) -> list[Any]:
        """Experiments as they are now: what is trained later can be missing no more."""
        folders = sorted(desk.opened.checkpoints_dir.glob("*/config.yaml"))
        return [[str(path), signature(path), signature(path.parent)] for path in folders]

    def missing(self, desk: Desk) -> list[str]:
        """What OpenUTAU needs and no model predicts: ``dur`` and names of curves."""
        from ....core.jobs.exporting import missing_tags

        project = desk.opened
        seen = fingerprint(self._trained(desk))
        return list(desk.remembered("export-missing", seen, lambda: missing_tags(project)))

    def questions(self, desk: Desk) -> Sequence[Question]:
        name = desk.answer_of(self.id, "name", "") or desk.opened.state.name
        asked = [
            self.ask("name", "text", name),
            self.ask("author", "text", desk.answer_of(self.id, "author", "")),
            self.ask("image", "path", desk.answer_of(self.id, "image", ""), pick="file"),
            self.ask("vocoder", "path", desk.answer_of(self.id, "vocoder", ""), pick="file"),
            self.ask("license", "text", desk.answer_of(self.id, "license", "")),
        ]
        if self._train.checkpoints(desk) and self.missing(desk):
            incomplete = bool(desk.answer_of(self.id, "incomplete", False))
            asked.append(self.ask("incomplete", "toggle", incomplete))
        return asked

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        refused = {
            key: self.say("no-file", file=values[key])
            for key in _FILES
            if values.get(key) and not is_file(values[key])
        }
        taken = {key: value for key, value in values.items() if key not in refused}
        return refused | super().answer(desk, taken)

    def start_reason(self, desk: Desk) -> str:
        if not self._train.checkpoints(desk):
            return self.say("no-checkpoint")
        if not desk.opened.state.consent:
            return self.say("no-consent")
        if self.missing(desk) and not desk.answer_of(self.id, "incomplete", False):
            return self.say("incomplete")
        return ""

    def blocks(self, desk: Desk) -> Sequence[Block]:
        blocks: list[Block] = []
        if self._train.checkpoints(desk):
            blocks += [
                Text(self.say("missing-durations"), "warning")
                if tag == "dur"
                else Text(self.say("missing-curve", curve=tag), "warning")
                for tag in self.missing(desk)
            ]
        if desk.opened.state.consent:
            blocks.append(Text(self.say("consent")))
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return blocks
        result = watch.result
        report = watch.facts("report")
        passed = bool(report.get("passed"))
        blocks.append(
            Text(self.say("passed" if passed else "failed"), "good" if passed else "error")
        )
        errors = [e for e in watch.facts("errors").values() if isinstance(e, int | float)]
        if errors:
            blocks.append(Text(self.say("exact", count=len(errors), worst=f"{max(errors):.0e}")))
        blocks += self._remarks(report)
        guessed = watch.facts("guessed_types")
        if guessed:
            blocks.append(Text(self.say("guessed", file=result.get("types_file", "")), "warning"))
            columns = (self.say("column-phoneme"), self.say("column-type"))
            rows = tuple((str(name), str(kind)) for name, kind in [*guessed.items()][:MOST_ROWS])
            blocks.append(Table(self.say("types"), columns, rows))
        blocks.append(Text(self.say("lands", folder=result.get("folder", ""))))
        if result.get("archive"):
            blocks.append(Text(self.say("install", file=result["archive"]), "good"))
        return blocks

    def _remarks(self, report: dict[str, Any]) -> list[Block]:
        remarks, renders = report.get("remarks"), report.get("renders")
        blocks: list[Block] = []
        found = (
            [one for one in remarks if isinstance(one, dict)] if isinstance(remarks, list) else []
        )
        if found:
            columns = tuple(
                self.say(f"column-{name}") for name in ("severity", "where", "message", "hint")
            )
            rows = tuple(
                tuple(str(one.get(key, "")) for key in ("severity", "where", "message", "hint"))
                for one in found[:MOST_ROWS]
            )
            blocks.append(Table(self.say("remarks"), columns, rows, severity_column=0))
        sung = (
            [one for one in renders if isinstance(one, dict)] if isinstance(renders, list) else []
        )
        if sung:
            words = ", ".join(
                " ".join(str(one.get(key, "")) for key in ("speaker", "language")).strip() or "–"
                for one in sung
            )
            blocks.append(Text(self.say("sung", who=words)))
        return blocks

    def summary(self, desk: Desk) -> str:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ""
        return self.say("summary", name=Path(str(watch.result.get("folder", ""))).name)
