"""A vocoder as OpenUTAU calls it: natural-log mel and F0 to a waveform."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...models.randomness import RandomSource
from ...models.vocoder.generator import Generator
from ...models.vocoder.norms import fold_weight_norm
from .parts import FRAMES, Graph, Port, curve
from .samplers import drawn

MINI_F0_SHARE = 0.499
"""Of the excitation's rate; above it a sine would fold back. Notes up there are sung at it."""


class _GraphRandom(RandomSource):
    """Draws that the file repeats at every call."""

    def normal(self, shape: Sequence[int], *, device: torch.device) -> Tensor:
        return drawn(torch.zeros(*shape, device=device))

    def uniform(self, size: int, *, device: torch.device) -> Tensor:
        # Spread over more than one turn a normal draw is as good as uniform for a phase.
        return torch.remainder(4.0 * drawn(torch.zeros(size, device=device)), 1.0)


class VocoderGraph(Graph):
    """Mel and F0 to sound.

    Args:
        generator: trained; its weights are folded, so it cannot be trained on.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        fold_weight_norm(generator)
        self.generator = generator.eval()
        structure = generator.structure
        self.highest = float("inf")
        if structure.excitation == "mini":
            self.highest = structure.excitation_rate * MINI_F0_SHARE
        self.inputs = (Port("mel", torch.float32, (*FRAMES, structure.num_mels)), curve("f0"))
        self.outputs = (Port("waveform", torch.float32, (1, "n_samples")),)

    def forward(self, *values: Tensor) -> Tensor:
        """The waveform ``[1, T · hop_size]``."""
        given = self.named(values)
        mel = given["mel"].transpose(1, 2)
        f0 = given["f0"].clamp(min=0.0)
        if self.highest < float("inf"):
            f0 = f0.clamp(max=self.highest)
        return self.generator(mel, f0, random=_GraphRandom())[:, 0]
