"""Rectified flow: the network predicts the velocity of a straight way from noise to data.

Time runs from 0 (noise) to 1 (data). Liu et al., "Flow Straight and Fast", arXiv 2209.03003.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .backbones import Backbone
from .diffusion import DiffusionCore, Limits
from .ode_solvers import integrate
from .randomness import GLOBAL_RANDOM, RandomSource
from .sampling import SamplingOptions


class RectifiedFlow(DiffusionCore):
    """The flow core: training pairs and sampling."""

    def __init__(
        self,
        backbone: Backbone,
        *,
        out_dims: int,
        num_feats: int = 1,
        spec_min: Limits,
        spec_max: Limits,
        t_start: float = 0.0,
        time_scale_factor: float = 1000,
        sampling: SamplingOptions | None = None,
    ) -> None:
        """``t_start`` is the earliest time that is trained; the network sees scaled times."""
        super().__init__(
            out_dims=out_dims,
            num_feats=num_feats,
            spec_min=spec_min,
            spec_max=spec_max,
            save_range=False,
            sampling=sampling,
        )
        if not 0.0 <= t_start <= 1.0:
            raise ValueError(f"T_start is {t_start}; it has to lie between 0 and 1")
        self.t_start = t_start
        self.time_scale_factor = time_scale_factor
        self.velocity_fn = backbone

    @property
    def backbone(self) -> Backbone:
        """The velocity network."""
        return self.velocity_fn

    def forward(
        self, cond: Tensor, target: Tensor, *, random: RandomSource = GLOBAL_RANDOM
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the velocity at a random time per sample.

        Args:
            cond: condition ``[B, T, H]``.
            target: ``[B, T, M]`` or ``[B, F, T, M]``, in its own units.
            random: draws the times first, then the noise.

        Returns:
            Predicted and true velocity ``[B, F, M, T]`` and the times ``[B]`` in [T_start, 1).
        """
        data = self.to_image(self.norm_spec(target))
        t = self.t_start + (1.0 - self.t_start) * random.uniform(len(data), device=data.device)
        noise = random.normal(data.shape, device=data.device)
        velocity = data - noise
        x = noise + t[:, None, None, None] * velocity
        predicted = self.velocity_fn(x, self.time_scale_factor * t, cond.transpose(1, 2))
        return predicted, velocity, t

    def sample_image(
        self,
        x: Tensor,
        source: Tensor | None,
        condition: object,
        options: SamplingOptions,
        random: RandomSource,
    ) -> Tensor:
        """See :meth:`DiffusionCore.sample_image`."""
        start = 0.0
        if source is not None:
            # Times before the trained start mean nothing to the network.
            start = self.t_start if options.t_start is None else options.t_start
            start = max(start, self.t_start)
            x = start * source + (1.0 - start) * x if start < 1.0 else source
        if start >= 1.0:
            return x
        return integrate(
            self._velocity(condition), x, start, steps=options.steps, algorithm=options.algorithm
        )

    def _velocity(self, condition: object) -> Callable[[Tensor, float], Tensor]:
        """The velocity field under one condition."""

        def velocity(x: Tensor, t: float) -> Tensor:
            return self.velocity_fn.evaluate(
                x, x.new_full((1,), self.time_scale_factor * t), condition
            )

        return velocity
