"""Configs of vocoders: ours, SingingVocoders' and HiFi-GAN's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from singwiz.core.config import (
    check_config,
    explain,
    generate_config,
    list_hardware,
    list_presets,
    load_config,
    save_config,
)
from singwiz.core.findings import Severity
from singwiz.core.project import ModelChoice, ProjectState, Recordings

COMMUNITY: dict[str, Any] = {
    "base_config": ["configs/base_hifi.yaml"],
    "task_cls": "training.nsf_HiFigan_task.nsf_HiFigan",
    "lr_scheduler_args": {"scheduler_cls": "lr_scheduler.scheduler.WarmupLR", "warmup_steps": 5},
    "clip_grad_norm": 1,
    "raw_data_dir": [],
    "test_prefixes": ["x"],
    "max_updates": 100000,
    "log_interval": 100,
    "lab_aux_loss": 30,
}
"""What a config of SingingVocoders may say."""

V1: dict[str, Any] = {
    "resblock": "1",
    "num_gpus": 0,
    "batch_size": 16,
    "learning_rate": 0.0002,
    "adam_b1": 0.8,
    "adam_b2": 0.99,
    "lr_decay": 0.999,
    "seed": 1234,
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "segment_size": 8192,
    "num_mels": 80,
    "num_freq": 1025,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": 8000,
    "fmax_for_loss": None,
    "num_workers": 4,
    "dist_config": {"dist_backend": "nccl", "world_size": 1},
}


def codes(config: Any) -> set[str]:
    return {finding.code for finding in check_config(config)}


def test_steps_of_singingvocoders_are_counted_once() -> None:
    config = load_config(COMMUNITY)
    assert config.kind == "vocoder"
    assert (config.max_updates, config.log_interval) == (50000, 50)
    assert config.val_check_interval == 1000, "was batches already"
    assert config.step_unit == "batch"
    said = {f.place.symbol: f.message for f in config.loading_findings}
    assert "50000 steps" in said["max_updates"]


def test_what_singingvocoders_never_used_is_named_and_dropped() -> None:
    config = load_config(COMMUNITY)
    named = {finding.place.symbol for finding in config.loading_findings}
    assert {"clip_grad_norm", "test_prefixes", "lr_scheduler_args", "lab_aux_loss"} <= named
    assert config.lr_scheduler_args.scheduler_cls == "constant"
    assert config.lab_aux_melloss == 45, "the newer name of the base counts"
    assert "clip_grad_norm" not in config.to_dict()
    assert config.original_keys["max_updates"] == 100000


@pytest.mark.parametrize("name", ["base_hifi", "ft_hifigan", "nsf_hifigan_fast"])
def test_configs_of_the_community_load_by_their_names(name: str) -> None:
    config = load_config({"base_config": [f"configs/{name}.yaml"], "data_input_path": ["a"]})
    errors = {f.code for f in check_config(config) if f.severity is Severity.ERROR}
    # Only the weights to start from are not there.
    assert errors <= {"config-file-missing"}
    expected = {
        "base_hifi": ("nsf", False, 50000, 1e-4),
        "ft_hifigan": ("nsf", True, 50000, 1e-5),
        "nsf_hifigan_fast": ("fast", True, 500000, 2e-4),
    }
    args = config.generater_optimizer_args
    assert expected[name] == (
        config.gan_recipe, config.model_args.mini_nsf, config.max_updates, args.lr
    )  # fmt: skip


def test_a_config_beside_files_of_its_own_chain_is_read_from_them(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("max_updates: 4000\nbatch_size: 7\n")
    (tmp_path / "fast.yaml").write_text(
        "base_config: [./base.yaml]\ntask_cls: training.nsf_HiFigan_fast_task.nsf_HiFigan_fast\n"
    )
    config = load_config(tmp_path / "fast.yaml")
    assert (config.gan_recipe, config.max_updates, config.batch_size) == ("fast", 2000, 7)


def test_a_hifigan_config_becomes_ours(tmp_path: Path) -> None:
    path = tmp_path / "config_v1.json"
    path.write_text(json.dumps({**V1, "input_wavs_dir": "LJSpeech-1.1/wavs"}))
    config = load_config(path)
    assert (config.kind, config.gan_recipe) == ("vocoder", "hifigan")
    assert (config.audio_sample_rate, config.audio_num_mel_bins, config.fft_size) == (
        22050, 80, 1024
    )  # fmt: skip
    assert config.crop_mel_frames == 32
    assert config.lr_scheduler_args.scheduler_cls == "exponential"
    assert config.lr_scheduler_args.gamma == 0.999
    assert config.generater_optimizer_args.weight_decay == 0.01
    assert (config.val_check_interval, config.permanent_ckpt_interval) == (1000, 5000)
    assert config.data_input_path == ["LJSpeech-1.1/wavs"]
    assert not {f.code for f in check_config(config) if f.severity is Severity.ERROR}
    assert not config.unknown_keys()


def test_a_saved_config_reads_back_as_it_was(tmp_path: Path) -> None:
    for number, source in enumerate((COMMUNITY, V1)):
        config = load_config(source)
        path = tmp_path / f"{number}.yaml"
        save_config(config, path)
        again = load_config(path)
        assert again.to_dict() == config.to_dict()
        assert not again.loading_findings


def test_only_a_vocoder_s_keys_are_written() -> None:
    written = load_config({"base_config": ["configs/vocoder.yaml"]}).to_dict()
    assert not {"hidden_size", "optimizer_args", "vocoder_ckpt", "max_batch_frames"} & set(written)
    acoustic = load_config({"base_config": ["configs/acoustic.yaml"]}).to_dict()
    assert not {"model_args", "crop_mel_frames", "gan_recipe"} & set(acoustic)


def test_keys_of_vocoders_are_explained() -> None:
    info = explain("generater_optimizer_args.lr")
    assert info.kinds == ("acoustic", "variance", "vocoder")
    assert explain("pc_aug").kinds == ("vocoder",)
    assert explain("model_args.upsample_initial_channel").default == 512


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hop_size": 441}, "config-vocoder-rates"),
        ({"pc_aug": True, "model_args.mini_nsf": False}, "config-vocoder-pitch-control"),
        ({"pc_aug": True, "gan_recipe": "hifigan"}, "config-vocoder-pitch-control"),
        ({"pitch_first": True, "gan_recipe": "hifigan"}, "config-vocoder-pitch-first"),
        ({"crop_mel_frames": 4, "use_stftloss": True}, "config-vocoder-losses"),
        ({"lr_scheduler_args.scheduler_cls": "cosine"}, "config-unknown-choice"),
        ({"aug_min": 1.5, "aug_max": 1.2, "key_aug": True}, "config-range-empty"),
        ({"val_check_interval": 60000}, "config-never-validates"),
        ({"fmax": 40000}, "config-fmax-too-high"),
    ],
)
def test_contradictions_are_found(changes: dict[str, Any], code: str) -> None:
    sound = {"base_config": ["configs/vocoder.yaml"], "data_input_path": ["a"]}
    assert code not in codes(load_config(sound))
    assert code in codes(load_config(sound, overrides=changes))


@pytest.mark.parametrize("preset", [p.id for p in list_presets("vocoder")])
def test_a_project_gets_a_config_that_fits_its_acoustic_model(preset: str, tmp_path: Path) -> None:
    raw = Recordings(name="a", raw_data_dir=str(tmp_path), speaker="aoi", language="ja")
    for machine in list_hardware():
        state = ProjectState(schema=1, name="x", datasets=[raw])
        state.models["acoustic"] = ModelChoice(overrides={"fmax": 12000})
        state.models["vocoder"] = ModelChoice(preset=preset, hardware=machine.id)
        names = {"a": [f"item{n}" for n in range(30)]}
        config = generate_config(state, "vocoder", item_names=names, binary_data_dir=tmp_path)
        assert config.fmax == 12000
        assert config.datasets[0].test_prefixes
        errors = {f.code for f in check_config(config) if f.severity is Severity.ERROR}
        assert errors <= {"config-file-missing"}
