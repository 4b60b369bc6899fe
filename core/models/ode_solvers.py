"""Explicit Runge–Kutta methods on a uniform grid from a start time to 1."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

VelocityField = Callable[[Tensor, float], Tensor]
"""``(x, t)`` -> dx/dt, of the shape of ``x``."""


def _euler(v: VelocityField, x: Tensor, t: float, dt: float) -> Tensor:
    return x + dt * v(x, t)


def _rk2(v: VelocityField, x: Tensor, t: float, dt: float) -> Tensor:
    """The midpoint rule."""
    k1 = v(x, t)
    return x + dt * v(x + dt / 2 * k1, t + dt / 2)


def _rk4(v: VelocityField, x: Tensor, t: float, dt: float) -> Tensor:
    """The classical method."""
    k1 = v(x, t)
    k2 = v(x + dt / 2 * k1, t + dt / 2)
    k3 = v(x + dt / 2 * k2, t + dt / 2)
    k4 = v(x + dt * k3, t + dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _rk5(v: VelocityField, x: Tensor, t: float, dt: float) -> Tensor:
    """Butcher's method with six stages."""
    k1 = v(x, t)
    k2 = v(x + dt / 4 * k1, t + dt / 4)
    k3 = v(x + dt / 8 * (k1 + k2), t + dt / 4)
    k4 = v(x + dt * (k3 - k2 / 2), t + dt / 2)
    k5 = v(x + dt / 16 * (3 * k1 + 9 * k4), t + 3 * dt / 4)
    k6 = v(x + dt / 7 * (-3 * k1 + 2 * k2 + 12 * k3 - 12 * k4 + 8 * k5), t + dt)
    return x + dt / 90 * (7 * k1 + 32 * k3 + 12 * k4 + 32 * k5 + 7 * k6)


METHODS: dict[str, Callable[[VelocityField, Tensor, float, float], Tensor]] = {
    "euler": _euler,
    "rk2": _rk2,
    "rk4": _rk4,
    "rk5": _rk5,
}


def integrate(v: VelocityField, x: Tensor, start: float, *, steps: int, algorithm: str) -> Tensor:
    """``x`` carried along ``v`` from time ``start`` to 1.

    Args:
        v: the velocity field.
        x: state at ``start``, any shape.
        start: time in [0, 1).
        steps: number of steps; 0 returns ``x``.
        algorithm: ``euler`` (1 evaluation per step), ``rk2`` (2), ``rk4`` (4) or ``rk5`` (6).

    Raises:
        ValueError: unknown algorithm.
    """
    if algorithm not in METHODS:
        known = ", ".join(METHODS)
        raise ValueError(f"unknown sampling_algorithm {algorithm!r} (known: {known})")
    step = METHODS[algorithm]
    dt = (1.0 - start) / max(1, steps)
    for i in range(steps):
        x = step(v, x, start + i * dt, dt)
    return x
