"""Writing a folder of files so that the previous one stays until the new one is complete."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import psutil

from ..errors import SingwizError

_OURS = (
    "train.*",
    "valid.*",
    "spk_map*.json",
    "lang_map.json",
    "dictionary*.txt",
    "phonemes.json",
    "*_distribution.*",
    "binarize.json",
)
"""What a binary dataset consists of; other files in its folder belong to somebody else."""


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _backup(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; when the block ends well it becomes ``target``.

    Files in ``target`` that are not part of a binary dataset are carried over. On an exception
    ``target`` is left as it was.

    Raises:
        SingwizError: the folder cannot be written or replaced.
    """
    target = target.resolve()
    part = _part(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target)
        part.mkdir()
    except OSError as error:
        raise _not_writable(target, error) from None
    try:
        yield part
        _swap(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _not_writable(target: Path, error: OSError) -> SingwizError:
    return SingwizError(
        "output-not-writable",
        f"The folder for the prepared data cannot be written: {error.strerror or error}.",
        hint="Close programs that use it, or choose another folder.",
        where=str(target),
    )


def _recover(target: Path) -> None:
    """Undo what an earlier run that was killed may have left."""
    backup = _backup(target)
    if backup.exists():
        if target.exists():
            _retire(backup, target)
        else:
            backup.rename(target)
    pattern = re.compile(re.escape(f".{target.name}.") + r"(\d+)\.part")
    for left in target.parent.iterdir():
        match = pattern.fullmatch(left.name)
        if match and (int(match[1]) == os.getpid() or not psutil.pid_exists(int(match[1]))):
            shutil.rmtree(left, ignore_errors=True)


def _swap(part: Path, target: Path) -> None:
    backup = _backup(target)
    try:
        if target.exists():
            target.rename(backup)
        try:
            part.rename(target)
        except OSError:
            if backup.exists():
                backup.rename(target)
            raise
        if backup.exists():
            _retire(backup, target)
    except OSError as error:
        raise _not_writable(target, error) from None


def _retire(backup: Path, target: Path) -> None:
    """Remove the previous set, but keep what somebody else put beside it."""
    for file in list(backup.iterdir()):
        if not any(fnmatch(file.name, pattern) for pattern in _OURS):
            file.rename(target / file.name)
    shutil.rmtree(backup, ignore_errors=True)
