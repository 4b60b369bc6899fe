"""The stretch embedding: tells the decoder how far through its phoneme a frame is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import SinusoidalEmbedding


class StretchEmbedding(nn.Sequential):
    """An MLP on the position inside the phoneme, in thousandths."""

    RESOLUTION = 1000

    def __init__(self, hidden_size: int) -> None:
        super().__init__(
            SinusoidalEmbedding(hidden_size),
            nn.Linear(hidden_size, 4 * hidden_size),
            nn.GELU(),
            nn.Linear(4 * hidden_size, hidden_size),
        )

    def forward(self, position: Tensor) -> Tensor:
        """``position`` float32 ``[B, T]``, usually in [0, 1) -> ``[B, T, H]``.

        It may lie outside when the given durations do not add up to the given frames.
        """
        index = torch.round(self.RESOLUTION * position).long()
        if self.training:
            # Given durations always fit in training; asking the values would wait for the GPU.
            table = super().forward(torch.arange(self.RESOLUTION + 1, device=index.device))
            return F.embedding(index.clamp(0, self.RESOLUTION), table)
        lowest, highest = (int(bound) for bound in index.aminmax())
        if lowest < 0 or index.numel() <= highest:
            return super().forward(index)
        # There are only so many different positions: embed each once and look them up.
        table = super().forward(torch.arange(highest + 1, device=index.device))
        return F.embedding(index, table)
