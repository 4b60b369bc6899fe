"""Every key is explained from one table."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import yaml

from singwiz.core.config import explain, list_keys, load_config
from singwiz.core.errors import SingwizError

# Effective values of DiffSinger's own bases (acoustic, variance).
SHIPPED = {
    "hidden_size": (384, 384), "enc_layers": (4, 4), "num_heads": (2, 2), "dropout": (0.1, 0.1),
    "use_rope": (True, True), "rope_interleaved": (False, False), "rel_pos": (True, True),
    "use_stretch_embed": (True, False), "use_variance_scaling": (True, True),
    "main_loss_log_norm": (False, True), "K_step": (400, 1000), "max_batch_size": (64, 48),
    "max_batch_frames": (50000, 80000), "max_updates": (100000, 80000), "num_ckpt_keep": (8, 5),
    "permanent_ckpt_start": (60000, 30000), "val_check_interval": (4000, 4000),
    "lr_scheduler_args.step_size": (5000, 5000), "lr_scheduler_args.gamma": (0.8, 0.8),
    "optimizer_args.optimizer_cls": ("modules.optimizer.muon.Muon_AdamW",) * 2,
    "optimizer_args.lr": (0.0006, 0.0006), "optimizer_args.muon_args": ({"weight_decay": 0.1},) * 2,
    "max_beta": (0.02, 0.02), "diffusion_type": ("reflow", "reflow"), "hnsep": ("vr", "vr"),
    "pl_trainer_precision": ("16-mixed", "16-mixed"), "ds_workers": (4, 4), "seed": (1234, 1234),
    "binarization_args.shuffle": (True, True), "binarization_args.num_workers": (0, 0),
    "mel_base": ("e", None), "spec_min": ([-12], None), "T_start": (0.4, None),
    "backbone_args.num_channels": (1024, None), "lambda_aux_mel_loss": (0.2, None),
    "augmentation_args.random_pitch_shifting.enabled": (False, None),
    "augmentation_args.random_pitch_shifting.range": ([-5, 5], None),
    "use_key_shift_embed": (False, None), "use_shallow_diffusion": (True, None),
    "predict_dur": (None, True), "use_melody_encoder": (None, True), "voicing_db_max": (None, -12),
    "pitch_prediction_args.backbone_args.num_channels": (None, 512),
    "variances_prediction_args.total_repeat_bins": (None, 72),
    "glide_types": (None, ["up", "down"]),
    "dur_prediction_args.arch": (None, "resnet"), "midi_smooth_width": (None, 0.06),
}  # fmt: skip


@pytest.mark.parametrize("key", SHIPPED)
def test_defaults_are_those_of_the_community(key: str) -> None:
    acoustic, variance = SHIPPED[key]
    assert explain(key).defaults.get("acoustic") == acoustic
    assert explain(key).defaults.get("variance") == variance


@pytest.mark.parametrize("key", list_keys())
def test_every_key_is_explained(key: str) -> None:
    info = explain(key)
    assert re.fullmatch(r"[A-Z].+\.", info.description), "a sentence"
    assert info.kinds and info.stage and info.level and info.type
    assert info.default == info.defaults[info.kinds[0]]
    if info.choices and info.default is not None:
        assert info.default in info.choices
    assert info.to_dict()["key"] == key


@pytest.mark.parametrize("name", ["base", "acoustic", "variance"])
def test_every_key_of_the_shipped_bases_is_in_the_schema(name: str) -> None:
    assert load_config({"base_config": f"configs/{name}.yaml"}).unknown_keys() == []
    presets = Path(str(resources.files("singwiz"))) / "presets" / "bases" / f"{name}.yaml"
    for key in yaml.safe_load(presets.read_text(encoding="utf-8")):
        explain(key)


def test_keys_can_be_listed_for_one_model() -> None:
    assert "predict_dur" not in list_keys("acoustic")
    assert "mel_base" not in list_keys("variance")
    assert {"predict_dur", "hop_size"} <= set(list_keys("variance"))


@pytest.mark.parametrize("key", ["datasets[].speaker", "datasets.3.speaker"])
def test_entries_of_lists_are_explained(key: str) -> None:
    assert explain(key).key == "datasets[].speaker"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("hopsize", "hop_size"),
        ("pndm_speedup", "diff_speedup"),
        ("interp_uv", "older DiffSinger"),
        ("num_channels", "num_channels"),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_meant(key: str, hint: str) -> None:
    with pytest.raises(SingwizError) as caught:
        explain(key)
    assert hint in caught.value.hint
