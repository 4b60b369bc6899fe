"""Features computed before, so that preparing the same recordings again costs almost nothing.

An entry is named by a hash of the recording's bytes and of everything that decides its
features; nothing has to be invalidated by hand. Whatever cannot be read counts as absent.
Entries that the latest run did not use are removed, so the cache is as large as the dataset.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Increase whenever a feature changes although its settings do not."""

_SUFFIX = ".npz"


def audio_digest(path: Path) -> str:
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

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove all entries but these."""
        wanted = {key + _SUFFIX for key in keys}
        if not self.folder.is_dir():
            return
        for file in self.folder.iterdir():
            ours = file.suffix == _SUFFIX and len(file.stem) == 32
            if (ours and file.name not in wanted) or (file.suffix == ".tmp"):
                file.unlink(missing_ok=True)
