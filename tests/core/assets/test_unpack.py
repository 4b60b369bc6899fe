"""Archives that mean no good."""

from __future__ import annotations

import stat
import zipfile

import pytest
import torch

from singwiz.core.assets.unpack import is_archive, unpack
from singwiz.core.errors import SingwizError


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def code_of(path, folder):
    with pytest.raises(SingwizError) as refusal:
        unpack(path, folder)
    return refusal.value.code


def test_files_come_out_with_their_folders(tmp_path):
    packed = archive(tmp_path / "a.zip", {"top/model.ckpt": b"weights", "top/sub/readme": b"hi"})
    out = tmp_path / "out"
    out.mkdir()
    files = unpack(packed, out)
    assert [file.relative_to(out).as_posix() for file in files] == [
        "top/model.ckpt",
        "top/sub/readme",
    ]
    assert files[0].read_bytes() == b"weights"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "..\\evil", "a\\..\\..\\evil"]
)
def test_nothing_is_written_outside(name, tmp_path):
    out = tmp_path / "in" / "out"
    out.mkdir(parents=True)
    assert code_of(archive(tmp_path / "a.zip", {name: b"x"}), out) == "archive-unsafe"
    assert not list(tmp_path.rglob("evil"))


def test_links_are_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(entry, "/etc/passwd")
    assert code_of(tmp_path / "a.zip", out) == "archive-unsafe"


def test_bombs_are_refused_before_they_go_off(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    packed = archive(tmp_path / "a.zip", {"model.ckpt": b"\0" * 30_000_000})
    assert code_of(packed, out) == "archive-too-large"
    assert not list(out.iterdir())


def test_too_many_files_are_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    packed = archive(tmp_path / "a.zip", {f"{n}": b"" for n in range(1001)})
    assert code_of(packed, out) == "archive-too-large"


def test_a_damaged_archive_is_named(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    packed = archive(tmp_path / "a.zip", {"model.ckpt": bytes(range(256)) * 100})
    content = bytearray(packed.read_bytes())
    content[60:80] = b"\0" * 20
    packed.write_bytes(content)
    assert code_of(packed, out) == "archive-damaged"


def test_a_checkpoint_is_no_archive_although_it_is_a_zip_file(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.ckpt")
    assert not is_archive(tmp_path / "model.ckpt")
    assert is_archive(archive(tmp_path / "a.zip", {"model.ckpt": b"x"}))
