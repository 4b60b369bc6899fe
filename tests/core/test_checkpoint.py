"""Checkpoints: finding, reading, old names, and files that mean harm."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from singwiz.core.checkpoint import (
    latest_checkpoint,
    list_checkpoints,
    load_state_dict,
    load_weights,
    read_checkpoint,
)
from singwiz.core.errors import SingwizError


def save(path: Path, state_dict, category="acoustic", **more) -> Path:
    torch.save({"state_dict": state_dict, "category": category, "global_step": 7, **more}, path)
    return path


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


@pytest.fixture
def checkpoint(tmp_path: Path, model: nn.Module) -> Path:
    weights = {f"model.{name}": value for name, value in model.state_dict().items()}
    return save(tmp_path / "model_ckpt_steps_20.ckpt", weights)


def test_checkpoints_are_ordered_by_steps_not_by_name(tmp_path: Path) -> None:
    for name in ("model_ckpt_steps_1000.ckpt", "model_ckpt_steps_200.ckpt", "last.ckpt"):
        (tmp_path / name).touch()
    (tmp_path / "model_ckpt_steps_5000.ckpt").mkdir()
    assert [steps for steps, _ in list_checkpoints(tmp_path)] == [200, 1000]
    assert latest_checkpoint(tmp_path).name == "model_ckpt_steps_1000.ckpt"
    assert latest_checkpoint(tmp_path, 200).name == "model_ckpt_steps_200.ckpt"
    assert latest_checkpoint(tmp_path, 300) is None
    assert latest_checkpoint(tmp_path / "nowhere") is None


def test_weights_come_back_as_they_were_saved(checkpoint: Path, model: nn.Module) -> None:
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    load_weights(other, checkpoint, "acoustic")
    for name, value in model.state_dict().items():
        assert other.state_dict()[name].equal(value)


def test_entries_outside_of_the_network_are_left_out(tmp_path: Path) -> None:
    saved = {"model.weight": torch.ones(1), "vocoder.weight": torch.ones(1)}
    assert set(load_state_dict(save(tmp_path / "a.ckpt", saved), "acoustic")) == {"weight"}


def test_old_names_are_renamed_and_old_tables_dropped(tmp_path: Path) -> None:
    layer = "model.fs2.encoder.layers.0.op.self_attn"
    projection = torch.randn(6, 2)
    saved = {
        f"{layer}.in_proj_weight": projection,
        f"{layer}.rotary_embed.freqs": torch.ones(2),
        f"{layer}.out_proj.weight": torch.ones(2, 2),
    }
    path = save(tmp_path / "old.ckpt", saved)
    weights = load_state_dict(path, "acoustic")
    layer = layer.removeprefix("model.")
    assert set(weights) == {f"{layer}.in_proj.weight", f"{layer}.out_proj.weight"}
    assert weights[f"{layer}.in_proj.weight"].equal(projection)
    assert f"model.{layer}.in_proj.weight" in read_checkpoint(path, "acoustic")["state_dict"]


def test_sets_in_the_groups_of_a_combined_optimizer_are_read(tmp_path: Path) -> None:
    group = {"lr": 6e-4, "optimizer_and_param_group_indices": {(0, 0), (1, 0)}, "params": [0, 1]}
    states = [{"optimizers": [{}, {}], "state": {}, "param_groups": [group]}]
    path = save(tmp_path / "muon.ckpt", {"model.w": torch.ones(1)}, optimizer_states=states)
    read = read_checkpoint(path, "acoustic")
    assert read["global_step"] == 7
    indices = read["optimizer_states"][0]["param_groups"][0]["optimizer_and_param_group_indices"]
    assert indices == {(0, 0), (1, 0)}


def code_of(path: Path, category: str = "acoustic") -> str:
    with pytest.raises(SingwizError) as caught:
        load_state_dict(path, category)
    assert caught.value.hint
    assert str(path) == caught.value.where
    return caught.value.code


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.ckpt") == "checkpoint-missing"


@pytest.mark.parametrize("category", ["variance", None, 3])
def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path, category) -> None:
    path = save(tmp_path / "a.ckpt", {"model.w": torch.ones(1)}, category)
    assert code_of(path) == "checkpoint-category"


@pytest.mark.parametrize(
    "content",
    [
        [1, 2, 3],
        {"category": "acoustic"},
        {"category": "acoustic", "state_dict": [torch.ones(1)]},
        {"category": "acoustic", "state_dict": {"model.w": "text"}},
        {"category": "acoustic", "state_dict": {3: torch.ones(1)}},
        {"category": "acoustic", "state_dict": {}},
        {"category": "acoustic", "state_dict": {"generator.w": torch.ones(1)}},
    ],
    ids=["list", "nothing", "list-of-tensors", "text", "numbered", "empty", "vocoder"],
)
def test_a_file_without_weights_is_refused(tmp_path: Path, content) -> None:
    path = tmp_path / "odd.ckpt"
    torch.save(content, path)
    assert code_of(path) == "checkpoint-without-weights"


def test_random_and_truncated_files_are_refused(tmp_path: Path, checkpoint: Path) -> None:
    contents = [
        b"",
        b"\x00" * 100,
        bytes(range(256)) * 20,
        b"PK\x03\x04 not really a zip",
        "歌声.ckpt".encode(),
        checkpoint.read_bytes()[:-100],
        checkpoint.read_bytes()[:50],
    ]
    for number, content in enumerate(contents):
        path = tmp_path / f"broken-{number}.ckpt"
        path.write_bytes(content)
        assert code_of(path) == "checkpoint-unreadable"


class Trap:
    """Pickles as a call that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    state = {"model.w": torch.ones(1)}
    zipped = save(tmp_path / "zipped.ckpt", state, callbacks=Trap(trace))
    plain = tmp_path / "plain.ckpt"
    plain.write_bytes(pickle.dumps({"state_dict": state, "category": Trap(trace)}, protocol=2))
    for path in (zipped, plain):
        assert code_of(path) == "checkpoint-unreadable"
        assert not trace.exists()


def test_a_zip_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat.jpg", b"meow")
    assert code_of(path) == "checkpoint-unreadable"


@pytest.mark.parametrize(
    ("layers", "difference"),
    [
        ((nn.Linear(2, 4), nn.Linear(4, 1)), "shape (3, 2) instead of (4, 2)"),
        ((nn.Linear(2, 3),), "1.weight is not part of the model"),
        ((nn.Linear(2, 3), nn.Linear(3, 1), nn.Linear(1, 1)), "2.weight is missing"),
    ],
    ids=["shape", "left-over", "missing"],
)
def test_weights_that_do_not_fit_the_model_are_refused(checkpoint, layers, difference) -> None:
    other = nn.Sequential(*layers)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(SingwizError) as caught:
        load_weights(other, checkpoint, "acoustic")
    assert caught.value.code == "checkpoint-does-not-fit"
    assert difference in caught.value.message
    for name, value in other.state_dict().items():
        assert value.equal(before[name])
