"""Checks of labels alone: units, phonemes too short or too long, silence at the edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import numpy as np

from ...findings import Finding, Place, Severity
from ..raw import Item, RawDataset
from ..rows import read_numbers
from .needs import Needs
from .rules import report, some
from .thresholds import Thresholds

_PAIRS = (("note_seq", "note_dur"), ("note_seq", "note_glide"), ("note_seq", "note_slur"))


def check_labels(dataset: RawDataset, limits: Thresholds, needs: Needs) -> list[Finding]:
    """All checks that need nothing but the rows."""
    if not dataset.items:
        return []
    durations = np.fromiter(chain.from_iterable(i.ph_dur for i in dataset.items), dtype=np.float64)
    counts = np.array([len(item.ph_dur) for item in dataset.items])
    findings = check_unit(dataset, durations, limits)
    if findings:
        # Every further check would complain about the same thing.
        return findings
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    findings += check_zero(dataset, durations, owner, first, limits)
    findings += check_short(dataset, durations, owner, limits)
    findings += check_under_frame(dataset, durations, owner, first, needs, limits)
    findings += check_long(dataset, durations, owner, first, limits)
    for item in dataset.items:
        findings += check_edges(dataset, item)
        findings += check_edge_silence(dataset, item, limits)
        findings += check_other_columns(dataset, item, needs.kind)
    return findings


def check_unit(dataset: RawDataset, durations: np.ndarray, limits: Thresholds) -> list[Finding]:
    """Durations in milliseconds or in 100 ns units instead of seconds."""
    median = float(np.median(durations))
    whole = bool((durations == np.round(durations)).all() and durations.min() >= 100)
    if median <= limits.unit_median and not whole:
        return []
    # A sung phoneme lasts around 0.1 s: 1e2 in milliseconds, 1e6 in HTK units.
    unit, factor = ("100 ns units", "10000000") if median > 50000 else ("milliseconds", "1000")
    return [
        report(
            "duration-unit",
            f"The durations look like {unit}: half of the phonemes last over {median:g} s.",
            dataset.place(dataset.items[0].name, dataset.items[0].line),
            hint=f"Divide all durations by {factor}.",
        )
    ]


def check_zero(
    dataset: RawDataset,
    durations: np.ndarray,
    owner: np.ndarray,
    first: np.ndarray,
    limits: Thresholds,
) -> list[Finding]:
    """Phonemes without any length, one finding per item."""
    findings = []
    hits = np.flatnonzero(durations < limits.zero_duration)
    _, starts, counts = np.unique(owner[hits], return_index=True, return_counts=True)
    for start, count in zip(starts, counts, strict=True):
        item = dataset.items[int(owner[hits[start]])]
        k = int(hits[start] - first[owner[hits[start]]])
        more = f" and {count - 1} more" if count > 1 else ""
        findings.append(
            report(
                "duration-zero",
                f"The phoneme '{item.ph_seq[k]}'{more} of '{item.name}' has no length.",
                _at(dataset, item, k),
            )
        )
    return findings


def check_short(
    dataset: RawDataset, durations: np.ndarray, owner: np.ndarray, limits: Thresholds
) -> list[Finding]:
    """Too many phonemes of a frame or two: the alignment is doubtful."""
    short = (durations < limits.short_duration) & (durations >= limits.zero_duration)
    share = float(short.mean())
    if share <= limits.short_duration_share:
        return []
    counts = np.bincount(owner[short], minlength=len(dataset.items))
    worst = [dataset.items[int(k)] for k in np.argsort(-counts, kind="stable")[:3] if counts[k]]
    return [
        report(
            "duration-short",
            f"{share:.1%} of the phonemes ({int(short.sum())}) are shorter than "
            f"{limits.short_duration * 1000:g} ms, most of them in "
            f"{some([item.name for item in worst])}.",
            dataset.place(worst[0].name, worst[0].line),
        )
    ]


def check_under_frame(
    dataset: RawDataset,
    durations: np.ndarray,
    owner: np.ndarray,
    first: np.ndarray,
    needs: Needs,
    limits: Thresholds,
) -> list[Finding]:
    """Phonemes that may own no frame of the model at all, one finding per dataset."""
    hits = np.flatnonzero((durations < needs.frame) & (durations >= limits.zero_duration))
    if not len(hits):
        return []
    places = [(dataset.items[int(owner[hit])], int(hit - first[owner[hit]])) for hit in hits]
    counts = Counter(item.ph_seq[k] for item, k in places)
    symbols = ", ".join(f"'{symbol}' ({count})" for symbol, count in counts.most_common(5))
    more = " and others" if len(counts) > 5 else ""
    names = some(list(dict.fromkeys(item.name for item, _ in places)), limit=3)
    return [
        report(
            "duration-under-frame",
            f"{len(hits)} phoneme(s) are shorter than a frame of {needs.frame * 1000:.1f} ms: "
            f"{symbols}{more}, in {names}.",
            _at(dataset, *places[0]),
        )
    ]


def check_long(
    dataset: RawDataset,
    durations: np.ndarray,
    owner: np.ndarray,
    first: np.ndarray,
    limits: Thresholds,
) -> list[Finding]:
    """Phonemes, breaths and inner pauses that last suspiciously long."""
    findings = []
    lowest = min(limits.long_phoneme, limits.long_breath, limits.long_pause)
    for hit in np.flatnonzero(durations > lowest):
        item = dataset.items[int(owner[hit])]
        k = int(hit - first[owner[hit]])
        symbol = _plain(item.ph_seq[k])
        inner = 0 < k < len(item.ph_seq) - 1
        if symbol == "SP":
            limit, what = (limits.long_pause if inner else float("inf")), "The pause"
        elif symbol == "AP":
            limit, what = limits.long_breath, "The breath"
        else:
            limit, what = limits.long_phoneme, f"The phoneme '{item.ph_seq[k]}'"
        if durations[hit] > limit:
            place = _at(dataset, item, k)
            findings.append(
                report(
                    "duration-long",
                    f"{what} at {place.start:.2f} s of '{item.name}' lasts {durations[hit]:.1f} s.",
                    place,
                )
            )
    return findings


def check_edges(dataset: RawDataset, item: Item) -> Iterator[Finding]:
    """Items should begin and end with silence or a breath."""
    first, last = _plain(item.ph_seq[0]), _plain(item.ph_seq[-1])
    sides = [
        f"{verb} with '{symbol}'"
        for verb, symbol in (("begins", first), ("ends", last))
        if symbol not in ("SP", "AP")
    ]
    if sides:
        yield report(
            "edge-label",
            f"'{item.name}' {' and '.join(sides)} instead of silence (SP) or a breath (AP).",
            dataset.place(item.name, item.line),
        )


def check_edge_silence(dataset: RawDataset, item: Item, limits: Thresholds) -> Iterator[Finding]:
    """Long silence at the beginning or end of an item."""
    last = len(item.ph_seq) - 1
    sides = [
        (k, f"{verb} with {item.ph_dur[k]:.1f} s of silence")
        for k, verb in ((0, "begins"), (last, "ends"))
        if _plain(item.ph_seq[k]) == "SP" and item.ph_dur[k] > limits.edge_silence
    ]
    if sides and last > 0:
        message = f"'{item.name}' {' and '.join(what for _, what in sides)}."
        yield report("edge-silence-long", message, _at(dataset, item, sides[0][0]))


def check_other_columns(dataset: RawDataset, item: Item, kind: str) -> Iterator[Finding]:
    """Note and word columns, where they are filled in.

    Only variance models read them: for an acoustic model a fault in them is a warning.
    """
    if len(item.cells) <= 3:
        return
    severity = Severity.ERROR if kind == "variance" else Severity.WARNING
    place = dataset.place(item.name, item.line)
    numbers: dict[str, tuple[float, ...]] = {}
    for column in ("ph_num", "note_dur", "note_slur"):
        if item.cells.get(column, "").strip():
            numbers[column], finding = read_numbers(column, item.cells[column], place)
            if finding:
                yield report(
                    finding.code, finding.message, place, severity=severity, hint=finding.hint
                )
                return
    words = numbers.get("ph_num")
    if words is not None:
        if any(count < 1 or count != int(count) for count in words):
            message = f"ph_num of '{item.name}' must be whole numbers from 1."
            yield report("number-invalid", message, place, severity=severity, hint="")
        elif sum(words) != len(item.ph_seq):
            message = (
                f"The words of '{item.name}' have {int(sum(words))} phonemes by ph_num, "
                f"but there are {len(item.ph_seq)}."
            )
            yield report("lengths-differ", message, place, severity=severity)
    if min(numbers.get("note_dur", ()), default=0.0) < 0:
        message = f"'{item.name}' has a note of negative length."
        yield report("duration-negative", message, place, severity=severity)
    for column, other in _PAIRS:
        mine, theirs = (len(item.cells.get(name, "").split()) for name in (column, other))
        if mine and theirs and mine != theirs:
            message = f"'{item.name}' has {mine} entries in {column} but {theirs} in {other}."
            yield report("lengths-differ", message, place, severity=severity)


def _plain(symbol: str) -> str:
    """Without language prefix: ``zh/SP`` is SP."""
    return symbol.rpartition("/")[2]


def _at(dataset: RawDataset, item: Item, k: int) -> Place:
    place = dataset.place(item.name, item.line)
    start = sum(item.ph_dur[:k])
    return Place(
        place.dataset,
        item.name,
        place.file,
        item.line,
        item.ph_seq[k],
        round(start, 6),
        round(start + item.ph_dur[k], 6),
    )
