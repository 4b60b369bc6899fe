"""Complaints about inputs that a model needs and did not get."""

from __future__ import annotations

from torch import Tensor


def needed(name: str, value: Tensor | None) -> Tensor:
    """``value``, which the configuration of this model makes mandatory.

    Raises:
        ValueError: it is None.
    """
    if value is None:
        raise ValueError(f"this model needs the input {name!r}")
    return value
