"""Log-mel spectrograms in torch, through which gradients flow: for losses and augmentation.

The filter bank is given, so that it is the same one that datasets are prepared with.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FLOOR = 1e-5
"""Magnitudes are clamped here before the logarithm."""


class MelSpectrogram(nn.Module):
    """Waveforms to mels as NSF-HiFiGAN expects them; nothing of it is saved in checkpoints."""

    filters: Tensor

    def __init__(self, filters: Tensor, *, fft_size: int, win_size: int, hop_size: int) -> None:
        """Set up.

        Args:
            filters: ``[num_mels, fft_size // 2 + 1]``, see ``features.mel.mel_filterbank``.
            fft_size: samples.
            win_size: samples of the Hann window, at most ``fft_size``.
            hop_size: samples between frames.

        Raises:
            ValueError: sizes that do not fit.
        """
        super().__init__()
        if filters.shape[1] != fft_size // 2 + 1:
            raise ValueError(f"filters for {filters.shape[1]} bins do not fit fft_size {fft_size}")
        if not 0 < hop_size <= win_size <= fft_size:
            raise ValueError("a mel needs hop_size <= win_size <= fft_size")
        self.register_buffer("filters", filters.float(), persistent=False)
        self.fft_size, self.win_size, self.hop_size = fft_size, win_size, hop_size
        self._windows: dict[tuple[int, torch.device], Tensor] = {}

    def window(self, size: int, device: torch.device) -> Tensor:
        """Periodic Hann window, made once per size and device."""
        if (size, device) not in self._windows:
            self._windows[size, device] = torch.hann_window(size, device=device)
        return self._windows[size, device]

    def padding(self, win: int, hop: int) -> tuple[int, int]:
        """Samples that are reflected before and after."""
        return (win - hop) // 2, (win - hop + 1) // 2

    def magnitude(self, spectrum: Tensor) -> Tensor:
        """Complex to magnitude."""
        return spectrum.abs()

    def linear(self, wave: Tensor, *, key_shift: float = 0.0, speed: float = 1.0) -> Tensor:
        """Mel before the logarithm.

        Args:
            wave: ``[B, N]`` or ``[B, 1, N]``; what is shorter than a window is followed by
                silence.
            key_shift: semitones by which the result sounds higher.
            speed: factor; 2 halves the number of frames.

        Returns:
            ``[B, num_mels, T]``, T = N // hop for equal window and FFT without augmentation.
        """
        wave = wave.flatten(1)
        factor = 2.0 ** (key_shift / 12)
        fft, win = round(self.fft_size * factor), round(self.win_size * factor)
        hop = round(self.hop_size * speed)
        left, right = self.padding(win, hop)
        if wave.shape[-1] < win:
            wave = F.pad(wave, (0, win - wave.shape[-1]))
        with torch.autocast(wave.device.type, enabled=False):
            padded = F.pad(wave.float(), (left, right), "reflect")
            spectrum = torch.stft(
                padded,
                fft,
                hop_length=hop,
                win_length=win,
                window=self.window(win, wave.device),
                center=False,
                return_complex=True,
            )
            magnitude = self.magnitude(spectrum)
            if key_shift != 0:
                bins = self.fft_size // 2 + 1
                magnitude = magnitude[:, :bins] * (self.win_size / win)
                magnitude = F.pad(magnitude, (0, 0, 0, bins - magnitude.shape[1]))
            return self.filters @ magnitude

    def forward(
        self, wave: Tensor, *, key_shift: float = 0.0, speed: float = 1.0, floor: float = FLOOR
    ) -> Tensor:
        """Natural-log mel ``[B, num_mels, T]``; see :meth:`linear`."""
        return torch.log(self.linear(wave, key_shift=key_shift, speed=speed).clamp(min=floor))


class HifiGanMelSpectrogram(MelSpectrogram):
    """The mel of the original HiFi-GAN: magnitudes with a small constant, symmetric edges."""

    def padding(self, win: int, hop: int) -> tuple[int, int]:
        """Half of what the FFT exceeds the hop by, on both sides."""
        fft = round(self.fft_size * win / self.win_size)
        return (fft - hop) // 2, (fft - hop) // 2

    def magnitude(self, spectrum: Tensor) -> Tensor:
        """Complex to magnitude, with a gradient at 0."""
        return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-9)
