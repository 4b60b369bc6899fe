"""What all backbones have in common: images in and out, and a condition that is projected once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Predicts noise or velocity from a noisy image, a time and a condition.

    What depends on the condition alone does not change while a sampler steps through time, so
    samplers call :meth:`project_condition` once and :meth:`evaluate` at every step. The image is
    the curves of F features with M bins each; the networks see F·M channels, feature by feature.
    """

    def __init__(self, *, in_dims: int, num_feats: int) -> None:
        super().__init__()
        self.in_dims = in_dims
        self.num_feats = num_feats

    @abstractmethod
    def project_condition(self, cond: Tensor) -> Any:
        """``cond`` ``[B, H, T]`` -> whatever :meth:`denoise` wants of it."""

    @abstractmethod
    def denoise(self, x: Tensor, t: Tensor, condition: Any) -> Tensor:
        """``x`` ``[B, F*M, T]``, ``t`` ``[B]`` or ``[1]`` -> ``[B, F*M, T]``."""

    def evaluate(self, x: Tensor, t: Tensor, condition: Any) -> Tensor:
        """:meth:`forward` with a condition that has been projected already."""
        y = self.denoise(x.flatten(1, 2), t, condition)
        return y.reshape(len(x), self.num_feats, self.in_dims, -1)

    def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """One prediction.

        Args:
            x: noisy image ``[B, F, M, T]``.
            t: diffusion step or scaled flow time, ``[B]`` or ``[1]``, int or float.
            cond: condition ``[B, H, T]``.

        Returns:
            ``[B, F, M, T]``.
        """
        return self.evaluate(x, t, self.project_condition(cond))
