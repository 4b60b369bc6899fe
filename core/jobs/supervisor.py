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

from .events import STOP_FILE, EventWriter
from .processes import (
    end_family,
    family,
    identify,
    interrupt,
    kill_leftovers,
    launch,
    python_module,
)
from .records import (
    JOB_FILE,
    LOG_FILE,
    RESULT_FILE,
    read_record,
    write_record,
    write_result,
)

POLL_INTERVAL = 0.1
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

    with (job_dir / LOG_FILE).open("ab") as log:
        worker = launch(
            python_module("singwiz.core.jobs.worker", str(job_dir), entry),
            log=log,
            cwd=job_dir,
            detached=False,
        )
    record["supervisor"] = identify(os.getpid())
    record["worker"] = identify(worker.pid)
    write_record(job_file, record)

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
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    error = {
        "code": "job-died",
        "message": f"The work was ended from outside before it was finished ({how}).",
        "hint": "Start it again; training continues from its last checkpoint. If this repeats, "
        "the computer probably runs out of memory: choose a smaller batch.",
        "where": str(job_dir / LOG_FILE),
    }
    events = EventWriter(job_dir)
    events.error(error)
    events.close()
    write_result(job_dir, "died", error=error)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), sys.argv[2])
