"""Sharing one ``singwiz.yaml`` between several faces without losing anybody's answers.

Reading is free; changing goes through :meth:`ProjectFile.edit`, which takes a lock, reads what
is on disk now, lets the caller change it and writes it back at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...core.errors import SingwizError
from ...core.locking import file_lock
from ...core.project import FILE_NAME, Project, ProjectState

LOCK_NAME = ".singwiz.lock"

Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """Modification time (ns), size and inode of a file or folder; None if it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


class ProjectFile:
    """A project that follows what others write into its ``singwiz.yaml``.

    Attributes:
        project: the project as last read.
        trouble: why the file could not be re-read; None when it could.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.trouble: SingwizError | None = None
        self._seen = signature(self._file)
        self._thread_lock = threading.RLock()
        self._depth = 0

    @property
    def _file(self) -> Path:
        return self.project.root / FILE_NAME

    def refresh(self) -> None:
        """Read the file again if somebody changed it; keep the last good state if it is broken."""
        with self._thread_lock:
            if self._depth:
                return
            now = signature(self._file)
            if now == self._seen and self.trouble is None:
                return
            try:
                self.project.state = Project.open(self.project.root).state
            except SingwizError as error:
                self.trouble = error
            else:
                self.trouble = None
                self._seen = now

    @contextmanager
    def edit(self) -> Iterator[Project]:
        """Change the project: read, let the caller change ``project.state``, write.

        Nothing is written when nothing changed; an exception takes the changes back. May be
        nested: the outermost call writes.

        Raises:
            SingwizError: the file is broken or cannot be written.
        """
        with self._thread_lock:
            if self._depth:
                yield self.project
                return
            with file_lock(self.project.root / LOCK_NAME):
                self.refresh()
                if self.trouble is not None:
                    raise self.trouble
                before = _plain(self.project.state)
                self._depth += 1
                try:
                    yield self.project
                    if _plain(self.project.state) != before:
                        self.project.save()
                except BaseException:
                    self.project.state = ProjectState.model_validate(before)
                    raise
                finally:
                    self._depth -= 1
                    self._seen = signature(self._file)


def _plain(state: ProjectState) -> dict[str, Any]:
    return state.model_dump(mode="json", by_alias=True)
