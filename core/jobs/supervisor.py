"""The small process between front end and worker: ``python -m singwiz.core.jobs.supervisor``.

It is cut off from the front end's terminal, starts the worker, carries out stop requests, and
sees to it that a result record exists however the worker ends. It imports nothing heavy.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from .events import STOP_FILE, EventWriter
from .knowledge import sudden_end
from .processes import (
    end_family,
    family,
    identify,
    interrupt,
    kill_leftovers,
    launch,
    python_module,
)
from .queue import Place, Ticket, describe, model_of, unfinished
from .records import (
    JOB_FILE,
    LOG_FILE,
    RESULT_FILE,
    read_record,
    write_record,
    write_result,
)

POLL_INTERVAL = 0.1
QUEUE_INTERVAL = 0.5
"""Seconds between two looks whether it is this job's turn."""
KILL_AFTER = 5.0
"""Seconds between TERM and KILL."""
EXIT_PATIENCE = 15.0
"""Seconds a worker gets to leave after it wrote its result, e.g. to end its pool processes."""
DEFAULT_GRACE = 60.0


class StopLadder:
    """Ask, ask again, terminate, kill. Climbs one rung at a time as :meth:`climb` is called."""

    def __init__(self, job_dir: Path, worker: subprocess.Popen[bytes]) -> None:
        self._file = job_dir / STOP_FILE
        self._worker = worker
        self._since: float | None = None
        self._asked = 0
        self.terminated = False

    @property
    def requested(self) -> bool:
        """True once somebody asked to stop."""
        return self._since is not None

    def climb(self) -> None:
        """Look for a request and do what is due. The file holds the grace in seconds."""
        if not self._file.exists():
            return
        if self._since is None:
            self._since = time.monotonic()
        request = read_record(self._file) or {}
        grace = float(request.get("grace", DEFAULT_GRACE))
        waited = time.monotonic() - self._since
        if waited >= grace:
            self.terminated = True
            end_family(family(self._worker.pid), patience=KILL_AFTER)
        elif self._asked == 0 or (self._asked == 1 and waited >= grace / 2):
            self._asked += 1
            interrupt(self._worker.pid)


def supervise(job_dir: Path, entry: str) -> None:
    """Run the job in ``job_dir`` to its end."""
    job_file = job_dir / JOB_FILE
    record = read_record(job_file) or {}

    def on_terminate(number: int, frame: FrameType | None) -> None:
        # The system shuts down: give the worker what little time there is to save.
        write_record(job_dir / STOP_FILE, {"grace": KILL_AFTER})

    signal.signal(signal.SIGTERM, on_terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    record["supervisor"] = identify(os.getpid())
    write_record(job_file, record)
    place = Place(str(record.get("device") or ""), job_dir, record)
    try:
        if _has_its_turn(job_dir, record, place):
            _work(job_dir, entry, record)
    finally:
        place.leave()


def _has_its_turn(job_dir: Path, record: dict[str, Any], place: Place) -> bool:
    """Wait for the device and for work that has to be done before; False if it never comes to it.

    What it waits for stands in ``job.json`` for everybody to see.
    """
    while True:
        before, state = unfinished(job_dir.parent, record.get("after") or ())
        if state:
            write_result(job_dir, "cancelled", error=_given_up(before, state))
            return False
        ticket = None if before else place.busy_with()
        if not before and ticket is None:
            return True
        waiting = _waiting_for(job_dir.parent / before if before else None, ticket)
        if record.get("waiting") != waiting:
            record["waiting"] = waiting
            write_record(job_dir / JOB_FILE, record)
        for _ in range(round(QUEUE_INTERVAL / POLL_INTERVAL)):
            if (job_dir / STOP_FILE).exists():
                write_result(job_dir, "cancelled")
                return False
            time.sleep(POLL_INTERVAL)


def _waiting_for(before: Path | None, ticket: Ticket | None) -> dict[str, str]:
    if ticket is not None:
        return {"job": ticket.job_dir.name, "what": ticket.what}
    assert before is not None
    needed = read_record(before / JOB_FILE) or {}
    stage = str(needed.get("stage", ""))
    model = model_of(stage, needed.get("params") or {})
    return {"job": before.name, "what": describe(stage, model)}


def _given_up(before: str, state: str) -> dict[str, str]:
    return {
        "code": "job-before-failed",
        "message": f"It was not started, because the work before it ended as '{state}'.",
        "hint": f"See what became of {before}, then start again.",
        "where": before,
    }


def _work(job_dir: Path, entry: str, record: dict[str, Any]) -> None:
    with (job_dir / LOG_FILE).open("ab") as log:
        worker = launch(
            python_module("singwiz.core.jobs.worker", str(job_dir), entry),
            log=log,
            cwd=job_dir,
            detached=False,
        )
    record.pop("waiting", None)
    record["started"] = time.time()
    record["worker"] = identify(worker.pid)
    write_record(job_dir / JOB_FILE, record)

    ladder = StopLadder(job_dir, worker)
    result_file = job_dir / RESULT_FILE
    recorded_at: float | None = None
    while worker.poll() is None:
        if recorded_at is None and result_file.exists():
            recorded_at = time.monotonic()
        if recorded_at is not None and time.monotonic() - recorded_at > EXIT_PATIENCE:
            end_family(family(worker.pid), patience=KILL_AFTER)
        elif recorded_at is None:
            ladder.climb()
        time.sleep(POLL_INTERVAL)
    kill_leftovers(worker.pid)
    if not result_file.exists():
        _record_sudden_end(job_dir, worker.returncode, requested=ladder.requested)


def _record_sudden_end(job_dir: Path, code: int, *, requested: bool) -> None:
    if requested:
        write_result(job_dir, "cancelled")
        return
    error = sudden_end(code, job_dir)
    events = EventWriter(job_dir)
    events.error(error)
    events.close()
    write_result(job_dir, "died", error=error)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), sys.argv[2])
