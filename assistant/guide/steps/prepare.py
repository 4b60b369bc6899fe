"""Step 6: recordings become the numbers that training reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ....core.project import ModelKind
from ..desk import Desk
from ..sources import dataset_signature
from ..store import signature
from ..view import Block, Image, Table, Text
from ..watch import JobWatch
from ..words import say
from .check import CheckStep
from .work import JobStep

SPLITS = ("train", "train_original", "valid")
"""Parts of a binary dataset, in the order in which they are shown."""
ANY_NUMBER = 1_000_000
"""As many recordings as there may be."""
MOST_ROWS = 200
"""Skipped items and warnings shown."""


class PrepareStep(JobStep):
    """Runs the binarizer and shows what became of every recording."""

    id = "prepare"
    stage = "binarize"
    model: ClassVar[ModelKind] = "acoustic"
    _check = CheckStep()

    def inputs(self, desk: Desk) -> Any:
        from ....core.config import load_config

        project = desk.opened
        path = project.config_path(self.model)
        seen = signature(path)
        config = desk.remembered(
            f"preprocessing-{self.model}",
            seen,
            lambda: load_config(path).hash_for("p") if seen else "",
        )
        state = project.state
        return {
            "config": config,
            "datasets": [dataset_signature(project, entry) for entry in state.datasets],
            "dictionaries": [
                [chosen, signature(Path(chosen))]
                for _, chosen in sorted(state.dictionaries.items())
            ],
        }

    def input_files(self, desk: Desk) -> list[Path]:
        dictionaries = (Path(chosen) for chosen in desk.opened.state.dictionaries.values())
        return [*self._check.input_files(desk), *dictionaries]

    def params(self, desk: Desk) -> dict[str, Any]:
        params: dict[str, Any] = {"model": self.model}
        checked = desk.watch(self._check.stage)
        if checked is not None and self._check.going_on(desk, checked):
            # The user has seen what is broken and wants to do without it.
            params["max_failed"] = ANY_NUMBER
            params["leave_out"] = self._check.broken(checked)
        return params

    def start_reason(self, desk: Desk) -> str:
        training = desk.watch("train", self.model)
        return self.say("training-runs") if training is not None and training.running else ""

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ()
        blocks: list[Block] = []
        skipped = watch.entries("skipped")
        tone: Any = "warning" if skipped else "good"
        blocks.append(Text(self.say("report", skipped=len(skipped)), tone))
        blocks.append(
            Table(
                self.say("counts"),
                (self.say("column-what"), self.say("column-count"), self.say("column-singers")),
                tuple(_rows(watch)),
            )
        )
        if skipped:
            blocks.append(
                Table(
                    self.say("skipped"),
                    (self.say("column-item"), self.say("column-reason")),
                    tuple(
                        (str(one.get("item", "")), str(one.get("reason", "")))
                        for one in skipped[:MOST_ROWS]
                    ),
                )
            )
        warnings = watch.result.get("warnings")
        if isinstance(warnings, list) and warnings:
            rows = tuple((str(one),) for one in warnings[:MOST_ROWS])
            blocks.append(Table(self.say("warnings"), (self.say("column-reason"),), rows))
        picture = desk.opened.binary_dir(self.model) / "phoneme_distribution.jpg"
        if picture.exists():
            blocks.append(Image(picture, self.say("distribution")))
        return blocks

    def summary(self, desk: Desk) -> str:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ""
        counts = watch.facts("counts")
        return self.say("summary", train=counts.get("train", 0), valid=counts.get("valid", 0))


def _rows(watch: JobWatch) -> list[tuple[str, ...]]:
    """Per split and singer: items and minutes."""
    rows: list[tuple[str, ...]] = []
    counts = watch.facts("counts")
    order = [split for split in SPLITS if split in counts]
    if counts.get("train_original") == counts.get("train"):
        order = [split for split in order if split != "train_original"]
    for split in order:
        shares = watch.facts("seconds_per_speaker").get(split)
        minutes = ", ".join(
            f"{singer}: {float(seconds) / 60.0:.1f} min"
            for singer, seconds in (shares if isinstance(shares, dict) else {}).items()
        )
        rows.append((say(f"prepare.split.{split}"), str(counts[split]), minutes))
    return rows
