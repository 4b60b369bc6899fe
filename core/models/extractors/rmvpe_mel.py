"""The spectrogram that RMVPE was trained on: 16 kHz, 10 ms, 128 mel bins from 30 to 8000 Hz."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLE_RATE = 16000
HOP_SIZE = 160
TIME_MULTIPLE = 32
"""The network halves time five times."""

_FFT_SIZE = 1024
_MEL_BINS = 128
_LOWEST, _HIGHEST = 30.0, 8000.0


def frame_count(samples: int) -> int:
    """Frames that ``samples`` of 16 kHz audio have; one more than whole hops."""
    return samples // HOP_SIZE + 1


def pad_waveform(waveform: Tensor) -> Tensor:
    """Append silence to ``[B, N]`` at 16 kHz until its frames are a multiple of 32."""
    step = HOP_SIZE * TIME_MULTIPLE
    return F.pad(waveform, (0, -(waveform.shape[-1] + HOP_SIZE) % step))


def log_mel(waveform: Tensor) -> Tensor:
    """Natural logarithm of the mel spectrogram.

    Args:
        waveform: float ``[B, N]`` at 16 kHz with more than 512 samples.

    Returns:
        ``[B, 128, frame_count(N)]``; frame t is centred at sample 160 t.
    """
    window = torch.hann_window(_FFT_SIZE, dtype=waveform.dtype, device=waveform.device)
    spectrum = torch.stft(
        waveform,
        _FFT_SIZE,
        HOP_SIZE,
        window=window,
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    return torch.log((mel_basis().to(waveform) @ spectrum.abs()).clamp(min=1e-5))


def pad_mel(mel: Tensor) -> Tensor:
    """Mirror the end of ``mel`` ``[B, 128, T]`` until T is a multiple of 32.

    For when there is nothing but a mel. Where there is audio, :func:`pad_waveform` is better.

    Raises:
        ValueError: fewer frames than have to be appended.
    """
    missing = -mel.shape[-1] % TIME_MULTIPLE
    if missing >= mel.shape[-1]:
        raise ValueError(f"{mel.shape[-1]} frames are too few to mirror {missing} of them")
    return F.pad(mel, (0, missing), mode="reflect")


@lru_cache(maxsize=1)
def mel_basis() -> Tensor:
    """Triangles that are equally wide on the HTK mel scale and of equal area: ``[128, 513]``."""
    with torch.inference_mode(False):
        lowest, highest = (2595 * math.log10(1 + hz / 700) for hz in (_LOWEST, _HIGHEST))
        mels = torch.linspace(lowest, highest, _MEL_BINS + 2, dtype=torch.float64)
        corners = 700 * (10 ** (mels / 2595) - 1)
        bins = torch.linspace(0, SAMPLE_RATE / 2, _FFT_SIZE // 2 + 1, dtype=torch.float64)
        widths = corners.diff()
        slopes = corners[:, None] - bins
        rising = -slopes[:-2] / widths[:-1, None]
        falling = slopes[2:] / widths[1:, None]
        triangles = torch.minimum(rising, falling).clamp(min=0)
        return (triangles * (2 / (corners[2:] - corners[:-2]))[:, None]).float()
