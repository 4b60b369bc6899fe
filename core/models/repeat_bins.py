"""Lets a diffusion core, made for spectrograms, predict curves.

A curve is repeated over R bins to make an image. The core predicts all bins, each from noise of
its own, and their mean is the curve: averaging makes it smoother than one bin would be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .condition import VARIANCES
from .diffusion import Limits


@dataclass(frozen=True)
class RepeatBins:
    """Translates between F curves and the target of a diffusion core."""

    num_bins: int
    """Bins per curve, R."""
    low: tuple[float, ...]
    """Value that is mapped to -1, per curve."""
    high: tuple[float, ...]
    """Value that is mapped to 1, per curve."""
    clip: tuple[tuple[float, float], ...]
    """Smallest and largest value, per curve; it need not be ``low`` and ``high``."""

    @classmethod
    def for_pitch(cls, config: Mapping[str, Any]) -> RepeatBins:
        """Deviation from the base pitch in semitones, from ``pitch_prediction_args``."""
        args = config["pitch_prediction_args"]
        return cls(
            num_bins=args["repeat_bins"],
            low=(args["pitd_norm_min"],),
            high=(args["pitd_norm_max"],),
            clip=((args["pitd_clip_min"], args["pitd_clip_max"]),),
        )

    @classmethod
    def for_variances(cls, config: Mapping[str, Any], names: Sequence[str]) -> RepeatBins:
        """The curves ``names``, which share ``total_repeat_bins``.

        Raises:
            ValueError: the bins cannot be shared equally.
        """
        args = config["variances_prediction_args"]
        total = args.get("total_repeat_bins", args.get("repeat_bins", 0) * len(names))
        if total <= 0 or total % len(names):
            raise ValueError(
                f"total_repeat_bins {total} cannot be shared by {len(names)} predicted curves"
            )
        low, high, clip = [], [], []
        for name in names:
            key = f"{name}_logit" if name == "tension" else f"{name}_db"
            low.append(config[f"{key}_min"])
            high.append(config[f"{key}_max"])
            # Levels in dB end at full scale, whatever the normalised range.
            clip.append((low[-1], high[-1] if name == "tension" else 0.0))
        return cls(total // len(names), tuple(low), tuple(high), tuple(clip))

    @property
    def spec_min(self) -> Limits:
        """:attr:`low` as a diffusion core takes it."""
        return self.low if len(self.low) == 1 else [[value] for value in self.low]

    @property
    def spec_max(self) -> Limits:
        """:attr:`high` as a diffusion core takes it."""
        return self.high if len(self.high) == 1 else [[value] for value in self.high]

    def encode(self, curves: Sequence[Tensor]) -> Tensor:
        """F curves ``[B, T]`` -> target ``[B, T, R]`` if F = 1, else ``[B, F, T, R]``."""
        clipped = [c.clamp(*limits) for c, limits in zip(curves, self.clip, strict=True)]
        stacked = clipped[0] if len(clipped) == 1 else torch.stack(clipped, dim=1)
        return stacked[..., None].expand(*stacked.shape, self.num_bins)

    def decode(self, spec: Tensor) -> list[Tensor]:
        """``[B, T, R]`` or ``[B, F, T, R]`` -> F curves ``[B, T]``."""
        mean = spec.mean(dim=-1)
        curves = [mean] if len(self.clip) == 1 else list(mean.unbind(dim=1))
        return [c.clamp(*limits) for c, limits in zip(curves, self.clip, strict=True)]


def predicted_variances(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the curves besides pitch that a config asks for, in the fixed order."""
    return tuple(name for name in VARIANCES if config.get(f"predict_{name}", False))
