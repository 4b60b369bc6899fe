"""How long work tells the outside what it is doing.

Core functions take a :class:`Reporter` and call it; whether the lines end up in a terminal,
in a job's ``events.jsonl`` or nowhere is the caller's business.
"""

from __future__ import annotations

from pathlib import Path


class Reporter:
    """Receives progress and results. This base class ignores everything.

    Subclasses override what they care about; :meth:`cancelled` is polled by long loops.
    """

    def progress(self, done: float, total: float, label: str = "") -> None:
        """``done`` of ``total`` units are finished; the ETA is derived by the receiver."""

    def metric(self, name: str, value: float, step: int) -> None:
        """A number worth a curve, e.g. a loss, at an optimizer step."""

    def log(self, text: str) -> None:
        """A line for the log."""

    def warning(self, code: str, message: str, item: str = "") -> None:
        """Something the user should know although the work goes on."""

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        """A file worth showing; ``kind`` is audio, image, checkpoint, config, report or data."""

    def cancelled(self) -> bool:
        """True once the user asked to stop."""
        return False
