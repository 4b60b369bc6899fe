"""How labels and phoneme set differ: symbols nobody knows, and phonemes nobody sings.

Not for judging single items; the dataset checks turn a :class:`Mismatch` into findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from .phonemes import PhonemeSet
from .suggestions import Suggestion, suggest

FIRST_ITEMS = 5
"""How many items are named per symbol."""

Sequences = Iterable[
    tuple[str, str, Sequence[str]] | tuple[str, str, Sequence[str], Sequence[float]]
]
"""Item name, language, ``ph_seq`` and, to know times, ``ph_dur`` (s) of every item."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a symbol is sung; ``start`` and ``end`` are s from the item's beginning."""

    item: str
    start: float
    end: float


@dataclass(slots=True)
class SymbolUse:
    """Where a symbol occurs.

    Attributes:
        count: occurrences in all labels.
        items: the first few items that contain it.
        places: its first occurrence in each of them, where times are known.
    """

    count: int = 0
    items: tuple[str, ...] = ()
    places: tuple[Occurrence, ...] = ()

    def add(self, item: str, count: int, span: tuple[float, float] | None = None) -> None:
        """Count ``count`` occurrences in an item, the first of them at ``span`` (s)."""
        self.count += count
        if len(self.items) < FIRST_ITEMS and item not in self.items:
            self.items = (*self.items, item)
            if span is not None:
                self.places = (*self.places, Occurrence(item, *span))

    @property
    def full(self) -> bool:
        """True if no further item would be named."""
        return len(self.items) >= FIRST_ITEMS


@dataclass(frozen=True)
class Mismatch:
    """The comparison of a phoneme set with labels.

    Symbols are written as in the labels, with the language's prefix in a voice with several
    languages; phonemes that share an id appear together, joined by ``|``.

    Attributes:
        unexpected: in the labels but not in the set, sorted.
        missing: in the set but not in the labels, sorted.
        uses: every phoneme of the set, sung or not, sorted.
        suggestions: what could be done, the likeliest cure first.
    """

    unexpected: dict[str, SymbolUse] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    uses: dict[str, SymbolUse] = field(default_factory=dict)
    suggestions: list[Suggestion] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if labels and set contain the same phonemes."""
        return not self.unexpected and not self.missing

    @property
    def counts(self) -> dict[str, int]:
        """Occurrences of every phoneme of the set; 0 for missing ones."""
        return {symbol: use.count for symbol, use in self.uses.items()}

    def report(self) -> str:
        """The three lines that DiffSinger users know; empty if everything agrees."""
        if self.ok:
            return ""
        return "\n".join(
            (
                "transcriptions and dictionary mismatch.",
                f" (+) {list(self.unexpected)}",
                f" (-) {list(self.missing)}",
            )
        )

    def for_symbol(self, symbol: str) -> list[Suggestion]:
        """The suggestions about one symbol, best first."""
        return [suggestion for suggestion in self.suggestions if suggestion.symbol == symbol]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json`` and for job results."""
        return {
            "unexpected": list(self.unexpected),
            "missing": list(self.missing),
            "counts": self.counts,
            "items": {
                symbol: list(use.items)
                for symbol, use in (*self.uses.items(), *self.unexpected.items())
            },
            "unexpected_counts": {symbol: use.count for symbol, use in self.unexpected.items()},
            "places": {
                symbol: [asdict(place) for place in use.places]
                for symbol, use in (*self.uses.items(), *self.unexpected.items())
            },
            "suggestions": [asdict(suggestion) for suggestion in self.suggestions],
        }


def compare(phoneme_set: PhonemeSet, sequences: Sequences) -> Mismatch:
    """Compare a phoneme set with all labels of a voice.

    Args:
        phoneme_set: what the voice can sing.
        sequences: item name, language, ``ph_seq`` and optionally ``ph_dur`` of every item,
            training and validation.
    """
    known: dict[int, SymbolUse] = {number: SymbolUse() for number in phoneme_set.labels()}
    unknown: dict[str, SymbolUse] = {}
    pairs: Counter[tuple[str, str]] = Counter()
    for item, language, ph_seq, *timing in sequences:
        ends: list[float] = []
        for symbol, count in Counter(ph_seq).items():
            number = phoneme_set.find(symbol, language)
            if number is not None:
                use = known[number]
            else:
                full = symbol if "/" in symbol or not phoneme_set.multi else f"{language}/{symbol}"
                use = unknown.setdefault(full, SymbolUse())
            span = None
            if timing and not use.full:
                ends = ends or list(accumulate(timing[0]))
                span = _span(ph_seq, symbol, ends)
            use.add(item, count, span)
        if "i" in ph_seq:
            pairs.update(pair for pair in pairwise(ph_seq) if pair[1] == "i")
    labels = phoneme_set.labels()
    unexpected = dict(sorted(unknown.items()))
    missing = tuple(sorted(labels[number] for number, use in known.items() if not use.count))
    return Mismatch(
        unexpected=unexpected,
        missing=missing,
        uses={labels[number]: known[number] for number in sorted(known, key=labels.__getitem__)},
        suggestions=suggest(
            phoneme_set,
            {symbol: use.count for symbol, use in unexpected.items()},
            missing,
            set(pairs),
        ),
    )


def _span(ph_seq: Sequence[str], symbol: str, ends: Sequence[float]) -> tuple[float, float] | None:
    """Start and end (s) of the first occurrence of a symbol; None if durations are missing."""
    k = ph_seq.index(symbol)
    if k >= len(ends):
        return None
    return round(ends[k - 1] if k else 0.0, 6), round(ends[k], 6)
