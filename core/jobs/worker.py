"""The process that does the work of one job: ``python -m singwiz.core.jobs.worker JOB ENTRY``.

Started by the supervisor. Whatever the stage needs (torch, Lightning, …) is imported only here.
"""

from __future__ import annotations

import faulthandler
import importlib
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import Cancelled, SingwizError
from ..project import Project
from ..reporting import Reporter
from .events import EventWriter
from .records import JOB_FILE, is_further_rank, read_record, run_recorded


def main(arguments: list[str]) -> int:
    """Run the job in the folder ``arguments[0]`` with the function ``arguments[1]``."""
    job_dir, entry = Path(arguments[0]), arguments[1]
    faulthandler.enable()
    record = read_record(job_dir / JOB_FILE) or {}
    module, function = entry.split(":")

    def work(reporter: Reporter) -> dict[str, Any]:
        project = Project.open(record["project"])
        run_stage = getattr(importlib.import_module(module), function)
        result: dict[str, Any] = run_stage(record["stage"], project, record["params"], reporter)
        return result

    if is_further_rank():
        work(Reporter())
        return 0
    events = EventWriter(job_dir)

    asked = 0

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        # Once is a request that the work notices when it suits; twice goes through at once.
        nonlocal asked
        asked += 1
        if asked > 1:
            raise KeyboardInterrupt
        events.request_stop()

    signal.signal(signal.SIGINT, on_interrupt)

    try:
        run_recorded(job_dir, events, sys.stderr, work)
    except (SingwizError, Cancelled):
        return 1  # all there is to say is in result.json
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
