"""Building blocks of the VR separator. Images are ``[B, C, frequency, time]``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_DILATIONS = ((4, 2), (8, 4), (12, 6))


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, activation (ReLU, or leaky ReLU)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        dilation: tuple[int, int] = (1, 1),
        leaky: bool = False,
    ) -> None:
        super().__init__()
        padding = self.padding = (dilation[0] * (kernel // 2), dilation[1] * (kernel // 2))
        self.conv = nn.Sequential(
            nn.Conv2d(
                in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
            ),
            nn.BatchNorm2d(out_channels),
            nn.LeakyReLU() if leaky else nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, f, t]`` -> ``[B, C', f / stride, t / stride]``."""
        return self.conv(x)

    def of_pair(self, x: Tensor, y: Tensor) -> Tensor:
        """:meth:`forward` of ``x`` ``[B, C, f, t]`` and ``y`` ``[B, D, f, t]``, joined by channels.

        For blocks that neither stride nor dilate.
        Copying them together would take a fifth of the network's time and much of its memory.
        """
        convolution, *rest = self.conv
        assert isinstance(convolution, nn.Conv2d)
        own, others = convolution.weight.split((x.shape[1], y.shape[1]), dim=1)
        mixed = F.conv2d(x, own, convolution.bias, padding=self.padding)
        mixed += F.conv2d(y, others, padding=self.padding)
        for layer in rest:
            mixed = layer(mixed)
        return mixed


class Down(nn.Module):
    """Halves both axes."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, out_channels, 3, stride=2, leaky=True)
        self.conv2 = ConvNorm(out_channels, out_channels, 3, leaky=True)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, f, t]`` -> ``[B, C', f/2, t/2]``."""
        return self.conv2(self.conv1(x))


class Up(nn.Module):
    """Doubles both axes and joins what the encoder saw there.

    Args:
        in_channels: of the input and the skip connection together.
        out_channels: of the result.
        fixed_length: stretch corner to corner, as older weights were trained; otherwise every
            input pixel keeps its place, so that the result does not depend on the length.
    """

    def __init__(self, in_channels: int, out_channels: int, *, fixed_length: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, out_channels, 3)
        self.fixed_length = fixed_length

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``x`` ``[B, C, f, t]``, ``skip`` ``[B, C', 2f, 2t]`` -> ``[B, C'', 2f, 2t]``."""
        height, width = skip.shape[2:]
        if self.fixed_length:
            x = F.interpolate(x, (height, width), mode="bilinear", align_corners=True)
        else:
            x = F.pad(x, (0, 1, 0, 1), mode="replicate")
            x = F.interpolate(x, (height + 1, width + 1), mode="bilinear", align_corners=True)
            x = x[:, :, :height, :width]
        return self.conv1.of_pair(x, skip)


class ASPP(nn.Module):
    """Looks near and far at once: a spatial pyramid of dilated convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        pool = nn.AdaptiveAvgPool2d((1, None))
        self.conv1 = nn.Sequential(pool, ConvNorm(channels, channels))
        self.conv2 = ConvNorm(channels, channels)
        self.conv3, self.conv4, self.conv5 = (
            ConvNorm(channels, channels, 3, dilation=dilation) for dilation in _DILATIONS
        )
        self.bottleneck = ConvNorm(5 * channels, channels)
        self.dropout = nn.Dropout2d(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, f, t]`` -> the same shape."""
        average = self.conv1(x).expand_as(x)
        near_and_far = (self.conv2(x), self.conv3(x), self.conv4(x), self.conv5(x))
        return self.dropout(self.bottleneck(torch.cat((average, *near_and_far), dim=1)))


class TimeLSTM(nn.Module):
    """A recurrent layer along time, over all frequencies of an image squeezed to one channel."""

    def __init__(self, channels: int, bins: int, hidden: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, 1)
        self.lstm = nn.LSTM(bins, hidden // 2, bidirectional=True)
        self.dense = nn.Sequential(nn.Linear(hidden, bins), nn.BatchNorm1d(bins), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, bins, t]`` -> ``[B, 1, bins, t]``."""
        rows = self.conv(x)[:, 0].permute(2, 0, 1)
        seen, _ = self.lstm(rows)
        dense = self.dense(seen.flatten(0, 1))
        return dense.unflatten(0, rows.shape[:2]).permute(1, 2, 0).unsqueeze(1)


class BaseNet(nn.Module):
    """A U-Net with a pyramid at its bottom and an LSTM near its top.

    Args:
        in_channels: of the input.
        channels: of the result.
        bins: frequency rows at half resolution.
        hidden: units of the LSTM, both directions together.
        fixed_length: see :class:`Up`.
    """

    def __init__(
        self, in_channels: int, channels: int, bins: int, hidden: int, *, fixed_length: bool
    ) -> None:
        super().__init__()
        c = channels
        self.enc1 = ConvNorm(in_channels, c, 3)
        self.enc2 = Down(c, 2 * c)
        self.enc3 = Down(2 * c, 4 * c)
        self.enc4 = Down(4 * c, 6 * c)
        self.enc5 = Down(6 * c, 8 * c)
        self.aspp = ASPP(8 * c)
        self.dec4 = Up((6 + 8) * c, 6 * c, fixed_length=fixed_length)
        self.dec3 = Up((4 + 6) * c, 4 * c, fixed_length=fixed_length)
        self.dec2 = Up((2 + 4) * c, 2 * c, fixed_length=fixed_length)
        self.lstm_dec2 = TimeLSTM(2 * c, bins, hidden)
        self.dec1 = Up((1 + 2) * c + 1, c, fixed_length=fixed_length)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, f, t]`` -> ``[B, C', f, t]``; both axes multiples of 16."""
        e1 = self.enc1(x)
        e2 = self.enc2(e1)
        e3 = self.enc3(e2)
        e4 = self.enc4(e3)
        h = self.aspp(self.enc5(e4))
        h = self.dec2(self.dec3(self.dec4(h, e4), e3), e2)
        h = torch.cat((h, self.lstm_dec2(h)), dim=1)
        return self.dec1(h, e1)
