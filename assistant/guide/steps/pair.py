"""The steps "Prepare" and "Train": the voice's sound and, if wanted, its timing and pitch.

Both models go through the same work, one after the other. The sound comes first, because it can
be listened to without the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ....core.project import ModelKind
from ..desk import Desk
from ..view import Action, Block, JobView, Question, Reply, StepStatus, Text
from ..watch import JobWatch
from ..words import say
from . import checkpoints, variance
from .base import Step
from .prepare import ANY_NUMBER, PrepareStep
from .train import TrainStep
from .work import JobStep

PREFIX = "variance_"
"""Before the ids of actions that are about the variance model only."""


class VariancePrepare(PrepareStep):
    """Recordings as the variance model learns from them."""

    id = "variance_prepare"
    words = "prepare"
    model: ClassVar[ModelKind] = "variance"

    def params(self, desk: Desk) -> dict[str, Any]:
        params = super().params(desk)
        lacking = [list(one) for one in variance.left_out(desk)]
        if lacking:
            already = [list(one) for one in params.get("leave_out") or ()]
            params["leave_out"] = already + [one for one in lacking if one not in already]
            params["max_failed"] = ANY_NUMBER
        return params


class VarianceTrain(TrainStep):
    """Timing, pitch and curves."""

    id = "variance_train"
    words = "train"
    model: ClassVar[ModelKind] = "variance"
    _prepared = VariancePrepare()

    def start_reason(self, desk: Desk) -> str:
        if self._prepared.own_status(desk) is StepStatus.DONE:
            return ""
        return say("train.variance-unprepared")


class PairStep(Step):
    """One kind of work for two models."""

    sound: ClassVar[JobStep]
    timing: ClassVar[JobStep]
    """The same for the variance model."""
    quick: ClassVar[bool] = False
    """Whether the other part may be done again without being asked for."""

    def parts(self, desk: Desk) -> list[JobStep]:
        """What belongs to the step at present."""
        return [self.sound, self.timing] if variance.wanted(desk) else [self.sound]

    def own_status(self, desk: Desk) -> StepStatus:
        found = [part.own_status(desk) for part in self.parts(desk)]
        worst = (StepStatus.RUNNING, StepStatus.FAILED, StepStatus.STALE, StepStatus.READY)
        return next((one for one in worst if one in found), StepStatus.DONE)

    def started(self, desk: Desk) -> bool:
        return any(part.started(desk) for part in self.parts(desk))

    def watches(self, desk: Desk) -> list[JobWatch]:
        """The newest jobs of the parts."""
        return [one for part in self.parts(desk) if (one := part.watch(desk)) is not None]

    def job(self, desk: Desk) -> JobView | None:
        watches = self.watches(desk)
        order = {"running": 0, "waiting": 1}
        newest = sorted(watches, key=lambda one: -one.job.created)
        first = next(iter(sorted(newest, key=lambda one: order.get(one.status.state, 2))), None)
        return first.view() if first else None

    def _running(self, desk: Desk) -> list[JobWatch]:
        return [one for one in self.watches(desk) if one.running]

    def actions(self, desk: Desk) -> Sequence[Action]:
        running = self._running(desk)
        if running:
            return (self.sound.button("stop"),)
        sound = list(self.sound.actions(desk))
        if len(self.parts(desk)) == 1:
            return sound
        both = self.sound.watch(desk) is None and self.timing.watch(desk) is None
        if both:
            return sound  # one button starts both
        open_first = self.sound.own_status(desk) is not StepStatus.DONE
        timing = [
            replace(
                one,
                id=PREFIX + one.id,
                label=say(f"{self.id}.do.{PREFIX}{one.id}"),
                primary=one.primary and not open_first,
            )
            for one in self.timing.actions(desk)
        ]
        return [*sound, *timing]

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "stop":
            # Those that wait first, or one of them would begin.
            running = self._running(desk)
            for watch in sorted(running, key=lambda one: one.status.state != "waiting"):
                watch.job.stop()
            reason = "stopping" if running else ""
            return Reply(True, self.sound.say(reason) if reason else say("job.already-over"))
        if action.startswith(PREFIX):
            return self.timing.act(desk, action.removeprefix(PREFIX))
        reply = self.sound.act(desk, action)
        if not reply.ok or len(self.parts(desk)) == 1:
            return reply
        begun = self.timing.watch(desk) is not None
        if self.quick:
            begun = begun and self.timing.own_status(desk) is StepStatus.DONE
        if begun or self.timing.start_reason(desk):
            return reply
        self.timing.start(desk)
        return Reply(True, say(f"{self.id}.started-both"))

    def blocks(self, desk: Desk) -> Sequence[Block]:
        blocks = list(self.sound.blocks(desk))
        if len(self.parts(desk)) == 1:
            return blocks
        timing = list(self.timing.blocks(desk))
        waiting = [one for one in self._running(desk) if one.status.state == "waiting"]
        if waiting and len(self._running(desk)) > 1:
            blocks.insert(0, Text(say(f"{self.id}.then-timing")))
        if timing:
            blocks += [Text(say("train.timing-title")), *timing]
        return blocks

    def summary(self, desk: Desk) -> str:
        found = [part.summary(desk) for part in self.parts(desk)]
        if len(found) == 2 and found[1]:
            found[1] = say("train.summary-timing", summary=found[1])
        return "; ".join(one for one in found if one)


class PrepareBoth(PairStep):
    """Step 6."""

    id = "prepare"
    quick = True
    sound = PrepareStep()
    timing = VariancePrepare()

    def lets_pass(self, desk: Desk) -> bool:
        return self.sound.own_status(desk) is StepStatus.DONE


class TrainBoth(PairStep):
    """Step 7, with a browser of the checkpoints of both models."""

    id = "train"
    sound = TrainStep()
    timing = VarianceTrain()

    def lets_pass(self, desk: Desk) -> bool:
        return self.sound.lets_pass(desk)

    def questions(self, desk: Desk) -> Sequence[Question]:
        return checkpoints.questions(desk, self._trainings(desk))

    def _trainings(self, desk: Desk) -> list[TrainStep]:
        return [part for part in self.parts(desk) if isinstance(part, TrainStep)]

    def actions(self, desk: Desk) -> Sequence[Action]:
        return [*super().actions(desk), *checkpoints.actions(desk, self._trainings(desk))]

    def act(self, desk: Desk, action: str) -> Reply:
        if action in checkpoints.ACTIONS:
            return checkpoints.act(desk, action, self._trainings(desk))
        return super().act(desk, action)
