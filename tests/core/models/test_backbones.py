"""Backbones: options that no stored fixture turns on, and choosing one from a config."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from singwiz.core.models.backbones import build_backbone, choose_backbone
from singwiz.core.models.ddpm import cosine_betas
from singwiz.core.models.noise_schedule import ContinuousSchedule

SIZES = {"in_dims": 4, "num_feats": 3, "hidden_size": 6}


@pytest.mark.parametrize("strong", [False, True])
def test_a_strong_condition_is_carried_on_by_the_residual(strong) -> None:
    torch.manual_seed(0)
    args = {"num_layers": 1, "num_channels": 8, "kernel_size": 3, "strong_cond": strong}
    block = build_backbone("lynxnet", args, **SIZES).residual_layers[0]
    x, condition, step = torch.randn(2, 5, 8), torch.randn(2, 5, 8), torch.randn(2, 1, 8)
    carried = x + condition if strong else x
    expected = carried + block.convmodule(x + condition + block.diffusion_projection(step))
    torch.testing.assert_close(block(x, step, condition), expected)


def test_both_shapes_of_the_condition_projection_are_one_map() -> None:
    torch.manual_seed(0)
    plain, cached = (
        build_backbone("lynxnet2", {"num_channels": 8, "use_conditioner_cache": cache}, **SIZES)
        for cache in (False, True)
    )
    cached.conditioner_projection.weight.data = plain.conditioner_projection.weight.unsqueeze(-1)
    cached.conditioner_projection.bias.data = plain.conditioner_projection.bias
    cond = torch.randn(2, 6, 5)
    torch.testing.assert_close(cached.project_condition(cond), plain.project_condition(cond))


@pytest.mark.parametrize("name", ["wavenet", "lynxnet", "lynxnet2"])
def test_features_are_laid_out_one_after_the_other(name) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name, {"num_layers": 1, "num_channels": 8}, **SIZES)
    nn.init.normal_(backbone.output_projection.weight)
    x, cond = torch.randn(2, 3, 4, 5), torch.randn(2, 6, 5)
    y = backbone(x, torch.tensor([3, 7]), cond)
    assert y.shape == x.shape
    # Feature 1, bin 2 is channel 1 · 4 + 2.
    nn.init.zeros_(backbone.output_projection.weight[6:7])
    backbone.output_projection.bias.data[6] = 5.0
    assert backbone(x, torch.tensor([3, 7]), cond)[:, 1, 2].eq(5).all()


@pytest.mark.parametrize("name", ["wavenet", "lynxnet", "lynxnet2"])
def test_one_time_for_all_is_the_same_time_for_each(name) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name, {"num_layers": 1, "num_channels": 8}, **SIZES)
    nn.init.normal_(backbone.output_projection.weight)
    x, cond = torch.randn(2, 3, 4, 5), torch.randn(2, 6, 5)
    torch.testing.assert_close(
        backbone(x, torch.tensor([7.5]), cond), backbone(x, torch.tensor([7.5, 7.5]), cond)
    )


def test_the_nested_section_decides_before_the_root() -> None:
    config = {"backbone_type": "lynxnet", "backbone_args": {"num_layers": 9}}
    assert choose_backbone(config) == ("lynxnet", {"num_layers": 9})
    assert choose_backbone(config, {"backbone_args": {"num_layers": 2}}) == (
        "lynxnet",
        {"num_layers": 2},
    )
    assert choose_backbone(config, {"backbone_type": "lynxnet2"}) == ("lynxnet2", {})


def test_old_configs_name_the_sizes_of_a_wavenet_one_by_one() -> None:
    section = {"residual_layers": 10, "residual_channels": 192, "dilation_cycle_length": None}
    assert choose_backbone({"diff_decoder_type": "wavenet"}, section) == (
        "wavenet",
        {"num_layers": 10, "num_channels": 192},
    )
    assert choose_backbone({}) == ("wavenet", {})


def test_the_cosine_schedule_ends_in_pure_noise() -> None:
    betas = cosine_betas(100)
    assert betas.shape == (100,)
    assert np.all(np.diff(betas) > 0)
    assert betas[-1] == 0.999
    start, half = (np.cos((at + 0.008) / 1.008 * np.pi / 2) ** 2 for at in (0.0, 0.5))
    assert np.prod(1 - betas[:50]) == pytest.approx(half / start)


def test_the_noisiest_steps_are_trimmed_for_dpm_solver_only() -> None:
    betas = torch.from_numpy(cosine_betas(100))
    whole = ContinuousSchedule.from_betas(betas, trim=False)
    trimmed = ContinuousSchedule.from_betas(betas, trim=True)
    assert len(whole) == 100
    assert len(trimmed) < 100
    assert trimmed.at(1.0).half_log_snr >= -5.1 > whole.at(1.0).half_log_snr
    levels = trimmed.grid(8)
    assert levels[-1].time == pytest.approx(1 / len(trimmed))
    assert all(a.half_log_snr < b.half_log_snr for a, b in pairwise(levels))
    assert levels[3].alpha ** 2 + levels[3].sigma ** 2 == pytest.approx(1.0)
