"""Steps whose work is a job: start, stop, fail, get stale, found again by the other face."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ....core.errors import SingwizError
from ..desk import Desk, fingerprint
from ..store import signature
from ..view import Action, JobView, Reply, StepStatus
from ..watch import JobWatch
from ..words import say
from .base import Step

if TYPE_CHECKING:
    from ....core.jobs import Job


class JobStep(Step):
    """A step with one stage of work behind it."""

    stage: ClassVar[str]
    model: ClassVar[str] = ""
    """Kind of model that the work is for, where a stage works for several."""

    @abstractmethod
    def inputs(self, desk: Desk) -> Any:
        """Plain data that the result depends on; another value makes the result stale."""

    def input_files(self, desk: Desk) -> Iterable[Path]:
        """Files and folders behind :meth:`inputs` that the work itself never writes."""
        return ()

    @abstractmethod
    def params(self, desk: Desk) -> dict[str, Any]:
        """What the stage is started with."""

    def watch(self, desk: Desk) -> JobWatch | None:
        """The newest job of this step."""
        return desk.watch(self.stage, self.model)

    def job(self, desk: Desk) -> JobView | None:
        watch = self.watch(desk)
        return watch.view() if watch else None

    def started(self, desk: Desk) -> bool:
        return self.watch(desk) is not None

    def mark(self, desk: Desk) -> str:
        """Fingerprint of the inputs as they are now."""
        return fingerprint(self.inputs(desk))

    def fresh(self, desk: Desk) -> bool:
        """Whether the last job worked on the inputs as they are now.

        A job that was started elsewhere (from the command line) left no fingerprint. When it is
        first seen it is fresh unless a file it read is newer, and followed from then on.
        """
        watch = self.watch(desk)
        if watch is None:
            return False
        now = self.mark(desk)
        run = desk.run_of(self.id)
        if run.get("job") != watch.job.id:
            changed = any(is_newer(path, watch.job.created) for path in self.input_files(desk))
            run = {"job": watch.job.id, "inputs": "" if changed else now}
            # A project that cannot be written can still be looked at.
            with contextlib.suppress(SingwizError):
                desk.save_run(self.id, **run)
        return bool(run.get("inputs") == now)

    def own_status(self, desk: Desk) -> StepStatus:
        watch = self.watch(desk)
        if watch is None:
            return StepStatus.READY
        if watch.running:
            return StepStatus.RUNNING
        fresh = self.fresh(desk)
        if watch.status.state == "done":
            return self.verdict(desk, watch) if fresh else StepStatus.STALE
        if watch.status.state == "cancelled" or not fresh:
            return StepStatus.READY
        return StepStatus.FAILED

    def verdict(self, desk: Desk, watch: JobWatch) -> StepStatus:
        """What a finished, fresh job means; a check may find that the user has work to do."""
        return StepStatus.DONE

    def start_reason(self, desk: Desk) -> str:
        """Why the work cannot start now; empty if it can."""
        return ""

    def start_id(self, desk: Desk) -> str:
        """Which words the start button has: ``start`` or ``again``."""
        watch = self.watch(desk)
        return "again" if watch is not None and watch.status.state == "done" else "start"

    def actions(self, desk: Desk) -> Sequence[Action]:
        watch = self.watch(desk)
        if watch is not None and watch.running:
            return (self.button("stop"),)
        done = self.own_status(desk) is StepStatus.DONE
        return (self.button(self.start_id(desk), reason=self.start_reason(desk), primary=not done),)

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "stop":
            watch = self.watch(desk)
            if watch is None or not watch.running:
                return Reply(True, say("job.already-over"))
            watch.job.stop()
            return Reply(True, self.say("stopping"))
        return self.start(desk)

    def start(self, desk: Desk) -> Reply:
        """Start the job unless another face just did."""
        with desk.edit():
            watch = self.watch(desk)
            if watch is not None and watch.running:
                return Reply(True, say("job.already-running"))
            self.launch(desk)
        return Reply(True, self.say("started"))

    def launch(self, desk: Desk, *, after: Sequence[str] = ()) -> Job:
        """Start the job, after jobs whose results it needs; follow it from now on."""
        from ....core.jobs import start_job

        with desk.edit() as project:
            mark = self.mark(desk)
            params = self.params(desk)
            if after:
                job = start_job(project, self.stage, params, after=after)
            else:
                job = start_job(project, self.stage, params)
            desk.save_run(self.id, job=job.id, inputs=mark)
        return job


def is_newer(path: Path, created: float) -> bool:
    """Whether a file was changed after a job was started (seconds since the epoch)."""
    seen = signature(path)
    return seen is not None and seen[0] / 1e9 > created
