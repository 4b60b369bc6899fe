"""The spectrogram that VR was trained on, and back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .vr import TIME_MULTIPLE


def pad_to_frames(waveform: Tensor, *, hop_size: int) -> tuple[Tensor, int]:
    """Silence around ``waveform`` until its spectrogram has a multiple of 32 frames.

    Args:
        waveform: float ``[..., N]``.
        hop_size: samples between frames.

    Returns:
        The padded waveform, and how many samples (whole hops) were put in front.
    """
    step = TIME_MULTIPLE * hop_size
    missing = -(waveform.shape[-1] + hop_size) % step
    left = missing // 2 // hop_size * hop_size
    return F.pad(waveform, (left, missing - left)), left


def spectrum(waveform: Tensor, *, fft_size: int, hop_size: int) -> Tensor:
    """``[B, C, N]`` -> complex ``[B, C, fft_size/2 + 1, 1 + N // hop_size]``; silence around."""
    frames = torch.stft(
        waveform.flatten(0, 1),
        fft_size,
        hop_size,
        window=_window(fft_size, waveform),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return frames.unflatten(0, waveform.shape[:2])


def waveform(spectrum: Tensor, *, fft_size: int, hop_size: int) -> Tensor:
    """The inverse of :func:`spectrum`: complex ``[B, C, F, T]`` -> ``[B, C, (T - 1) · hop]``."""
    real = torch.empty(0, dtype=spectrum.real.dtype, device=spectrum.device)
    samples = torch.istft(
        spectrum.flatten(0, 1), fft_size, hop_size, window=_window(fft_size, real), center=True
    )
    return samples.unflatten(0, spectrum.shape[:2])


def _window(fft_size: int, like: Tensor) -> Tensor:
    return torch.hann_window(fft_size, dtype=like.dtype, device=like.device)
