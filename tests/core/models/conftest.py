"""Tiny models and batches, big enough to go through every part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from singwiz.core.models.regulators import owners_from_durations

SHARED = {
    "hidden_size": 16,
    "enc_layers": 2,
    "num_heads": 2,
    "enc_ffn_kernel_size": 3,
    "ffn_act": "gelu",
    "dropout": 0.1,
    "use_pos_embed": True,
    "use_rope": True,
    "rope_interleaved": True,
    "diffusion_type": "reflow",
    "timesteps": 40,
    "time_scale_factor": 1000,
    "sampling_algorithm": "euler",
    "sampling_steps": 3,
}

LYNXNET2 = {
    "backbone_type": "lynxnet2",
    "backbone_args": {"num_layers": 2, "num_channels": 12, "kernel_size": 5},
}

ACOUSTIC = {
    **SHARED,
    **LYNXNET2,
    "audio_num_mel_bins": 8,
    "spec_min": [-12.0],
    "spec_max": [0.0],
    "use_stretch_embed": True,
    "use_variance_scaling": True,
}

SHALLOW = {
    "use_shallow_diffusion": True,
    "T_start": 0.4,
    "T_start_infer": 0.4,
    "K_step": 24,
    "K_step_infer": 24,
    "shallow_diffusion_args": {
        "train_aux_decoder": True,
        "train_diffusion": True,
        "val_gt_start": False,
        "aux_decoder_arch": "convnext",
        "aux_decoder_args": {"num_channels": 12, "num_layers": 1, "kernel_size": 3},
        "aux_decoder_grad": 0.1,
    },
}

EVERYTHING = {
    **SHALLOW,
    "use_lang_id": True,
    "num_lang": 2,
    "use_spk_id": True,
    "num_spk": 3,
    "use_mix_ln": True,
    "mix_ln_layer": [0],
    "use_key_shift_embed": True,
    "use_speed_embed": True,
    **{f"use_{name}_embed": True for name in ("energy", "breathiness", "voicing", "tension")},
}

VARIANCE = {
    **SHARED,
    **LYNXNET2,
    "use_stretch_embed": True,
    "use_variance_scaling": True,
    "use_melody_encoder": True,
    "melody_encoder_args": {"hidden_size": 8, "enc_layers": 1},
    "predict_dur": True,
    "predict_pitch": True,
    **{f"predict_{name}": True for name in ("energy", "breathiness", "voicing", "tension")},
    "dur_prediction_args": {
        "arch": "resnet",
        "hidden_size": 12,
        "num_layers": 2,
        "kernel_size": 3,
        "dropout": 0.1,
        "log_offset": 1.0,
        "loss_type": "mse",
        "lambda_pdur_loss": 0.3,
        "lambda_wdur_loss": 1.0,
        "lambda_sdur_loss": 3.0,
    },
    "pitch_prediction_args": {
        "pitd_norm_min": -8.0,
        "pitd_norm_max": 8.0,
        "pitd_clip_min": -12.0,
        "pitd_clip_max": 12.0,
        "repeat_bins": 4,
    },
    "variances_prediction_args": {"total_repeat_bins": 16},
    "energy_db_min": -96.0,
    "energy_db_max": -12.0,
    "breathiness_db_min": -96.0,
    "breathiness_db_max": -20.0,
    "voicing_db_min": -96.0,
    "voicing_db_max": -12.0,
    "tension_logit_min": -10.0,
    "tension_logit_max": 10.0,
}
for _section in ("pitch_prediction_args", "variances_prediction_args"):
    VARIANCE[_section] = {**VARIANCE[_section], **LYNXNET2}

TEMPLATES = {"acoustic": ACOUSTIC, "everything": {**ACOUSTIC, **EVERYTHING}, "variance": VARIANCE}

VOCAB_SIZE = 11


@pytest.fixture
def config() -> Callable[..., dict[str, Any]]:
    """``config("acoustic", key=value, …)``: a template with some keys changed."""
    return lambda template, **changes: {**TEMPLATES[template], **changes}


@pytest.fixture
def vocab_size() -> int:
    return VOCAB_SIZE


@pytest.fixture
def shuffle_weights() -> Callable[[nn.Module], nn.Module]:
    """Gives weights that start at 0 or 1e-6 a value that shows; biases of norms stay 0."""

    def shuffled(model: nn.Module) -> nn.Module:
        torch.manual_seed(3)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "output_projection" in name or name.endswith("gamma"):
                    parameter.copy_(torch.randn_like(parameter) * 0.3)
        return model

    return shuffled


def _tokens(lengths: list[int]) -> Tensor:
    tokens = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = torch.randint(1, VOCAB_SIZE, (length,))
    return tokens


def _curves(frames: int, mel2ph: Tensor) -> dict[str, Tensor]:
    real = (mel2ph > 0).float()
    levels = {"energy": -30.0, "breathiness": -50.0, "voicing": -35.0, "tension": 1.0}
    return {
        name: (level + torch.randn(len(mel2ph), frames)) * real for name, level in levels.items()
    }


@pytest.fixture
def acoustic_batch() -> Callable[..., dict[str, Tensor]]:
    """``acoustic_batch([[3, 2], [4]])``: inputs for phonemes of these lengths in frames."""

    def batch(durations: list[list[int]]) -> dict[str, Tensor]:
        torch.manual_seed(5)
        tokens = _tokens([len(row) for row in durations])
        ph_dur = torch.zeros_like(tokens)
        for target, row in zip(ph_dur, durations, strict=True):
            target[: len(row)] = torch.tensor(row)
        mel2ph = owners_from_durations(ph_dur)
        size, frames = mel2ph.shape
        real = (mel2ph > 0).float()
        return {
            "txt_tokens": tokens,
            "mel2ph": mel2ph,
            "f0": (200 + 100 * torch.rand(size, frames)) * real,
            "languages": (tokens > 0).long(),
            "spk_embed_id": torch.arange(size) % 3,
            "key_shift": torch.randn(size, 1),
            "speed": torch.rand(size, 1) + 0.5,
            **_curves(frames, mel2ph),
            "gt_mel": (torch.rand(size, frames, 8) * -10) * real.unsqueeze(-1),
        }

    return batch


@pytest.fixture
def variance_batch() -> dict[str, Any]:
    """Two songs: three words of 10 and 7 frames; every input that the variance model knows."""
    torch.manual_seed(7)
    tokens = _tokens([4, 3])
    ph_dur = torch.tensor([[2, 3, 1, 4], [3, 2, 2, 0]])
    mel2ph = owners_from_durations(ph_dur)
    size, frames = mel2ph.shape
    note_dur = torch.tensor([[5, 5], [7, 0]])
    names = ("energy", "breathiness", "voicing", "tension")
    return {
        "txt_tokens": tokens,
        "languages": (tokens > 0).long(),
        "ph2word": torch.tensor([[1, 2, 2, 3], [1, 1, 2, 0]]),
        "midi": torch.tensor([[60, 60, 62, 62], [55, 55, 57, 0]]),
        "ph_dur": ph_dur,
        "word_dur": torch.tensor([[2, 4, 4], [5, 2, 0]]),
        "mel2ph": mel2ph,
        "note_midi": torch.tensor([[60.0, 62.5], [55.0, -1.0]]),
        "note_rest": torch.tensor([[False, True], [False, True]]),
        "note_dur": note_dur,
        "note_glide": torch.tensor([[0, 1], [2, 0]]),
        "mel2note": owners_from_durations(note_dur),
        "base_pitch": 60 + torch.randn(size, frames),
        "pitch": 60 + torch.randn(size, frames),
        "pitch_retake": torch.rand(size, frames) > 0.5,
        "variance_retake": {name: torch.rand(size, frames) > 0.5 for name in names},
        "spk_id": torch.tensor([0, 1]),
        **_curves(frames, mel2ph),
    }


@pytest.fixture
def one_sample() -> Callable[..., dict[str, Any]]:
    """``one_sample(batch, row, phonemes, frames)``: one song of a batch without its padding."""

    def cut(batch: Mapping[str, Tensor], row: int, phonemes: int, frames: int) -> dict[str, Tensor]:
        padded = {batch["txt_tokens"].shape[1]: phonemes, batch["mel2ph"].shape[1]: frames}
        result = {}
        for name, value in batch.items():
            value = value[row : row + 1]
            if value.dim() > 1 and value.shape[1] in padded:
                value = value[:, : padded[value.shape[1]]]
            result[name] = value
        return result

    return cut
