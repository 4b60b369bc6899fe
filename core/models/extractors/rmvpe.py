"""RMVPE: a U-Net and a recurrent layer that see a mel spectrogram and name the pitch.

Wei et al., "RMVPE: A Robust Model for Vocal Pitch Estimation in Polyphonic Music", 2023. Names
and shapes are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

MEL_BINS = 128
CLASSES = 360
_HIDDEN = 256
"""Units of the recurrent layer per direction."""

_HEAD_CHANNELS = 3


class ConvBlock(nn.Module):
    """Two convolutions and a way around them; nothing follows the sum."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(out_channels, momentum=0.01),
                nn.ReLU(),
            ]
        self.conv = nn.Sequential(*layers)
        if in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1)
        self.changes_width = in_channels != out_channels

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T, M]`` -> ``[B, C', T, M]``."""
        return self.conv(x) + (self.shortcut(x) if self.changes_width else x)


def _blocks(in_channels: int, out_channels: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(
        ConvBlock(in_channels if number == 0 else out_channels, out_channels)
        for number in range(count)
    )


class Level(nn.Module):
    """Some blocks at one resolution."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int) -> None:
        super().__init__()
        self.conv = _blocks(in_channels, out_channels, blocks)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T, M]`` -> ``[B, C', T, M]``."""
        for block in self.conv:
            x = block(x)
        return x


class Encoder(nn.Module):
    """Levels of doubling width, each followed by pooling."""

    def __init__(
        self, in_channels: int, widths: Sequence[int], blocks: int, stride: tuple[int, int]
    ) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels, momentum=0.01)
        self.layers = nn.ModuleList(
            Level(before, after, blocks)
            for before, after in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.AvgPool2d(stride)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``x`` ``[B, C, T, M]`` -> the pooled result, and what each level gave before pooling."""
        x = self.bn(x)
        skips = []
        for layer in self.layers:
            skips.append(layer(x))
            x = self.pool(skips[-1])
        return x, skips


class Intermediate(nn.Module):
    """Levels at the lowest resolution."""

    def __init__(self, in_channels: int, out_channels: int, levels: int, blocks: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Level(in_channels if number == 0 else out_channels, out_channels, blocks)
            for number in range(levels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T, M]`` -> ``[B, C', T, M]``."""
        for layer in self.layers:
            x = layer(x)
        return x


class TimbreFilter(nn.Module):
    """One block per skip connection. The published network stores it and never uses it."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ConvBlock(width, width) for width in widths)


class UpLevel(nn.Module):
    """Doubles the resolution, joins the skip connection, halves the width."""

    def __init__(
        self, in_channels: int, out_channels: int, blocks: int, stride: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.ConvTranspose2d(
                in_channels,
                out_channels,
                3,
                stride=stride,
                padding=1,
                output_padding=(stride[0] - 1, stride[1] - 1),
                bias=False,
            ),
            nn.BatchNorm2d(out_channels, momentum=0.01),
            nn.ReLU(),
        )
        self.conv2 = _blocks(2 * out_channels, out_channels, blocks)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``x`` ``[B, C, T, M]``, ``skip`` ``[B, C/2, 2T, 2M]`` -> the shape of ``skip``."""
        x = torch.cat((self.conv1(x), skip), dim=1)
        for block in self.conv2:
            x = block(x)
        return x


class Decoder(nn.Module):
    """Back to the resolution of the input."""

    def __init__(self, widths: Sequence[int], blocks: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            UpLevel(2 * width, width, blocks, stride) for width in reversed(widths)
        )

    def forward(self, x: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """``x`` ``[B, C, T, M]`` and the encoder's skips, finest first -> finest resolution."""
        for layer, skip in zip(self.layers, reversed(skips), strict=True):
            x = layer(x, skip)
        return x


class UNet(nn.Module):
    """Encoder, intermediate levels and decoder."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        blocks: int,
        inter_levels: int,
        stride: tuple[int, int],
    ) -> None:
        super().__init__()
        self.encoder = Encoder(in_channels, widths, blocks, stride)
        self.intermediate = Intermediate(widths[-1], 2 * widths[-1], inter_levels, blocks)
        self.tf = TimbreFilter(widths)
        self.decoder = Decoder(widths, blocks, stride)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T, M]`` -> ``[B, C', T, M]``."""
        x, skips = self.encoder(x)
        return self.decoder(self.intermediate(x), skips)


class BiGRU(nn.Module):
    """A recurrent layer that reads the recording in both directions."""

    def __init__(self, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, hidden, layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, T, C]`` -> ``[B, T, 2 H]``."""
        return self.gru(x)[0]


class RmvpeNetwork(nn.Module):
    """Log-mel spectrogram -> how likely each of 360 pitches is.

    Args:
        config: the constructor arguments of the published network, each with its default:
            ``n_blocks`` 4, ``n_gru`` 1 (0 leaves the recurrent layer out), ``kernel_size``
            ``(2, 2)`` (pooling over time and frequency), ``en_de_layers`` 5, ``inter_layers`` 4,
            ``in_channels`` 1, ``en_out_channels`` 16.

    Raises:
        ValueError: options that make no network.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        kernel = config.get("kernel_size", (2, 2))
        stride = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        levels, width = config.get("en_de_layers", 5), config.get("en_out_channels", 16)
        blocks, recurrent = config.get("n_blocks", 4), config.get("n_gru", 1)
        in_channels, inter_levels = config.get("in_channels", 1), config.get("inter_layers", 4)
        if len(stride) != 2 or not set(stride) <= {1, 2}:
            raise ValueError(f"kernel_size must be 1 or 2 in each direction, not {kernel}")
        counts = (levels, width, blocks, in_channels, inter_levels)
        if min(counts) < 1 or recurrent < 0 or MEL_BINS % stride[1] ** levels:
            raise ValueError("the sizes of RMVPE must be positive and divide its 128 mel bins")
        self.time_multiple: int = stride[0] ** levels
        """The number of frames must be a multiple of this."""
        widths = [width * 2**level for level in range(levels)]
        self.unet = UNet(in_channels, widths, blocks, inter_levels, (stride[0], stride[1]))
        self.cnn = nn.Conv2d(width, _HEAD_CHANNELS, 3, padding=1)
        features = _HEAD_CHANNELS * MEL_BINS
        recurrence = [BiGRU(features, _HIDDEN, recurrent)] if recurrent else []
        self.fc = nn.Sequential(
            *recurrence,
            nn.Linear(2 * _HIDDEN if recurrent else features, CLASSES),
            nn.Dropout(0.25),
            nn.Sigmoid(),
        )

    def features(self, mel: Tensor) -> Tensor:
        """The convolutional part, which sees a bounded stretch of time.

        Args:
            mel: ``[B, 128, T]``, or ``[B, C, 128, T]`` with several input channels; T a multiple
                of ``time_multiple`` (32 in the published network).

        Returns:
            ``[B, T, 384]``.
        """
        image = mel.transpose(-1, -2)
        if image.ndim == 3:
            image = image.unsqueeze(1)
        return self.cnn(self.unet(image)).transpose(1, 2).flatten(2)

    def forward(self, mel: Tensor) -> Tensor:
        """``mel`` as for :meth:`features` -> ``[B, T, 360]``, each in 0..1."""
        return self.fc(self.features(mel))
