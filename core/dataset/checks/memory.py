"""What was heard in recordings, remembered between checks in one SQLite file.

Keyed by path, size and time of change of the recording, and by the version of the listening:
labels and limits are no part of it, they are applied anew. Safe to delete; a damaged,
unwritable or full place only means that recordings are heard again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..audio import AudioInfo
from ..measure import Measures
from .listening import Listening, cents_of, hertz_of

FILE_NAME = "listening.sqlite"
VERSION = 1
"""Raised whenever listening hears differently."""

_COMMIT_EVERY = 200

_TABLES = """
CREATE TABLE IF NOT EXISTS heard (
    path BLOB PRIMARY KEY, size INTEGER, changed INTEGER, version INTEGER,
    facts TEXT, level BLOB, f0 BLOB, tracker TEXT, tracked BLOB
) WITHOUT ROWID
"""


class ListeningMemory:
    """Remembers what was heard; use as a context manager from one thread.

    Args:
        folder: where the file is; None remembers nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._database: sqlite3.Connection | None = None
        self._pending = 0

    def __enter__(self) -> ListeningMemory:
        if self._folder is None:
            return self
        path = self._folder / FILE_NAME
        for _ in range(2):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(path, timeout=5.0)
                self._database.execute("PRAGMA synchronous=OFF")
                self._database.execute(_TABLES)
                return self
            except (sqlite3.Error, OSError, ValueError) as error:
                self._give_up(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was heard before the user stopped need not be heard again.
        self._commit()
        self._close()

    def knows(self, path: Path, *, tracker: str = "") -> bool:
        """Whether :meth:`recall` has something to say, at a fraction of its cost."""
        stamp = _stamp(path)
        if self._database is None or stamp is None:
            return False
        statement = "SELECT tracker FROM heard WHERE path=? AND size=? AND changed=? AND version=?"
        rows = self._run(statement, (os.fsencode(path), *stamp, VERSION))
        return rows is not None and len(rows) > 0 and tracker in ("", rows[0][0])

    def recall(self, path: Path, *, tracker: str = "") -> Listening | None:
        """What was heard in a recording, if it has not changed since.

        Args:
            path: the recording.
            tracker: label of the wanted pitch tracker; empty = the quick look.
        """
        stamp = _stamp(path)
        if self._database is None or stamp is None:
            return None
        rows = self._run(
            "SELECT facts, level, f0, tracker, tracked FROM heard "
            "WHERE path = ? AND size = ? AND changed = ? AND version = ?",
            (os.fsencode(path), *stamp, VERSION),
        )
        if not rows:
            return None
        facts, level, f0, tracked_by, tracked = rows[0]
        if tracker and (tracked_by != tracker or tracked is None):
            return None
        try:
            return _unpack(facts, level, tracked if tracker else f0, tracker)
        except (ValueError, TypeError, KeyError):
            return None

    def keep(self, path: Path, heard: Listening) -> None:
        """Remember what was heard by the quick look, or add what a tracker found."""
        stamp = _stamp(path)
        if self._database is None or stamp is None or not heard.good:
            return
        if heard.tracker:
            self._change(
                "UPDATE heard SET tracker = ?, tracked = ? WHERE path = ?",
                (heard.tracker, cents_of(heard.f0).tobytes(), os.fsencode(path)),
            )
        else:
            facts, level = _pack(heard)
            self._change(
                "INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?, ?, ?, '', NULL)",
                (os.fsencode(path), *stamp, VERSION, facts, level, cents_of(heard.f0).tobytes()),
            )

    def forget_all_but(self, paths: Iterable[Path]) -> None:
        """Drop recordings that do not belong to the datasets any more."""
        rows = self._run("SELECT path FROM heard") or []
        for gone in {row[0] for row in rows} - {os.fsencode(path) for path in paths}:
            self._change("DELETE FROM heard WHERE path = ?", (gone,))

    def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        if self._run(statement, values) is None:
            return
        self._pending += 1
        if self._pending >= _COMMIT_EVERY:
            self._commit()

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any] | None:
        if self._database is None:
            return None
        try:
            return self._database.execute(statement, values).fetchall()
        except (sqlite3.Error, OverflowError, ValueError) as error:
            self._give_up(error)
            return None

    def _commit(self) -> None:
        if self._database is not None:
            try:
                self._database.commit()
            except sqlite3.Error as error:
                self._give_up(error)
        self._pending = 0

    def _give_up(self, error: Exception) -> None:
        """Go on without a memory: disk full, in use elsewhere, taken away, or damaged."""
        self._close()
        damaged = isinstance(error, sqlite3.DatabaseError)
        if damaged and not isinstance(error, sqlite3.OperationalError) and self._folder:
            _delete(self._folder / FILE_NAME)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        self._pending = 0


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _pack(heard: Listening) -> tuple[str, bytes]:
    measures = asdict(heard.measures)
    facts = {"measures": measures, "cutoff": heard.cutoff, "cliff": heard.cliff}
    return json.dumps(facts), (-2.0 * heard.level).astype(np.uint8).tobytes()


def _unpack(facts: str, level: bytes, f0: bytes, tracker: str) -> Listening:
    data = json.loads(facts)
    measures = data["measures"]
    measures["info"] = AudioInfo(**measures["info"])
    return Listening(
        Measures(**measures),
        np.frombuffer(level, np.uint8).astype(np.float32) / -2.0,
        hertz_of(np.frombuffer(f0, np.uint16)),
        float(data["cutoff"]),
        float(data["cliff"]),
        tracker,
    )
