"""Values set by dotted key."""

from __future__ import annotations

from typing import Any

import pytest

from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError

BASE: dict[str, Any] = {
    "base_config": "configs/acoustic.yaml",
    "datasets": [{"raw_data_dir": "x", "speaker": "a", "language": "zh"}],
    "own_key": {"deep": 1},
}


def with_override(key: str, value: Any) -> Config:
    return load_config(BASE, overrides={key: value})


@pytest.mark.parametrize(
    ("key", "typed", "expected"),
    [
        ("optimizer_args.lr", "4e-4", 4e-4),
        ("optimizer_args.lr", 0.1, 0.1),
        ("use_spk_id", "true", True),
        ("max_updates", "500", 500),
        ("spec_min", "[-10]", [-10.0]),
        ("pl_trainer_devices", "2", 2),
        ("pl_trainer_devices", "auto", "auto"),
        ("finetune_ckpt_path", "null", None),
        ("finetune_ckpt_path", "C:\\voices\\a: b.ckpt", "C:\\voices\\a: b.ckpt"),
        ("pe", "'harvest'", "harvest"),
        ("binary_data_dir", "001", "001"),
        ("extra_phonemes", "[no, 001, q]", ["no", "001", "q"]),
        ("optimizer_args.momentum", "0.9", 0.9),
        ("own_key.deep", "2", 2),
        ("backbone_args", "{num_layers: 2}", 2),
    ],
)
def test_a_typed_value_becomes_what_the_key_needs(key: str, typed: Any, expected: Any) -> None:
    value: Any = with_override(key, typed).to_dict()
    for part in key.split("."):
        value = value[part]
    assert (value["num_layers"] if key == "backbone_args" else value) == expected


def test_a_map_merges_into_the_map_that_is_there() -> None:
    config = with_override("backbone_args", {"num_layers": 2})
    assert config.backbone_args.num_layers == 2
    assert config.backbone_args.num_channels == 1024


def test_an_entry_of_a_list_is_reached_by_its_number() -> None:
    config = with_override("datasets.0.test_prefixes", "[01, x]")
    assert config.datasets[0].test_prefixes == ["01", "x"]
    assert with_override("datasets.0.speaker", "7").datasets[0].speaker == "7"


def test_whole_datasets_can_be_typed() -> None:
    config = with_override("datasets", "[{raw_data_dir: r, speaker: no, test_prefixes: [on]}]")
    assert config.datasets[0].speaker == "no"
    assert config.datasets[0].test_prefixes == ["on"]


def test_an_old_name_may_be_typed() -> None:
    assert with_override("pndm_speedup", "25").diff_speedup == 25


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("optimzer_args.lr", "optimizer_args.lr"),
        ("max_update", "max_updates"),
        ("shallow_diffusion_args.val_gt_strat", "shallow_diffusion_args.val_gt_start"),
        ("lr_rate", ""),
    ],
)
def test_a_key_that_does_not_exist_is_refused_with_what_was_meant(key: str, meant: str) -> None:
    with pytest.raises(SingwizError) as caught:
        with_override(key, "1")
    assert caught.value.code == "config-unknown-key"
    assert caught.value.exit_code == 2
    assert meant in caught.value.hint


@pytest.mark.parametrize(
    ("key", "typed"), [("max_updates", "many"), ("spec_min", "[1, 2"), ("datasets.5.speaker", "x")]
)
def test_an_unusable_value_is_refused(key: str, typed: str) -> None:
    with pytest.raises(SingwizError) as caught:
        with_override(key, typed)
    assert key.split(".")[0] in f"{caught.value.where}{caught.value.message}"
