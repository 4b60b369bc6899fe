from pathlib import Path

import pytest

from singwiz.core.binarize.staging import staged
from singwiz.core.errors import SingwizError


def fill(folder: Path, content: str) -> None:
    (folder / "train.data").write_text(content)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_finished_folder_replaces_the_previous_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "binary"
    for content in ("old", "new"):
        with staged(target) as folder:
            fill(folder, content)
    assert (target / "train.data").read_text() == "new"
    assert names(target.parent) == {"binary"}


def test_a_failure_keeps_the_previous_folder(tmp_path: Path) -> None:
    target = tmp_path / "binary"
    with staged(target) as folder:
        fill(folder, "old")
    with pytest.raises(RuntimeError), staged(target) as folder:
        fill(folder, "half")
        raise RuntimeError
    assert (target / "train.data").read_text() == "old"
    assert names(tmp_path) == {"binary"}


def test_stale_files_of_the_previous_set_go_and_foreign_files_stay(tmp_path: Path) -> None:
    target = tmp_path / "binary"
    target.mkdir()
    for name in ("train.meta", "valid.data", "dictionary-zh.txt", "notes.txt"):
        (target / name).write_text("x")
    with staged(target) as folder:
        fill(folder, "new")
    assert names(target) == {"train.data", "notes.txt"}


def test_what_a_killed_run_left_is_cleaned_up(tmp_path: Path) -> None:
    target = tmp_path / "binary"
    # A run that was killed between its two renames, and another in the middle of its work.
    backup = tmp_path / ".binary.previous"
    backup.mkdir()
    (backup / "notes.txt").write_text("mine")
    (tmp_path / ".binary.999999999.part").mkdir()
    with pytest.raises(RuntimeError), staged(target):
        raise RuntimeError
    assert names(tmp_path) == {"binary"}
    assert names(target) == {"notes.txt"}


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SingwizError) as caught, staged(tmp_path / "file" / "binary"):
        pass
    assert caught.value.code == "output-not-writable"
