"""What is in a dataset, in numbers: phonemes, pitch, lengths, loudness, and what is missing.

Only counting; judging is the business of the checks, drawing that of :mod:`.charts`.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.checks.listening import Listening, PitchTracker, listen, listen_closely
from ..dataset.checks.memory import ListeningMemory
from ..dataset.checks.voicing import FRAME
from ..dataset.raw import Item, RawDataset
from ..errors import Cancelled
from ..features.pitch import interpolate_unvoiced
from ..reporting import Reporter

SCHEMA = 1
BAND = 3
"""Semitones per band of the coverage."""
RESTS = frozenset({"SP", "AP"})
_REPORT_EVERY = 0.1
_OUTERMOST = (1.0, 99.0)
"""Percentiles of the sung time that count as lowest and highest: a slip of the pitch tracker
shall not be a note of the singer."""


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """One recording.

    Attributes:
        item: name.
        seconds: length of the sound.
        loudness: mean level of its loud parts, dBFS.
        peak: highest sample, dBFS.
        sung: seconds with a pitch.
        lowest, highest: MIDI numbers with cents as decimals; None if nothing is sung.
    """

    item: str
    seconds: float
    loudness: float
    peak: float
    sung: float
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, slots=True)
class PhonemeFacts:
    """One phoneme.

    Attributes:
        count: how often it is sung.
        seconds: how long in all.
        bands: band number -> how often it is sung in it, by its middle pitch; consonants
            without a pitch have the one that surrounds them. Band ``b`` begins at MIDI number
            ``b * BAND``.
    """

    count: int
    seconds: float
    bands: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Profile:
    """One dataset.

    Attributes:
        name, speaker, language: of the dataset.
        recordings: in the order of the labels.
        unreadable: items whose recording could not be read.
        phonemes: symbol as written -> facts, most frequent first.
        pitch: MIDI number -> seconds sung nearest to it, ascending, without gaps.
        lowest, median, highest: of the sung time, MIDI numbers; None if nothing is sung.
    """

    name: str
    speaker: str
    language: str
    recordings: tuple[RecordingFacts, ...]
    unreadable: tuple[str, ...]
    phonemes: Mapping[str, PhonemeFacts]
    pitch: Mapping[int, float]
    lowest: float | None
    median: float | None
    highest: float | None

    @property
    def seconds(self) -> float:
        """Length of all recordings."""
        return sum(one.seconds for one in self.recordings)

    @property
    def sung(self) -> float:
        """Seconds with a pitch."""
        return sum(self.pitch.values())

    @property
    def bands(self) -> tuple[int, ...]:
        """Numbers of the bands between lowest and highest pitch, ascending."""
        if self.lowest is None or self.highest is None:
            return ()
        return tuple(range(round(self.lowest) // BAND, round(self.highest) // BAND + 1))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with what the properties say."""
        return {
            "name": self.name,
            "speaker": self.speaker,
            "language": self.language,
            "seconds": round(self.seconds, 3),
            "sung": round(self.sung, 3),
            "lowest": self.lowest,
            "median": self.median,
            "highest": self.highest,
            "pitch": {str(midi): seconds for midi, seconds in self.pitch.items()},
            "bands": [band * BAND for band in self.bands],
            "phonemes": {
                symbol: {
                    "count": facts.count,
                    "seconds": facts.seconds,
                    "coverage": [facts.bands.get(band, 0) for band in self.bands],
                }
                for symbol, facts in self.phonemes.items()
            },
            "recordings": [asdict(one) for one in self.recordings],
            "unreadable": list(self.unreadable),
        }


@dataclass(frozen=True, slots=True)
class DatasetProfile:
    """All datasets of a voice, each for itself: every singer has a range of their own.

    Attributes:
        tracker: which pitch tracker listened.
        datasets: in the given order.
    """

    tracker: str
    datasets: tuple[Profile, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``profile.json`` and ``--json``.

        ``band`` is the height of a coverage band in semitones; ``bands`` of a dataset are the
        MIDI numbers at which they begin, and ``coverage`` of a phoneme how often it is sung in
        each of them.
        """
        return {
            "schema": SCHEMA,
            "tracker": self.tracker,
            "band": BAND,
            "datasets": [one.to_dict() for one in self.datasets],
        }


def dataset_profile(
    datasets: Sequence[RawDataset],
    *,
    tracker: PitchTracker | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
    cache: Path | None = None,
) -> DatasetProfile:
    """Count and listen.

    Args:
        datasets: opened ones.
        tracker: finds the pitch; None = the fast one.
        workers: recordings heard at the same time; None = by the machine.
        reporter: receives progress (recordings heard) and may cancel.
        cache: folder that remembers what was heard, the one that the checks use; None
            remembers nothing.

    Raises:
        Cancelled: the user stopped.
    """
    from ..features.pitch_scan import scan_tracker

    tracker = tracker or scan_tracker()
    hearing = _Hearing(
        tracker,
        min(4, os.cpu_count() or 1) if workers is None else workers,
        reporter or Reporter(),
        sum(len(dataset.items) for dataset in datasets),
    )
    with ListeningMemory(cache) as memory:
        profiles = tuple(_profile(dataset, hearing, memory) for dataset in datasets)
    return DatasetProfile(tracker.label, profiles)


def _profile(dataset: RawDataset, hearing: _Hearing, memory: ListeningMemory) -> Profile:
    items = [item for item in dataset.items if item.audio is not None]
    tally = _Tally()
    recordings: list[RecordingFacts] = []
    unreadable: list[str] = []
    for item, heard in zip(items, hearing.listen(items, memory), strict=True):
        tally.add_labels(item)
        if not heard.good or heard.measures.info is None:
            unreadable.append(item.name)
            continue
        notes = tally.add_pitch(item, heard.f0)
        low, high = _range(notes)
        measures = heard.measures
        peak = 20 * float(np.log10(max(measures.peak, 1e-6)))
        recordings.append(
            RecordingFacts(
                item.name,
                round(heard.measures.info.seconds, 3),
                round(measures.loudness, 2),
                round(peak, 2),
                round(len(notes) * FRAME, 2),
                low,
                high,
            )
        )
    lowest, highest = _range(tally.all_notes)
    return Profile(
        dataset.name,
        dataset.speaker,
        dataset.language,
        tuple(recordings),
        tuple(unreadable),
        tally.phonemes(),
        tally.pitch(),
        lowest,
        round(float(np.median(tally.all_notes)), 2) if len(tally.all_notes) else None,
        highest,
    )


def is_rest(symbol: str) -> bool:
    """Whether a symbol stands for silence or breath."""
    return symbol.rpartition("/")[2] in RESTS


def _range(notes: NDArray[np.float32]) -> tuple[float | None, float | None]:
    if not len(notes):
        return None, None
    low, high = np.percentile(notes, _OUTERMOST)
    return round(float(low), 2), round(float(high), 2)


@dataclass
class _Tally:
    """Counts phonemes and pitch over the items of a dataset."""

    counts: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, float] = field(default_factory=dict)
    bands: dict[str, Counter[int]] = field(default_factory=dict)
    notes: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def all_notes(self) -> NDArray[np.float32]:
        """MIDI numbers of every sung frame."""
        return np.concatenate(self.notes) if self.notes else np.zeros(0, np.float32)

    def add_labels(self, item: Item) -> None:
        self.counts.update(item.ph_seq)
        for symbol, seconds in zip(item.ph_seq, item.ph_dur, strict=True):
            self.lengths[symbol] = self.lengths.get(symbol, 0.0) + seconds

    def add_pitch(self, item: Item, f0: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take in Hz per frame; gives back the MIDI numbers of the frames that are sung."""
        filled, unvoiced = interpolate_unvoiced(f0)
        if unvoiced.all():
            return np.zeros(0, np.float32)
        notes = (69 + 12 * np.log2(filled / 440.0)).astype(np.float32)
        edges = np.concatenate(([0.0], np.cumsum(item.ph_dur)))
        # A phoneme has at least one frame, the one around its middle.
        middles = (edges[:-1] + edges[1:]) / 2
        firsts = np.ceil(edges[:-1] / FRAME - 0.5).astype(int)
        lasts = np.ceil(edges[1:] / FRAME - 0.5).astype(int)
        sung = np.zeros(len(notes), bool)
        for symbol, first, last, middle in zip(item.ph_seq, firsts, lasts, middles, strict=True):
            if is_rest(symbol):
                continue
            if last <= first:
                first = int(middle / FRAME)
                last = first + 1
            if first >= len(notes):
                break  # the labels go on after the sound
            sung[first:last] = True
            height = float(np.median(notes[first:last]))
            self.bands.setdefault(symbol, Counter())[round(height) // BAND] += 1
        own = notes[sung & ~unvoiced]
        self.notes.append(own)
        return own

    def phonemes(self) -> dict[str, PhonemeFacts]:
        return {
            symbol: PhonemeFacts(
                count,
                round(self.lengths[symbol], 3),
                dict(sorted(self.bands.get(symbol, Counter()).items())),
            )
            for symbol, count in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        }

    def pitch(self) -> dict[int, float]:
        notes = self.all_notes
        if not len(notes):
            return {}
        nearest = np.round(notes).astype(int)
        low = int(nearest.min())
        frames = np.bincount(nearest - low)
        return {low + step: round(int(count) * FRAME, 2) for step, count in enumerate(frames)}


class _Hearing:
    """Listens to recordings in threads and remembers; decoding and tracking release the lock."""

    def __init__(self, tracker: PitchTracker, workers: int, reporter: Reporter, total: int) -> None:
        self.tracker = tracker
        self.workers = workers
        self.reporter = reporter
        self.total = total
        self.done = 0
        self.reported = 0.0

    def listen(self, items: Sequence[Item], memory: ListeningMemory) -> Iterator[Listening]:
        """What is heard in every item, in order.

        Raises:
            Cancelled: the user stopped.
        """
        paths = [item.audio for item in items if item.audio is not None]
        known = [memory.knows(path, tracker=self.tracker.label) for path in paths]
        new = self._hear([p for p, is_known in zip(paths, known, strict=True) if not is_known])
        for item, path, is_known in zip(items, paths, known, strict=True):
            if self.reporter.cancelled():
                raise Cancelled
            heard = memory.recall(path, tracker=self.tracker.label) if is_known else None
            if heard is None:
                quick, heard = self._ear(path) if is_known else next(new)
                memory.keep(path, quick)
                memory.keep(path, heard)
            self._progress(item.name)
            yield heard

    def _ear(self, path: Path) -> tuple[Listening, Listening]:
        return listen(path), listen_closely(path, self.tracker)

    def _hear(self, paths: Sequence[Path]) -> Iterator[tuple[Listening, Listening]]:
        if self.workers <= 1 or len(paths) < 2:
            yield from map(self._ear, paths)
            return
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=self.workers, backend="threading", return_as="generator")
        yield from parallel(delayed(self._ear)(path) for path in paths)

    def _progress(self, name: str) -> None:
        self.done += 1
        if time.monotonic() - self.reported > _REPORT_EVERY or self.done == self.total:
            self.reporter.progress(self.done, self.total, f"Listening to {name}")
            self.reported = time.monotonic()
