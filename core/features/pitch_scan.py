"""Pitch trackers for looking at recordings: quick, wide in range, and not for training.

What a model learns comes from the extractors in :mod:`.pitch`, whose curves other programs
share. Here it only matters whether and roughly where something is sung.
"""

from __future__ import annotations

from importlib import metadata, util
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .swift import RATE, swift_detector

_HIGHEST = 2000.0
_LOWEST = 47.0
_VOICED = 0.5


class ScanTracker(Protocol):
    """Finds pitch on a grid of its user's choice."""

    @property
    def label(self) -> str:
        """Name and version."""

    def track(
        self, samples: NDArray[np.float32], sample_rate: int, *, frame: float
    ) -> NDArray[np.float32]:
        """Pitch of frames centred at ``(t + 0.5) * frame``.

        Args:
            samples: float32 ``[N]``.
            sample_rate: Hz.
            frame: seconds.

        Returns:
            Hz, float32 ``[ceil(N / sample_rate / frame)]``, 0 where there is no pitch.
        """


class SwiftTracker:
    """SwiftF0, a small neural tracker that ships its weights (47 to 2094 Hz, steps of 16 ms)."""

    @property
    def label(self) -> str:
        """See :class:`ScanTracker`."""
        return f"swift-f0 {metadata.version('swift-f0')}"

    def track(
        self, samples: NDArray[np.float32], sample_rate: int, *, frame: float
    ) -> NDArray[np.float32]:
        """See :meth:`ScanTracker.track`."""
        import soxr

        centres = _centres(len(samples), sample_rate, frame)
        if sample_rate != RATE:
            samples = soxr.resample(samples, sample_rate, RATE, quality="HQ")
        if not len(centres) or not len(samples):
            return np.zeros(len(centres), np.float32)
        found = swift_detector().detect(samples, RATE)
        step = found.timestamps[1] if len(found.timestamps) > 1 else frame
        nearest = np.clip(np.round(centres / step).astype(int), 0, len(found.pitch_hz) - 1)
        voiced = found.confidence[nearest] >= _VOICED
        return np.where(voiced, found.pitch_hz[nearest], 0.0).astype(np.float32)


class PraatTracker:
    """Praat's autocorrelation method, where SwiftF0 is not installed."""

    @property
    def label(self) -> str:
        """See :class:`ScanTracker`."""
        return f"parselmouth {metadata.version('praat-parselmouth')}"

    def track(
        self, samples: NDArray[np.float32], sample_rate: int, *, frame: float
    ) -> NDArray[np.float32]:
        """See :meth:`ScanTracker.track`."""
        import parselmouth

        centres = _centres(len(samples), sample_rate, frame)
        # Praat refuses sounds shorter than three periods of the lowest pitch.
        left = int(2.0 / _LOWEST * sample_rate)
        sound = parselmouth.Sound(
            np.pad(np.asarray(samples, np.float64), (left, left)), sampling_frequency=sample_rate
        )
        pitch = sound.to_pitch_ac(
            time_step=frame,
            voicing_threshold=0.6,
            pitch_floor=_LOWEST,
            pitch_ceiling=min(_HIGHEST, 0.45 * sample_rate),
        )
        found = pitch.selected_array["frequency"]
        if not len(found):
            return np.zeros(len(centres), np.float32)
        nearest = np.round((centres + left / sample_rate - pitch.t1) / frame).astype(int)
        inside = (nearest >= 0) & (nearest < len(found))
        values = found[np.clip(nearest, 0, len(found) - 1)]
        return np.where(inside, values, 0.0).astype(np.float32)


def scan_tracker() -> ScanTracker:
    """The best tracker that is installed; nothing heavy is imported before its first use."""
    return SwiftTracker() if util.find_spec("swift_f0") else PraatTracker()


def _centres(samples: int, sample_rate: int, frame: float) -> NDArray[np.float64]:
    count = int(np.ceil(samples / sample_rate / frame - 1e-9))
    return np.asarray((np.arange(count) + 0.5) * frame, np.float64)
