"""SwiftF0 as a pitch extractor: a small network that needs no download and no graphics card.

L. Nieradzik, "SwiftF0: fast and accurate monophonic pitch detection" (2025). Its weights come
with the package swift-f0 and run in ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pitch import F0, Unvoiced, interpolate_unvoiced

LOWEST, HIGHEST = 46.875, 2093.75
"""Hz; what the network was trained to find."""
RATE = 16000
_VOICED = 0.5
"""Confidence from which a frame counts as voiced; the network is calibrated to this value."""


@cache
def swift_detector() -> Any:
    """The network, loaded once per process."""
    from swift_f0 import SwiftF0

    # One thread: callers work on several recordings at once.
    return SwiftF0(threads=1, spin=False)


@dataclass(frozen=True)
class Swift:
    """The network's 16 ms frames on the frame grid of a mel spectrogram.

    The network always listens to its whole range, 47 to 2094 Hz. A pitch outside of ``f0_min``
    to ``f0_max`` makes a frame unvoiced; searching in a narrower range instead would put it into
    a wrong octave.
    """

    f0_min: float
    f0_max: float

    def extract(
        self,
        waveform: NDArray[np.float32],
        sample_rate: int,
        *,
        hop_size: int,
        length: int,
        speed: float = 1.0,
    ) -> tuple[F0, Unvoiced]:
        """See :meth:`.pitch.PitchExtractor.extract`."""
        import soxr

        audio = np.asarray(waveform, np.float32)
        if sample_rate != RATE:
            audio = soxr.resample(audio, sample_rate, RATE, quality="HQ")
        if not len(audio):
            return interpolate_unvoiced(np.zeros(length, np.float32))
        found = swift_detector().detect(audio, RATE)
        inside = (found.pitch_hz >= self.f0_min) & (found.pitch_hz <= self.f0_max)
        confidence = np.where(inside, found.confidence, 0.0)
        known = np.where(confidence >= _VOICED, found.pitch_hz, 0.0)
        if not known.any():
            return interpolate_unvoiced(np.zeros(length, np.float32))
        steps, _ = interpolate_unvoiced(known)
        times = np.arange(length) * (round(hop_size * speed) / sample_rate)
        voiced = np.interp(times, found.timestamps, confidence) >= _VOICED
        voiced &= times < len(waveform) / sample_rate
        pitch = 2.0 ** np.interp(times, found.timestamps, np.log2(steps))
        return interpolate_unvoiced(np.where(voiced, pitch, 0.0).astype(np.float32))
