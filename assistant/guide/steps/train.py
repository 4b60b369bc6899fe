"""Step 6: training, with its curves and with what the voice sounds like on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..desk import Desk
from ..store import signature
from ..view import Action, Audio, Block, Image, StepStatus, Table, Text
from ..watch import JobWatch
from .prepare import PrepareStep
from .work import JobStep

MOST_EXAMPLES = 3
"""Validation sounds and pictures shown; the newest step only."""
CHECKPOINT_GLOB = "model_ckpt_steps_*.ckpt"


class TrainStep(JobStep):
    """Starts, continues and stops training. A stopped training can be listened to."""

    id = "train"
    stage = "train"
    _prepared = PrepareStep()

    def inputs(self, desk: Desk) -> Any:
        # Only what makes the old checkpoints another voice; more steps continue the same one.
        from ....core.config import load_config

        path = desk.opened.config_path("acoustic")
        seen = signature(path)
        network = desk.remembered(
            "network", seen, lambda: load_config(path).hash_for("n") if seen else ""
        )
        return {"prepared": self._prepared.inputs(desk), "network": network}

    def params(self, desk: Desk) -> dict[str, Any]:
        return {"model": "acoustic"}

    def checkpoints(self, desk: Desk) -> list[tuple[int, Path]]:
        """Steps and files, oldest first."""
        folder = desk.opened.experiment_dir("acoustic")
        return desk.remembered("checkpoints", signature(folder), lambda: _checkpoints(folder))

    def lets_pass(self, desk: Desk) -> bool:
        return bool(self.checkpoints(desk))

    def own_status(self, desk: Desk) -> StepStatus:
        status = super().own_status(desk)
        watch = self.watch(desk)
        if status is StepStatus.READY and watch is not None and self.checkpoints(desk):
            return StepStatus.READY if self.fresh(desk) else StepStatus.STALE
        return status

    def start_id(self, desk: Desk) -> str:
        checkpoints = self.checkpoints(desk)
        return "resume" if checkpoints else "start"

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None:
            return ()
        blocks: list[Block] = []
        if watch.status.state in ("done", "cancelled"):
            steps = self.checkpoints(desk)[-1][0] if self.checkpoints(desk) else 0
            key = "finished" if watch.status.state == "done" else "stopped"
            blocks.append(Text(self.say(key, steps=steps), "good" if steps else "warning"))
        blocks += self._charts(watch)
        blocks += self._examples(watch)
        checkpoints = self.checkpoints(desk)
        if checkpoints:
            rows = tuple((str(steps), path.name) for steps, path in reversed(checkpoints))
            columns = (self.say("column-steps"), self.say("column-file"))
            blocks.append(Table(self.say("checkpoints"), columns, rows))
        return blocks

    def _charts(self, watch: JobWatch) -> list[Block]:
        losses = {name: name for name in watch.metrics if "loss" in name}
        training = {name: name for name in losses if not _is_validation(name)}
        validation = {name: name for name in losses if _is_validation(name)}
        charts = [
            watch.chart(self.say("chart-training"), training, y_label=self.say("loss")),
            watch.chart(self.say("chart-validation"), validation, y_label=self.say("loss")),
        ]
        return [chart for chart in charts if chart is not None]

    def _examples(self, watch: JobWatch) -> list[Block]:
        """Pictures and sounds of the newest validation."""
        shown: list[Block] = []
        for kind in ("audio", "image"):
            files = [one for one in watch.artifacts if one.kind == kind and one.path.is_file()]
            newest = files[-1].path.parent if files else None
            for one in [file for file in files if file.path.parent == newest][:MOST_EXAMPLES]:
                caption = one.label or self.say("example", steps=one.path.parent.name)
                shown.append(
                    Audio(one.path, caption) if kind == "audio" else Image(one.path, caption)
                )
        return shown

    def actions(self, desk: Desk) -> Sequence[Action]:
        return super().actions(desk)

    def summary(self, desk: Desk) -> str:
        checkpoints = self.checkpoints(desk)
        return self.say("summary", steps=checkpoints[-1][0]) if checkpoints else ""


def _is_validation(metric: str) -> bool:
    return metric.startswith(("val", "valid"))


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    found = []
    for path in folder.glob(CHECKPOINT_GLOB) if folder.is_dir() else ():
        steps = path.stem.rpartition("_")[2]
        if steps.isdigit():
            found.append((int(steps), path))
    return sorted(found)
