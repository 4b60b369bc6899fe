import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from singwiz.core.binarize import BinaryDataset, BinaryWriter, read_metadata
from singwiz.core.errors import SingwizError


def fields(frames: int) -> dict[str, object]:
    return {
        "spk_id": 3,
        "tokens": np.arange(4),
        "mel": np.full((frames, 2), frames, np.float32),
        "speed": 0.5,
        "nothing": None,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with BinaryWriter(tmp_path, "train") as writer:
        for frames in (5, 7):
            writer.add(fields(frames), length=frames, meta={"ph_dur": 4})
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    dataset = BinaryDataset(folder / "train")
    assert len(dataset) == 2
    item = dataset[1]
    assert set(item) == {"spk_id", "tokens", "mel", "speed"}
    assert item["spk_id"] == 3
    assert type(item["spk_id"]) is int
    assert item["speed"] == 0.5
    np.testing.assert_array_equal(item["mel"], np.full((7, 2), 7, np.float32))
    assert item["tokens"].dtype == np.int64


def test_the_file_has_one_group_per_item(folder: Path) -> None:
    with h5py.File(folder / "train.data") as file:
        assert sorted(file) == ["0", "1"]
        assert file["0/mel"].compression is None


def test_metadata_lists_first_dimensions(folder: Path) -> None:
    assert read_metadata(folder, "train") == {
        "spk_ids": [3, 3],
        "lengths": [5, 7],
        "tokens": [4, 4],
        "mel": [5, 7],
        "ph_dur": [4, 4],
    }


def test_indices_outside_are_refused_so_that_loops_end(folder: Path) -> None:
    dataset = BinaryDataset(folder / "train")
    assert len(list(dataset)) == 2
    with pytest.raises(IndexError):
        dataset[-1]


def test_a_dataset_travels_to_other_processes(folder: Path) -> None:
    dataset = BinaryDataset(folder / "train")
    assert dataset[0]["spk_id"] == 3
    assert pickle.loads(pickle.dumps(dataset))[1]["spk_id"] == 3
    dataset.close()
    assert dataset[0]["spk_id"] == 3


@pytest.mark.parametrize("other", [{"speed": None}, {"f0": np.ones(5)}])
def test_items_must_have_the_same_fields(tmp_path: Path, other: dict[str, object]) -> None:
    with (
        pytest.raises(ValueError, match="item 1 differs"),
        BinaryWriter(tmp_path, "train") as writer,
    ):
        writer.add(fields(5), length=5)
        writer.add({**fields(5), **other}, length=5)
    assert not (tmp_path / "train.meta.json").exists()


def test_missing_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        BinaryDataset(tmp_path / "train")
    assert caught.value.code == "binary-missing"


@pytest.mark.parametrize("text", ["", "[]", '{"lengths": [1]}', '{"spk_ids": [1], "lengths": []}'])
def test_damaged_metadata_is_refused(folder: Path, text: str) -> None:
    (folder / "train.meta.json").write_text(text)
    with pytest.raises(SingwizError) as caught:
        BinaryDataset(folder / "train")
    assert caught.value.code == "binary-damaged"


def test_metadata_is_plain_json(folder: Path) -> None:
    assert isinstance(json.loads((folder / "train.meta.json").read_text()), dict)


def pickled(folder: Path, content: bytes) -> None:
    (folder / "train.meta.json").unlink(missing_ok=True)
    (folder / "train.meta").write_bytes(content)


def test_a_dataset_made_by_diffsinger_is_read(folder: Path) -> None:
    numbers = [np.int64(5), np.int32(7)]
    meta = {"spk_ids": [3, 3], "lengths": numbers, "names": ["声", "b"], "mel": [np.float32(5), 7]}
    for protocol in (2, 4, 5):
        pickled(folder, pickle.dumps(meta, protocol=protocol))
        assert read_metadata(folder, "train") == {
            "spk_ids": [3, 3],
            "lengths": [5, 7],
            "names": ["声", "b"],
            "mel": [5.0, 7],
        }
    assert BinaryDataset(folder / "train")[1]["spk_id"] == 3


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it was run",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"spk_ids": [0], "lengths": [Evil()]}),
        pickle.dumps({"spk_ids": [0], "lengths": [np.arange(3)]}),
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04garbage",
        b"",
        pickle.dumps([1, 2, 3]),
        pickle.dumps({"spk_ids": [0], "lengths": [0, 1]}),
    ],
)
def test_a_pickle_that_wants_more_than_numbers_is_refused(folder: Path, content: bytes) -> None:
    pickled(folder, content)
    with pytest.raises(SingwizError) as caught:
        read_metadata(folder, "train")
    assert caught.value.code == "binary-damaged"


def test_our_own_metadata_counts_before_a_pickle(folder: Path) -> None:
    (folder / "train.meta").write_bytes(b"rubbish")
    assert read_metadata(folder, "train")["lengths"] == [5, 7]
