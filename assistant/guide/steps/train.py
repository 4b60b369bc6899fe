"""Step 6: training, with its curves and with what the voice sounds like on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..desk import Desk
from ..store import signature
from ..view import Action, Audio, Block, Image, Reply, StepStatus, Table, Text
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

    def planned_steps(self, desk: Desk) -> int:
        """How many steps the settings ask for."""
        from ....core.config import load_config

        path = desk.opened.config_path("acoustic")
        seen = signature(path)
        values = desk.remembered(
            "planned-steps", seen, lambda: load_config(path).to_dict() if seen else {}
        )
        return int(values.get("max_updates") or 0)

    def params(self, desk: Desk) -> dict[str, Any]:
        return {"model": "acoustic"}

    def checkpoints(self, desk: Desk) -> list[tuple[int, Path]]:
        """Steps and files, oldest first."""
        choice = desk.opened.state.models.get("acoustic")
        name = (choice.experiment if choice else "") or "acoustic"
        folder = desk.opened.experiment_dir("acoustic", name)
        return desk.remembered("checkpoints", signature(folder), lambda: _checkpoints(folder))

    def lets_pass(self, desk: Desk) -> bool:
        return bool(self.checkpoints(desk))

    def own_status(self, desk: Desk) -> StepStatus:
        status = super().own_status(desk)
        checkpoints = self.checkpoints(desk)
        if not checkpoints or status in (StepStatus.RUNNING, StepStatus.FAILED):
            return status
        if self.watch(desk) is not None and not self.fresh(desk):
            return StepStatus.STALE
        if checkpoints[-1][0] < self.planned_steps(desk):
            return StepStatus.READY
        return status

    def actions(self, desk: Desk) -> Sequence[Action]:
        watch = self.watch(desk)
        if watch is not None and watch.running:
            return (self.button("stop"),)
        if not self.checkpoints(desk):
            return (self.button("start", primary=True),)
        status = self.own_status(desk)
        if status is StepStatus.STALE:
            return (self.button("afresh", primary=True),)
        return (self.button("resume", primary=status is not StepStatus.DONE),)

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "afresh":
            with desk.edit() as project:
                choice = project.model_choice("acoustic")
                choice.experiment = _free_name(project.checkpoints_dir, "acoustic")
                return self.start(desk)
        return super().act(desk, action)

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None:
            return ()
        blocks: list[Block] = []
        if self.own_status(desk) is StepStatus.STALE:
            blocks.append(Text(self.say("changed"), "warning"))
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

    def summary(self, desk: Desk) -> str:
        checkpoints = self.checkpoints(desk)
        return self.say("summary", steps=checkpoints[-1][0]) if checkpoints else ""


def _free_name(folder: Path, base: str) -> str:
    """A name that no experiment has yet."""
    number = 2
    while (folder / f"{base}_{number}").exists():
        number += 1
    return f"{base}_{number}"


def _is_validation(metric: str) -> bool:
    return metric.startswith(("val", "valid"))


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    found = []
    for path in folder.glob(CHECKPOINT_GLOB) if folder.is_dir() else ():
        steps = path.stem.rpartition("_")[2]
        if steps.isdigit():
            found.append((int(steps), path))
    return sorted(found)
