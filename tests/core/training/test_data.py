"""Reading prepared data and padding it into batches."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.core.errors import SingwizError
from singwiz.core.training.data import TrainingItems, collate, make_loader, usable_workers

FIELDS = ["tokens", "mel", "mel2ph", "f0", "key_shift", "spk_id"]


def test_a_batch_is_padded_to_its_longest_item(binary: Path) -> None:
    items = TrainingItems(binary, "train", FIELDS)
    batch = collate([items[0], items[4]])
    longest = max(items.sizes[0], items.sizes[4])
    shorter = min((0, 4), key=lambda index: items.sizes[index])
    row, frames = (0, 4).index(shorter), items.sizes[shorter]
    assert batch["size"] == 2
    assert batch["indices"].tolist() == [0, 4]
    assert batch["mel"].shape == (2, longest, 16)
    assert (batch["mel2ph"][row, frames:] == 0).all()
    assert (batch["f0"][row, frames:] == 0).all()
    np.testing.assert_array_equal(batch["mel"][row, :frames], items[shorter]["mel"])
    assert batch["tokens"].dtype == batch["spk_ids"].dtype == torch.int64
    assert batch["key_shift"].shape == (2, 1)


def test_no_items_make_an_empty_batch() -> None:
    assert collate([])["size"] == 0


def test_data_in_memory_and_on_disk_is_the_same(binary: Path) -> None:
    held = TrainingItems(binary, "valid", FIELDS, in_memory=True)
    lazy = TrainingItems(binary, "valid", FIELDS, in_memory=False)
    assert (held.in_memory, lazy.in_memory) == (True, False)
    for index in range(2):
        assert held[index].keys() == lazy[index].keys()
        for field, value in held[index].items():
            np.testing.assert_array_equal(value, lazy[index][field])


def test_worker_processes_deliver_the_same_batches_in_order(binary: Path) -> None:
    items = TrainingItems(binary, "train", FIELDS, in_memory=False)
    batches = [[3, 1], [0], [5, 2]]
    plain, parallel = (
        list(make_loader(items, batches, workers=workers, prefetch=1, pin_memory=False))
        for workers in (0, 1)
    )
    assert [batch["indices"].tolist() for batch in parallel] == batches
    for one, other in zip(plain, parallel, strict=True):
        assert torch.equal(one["mel"], other["mel"])


def test_worker_processes_are_not_used_where_they_only_cost() -> None:
    assert usable_workers(4, on_cpu=True, in_memory=True) == 0
    assert usable_workers(1, on_cpu=True, in_memory=False) == 1


def test_names_of_validation_items_are_known(binary: Path) -> None:
    assert TrainingItems(binary, "valid", FIELDS).name(1) == "song1"
    assert TrainingItems(binary, "train", FIELDS).name(1) == "1"


def test_damaged_data_is_reported_as_such(binary: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(binary, tmp_path / "binary")
    (broken / "train.data").write_bytes(b"not hdf5 at all")
    with pytest.raises(SingwizError) as caught:
        TrainingItems(broken, "train", FIELDS)
    assert caught.value.code == "binary-damaged"
