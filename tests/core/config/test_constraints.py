"""Combinations that do not fit together are found, with the key and a cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from singwiz.core.config import check_config, load_config
from singwiz.core.findings import Finding, Severity

ACOUSTIC: dict[str, Any] = {
    "base_config": "configs/acoustic.yaml",
    "datasets": [{"raw_data_dir": "r", "speaker": "ann", "language": "zh", "test_prefixes": ["a"]}],
    "dictionaries": {"zh": "zh.txt"},
    "binary_data_dir": "binary",
    "vocoder_ckpt": "",
}
VARIANCE: dict[str, Any] = {
    **ACOUSTIC,
    "base_config": "configs/variance.yaml",
    "predict_pitch": False,
}


def dataset(**changes: Any) -> dict[str, Any]:
    return {**ACOUSTIC["datasets"][0], **changes}


def check(base: dict[str, Any], changes: dict[str, Any], folder: Path) -> list[Finding]:
    return check_config(load_config(base, overrides=changes), base_dir=folder)


@pytest.mark.parametrize("base", [ACOUSTIC, VARIANCE])
def test_a_sound_config_has_nothing_to_say(base: dict[str, Any], tmp_path: Path) -> None:
    assert check(base, {}, tmp_path) == []


TWO = [dataset(), dataset(raw_data_dir="s", speaker="bob")]
SAME_TWICE = [dataset(spk_id=0), dataset(raw_data_dir="s", spk_id=1)]
SHARED_ID = [dataset(spk_id=0), dataset(raw_data_dir="s", speaker="bob", spk_id=0)]
FIXED = {"augmentation_args.fixed_pitch_shifting.enabled": True}
RANDOM = {"augmentation_args.random_pitch_shifting.enabled": True}
STRETCH = {"augmentation_args.random_time_stretching.enabled": True}

CASES: list[tuple[dict[str, Any], dict[str, Any], str, str, str]] = [
    (ACOUSTIC, RANDOM, "config-key-shift-off", "error", "use_key_shift_embed"),
    (ACOUSTIC, STRETCH, "config-speed-off", "error", "use_speed_embed"),
    (ACOUSTIC, {**FIXED, **RANDOM}, "config-two-pitch-shifts", "error", "augmentation_args."),
    (ACOUSTIC, FIXED, "config-fixed-without-speakers", "error", "use_spk_id"),
    (ACOUSTIC, {**FIXED, "num_spk": 2}, "config-num-spk-too-small", "error", "num_spk"),
    (
        ACOUSTIC,
        {**FIXED, "augmentation_args.fixed_pitch_shifting.targets": [1, 1]},
        "config-fixed-duplicate",
        "error",
        "augmentation_args.fixed_pitch_shifting.targets",
    ),
    (
        ACOUSTIC,
        {**FIXED, "augmentation_args.fixed_pitch_shifting.scale": 1},
        "config-fixed-scale",
        "error",
        "augmentation_args.fixed_pitch_shifting.scale",
    ),
    (
        ACOUSTIC,
        {
            **RANDOM,
            "use_key_shift_embed": True,
            "augmentation_args.random_pitch_shifting.range": [1, 5],
        },
        "config-pitch-range",
        "error",
        "augmentation_args.random_pitch_shifting.range",
    ),
    (
        ACOUSTIC,
        {
            **STRETCH,
            "use_speed_embed": True,
            "augmentation_args.random_time_stretching.range": [0, 2],
        },
        "config-time-range",
        "error",
        "augmentation_args.random_time_stretching.range",
    ),
    (ACOUSTIC, {"use_key_shift_embed": True}, "config-key-shift-untaught", "warning", "use_key"),
    (ACOUSTIC, {"use_speed_embed": True}, "config-speed-untaught", "warning", "use_speed"),
    (ACOUSTIC, {"mel_base": "10"}, "config-mel-base", "error", "mel_base"),
    (ACOUSTIC, {"spec_min": [-5]}, "config-spec-range-old", "warning", "spec_min"),
    (ACOUSTIC, {"spec_min": [-12, -12]}, "config-spec-length", "error", "spec_min"),
    (ACOUSTIC, {"spec_max": [-13]}, "config-range-empty", "error", "spec_min"),
    (
        ACOUSTIC,
        {f"use_{c}_embed": True for c in ("energy", "breathiness", "voicing")},
        "config-curves-overlap",
        "warning",
        "use_energy_embed",
    ),
    (
        VARIANCE,
        {f"predict_{c}": True for c in ("energy", "breathiness", "voicing")},
        "config-curves-overlap",
        "warning",
        "predict_energy",
    ),
    (
        ACOUSTIC,
        {"use_tension_embed": True, "use_voicing_embed": True},
        "config-tension-loudness",
        "note",
        "use_tension_embed",
    ),
    (VARIANCE, {"predict_dur": False}, "config-predicts-nothing", "error", "predict_dur"),
    (VARIANCE, {"predict_pitch": True}, "config-dur-with-pitch", "note", "predict_dur"),
    (
        VARIANCE,
        {
            "predict_breathiness": True,
            "predict_voicing": True,
            "variances_prediction_args.total_repeat_bins": 71,
        },
        "config-repeat-bins-indivisible",
        "error",
        "variances_prediction_args.total_repeat_bins",
    ),
    (VARIANCE, {"use_glide_embed": True}, "config-glide-without-melody", "error", "use_glide"),
    (VARIANCE, {"glide_types": ["none"]}, "config-glide-none", "error", "glide_types"),
    (VARIANCE, {"energy_db_min": 0}, "config-range-empty", "error", "energy_db_min"),
    (
        VARIANCE,
        {"pitch_prediction_args.pitd_norm_min": -20},
        "config-range-empty",
        "warning",
        "pitch_prediction_args.pitd_norm_min",
    ),
    (ACOUSTIC, {"datasets": TWO}, "config-num-spk-too-small", "error", "num_spk"),
    (ACOUSTIC, {"datasets": TWO, "num_spk": 2}, "config-speakers-blend", "warning", "use_spk_id"),
    (ACOUSTIC, {"use_spk_id": True}, "config-one-speaker", "note", "use_spk_id"),
    (ACOUSTIC, {"num_spk": 3}, "config-num-spk-spare", "note", "num_spk"),
    (ACOUSTIC, {"datasets": SAME_TWICE}, "config-speaker-two-ids", "error", "datasets"),
    (ACOUSTIC, {"datasets": SHARED_ID}, "config-speakers-share-id", "error", "datasets"),
    (
        ACOUSTIC,
        {"datasets.0.speaker": "歌手"},
        "config-speaker-name",
        "warning",
        "datasets.0.speaker",
    ),
    (ACOUSTIC, {"datasets.0.spk_id": -1}, "config-out-of-range", "error", "datasets.0.spk_id"),
    (ACOUSTIC, {"datasets": []}, "config-no-datasets", "error", "datasets"),
    (
        ACOUSTIC,
        {"datasets.0.raw_data_dir": ""},
        "config-dataset-incomplete",
        "error",
        "datasets.0.raw_data_dir",
    ),
    (
        ACOUSTIC,
        {"datasets.0.language": "ja"},
        "config-language-unknown",
        "error",
        "datasets.0.language",
    ),
    (ACOUSTIC, {"datasets.0.test_prefixes": []}, "config-no-validation", "error", "datasets.0"),
    (ACOUSTIC, {"binary_data_dir": ""}, "config-no-binary-dir", "error", "binary_data_dir"),
    (ACOUSTIC, {"binary_data_dir": "r/b"}, "config-binary-in-raw", "error", "binary_data_dir"),
    (ACOUSTIC, {"dictionaries.ja": "j"}, "config-num-lang-too-small", "error", "num_lang"),
    (
        ACOUSTIC,
        {
            "dictionaries.ja": "j",
            "num_lang": 2,
            "merged_phoneme_groups": [["zh/i", "ja/i"]],
        },
        "config-lang-id-off",
        "note",
        "use_lang_id",
    ),
    (ACOUSTIC, {"use_lang_id": True}, "config-lang-id-idle", "note", "use_lang_id"),
    (ACOUSTIC, {"hidden_size": 66}, "config-heads-indivisible", "error", "hidden_size"),
    (ACOUSTIC, {"use_mix_ln": True}, "config-mix-ln-without-speakers", "error", "use_mix_ln"),
    (
        ACOUSTIC,
        {"use_mix_ln": True, "mix_ln_layer": [4]},
        "config-mix-ln-layer",
        "warning",
        "mix_ln_layer",
    ),
    (
        ACOUSTIC,
        {"diffusion_type": "ddpm", "K_step": 2000},
        "config-k-step-too-large",
        "error",
        "K_step",
    ),
    (
        ACOUSTIC,
        {"diffusion_type": "ddpm", "diff_speedup": 7},
        "config-speedup-indivisible",
        "error",
        "diff_speedup",
    ),
    (
        ACOUSTIC,
        {"diffusion_type": "ddpm", "K_step_infer": 500},
        "config-k-step-infer-too-large",
        "error",
        "K_step_infer",
    ),
    (
        ACOUSTIC,
        {"T_start_infer": 0.1},
        "config-t-start-infer-too-small",
        "error",
        "T_start_infer",
    ),
    (
        ACOUSTIC,
        {"shallow_diffusion_args": {"train_aux_decoder": False, "train_diffusion": False}},
        "config-nothing-trained",
        "error",
        "shallow_diffusion_args.train_diffusion",
    ),
    (ACOUSTIC, {"f0_min": 2000}, "config-range-empty", "error", "f0_min"),
    (ACOUSTIC, {"win_size": 4096}, "config-window-too-long", "error", "win_size"),
    (ACOUSTIC, {"fmax": 30000}, "config-fmax-too-high", "error", "fmax"),
    (ACOUSTIC, {"pe": "crepe"}, "config-unknown-choice", "error", "pe"),
    (ACOUSTIC, {"sampler_frame_count_grid": 0}, "config-out-of-range", "error", "sampler_frame"),
    (ACOUSTIC, {"optimizer_args.lr": float("nan")}, "config-out-of-range", "error", "optimizer"),
    (ACOUSTIC, {"pe": "rmvpe"}, "config-file-missing", "error", "pe_ckpt"),
    (ACOUSTIC, {"use_tension_embed": True}, "config-file-missing", "error", "hnsep_ckpt"),
    (ACOUSTIC, {"finetune_enabled": True}, "config-file-missing", "error", "finetune_ckpt_path"),
    (ACOUSTIC, {"vocoder_ckpt": "no.ckpt"}, "config-vocoder-missing", "warning", "vocoder_ckpt"),
    (
        ACOUSTIC,
        {"pl_trainer_accelerator": "cpu"},
        "config-half-on-cpu",
        "error",
        "pl_trainer_precision",
    ),
    (
        ACOUSTIC,
        {"pl_trainer_accelerator": "cpu"},
        "config-muon-on-cpu",
        "warning",
        "optimizer_args.optimizer_cls",
    ),
    (
        ACOUSTIC,
        {"pl_trainer_accelerator": "cpu"},
        "config-large-on-cpu",
        "warning",
        "backbone_args.num_channels",
    ),
    (
        ACOUSTIC,
        {"permanent_ckpt_interval": 5},
        "config-permanent-off",
        "warning",
        "permanent_ckpt_interval",
    ),
    (ACOUSTIC, {"max_updates": 100}, "config-never-validates", "warning", "val_check_interval"),
    (ACOUSTIC, {"task_cls": "my.Task"}, "config-class-mismatch", "error", "task_cls"),
]


@pytest.mark.parametrize(
    ("base", "changes", "code", "severity", "key"), CASES, ids=[case[2] for case in CASES]
)
def test_a_contradiction_is_found(
    base: dict[str, Any],
    changes: dict[str, Any],
    code: str,
    severity: str,
    key: str,
    tmp_path: Path,
) -> None:
    found = [f for f in check(base, changes, tmp_path) if f.code == code]
    assert [f.severity for f in found] == [severity]
    assert found[0].place.symbol.startswith(key)
    assert found[0].message.endswith(".") and found[0].hint.endswith(".")


def test_errors_come_first(tmp_path: Path) -> None:
    found = check(ACOUSTIC, {"num_spk": 3, "max_updates": 1, "pe": "x"}, tmp_path)
    order = [list(Severity).index(f.severity) for f in found]
    assert len(found) >= 3 and order == sorted(order)


def test_a_misspelt_key_is_pointed_out_and_a_foreign_one_only_noted(tmp_path: Path) -> None:
    config = load_config({**ACOUSTIC, "max_update": 5, "my_tool": {"x": 1}})
    found = {f.place.symbol: f for f in check_config(config, base_dir=tmp_path)}
    assert (
        found["max_update"].severity == "warning" and "max_updates" in found["max_update"].message
    )
    assert found["my_tool"].severity == "note"


def test_a_vocoder_made_for_other_spectrograms_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v/model.ckpt").write_bytes(b"x")
    changes = {"vocoder_ckpt": "v/model.ckpt"}
    assert [f.code for f in check(ACOUSTIC, changes, tmp_path)] == ["config-vocoder-config"]
    right = {
        "sampling_rate": 44100,
        "hop_size": 512,
        "win_size": 2048,
        "n_fft": 2048,
        "num_mels": 128,
        "fmin": 40,
        "fmax": 16000,
    }
    (tmp_path / "v/config.json").write_text(json.dumps(right))
    assert check(ACOUSTIC, changes, tmp_path) == []
    (tmp_path / "v/config.json").write_text(json.dumps({**right, "hop_size": 256}))
    (finding,) = check(ACOUSTIC, changes, tmp_path)
    assert (finding.code, finding.place.symbol) == ("config-vocoder-mismatch", "hop_size")
    # Folders and the configs of trainings and DDSP vocoders count, too.
    assert check(ACOUSTIC, {"vocoder_ckpt": "v"}, tmp_path)[0].code == "config-vocoder-mismatch"
    (tmp_path / "v/config.json").unlink()
    ddsp = {"sampling_rate": 44100, "n_mels": 128, "n_fft": 2048, "win_length": 2048}
    ddsp |= {"block_size": 441, "mel_fmin": 40, "mel_fmax": 16000}
    (tmp_path / "v/config.yaml").write_text(json.dumps({"data": ddsp}))
    (finding,) = check(ACOUSTIC, changes, tmp_path)
    assert (finding.code, finding.place.symbol) == ("config-vocoder-mismatch", "hop_size")


def test_the_templates_of_the_community_load_but_are_reported_as_unfinished(
    tmp_path: Path,
) -> None:
    acoustic = load_config("configs/templates/config_acoustic.yaml")
    assert "config-num-spk-too-small" in {f.code for f in check_config(acoustic)}
    assert acoustic.use_key_shift_embed and acoustic.K_step == 300
    variance = load_config("configs/templates/config_variance.yaml")
    assert "config-predicts-nothing" in {f.code for f in check_config(variance)}
    duration = load_config("configs/templates/config_duration.yaml")
    assert duration.max_updates == 60000 and duration.predict_voicing
    assert duration.lr_scheduler_args.gamma == 0.75
