"""The sampling loops inside the graphs: what comes before the first turn, one turn, and after.

Euler steps for rectified flows, DDIM or ancestral steps for denoising diffusion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...models.backbones import Backbone
from ...models.ddpm import GaussianDiffusion
from ...models.diffusion import DiffusionCore
from ...models.reflow import RectifiedFlow
from ...models.sampling import largest_divisor
from .parts import Loop

_noise: Callable[[Tensor], Tensor] = torch.randn_like


@contextmanager
def replaced_noise(noise: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let the graphs draw no noise but compute it, so that two of them can be compared.

    Args:
        noise: gives a tensor of the shape of its argument.
    """
    global _noise
    before, _noise = _noise, noise
    try:
        yield
    finally:
        _noise = before


def drawn(like: Tensor) -> Tensor:
    """Standard normal noise of the shape of ``like``, drawn anew at every call of the file."""
    return _noise(like)


class _Network(nn.Module):
    """The backbone with its condition as one tensor.

    Backbones project the condition once per render, some of them to one tensor per layer.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def condition(self, cond: Tensor) -> Tensor:
        """``[1, T, H]`` -> ``[1, T, C]``, or ``[layers, 1, C, T]``."""
        projected: Any = self.backbone.project_condition(cond.transpose(1, 2))
        return torch.stack(projected) if isinstance(projected, list) else projected

    def evaluate(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """``x`` ``[1, F, M, T]``, ``t`` ``[1]`` -> ``[1, F, M, T]``."""
        local: Any = list(condition.unbind(0)) if condition.dim() == 4 else condition
        return self.backbone.evaluate(x, t, local)


class _Euler(nn.Module):
    """One step along a flow."""

    def __init__(self, network: _Network, time_scale: float) -> None:
        super().__init__()
        self.network = network
        self.time_scale = time_scale

    def forward(
        self, turn: Tensor, x: Tensor, condition: Tensor, start: Tensor, width: Tensor
    ) -> Tensor:
        t = start + width * turn.float()
        return x + width * self.network.evaluate(x, self.time_scale * t, condition)


class _Tables(nn.Module):
    """Numbers of a noise schedule, looked up by step."""

    root: Tensor
    ratio: Tensor
    x_factor: Tensor
    noise_factor: Tensor
    mean_clean: Tensor
    mean_noisy: Tensor
    deviation: Tensor

    def __init__(self, network: _Network, core: GaussianDiffusion) -> None:
        super().__init__()
        self.network = network
        signal = core.alphas_cumprod.double()
        deviation = torch.exp(0.5 * core.posterior_log_variance_clipped)
        deviation[0] = 0.0
        tables = {
            "root": signal.sqrt().float(),
            "ratio": ((1 - signal) / signal).sqrt().float(),
            "x_factor": core.sqrt_recip_alphas_cumprod,
            "noise_factor": core.sqrt_recipm1_alphas_cumprod,
            "mean_clean": core.posterior_mean_coef1,
            "mean_noisy": core.posterior_mean_coef2,
            "deviation": deviation,
        }
        for name, table in tables.items():
            self.register_buffer(name, table.detach().clone(), persistent=False)


class _Ancestral(_Tables):
    """One step back with fresh noise (DDPM)."""

    def forward(self, turn: Tensor, x: Tensor, condition: Tensor, depth: Tensor) -> Tensor:
        t = depth - 1 - turn
        noise = self.network.evaluate(x, t.float(), condition)
        clean = self.x_factor[t] * x - self.noise_factor[t] * noise
        mean = self.mean_clean[t] * clean + self.mean_noisy[t] * x
        return mean + self.deviation[t] * drawn(x)


class _Ddim(_Tables):
    """One stride back, deterministic."""

    def forward(
        self, turn: Tensor, x: Tensor, condition: Tensor, depth: Tensor, stride: Tensor
    ) -> Tensor:
        t = depth - stride * (turn + 1)
        then = t - stride
        noise = self.network.evaluate(x, t.float(), condition)
        change = self.ratio[then] - self.ratio[t]
        return self.root[then] * (x / self.root[t] + change * noise)


class Sampler(nn.Module):
    """Noise (and a coarse image) to image, with the number of steps as an input.

    Args:
        core: the trained diffusion core.

    Attributes:
        state: names of what :meth:`begin` gives.
        loops: what to repeat.
    """

    state: tuple[str, ...]
    loops: tuple[Loop, ...]
    divisors: Tensor

    def __init__(self, core: DiffusionCore) -> None:
        super().__init__()
        self.core = core
        self.network = _Network(core.backbone)
        if isinstance(core, RectifiedFlow):
            self.state = ("x", "condition", "start", "width", "turns")
            step = _Euler(self.network, float(core.time_scale_factor))
            self.loops = (Loop(step, ("condition", "start", "width"), "turns"),)
            return
        assert isinstance(core, GaussianDiffusion)
        self.state = ("x", "condition", "depth_steps", "stride", "single_turns", "stride_turns")
        self.loops = (
            Loop(_Ancestral(self.network, core), ("condition", "depth_steps"), "single_turns"),
            Loop(_Ddim(self.network, core), ("condition", "depth_steps", "stride"), "stride_turns"),
        )
        limits = range(1, core.timesteps + 1)
        divisors = [1, *(largest_divisor(core.timesteps, limit) for limit in limits)]
        self.register_buffer("divisors", torch.tensor(divisors), persistent=False)

    def begin(
        self,
        cond: Tensor,
        steps: Tensor,
        source: Tensor | None = None,
        depth: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """The state before the first turn.

        Args:
            cond: condition ``[1, T, H]``.
            steps: int64, one number of any shape.
            source: coarse target in its own units ``[1, T, M]``, with shallow diffusion.
            depth: float, one number 0 … 1 of any shape, with shallow diffusion.
        """
        core = self.core
        # As long as the condition of each call, not as that of the example.
        frames = cond[:, :, :1].reshape(1, 1, 1, -1)
        x = drawn(frames.expand(1, core.num_feats, core.out_dims, -1))
        image = None if source is None else core.to_image(core.norm_spec(source))
        condition = self.network.condition(cond)
        count = steps.reshape(-1)
        if isinstance(core, RectifiedFlow):
            return (*self._begin_flow(core, x, image, condition, count, depth),)
        assert isinstance(core, GaussianDiffusion)
        return (*self._begin_diffusion(core, x, image, condition, count, depth),)

    @staticmethod
    def _begin_flow(
        core: RectifiedFlow,
        x: Tensor,
        image: Tensor | None,
        condition: Tensor,
        count: Tensor,
        depth: Tensor | None,
    ) -> tuple[Tensor, ...]:
        start = torch.zeros(1)
        if image is not None and depth is not None:
            start = (1.0 - depth.reshape(-1)).clamp(min=core.t_start, max=1.0)
            x = start * image + (1.0 - start) * x
            # Where nothing is left to do no step is taken: the coarse mel comes out untouched.
            count = count * (start < 1.0).long()
        width = (1.0 - start) / count.clamp(min=1).float()
        return x, condition, start, width, count[0]

    def _begin_diffusion(
        self,
        core: GaussianDiffusion,
        x: Tensor,
        image: Tensor | None,
        condition: Tensor,
        count: Tensor,
        depth: Tensor | None,
    ) -> tuple[Tensor, ...]:
        count = count.clamp(min=1)
        if image is not None and depth is not None:
            wanted = torch.round(depth.reshape(-1) * core.timesteps).long()
            wanted = wanted.clamp(min=0, max=core.k_step)
            stride = torch.div(wanted, count, rounding_mode="floor").clamp(min=1)
            end = torch.div(wanted, stride, rounding_mode="floor") * stride
            last = (end - 1).clamp(min=0)
            noisy = (
                core.sqrt_alphas_cumprod[last] * image
                + core.sqrt_one_minus_alphas_cumprod[last] * x
            )
            # From the very end of the way the coarse image does not matter.
            x = torch.where(end >= core.timesteps, x, noisy)
            x = torch.where(end <= 0, image, x)
        else:
            end = torch.full_like(count, core.timesteps)
            stride = self.divisors[torch.div(end, count, rounding_mode="floor").clamp(min=1)]
        single = (stride == 1).long()
        strides = torch.div(end, stride, rounding_mode="floor") - 1
        return (
            x,
            condition,
            end,
            stride,
            (end * single)[0],
            (strides.clamp(min=0) * (1 - single))[0],
        )

    def finish(self, x: Tensor) -> Tensor:
        """The normalised image as target, ``[1, T, M]`` or ``[1, F, T, M]``, in its own units."""
        return self.core.denorm_spec(self.core.to_spec(x))


def smoothing_taps(width: float, dt: float) -> np.ndarray | None:
    """The half-sine window with which base pitch is smoothed; None if it is too short to matter."""
    taps = round(width / dt)
    if taps <= 2:
        return None
    kernel = np.sin(np.pi * np.arange(taps) / (taps - 1)).astype(np.float32)
    return kernel / kernel.sum()
