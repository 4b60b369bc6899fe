"""From the binary dataset to padded batches of tensors.

Which fields a model takes is its task's business; which items form a batch is the sampler's.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch.utils.data import DataLoader, Dataset

from ..binarize.storage import BinaryDataset
from ..errors import SingwizError

PAD_VALUES: dict[str, Any] = {
    "tokens": 0,
    "languages": 0,
    "mel": 0.0,
    "mel2ph": 0,
    "f0": 0.0,
    "ph_dur": 0,
    "ph2word": 0,
    "midi": 0,
    "note_midi": -1.0,
    "note_rest": True,
    "note_dur": 0,
    "note_glide": 0,
    "mel2note": 0,
    "base_pitch": 0.0,
    "pitch": 0.0,
    "uv": True,
    "energy": 0.0,
    "breathiness": 0.0,
    "voicing": 0.0,
    "tension": 0.0,
}
"""What fills the end of shorter items, per array field."""

SCALARS: dict[str, str] = {"spk_id": "spk_ids", "key_shift": "key_shift", "speed": "speed"}
"""Scalar fields and their name in a batch."""

RAM_SHARE = 0.25
"""A dataset is held in memory if its file is smaller than this share of the free memory."""


class TrainingItems(Dataset[dict[str, Any]]):
    """One split of a binary dataset, held in memory if it is small enough.

    Args:
        folder: the binary data folder.
        split: ``train`` or ``valid``.
        fields: the stored fields that the model needs.
        size_key: metadata list with the frames of every item.
        in_memory: read everything now; None decides by size.

    Raises:
        SingwizError: the split is missing, damaged, empty, or lacks a field.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        fields: Sequence[str],
        *,
        size_key: str = "lengths",
        in_memory: bool | None = None,
    ) -> None:
        self.fields = tuple(fields)
        self._stored = BinaryDataset(folder / split)
        self.metadata = self._stored.metadata
        if size_key not in self.metadata:
            raise SingwizError(
                "binary-data-outdated",
                f"The prepared data has no list '{size_key}' with the length of its items.",
                hint="Prepare the data again, or set dataset_size_key to 'lengths'.",
                where=str(folder),
            )
        self.sizes: list[int] = [int(size) for size in self.metadata[size_key]]
        if not self.sizes:
            purpose = "training" if split == "train" else "validation"
            raise SingwizError(
                "binary-data-empty",
                f"The prepared data has no item for {purpose}.",
                hint="Add recordings or change test_prefixes, then prepare the data again.",
                where=str(folder),
            )
        missing = sorted(set(self.fields) - self._read_all(0).keys())
        if missing:
            raise SingwizError(
                "binary-data-outdated",
                f"The prepared data lacks what the model needs: {', '.join(missing)}.",
                hint="The config was changed after the preparation: prepare the data again.",
                where=str(folder),
            )
        if in_memory is None:
            in_memory = (
                self._stored.path.stat().st_size < RAM_SHARE * psutil.virtual_memory().available
            )
        self._held = [self._read(i) for i in range(len(self.sizes))] if in_memory else None

    @property
    def in_memory(self) -> bool:
        """True if every item was read at the start."""
        return self._held is not None

    def name(self, index: int) -> str:
        """Name of an item, or its number where the data does not store names."""
        names = self.metadata.get("names")
        return str(names[index]) if names else str(index)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._held[index] if self._held is not None else self._read(index)

    def _read_all(self, index: int) -> dict[str, Any]:
        try:
            return self._stored[index]
        except (OSError, KeyError) as error:
            raise SingwizError(
                "binary-damaged",
                f"Item {index} of the prepared data cannot be read: {error}.",
                hint="Prepare the data again.",
                where=str(self._stored.path),
            ) from error

    def _read(self, index: int) -> dict[str, Any]:
        item = self._read_all(index)
        return {**{field: item[field] for field in self.fields}, "index": index}


def collate(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Pad items to the longest on the first axis and stack them.

    Returns:
        Arrays ``[B, L, …]`` under their field names, ``spk_ids [B]`` int64, ``key_shift`` and
        ``speed [B, 1]`` float32, ``size`` (B) and ``indices [B]``. No items give size 0.
    """
    batch: dict[str, Any] = {"size": len(items)}
    batch["indices"] = torch.tensor([int(item["index"]) for item in items], dtype=torch.long)
    if not items:
        return batch
    for field in items[0]:
        if field == "index":
            continue
        values = [item[field] for item in items]
        if field == "spk_id":
            batch["spk_ids"] = torch.tensor([int(v) for v in values], dtype=torch.long)
        elif field in SCALARS:
            numbers = [float(v) for v in values]
            batch[SCALARS[field]] = torch.tensor(numbers, dtype=torch.float32)[:, None]
        else:
            batch[field] = _pad([np.asarray(v) for v in values], PAD_VALUES[field])
    return batch


def _pad(arrays: Sequence[np.ndarray], value: Any) -> torch.Tensor:
    longest = max(len(array) for array in arrays)
    first = arrays[0]
    padded = np.full((len(arrays), longest, *first.shape[1:]), value, dtype=first.dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(padded)


def make_loader(
    items: Dataset[Any],
    batches: Any,
    *,
    workers: int,
    prefetch: int,
    pin_memory: bool,
    collate_fn: Callable[..., dict[str, Any]] = collate,
) -> DataLoader[dict[str, Any]]:
    """A loader over batches of item numbers.

    Args:
        items: the split to read.
        batches: iterable of lists of item numbers; may be endless.
        workers: reading processes; 0 reads in the training process.
        prefetch: batches each worker reads ahead.
        pin_memory: copy to a GPU faster.
        collate_fn: makes a batch of a list of items.
    """
    if workers <= 0:
        return DataLoader(
            items, batch_sampler=batches, collate_fn=collate_fn, pin_memory=pin_memory
        )
    return DataLoader(
        items,
        batch_sampler=batches,
        collate_fn=collate_fn,
        num_workers=workers,
        prefetch_factor=max(1, prefetch),
        persistent_workers=True,
        pin_memory=pin_memory,
        worker_init_fn=_leave_ctrl_c_to_the_training,
    )


def _leave_ctrl_c_to_the_training(worker: int) -> None:
    """A terminal sends Ctrl-C to all processes; the training still wants the next batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def usable_workers(wanted: int, *, on_cpu: bool, in_memory: bool) -> int:
    """How many reading processes really help.

    On a CPU they take cores from the training, and data in memory needs none; where processes
    do not share memory (they are not forked) data in memory would be copied to each of them.
    """
    shares_memory = multiprocessing.get_start_method() == "fork"
    if in_memory and (on_cpu or not shares_memory):
        return 0
    return max(0, min(wanted, os.cpu_count() or 1))
