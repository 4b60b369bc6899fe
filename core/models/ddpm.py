"""Denoising diffusion: the network predicts the noise in a mel or curve at a discrete step.

Step 0 is nearly clean, step T-1 nearly pure noise. Ho et al., arXiv 2006.11239.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor, as_tensor, float32

from . import ddpm_samplers as samplers
from .backbones import Backbone
from .diffusion import DiffusionCore, Limits
from .noise_schedule import ContinuousSchedule
from .randomness import GLOBAL_RANDOM, RandomSource
from .sampling import SamplingOptions


def linear_betas(timesteps: int, max_beta: float) -> np.ndarray:
    """Noise added per step, float64 ``[T]``, rising linearly from 1e-4."""
    return np.linspace(1e-4, max_beta, timesteps)


def cosine_betas(timesteps: int) -> np.ndarray:
    """Noise added per step such that the signal falls like a squared cosine, float64 ``[T]``."""
    signal = np.cos((np.linspace(0, 1, timesteps + 1) + 0.008) / 1.008 * math.pi / 2) ** 2
    return np.clip(1 - signal[1:] / signal[:-1], 0, 0.999)


def schedule_tables(betas: np.ndarray) -> dict[str, np.ndarray]:
    """Everything that training and ancestral sampling need of a schedule, float64 ``[T]`` each."""
    alphas = 1.0 - betas
    product = np.cumprod(alphas)
    previous = np.append(1.0, product[:-1])
    variance = betas * (1.0 - previous) / (1.0 - product)
    return {
        "betas": betas,
        "alphas_cumprod": product,
        "alphas_cumprod_prev": previous,
        "sqrt_alphas_cumprod": np.sqrt(product),
        "sqrt_one_minus_alphas_cumprod": np.sqrt(1.0 - product),
        "log_one_minus_alphas_cumprod": np.log(1.0 - product),
        "sqrt_recip_alphas_cumprod": np.sqrt(1.0 / product),
        "sqrt_recipm1_alphas_cumprod": np.sqrt(1.0 / product - 1),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": np.log(np.maximum(variance, 1e-20)),
        "posterior_mean_coef1": betas * np.sqrt(previous) / (1.0 - product),
        "posterior_mean_coef2": (1.0 - previous) * np.sqrt(alphas) / (1.0 - product),
    }


class GaussianDiffusion(DiffusionCore):
    """The diffusion core: training pairs and sampling.

    The schedule is saved with the weights and read back from checkpoints, because a model is only
    good for the schedule that it was trained with.
    """

    betas: Tensor
    alphas_cumprod: Tensor
    sqrt_alphas_cumprod: Tensor
    sqrt_one_minus_alphas_cumprod: Tensor
    sqrt_recip_alphas_cumprod: Tensor
    sqrt_recipm1_alphas_cumprod: Tensor
    posterior_log_variance_clipped: Tensor
    posterior_mean_coef1: Tensor
    posterior_mean_coef2: Tensor

    def __init__(
        self,
        backbone: Backbone,
        *,
        out_dims: int,
        num_feats: int = 1,
        spec_min: Limits,
        spec_max: Limits,
        timesteps: int = 1000,
        k_step: int | None = None,
        schedule_type: str = "linear",
        max_beta: float = 0.01,
        sampling: SamplingOptions | None = None,
    ) -> None:
        """``k_step`` is the number of steps that are trained; all ``timesteps`` if not given."""
        super().__init__(
            out_dims=out_dims,
            num_feats=num_feats,
            spec_min=spec_min,
            spec_max=spec_max,
            save_range=True,
            sampling=sampling,
        )
        self.timesteps = timesteps
        self.k_step = timesteps if k_step is None else k_step
        if not 0 < self.k_step <= timesteps:
            raise ValueError(f"K_step is {k_step}; it has to lie between 1 and {timesteps}")
        if schedule_type == "linear":
            betas = linear_betas(timesteps, max_beta)
        elif schedule_type == "cosine":
            betas = cosine_betas(timesteps)
        else:
            raise ValueError(f"unknown schedule_type {schedule_type!r} (known: linear, cosine)")
        for name, table in schedule_tables(betas).items():
            self.register_buffer(name, as_tensor(table, dtype=float32))
        self.denoise_fn = backbone

    @property
    def backbone(self) -> Backbone:
        """The noise network."""
        return self.denoise_fn

    def q_sample(self, x: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """The clean image ``x`` ``[B, F, M, T]`` with the noise of steps ``t`` ``[B]``."""
        signal = self.sqrt_alphas_cumprod[t][:, None, None, None]
        return signal * x + self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None] * noise

    def forward(
        self, cond: Tensor, target: Tensor, *, random: RandomSource = GLOBAL_RANDOM
    ) -> tuple[Tensor, Tensor]:
        """Predict the noise at a random step per sample.

        Args:
            cond: condition ``[B, T, H]``.
            target: ``[B, T, M]`` or ``[B, F, T, M]``, in its own units.
            random: draws the steps first, then the noise.

        Returns:
            Predicted and true noise ``[B, F, M, T]``.
        """
        data = self.to_image(self.norm_spec(target))
        t = random.integers(self.k_step, len(data), device=data.device)
        noise = random.normal(data.shape, device=data.device)
        x = self.q_sample(data, t, noise)
        return self.denoise_fn(x, t, cond.transpose(1, 2)), noise

    def sample_image(
        self,
        x: Tensor,
        source: Tensor | None,
        condition: object,
        options: SamplingOptions,
        random: RandomSource,
    ) -> Tensor:
        """See :meth:`DiffusionCore.sample_image`."""
        depth = self.timesteps
        if source is not None:
            depth = self.k_step if options.k_step is None else options.k_step
            if options.speedup > 1 and depth % options.speedup:
                raise ValueError(
                    f"a depth of {depth} steps is not a multiple of diff_speedup {options.speedup}"
                )
            depth = min(depth, self.k_step)
            if depth <= 0:
                return source
            if depth < self.timesteps:
                x = self.q_sample(source, as_tensor([depth - 1], device=x.device), x)
        predict = self._noise_predictor(condition)
        if options.speedup <= 1:
            return samplers.ancestral(predict, x, self._posterior(), depth, random)
        if options.accelerator in samplers.STEP_SAMPLERS:
            sampler = samplers.STEP_SAMPLERS[options.accelerator]
            signal = self.alphas_cumprod.double().tolist()
            return sampler(predict, x, signal, depth, options.speedup)
        if options.accelerator in samplers.ODE_SAMPLERS:
            solver = samplers.ODE_SAMPLERS[options.accelerator]
            schedule = ContinuousSchedule.from_betas(
                self.betas[:depth], trim=options.accelerator == "dpm-solver"
            )
            return solver(predict, x, schedule, max(1, depth // options.speedup))
        known = ", ".join([*samplers.STEP_SAMPLERS, *samplers.ODE_SAMPLERS])
        raise ValueError(f"unknown diff_accelerator {options.accelerator!r} (known: {known})")

    def _noise_predictor(self, condition: object) -> Callable[[Tensor, float], Tensor]:
        """The network under one condition."""

        def predict(x: Tensor, t: float) -> Tensor:
            return self.denoise_fn.evaluate(x, x.new_full((1,), t), condition)

        return predict

    def _posterior(self) -> samplers.Posterior:
        return samplers.Posterior(
            x_factor=self.sqrt_recip_alphas_cumprod.tolist(),
            noise_factor=self.sqrt_recipm1_alphas_cumprod.tolist(),
            mean_clean=self.posterior_mean_coef1.tolist(),
            mean_noisy=self.posterior_mean_coef2.tolist(),
            log_variance=self.posterior_log_variance_clipped.tolist(),
        )
