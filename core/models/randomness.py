"""Where the networks' random draws come from, so that a caller can fix or replay them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class RandomSource:
    """Noise and times for training and sampling.

    Without a generator the draws come from torch's global generators, which
    ``torch.manual_seed`` seeds. With one they come from it alone; a CPU generator gives the same
    numbers whatever device the model is on. Subclasses may return stored draws instead.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self.generator = generator

    def _device(self, device: torch.device) -> torch.device:
        return device if self.generator is None else self.generator.device

    def normal(self, shape: Sequence[int], *, device: torch.device) -> Tensor:
        """Standard normal noise, float32 of the given shape."""
        drawn = torch.randn(*shape, generator=self.generator, device=self._device(device))
        return drawn.to(device)

    def uniform(self, size: int, *, device: torch.device) -> Tensor:
        """``size`` numbers, uniform in [0, 1), float32."""
        drawn = torch.rand(size, generator=self.generator, device=self._device(device))
        return drawn.to(device)

    def integers(self, high: int, size: int, *, device: torch.device) -> Tensor:
        """``size`` numbers, uniform in 0 … ``high`` - 1, int64."""
        drawn = torch.randint(high, (size,), generator=self.generator, device=self._device(device))
        return drawn.to(device)


GLOBAL_RANDOM = RandomSource()
"""Draws from torch's global generators."""
