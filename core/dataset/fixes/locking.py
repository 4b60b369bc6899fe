"""One at a time: a lock on a file that ends with the process that holds it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import USAGE_PROBLEM, SingwizError

_POLL = 0.05


@contextmanager
def locked(path: Path, *, patience: float) -> Iterator[None]:
    """Hold the lock; the file stays behind, empty.

    Args:
        path: of the lock file; its folder is created.
        patience: s to wait for another process.

    Raises:
        SingwizError: another process keeps the lock.
        OSError: the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as handle:
        deadline = time.monotonic() + patience
        while not _take(handle):
            if time.monotonic() >= deadline:
                raise SingwizError(
                    "project-busy",
                    "Another window or command is changing the recordings of this project.",
                    hint="Wait until it is done, then try again.",
                    where=str(path.parent.parent),
                    exit_code=USAGE_PROBLEM,
                )
            time.sleep(_POLL)
        try:
            yield
        finally:
            _give_back(handle)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: IO[bytes]) -> bool:
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(handle: IO[bytes]) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _give_back(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
