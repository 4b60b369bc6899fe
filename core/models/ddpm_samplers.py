"""Samplers for denoising diffusion: from a noisy image to a clean one.

All of them call ``predict(x, t)``, the network's estimate of the noise in ``x`` at step ``t``.
Coefficients are Python floats (float64), computed before the first evaluation, so that sampling
on a GPU never waits for the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .noise_schedule import ContinuousSchedule, NoiseLevel
from .randomness import RandomSource

NoisePredictor = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Posterior:
    """Tables ``[T]`` of the distribution of step t-1 given step t and the noise in it."""

    x_factor: Sequence[float]
    noise_factor: Sequence[float]
    mean_clean: Sequence[float]
    mean_noisy: Sequence[float]
    log_variance: Sequence[float]


def ancestral(
    predict: NoisePredictor, x: Tensor, tables: Posterior, depth: int, random: RandomSource
) -> Tensor:
    """All steps from ``depth`` - 1 down to 0, with fresh noise at each (DDPM)."""
    for t in reversed(range(depth)):
        clean = tables.x_factor[t] * x - tables.noise_factor[t] * predict(x, t)
        mean = tables.mean_clean[t] * clean + tables.mean_noisy[t] * x
        # Also drawn at step 0, where it is not used: seeds keep their meaning across versions.
        noise = random.normal(x.shape, device=x.device)
        x = mean + math.exp(0.5 * tables.log_variance[t]) * noise if t > 0 else mean
    return x


def ddim(
    predict: NoisePredictor, x: Tensor, signal: Sequence[float], depth: int, speedup: int
) -> Tensor:
    """Every ``speedup``-th step, deterministic (arXiv 2010.02502).

    The step at t = 0 would lead from 0 to 0: it is left out, and with it one evaluation.

    Args:
        predict: noise predictor.
        x: image at step ``depth`` - 1.
        signal: cumulative product of alphas ``[T]``.
        depth: number of steps to undo.
        speedup: stride.
    """
    for t in reversed(range(speedup, depth, speedup)):
        now, then = signal[t], signal[t - speedup]
        change = math.sqrt((1 - then) / then) - math.sqrt((1 - now) / now)
        x = math.sqrt(then) * (x / math.sqrt(now) + change * predict(x, t))
    return x


def pndm(
    predict: NoisePredictor, x: Tensor, signal: Sequence[float], depth: int, speedup: int
) -> Tensor:
    """Pseudo linear multistep over every ``speedup``-th step (arXiv 2202.09778).

    Arguments as for :func:`ddim`.
    """

    def transfer(x: Tensor, noise: Tensor, t: int) -> Tensor:
        now, then = signal[t], signal[t - speedup]
        x_factor = 1 / (math.sqrt(now) * (math.sqrt(now) + math.sqrt(then)))
        noise_factor = 1 / (
            math.sqrt(now) * (math.sqrt((1 - then) * now) + math.sqrt((1 - now) * then))
        )
        return x + (then - now) * (x_factor * x - noise_factor * noise)

    history: list[Tensor] = []
    for t in reversed(range(speedup, depth, speedup)):
        e = predict(x, t)
        if not history:
            mixed = (e + predict(transfer(x, e, t), t - speedup)) / 2
        elif len(history) == 1:
            mixed = (3 * e - history[-1]) / 2
        elif len(history) == 2:
            mixed = (23 * e - 16 * history[-1] + 5 * history[-2]) / 12
        else:
            mixed = (55 * e - 59 * history[-1] + 37 * history[-2] - 9 * history[-3]) / 24
        x = transfer(x, mixed, t)
        history = [*history[-2:], e]
    return x


def _data_predictor(
    predict: NoisePredictor, schedule: ContinuousSchedule
) -> Callable[[Tensor, NoiseLevel], Tensor]:
    """The network's estimate of the clean image."""

    def clean(x: Tensor, level: NoiseLevel) -> Tensor:
        noise = predict(x, schedule.network_time(level.time))
        return (x - level.sigma * noise) / level.alpha

    return clean


def dpm_solver(
    predict: NoisePredictor, x: Tensor, schedule: ContinuousSchedule, steps: int
) -> Tensor:
    """DPM-Solver++(2M) in ``steps`` evaluations (arXiv 2211.01095).

    With fewer than ten steps the last one is of first order, which is more stable.
    """
    clean = _data_predictor(predict, schedule)
    levels = schedule.grid(steps)
    newest, older = clean(x, levels[0]), None
    for k in range(1, steps + 1):
        before, now = levels[k - 1], levels[k]
        h = now.half_log_snr - before.half_log_snr
        direction = newest
        if older is not None and not (k == steps and steps < 10):
            r = (before.half_log_snr - levels[k - 2].half_log_snr) / h
            direction = newest + (newest - older) / (2 * r)
        x = now.sigma / before.sigma * x - now.alpha * math.expm1(-h) * direction
        if k < steps:
            newest, older = clean(x, now), newest
    return x


def unipc(predict: NoisePredictor, x: Tensor, schedule: ContinuousSchedule, steps: int) -> Tensor:
    """UniPC of second order with B(h) = exp(-h) - 1 in ``steps`` evaluations (arXiv 2302.04867).

    Each evaluation at a predicted point also corrects that point; the last point is not corrected.
    """
    clean = _data_predictor(predict, schedule)
    levels = schedule.grid(steps)
    newest, older = clean(x, levels[0]), None
    for k in range(1, steps + 1):
        before, now = levels[k - 1], levels[k]
        h = now.half_log_snr - before.half_log_snr
        b = math.expm1(-h)
        base = now.sigma / before.sigma * x - now.alpha * b * newest
        if k == steps:
            return base
        if older is None:
            predicted = clean(base, now)
            x = base - now.alpha * b * 0.5 * (predicted - newest)
        else:
            r = (levels[k - 2].half_log_snr - before.half_log_snr) / h
            slope = (older - newest) / r
            predicted = clean(base - now.alpha * b * 0.5 * slope, now)
            # Solves [[1, 1], [r, 1]] ρ = [f1 / b, 2 f2 / b].
            f1 = b / -h - 1
            f2 = f1 / -h - 0.5
            first, second = f1 / b, 2 * f2 / b
            rho_slope = (second - first) / (r - 1)
            rho_new = first - rho_slope
            x = base - now.alpha * b * (rho_slope * slope + rho_new * (predicted - newest))
        newest, older = predicted, newest
    return x


STEP_SAMPLERS = {"ddim": ddim, "pndm": pndm}
"""Samplers that stay on the discrete steps."""

ODE_SAMPLERS = {"dpm-solver": dpm_solver, "unipc": unipc}
"""Samplers that solve the equivalent ODE in continuous time."""
