"""Jobs of a project: start, look at, stop, find again.

A job is a folder ``<project>/jobs/<id>/``. Everything a front end knows about it is read from
there, so it does not matter which front end started it, or whether that one still runs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project
from ..reporting import Reporter
from .events import EVENTS_FILE, STOP_FILE, EventReader, EventWriter
from .knowledge import vanished
from .pace import Pace
from .processes import end_family, family, identify, is_alive, launch, python_module, wait_until
from .queue import Place, describe, device_of, model_of
from .records import (
    JOB_FILE,
    LOG_FILE,
    RESULT_FILE,
    is_further_rank,
    read_record,
    run_recorded,
    write_record,
    write_result,
)
from .supervisor import DEFAULT_GRACE, KILL_AFTER

JobState = Literal["waiting", "running", "done", "failed", "cancelled", "died"]

RUN_STAGE = "singwiz.core.jobs.stages:run_stage"
START_TIMEOUT = 30.0
"""Seconds that a supervisor gets to report for duty."""

_supervisors: list[subprocess.Popen[bytes]] = []
_starting = threading.Lock()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands.

    Attributes:
        progress: finished share 0..1, None while unknown.
        eta: seconds until done, None while unknown or not running.
        elapsed: seconds of work, until the end; of waiting as long as it waits.
        label: what it is doing, e.g. ``"step 120 of 2000"``, or what it waits for.
        error: ``{"code", "message", "hint", "where"}`` of a failed or died job.
        result: what the stage returned; a stopped training has one, too.
    """

    state: JobState
    progress: float | None = None
    eta: float | None = None
    elapsed: float = 0.0
    label: str = ""
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None

    @property
    def running(self) -> bool:
        """True while work goes on, or waits for its turn."""
        return self.state in ("running", "waiting")


class Job:
    """One job, running or finished."""

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.dir = folder
        self.id = folder.name
        self.stage = str(record.get("stage", ""))
        self.params: dict[str, Any] = dict(record.get("params") or {})
        self.created = float(record.get("created") or 0.0)
        self.after: tuple[str, ...] = tuple(map(str, record.get("after") or ()))
        self._record = record
        self._reader = EventReader(folder / EVENTS_FILE)
        self._pace = Pace()

    @classmethod
    def open(cls, folder: Path | str) -> Job:
        """Open a job folder.

        Raises:
            SingwizError: there is no job in that folder.
        """
        folder = Path(folder).absolute()
        record = read_record(folder / JOB_FILE)
        if record is None:
            raise SingwizError(
                "job-not-found",
                f"There is no job '{folder.name}' in '{folder.parent}'.",
                hint="List the jobs with: singwiz jobs list PROJECT",
                exit_code=USAGE_PROBLEM,
            )
        return cls(folder, record)

    @property
    def record(self) -> Mapping[str, Any]:
        """Content of ``job.json`` as last read."""
        return self._record

    def _processes(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Identities of supervisor and worker."""
        if not self._record.get("worker"):  # they report one after the other
            self._record = read_record(self.dir / JOB_FILE) or self._record
        return self._record.get("supervisor"), self._record.get("worker")

    def _alive(self) -> bool:
        supervisor, worker = self._processes()
        if supervisor is None and worker is None:
            return time.time() - self.created < START_TIMEOUT
        return any(is_alive(process, marker=str(self.dir)) for process in (supervisor, worker))

    @property
    def running(self) -> bool:
        """True while work goes on or waits for its turn; cheaper than :meth:`status`."""
        return not (self.dir / RESULT_FILE).exists() and self._alive()

    def status(self) -> JobStatus:
        """Where the job stands now. Cheap: reads only what was added since the last call."""
        self._refresh()
        record = read_record(self.dir / RESULT_FILE)
        if record is None and not self._alive():
            # It may have written its last word between the two looks.
            record = read_record(self.dir / RESULT_FILE) or {
                "state": "died",
                "ended": self._last_sign_of_life(),
                "error": vanished(self.dir),
            }
        self._processes()  # reads again what was written when its turn came
        # Time in the line is no work.
        began = float(self._record.get("started") or self.created)
        if record is None:
            now = time.time()
            waiting = self._record.get("waiting")
            return JobStatus(
                "waiting" if waiting else "running",
                progress=self._pace.fraction,
                eta=self._pace.eta(now),
                elapsed=max(now - began, 0.0),
                label=_waits_for(waiting) if waiting else self._pace.label,
            )
        return JobStatus(
            record["state"],
            progress=1.0 if record["state"] == "done" else self._pace.fraction,
            elapsed=max(float(record.get("ended") or began) - began, 0.0),
            label=self._pace.label,
            error=record.get("error"),
            result=record.get("result"),
        )

    def _last_sign_of_life(self) -> float:
        return float(self._reader.events[-1]["t"]) if self._reader.events else self.created

    def _refresh(self) -> None:
        for event in self._reader.refresh():
            if event["type"] == "progress":
                self._pace.feed(
                    event["t"], event["done"] or 0.0, event["total"] or 0.0, event["label"]
                )

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Events whose ``seq`` is greater than ``after``, oldest first."""
        self._refresh()
        everything = self._reader.events
        start = len(everything)
        while start > 0 and everything[start - 1]["seq"] > after:
            start -= 1
        return everything[start:]

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines of the log, at most ``lines`` (0 = all)."""
        try:
            text = (self.dir / LOG_FILE).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]

    def stop(self, *, grace: float = DEFAULT_GRACE) -> None:
        """Ask the job to stop and return at once; see :meth:`wait`.

        The work notices at its next convenient moment and keeps what it has (training saves
        a checkpoint). It is interrupted after half of ``grace`` seconds, terminated after
        ``grace`` and killed soon after. Asking again with a smaller ``grace`` hurries it.
        """
        if not self.running:
            return
        write_record(self.dir / STOP_FILE, {"grace": grace})
        supervisor, worker = self._processes()
        if worker and grace <= 0 and not is_alive(supervisor, marker=str(self.dir)):
            # Nobody else would do it: the supervisor is gone, or there never was one.
            if int(worker["pid"]) == os.getpid():
                return  # our own foreground work sees the request at its next look
            if is_alive(worker, marker=str(self.dir)):
                end_family(family(int(worker["pid"])), patience=KILL_AFTER)
            if not (self.dir / RESULT_FILE).exists():
                write_result(self.dir, "cancelled")

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Wait for the end, at most ``timeout`` seconds, and return the status then."""
        wait_until(
            lambda: not self.running,
            timeout=float("inf") if timeout is None else timeout,
            interval=0.05,
        )
        return self.status()


def _waits_for(waiting: Mapping[str, Any]) -> str:
    """What a job waits for, e.g. ``"busy with train (acoustic) of 'aoi', then yours"``."""
    what = waiting.get("what") or waiting.get("job") or "other work"
    return f"busy with {what}, then yours"


def list_jobs(project: Project) -> list[Job]:
    """All jobs of a project, newest first; folders without a readable record are left out."""
    jobs = []
    if project.jobs_dir.is_dir():
        for folder in project.jobs_dir.iterdir():
            record = read_record(folder / JOB_FILE)
            if record is not None:
                jobs.append(Job(folder, record))
    return sorted(jobs, key=lambda job: job.id, reverse=True)


def _of_stage(project: Project, stage: str) -> Iterator[Job]:
    """Jobs of a stage, newest first. Polled every second, so the names have to do."""
    folders = project.jobs_dir.glob(f"*-{stage}-*") if project.jobs_dir.is_dir() else ()
    for folder in sorted(folders, reverse=True):
        record = read_record(folder / JOB_FILE)
        if record is not None and record.get("stage") == stage:
            yield Job(folder, record)


def latest_job(project: Project, stage: str) -> Job | None:
    """The newest job of a stage, running or finished."""
    return next(_of_stage(project, stage), None)


def running_job(project: Project, stage: str, model: str = "") -> Job | None:
    """The job of a stage (for one kind of model) that works or waits now, if any."""
    return next(
        (
            job
            for job in _of_stage(project, stage)
            if (not model or model_of(stage, job.params) == model) and job.running
        ),
        None,
    )


def start_job(
    project: Project,
    stage: str,
    params: Mapping[str, Any] | None = None,
    *,
    after: Sequence[str] = (),
    entry: str = RUN_STAGE,
) -> Job:
    """Start a stage as a process of its own that outlives the caller.

    Long work waits for its turn if the device is busy, see :mod:`.queue`.

    Args:
        params: what the stage is told; has to be plain data.
        after: ids of jobs of this project whose results are needed. It waits for them, and is
            given up if one of them does not come to a good end.
        entry: ``"module:function"`` that does the work, called like ``stages.run_stage``.

    Raises:
        SingwizError: ``job-running`` if a job of that stage (and kind of model) is at work on the
            project, ``job-not-started`` if the process could not be started.
    """
    _reap()
    given = params or {}
    more = {"device": device_of(project, stage, given), "after": list(after)}
    with _one_starter(project):
        job = _new_job(project, stage, given, **{key: one for key, one in more.items() if one})
    with (job.dir / LOG_FILE).open("ab") as log:
        supervisor = launch(
            python_module("singwiz.core.jobs.supervisor", str(job.dir), entry),
            log=log,
            cwd=job.dir,
            detached=True,
        )
    _supervisors.append(supervisor)
    wait_until(
        lambda: supervisor.poll() is not None or job._processes()[0] is not None,
        timeout=START_TIMEOUT,
    )
    if job._processes()[0] is None:
        error = SingwizError(
            "job-not-started",
            "The work could not be started.",
            hint="Run 'singwiz doctor'; the log says more.",
            where=str(job.dir / LOG_FILE),
            exit_code=USAGE_PROBLEM,
        )
        write_result(job.dir, "failed", error=error.to_dict())
        raise error
    return job


def run_here(
    project: Project,
    stage: str,
    params: Mapping[str, Any],
    *,
    reporter: Reporter,
) -> dict[str, Any]:
    """Run a stage in this process, recorded like any job, so that every front end sees it.

    Returns:
        The stage's result.

    Raises:
        SingwizError: ``job-running``, or whatever the stage ran into.
        Cancelled: stopped before it was finished.
    """
    from .stages import run_stage

    if is_further_rank():
        return run_stage(stage, project, params, Reporter())
    with _one_starter(project):
        job = _new_job(project, stage, params, worker=identify(os.getpid()))
    # Who sits in front of it gets it at once, but others shall wait for it.
    place = Place(device_of(project, stage, params), job.dir, job.record, working=True)
    for ticket in place.others_working():
        reporter.warning(
            "device-busy",
            f"This machine is busy with {ticket.what}; both will take longer. "
            "The wizard would have waited.",
        )
    try:
        with (job.dir / LOG_FILE).open("a", encoding="utf-8") as log:
            return run_recorded(
                job.dir,
                EventWriter(job.dir),
                log,
                lambda tee: run_stage(stage, project, dict(params), tee),
                audience=reporter,
            )
    finally:
        place.leave()


def _new_job(project: Project, stage: str, params: Mapping[str, Any], **more: Any) -> Job:
    """Make the folder and record of a new job, unless one of its kind works or waits."""
    model = model_of(stage, params)
    other = running_job(project, stage, model)
    if other is not None:
        raise SingwizError(
            "job-running",
            f"'{describe(stage, model)}' is already at work on this project (job {other.id}).",
            hint=f"Wait for it, or stop it with: singwiz jobs stop '{project.root}'",
            where=str(other.dir),
            exit_code=USAGE_PROBLEM,
        )
    created = time.time()
    # UTC with milliseconds: names sort by age, summer time or not.
    clock = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created)) + f"{int(created * 1e3) % 1000:03}"
    folder = project.jobs_dir / f"{clock}-{stage}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    record = {
        "stage": stage,
        "params": params,
        "project": str(project.root),
        "created": created,
        **more,
    }
    write_record(folder / JOB_FILE, record)
    return Job.open(folder)


@contextlib.contextmanager
def _one_starter(project: Project) -> Iterator[None]:
    """Lets one process at a time look for running jobs and add its own.

    Two front ends on one project would otherwise both find nothing running. The lock is held
    for milliseconds; one that is older belonged to a process that was killed.
    """
    lock = project.jobs_dir / ".starting"
    project.jobs_dir.mkdir(parents=True, exist_ok=True)
    with _starting:
        for _ in range(200):
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                break
            except FileExistsError:
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - lock.stat().st_mtime > 10.0:
                        lock.unlink()
                time.sleep(0.05)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _reap() -> None:
    """Let ended supervisors go; a child that nobody asks about stays as a zombie."""
    _supervisors[:] = [process for process in _supervisors if process.poll() is None]
