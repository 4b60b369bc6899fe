"""Small discriminators of periods and spectrograms for fast training.

They fold time into channels step by step and normalise only activations, so they need no weight
norm, and have a tenth of the weights of :mod:`.discriminators`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .discriminators import Judgement
from .mrd import magnitudes, resolutions


class _SoftSignGate(torch.autograd.Function):
    """``softsign(a) · softsign(b)`` of the two halves of the last axis, keeping only its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        a, b = x.chunk(2, dim=-1)
        return F.softsign(a) * F.softsign(b)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        a, b = ctx.saved_tensors[0].chunk(2, dim=-1)
        a_scale, b_scale = 1 / (1 + a.abs()), 1 / (1 + b.abs())
        common = gradient * a_scale * b_scale
        return torch.cat([common * a_scale * b, common * b_scale * a], dim=-1)


class SoftSignGLU(nn.Module):
    """Gated unit ``a / (1 + |a|) · b / (1 + |b|)`` over the halves a, b of an axis."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """``[…, 2 · d, …]`` to ``[…, d, …]``."""
        return _SoftSignGate.apply(x.movedim(self.dim, -1)).movedim(-1, self.dim)


class _SwapAxes(nn.Module):
    """``[B, T, C]`` to ``[B, C, T]`` and back."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class _ToAxis(nn.Module):
    """Moves an axis."""

    def __init__(self, source: int, target: int) -> None:
        super().__init__()
        self.source, self.target = source, target

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(self.source, self.target)


class _TimeBlock(nn.Module):
    """Convolution over time, then gated layers over channels."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            _SwapAxes(),
            nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups),
            _SwapAxes(),
            nn.Linear(width, 2 * width),
            SoftSignGLU(),
            nn.Linear(width, 2 * width),
            SoftSignGLU(),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` to the same."""
        return self.net(x)


class _SpectrumBlock(nn.Module):
    """Gated convolution over frequency and time, then a layer over channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            _ToAxis(-1, 1),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            SoftSignGLU(dim=1),
            _ToAxis(1, -1),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, F, T, C]`` to the same."""
        return self.net(x)


def _normalised(x: Tensor) -> Tensor:
    """Divided by the root mean square over channels."""
    return F.rms_norm(x, x.shape[-1:])


def _widths(init_channel: int, strides: Sequence[int]) -> list[int]:
    if not strides or min(strides) < 1 or init_channel < 1:
        raise ValueError(f"strides must be positive numbers, not {list(strides)}")
    return [init_channel * math.prod(strides[: i + 1]) for i in range(len(strides))]


def _descend(
    x: Tensor,
    strides: Sequence[int],
    blocks: nn.ModuleList,
    post: nn.Module,
    whole: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Residual blocks, each after folding ``stride`` steps of the second last axis into channels.

    Returns the score, or without ``whole`` what the last block would have seen, and the
    normalised inputs of all blocks but the first.
    """
    maps: list[Tensor] = []
    for i, (stride, block) in enumerate(zip(strides, blocks, strict=True)):
        if i > 0 and stride > 1:
            x = x.unflatten(-2, (-1, stride)).flatten(-2)
        normalised = _normalised(x)
        if i > 0:
            maps.append(normalised)
        if i == len(strides) - 1 and not whole:
            return normalised, maps
        x = x + block(normalised)
    return post(_normalised(x)), maps


class FastPeriodDiscriminator(nn.Module):
    """Looks at every ``period``-th sample."""

    def __init__(
        self, period: int, strides: Sequence[int], init_channel: int, kernel_size: int
    ) -> None:
        super().__init__()
        self.period, self.strides = period, tuple(strides)
        widths = _widths(init_channel, self.strides)
        if kernel_size % 2 == 0:
            raise ValueError(f"fast_mpd_kernel_size must be odd, not {kernel_size}")
        self.pre = nn.Linear(self.strides[0], widths[0])
        self.residual_layers = nn.ModuleList(
            _TimeBlock(width, kernel_size, groups=width if i > 0 else 1)
            for i, width in enumerate(widths)
        )
        self.post = nn.Linear(widths[-1], 1)

    def forward(
        self, wave: Tensor, *, infer_last_layer: bool = True
    ) -> tuple[Tensor, list[Tensor]]:
        """Judge.

        Args:
            wave: ``[B, 1, N]``; what exceeds a multiple of period and strides is not seen.
            infer_last_layer: False skips the last block: for feature maps only.

        Returns:
            Score ``[B, S]`` (or the last normalised tensor), and maps ``[B, …]``.
        """
        batch, _, samples = wave.shape
        unit = self.period * math.prod(self.strides)
        x = wave[..., : samples // unit * unit].reshape(batch, -1, self.period).transpose(1, 2)
        x = x.reshape(batch * self.period, -1, self.strides[0])
        x, maps = _descend(
            F.gelu(self.pre(x)), self.strides, self.residual_layers, self.post, infer_last_layer
        )
        return (
            x.reshape(batch, -1) if infer_last_layer else x,
            [features.reshape(batch, -1) for features in maps],
        )


class FastMPD(nn.Module):
    """One :class:`FastPeriodDiscriminator` per period."""

    def __init__(
        self,
        periods: Sequence[int] = (2, 3, 5, 7, 11),
        init_channel: int = 8,
        strides: Sequence[int] = (4, 4, 4),
        kernel_size: int = 11,
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            FastPeriodDiscriminator(period, strides, init_channel, kernel_size)
            for period in periods
        )

    def forward(self, wave: Tensor, *, infer_last_layer: bool = True) -> Judgement:
        """``[B, 1, N]`` to scores ``[B, S]`` and feature maps."""
        answers = [part(wave, infer_last_layer=infer_last_layer) for part in self.discriminators]
        return [score for score, _ in answers], [maps for _, maps in answers]


class FastSpectrogramDiscriminator(nn.Module):
    """Looks at the logarithmic magnitudes of one STFT, and knows the frequency of each bin."""

    window: Tensor
    freq_coords: Tensor

    def __init__(
        self,
        fft_size: int,
        hop_size: int,
        win_length: int,
        strides: Sequence[int],
        init_channel: int,
    ) -> None:
        super().__init__()
        self.fft_size, self.hop_size, self.strides = fft_size, hop_size, tuple(strides)
        widths = _widths(init_channel, self.strides)
        bins = fft_size // 2 + 1
        self.register_buffer("window", torch.hann_window(win_length))
        self.register_buffer("freq_coords", torch.linspace(-1, 1, bins).view(bins, 1, 1))
        self.pre = nn.Linear(self.strides[0], widths[0])
        self.freq = nn.Linear(1, widths[0])
        self.layers = nn.ModuleList(_SpectrumBlock(width) for width in widths)
        self.post = nn.Linear(widths[-1], 1)

    def forward(
        self, wave: Tensor, *, infer_last_layer: bool = True
    ) -> tuple[Tensor, list[Tensor]]:
        """Judge.

        Args:
            wave: ``[B, 1, N]``; frames that exceed a multiple of the strides are not seen.
            infer_last_layer: False skips the last block: for feature maps only.

        Returns:
            Score ``[B, F, T', 1]`` (or the last normalised tensor), and maps ``[B, F, T'', C]``.
        """
        x = magnitudes(wave.squeeze(1), self.fft_size, self.hop_size, self.window)
        x = torch.log10(x.clamp(min=1e-5))
        unit = math.prod(self.strides)
        x = x[..., : x.shape[-1] // unit * unit].unflatten(-1, (-1, self.strides[0]))
        x = self.pre(x) + self.freq(self.freq_coords)
        return _descend(x, self.strides, self.layers, self.post, infer_last_layer)


class FastMRD(nn.Module):
    """One :class:`FastSpectrogramDiscriminator` per resolution."""

    def __init__(
        self,
        init_channel: int = 8,
        strides: Sequence[int] = (4, 2, 2),
        fft_sizes: Sequence[int] = (512, 1024, 2048),
        hop_sizes: Sequence[int] = (64, 128, 256),
        win_lengths: Sequence[int] = (512, 1024, 2048),
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            FastSpectrogramDiscriminator(*sizes, strides, init_channel)
            for sizes in resolutions(fft_sizes, hop_sizes, win_lengths)
        )

    def forward(self, wave: Tensor, *, infer_last_layer: bool = True) -> Judgement:
        """``[B, 1, N]`` to scores ``[B, F, T', 1]`` and feature maps."""
        answers = [part(wave, infer_last_layer=infer_last_layer) for part in self.discriminators]
        return [score for score, _ in answers], [maps for _, maps in answers]
