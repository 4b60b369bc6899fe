"""HiFi-GAN's generator, alone (arXiv 2010.05646) or driven by an excitation (NSF-HiFiGAN).

The mel is upsampled in stages; after each, residual blocks with different kernels look at it and
are averaged. An excitation computed from F0 is added inside, so that the network need not invent
the pitch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..randomness import GLOBAL_RANDOM, RandomSource
from .config import GeneratorConfig
from .excitation import HarmonicSource, mini_source
from .norms import WeightNormConv1d, WeightNormConvTranspose1d

SLOPE = 0.1
"""Of the leaky ReLU everywhere but before the last convolution, which has torch's 0.01."""

MINI_STAGE = 1
"""Stage after whose upsampling the mini excitation is added."""

QUIET_MEL, LOUD_SINES, LOUD_MINI = 0.1, 2.0, 0.5
"""First weights of :meth:`Generator.put_pitch_first`: factor on the first convolution, weight of
each sine, standard deviation of the mini excitation's weights."""


def _conv(channels: int, kernel: int, dilation: int) -> WeightNormConv1d:
    padding = (kernel - 1) * dilation // 2
    return WeightNormConv1d(channels, channels, kernel, dilation=dilation, padding=padding)


class ResBlock1(nn.Module):
    """Three times a dilated and a plain convolution, each pair with a residual connection."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, kernel, d) for d in dilations[:3])
        self.convs2 = nn.ModuleList(_conv(channels, kernel, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, T]`` to the same."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class ResBlock2(nn.Module):
    """Two dilated convolutions with residual connections."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv(channels, kernel, d) for d in dilations[:2])

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, T]`` to the same."""
        for dilated in self.convs:
            x = x + dilated(F.leaky_relu(x, SLOPE))
        return x


class Generator(nn.Module):
    """Mel and F0 to waveform.

    Attributes:
        structure: what it was built from.
        inference_noise: False leaves out ``noise_sigma``'s noise in evaluation mode. The models
            in use were published with it.
    """

    def __init__(self, config: Mapping[str, Any] | GeneratorConfig) -> None:
        """Build with fresh weights.

        Args:
            config: a structure, or a mapping for :meth:`.GeneratorConfig.read`.

        Raises:
            ValueError: the config fits no network.
        """
        super().__init__()
        if not isinstance(config, GeneratorConfig):
            config = GeneratorConfig.read(config)
        self.structure = config
        self.inference_noise = True
        rates, kernels = config.upsample_rates, config.upsample_kernel_sizes
        initial = config.upsample_initial_channel
        channels = [initial // 2 ** (i + 1) for i in range(len(rates))]

        # Modules are registered in the order of the checkpoints in use, whose optimizer states
        # number the parameters.
        if config.excitation == "nsf":
            assert config.sampling_rate is not None
            self.m_source = HarmonicSource(config.sampling_rate)
            self.noise_convs = nn.ModuleList(
                _down_to_stage(width, math.prod(rates[i + 1 :])) for i, width in enumerate(channels)
            )
        self.conv_pre = WeightNormConv1d(config.num_mels, initial, 7, padding=3)
        self.ups = nn.ModuleList(
            WeightNormConvTranspose1d(
                2 * width, width, kernel, stride=rate, padding=(kernel - rate) // 2
            )
            for width, rate, kernel in zip(channels, rates, kernels, strict=True)
        )
        block = ResBlock1 if config.resblock == 1 else ResBlock2
        self.resblocks = nn.ModuleList(
            block(width, kernel, dilations)
            for width in channels
            for kernel, dilations in zip(
                config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True
            )
        )
        if config.excitation == "mini":
            self.source_conv = nn.Conv1d(1, channels[MINI_STAGE], 1)
        self.conv_post = WeightNormConv1d(channels[-1], 1, 7, padding=3)
        if config.excitation != "none":
            self._init_as_nsf()

    def _init_as_nsf(self) -> None:
        """Small random biases, as the NSF-HiFiGAN models in use began; HiFi-GAN's are torch's."""
        parts = [*self.ups.modules(), *self.resblocks.modules(), self.conv_post]
        for part in parts:
            if isinstance(part, nn.Conv1d | nn.ConvTranspose1d) and part.bias is not None:
                nn.init.normal_(part.bias, 0.0, 0.01)
        if self.structure.excitation == "mini":
            nn.init.normal_(self.source_conv.weight, 0.0, 0.01)
            assert self.source_conv.bias is not None
            nn.init.normal_(self.source_conv.bias, 0.0, 0.01)

    @torch.no_grad()
    def put_pitch_first(self) -> None:
        """Begin with fresh weights under which a small network keeps the pitch it is given.

        With the usual ones the mel is 3 to 37 times as loud inside as the excitation. Steps of
        Adam have one size for all weights, so the network learns that much faster from the mel,
        and the transposed convolutions turn that into a hum at the frame rate and its multiples
        which fills the spectrum long before the excitation does. Here the excitation begins as
        loud as the mel, and the transposed convolutions as straight lines between their inputs,
        which cannot hum; their directions ``weight_v`` are not trained.
        """
        self.conv_pre.weight_g.mul_(QUIET_MEL)
        for up in self.ups:
            assert isinstance(up, WeightNormConvTranspose1d)
            rate, direction = int(up.stride[0]), up.weight_v
            taps = torch.arange(direction.shape[2]) - (direction.shape[2] - 1) / 2
            line = (1 - taps.abs() / rate).clamp(min=0)
            # What meets in one output sample adds up to 1, for kernels of other lengths too.
            phase = torch.arange(len(line)) % rate
            line = line / torch.zeros(rate).index_add(0, phase, line)[phase]
            mixing = torch.randn(*direction.shape[:2], 1) / math.sqrt(direction.shape[0])
            direction.copy_(mixing * line)
            up.weight_g.copy_(torch.linalg.vector_norm(direction, dim=(1, 2), keepdim=True))
            direction.requires_grad_(False)
        if self.structure.excitation == "nsf":
            self.m_source.l_linear.weight.fill_(LOUD_SINES)
            for conv in self.noise_convs:
                assert isinstance(conv, nn.Conv1d)
                # A low-pass: what a slow stage cannot carry would come out as other pitches.
                width, _, size = conv.weight.shape
                window = torch.hann_window(size + 2, periodic=False)[1:-1]
                conv.weight.copy_(torch.randn(width, 1, 1) * window / window.sum())
        elif self.structure.excitation == "mini":
            nn.init.normal_(self.source_conv.weight, 0.0, LOUD_MINI)

    def excite(
        self, f0: Tensor, *, random: RandomSource = GLOBAL_RANDOM, block: int | None = None
    ) -> Tensor | None:
        """The excitation for a melody.

        Args:
            f0: ``[B, T]`` Hz. ``nsf``: 0 = unvoiced. ``mini``: interpolated, and below half of
                ``structure.excitation_rate``.
            random: source of phases and noise.
            block: frames to compute at once, to save memory.

        Returns:
            ``[B, 1, T · structure.excitation_hop]``, or None without excitation.
        """
        structure = self.structure
        if structure.excitation == "nsf":
            return self.m_source(f0, structure.excitation_hop, random=random, block=block)
        if structure.excitation == "mini":
            return mini_source(f0, structure.excitation_hop, structure.excitation_rate)
        return None

    def draw_noise(self, mel: Tensor, *, random: RandomSource = GLOBAL_RANDOM) -> Tensor | None:
        """What ``noise_sigma`` adds for a mel ``[B, num_mels, T]``: ``[B, C, T]``, or None."""
        sigma = self.structure.noise_sigma
        if sigma <= 0 or not (self.training or self.inference_noise):
            return None
        shape = (mel.shape[0], self.structure.upsample_initial_channel, mel.shape[2])
        return sigma * random.normal(shape, device=mel.device).to(mel)

    def filter(
        self, mel: Tensor, excitation: Tensor | None = None, noise: Tensor | None = None
    ) -> Tensor:
        """The network itself, without any random draws.

        Args:
            mel: ``[B, num_mels, T]`` natural log.
            excitation: from :meth:`excite`.
            noise: from :meth:`draw_noise`.

        Returns:
            ``[B, 1, T · hop_size]`` in -1 … 1.
        """
        x = self.conv_pre(mel)
        if noise is not None:
            x = x + noise
        blocks = len(self.structure.resblock_kernel_sizes)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            if self.structure.excitation == "nsf":
                x = x + self.noise_convs[i](excitation)
            elif self.structure.excitation == "mini" and i == MINI_STAGE:
                x = x + self.source_conv(excitation)
            x = sum(block(x) for block in self.resblocks[i * blocks : (i + 1) * blocks]) / blocks
        return torch.tanh(self.conv_post(F.leaky_relu(x)))

    def forward(
        self, mel: Tensor, f0: Tensor | None = None, *, random: RandomSource = GLOBAL_RANDOM
    ) -> Tensor:
        """Synthesise.

        Args:
            mel: ``[B, num_mels, T]`` natural log.
            f0: ``[B, T]`` Hz, see :meth:`excite`; not used without excitation.
            random: source of all draws: phases, noise of the excitation, noise of ``noise_sigma``.

        Returns:
            ``[B, 1, T · hop_size]`` in -1 … 1.

        Raises:
            ValueError: the excitation needs F0 and there is none.
        """
        if f0 is None and self.structure.excitation != "none":
            raise ValueError("this vocoder needs f0 beside the mel")
        excitation = None if f0 is None else self.excite(f0, random=random)
        return self.filter(mel, excitation, self.draw_noise(mel, random=random))


def _down_to_stage(width: int, step: int) -> nn.Conv1d:
    """The excitation at the rate of a stage that is ``step`` times slower."""
    if step == 1:
        return nn.Conv1d(1, width, 1)
    return nn.Conv1d(1, width, 2 * step, stride=step, padding=step // 2)
