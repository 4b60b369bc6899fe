"""What a user may choose about sampling: method, number of steps, depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def trained_start(config: Mapping[str, Any]) -> float:
    """Flow time from which a shallow model is trained, 0 … 1.

    Configs from before flow models know only ``K_step``, the number of diffusion steps.
    """
    if config.get("T_start") is not None:
        return float(config["T_start"])
    if config.get("K_step") is not None and config.get("timesteps"):
        return 1.0 - config["K_step"] / config["timesteps"]
    return 0.0


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of ``number`` that is at most ``limit``; at least 1."""
    return next(d for d in range(max(1, min(limit, number)), 0, -1) if number % d == 0)


@dataclass(frozen=True)
class SamplingOptions:
    """How to sample. Each diffusion core reads the fields that concern it."""

    algorithm: str = "euler"
    """Flow: ``euler``, ``rk2``, ``rk4`` or ``rk5``."""
    steps: int = 20
    """Flow: number of steps; rk2, rk4 and rk5 evaluate the network 2, 4 and 6 times per step."""
    t_start: float | None = None
    """Flow, shallow: time at which to start, 0 … 1; the trained start if not given."""
    accelerator: str = "ddim"
    """Diffusion: ``ddim``, ``pndm``, ``dpm-solver`` or ``unipc``; unused when ``speedup`` is 1."""
    speedup: int = 10
    """Diffusion: every how many-th step to take; 1 walks through all of them."""
    k_step: int | None = None
    """Diffusion, shallow: step at which to start; the trained depth if not given."""

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        steps: int | None = None,
        depth: float | None = None,
    ) -> SamplingOptions:
        """The options of a config, optionally with a number of steps and a depth for one render.

        Args:
            config: DiffSinger's keys, old names included.
            steps: number of steps to take instead of the config's.
            depth: shallow diffusion only: share of the way that is sampled, 0 (keep the auxiliary
                decoder's mel) … 1 (start from noise). It is limited to what was trained.
        """
        shallow = bool(config.get("use_shallow_diffusion", False))
        timesteps = config.get("timesteps", 1000)
        start = trained_start(config)
        k_step = config.get("K_step_infer", config.get("K_step"))
        speedup = config.get("diff_speedup", config.get("pndm_speedup", 10))
        t_start = config.get("T_start_infer")
        if t_start is None:
            t_start = start
            if config.get("T_start") is None and config.get("K_step_infer") is not None:
                t_start = 1.0 - config["K_step_infer"] / timesteps
        if depth is not None:
            k_step = round(timesteps * depth)
            if config.get("K_step") is not None:
                k_step = min(k_step, config["K_step"])
            t_start = max(1.0 - depth, start)
        sampled = timesteps
        if shallow and k_step is not None:
            sampled = min(k_step, config.get("K_step", timesteps))
        if steps is None:
            steps = config.get("sampling_steps")
            if steps is None:
                steps = sampled // max(1, speedup)
            if depth is not None and speedup > 1:
                speedup = largest_divisor(sampled, speedup)
        else:
            speedup = largest_divisor(sampled, round(sampled / max(1, steps)))
        return cls(
            algorithm=config.get("sampling_algorithm", "euler"),
            steps=steps,
            t_start=t_start,
            accelerator=config.get("diff_accelerator", "ddim"),
            speedup=speedup,
            k_step=k_step,
        )
