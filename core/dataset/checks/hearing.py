"""Listening to all recordings of a voice, and judging what was heard; memory stays small.

Every recording is looked at quickly. Those where that finds something, and a sample spread over
the dataset, are listened to again by a real pitch tracker, whose word counts.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ...errors import Cancelled
from ...findings import Finding
from ...reporting import Reporter
from ..measure import Measures
from ..raw import Item, RawDataset
from .judging import Verdict, judge
from .listening import Listening, PitchTracker, listen, listen_closely
from .memory import ListeningMemory
from .needs import Needs
from .pauses import check_room
from .pitch import RangeFacts, check_range, range_of
from .sound import Ends, check_bandwidth, check_identical, check_label_length, check_sound
from .thresholds import Thresholds
from .voicebank import check_samples, samples_of

_REPORT_EVERY = 0.1


def check_by_ear(
    datasets: Sequence[RawDataset],
    needs: Needs,
    limits: Thresholds,
    *,
    unusable: Collection[str],
    workers: int,
    tracker: PitchTracker | None,
    memory: Path | None,
    reporter: Reporter,
) -> list[Finding]:
    """All checks that open recordings.

    Args:
        unusable: names of datasets whose labels are not in seconds.

    Raises:
        Cancelled: the user stopped.
    """
    findings: list[Finding] = []
    sounds: list[tuple[RawDataset, Item, str]] = []
    samples = {dataset.name: samples_of(dataset) for dataset in datasets if not dataset.items}
    total = sum(len(dataset.items) for dataset in datasets) + sum(map(len, samples.values()))
    with ListeningMemory(memory) as remembered:
        hearing = _Hearing(needs, limits, workers, tracker, remembered, reporter)
        hearing.expect(total)
        for dataset in datasets:
            if samples.get(dataset.name):
                findings += hearing.check_samples(dataset, samples[dataset.name])
                continue
            findings += hearing.check(dataset, dataset.name not in unusable)
            sounds += hearing.sounds
        every = [item for d in datasets for item in (*d.items, *samples.get(d.name, ()))]
        remembered.forget_all_but(item.audio for item in every if item.audio is not None)
    return findings + list(check_identical(sounds))


class _Hearing:
    """Listens to one dataset after the other."""

    def __init__(
        self,
        needs: Needs,
        limits: Thresholds,
        workers: int,
        tracker: PitchTracker | None,
        memory: ListeningMemory,
        reporter: Reporter,
    ) -> None:
        self.needs = needs
        self.limits = limits
        self.workers = workers
        self.tracker = tracker
        self.memory = memory
        self.reporter = reporter
        self.sounds: list[tuple[RawDataset, Item, str]] = []
        self._done = 0
        self._total = 0
        self._reported = 0.0

    def expect(self, total: int) -> None:
        """Progress starts anew, towards ``total`` recordings."""
        self._done, self._total = 0, total

    def check(self, dataset: RawDataset, labels: bool) -> list[Finding]:
        """Listen to a dataset; ``labels`` says whether its labels mean anything."""
        needs, limits = self.needs, self.limits
        labelled = labels and needs.kind != "vocoder"
        own = needs if labelled else replace(needs, kind="vocoder")
        heard: list[tuple[Item, Measures]] = []
        ends: list[Ends] = []
        verdicts: dict[int, Verdict] = {}
        items = [item for item in dataset.items if item.audio is not None]
        for k, listening in enumerate(self._listen(items, listen, "", "Listening to")):
            heard.append((items[k], listening.measures))
            if listening.good:
                verdicts[k] = judge(dataset, items[k], listening, own, limits)
                ends.append((items[k], listening.cutoff, listening.cliff))
        ranges = self._listen_closely(dataset, items, verdicts, own) if self.tracker else []
        self.sounds = [
            (dataset, item, measures.fingerprint)
            for item, measures in heard
            if measures.fingerprint and measures.rms >= limits.silence
        ]
        findings: list[Finding] = []
        if labelled:
            findings += check_label_length(dataset, heard, limits)
        findings += check_sound(dataset, heard, needs.sample_rate, limits)
        findings += check_bandwidth(dataset, ends, limits)
        pauses = [verdict.pauses for verdict in verdicts.values() if verdict.pauses]
        room = check_room(dataset, pauses, limits)
        # A room or music that sounds in all pauses is not reported pause by pause.
        everywhere = any(one.code in ("pause-tonal", "pause-reverberant") for one in room)
        silent = {item.name for item, m in heard if m.rms < limits.silence}
        for k, verdict in sorted(verdicts.items()):
            if items[k].name not in silent:
                findings += [
                    finding
                    for finding in verdict.findings
                    if not (everywhere and finding.code == "pause-voiced")
                ]
        findings += room
        return findings + check_range(dataset, ranges, needs, limits)

    def check_samples(self, dataset: RawDataset, items: Sequence[Item]) -> list[Finding]:
        """Listen to the samples of a voicebank, which have no labels yet."""
        ear, label = listen, ""
        if (tracker := self.tracker) is not None:
            ear, label = (lambda path: listen_closely(path, tracker)), tracker.label
        heard = list(zip(items, self._listen(items, ear, label, "Listening to"), strict=True))
        measured = [(item, listening.measures) for item, listening in heard]
        findings = check_sound(dataset, measured, self.needs.sample_rate, self.limits)
        good = [(item, listening) for item, listening in heard if listening.good]
        return findings + check_samples(dataset, good, self.limits)

    def _listen_closely(
        self,
        dataset: RawDataset,
        items: Sequence[Item],
        verdicts: dict[int, Verdict],
        needs: Needs,
    ) -> list[RangeFacts]:
        """Judge anew what was suspicious; returns the range of the voice in the sample."""
        tracker = self.tracker
        assert tracker is not None
        seconds = sum(item.seconds for item in items)
        step = max(math.ceil(seconds / max(self.limits.pitch_scan, 1.0)), 1)
        sample = {k for k in verdicts if k % step == 0}
        wanted = sorted(sample | {k for k, verdict in verdicts.items() if verdict.by_pitch})
        done, total = self._done, self._total
        self.expect(len(wanted))
        chosen = [items[k] for k in wanted]
        closely = self._listen(
            chosen,
            lambda path: listen_closely(path, tracker),
            tracker.label,
            "Listening closely to",
        )
        ranges = []
        for k, listening in zip(wanted, closely, strict=True):
            if listening.good:
                verdicts[k] = judge(dataset, items[k], listening, needs, self.limits)
                if k in sample:
                    ranges.append(range_of(items[k], listening, self.needs, self.limits))
        self._done, self._total = done, total
        return ranges

    def _listen(
        self, items: Sequence[Item], ear: Callable[[Path], Listening], tracker: str, label: str
    ) -> Iterator[Listening]:
        """What is heard in every item, in order: remembered, or listened to in threads."""
        paths = [item.audio for item in items if item.audio is not None]
        known = [self.memory.knows(path, tracker=tracker) for path in paths]
        new = _map([p for p, is_known in zip(paths, known, strict=True) if not is_known], ear,
                   self.workers)  # fmt: skip
        for item, path, is_known in zip(items, paths, known, strict=True):
            if self.reporter.cancelled():
                raise Cancelled
            listening = self.memory.recall(path, tracker=tracker) if is_known else next(new)
            if listening is None:
                listening = ear(path)
            if not is_known:
                self.memory.keep(path, listening)
            self._progress(f"{label} {item.name}")
            yield listening

    def _progress(self, label: str) -> None:
        self._done += 1
        if time.monotonic() - self._reported > _REPORT_EVERY or self._done == self._total:
            self.reporter.progress(self._done, self._total, label)
            self._reported = time.monotonic()


def _map(
    paths: Sequence[Path], ear: Callable[[Path], Listening], workers: int
) -> Iterator[Listening]:
    """What is heard in recordings, in their order; only a few are heard in advance.

    Decoding and the arithmetic release Python's lock, so threads are enough.
    """
    if workers <= 1 or len(paths) < 2:
        yield from map(ear, paths)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        waiting: deque[Future[Listening]] = deque()
        for path in paths:
            waiting.append(pool.submit(ear, path))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
