"""Discriminators on waveforms, of several periods and several scales (arXiv 2010.05646).

Every discriminator of this package takes a waveform ``[B, 1, N]`` and returns the scores of its
parts and, per part, its feature maps: what each layer gives, the raw last convolution included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from .config import generator_keys
from .norms import SpectralNormConv1d, WeightNormConv1d, WeightNormConv2d

SLOPE = 0.1

Judgement = tuple[list[Tensor], list[list[Tensor]]]
"""Scores and feature maps, one entry per part."""

KNOWN = ("msd", "mpd", "mrd", "fast_mpd", "fast_mrd")


class PeriodDiscriminator(nn.Module):
    """Looks at every ``period``-th sample."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, 32, 128, 512, 1024, 1024)
        self.convs = nn.ModuleList(
            WeightNormConv2d(
                widths[i], widths[i + 1], (5, 1), (3 if i < 4 else 1, 1), padding=(2, 0)
            )
            for i in range(5)
        )
        self.conv_post = WeightNormConv2d(1024, 1, (3, 1), padding=(1, 0))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, 1, N]`` to a score ``[B, S]`` and six maps ``[B, C, time, period]``."""
        batch, channels, samples = wave.shape
        if rest := samples % self.period:
            wave = F.pad(wave, (0, self.period - rest), "reflect")
        x = wave.view(batch, channels, -1, self.period)
        return _through(x, self.convs, self.conv_post)


class MultiPeriodDiscriminator(nn.Module):
    """MPD: one :class:`PeriodDiscriminator` per period."""

    def __init__(self, periods: Sequence[int] = (2, 3, 5, 7, 11)) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(PeriodDiscriminator(period) for period in periods)

    def forward(self, wave: Tensor) -> Judgement:
        """``[B, 1, N]`` to scores ``[B, S]`` and feature maps."""
        return _ask_all(self.discriminators, [wave] * len(self.discriminators))


class ScaleDiscriminator(nn.Module):
    """Looks at all samples."""

    def __init__(self, conv: type[nn.Conv1d]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            conv(width, out, kernel, stride=stride, groups=groups, padding=kernel // 2)
            for width, out, kernel, stride, groups in (
                (1, 128, 15, 1, 1),
                (128, 128, 41, 2, 4),
                (128, 256, 41, 2, 16),
                (256, 512, 41, 4, 16),
                (512, 1024, 41, 4, 16),
                (1024, 1024, 41, 1, 16),
                (1024, 1024, 5, 1, 1),
            )
        )
        self.conv_post = conv(1024, 1, 3, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, 1, N]`` to a score ``[B, S]`` and eight maps ``[B, C, time]``."""
        return _through(wave, self.convs, self.conv_post)


class MultiScaleDiscriminator(nn.Module):
    """MSD: the waveform, and twice an average of it at half the rate.

    The first part is spectrally normalised; in training mode every pass refines its norms.
    """

    def __init__(self) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            ScaleDiscriminator(conv)
            for conv in (SpectralNormConv1d, WeightNormConv1d, WeightNormConv1d)
        )
        self.meanpools = nn.ModuleList(nn.AvgPool1d(4, 2, padding=2) for _ in range(2))

    def forward(self, wave: Tensor) -> Judgement:
        """``[B, 1, N]`` to scores ``[B, S]`` and feature maps."""
        waves = [wave]
        for pool in self.meanpools:
            waves.append(pool(waves[-1]))
        return _ask_all(self.discriminators, waves)


def _through(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> tuple[Tensor, list[Tensor]]:
    maps = []
    for conv in convs:
        x = F.leaky_relu(conv(x), SLOPE)
        maps.append(x)
    x = last(x)
    return x.flatten(1), [*maps, x]


def _ask_all(parts: nn.ModuleList, waves: Sequence[Tensor]) -> Judgement:
    answers = [part(wave) for part, wave in zip(parts, waves, strict=True)]
    return [score for score, _ in answers], [maps for _, maps in answers]


def build_discriminators(config: Mapping[str, Any]) -> nn.ModuleDict:
    """The discriminators that a vocoder is trained against.

    Args:
        config: a training config or its ``model_args``. ``discriminators`` lists which: ``msd``,
            ``mpd``, ``mrd``, ``fast_mpd``, ``fast_mrd``. Without it the fast pair is chosen if
            any key begins with ``fast_``, else ``msd`` and ``mpd``. Further keys:
            ``discriminator_periods``, ``fast_mpd_{periods,strides,kernel_size,init_channel}``,
            ``fast_mrd_{strides,init_channel}`` and
            ``{mrd,fast_mrd}_{fft_sizes,hop_sizes,win_lengths}``.

    Returns:
        Modules by family, ``msd``, ``mpd``, ``mrd``: the names of their weights in checkpoints.

    Raises:
        ValueError: an unknown name, one family twice, or sizes that do not fit.
    """
    from .fast_discriminators import FastMPD, FastMRD
    from .mrd import MultiResolutionDiscriminator

    keys = generator_keys(config)
    fast = any(str(key).startswith("fast_") for key in keys)
    names = keys.get("discriminators") or (["fast_mrd", "fast_mpd"] if fast else ["msd", "mpd"])
    if isinstance(names, str) or not all(name in KNOWN for name in names):
        raise ValueError(f"discriminators is {names!r}; list some of {', '.join(KNOWN)}")

    def options(prefix: str, *known: str) -> dict[str, Any]:
        given = {name: keys.get(f"{prefix}_{name}") for name in known}
        return {name: value for name, value in given.items() if value is not None}

    periods = keys.get("discriminator_periods") or None
    spectra = ("fft_sizes", "hop_sizes", "win_lengths")
    result = nn.ModuleDict()
    for name in names:
        module: nn.Module
        if name == "msd":
            module = MultiScaleDiscriminator()
        elif name == "mpd":
            module = MultiPeriodDiscriminator(*([periods] if periods else []))
        elif name == "mrd":
            module = MultiResolutionDiscriminator(**options("mrd", *spectra))
        elif name == "fast_mpd":
            given = options("fast_mpd", "periods", "strides", "kernel_size", "init_channel")
            module = FastMPD(**({"periods": periods} if periods else {}) | given)
        else:
            module = FastMRD(**options("fast_mrd", "strides", "init_channel", *spectra))
        family = name.removeprefix("fast_")
        if family in result:
            raise ValueError(f"discriminators: {family} and fast_{family} exclude each other")
        result[family] = module
    return result
