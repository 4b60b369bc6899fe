"""Running a stage in the foreground: a progress line with an ETA, and Ctrl-C that stops gently."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from ...core.reporting import Reporter
from ...core.words import retell, say
from .output import duration, err

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ...core.project import Project

QUIET_INTERVAL = 15.0
"""Seconds between progress lines where there is no terminal to redraw one on."""


class ConsoleReporter(Reporter):
    """Progress, warnings and log lines on stderr. Use it as a context manager."""

    def __init__(self) -> None:
        from ...core.jobs.pace import Pace

        self._console = err()
        self._pace = Pace()
        self._stop = threading.Event()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._loss = ""
        self._line_at = 0.0

    def __enter__(self) -> ConsoleReporter:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[rest]}", style="dim"),
                console=self._console,
                transient=True,
                refresh_per_second=5,
            )
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def progress(self, done: float, total: float, label: str = "") -> None:
        now = time.monotonic()
        new_phase = total != self._pace.total
        self._pace.feed(now, done, total, label)
        eta = self._pace.eta(now)
        label = retell(label)
        rest = retell(f"{done:g} of {total:g}")
        if eta is not None:
            rest += retell(f", about {duration(eta)} left")
        rest += self._loss
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(label, total=total or None, rest=rest)
            self._bar.update(
                self._task, completed=done, total=total or None, description=label, rest=rest
            )
            return
        if new_phase or now - self._line_at >= QUIET_INTERVAL:
            self._line_at = now
            self._console.print(f"{label or say('face.working')}: {rest}")

    def metric(self, name: str, value: float, step: int) -> None:
        if name.rpartition("/")[2] in ("total_loss", "loss"):
            self._loss = f", loss {value:.4f}"

    def log(self, text: str) -> None:
        self._console.print(text, style="dim")

    def warning(self, code: str, message: str, item: str = "") -> None:
        self._console.print(f"warning[{code}]", style="yellow", end=": ")
        self._console.print(f"{item + ': ' if item else ''}{message}")

    def cancelled(self) -> bool:
        return self._stop.is_set()

    def request_stop(self) -> None:
        """From now on :meth:`cancelled` is true."""
        self._stop.set()
        self._console.print("\nStopping at the next safe point – Ctrl-C again stops at once.")


@contextmanager
def console_reporter() -> Iterator[ConsoleReporter]:
    """A reporter for the length of some work; the first Ctrl-C asks it to stop."""
    from ...core.jobs.processes import share_the_processor

    share_the_processor()
    with ConsoleReporter() as reporter:

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            if reporter.cancelled():
                raise KeyboardInterrupt
            reporter.request_stop()

        before = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield reporter
        finally:
            signal.signal(signal.SIGINT, before)


def run_here(project: Project, stage: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Run a stage of a project here and now, recorded as a job; returns its result."""
    from ...core.jobs import run_here as run_recorded

    with console_reporter() as reporter:
        return run_recorded(project, stage, params, reporter=reporter)


def run_call(call: Callable[[Reporter], dict[str, Any]]) -> dict[str, Any]:
    """The same for work without a project."""
    with console_reporter() as reporter:
        return call(reporter)
