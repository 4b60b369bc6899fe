"""Checks of labels against the phoneme set: unknown, missing and rare phonemes, languages."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...dictionary.files import GLOBAL_PHONEMES
from ...dictionary.kinds import PhonemeKinds, find_kind
from ...dictionary.mismatch import FIRST_ITEMS, Mismatch
from ...dictionary.phonemes import PhonemeSet
from ...dictionary.suggestions import OPENCPOP_ONLY_EXTENSION as _MANDARIN
from ...errors import SingwizError
from ...findings import Finding, Place
from ..raw import Item, RawDataset
from .label_frames import voiceless
from .rules import report, some
from .thresholds import Thresholds


@dataclass(slots=True)
class _Use:
    """An unknown symbol in one dataset: where it is first, how often, in which items."""

    place: Place
    count: int = 0
    items: list[str] = field(default_factory=list)


def check_mandarin(datasets: Sequence[RawDataset], mismatch: Mismatch) -> list[Finding]:
    """Labels made with the other of the two Mandarin dictionaries, one finding."""
    for cure in mismatch.suggestions:
        if cure.action in ("change-dictionary", "migrate-labels"):
            found = [s for s in mismatch.unexpected if s.rpartition("/")[2] in _MANDARIN]
            absent = [s for s in mismatch.missing if s.rpartition("/")[2] in _MANDARIN]
            what = f"are in the labels: {some(found)}" if found else f"never occur: {some(absent)}"
            place = datasets[0].place() if datasets else Place()
            message = f"Phonemes that only one of the two Mandarin dictionaries has {what}."
            return [report("mandarin-dictionary", message, place, hint=cure.advice)]
    return []


def kinds_in(dataset: RawDataset, phonemes: PhonemeSet) -> dict[str, str]:
    """Phoneme as written in the labels -> ``vowel`` or ``consonant``, where dictionaries tell.

    Sounds without voice that are entries of their own, such as Japanese ``cl``, are neither.
    """
    kinds: dict[str, PhonemeKinds] = {}
    for language, dictionary in phonemes.dictionaries.items():
        with contextlib.suppress(SingwizError):
            kinds[language] = PhonemeKinds.of_dictionary(dictionary)
    symbols = {symbol for item in dataset.items for symbol in item.ph_seq}
    found = {symbol: find_kind(symbol, dataset.language, kinds) for symbol in symbols}
    return {
        symbol: kind
        for symbol, kind in found.items()
        if kind in ("vowel", "consonant") and not (kind == "vowel" and voiceless(symbol))
    }


def check_known(
    dataset: RawDataset, phonemes: PhonemeSet, mismatch: Mismatch, *, explained: bool = False
) -> list[Finding]:
    """Symbols that cannot be encoded, one finding per symbol.

    Args:
        explained: the phonemes of the other Mandarin dictionary have their own finding.
    """
    if phonemes.multi and dataset.language not in phonemes.lang_map:
        return [
            report(
                "language-unknown",
                f"The recordings are marked as '{dataset.language}', but there is no dictionary "
                "for that language.",
                dataset.place(),
            )
        ]
    unknown: dict[str, _Use] = {}
    prefixes: dict[str, _Use] = {}
    for item in dataset.items:
        for symbol in dict.fromkeys(item.ph_seq):
            bad_prefix = "/" in symbol and symbol.partition("/")[0] not in phonemes.lang_map
            if explained and symbol.rpartition("/")[2] in _MANDARIN:
                continue
            if bad_prefix or phonemes.find(symbol, dataset.language) is None:
                uses = prefixes if bad_prefix else unknown
                if symbol not in uses:
                    uses[symbol] = _Use(_first(dataset, item, symbol))
                uses[symbol].count += item.ph_seq.count(symbol)
                uses[symbol].items.append(item.name)
    findings = [
        _describe("language-prefix", f"'{symbol}' names an unknown language", use)
        for symbol, use in prefixes.items()
    ]
    return findings + [
        _unknown(dataset, phonemes, mismatch, symbol, use) for symbol, use in unknown.items()
    ]


def _unknown(
    dataset: RawDataset, phonemes: PhonemeSet, mismatch: Mismatch, symbol: str, use: _Use
) -> Finding:
    full = symbol
    if phonemes.multi and "/" not in symbol:
        full = f"{dataset.language}/{symbol}"
    cures = mismatch.for_symbol(full)
    hint = cures[0].advice if cures else None
    if cures and cures[0].action == "expand":
        what = f"'{symbol}' is a syllable, not a phoneme"
        return _describe("syllable-in-labels", what, use, hint)
    return _describe("unknown-phoneme", f"'{symbol}' is not in the dictionary", use, hint)


def _describe(code: str, what: str, use: _Use, hint: str | None = None) -> Finding:
    times = "once" if use.count == 1 else f"{use.count} times"
    names = some(use.items, limit=FIRST_ITEMS)
    return report(code, f"{what}; it is used {times}, in {names}.", use.place, hint=hint)


def check_language(
    dataset: RawDataset, phonemes: PhonemeSet, limits: Thresholds
) -> Iterator[Finding]:
    """Labels that fit another language of the voice better than the dataset's own."""
    if not phonemes.multi or dataset.language not in phonemes.lang_map:
        return
    counts = Counter(symbol for item in dataset.items for symbol in item.ph_seq)
    total = sum(counts.values())
    for other in phonemes.lang_map:
        strangers = [
            symbol
            for symbol in counts
            if "/" not in symbol
            and phonemes.find(symbol, dataset.language) is None
            and phonemes.find(symbol, other) is not None
        ]
        share = sum(counts[symbol] for symbol in strangers) / max(total, 1)
        if share > limits.wrong_language_share:
            yield report(
                "language-wrong",
                f"The recordings are marked as '{dataset.language}', but {share:.0%} of their "
                f"labels exist only in '{other}'.",
                dataset.place(),
                hint=f"Set the language of these recordings to '{other}'.",
            )


def check_coverage(
    mismatch: Mismatch, limits: Thresholds, *, explained: bool = False
) -> list[Finding]:
    """Phonemes of the voice that are never or rarely sung; see :func:`check_known`."""
    findings = []
    for symbol in mismatch.missing:
        cures = mismatch.for_symbol(symbol)
        if symbol in GLOBAL_PHONEMES:
            what = "breath (AP)" if symbol == "AP" else "silence (SP)"
            hint = cures[0].advice if cures else "Correct the unknown phonemes first."
            if len(cures) > 1:
                hint += f" Or: {cures[1].advice}"
            message = f"No recording has a label for {what}."
            findings.append(report("missing-phoneme", message, Place(symbol=symbol), hint=hint))
    ordinary = [
        symbol
        for symbol in mismatch.missing
        if symbol not in GLOBAL_PHONEMES
        and not (explained and symbol.rpartition("/")[2] in _MANDARIN)
    ]
    if ordinary:
        names = some(ordinary, limit=20)
        message = f"{len(ordinary)} phoneme(s) of the dictionary are never sung: {names}."
        symbol = ordinary[0] if len(ordinary) == 1 else ""
        findings.append(report("missing-phoneme", message, Place(symbol=symbol)))
    return findings + _rare(mismatch, limits)


def _rare(mismatch: Mismatch, limits: Thresholds) -> list[Finding]:
    sung = sorted((n, symbol) for symbol, n in mismatch.counts.items() if n)
    very = [(n, s) for n, s in sung if n < limits.very_rare_count]
    rare = [(n, s) for n, s in sung if limits.very_rare_count <= n < limits.rare_count]
    findings = []
    for group, limit, effect in (
        (very, limits.very_rare_count, "the voice will hardly learn them"),
        (rare, limits.rare_count, "they may sound uncertain"),
    ):
        if group:
            names = ", ".join(f"'{symbol}' ({n})" for n, symbol in group[:10])
            more = f" and {len(group) - 10} more" if len(group) > 10 else ""
            message = f"Sung fewer than {limit:g} times, so {effect}: {names}{more}."
            symbol = group[0][1] if len(group) == 1 else ""
            findings.append(report("rare-phoneme", message, Place(symbol=symbol)))
    return findings


def check_training_coverage(
    datasets: Sequence[RawDataset],
    phonemes: PhonemeSet,
    validation_items: Mapping[str, Collection[str]],
) -> list[Finding]:
    """Phonemes that only validation items contain: the voice would never learn them."""
    trained: set[int] = set()
    tested: dict[int, Place] = {}
    for dataset in datasets:
        held_out = set(validation_items.get(dataset.name, ()))
        for item in dataset.items:
            for symbol in dict.fromkeys(item.ph_seq):
                number = phonemes.find(symbol, dataset.language)
                if number is None:
                    continue
                if item.name in held_out:
                    tested.setdefault(number, _first(dataset, item, symbol))
                else:
                    trained.add(number)
    return [
        report(
            "validation-only-phoneme",
            f"'{phonemes.label(number)}' occurs only in validation items, so the voice would "
            "never learn it.",
            place,
        )
        for number, place in tested.items()
        if number not in trained
    ]


def _first(dataset: RawDataset, item: Item, symbol: str) -> Place:
    k = item.ph_seq.index(symbol)
    start = sum(item.ph_dur[:k])
    place = dataset.place(item.name, item.line)
    return Place(
        place.dataset,
        item.name,
        place.file,
        item.line,
        symbol,
        round(start, 6),
        round(start + item.ph_dur[k], 6),
    )
