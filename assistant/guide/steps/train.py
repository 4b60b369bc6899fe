"""Step 7: training, with its curves and with what the voice sounds like on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ....core.project import ModelKind
from ..desk import Desk, is_file
from ..store import signature
from ..view import Action, Audio, Block, Chart, Image, Reply, StepStatus, Table, Text
from ..watch import JobWatch, thin_out
from . import validations
from .checkpoints import QUESTION, kept_steps
from .prepare import PrepareStep
from .work import JobStep

Curves = dict[str, list[tuple[float, float]]]
"""Metric -> points (step, value)."""

MOST_EXAMPLES = 4
"""Validation sounds and pictures shown; the newest step only."""
CHECKPOINT_GLOB = "model_ckpt_steps_*.ckpt"


class TrainStep(JobStep):
    """Starts, continues and stops training. A stopped training can be listened to."""

    id = "train"
    stage = "train"
    model: ClassVar[ModelKind] = "acoustic"
    curves: ClassVar[tuple[str, ...]] = ("loss",)
    """Ends of the names of metrics that are drawn."""
    _prepared: ClassVar[PrepareStep] = PrepareStep()

    def inputs(self, desk: Desk) -> Any:
        # Only what makes the old checkpoints another voice; more steps continue the same one.
        from ....core.config import load_config

        path = desk.opened.config_path(self.model)
        seen = signature(path)
        network = desk.remembered(
            f"network-{self.model}", seen, lambda: load_config(path).hash_for("n") if seen else ""
        )
        return {"prepared": self._prepared.inputs(desk), "network": network}

    def input_files(self, desk: Desk) -> list[Path]:
        return [desk.opened.binary_dir(self.model) / "train.data"]

    def planned_steps(self, desk: Desk) -> int:
        """How many steps the settings ask for."""
        return int(self._settings(desk).get("max_updates") or 0)

    def _settings(self, desk: Desk) -> dict[str, Any]:
        """The config on disk as plain data; empty if there is none."""
        from ....core.config import load_config

        path = desk.opened.config_path(self.model)
        seen = signature(path)
        return desk.remembered(
            f"settings-{self.model}", seen, lambda: load_config(path).to_dict() if seen else {}
        )

    def params(self, desk: Desk) -> dict[str, Any]:
        params: dict[str, Any] = {"model": self.model, "experiment": self.experiment(desk)}
        seed = self._settings(desk).get("seed")
        if isinstance(seed, int):
            params["seed"] = seed
        return params

    def experiment(self, desk: Desk) -> str:
        """Name of the folder under ``checkpoints/``."""
        choice = desk.opened.state.models.get(self.model)
        return (choice.experiment if choice else "") or self.model

    def checkpoints(self, desk: Desk) -> list[tuple[int, Path]]:
        """Steps and files, oldest first."""
        folder = self.folder(desk)
        return desk.remembered(
            f"checkpoints-{self.model}", signature(folder), lambda: _checkpoints(folder)
        )

    def folder(self, desk: Desk) -> Path:
        """The folder of the experiment."""
        return desk.opened.experiment_dir(self.model, self.experiment(desk))

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
            return (self.button("start", reason=self.start_reason(desk), primary=True),)
        status = self.own_status(desk)
        if status is StepStatus.STALE:
            return (self.button("afresh", primary=True), self.button("resume"))
        if status is StepStatus.DONE:
            return (self.button("resume", reason=self.say("all-steps-done")),)
        return (self.button("resume", primary=True),)

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "afresh":
            self.launch_afresh(desk)
            return Reply(True, self.say("started"))
        return super().act(desk, action)

    def launch_afresh(self, desk: Desk, *, after: Sequence[str] = ()) -> None:
        """Train a new voice in a folder of its own; the old one stays."""
        with desk.edit() as project:
            choice = project.model_choice(self.model)
            choice.experiment = _free_name(project.checkpoints_dir, self.model)
            self.launch(desk, after=after)

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
        if watch.plan:
            lines = "\n".join(f"- {line}" for line in watch.plan)
            blocks.append(Text(f"{self.say('plan')}\n\n{lines}"))
        folder = self.folder(desk)
        blocks += validations.blocks(desk, folder)
        blocks += self._charts(desk)
        blocks += self._examples(desk)
        checkpoints = self.checkpoints(desk)
        if checkpoints:
            best = validations.best(desk, folder)
            kept = kept_steps(desk, folder)
            columns = [self.say("column-steps"), self.say("column-file")]
            rows = [[str(steps), path.name] for steps, path in reversed(checkpoints)]
            if best is not None or kept:
                columns.append(self.say("column-mark"))
                for row in rows:
                    is_best = best is not None and row[0] == str(best.step)
                    marks = [self.say("best-mark")] if is_best else []
                    marks += [self.say("kept-mark")] if int(row[0]) in kept else []
                    row.append(", ".join(marks))
            table = (tuple(columns), tuple(tuple(row) for row in rows))
            blocks.append(Table(self.say("checkpoints"), *table))
        return blocks

    def _runs(self, desk: Desk) -> list[JobWatch]:
        """Every job that trained this experiment, oldest first."""
        name = self.experiment(desk)
        return [
            watch
            for watch in desk.history(self.stage, self.model)
            if (watch.job.params.get("experiment") or self.model) == name
        ]

    def _charts(self, desk: Desk) -> list[Block]:
        curves = _joined([watch.metrics for watch in self._runs(desk)])
        charts: list[Block] = []
        for kind in ("training", "validation"):
            series = {
                name.removeprefix(f"{kind}/"): thin_out(points)
                for name, points in curves.items()
                if name.startswith(f"{kind}/") and name.endswith(self.curves)
            }
            # One point makes no curve.
            if any(len(points) > 1 for points in series.values()):
                charts.append(Chart(self.say(f"chart-{kind}"), series, y_label=self.say("loss")))
        return charts

    def _examples(self, desk: Desk) -> list[Block]:
        """Pictures and sounds of the newest validation, or of the one that is looked at."""
        files = [
            file
            for watch in self._runs(desk)
            for file in watch.artifacts
            if file.kind in ("audio", "image")
        ]
        newest = files[-1].path.parent if files else None
        # Those of the checkpoint that is looked at, if it has any.
        kind, _, steps = desk.answer_of("train", QUESTION, "").partition("/")
        if kind == self.model and any(file.path.parent.name == steps for file in files):
            newest = next(f.path.parent for f in files if f.path.parent.name == steps)
        shown: list[Block] = []
        for kind in ("audio", "image"):
            # A training that was started anew announces the same files again.
            latest = {one.path: one for one in files if one.kind == kind}.values()
            newest_files = [one for one in latest if one.path.parent == newest]
            for one in [one for one in newest_files if is_file(one.path)][:MOST_EXAMPLES]:
                caption = self.say("example", steps=one.path.parent.name, label=one.label).strip()
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


def _joined(runs: list[Curves]) -> Curves:
    """Curves of several runs as one: a later run replaces what it trained again."""
    joined: Curves = {}
    for run in runs:
        for name, points in run.items():
            if points:
                before = [point for point in joined.get(name, []) if point[0] < points[0][0]]
                joined[name] = before + points
    return joined


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    found = []
    for path in folder.glob(CHECKPOINT_GLOB) if folder.is_dir() else ():
        steps = path.stem.rpartition("_")[2]
        if steps.isdigit():
            found.append((int(steps), path))
    return sorted(found)
