"""Configs of vocoders made elsewhere: SingingVocoders' YAML and HiFi-GAN's JSON.

SingingVocoders counts every batch as two steps, names a learning-rate schedule that it does not
have, and carries keys that it never reads. HiFi-GAN has one flat map. Both become our keys here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..findings import Finding, Place, Severity
from .vocoder_keys import GENERATOR_KEYS

SCHEDULES = ("constant", "exponential", "warmup")
"""Learning-rate schedules of a vocoder training."""

IGNORED = {
    "clip_grad_norm": "gradients of vocoders are not clipped",
    "accumulate_grad_batches": "every batch is a step",
    "sampler_frame_count_grid": "all clips have the same length",
    "raw_data_dir": "recordings are listed under 'datasets' or 'data_input_path'",
    "test_prefixes": "they belong to the entries of 'datasets'",
    "aug_num": "copies are made while training",
    "binarizer_cls": "there is one way to prepare a vocoder's data",
}
"""Keys of SingingVocoders' configs that its vocoder training never read."""

_COUNTS = ("max_updates", "log_interval", "permanent_ckpt_start", "permanent_ckpt_interval")
_PERIODS_OF_HIFIGAN = [2, 3, 5, 7, 11]


def is_hifigan(data: Mapping[str, Any]) -> bool:
    """True for the content of a HiFi-GAN ``config_v1.json``."""
    return "upsample_rates" in data and "model_args" not in data


def from_hifigan(data: Mapping[str, Any]) -> dict[str, Any]:
    """A HiFi-GAN config in our keys, with the intervals that its training script has.

    Keys that are ours already (``data_input_path``, ``binary_data_dir``, …) are kept, and so are
    the script's own arguments ``input_wavs_dir``, ``input_training_file`` and
    ``input_validation_file`` where they were added to the file.
    """
    optimizer = {
        "optimizer_cls": "torch.optim.AdamW",
        "lr": data.get("learning_rate", 0.0002),
        "beta1": data.get("adam_b1", 0.8),
        "beta2": data.get("adam_b2", 0.99),
        "weight_decay": 0.01,
    }
    hop = data.get("hop_size") or 256
    segment = data.get("segment_size") or 8192
    model = {name: data[name] for name in GENERATOR_KEYS if data.get(name) is not None}
    renamed = {
        "audio_sample_rate": "sampling_rate",
        "audio_num_mel_bins": "num_mels",
        "fft_size": "n_fft",
        "ds_workers": "num_workers",
    }
    result: dict[str, Any] = {
        "task_cls": "hifigan",
        "gan_recipe": "hifigan",
        "step_unit": "batch",
        "model_args": {
            **model,
            "mini_nsf": False,
            "noise_sigma": 0.0,
            "discriminator_periods": data.get("discriminator_periods", _PERIODS_OF_HIFIGAN),
        },
        **{ours: data[theirs] for ours, theirs in renamed.items() if theirs in data},
        "crop_mel_frames": segment // hop if isinstance(segment, int) else segment,
        "generater_optimizer_args": dict(optimizer),
        "discriminate_optimizer_args": dict(optimizer),
        "lr_scheduler_args": {
            "scheduler_cls": "exponential",
            "gamma": data.get("lr_decay", 0.999),
        },
        "peak_normalise": True,
        "volume_aug": False,
        "log_interval": 100,
        "val_check_interval": 1000,
        "num_valid_plots": 5,
        "max_updates": 2500000,
        "permanent_ckpt_start": 5000,
        "permanent_ckpt_interval": 5000,
        "seed": data.get("seed", 1234),
    }
    if data.get("input_wavs_dir"):
        result["data_input_path"] = [data["input_wavs_dir"]]
    used = {
        *GENERATOR_KEYS, *renamed.values(), "discriminator_periods", "learning_rate", "adam_b1",
        "adam_b2", "lr_decay", "segment_size", "num_gpus", "num_freq", "dist_config",
        "input_wavs_dir",
    }  # fmt: skip
    result.update({name: value for name, value in data.items() if name not in used})
    return result


def modernise_vocoder(data: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
    """Rewrite a merged vocoder config in place.

    Returns:
        Notes on what was changed, and the keys concerned with their old values.
    """
    findings: list[Finding] = []
    original: dict[str, Any] = {}

    def note(name: str, what: str) -> None:
        original[name] = data.get(name)
        findings.append(
            Finding(
                "config-old-key",
                Severity.NOTE,
                f"'{name}' is SingingVocoders': {what}.",
                place=Place(symbol=name),
            )
        )

    if data.get("gan_recipe") is None:
        data["gan_recipe"] = "fast" if "fast" in str(data.get("task_cls")).lower() else "nsf"
    # A config without any class was written for singwiz.
    if data.get("step_unit") is None:
        data["step_unit"] = "optimizer" if data.get("task_cls") else "batch"
    if data["step_unit"] == "optimizer":
        for name in _COUNTS:
            value = data.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 1:
                note(name, f"there every batch counts twice, so {value} are {value // 2} steps")
                data[name] = value // 2
        data["step_unit"] = "batch"
    if data.get("lab_aux_loss") is not None:
        note("lab_aux_loss", "today it is 'lab_aux_melloss'")
        value = data.pop("lab_aux_loss")
        data.setdefault("lab_aux_melloss", value)
    schedule = data.get("lr_scheduler_args")
    named = schedule.get("scheduler_cls") if isinstance(schedule, Mapping) else None
    if named is not None and str(named).startswith("lr_scheduler."):
        note("lr_scheduler_args", f"it has no schedule '{named}'; the learning rate stays the same")
        data["lr_scheduler_args"] = {"scheduler_cls": "constant"}
    for name, why in IGNORED.items():
        if data.get(name) not in (None, "", [], {}):
            note(name, f"it never had an effect; {why}")
        data.pop(name, None)
    return findings, original
