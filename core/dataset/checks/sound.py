"""Checks of recordings: length, rate, channels, level, edges, duplicates."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from ...findings import Finding, Place, Severity
from ..measure import Measures, level
from ..raw import Item, RawDataset
from .rules import CHECKS, report, some
from .thresholds import Thresholds

_SAME = 0.9999
_MOST = 0.5
_MANY = 50
_MANY_SHORT = 20

Heard = tuple[Item, Measures]
Ends = tuple[Item, float, float]
"""An item, the Hz at which its spectrum ends (0 = nowhere), and by how many dB it falls there."""


def check_sound(
    dataset: RawDataset, heard: Sequence[Heard], sample_rate: int, limits: Thresholds
) -> list[Finding]:
    """All checks of one dataset's recordings that do not look at labels.

    Args:
        dataset: where the items come from.
        heard: items with the measures of their recordings.
        sample_rate: of the voice to be trained, Hz.
        limits: where to draw the lines.
    """
    findings: list[Finding] = []
    good: list[Heard] = []
    for item, measures in heard:
        broken = check_readable(dataset, item, measures, limits)
        findings += broken
        if not broken:
            good.append((item, measures))
    findings += _merged(
        [one for pair in good for one in check_length(dataset, *pair, limits)], limits
    )
    for item, measures in good:
        findings += check_level(dataset, item, measures, limits)
        findings += check_cut(dataset, item, measures, limits)
        findings += check_channel_likeness(dataset, item, measures, limits)
    findings += check_recommended(dataset, good, limits)
    findings += check_loudness(dataset, good, limits)
    findings += check_rates(dataset, good, sample_rate, limits)
    findings += check_channels(dataset, good)
    return findings


def check_readable(
    dataset: RawDataset, item: Item, measures: Measures, limits: Thresholds
) -> list[Finding]:
    """Damaged, empty or silent recordings; nothing else is said about those."""
    place = _place(dataset, item)
    if measures.error is not None:
        error = measures.error
        code = error.code if error.code in CHECKS else "audio-unreadable"
        return [report(code, error.message, place, hint=error.hint)]
    if not measures.finite:
        message = f"The recording of '{item.name}' contains values that are not numbers."
        return [report("audio-not-finite", message, place)]
    if measures.rms < limits.silence:
        message = f"The recording of '{item.name}' is silent ({_decibels(measures.rms)})."
        return [report("audio-silent", message, place)]
    return []


def check_label_length(
    dataset: RawDataset, heard: Sequence[Heard], limits: Thresholds
) -> Iterator[Finding]:
    """Labels that end before or after the recording."""
    for item, measures in heard:
        if measures.error is not None or measures.info is None:
            continue
        seconds, labelled = measures.info.seconds, item.seconds
        excess = labelled - seconds
        allowed = max(limits.length_difference, limits.length_difference_share * seconds)
        # Hundreds of times too long means another unit, which has its own finding.
        if abs(excess) <= allowed or labelled >= 500 * seconds:
            continue
        side = "after" if excess > 0 else "before the end of"
        start, end = sorted((round(labelled, 6), round(seconds, 6)))
        place = dataset.place(item.name, item.line)
        yield report(
            "label-audio-length",
            f"The labels of '{item.name}' end {abs(excess):.2f} s {side} the recording.",
            Place(place.dataset, item.name, place.file, item.line, "", start, end),
            severity=Severity.ERROR if abs(excess) > limits.length_difference_error else None,
        )


def check_length(
    dataset: RawDataset, item: Item, measures: Measures, limits: Thresholds
) -> Iterator[Finding]:
    """Recordings too short or too long."""
    seconds = measures.info.seconds if measures.info else math.nan
    place = _place(dataset, item)
    if seconds < limits.item_min:
        severity = Severity.ERROR if seconds < limits.item_min_error else None
        message = f"The recording of '{item.name}' is only {seconds:.2f} s long."
        yield report("item-short", message, place, severity=severity)
    elif seconds > limits.item_max:
        severity = Severity.ERROR if seconds > limits.item_max_error else None
        message = f"The recording of '{item.name}' is {seconds:.1f} s long."
        yield report("item-long", message, place, severity=severity)


def _merged(findings: list[Finding], limits: Thresholds) -> list[Finding]:
    """Many short recordings are one matter: nobody reads the same sentence a hundred times."""
    short = [f for f in findings if f.code == "item-short" and f.severity == Severity.WARNING]
    if len(short) <= _MANY_SHORT:
        return findings
    names = some([finding.place.item for finding in short])
    message = f"{len(short)} recordings are shorter than {limits.item_min:g} s: {names}."
    kept = [finding for finding in findings if finding not in short]
    return [*kept, report("item-short", message, short[0].place)]


def check_recommended(
    dataset: RawDataset, heard: Sequence[Heard], limits: Thresholds
) -> Iterator[Finding]:
    """One note for recordings that are longer than is best, but not too long."""
    longish = [
        item
        for item, measures in heard
        if measures.info and limits.item_recommended < measures.info.seconds <= limits.item_max
    ]
    if longish:
        message = (
            f"{len(longish)} recording(s) are longer than {limits.item_recommended:g} s: "
            f"{some([item.name for item in longish])}."
        )
        place = _place(dataset, longish[0])
        yield report("item-long", message, place, severity=Severity.NOTE)


def check_level(
    dataset: RawDataset, item: Item, measures: Measures, limits: Thresholds
) -> Iterator[Finding]:
    """Clipping, low level, DC offset."""
    place = _place(dataset, item)
    if measures.clipped >= limits.clipped_run:
        at = round(measures.clipped_at, 6)
        yield report(
            "level-clipped",
            f"The recording of '{item.name}' is clipped at {at:.2f} s "
            f"({measures.clipped} samples at full scale).",
            Place(place.dataset, item.name, place.file, None, "", at),
        )
    peak = level(measures.peak**2)
    if peak < limits.peak_min:
        message = f"The recording of '{item.name}' is quiet: its peak is {_decibels(peak)}."
        yield report("level-low", message, place)
    if abs(measures.offset) > limits.dc_offset:
        message = f"The recording of '{item.name}' has a DC offset of {measures.offset:.3f}."
        yield report("level-offset", message, place)


def check_cut(
    dataset: RawDataset, item: Item, measures: Measures, limits: Thresholds
) -> Iterator[Finding]:
    """Recordings that begin or end inside a sound."""
    sides = [
        f"{verb} in the middle of a sound ({_decibels(value)})"
        for verb, value in (("begins", measures.start), ("ends", measures.end))
        if value > limits.edge_level
    ]
    if sides:
        message = f"The recording of '{item.name}' {' and '.join(sides)}."
        yield report("edge-cut", message, _place(dataset, item))


def check_channel_likeness(
    dataset: RawDataset, item: Item, measures: Measures, limits: Thresholds
) -> Iterator[Finding]:
    """Channels that would cancel each other when averaged."""
    if measures.correlation < limits.channel_correlation:
        yield report(
            "channels-differ",
            f"The channels of '{item.name}' differ (correlation {measures.correlation:.2f}).",
            _place(dataset, item),
        )


def check_loudness(
    dataset: RawDataset, heard: Sequence[Heard], limits: Thresholds
) -> Iterator[Finding]:
    """Recordings much louder or quieter than the dataset's median."""
    if len(heard) < 3:
        return
    median = statistics.median(measures.loudness for _, measures in heard)
    for item, measures in heard:
        difference = measures.loudness - median
        if abs(difference) > limits.loudness_difference:
            word = "louder" if difference > 0 else "quieter"
            yield report(
                "level-outlier",
                f"'{item.name}' is {abs(difference):.0f} dB {word} than most recordings.",
                _place(dataset, item),
            )


def check_rates(
    dataset: RawDataset, heard: Sequence[Heard], sample_rate: int, limits: Thresholds
) -> Iterator[Finding]:
    """One finding per sample rate that is not the voice's, and one if they are mixed."""
    by_rate: dict[int, list[Item]] = {}
    for item, measures in heard:
        if measures.info is not None:
            by_rate.setdefault(measures.info.sample_rate, []).append(item)
    for rate, items in sorted(by_rate.items()):
        if rate == sample_rate:
            continue
        place = _place(dataset, items[0])
        who = "All recordings are" if len(by_rate) == 1 else f"{len(items)} recording(s) are"
        if rate > sample_rate:
            message = f"{who} at {rate} Hz and will be converted to {sample_rate} Hz."
            yield report("sample-rate-other", message, place)
        else:
            poor = rate < min(limits.sample_rate_error, sample_rate)
            message = f"{who} at only {rate} Hz; the voice works at {sample_rate} Hz."
            severity = Severity.ERROR if poor else None
            yield report("sample-rate-low", message, place, severity=severity)
    if len(by_rate) > 1:
        rates = ", ".join(f"{rate} Hz ({len(items)})" for rate, items in sorted(by_rate.items()))
        message = f"The recordings have different sample rates: {rates}."
        yield report("sample-rate-mixed", message, dataset.place(file="wavs"))


def check_channels(dataset: RawDataset, heard: Sequence[Heard]) -> Iterator[Finding]:
    """One finding for all recordings that are not mono."""
    wide = [(item, m) for item, m in heard if m.info is not None and m.info.channels > 1]
    if wide:
        names = some([item.name for item, _ in wide])
        alike = all(measures.correlation > _SAME for _, measures in wide)
        what = "identical channels" if alike else "more than one channel"
        verb = "has" if len(wide) == 1 else "have"
        message = f"{len(wide)} recording(s) {verb} {what}: {names}."
        yield report("channels", message, _place(dataset, wide[0][0]))


def check_identical(
    heard: Sequence[tuple[RawDataset, Item, str]],
) -> Iterator[Finding]:
    """The same sound under several names, also in different datasets.

    Args:
        heard: dataset, item and fingerprint of every good recording.
    """
    by_sound: dict[str, list[tuple[RawDataset, Item]]] = {}
    for dataset, item, fingerprint in heard:
        by_sound.setdefault(fingerprint, []).append((dataset, item))
    for same in by_sound.values():
        if len(same) > 1:
            spread = len({dataset.name for dataset, _ in same}) > 1
            names = [f"{d.name}: {item.name}" if spread else item.name for d, item in same]
            message = f"These recordings are identical: {some(names)}."
            yield report("audio-identical", message, _place(*same[1]))


def check_bandwidth(
    dataset: RawDataset, ends: Sequence[Ends], limits: Thresholds
) -> Iterator[Finding]:
    """Recordings whose highs were cut, if most are: a single dull vowel says nothing."""
    cut = [
        (hertz, item)
        for item, hertz, drop in ends
        if hertz and hertz < limits.bandwidth and drop >= limits.bandwidth_drop
    ]
    if len(cut) > _MOST * len(ends) or len(cut) >= _MANY:
        middle = statistics.median(hertz for hertz, _ in cut)
        lowest, item = min(cut, key=lambda pair: pair[0])
        message = (
            f"The sound of {len(cut)} recording(s) ends at about {middle / 1000:.1f} kHz, the "
            f"lowest at {lowest / 1000:.1f} kHz: {some([one.name for _, one in cut])}."
        )
        yield report("bandwidth-low", message, _place(dataset, item))


def _place(dataset: RawDataset, item: Item) -> Place:
    file = f"wavs/{item.audio.name}" if item.audio else "wavs"
    return dataset.place(item.name, None, file=file)


def _decibels(value: float) -> str:
    return f"{value:.0f} dBFS"
