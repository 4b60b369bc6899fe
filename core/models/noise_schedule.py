"""A discrete noise schedule made continuous, as the ODE solvers for diffusion models need it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

LOWEST_HALF_LOG_SNR = -5.1
"""Below this DPM-Solver's interpolation of a cosine schedule becomes unstable."""


class NoiseLevel(NamedTuple):
    """How much signal and noise there is at one time."""

    time: float
    """0 … 1."""
    alpha: float
    """Factor of the signal."""
    sigma: float
    """Factor of the noise."""
    half_log_snr: float
    """λ = ln(alpha / sigma)."""


@dataclass(frozen=True)
class ContinuousSchedule:
    """ln(alpha) at n/N for n = 1 … N, interpolated linearly."""

    log_alphas: Sequence[float]

    @classmethod
    def from_betas(cls, betas: Tensor, *, trim: bool) -> ContinuousSchedule:
        """The schedule of ``betas`` ``[N]``; ``trim`` drops the noisiest steps."""
        log_alphas = 0.5 * np.cumsum(np.log1p(-betas.double().cpu().numpy()))
        if trim:
            half_log_snr = log_alphas - 0.5 * np.log1p(-np.exp(2 * log_alphas))
            log_alphas = log_alphas[half_log_snr >= LOWEST_HALF_LOG_SNR]
        return cls(tuple(log_alphas.tolist()))

    def __len__(self) -> int:
        return len(self.log_alphas)

    def at(self, time: float) -> NoiseLevel:
        """The noise level at ``time`` in [1/N, 1]."""
        knots = np.arange(1, len(self) + 1) / len(self)
        log_alpha = float(np.interp(time, knots, self.log_alphas))
        log_sigma = 0.5 * math.log1p(-math.exp(2 * log_alpha))
        return NoiseLevel(time, math.exp(log_alpha), math.exp(log_sigma), log_alpha - log_sigma)

    def grid(self, steps: int) -> list[NoiseLevel]:
        """``steps`` + 1 levels, equally spaced in time, from the noisiest to the cleanest."""
        return [self.at(time) for time in np.linspace(1.0, 1.0 / len(self), steps + 1).tolist()]

    def network_time(self, time: float) -> float:
        """The (fractional) step number that the network expects."""
        return time * len(self) - 1.0
