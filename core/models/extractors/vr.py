"""VR: a cascade of U-Nets that masks a spectrogram so that the harmonic part of a voice remains.

The network of the "vocal remover" family (CascadedNet), trained to part tone from breath. Names
and shapes are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .vr_blocks import BaseNet, ConvNorm

TIME_MULTIPLE = 32
"""Frames have to be a multiple of this."""


class VrNetwork(nn.Module):
    """Spectrogram -> mask of the same size.

    Args:
        config: ``n_fft`` (2048), ``hop_length`` (512), ``n_out`` (32), ``n_out_lstm`` (128),
            ``is_mono`` (false), ``is_complex`` (true) and ``fixed_length`` (true), as in the
            ``config.yaml`` beside the weights; in brackets what an absent key means.

    Raises:
        ValueError: sizes that make no network.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.n_fft, self.hop_length = config.get("n_fft", 2048), config.get("hop_length", 512)
        self.is_complex = bool(config.get("is_complex", True))
        self.channels = 1 if config.get("is_mono", False) else 2
        width, hidden = config.get("n_out", 32), config.get("n_out_lstm", 128)
        fixed_length = bool(config.get("fixed_length", True))
        if min(self.n_fft, self.hop_length, width, hidden) < 1 or self.n_fft % 64:
            raise ValueError("VR needs positive sizes and an n_fft that is a multiple of 64")
        if width % 4 or hidden % 4:
            raise ValueError("n_out and n_out_lstm of VR must be multiples of 4")
        if self.hop_length > self.n_fft:
            raise ValueError("the hop of VR must not be longer than its window")
        self.max_bin = self.n_fft // 2
        inputs = self.channels * (2 if self.is_complex else 1)
        half, quarter, full_rows = width // 2, width // 4, self.max_bin // 2
        half_rows = full_rows // 2

        def net(extra: int, channels: int, rows: int, units: int) -> BaseNet:
            return BaseNet(inputs + extra, channels, rows, units, fixed_length=fixed_length)

        self.stg1_low_band_net = nn.Sequential(
            net(0, half, half_rows, hidden), ConvNorm(half, quarter)
        )
        self.stg1_high_band_net = net(0, quarter, half_rows, hidden // 2)
        self.stg2_low_band_net = nn.Sequential(
            net(quarter, width, half_rows, hidden), ConvNorm(width, half)
        )
        self.stg2_high_band_net = net(quarter, half, half_rows, hidden // 2)
        self.stg3_full_band_net = net(quarter + half, width, full_rows, hidden)
        self.out = nn.Conv2d(width, inputs, 1, bias=False)
        # Trained with an auxiliary loss and part of every file, but of no use afterwards.
        self.aux_out = nn.Conv2d(quarter + half, inputs, 1, bias=False)

    def forward(self, spectrum: Tensor) -> Tensor:
        """The mask that leaves the harmonic part.

        Args:
            spectrum: complex ``[B, C, n_fft/2 + 1, T]`` with C = 1 or 2 channels of audio and T a
                multiple of 32.

        Returns:
            A mask of the same shape: complex with magnitudes below 1, or real in 0..1 if the
            network only knows magnitudes.
        """
        parts = (spectrum.real, spectrum.imag) if self.is_complex else (spectrum.abs(),)
        x = torch.cat(parts, dim=1)[:, :, : self.max_bin]
        low, high = x.chunk(2, dim=2)
        low1, high1 = self.stg1_low_band_net(low), self.stg1_high_band_net(high)
        low2 = self.stg2_low_band_net(torch.cat((low, low1), dim=1))
        high2 = self.stg2_high_band_net(torch.cat((high, high1), dim=1))
        stages = (torch.cat((low1, high1), dim=2), torch.cat((low2, high2), dim=2))
        channels = self.out(self.stg3_full_band_net(torch.cat((x, *stages), dim=1)))
        # The network does not see the highest bin; it gets the mask of its neighbour.
        channels = torch.cat((channels, channels[:, :, -1:]), dim=2)
        if not self.is_complex:
            return channels.sigmoid()
        mask = torch.complex(*channels.chunk(2, dim=1))
        magnitude = mask.abs()
        return torch.tanh(magnitude) * mask / (magnitude + 1e-8)
