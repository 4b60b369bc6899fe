"""Discriminator on spectrograms of several resolutions (UnivNet, arXiv 2106.07889)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .discriminators import SLOPE, Judgement
from .norms import WeightNormConv2d


def resolutions(
    fft_sizes: Sequence[int], hop_sizes: Sequence[int], win_lengths: Sequence[int]
) -> list[tuple[int, int, int]]:
    """FFT size, hop and window of each resolution.

    Raises:
        ValueError: the lists differ in length, or a window is longer than its FFT.
    """
    if not len(fft_sizes) == len(hop_sizes) == len(win_lengths) > 0:
        raise ValueError("fft_sizes, hop_sizes and win_lengths need the same number of entries")
    result = list(zip(fft_sizes, hop_sizes, win_lengths, strict=True))
    for fft, hop, win in result:
        if not 0 < hop <= win <= fft:
            raise ValueError(
                f"a resolution needs hop <= window <= FFT size, not hop {hop}, window {win}, "
                f"FFT {fft}"
            )
    return result


def magnitudes(wave: Tensor, fft: int, hop: int, window: Tensor) -> Tensor:
    """Magnitude of the centred STFT with reflected edges: ``[B, N]`` to ``[B, F, T]``."""
    # Half precision has no FFT on CPUs and too little range anywhere.
    with torch.autocast(wave.device.type, enabled=False):
        spectrum = torch.stft(
            wave.float(),
            fft,
            hop_length=hop,
            win_length=len(window),
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrum.abs()


class SpectrogramDiscriminator(nn.Module):
    """Looks at the magnitudes of one STFT."""

    window: Tensor

    def __init__(self, fft_size: int, hop_size: int, win_length: int) -> None:
        super().__init__()
        self.fft_size, self.hop_size = fft_size, hop_size
        self.register_buffer("window", torch.hann_window(win_length))
        self.discriminators = nn.ModuleList(
            WeightNormConv2d(width, 32, kernel, stride, padding)
            for width, kernel, stride, padding in (
                (1, (3, 9), (1, 1), (1, 4)),
                (32, (3, 9), (1, 2), (1, 4)),
                (32, (3, 9), (1, 2), (1, 4)),
                (32, (3, 9), (1, 2), (1, 4)),
                (32, (3, 3), (1, 1), (1, 1)),
            )
        )
        self.out = WeightNormConv2d(32, 1, (3, 3), padding=(1, 1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, 1, N]`` to a score ``[B, S]`` and six maps ``[B, C, frequency, time]``."""
        x = magnitudes(wave.squeeze(1), self.fft_size, self.hop_size, self.window)[:, None]
        maps = []
        for conv in self.discriminators:
            x = F.leaky_relu(conv(x), SLOPE)
            maps.append(x)
        x = self.out(x)
        return x.flatten(1), [*maps, x]


class MultiResolutionDiscriminator(nn.Module):
    """MRD: one :class:`SpectrogramDiscriminator` per resolution."""

    def __init__(
        self,
        fft_sizes: Sequence[int] = (1024, 2048, 512),
        hop_sizes: Sequence[int] = (120, 240, 50),
        win_lengths: Sequence[int] = (600, 1200, 240),
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            SpectrogramDiscriminator(*sizes)
            for sizes in resolutions(fft_sizes, hop_sizes, win_lengths)
        )

    def forward(self, wave: Tensor) -> Judgement:
        """``[B, 1, N]`` to scores ``[B, S]`` and feature maps."""
        answers = [part(wave) for part in self.discriminators]
        return [score for score, _ in answers], [maps for _, maps in answers]
