import os
from pathlib import Path

import numpy as np

from singwiz.core.binarize.feature_cache import FeatureCache, entry_key, file_digest

KEY = "0" * 32
ARRAYS = {"mel": np.arange(6, dtype=np.float32).reshape(3, 2), "uv": np.array([True, False])}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "deep")
    assert not cache.has(KEY)
    assert cache.load(KEY) is None
    cache.save(KEY, ARRAYS)
    assert cache.has(KEY)
    loaded = cache.load(KEY)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def test_a_damaged_entry_counts_as_absent(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.save(KEY, ARRAYS)
    file = next(tmp_path.iterdir())
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:150] + b"\xff" + whole[151:]):
        file.write_bytes(damaged)
        assert cache.load(KEY) is None


def entries(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.npz")}


def test_unused_entries_are_removed_and_other_files_are_not(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache")
    for digit in "012":
        cache.save(digit * 32, ARRAYS)
    (cache.folder / "notes.npz").write_text("mine")
    cache.settle(tmp_path, [KEY])
    assert entries(cache.folder) == {f"{KEY}.npz", "notes.npz"}


def test_a_dataset_does_not_lose_what_another_one_needs(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache")
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    for digit in "0123":
        cache.save(digit * 32, ARRAYS)
    cache.settle(first, ["0" * 32, "1" * 32])
    for digit in "23":
        cache.save(digit * 32, ARRAYS)
    # A run that has begun, here in another process, is not disturbed by one that ends.
    cache.claim(second, ["2" * 32])
    cache.settle(first, ["0" * 32])
    assert entries(cache.folder) == {"0" * 32 + ".npz", "2" * 32 + ".npz"}
    # Nobody ever finished it.
    for listed in cache.folder.glob("*.keys"):
        os.utime(listed, (1e9, 1e9))
    cache.settle(first, ["0" * 32])
    assert entries(cache.folder) == {"0" * 32 + ".npz"}


def test_keys_depend_on_audio_and_settings(tmp_path: Path) -> None:
    first, second = tmp_path / "a.wav", tmp_path / "b.wav"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    digests = [file_digest(first), file_digest(second)]
    keys = {entry_key(digest, {"hop": hop}) for digest in digests for hop in (256, 512)}
    assert len(keys) == 4
    second.write_bytes(b"1")
    assert file_digest(second) == digests[0]


def test_a_folder_that_cannot_be_written_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    cache = FeatureCache(tmp_path / "file")
    cache.save(KEY, ARRAYS)
    assert not cache.has(KEY)
    assert cache.load(KEY) is None
