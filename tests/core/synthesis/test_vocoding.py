"""Mels as files: what was written comes back, and everything else is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.synthesis.preview import PreviewVocoder
from singwiz.core.synthesis.rendering import SegmentRendering
from singwiz.core.synthesis.vocoding import read_mels, save_mels, vocode

from .test_singer import Listener


def parts(bins: int = 128) -> list[SegmentRendering]:
    rng = np.random.default_rng(0)
    return [
        SegmentRendering(
            offset,
            ("a",),
            np.array([frames]),
            rng.normal(-5, 1, (frames, bins)).astype(np.float32),
            np.full(frames, 220.0, np.float32),
        )
        for offset, frames in ((0.25, 20), (1.0, 9))
    ]


@pytest.mark.parametrize("name", ["song.mel.pt", "song.npz"])
def test_mels_come_back_from_files(tmp_path: Path, name: str):
    save_mels(tmp_path / name, parts())
    back = read_mels(tmp_path / name)
    assert [segment.offset for segment in back] == [0.25, 1.0]
    for one, other in zip(parts(), back, strict=True):
        assert np.array_equal(one.mel, other.mel)
        assert np.array_equal(one.f0, other.f0)


def test_files_have_diffsingers_layout(tmp_path: Path):
    content = torch.load(save_mels(tmp_path / "s.mel.pt", parts()), weights_only=True)
    assert content[0]["offset"] == 0.25
    assert content[0]["mel"].shape == (1, 20, 128)
    assert content[0]["f0"].shape == (1, 20)


def _pickled(path: Path) -> None:
    class Evil:
        def __reduce__(self):
            return open, (str(path.parent / "owned"), "w")

    path.write_bytes(pickle.dumps([Evil()], protocol=2))


def _torch(content: object):
    return lambda path: torch.save(content, path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.mel.pt", lambda path: None),
        ("a.mel.pt", lambda path: path.write_bytes(b"nothing")),
        ("a.mel.pt", _pickled),
        ("a.mel.pt", _torch({"mel": 1})),
        ("a.mel.pt", _torch([])),
        ("a.mel.pt", _torch([{"offset": 0.0}])),
        (
            "a.mel.pt",
            _torch([{"offset": -1.0, "mel": torch.ones(1, 2, 3), "f0": torch.ones(1, 2)}]),
        ),
        ("a.mel.pt", _torch([{"offset": 0.0, "mel": torch.ones(1, 2, 3), "f0": torch.ones(1, 5)}])),
        ("a.npz", lambda path: path.write_bytes(b"PK nothing")),
        ("a.npz", lambda path: np.savez(path, offset=np.array([{}], object))),
        ("a.npz", lambda path: np.savez(path, offset=np.zeros(2))),
    ],
)
def test_what_is_no_file_of_mels_is_refused(tmp_path: Path, name: str, write):
    write(tmp_path / name)
    with pytest.raises(SingwizError) as caught:
        read_mels(tmp_path / name)
    assert caught.value.code == "mel-unreadable"
    assert not (tmp_path / "owned").exists()


def test_mels_of_another_voice_are_refused_and_the_user_can_stop():
    with pytest.raises(SingwizError) as caught:
        vocode(parts(80), PreviewVocoder())
    assert caught.value.code == "mel-does-not-fit"
    assert caught.value.where == "segment 1"
    with pytest.raises(Cancelled):
        vocode(parts(), PreviewVocoder(), reporter=Listener(stop=True))
