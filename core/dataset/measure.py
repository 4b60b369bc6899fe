"""Listening to recordings without ears: levels, edges, channels, a fingerprint.

One pass per file in blocks, so memory does not grow with length. Judging the numbers is the
business of the checks.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import SingwizError
from .audio import AudioInfo, blocks, info_of, open_audio, to_mono

FULL_SCALE = 0.9999
"""16-bit full scale is 32767/32768; anything above this is at the limit."""

_WINDOW = 0.05
_EDGE = 0.01
_LOUD_RANGE = 20.0


@dataclass(frozen=True, slots=True)
class Measures:
    """Facts about one recording; levels in dBFS.

    Attributes:
        info: header; None if the file could not be read.
        error: why it could not be read.
        finite: no sample is NaN or infinite; the other values mean nothing otherwise.
        peak: highest absolute sample, linear.
        rms: level of the whole recording.
        loudness: mean level of the 50 ms windows within 20 dB of the loudest.
        offset: mean of the samples, linear.
        clipped: most samples in a row at full scale.
        clipped_at: where they are, seconds.
        start, end: level of the first and last 10 ms.
        correlation: of the two least alike channels; 1 for mono.
        fingerprint: equal for recordings with equal sound.
    """

    info: AudioInfo | None
    error: SingwizError | None = None
    finite: bool = True
    peak: float = 0.0
    rms: float = -200.0
    loudness: float = -200.0
    offset: float = 0.0
    clipped: int = 0
    clipped_at: float = 0.0
    start: float = -200.0
    end: float = -200.0
    correlation: float = 1.0
    fingerprint: str = ""


class Ear(Protocol):
    """Listens along while a recording is measured."""

    def start(self, info: AudioInfo) -> None:
        """A recording begins."""

    def hear(self, samples: np.ndarray) -> None:
        """The next samples, the mean of the channels, float32 ``[n]``; all are finite."""


def measure(path: Path, *, ear: Ear | None = None) -> Measures:
    """Measure one recording; never raises for what is in the file."""
    info = None
    try:
        with open_audio(path) as sound:
            info = info_of(sound)
            meter = _Meter(info)
            if ear is not None:
                ear.start(info)
            for block in blocks(sound, path):
                mono = meter.add(block)
                if ear is not None and meter.finite:
                    ear.hear(mono)
                if not meter.finite:
                    return Measures(info, finite=False)
            return meter.result()
    except SingwizError as error:
        return Measures(info, error)


def measure_all(paths: Iterable[Path], *, workers: int = 1) -> Iterator[Measures]:
    """Measure recordings one after the other or in threads, in the given order.

    Decoding and the arithmetic release Python's lock, so threads are enough.
    """
    if workers <= 1:
        yield from map(measure, paths)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=workers, backend="threading", return_as="generator")
    yield from parallel(delayed(measure)(path) for path in paths)


def level(power: float) -> float:
    """Mean square to dBFS, floored at -200 dB."""
    return 10.0 * math.log10(max(power, 1e-20))


class _Meter:
    """Accumulates what :class:`Measures` reports, block by block."""

    def __init__(self, info: AudioInfo) -> None:
        self.info = info
        self.finite = True
        self.peak = 0.0
        self.total = 0.0
        self.square = 0.0
        self.powers: list[np.ndarray] = []
        self.clipped = 0
        self.clipped_at = 0.0
        self.seen = 0
        self.head = np.empty(0, np.float32)
        self.tail = np.empty(0, np.float32)
        self.products = np.zeros((info.channels, info.channels))

    def add(self, block: np.ndarray) -> np.ndarray:
        """Take in samples ``[n, channels]``; returns their mean ``[n]``."""
        flat = block.reshape(-1)
        peak = max(float(flat.max()), -float(flat.min()))
        mono = to_mono(block)
        if not math.isfinite(peak):
            self.finite = False
            return mono
        if peak >= FULL_SCALE:
            self._find_clipping(block)
        self.peak = max(self.peak, peak)
        if self.info.channels > 1:
            self.products += block.T @ block
        self.total += float(mono.sum(dtype=np.float64))
        width = max(int(_WINDOW * self.info.sample_rate), 1)
        whole = len(mono) // width * width
        frames = mono[:whole].reshape(-1, width)
        powers = np.einsum("ij,ij->i", frames, frames)
        rest = mono[whole:]
        self.square += float(powers.sum(dtype=np.float64)) + float(np.dot(rest, rest))
        self.powers.append(powers / width)
        edge = self._edge_length()
        if len(self.head) < edge:
            self.head = np.concatenate((self.head, mono[: edge - len(self.head)]))
        self.tail = np.concatenate((self.tail, mono[-edge:]))[-edge:]
        self.seen += len(mono)
        return mono

    def _edge_length(self) -> int:
        return max(int(_EDGE * self.info.sample_rate), 1)

    def _find_clipping(self, block: np.ndarray) -> None:
        for channel in range(block.shape[1]):
            full = np.abs(block[:, channel]) >= FULL_SCALE
            steps = np.flatnonzero(np.diff(full, prepend=False, append=False))
            starts, ends = steps[0::2], steps[1::2]
            if len(starts):
                longest = int(np.argmax(ends - starts))
                run = int(ends[longest] - starts[longest])
                if run > self.clipped:
                    self.clipped = run
                    self.clipped_at = (self.seen + int(starts[longest])) / self.info.sample_rate

    def result(self) -> Measures:
        """The measures of everything taken in."""
        powers = np.concatenate(self.powers)
        loud = powers[powers >= powers.max() * 10 ** (-_LOUD_RANGE / 10)] if len(powers) else powers
        rms = level(self.square / self.seen)
        digest = hashlib.blake2b(powers.tobytes(), digest_size=16)
        digest.update(np.array([self.seen, self.total, self.square]).tobytes())
        return Measures(
            info=self.info,
            peak=self.peak,
            rms=rms,
            loudness=level(float(loud.mean())) if len(loud) else rms,
            offset=self.total / self.seen,
            clipped=self.clipped,
            clipped_at=self.clipped_at,
            # About their own mean: a DC offset is a fault of its own, not a cut sound.
            start=level(float(np.var(self.head, dtype=np.float64))),
            end=level(float(np.var(self.tail, dtype=np.float64))),
            correlation=self._correlation(),
            fingerprint=digest.hexdigest(),
        )

    def _correlation(self) -> float:
        if self.info.channels == 1:
            return 1.0
        energy = np.sqrt(np.maximum(np.diag(self.products), 1e-20))
        alike = self.products / np.outer(energy, energy)
        # A channel without sound is no better than one with another sound.
        return float(alike.min())
