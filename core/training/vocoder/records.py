"""The recordings a vocoder learns from: our binary dataset, or the files of SingingVocoders.

Both are read in pieces, because training wants a fraction of a second of each at a time.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import psutil
from numpy.typing import NDArray

from ...binarize.storage import DATA_SUFFIX, read_metadata
from ...errors import SingwizError
from ..data import RAM_SHARE

FIELDS = ("audio", "mel", "f0")


class Records(Protocol):
    """Recordings with mel and pitch.

    Attributes:
        names: of each recording.
        lengths: mel frames of each.
        max_f0: Hz, highest pitch of each.
        in_memory: they were read at the start.
    """

    names: list[str]
    lengths: list[int]
    max_f0: list[float]
    in_memory: bool

    def read(
        self, index: int, field: str, start: int = 0, stop: int | None = None
    ) -> NDArray[np.float32]:
        """A piece of ``audio`` ``[N]``, ``mel`` ``[T, bins]`` or ``f0`` ``[T]`` (Hz), float32.

        Raises:
            SingwizError: it cannot be read.
        """
        ...

    def samples(self, index: int) -> int:
        """Samples of a recording."""
        ...


class BinaryRecords:
    """One split of a binary dataset made by :func:`~singwiz.core.binarize.vocoder`.

    Args:
        folder: the binary data folder.
        split: ``train`` or ``valid``.
        in_memory: read everything now; None decides by size.

    Raises:
        SingwizError: missing, damaged, or made for another kind of model.
    """

    def __init__(self, folder: Path, split: str, *, in_memory: bool | None = None) -> None:
        self.path = folder / (split + DATA_SUFFIX)
        self._file: h5py.File | None = None
        self._owner = 0
        metadata = read_metadata(folder, split)
        if not {"audio", "mel", "names", "max_f0"} <= metadata.keys():
            raise SingwizError(
                "binary-data-outdated",
                "The prepared data is not a vocoder's.",
                hint="Prepare the recordings with --model vocoder.",
                where=str(folder),
            )
        self.names = [str(name) for name in metadata["names"]]
        self.lengths = [int(length) for length in metadata["lengths"]]
        self.max_f0 = [float(value) for value in metadata["max_f0"]]
        self._samples = [int(count) for count in metadata["audio"]]
        if in_memory is None:
            size = self.path.stat().st_size if self.path.is_file() else 0
            in_memory = size < RAM_SHARE * psutil.virtual_memory().available
        self.in_memory = in_memory
        self._held: list[dict[str, Any]] | None = None
        if in_memory:
            self._held = [
                {field: self._stored(index, field, 0, None) for field in FIELDS}
                for index in range(len(self.names))
            ]

    def read(
        self, index: int, field: str, start: int = 0, stop: int | None = None
    ) -> NDArray[np.float32]:
        """See :meth:`Records.read`."""
        if self._held is not None:
            piece: NDArray[np.float32] = self._held[index][field][start:stop]
            return piece
        return self._stored(index, field, start, stop)

    def samples(self, index: int) -> int:
        """See :meth:`Records.samples`."""
        return self._samples[index]

    def _stored(self, index: int, field: str, start: int, stop: int | None) -> NDArray[np.float32]:
        try:
            # HDF5 handles do not survive a fork.
            if self._file is None or self._owner != os.getpid():
                self._file, self._owner = h5py.File(self.path, "r"), os.getpid()
            return np.asarray(self._file[str(index)][field][start:stop], np.float32)
        except (OSError, KeyError) as error:
            raise SingwizError(
                "binary-damaged",
                f"Recording {index} of the prepared data cannot be read: {error}.",
                hint="Prepare the data again.",
                where=str(self.path),
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}


class IndexedRecords:
    """Records of SingingVocoders: ``.npz`` files that an index file lists.

    Args:
        index: text file with the path of one record a line; relative paths start at its folder
            or at the working directory.
        in_memory: read everything now; None decides by size.

    Raises:
        SingwizError: the index or a record cannot be read, or holds something else.
    """

    def __init__(self, index: Path, *, in_memory: bool | None = None) -> None:
        try:
            lines = index.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SingwizError(
                "index-unreadable",
                f"The index of records '{index.name}' cannot be read: {error}.",
                hint="Prepare the recordings with: singwiz binarize --config CONFIG.yaml",
                where=str(index),
            ) from None
        self.paths = [_record_path(line.strip(), index.parent) for line in lines if line.strip()]
        self.names = [path.stem for path in self.paths]
        self.lengths, self.max_f0, self._samples = [], [], []
        size = 0
        for path in self.paths:
            record = _load(path)
            frames = len(record["f0"])
            if record["mel"].ndim != 2 or len(record["mel"]) != frames:
                raise _no_record(path, "mel and f0 differ in length")
            self.lengths.append(frames)
            self.max_f0.append(float(record["f0"].max(initial=0.0)))
            self._samples.append(len(record["audio"]))
            size += path.stat().st_size
        if in_memory is None:
            in_memory = size < RAM_SHARE * psutil.virtual_memory().available
        self.in_memory = in_memory
        self._held = [_load(path) for path in self.paths] if in_memory else None

    def read(
        self, index: int, field: str, start: int = 0, stop: int | None = None
    ) -> NDArray[np.float32]:
        """See :meth:`Records.read`."""
        record = self._held[index] if self._held is not None else _load(self.paths[index])
        piece: NDArray[np.float32] = record[field][start:stop]
        return piece

    def samples(self, index: int) -> int:
        """See :meth:`Records.samples`."""
        return self._samples[index]


def open_records(folder: Path, index: Path, split: str) -> Records:
    """A split of the binary dataset, or of an index where there is no such dataset.

    Raises:
        SingwizError: neither is there, or it cannot be read.
    """
    if not (folder / (split + DATA_SUFFIX)).is_file() and index.is_file():
        return IndexedRecords(index)
    return BinaryRecords(folder, split)


def usable(
    records: Records, *, frames: int, max_f0: float
) -> tuple[list[int], dict[str, list[str]]]:
    """Which recordings can be trained on.

    Args:
        records: the recordings.
        frames: of a clip; shorter recordings are passed over.
        max_f0: Hz; recordings that reach it are passed over, their pitch would be misheard.

    Returns:
        Their numbers, and the names of the others by reason (``short``, ``high``).
    """
    kept: list[int] = []
    others: dict[str, list[str]] = {"short": [], "high": []}
    for index, (length, top) in enumerate(zip(records.lengths, records.max_f0, strict=True)):
        if length < frames:
            others["short"].append(records.names[index])
        elif top >= max_f0:
            others["high"].append(records.names[index])
        else:
            kept.append(index)
    return kept, others


def _record_path(line: str, folder: Path) -> Path:
    path = Path(line)
    beside = folder / path
    return beside if beside.is_file() else path


def _load(path: Path) -> dict[str, NDArray[np.float32]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: np.asarray(stored[name], np.float32) for name in FIELDS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _no_record(path, str(error)) from None


def _no_record(path: Path, reason: str) -> SingwizError:
    return SingwizError(
        "record-unreadable",
        f"'{path.name}' is no record of a vocoder's training: {reason}.",
        hint="Prepare the recordings again.",
        where=str(path),
    )
