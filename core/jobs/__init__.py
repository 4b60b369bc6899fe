"""Long work: stages, and jobs that run them in a process of their own.

Importing this room costs nothing, because supervisor and worker pass through here, too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import EventReader, EventWriter
    from .job import (
        Job,
        JobState,
        JobStatus,
        latest_job,
        list_jobs,
        run_here,
        running_job,
        start_job,
    )
    from .pace import Pace
    from .stages import STAGES, run_stage

_HOMES = {
    "EventReader": "events",
    "EventWriter": "events",
    "Job": "job",
    "JobState": "job",
    "JobStatus": "job",
    "latest_job": "job",
    "list_jobs": "job",
    "run_here": "job",
    "running_job": "job",
    "start_job": "job",
    "Pace": "pace",
    "STAGES": "stages",
    "run_stage": "stages",
}

__all__ = [
    "STAGES",
    "EventReader",
    "EventWriter",
    "Job",
    "JobState",
    "JobStatus",
    "Pace",
    "latest_job",
    "list_jobs",
    "run_here",
    "run_stage",
    "running_job",
    "start_job",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
