"""The diary of a job: JSON lines in ``events.jsonl``, written by the worker, tailed by front ends.

One event is one object with ``seq`` (1, 2, …), ``t`` (seconds since the epoch) and ``type``:

========  ==========================================================
type      further keys
========  ==========================================================
progress  ``done``, ``total``, ``label``
metric    ``name``, ``value``, ``step``
log       ``text``
warning   ``code``, ``message``, ``item``
artifact  ``kind``, ``path`` (absolute), ``label``
error     ``code``, ``message``, ``hint``, ``where``
done      –
========  ==========================================================

A line counts once its line end is written, so a crash in mid-line costs that line only.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from ..reporting import Reporter

EVENTS_FILE = "events.jsonl"
STOP_FILE = "stop"

PROGRESS_INTERVAL = 0.25
"""Seconds between two progress lines; a loop over thousands of items must not fill the disk."""
STOP_POLL_INTERVAL = 0.2
"""Seconds between two looks for the stop request; the loops that ask are tighter than that."""


def to_plain(value: Any) -> Any:
    """``value`` as what JSON knows: paths and unknown objects as text, NaN and infinity as None."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [to_plain(item) for item in items]
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    if hasattr(value, "tolist"):  # numpy and torch, without importing either
        return to_plain(value.tolist())
    return str(value)


class EventWriter(Reporter):
    """A reporter that appends to ``<job_dir>/events.jsonl`` and obeys ``<job_dir>/stop``.

    Safe to call from several threads of one process.
    """

    def __init__(self, job_dir: Path) -> None:
        self._path = job_dir / EVENTS_FILE
        self._stop_file = job_dir / STOP_FILE
        self._lock = threading.RLock()
        self._seq = 0
        self._needs_line_end = False
        if self._path.exists():
            content = self._path.read_bytes()
            self._needs_line_end = bool(content) and not content.endswith(b"\n")
            self._seq = content.count(b"\n") + self._needs_line_end
        self._handle = self._path.open("a", encoding="utf-8", newline="\n")
        self._progress_at = -math.inf
        self._held_back: dict[str, Any] | None = None
        self._stopping = False
        self._stop_looked_at = -math.inf

    def write(self, type_: str, **fields: Any) -> None:
        """Append one event."""
        with self._lock:
            self._append({"type": type_, "t": time.time(), **fields})

    def _append(self, event: dict[str, Any]) -> None:
        if self._handle.closed:
            return
        self._seq += 1
        line = json.dumps(to_plain({"seq": self._seq, **event}), ensure_ascii=False)
        # A half line left by a killed writer is closed first, so that it spoils only itself.
        self._handle.write(("\n" if self._needs_line_end else "") + line + "\n")
        self._needs_line_end = False
        self._handle.flush()

    def progress(self, done: float, total: float, label: str = "") -> None:
        with self._lock:
            now = time.monotonic()
            event = {
                "type": "progress",
                "t": time.time(),
                "done": done,
                "total": total,
                "label": label,
            }
            self._held_back = event
            if now - self._progress_at >= PROGRESS_INTERVAL or done >= total:
                self._progress_at = now
                self._held_back = None
                self._append(event)

    def metric(self, name: str, value: float, step: int) -> None:
        self.write("metric", name=name, value=float(value), step=int(step))

    def log(self, text: str) -> None:
        self.write("log", text=text)

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.write("warning", code=code, message=message, item=item)

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        self.write("artifact", kind=kind, path=str(Path(path).absolute()), label=label)

    def error(self, error: Mapping[str, str]) -> None:
        """The failure that ended the job: ``code``, ``message``, ``hint``, ``where``."""
        self.write("error", **error)

    def request_stop(self) -> None:
        """From now on :meth:`cancelled` is true. Safe inside a signal handler."""
        self._stopping = True

    def cancelled(self) -> bool:
        if not self._stopping:
            now = time.monotonic()
            if now - self._stop_looked_at >= STOP_POLL_INTERVAL:
                self._stop_looked_at = now
                self._stopping = self._stop_file.exists()
        return self._stopping

    def close(self) -> None:
        """Write what was held back and close the file; later events are dropped."""
        with self._lock:
            if self._held_back is not None:
                held, self._held_back = self._held_back, None
                self._append(held)
            self._handle.close()


class EventReader:
    """Reads a growing ``events.jsonl`` piece by piece; remembers where it stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.events: list[dict[str, Any]] = []
        """Everything read so far, in order."""

    def refresh(self) -> list[dict[str, Any]]:
        """Read what was added and return only that. A line without its end waits for it."""
        try:
            with self._path.open("rb") as handle:
                if os.fstat(handle.fileno()).st_size < self._offset:
                    self._offset, self.events = 0, []  # replaced by a shorter file
                handle.seek(self._offset)
                data = handle.read()
        except FileNotFoundError:
            return []
        complete = data[: data.rfind(b"\n") + 1]
        self._offset += len(complete)
        fresh = []
        for line in complete.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # a line cut off by a crash
                continue
            if isinstance(event, dict) and "type" in event and "seq" in event:
                fresh.append(event)
        self.events.extend(fresh)
        return fresh
