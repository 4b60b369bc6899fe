"""Changing the sample rate of waveforms in front of networks, by windowed sinc interpolation.

Networks are trained behind one particular resampler, and this one computes what
``torchaudio.functional.resample`` does (Hann window). Differentiable in the waveform. Not for
reading audio files: that is done with a sharper filter, which no network depends on.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

ROLLOFF = 0.99
"""Cut-off frequency, as a share of the lower Nyquist frequency."""


def sinc_resample(
    waveform: Tensor, orig: int, new: int, *, width: int = 128, rolloff: float = ROLLOFF
) -> Tensor:
    """``waveform`` at another sample rate.

    Args:
        waveform: float ``[..., N]``.
        orig: its rate in Hz, a positive integer. Only the ratio to ``new`` matters.
        new: the rate wanted, a positive integer.
        width: zero crossings of the sinc on each side. RMVPE and vocoder training use 128.
        rolloff: cut-off as a share of the lower Nyquist frequency, in (0, 1].

    Returns:
        ``[..., ceil(new * N / orig)]``; the waveform itself if both rates are equal or it is empty.

    Raises:
        ValueError: a rate, the width or the rolloff is out of range.
    """
    if orig <= 0 or new <= 0 or int(orig) != orig or int(new) != new:
        raise ValueError(f"sample rates must be positive integers, not {orig} and {new}")
    if width <= 0 or not 0 < rolloff <= 1:
        raise ValueError("width must be positive and rolloff in (0, 1]")
    divisor = math.gcd(int(orig), int(new))
    orig, new = int(orig) // divisor, int(new) // divisor
    if orig == new or waveform.numel() == 0:
        return waveform
    kernel, half = _kernel(orig, new, width, rolloff, waveform.dtype, waveform.device)
    length = waveform.shape[-1]
    rows = F.pad(waveform.reshape(-1, 1, length), (half, half + orig))
    phases = F.conv1d(rows, kernel, stride=orig)
    interleaved = phases.transpose(1, 2).flatten(1)[:, : -(-new * length // orig)]
    return interleaved.reshape(*waveform.shape[:-1], -1)


@lru_cache(maxsize=16)
def _kernel(
    orig: int, new: int, width: int, rolloff: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, int]:
    """One filter per output phase, ``[new, 1, 2 * half + orig]``, and ``half``."""
    cutoff = min(orig, new) * rolloff
    half = math.ceil(width * orig / cutoff)
    # A kernel first needed during inference may be needed again for training.
    with torch.inference_mode(False):
        taps = torch.arange(-half, half + orig, dtype=torch.float64) / orig
        phases = torch.arange(new, dtype=torch.float64)[:, None] / new
        t = ((taps - phases) * cutoff).clamp(-width, width)
        window = torch.cos(t * (math.pi / (2 * width))).square()
        kernel = torch.sinc(t) * window * (cutoff / orig)
        return kernel[:, None].to(device=device, dtype=dtype), half
