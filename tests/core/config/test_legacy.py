"""Configs of older DiffSinger versions mean what they meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from singwiz.core.config import Config, check_config, load_config, save_config


def notes(config: Config) -> dict[str, str]:
    return {finding.place.symbol: finding.message for finding in config.loading_findings}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"residual_layers": 20, "residual_channels": 512, "dilation_cycle_length": 4},
            {
                "backbone_type": "wavenet",
                "backbone_args.num_layers": 20,
                "backbone_args.num_channels": 512,
                "backbone_args.dilation_cycle_length": 4,
            },
        ),
        (
            {"pitch_prediction_args": {"residual_layers": 20, "residual_channels": 256}},
            {
                "pitch_prediction_args.backbone_type": "wavenet",
                "pitch_prediction_args.backbone_args.num_layers": 20,
                "pitch_prediction_args.backbone_args.num_channels": 256,
            },
        ),
        (
            {"variances_prediction_args": {"residual_layers": 10, "dilation_cycle_length": 4}},
            {
                "variances_prediction_args.backbone_args.num_layers": 10,
                "variances_prediction_args.backbone_args.dilation_cycle_length": 4,
            },
        ),
        ({"diff_decoder_type": "wavenet"}, {"backbone_type": "wavenet"}),
        ({"diff_loss_type": "l1"}, {"main_loss_type": "l1"}),
        ({"pndm_speedup": 50}, {"diff_speedup": 50}),
        (
            {
                "variances_prediction_args": {"repeat_bins": 24},
                "predict_energy": True,
                "predict_tension": True,
            },
            {"variances_prediction_args.total_repeat_bins": 48},
        ),
        (
            {"ddp_backend": "nccl_no_p2p"},
            {"pl_trainer_strategy.process_group_backend": "nccl", "nccl_p2p": False},
        ),
        (
            {"ddp_backend": "gloo"},
            {"pl_trainer_strategy.process_group_backend": "gloo", "nccl_p2p": True},
        ),
        ({"pl_trainer_strategy": "ddp"}, {"pl_trainer_strategy.name": "ddp"}),
        (
            {
                "max_tokens": 40000,
                "max_sentences": 10,
                "max_eval_tokens": 50000,
                "max_eval_sentences": 2,
            },
            {
                "max_batch_frames": 40000,
                "max_batch_size": 10,
                "max_val_batch_frames": 50000,
                "max_val_batch_size": 2,
            },
        ),
        (
            {
                "lr": 0.0004,
                "decay_steps": 40000,
                "gamma": 0.5,
                "weight_decay": 0.1,
                "optimizer_adam_beta1": 0.8,
                "optimizer_adam_beta2": 0.9,
                "warmup_updates": 2000,
            },
            {
                "optimizer_args.lr": 0.0004,
                "optimizer_args.weight_decay": 0.1,
                "optimizer_args.beta1": 0.8,
                "optimizer_args.beta2": 0.9,
                "lr_scheduler_args.step_size": 40000,
                "lr_scheduler_args.gamma": 0.5,
                "lr_scheduler_args.warmup_steps": 2000,
            },
        ),
        (
            {"lr_decay_steps": 50000, "lr_decay_gamma": 0.25},
            {"lr_scheduler_args.step_size": 50000, "lr_scheduler_args.gamma": 0.25},
        ),
        ({"pitch_extractor": "harvest"}, {"pe": "harvest"}),
        ({"dictionary": "d/zh.txt"}, {"dictionaries.default": "d/zh.txt"}),
        ({"g2p_dictionary": "d/v1.txt"}, {"dictionaries.default": "d/v1.txt"}),
    ],
)
@pytest.mark.parametrize("on_a_current_base", [True, False])
def test_an_old_name_becomes_the_current_one_and_wins_over_the_base(
    old: dict[str, Any], new: dict[str, Any], on_a_current_base: bool
) -> None:
    variance = any("predict" in key for key in old)
    base = "configs/variance.yaml" if variance else "configs/acoustic.yaml"
    config = load_config({**old, **({"base_config": base} if on_a_current_base else {})})
    data = config.to_dict()
    for key, expected in new.items():
        value: Any = data
        for part in key.split("."):
            value = value[part]
        assert value == expected, key
    assert notes(config)
    assert config.original_keys
    for key, value in old.items():
        if not isinstance(value, dict) and key != "pl_trainer_strategy" and "predict" not in key:
            assert key not in data


@pytest.mark.parametrize(
    "key",
    [
        "interp_uv",
        "num_pad_tokens",
        "f0_embed_type",
        "ffn_padding",
        "save_codes",
        "train_set_name",
        "valid_set_name",
        "wav2spec_eps",
        "keep_bins",
        "use_midi",
        "save_f0",
    ],
)
def test_a_key_without_a_successor_is_dropped_with_a_note(key: str) -> None:
    config = load_config({key: 1})
    assert key not in config.to_dict()
    assert "ignored" in notes(config)[key]


def test_dropped_keys_inside_maps_are_noted() -> None:
    config = load_config(
        {
            "augmentation_args": {"random_time_stretching": {"domain": "log", "scale": 1.0}},
            "binarization_args": {"with_f0": True, "shuffle": False},
        }
    )
    assert {
        "augmentation_args.random_time_stretching.domain",
        "binarization_args.with_f0",
    } <= set(notes(config))
    assert config.unknown_keys() == []
    assert config.augmentation_args.random_time_stretching.scale == 1.0


@pytest.mark.parametrize(("key", "value"), [("f0_embed_type", "discrete"), ("num_pad_tokens", 3)])
def test_a_value_whose_checkpoints_cannot_be_used_is_an_error(key: str, value: object) -> None:
    found = [f for f in check_config(load_config({key: value})) if f.place.symbol == key]
    assert [f.severity for f in found] == ["error"]


def test_recordings_of_an_old_config_become_datasets() -> None:
    config = load_config(
        {
            "base_config": "configs/acoustic.yaml",
            "raw_data_dir": ["a/raw", "b/raw"],
            "speakers": ["ann", "bob"],
            "spk_ids": [3, 0],
            "test_prefixes": ["1:song", "2"],
            "dictionary": "dict.txt",
            "use_spk_id": True,
        }
    )
    assert [d.model_dump() for d in config.datasets] == [
        {
            "raw_data_dir": "a/raw",
            "speaker": "ann",
            "spk_id": 3,
            "language": "default",
            "test_prefixes": ["2"],
        },
        {
            "raw_data_dir": "b/raw",
            "speaker": "bob",
            "spk_id": 0,
            "language": "default",
            "test_prefixes": ["song", "2"],
        },
    ]
    assert config.dictionaries == {"default": "dict.txt"}
    assert "speakers" not in config.to_dict()


def test_a_single_folder_and_missing_ids_are_fine() -> None:
    config = load_config({"raw_data_dir": "a/raw", "speakers": ["ann"], "spk_ids": []})
    assert [(d.raw_data_dir, d.speaker, d.spk_id) for d in config.datasets] == [("a/raw", "ann", 0)]


def test_dataset_names_of_version_one_are_speakers() -> None:
    config = load_config(
        {"base_config": "configs/acoustic.yaml", "raw_data_dir": "r", "datasets": ["opencpop"]}
    )
    assert [(d.raw_data_dir, d.speaker) for d in config.datasets] == [("r", "opencpop")]


def test_an_unequal_number_of_speakers_is_an_error() -> None:
    config = load_config({"raw_data_dir": ["a", "b"], "speakers": ["ann"]})
    assert any(f.severity == "error" for f in config.loading_findings)


def test_an_old_global_prefix_goes_to_the_datasets_that_it_selected_from(tmp_path: Path) -> None:
    for folder, names in (("a", ["wav1", "wav10"]), ("b", ["wav11", "other"])):
        (tmp_path / folder).mkdir()
        rows = "\n".join(["name,ph_seq,ph_dur", *(f"{name},a,1" for name in names)])
        (tmp_path / folder / "transcriptions.csv").write_text(rows, encoding="utf-8")
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    config = load_config(
        {
            "raw_data_dir": folders,
            "speakers": ["x", "y"],
            # An exact name never acts as a prefix; 'oth' only begins a name of the second.
            "test_prefixes": ["wav1", "oth", "nowhere"],
        }
    )
    assert [d.test_prefixes for d in config.datasets] == [
        ["wav1", "nowhere"],
        ["oth", "nowhere"],
    ]


def test_current_datasets_silence_inherited_old_ones(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(
        "raw_data_dir: [old]\nspeakers: [old]\ndictionary: old.txt\n", encoding="utf-8"
    )
    (tmp_path / "new.yaml").write_text(
        "base_config: ./old.yaml\ndatasets: [{raw_data_dir: new, speaker: n, language: zh}]\n"
        "dictionaries: {zh: new.txt}\n",
        encoding="utf-8",
    )
    config = load_config(tmp_path / "new.yaml")
    assert [d.raw_data_dir for d in config.datasets] == ["new"]
    assert config.dictionaries == {"zh": "new.txt"}


def test_current_names_win_over_old_ones_in_the_same_file() -> None:
    config = load_config(
        {"pndm_speedup": 50, "diff_speedup": 10, "lr": 1.0, "optimizer_args": {"lr": 0.5}}
    )
    assert config.diff_speedup == 10
    assert config.optimizer_args.lr == 0.5


def test_wavenet_sizes_do_not_disturb_another_backbone() -> None:
    config = load_config(
        {"residual_layers": 20, "backbone_type": "lynxnet", "backbone_args": {"num_layers": 6}}
    )
    assert config.to_dict()["backbone_args"] == {"num_layers": 6}


def test_absent_keys_of_an_old_saved_config_mean_what_they_meant() -> None:
    acoustic = load_config({"task_cls": "training.acoustic_task.AcousticTask", "hidden_size": 256})
    off = [
        "use_lang_id", "use_key_shift_embed", "use_speed_embed", "use_energy_embed",
        "use_breathiness_embed", "use_voicing_embed", "use_tension_embed", "use_variance_scaling",
        "use_stretch_embed", "use_mix_ln", "use_rope", "rel_pos", "use_shallow_diffusion",
    ]  # fmt: skip
    assert [key for key in off if acoustic.to_dict()[key]] == []
    assert acoustic.rope_interleaved is True
    assert acoustic.diffusion_type == "ddpm"
    assert acoustic.mel_base == "10"
    assert acoustic.max_beta == 0.01
    assert acoustic.backbone_type == "wavenet"
    assert acoustic.extra_phonemes == [] and acoustic.merged_phoneme_groups == []
    variance = load_config(
        {
            "task_cls": "training.variance_task.VarianceTask",
            "predict_dur": True,
            "dur_prediction_args": {"hidden_size": 512, "num_layers": 5},
        }
    )
    off = [
        "predict_energy", "predict_breathiness", "predict_voicing", "predict_tension",
        "use_melody_encoder", "use_glide_embed",
    ]  # fmt: skip
    assert [key for key in off if variance.to_dict()[key]] == []
    assert variance.glide_types == []
    assert variance.dur_prediction_args.arch == "fs2"
    assert variance.dur_prediction_args.hidden_size == 512
    assert variance.dur_prediction_args.kernel_size == 3


def test_diffusion_depth_of_an_old_config_is_translated() -> None:
    config = load_config(
        {
            "timesteps": 1000,
            "K_step": 400,
            "K_step_infer": 200,
            "diff_speedup": 10,
            "use_shallow_diffusion": True,
        }
    )
    assert config.T_start == pytest.approx(0.6)
    assert config.T_start_infer == pytest.approx(0.8)
    assert config.sampling_steps == 20
    assert config.time_scale_factor == 1000


def test_without_shallow_diffusion_the_steps_come_from_the_whole_schedule() -> None:
    config = load_config({"timesteps": 1000, "K_step": 1000, "pndm_speedup": 20})
    assert config.sampling_steps == 50
    assert config.K_step_infer == 1000
    assert config.T_start == 0


def test_inference_start_falls_back_to_the_training_start() -> None:
    assert load_config({"T_start": 0.3}).T_start_infer == 0.3


def test_the_old_keys_stay_readable_as_a_comment_in_the_saved_file(tmp_path: Path) -> None:
    config = load_config({"raw_data_dir": "a/raw", "speakers": ["ann"], "dictionary": "d.txt"})
    save_config(config, tmp_path / "c.yaml")
    text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
    assert "#   raw_data_dir: a/raw" in text
    assert load_config(tmp_path / "c.yaml").to_dict() == config.to_dict()
