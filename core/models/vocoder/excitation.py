"""Sines that carry the pitch into a generator (neural source-filter, arXiv 1904.12088).

A turn is one period. Inside a frame the phase is computed from the frame's start, and what earlier
frames add is carried over modulo one turn, so that float32 stays accurate on long inputs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..randomness import GLOBAL_RANDOM, RandomSource

SINES = 9
"""Fundamental and eight overtones."""

SINE_AMPLITUDE = 0.1
VOICED_NOISE = 0.003
"""Standard deviation of the noise beside the sines."""

UNVOICED_NOISE = SINE_AMPLITUDE / 3
"""Standard deviation where there are no sines."""


def carried_phase(turns: Tensor) -> Tensor:
    """Where each frame starts.

    Args:
        turns: ``[B, T]`` turns that each frame takes.

    Returns:
        ``[B, T]`` turns before each frame, modulo 1; 0 at the first.
    """
    rest = torch.fmod(turns.float() + 0.5, 1.0) - 0.5
    total = torch.fmod(torch.cumsum(rest, dim=1), 1.0)
    return F.pad(total[:, :-1], (1, 0)).to(turns)


class HarmonicSource(nn.Module):
    """Nine sines and noise, merged into one signal by learned weights.

    The sines start at random phases and stop where F0 is 0, so two calls differ.
    """

    def __init__(self, sampling_rate: int) -> None:
        super().__init__()
        self.sampling_rate = sampling_rate
        self.l_linear = nn.Linear(SINES, 1)

    @torch.no_grad()
    def sines(
        self, f0: Tensor, hop: int, starts: Tensor, carry: Tensor, random: RandomSource
    ) -> Tensor:
        """The sines and their noise, before they are merged.

        Args:
            f0: ``[B, T]`` Hz, 0 = unvoiced; constant within a frame.
            hop: samples per frame.
            starts: ``[9]`` turns each sine starts at.
            carry: ``[B, T]`` turns of the fundamental before each frame.
            random: source of the noise.

        Returns:
            ``[B, T · hop, 9]``
        """
        samples = torch.arange(1, hop + 1, device=f0.device, dtype=f0.dtype)
        turns = (f0[..., None] / self.sampling_rate * samples + carry[..., None]).flatten(1)
        harmonics = torch.arange(1, SINES + 1, device=f0.device, dtype=f0.dtype)
        waves = torch.sin(2 * torch.pi * (turns[..., None] * harmonics + starts)) * SINE_AMPLITUDE
        voiced = (f0 > 0).to(f0).repeat_interleave(hop, dim=1)[..., None]
        amplitude = voiced * VOICED_NOISE + (1 - voiced) * UNVOICED_NOISE
        noise = random.normal(waves.shape, device=f0.device).to(waves)
        return waves * voiced + amplitude * noise

    def forward(
        self,
        f0: Tensor,
        hop: int,
        *,
        random: RandomSource = GLOBAL_RANDOM,
        block: int | None = None,
    ) -> Tensor:
        """The excitation.

        Args:
            f0: ``[B, T]`` Hz, 0 = unvoiced.
            hop: samples per frame.
            random: source of starting phases and noise, in this order.
            block: frames that are computed at once; all if None. Saves memory.

        Returns:
            ``[B, 1, T · hop]`` in -1 … 1.
        """
        starts = random.uniform(SINES, device=f0.device).to(f0)
        starts[0] = 0.0
        # As the last sample of a frame has it: rounding must not differ from the sines'.
        carry = carried_phase(f0 / self.sampling_rate * hop)
        parts = []
        for begin in range(0, f0.shape[1], block or max(1, f0.shape[1])):
            cut = slice(begin, begin + block if block else None)
            sines = self.sines(f0[:, cut], hop, starts, carry[:, cut], random)
            parts.append(torch.tanh(self.l_linear(sines)))
        return torch.cat(parts, dim=1).transpose(1, 2)


@torch.no_grad()
def mini_source(f0: Tensor, hop: int, sampling_rate: float) -> Tensor:
    """One sine of amplitude 1 that glides from each frame's F0 to the next.

    Args:
        f0: ``[B, T]`` Hz, below half of ``sampling_rate``; interpolated over unvoiced frames.
        hop: samples of the excitation per frame.
        sampling_rate: of the excitation, Hz.

    Returns:
        ``[B, 1, T · hop]``
    """
    speed = (f0 / sampling_rate)[..., None]
    change = F.pad(speed[:, 1:] - speed[:, :-1], (0, 0, 0, 1))
    samples = torch.arange(1, hop + 1, device=f0.device, dtype=f0.dtype)
    turns = speed * samples + 0.5 * change * samples * (samples - 1) / hop
    turns = turns + carried_phase(turns[..., -1])[..., None]
    return torch.sin(2 * torch.pi * turns).flatten(1)[:, None]
