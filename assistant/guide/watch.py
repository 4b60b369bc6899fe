"""A job as the guide sees it: polled every second, so it only reads what was added since."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .view import JobView
from .words import say

if TYPE_CHECKING:
    from ...core.jobs import Job, JobStatus

LOG_LINES = 12
"""Lines of the log that fit under a progress bar."""
_PLAN = re.compile(r"\[(\d)/\d\] ")
"""Start of a line of a plan."""
GPU_MEMORY = "machine/gpu_memory"
"""Metric of a training: GiB."""
CURVE_POINTS = 400
"""More points than this do not show on a screen, and travel to the browser every second."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job made."""

    kind: str
    path: Path
    label: str


@dataclass
class JobWatch:
    """Follows one job; :meth:`poll` brings everything up to date."""

    job: Job
    status: JobStatus
    metrics: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    label: str = ""
    plan: list[str] = field(default_factory=list)
    """What a training said that it would do, before its first step."""
    _log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    _seen: int = 0

    @classmethod
    def of(cls, job: Job) -> JobWatch:
        """Start watching a job."""
        watch = cls(job, job.status())
        watch._read_events()
        return watch

    @property
    def running(self) -> bool:
        """Whether the job is still at work, or waits for its turn."""
        return self.status.running

    @property
    def result(self) -> dict[str, Any]:
        """What the stage returned; empty while it runs or if it failed."""
        return self.status.result if isinstance(self.status.result, dict) else {}

    def entries(self, key: str) -> list[dict[str, Any]]:
        """A list of records in the result; empty if it has none, whatever wrote the file."""
        listed = self.result.get(key)
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

    def facts(self, key: str) -> dict[str, Any]:
        """A record in the result; empty if it has none."""
        found = self.result.get(key)
        return found if isinstance(found, dict) else {}

    def poll(self) -> None:
        """Read what is new. A finished job is never looked at again."""
        if self.running:
            # Status first: events written before the end are then surely read.
            self.status = self.job.status()
            self._read_events()

    def _read_events(self) -> None:
        for event in self.job.events(after=self._seen):
            self._seen = max(self._seen, int(event.get("seq", 0)))
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "progress":
            self.label = str(event.get("label", ""))
        elif kind == "metric" and isinstance(event.get("value"), int | float):
            points = self.metrics.setdefault(str(event.get("name", "")), [])
            points.append((float(event.get("step", 0)), float(event["value"])))
        elif kind == "artifact":
            self.artifacts.append(
                Artifact(
                    str(event.get("kind", "")),
                    Path(str(event.get("path", ""))),
                    str(event.get("label", "")),
                )
            )
        elif kind == "warning":
            self.warnings.append(event)
            self._log.append(str(event.get("message", "")))
        elif kind == "log":
            self._take_log(str(event.get("text", "")))

    def _take_log(self, text: str) -> None:
        numbered = _PLAN.match(text)
        if numbered is None:
            self._log.append(text)
            return
        if numbered[1] == "1":  # begun anew, with smaller batches
            self.plan.clear()
        self.plan.append(text[numbered.end() :])

    def view(self) -> JobView:
        """The job as a face draws it."""
        error = self.status.error or {}
        return JobView(
            id=self.job.id,
            state=self.status.state,
            label=self.status.label if self.status.state == "waiting" else self.label,
            fraction=self.status.progress,
            eta=self.status.eta,
            elapsed=self.status.elapsed or 0.0,
            error=str(error.get("message", "")),
            hint=str(error.get("hint", "")),
            log_tail=tuple(self._log),
            load=self._load() if self.status.state == "running" else "",
        )

    def _load(self) -> str:
        """How busy the machine is, and what torch has taken of the graphics card."""
        import psutil

        memory = psutil.virtual_memory()
        parts = [
            say(
                "job.load",
                cpu=round(psutil.cpu_percent(None)),
                memory=f"{(memory.total - memory.available) / 2**30:.1f}",
                total=f"{memory.total / 2**30:.0f}",
            )
        ]
        taken = self.metrics.get(GPU_MEMORY)
        if taken:
            parts.append(say("job.load-gpu", gpu=f"{taken[-1][1]:.1f}"))
        return ", ".join(parts)


def thin_out(
    points: list[tuple[float, float]], *, most: int = CURVE_POINTS
) -> tuple[tuple[float, float], ...]:
    """At most ``most`` points: each group of neighbours becomes its mean; the last one stays."""
    if len(points) <= most:
        return tuple(points)
    group = -(-len(points) // (most - 1))
    kept = []
    for start in range(0, len(points) - 1, group):
        part = points[start : min(start + group, len(points) - 1)]
        kept.append((part[-1][0], sum(value for _, value in part) / len(part)))
    return (*kept, points[-1])
