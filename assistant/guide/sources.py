"""The files behind a dataset, fixed copy included, and what shows that one of them changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.project import Project, Recordings
from .store import signature


def dataset_files(project: Project, entry: Recordings) -> tuple[Path, ...]:
    """The transcriptions first, then files and folders whose time stamps tell of changes.

    A folder's own time stamp shows added, removed and replaced files. Fixed copies leave most
    recordings where they were, so the originals count, too.
    """
    raw = Path(entry.raw_data_dir)
    folder = project.raw_folder(entry)
    files = (folder / "transcriptions.csv", folder / "wavs", folder / "ds")
    if folder == raw:
        return files
    return (*files, folder / "files.json", raw / "transcriptions.csv", raw / "wavs", raw / "ds")


def dataset_signature(project: Project, entry: Recordings) -> list[Any]:
    """Plain data that changes when transcriptions, recordings or DS files come, go or change."""
    return [
        [str(path.parent), path.name, signature(path)] for path in dataset_files(project, entry)
    ]
