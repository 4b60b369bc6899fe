"""Speakers taken out of checkpoints: which rows change, to what, and what stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from singwiz.core.checkpoint_speakers import TABLES, drop_speakers
from singwiz.core.errors import SingwizError

ROWS = torch.arange(20.0).view(4, 5)


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def checkpoint(tmp_path: Path, table: str) -> Path:
    path = tmp_path / "model_ckpt_steps_7.ckpt"
    content = {
        "state_dict": {table: ROWS.clone(), "model.fs2.txt_embed.weight": torch.ones(2, 5)},
        "category": "acoustic" if "fs2" in table else "variance",
        "global_step": 7,
        "optimizer_states": [{"param_groups": [{"members": {(0, 0)}}]}],
    }
    torch.save(content, path)
    speakers = {"anna": 0, "ben": 1, "3": 2, "dora": 3}
    (tmp_path / "spk_map.json").write_text(json.dumps(speakers))
    return path


def read(path: Path, table: str) -> torch.Tensor:
    rows: torch.Tensor = torch.load(path, weights_only=True)["state_dict"][table]
    return rows


def test_dropped_rows_are_zeros_and_everything_else_is_copied(
    checkpoint: Path, table: str, tmp_path: Path
) -> None:
    before = checkpoint.read_bytes()
    result = drop_speakers(checkpoint, tmp_path / "new" / "out.ckpt", drop=["anna", "2"])
    assert (result.dropped, result.retained) == ((0, 2), (1, 3))
    rows = read(result.output, table)
    assert torch.equal(rows[[0, 2]], torch.zeros(2, 5))
    assert torch.equal(rows[[1, 3]], ROWS[[1, 3]])
    old, new = (torch.load(path, weights_only=True) for path in (checkpoint, result.output))
    assert old.keys() == new.keys()
    assert new["optimizer_states"] == old["optimizer_states"]
    assert checkpoint.read_bytes() == before


def test_those_not_retained_get_the_retained_rows_in_turn(
    checkpoint: Path, table: str, tmp_path: Path
) -> None:
    result = drop_speakers(checkpoint, tmp_path / "out.ckpt", retain=["dora"], fill="cyclic")
    assert torch.equal(read(result.output, table), ROWS[[3, 3, 3, 3]])
    result = drop_speakers(
        checkpoint, tmp_path / "out.ckpt", drop=["1", "dora"], fill="cyclic", overwrite=True
    )
    assert torch.equal(read(result.output, table), ROWS[[0, 0, 2, 2]])


def test_the_mean_is_that_of_all_rows(checkpoint: Path, table: str, tmp_path: Path) -> None:
    result = drop_speakers(checkpoint, tmp_path / "out.ckpt", drop=["1"], fill="mean")
    assert torch.equal(read(result.output, table)[1], ROWS.mean(dim=0))


def test_random_rows_are_like_those_of_a_new_model(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": {TABLES[0]: torch.zeros(300, 64)}, "category": "acoustic"}, path)
    everyone = [str(number) for number in range(300)]
    result = drop_speakers(path, tmp_path / "b.ckpt", drop=everyone, fill="random", seed=1)
    assert read(result.output, TABLES[0]).std().item() == pytest.approx(64**-0.5, rel=0.05)


def test_a_name_counts_before_an_id(checkpoint: Path, tmp_path: Path) -> None:
    """A speaker may be called 3; then 3 means that one."""
    assert drop_speakers(checkpoint, tmp_path / "out.ckpt", drop=["3"]).dropped == (2,)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"drop": ["eve"]}, "speaker-unknown", "anna (0)"),
        ({"drop": ["4"]}, "speaker-unknown", "dora (3)"),
        ({}, "speaker-drop", "--drop"),
        ({"drop": ["0"], "retain": ["1"]}, "speaker-drop", "--drop"),
        ({"retain": ["0", "1", "2", "dora"]}, "speaker-drop", "--drop"),
    ],
)
def test_what_makes_no_sense_is_refused(
    checkpoint: Path, tmp_path: Path, options: dict[str, list[str]], code: str, said: str
) -> None:
    with pytest.raises(SingwizError) as caught:
        drop_speakers(checkpoint, tmp_path / "out.ckpt", **options)
    assert caught.value.code == code
    assert said in caught.value.hint
    assert not (tmp_path / "out.ckpt").exists()


def test_files_are_not_overwritten_unasked_and_originals_never(
    checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.ckpt").write_bytes(b"precious")
    with pytest.raises(SingwizError) as caught:
        drop_speakers(checkpoint, tmp_path / "out.ckpt", drop=["0"])
    assert caught.value.code == "output-exists"
    assert (tmp_path / "out.ckpt").read_bytes() == b"precious"
    with pytest.raises(SingwizError):
        drop_speakers(checkpoint, checkpoint, drop=["0"], overwrite=True)


def test_a_model_of_one_speaker_has_none_to_drop(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": {"model.x": torch.zeros(1)}, "category": "acoustic"}, path)
    with pytest.raises(SingwizError) as caught:
        drop_speakers(path, tmp_path / "b.ckpt", drop=["0"])
    assert caught.value.code == "checkpoint-without-speakers"
