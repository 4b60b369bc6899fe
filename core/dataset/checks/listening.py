"""Listening to a recording once: everything the checks want to know that needs no labels.

What is heard is small (a few numbers per 20 ms), so that labels and limits can change without
listening again (see :mod:`.memory`). Judging is the business of the other modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import scipy.fft
import soxr

from ...errors import SingwizError
from ..audio import AudioInfo, read_audio
from ..measure import Measures, measure
from .voicing import FRAME, RATE, coarse_pitch

LONGEST = 600.0
"""Seconds of a recording that are looked at frame by frame; longer ones are a fault anyway."""

_SPECTRUM = 2048
_SPECTRUM_EVERY = 0.25
_BAND = 250.0
_LOUD_SHARE = 90.0
_LOWEST_CLIFF = 5000.0

_LOWEST = 20.0

_NOTHING = np.zeros(0, np.float32)


def cents_of(f0: np.ndarray) -> np.ndarray:
    """Hz to whole cents above 20 Hz, uint16 ``[T]``; 0 stays 0."""
    cents = np.zeros(len(f0), np.uint16)
    sung = f0 > _LOWEST * 1.001
    cents[sung] = np.round(1200.0 * np.log2(f0[sung].astype(np.float64) / _LOWEST))
    return cents


def hertz_of(cents: np.ndarray) -> np.ndarray:
    """The inverse of :func:`cents_of`, float32 ``[T]``."""
    hertz = _LOWEST * np.exp2(cents.astype(np.float64) / 1200.0)
    return np.where(cents > 0, hertz, 0.0).astype(np.float32)


class PitchTracker(Protocol):
    """A real pitch tracker, for what the quick look finds suspicious."""

    @property
    def label(self) -> str:
        """Name and version; what an older one heard is heard again."""

    def track(self, samples: np.ndarray, sample_rate: int, *, frame: float) -> np.ndarray:
        """Pitch of frames centred at ``(t + 0.5) * frame``.

        Args:
            samples: float32 ``[N]``.
            sample_rate: Hz.
            frame: seconds.

        Returns:
            Hz, float32 ``[ceil(N / sample_rate / frame)]``, 0 where there is no pitch.
        """


@dataclass(frozen=True, slots=True)
class Listening:
    """What was heard in one recording.

    Attributes:
        measures: levels, channels, fingerprint.
        level: dBFS per frame of 20 ms, float32 ``[T]``, in steps of half a dB.
        f0: Hz per frame, float32 ``[T]``, 0 = unvoiced, in steps of a cent; by the quick look
            or by a tracker.
        cutoff: Hz at which the spectrum falls off a cliff; 0 = nowhere.
        cliff: how high that cliff is, dB.
        tracker: label of the tracker that found ``f0``; empty = quick look.
    """

    measures: Measures
    level: np.ndarray = field(default_factory=lambda: _NOTHING)
    f0: np.ndarray = field(default_factory=lambda: _NOTHING)
    cutoff: float = 0.0
    cliff: float = 0.0
    tracker: str = ""

    @property
    def good(self) -> bool:
        """True if the recording could be read to its end."""
        measures = self.measures
        return measures.error is None and measures.finite and measures.info is not None


def listen(path: Path) -> Listening:
    """Listen to one recording; never raises for what is in the file."""
    ear = _Ear()
    measures = measure(path, ear=ear)
    if measures.error is not None or not measures.finite or measures.info is None:
        return Listening(measures)
    cutoff, cliff = ear.cutoff()
    level = ear.level()
    f0 = hertz_of(cents_of(coarse_pitch(ear.narrow(len(level)))))
    return Listening(measures, level, f0, cutoff, cliff)


def listen_closely(path: Path, tracker: PitchTracker) -> Listening:
    """Listen to one recording with a real pitch tracker; never raises for what is in the file."""
    quick = listen(path)
    if not quick.good:
        return quick
    try:
        samples, rate = read_audio(path, None)
    except SingwizError:
        return quick
    found = tracker.track(samples[: int(LONGEST * rate)], rate, frame=FRAME)
    count = len(quick.level)
    f0 = np.pad(found, (0, max(count - len(found), 0)))[:count]
    return replace(quick, f0=hertz_of(cents_of(f0)), tracker=tracker.label)


class _Ear:
    """Collects frames, a narrow-band copy and spectra while a recording is measured."""

    def start(self, info: AudioInfo) -> None:
        self._rate = info.sample_rate
        self._width = max(round(FRAME * self._rate), 1)
        self._left = int(LONGEST * self._rate)
        self._rest = _NOTHING
        self._powers: list[np.ndarray] = []
        self._narrow: list[np.ndarray] = []
        self._spectra: list[np.ndarray] = []
        self._stream = soxr.ResampleStream(self._rate, RATE, 1, quality="LQ")
        self._window = np.hanning(_SPECTRUM).astype(np.float32)
        bins = np.arange(0.0, self._rate / 2, _BAND) * _SPECTRUM / self._rate
        self._bands = np.unique(np.round(bins).astype(int))

    def hear(self, samples: np.ndarray) -> None:
        samples = samples[: self._left]
        self._left -= len(samples)
        if not len(samples):
            return
        self._narrow.append(self._stream.resample_chunk(np.ascontiguousarray(samples)))
        if len(samples) >= _SPECTRUM:
            self._look(samples)
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // self._width * self._width
        frames = joined[:whole].reshape(-1, self._width)
        self._powers.append(np.einsum("ij,ij->i", frames, frames) / self._width)
        self._rest = joined[whole:].copy()

    def _look(self, samples: np.ndarray) -> None:
        step = max(int(_SPECTRUM_EVERY * self._rate), 1)
        windows = np.lib.stride_tricks.sliding_window_view(samples, _SPECTRUM)[::step]
        spectrum = scipy.fft.rfft(windows * self._window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        self._spectra.append(np.add.reduceat(power, self._bands, axis=1))

    def level(self) -> np.ndarray:
        """dBFS per frame; the last frame may be shorter than the others."""
        last = [np.array([np.mean(self._rest**2)], np.float32)] if len(self._rest) else []
        power = np.concatenate([*self._powers, *last]) if self._powers or last else _NOTHING
        decibels = 10.0 * np.log10(np.maximum(power, 1e-12))
        # Coarse steps, so that a remembered recording is judged exactly as a fresh one.
        return (np.round(2.0 * decibels.clip(-127.0, 0.0)) / 2.0).astype(np.float32)

    def narrow(self, frames: int) -> np.ndarray:
        """The sound at :data:`RATE`, ``frames`` frames of it."""
        samples = np.concatenate(
            [*self._narrow, self._stream.resample_chunk(_NOTHING, last=True)]
        ).astype(np.float32)
        count = frames * round(FRAME * RATE)
        return np.pad(samples, (0, max(count - len(samples), 0)))[:count]

    def cutoff(self) -> tuple[float, float]:
        """Where the spectrum falls within 500 Hz and stays down, and by how many dB."""
        if not self._spectra:
            return 0.0, 0.0
        loud = np.percentile(np.concatenate(self._spectra), _LOUD_SHARE, axis=0)
        bands = 10.0 * np.log10(np.maximum(loud, 1e-12))
        frequencies = self._bands * self._rate / _SPECTRUM
        above = np.maximum.accumulate(bands[::-1])[::-1]
        # Below there are the gaps between formants; at the very top ends every file.
        usable = (frequencies[:-2] >= _LOWEST_CLIFF) & (frequencies[:-2] < 0.45 * self._rate)
        falls = np.where(usable, bands[:-2] - above[2:], 0.0)
        if not usable.any() or falls.max() <= 0:
            return 0.0, 0.0
        k = int(np.argmax(falls))
        return float(frequencies[k] + _BAND), float(falls[k])
