"""Discriminators: what a config builds, shapes, gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from singwiz.core.models import build_discriminators
from singwiz.core.models.vocoder.discriminators import MultiPeriodDiscriminator
from singwiz.core.models.vocoder.fast_discriminators import FastMPD, FastMRD, SoftSignGLU
from singwiz.core.models.vocoder.mrd import MultiResolutionDiscriminator


@pytest.mark.parametrize(
    ("config", "families"),
    [
        ({}, {"msd": "MultiScaleDiscriminator", "mpd": "MultiPeriodDiscriminator"}),
        ({"fast_mpd_strides": [4, 4]}, {"mrd": "FastMRD", "mpd": "FastMPD"}),
        (
            {"discriminators": ["mrd", "mpd"]},
            {"mrd": "MultiResolutionDiscriminator", "mpd": "MultiPeriodDiscriminator"},
        ),
    ],
)
def test_a_config_says_who_judges(config: dict[str, Any], families: dict[str, str]):
    built = build_discriminators({"model_args": config})
    assert {name: type(module).__name__ for name, module in built.items()} == families


def test_periods_and_sizes_come_from_the_config():
    config = {"discriminator_periods": [2, 5], "fast_mrd_fft_sizes": [64], "fast_mrd_strides": [2]}
    sizes = {"fast_mrd_hop_sizes": [16], "fast_mrd_win_lengths": [64], "fast_mpd_kernel_size": 5}
    built = build_discriminators({**config, **sizes})
    assert [part.period for part in built["mpd"].discriminators] == [2, 5]
    assert built["mpd"].discriminators[0].residual_layers[0].net[1].kernel_size == (5,)
    assert built["mrd"].discriminators[0].freq_coords.shape == (33, 1, 1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"discriminators": ["judge"]}, "list some of"),
        ({"discriminators": "mpd"}, "list some of"),
        ({"discriminators": ["mpd", "fast_mpd"]}, "exclude each other"),
        ({"discriminators": ["mrd"], "mrd_fft_sizes": [512]}, "same number of entries"),
        (
            {"discriminators": ["mrd"], "mrd_fft_sizes": [8], "mrd_hop_sizes": [2],
             "mrd_win_lengths": [16]},
            "hop <= window <= FFT size",
        ),
        ({"fast_mpd_kernel_size": 4}, "must be odd"),
        ({"fast_mpd_strides": [0]}, "strides must be positive"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit_are_named(config: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        build_discriminators(config)


def test_the_gate_has_its_exact_gradient():
    x = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SoftSignGLU(), (x,))
    a, b = x.chunk(2, -1)
    torch.testing.assert_close(SoftSignGLU()(x), F.softsign(a) * F.softsign(b))
    image = torch.randn(2, 6, 4, 5)
    assert SoftSignGLU(dim=1)(image).shape == (2, 3, 4, 5)


def test_fast_discriminators_give_one_map_less_than_they_have_blocks():
    wave = torch.randn(2, 1, 4096, requires_grad=True)
    for module, features in (
        (FastMPD(periods=[3], strides=[2, 2, 2], init_channel=4), 2),
        (FastMRD(4, [2, 2], [128], [32], [128]), 1),
    ):
        scores, maps = module(wave)
        assert len(scores) == 1
        assert len(maps[0]) == features
        short, same = module(wave, infer_last_layer=False)
        assert short[0].shape != scores[0].shape
        for one, other in zip(maps[0], same[0], strict=True):
            assert torch.equal(one, other)
        scores[0].mean().backward()
        assert wave.grad is not None and wave.grad.abs().sum() > 0
        assert all(parameter.grad is not None for parameter in module.parameters())


def test_any_length_fits_the_periods():
    module = MultiPeriodDiscriminator([2, 3])
    for samples in (60, 61, 62):
        scores, maps = module(torch.randn(1, 1, samples))
        assert [len(part) for part in maps] == [6, 6]
        assert scores[0].shape[0] == 1


def test_silence_is_judged_without_accident():
    silence = torch.zeros(1, 1, 4000)
    for module in (MultiPeriodDiscriminator([2]), FastMPD([2]), FastMRD(),
                   MultiResolutionDiscriminator([256], [64], [256])):  # fmt: skip
        scores, _ = module(silence)
        assert all(torch.isfinite(score).all() for score in scores)
        sum(score.sum() for score in scores).backward()
        assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def test_mixed_precision_judges_and_learns():
    names = ["msd", "mpd", "mrd"]
    sizes = {"fft_sizes": [256], "hop_sizes": [64], "win_lengths": [256]}
    small = {f"mrd_{name}": value for name, value in sizes.items()}
    fast = {f"fast_mrd_{name}": value for name, value in sizes.items()}
    judges = [
        *build_discriminators({"discriminators": names, "discriminator_periods": [2], **small})
        .values(),
        *build_discriminators({"fast_mpd_periods": [2], **fast}).values(),
    ]  # fmt: skip
    wave = 0.1 * torch.randn(1, 1, 4096)
    for judge in judges:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores, _ = judge.train()(wave)
            loss = sum(score.float().square().mean() for score in scores)
        loss.backward()
        assert all(torch.isfinite(parameter.grad).all() for parameter in judge.parameters())
