"""Features computed before, so that preparing the same recordings again costs almost nothing.

An entry is named by a hash of the recording's bytes and of everything that decides its
features; nothing has to be invalidated by hand. Whatever cannot be read counts as absent.
All datasets beside each other share a cache. Entries that the latest run of none of them used
are removed, so the cache is about as large as the datasets.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_text

VERSION = 2
"""Increase whenever a feature changes although its settings do not."""

_SUFFIX = ".npz"
_LIST_SUFFIX = ".keys"


def file_digest(path: Path) -> str:
    """A hash of the bytes of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def entry_key(digest: str, settings: Mapping[str, Any]) -> str:
    """The name of an entry.

    Args:
        digest: of the recording.
        settings: everything else the features depend on; JSON values.
    """
    text = json.dumps([VERSION, digest, settings], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class FeatureCache:
    """A folder of entries.

    Args:
        folder: created when something is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, key: str) -> Path:
        return self.folder / (key + _SUFFIX)

    def has(self, key: str) -> bool:
        """True if there is an entry; it may still turn out to be unreadable."""
        return self._path(key).is_file()

    def load(self, key: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of an entry, or None."""
        try:
            with np.load(self._path(key), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None

    def save(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write an entry; a full disk only means that nothing is remembered."""
        temporary = self.folder / f".{key}.{secrets.token_hex(4)}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as handle:
                np.savez(handle, **arrays)  # type: ignore[arg-type]
            # No fsync: a torn entry fails its checksum and is computed again.
            temporary.replace(self._path(key))
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def claim(self, target: Path, keys: Iterable[str]) -> None:
        """Announce the entries that a dataset needs; what it needed before stays as well."""
        path = self._list_of(target)
        self._write_list(path, target, {*keys, *self._read_list(path)[1]})

    def settle(self, target: Path, keys: Iterable[str]) -> None:
        """Let a dataset keep these entries only, and remove those that no dataset needs."""
        if not self.folder.is_dir():
            return
        self._write_list(self._list_of(target), target, set(keys))
        yesterday = time.time() - 86400
        wanted: set[str] = set()
        for path in self.folder.glob("*" + _LIST_SUFFIX):
            owner, needed = self._read_list(path)
            # A dataset that is being made for the first time does not exist yet.
            if owner is None or not (owner.exists() or _newer(path, yesterday)):
                path.unlink(missing_ok=True)
            else:
                wanted |= needed
        for file in self.folder.iterdir():
            ours = file.suffix == _SUFFIX and len(file.stem) == 32
            abandoned = file.suffix == ".tmp" and not _newer(file, yesterday)
            if (ours and file.stem not in wanted) or abandoned:
                file.unlink(missing_ok=True)

    def _list_of(self, target: Path) -> Path:
        name = hashlib.blake2b(str(target).encode(), digest_size=8).hexdigest()
        return self.folder / (name + _LIST_SUFFIX)

    def _read_list(self, path: Path) -> tuple[Path | None, set[str]]:
        try:
            owner, *keys = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError):
            return None, set()
        return (Path(owner) if owner else None), set(keys)

    def _write_list(self, path: Path, target: Path, keys: set[str]) -> None:
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(path, "\n".join([str(target), *sorted(keys)]))


def _newer(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime > moment
    except OSError:
        return True
