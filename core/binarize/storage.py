"""The binary dataset on disk: one HDF5 file and one JSON file per split.

``<prefix>.data`` has one HDF5 group per item, named by its number, with one dataset per field,
as DiffSinger's reader expects. ``<prefix>.meta.json`` says per item what samplers want to know
without touching the data; it is written last, so data without it is unfinished. A dataset that
DiffSinger made has a pickle ``<prefix>.meta`` instead, which is read as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from ..errors import SingwizError
from .pickled import read_pickled

DATA_SUFFIX = ".data"
META_SUFFIX = ".meta.json"
PICKLED_SUFFIX = ".meta"

Fields = Mapping[str, Any]


def _missing(path: Path) -> SingwizError:
    return SingwizError(
        "binary-missing",
        f"There is no prepared dataset '{path}'.",
        hint="Prepare the recordings first (singwiz binarize).",
        where=str(path),
    )


class BinaryWriter:
    """Writes one split. Use as a context manager; metadata is written when it ends well.

    Args:
        folder: existing folder.
        prefix: ``train`` or ``valid``.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._meta_path = folder / (prefix + META_SUFFIX)
        self._file = h5py.File(folder / (prefix + DATA_SUFFIX), "w")
        self._meta: dict[str, list[Any]] = {}
        self._names: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, fields: Fields, *, length: int, meta: Mapping[str, Any] | None = None) -> None:
        """Append an item.

        Args:
            fields: name -> array or scalar; ``spk_id`` is required. None is left out.
            length: frames of the item.
            meta: further entries for the metadata, e.g. ``names``.

        Raises:
            ValueError: the item has other fields than those before.
        """
        names = {name for name, value in fields.items() if value is not None} | set(meta or {})
        self._names = self._names or names
        if names != self._names:
            raise ValueError(f"item {self._count} differs in: {sorted(names ^ self._names)}")
        group = self._file.create_group(str(self._count))
        entry: dict[str, Any] = {"spk_ids": int(fields["spk_id"]), "lengths": int(length)}
        for name, value in fields.items():
            if value is None:
                continue
            array = np.asarray(value)
            group.create_dataset(name, data=array)
            if array.ndim:
                entry[name] = int(array.shape[0])
        entry.update(meta or {})
        for name, value in entry.items():
            self._meta.setdefault(name, []).append(value)
        self._count += 1

    def __enter__(self) -> BinaryWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is None:
            text = json.dumps(self._meta, ensure_ascii=False)
            self._meta_path.write_text(text, encoding="utf-8")


class BinaryDataset:
    """Reads one split, item by item. The file is opened at first use in every process.

    Args:
        path_prefix: e.g. ``binary/acoustic/train``; ``.data`` is appended.

    Raises:
        SingwizError: there is no such file, or its metadata is missing.
    """

    def __init__(self, path_prefix: Path | str) -> None:
        prefix = Path(path_prefix)
        self.path = prefix.with_name(prefix.name + DATA_SUFFIX)
        if not self.path.is_file():
            raise _missing(self.path)
        self.metadata = read_metadata(prefix.parent, prefix.name)
        self._file: h5py.File | None = None
        self._owner = 0

    def __len__(self) -> int:
        return len(self.metadata["lengths"])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """The fields of item ``index``: NumPy arrays, and Python scalars for 0-d ones."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        # HDF5 handles do not survive a fork.
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = h5py.File(self.path, "r"), os.getpid()
        return {
            name: stored[()] if stored.shape else stored[()].item()
            for name, stored in self._file[str(index)].items()
        }

    def close(self) -> None:
        """Close the file; the next access opens it again."""
        if self._file is not None and self._owner == os.getpid():
            self._file.close()
        self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}


def read_metadata(folder: Path | str, prefix: str) -> dict[str, list[Any]]:
    """The metadata of a split: lists indexed by item number.

    ``spk_ids`` and ``lengths`` (frames) are always there, one list per array field gives its
    first dimension, ``names`` the item; the validation split also has ``ph_texts`` and
    ``spk_names``.

    Raises:
        SingwizError: missing, damaged, or lists of different lengths.
    """
    path = Path(folder) / (prefix + META_SUFFIX)
    pickled = Path(folder) / (prefix + PICKLED_SUFFIX)
    try:
        if pickled.is_file() and not path.is_file():
            path = pickled
            meta = read_pickled(path)
        else:
            meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError) as error:
        raise SingwizError(
            "binary-damaged",
            f"'{path.name}' cannot be read: {error}.",
            hint="Prepare the recordings again (singwiz binarize).",
            where=str(path),
        ) from None
    lists = list(meta.values()) if isinstance(meta, dict) else []
    if (
        not isinstance(meta, dict)
        or not {"spk_ids", "lengths"} <= meta.keys()
        or not all(isinstance(entry, list) for entry in lists)
        or len({len(entry) for entry in lists}) != 1
    ):
        raise SingwizError(
            "binary-damaged",
            f"'{path.name}' is not the metadata of a prepared dataset.",
            hint="Prepare the recordings again (singwiz binarize).",
            where=str(path),
        )
    return meta
