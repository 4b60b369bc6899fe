"""Chooses the diffusion core and backbone that a config asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .backbones import build_backbone, choose_backbone
from .ddpm import GaussianDiffusion
from .diffusion import DiffusionCore, Limits
from .reflow import RectifiedFlow
from .sampling import SamplingOptions, trained_start


def build_diffusion(
    config: Mapping[str, Any],
    *,
    section: Mapping[str, Any] | None = None,
    out_dims: int,
    num_feats: int = 1,
    spec_min: Limits,
    spec_max: Limits,
    shallow: bool = False,
) -> DiffusionCore:
    """The diffusion core of an acoustic model or of one predictor of a variance model.

    Args:
        config: the whole config.
        section: nested section that may hold the backbone's keys.
        out_dims: bins per feature.
        num_feats: features that are sampled together.
        spec_min: lower end of the range that is mapped to -1 … 1.
        spec_max: upper end.
        shallow: whether only the last part of the way from noise to data is trained.

    Raises:
        ValueError: unknown ``diffusion_type`` or backbone, or values that make no sense.
    """
    name, args = choose_backbone(config, section)
    backbone = build_backbone(
        name, args, in_dims=out_dims, num_feats=num_feats, hidden_size=config["hidden_size"]
    )
    sampling = SamplingOptions.from_config(config)
    timesteps = config.get("timesteps", 1000)
    kind = config.get("diffusion_type", "ddpm")
    if kind == "reflow":
        return RectifiedFlow(
            backbone,
            out_dims=out_dims,
            num_feats=num_feats,
            spec_min=spec_min,
            spec_max=spec_max,
            t_start=trained_start(config) if shallow else 0.0,
            time_scale_factor=config.get("time_scale_factor", timesteps),
            sampling=sampling,
        )
    if kind == "ddpm":
        return GaussianDiffusion(
            backbone,
            out_dims=out_dims,
            num_feats=num_feats,
            spec_min=spec_min,
            spec_max=spec_max,
            timesteps=timesteps,
            k_step=config.get("K_step", timesteps) if shallow else timesteps,
            schedule_type=config.get("schedule_type", "linear"),
            max_beta=config.get("max_beta", 0.01),
            sampling=sampling,
        )
    raise ValueError(f"unknown diffusion_type {kind!r} (known: reflow, ddpm)")
