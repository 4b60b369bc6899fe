"""Configs, each with one contradiction."""

from __future__ import annotations

import json
from typing import Any

from .scene import Scene, breaks

DATASET = {"speaker": "aoi", "language": "ja", "test_prefixes": ["song0_a"]}

CONTENT: dict[str, dict[str, Any]] = {
    "config-old-key": {"diff_decoder_type": "wavenet"},
    "config-similar-key": {"max_update": 1000},
    "config-unused-key": {"my_own_note": 1},
    "config-unknown-choice": {"pe": "pitchfork"},
    "config-out-of-range": {"hop_size": 0},
    "config-range-empty": {"f0_min": 900, "f0_max": 300},
    "config-window-too-long": {"win_size": 4096},
    "config-fmax-too-high": {"fmax": 30000},
    "config-class-mismatch": {
        "binarizer_cls": "preprocessing.variance_binarizer.VarianceBinarizer"
    },
    "config-no-datasets": {"datasets": []},
    "config-no-binary-dir": {"binary_data_dir": ""},
    "config-language-unknown": {"dictionaries": {"zh": "opencpop-extension"}},
    "config-num-spk-spare": {"num_spk": 3},
    "config-one-speaker": {"use_spk_id": True},
    "config-num-lang-too-small": {
        "dictionaries": {"ja": "japanese-romaji", "zh": "opencpop-extension"},
        "num_lang": 1,
    },
    "config-lang-id-off": {
        "dictionaries": {"ja": "japanese-romaji", "zh": "opencpop-extension"},
        "num_lang": 2,
        "merged_phoneme_groups": [["ja/a", "zh/a"]],
    },
    "config-lang-id-idle": {"use_lang_id": True},
    "config-key-shift-off": {
        "use_key_shift_embed": False,
        "augmentation_args": {"random_pitch_shifting": {"enabled": True}},
    },
    "config-key-shift-untaught": {
        "use_key_shift_embed": True,
        "augmentation_args": {"random_pitch_shifting": {"enabled": False}},
    },
    "config-speed-off": {
        "use_speed_embed": False,
        "augmentation_args": {"random_time_stretching": {"enabled": True}},
    },
    "config-speed-untaught": {
        "use_speed_embed": True,
        "augmentation_args": {"random_time_stretching": {"enabled": False}},
    },
    "config-two-pitch-shifts": {
        "augmentation_args": {
            "random_pitch_shifting": {"enabled": True},
            "fixed_pitch_shifting": {"enabled": True},
        },
    },
    "config-pitch-range": {
        "use_key_shift_embed": True,
        "augmentation_args": {"random_pitch_shifting": {"enabled": True, "range": [1, 5]}},
    },
    "config-time-range": {
        "use_speed_embed": True,
        "augmentation_args": {"random_time_stretching": {"enabled": True, "range": [1.5, 2]}},
    },
    "config-fixed-without-speakers": {
        "num_spk": 3,
        "augmentation_args": {"fixed_pitch_shifting": {"enabled": True}},
    },
    "config-fixed-duplicate": {
        "num_spk": 3,
        "use_spk_id": True,
        "augmentation_args": {"fixed_pitch_shifting": {"enabled": True, "targets": [5, 5]}},
    },
    "config-fixed-scale": {
        "num_spk": 3,
        "use_spk_id": True,
        "augmentation_args": {"fixed_pitch_shifting": {"enabled": True, "scale": 1.5}},
    },
    "config-heads-indivisible": {"hidden_size": 255},
    "config-mix-ln-layer": {
        "use_spk_id": True,
        "use_mix_ln": True,
        "mix_ln_layer": [99],
    },
    "config-mix-ln-without-speakers": {"use_mix_ln": True, "mix_ln_layer": [0]},
    "config-k-step-too-large": {"diffusion_type": "ddpm", "K_step": 5000, "timesteps": 1000},
    "config-speedup-indivisible": {"diffusion_type": "ddpm", "K_step": 300, "diff_speedup": 7},
    "config-k-step-infer-too-large": {
        "diffusion_type": "ddpm",
        "K_step": 300,
        "K_step_infer": 400,
        "use_shallow_diffusion": True,
    },
    "config-t-start-infer-too-small": {
        "diffusion_type": "reflow",
        "T_start": 0.4,
        "T_start_infer": 0.2,
        "use_shallow_diffusion": True,
    },
    "config-nothing-trained": {
        "use_shallow_diffusion": True,
        "shallow_diffusion_args": {"train_aux_decoder": False, "train_diffusion": False},
    },
    "config-mel-base": {"mel_base": "10"},
    "config-spec-range-old": {"spec_min": [-5], "spec_max": [0]},
    "config-spec-length": {"spec_min": [-12, -12]},
    "config-curves-overlap": {
        "use_energy_embed": True,
        "use_breathiness_embed": True,
        "use_voicing_embed": True,
    },
    "config-tension-loudness": {"use_tension_embed": True, "use_voicing_embed": True},
    "config-file-missing": {"pe": "rmvpe", "pe_ckpt": "checkpoints/lost/model.pt"},
    "config-vocoder-missing": {"vocoder_ckpt": "checkpoints/lost/model.ckpt"},
    "config-half-on-cpu": {
        "pl_trainer_accelerator": "cpu",
        "pl_trainer_precision": "16-mixed",
    },
    "config-muon-on-cpu": {
        "pl_trainer_accelerator": "cpu",
        "pl_trainer_precision": "32-true",
        "optimizer_args": {"optimizer_cls": "modules.optimizer.muon.Muon_AdamW"},
    },
    "config-large-on-cpu": {
        "pl_trainer_accelerator": "cpu",
        "pl_trainer_precision": "32-true",
        "backbone_args": {"num_channels": 1024},
    },
    "config-permanent-off": {"permanent_ckpt_start": 1000, "permanent_ckpt_interval": 5},
    "config-never-validates": {"max_updates": 1000, "val_check_interval": 2000},
}
"""Code -> what to add to a config of an acoustic model."""

VARIANCE: dict[str, dict[str, Any]] = {
    "config-predicts-nothing": {"predict_dur": False, "predict_pitch": False},
    "config-repeat-bins-indivisible": {
        "predict_voicing": True,
        "variances_prediction_args": {"total_repeat_bins": 71},
        "predict_breathiness": True,
    },
    "config-dur-with-pitch": {"predict_dur": True, "predict_pitch": True},
    "config-glide-without-melody": {
        "predict_pitch": False,
        "use_glide_embed": True,
        "glide_types": ["up"],
    },
    "config-glide-none": {"glide_types": ["none", "up"]},
}
"""The same for a variance model."""

VOCODER: dict[str, dict[str, Any]] = {
    "config-vocoder-task": {"task_cls": "training.univnet.univnet_task"},
    "config-vocoder-rates": {"model_args": {"upsample_rates": [8, 8, 2, 2]}},
    "config-vocoder-pitch-control": {"pc_aug": True, "model_args": {"mini_nsf": False}},
    "config-vocoder-pitch-first": {"pitch_first": True, "gan_recipe": "hifigan"},
    "config-vocoder-losses": {"use_stftloss": True, "loss_hop_sizes": [256]},
    "config-vocoder-bf16": {"pl_trainer_precision": "bf16-mixed"},
}
"""The same for a vocoder."""


def _register(code: str, content: dict[str, Any], kind: str) -> None:
    @breaks(code)
    def _(scene: Scene) -> None:
        scene.config(content, kind=kind)


BLUR = """
from torch import nn

class Blur(nn.Module):
    def __init__(self, *, in_dims, num_feats, hidden_size, strength: float = 0.5):
        super().__init__()
"""

PACKAGE: dict[str, tuple[dict[str, Any], str]] = {
    "config-part-broken": ({}, "import nowhere_at_all"),
    "config-argument-unknown": ({"backbone_args": {"strenght": 0.25}}, BLUR),
    "config-argument-type": ({"backbone_args": {"strength": "much"}}, BLUR),
}
"""Code -> what to add to a config with a backbone of a package, and the package's module."""


def _register_package(code: str, content: dict[str, Any], module: str) -> None:
    @breaks(code)
    def _(scene: Scene) -> None:
        scene.config_with_package(content, "blur-net", module)


for _code, (_content, _module) in PACKAGE.items():
    _register_package(_code, _content, _module)
for _code, _content in CONTENT.items():
    _register(_code, _content, "acoustic")
for _code, _content in VARIANCE.items():
    _register(_code, _content, "variance")
for _code, _content in VOCODER.items():
    _register(_code, _content, "vocoder")


def datasets(scene: Scene, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"raw_data_dir": str(scene.raw), **DATASET, **entry} for entry in entries]


@breaks("config-dataset-incomplete")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {"raw_data_dir": ""})})


@breaks("config-binary-in-raw")
def _(scene: Scene) -> None:
    scene.config({"binary_data_dir": str(scene.raw / "binary")})


@breaks("config-no-validation")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {"test_prefixes": []})})


@breaks("config-speaker-name")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {"speaker": "あおい"})})


@breaks("config-speaker-two-ids")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {"spk_id": 0}, {"spk_id": 1}), "num_spk": 2})


@breaks("config-speakers-share-id")
def _(scene: Scene) -> None:
    other = {"speaker": "ren", "spk_id": 0}
    scene.config({"datasets": datasets(scene, {"spk_id": 0}, other)})


@breaks("config-num-spk-too-small")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {"spk_id": 4}), "num_spk": 1})


@breaks("config-speakers-blend")
def _(scene: Scene) -> None:
    scene.config({"datasets": datasets(scene, {}, {"speaker": "ren"}), "num_spk": 2})


@breaks("config-vocoder-config")
def _(scene: Scene) -> None:
    (scene.root / "vocoder.ckpt").write_bytes(b"weights")
    scene.config({"vocoder_ckpt": str(scene.root / "vocoder.ckpt")})


@breaks("config-vocoder-mismatch")
def _(scene: Scene) -> None:
    (scene.root / "vocoder.ckpt").write_bytes(b"weights")
    (scene.root / "config.json").write_text(json.dumps({"hop_size": 441}))
    scene.config({"vocoder_ckpt": str(scene.root / "vocoder.ckpt")})


@breaks("yaml-type-trap")
def _(scene: Scene) -> None:
    scene.config_text("datasets:\n- speaker: aoi\n  test_prefixes: [001, no]\n")


@breaks("config-duplicate-key")
def _(scene: Scene) -> None:
    scene.config_text("hop_size: 512\nhop_size: 256\n")


@breaks("config-models-disagree")
def _(scene: Scene) -> None:
    from singwiz.core.config import load_config
    from singwiz.core.config.checks import check_pair

    acoustic = load_config({"base_config": ["configs/acoustic.yaml"], "use_tension_embed": True})
    variance = load_config({"base_config": ["configs/variance.yaml"], "predict_tension": False})
    scene.extra += check_pair(acoustic, variance)
