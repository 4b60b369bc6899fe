"""The mismatch desk: one card per symbol that labels and dictionary do not share, and its cures.

Works out what a cure would do, either to label sequences or to the choices of a voice
(dictionaries, extra phonemes, merged groups). It changes no file: label sequences go through the
fixes of datasets, choices through the project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..errors import SingwizError
from .files import Dictionary, list_dictionaries, read_dictionary, resolve_dictionary
from .kinds import PhonemeKinds
from .mismatch import Mismatch, Occurrence
from .phonemes import PhonemeSet
from .relabel import Relabelled, expand_syllables, migrate, plan_migration, rename_symbols
from .suggestions import Suggestion
from .trim import trim_dictionary

LABEL_ACTIONS = frozenset({"rename", "expand", "prefix", "migrate-labels"})
"""Cures that write labels anew."""

CHOICE_ACTIONS = frozenset({"add-extra", "remove-extra", "merge", "trim", "change-dictionary"})
"""Cures that change what the voice consists of. The others (``record``, ``label``) are for
people."""

Side = Literal["unexpected", "missing"]


@dataclass(frozen=True, slots=True)
class Card:
    """One symbol on the desk.

    Attributes:
        symbol: as in :class:`~.mismatch.Mismatch`.
        side: ``unexpected`` (only in the labels) or ``missing`` (only in the dictionary).
        count: occurrences in all labels.
        items: the first items that contain it.
        places: its first occurrence in each of them, where times are known.
        suggestions: cures, the likeliest first.
    """

    symbol: str
    side: Side
    count: int
    items: tuple[str, ...]
    places: tuple[Occurrence, ...]
    suggestions: tuple[Suggestion, ...]


def cards(mismatch: Mismatch) -> list[Card]:
    """Everything that has to be decided: unexpected symbols by count, then missing ones."""
    unexpected = [
        Card(symbol, "unexpected", use.count, use.items, use.places, _cures(mismatch, symbol))
        for symbol, use in mismatch.unexpected.items()
    ]
    unexpected.sort(key=lambda card: (-card.count, card.symbol))
    return unexpected + [
        Card(symbol, "missing", 0, (), (), _cures(mismatch, symbol)) for symbol in mismatch.missing
    ]


def _cures(mismatch: Mismatch, symbol: str) -> tuple[Suggestion, ...]:
    return tuple(mismatch.for_symbol(symbol))


def relabel(
    cure: Suggestion, ph_seq: Sequence[str], language: str, phoneme_set: PhonemeSet
) -> Relabelled:
    """What a cure for the labels makes of one item.

    Args:
        cure: one of :data:`LABEL_ACTIONS`. ``migrate-labels`` converts from the dictionary that
            is the target's predecessor (``opencpop``).
        ph_seq: phonemes as written.
        language: of phonemes without prefix.
        phoneme_set: of the voice.

    Raises:
        SingwizError: the cure does not fit the dictionaries.
    """
    if cure.action in ("rename", "prefix"):
        return rename_symbols(ph_seq, {cure.symbol: cure.target}, language)
    if cure.action == "expand":
        prefix, slash, short = cure.symbol.partition("/")
        owner = prefix if slash else language
        dictionary = phoneme_set.dictionaries.get(owner)
        if dictionary is None:
            raise _unfit(cure)
        return expand_syllables(
            ph_seq,
            dictionary,
            language=language,
            only=(short if slash else cure.symbol,),
            vowels=_vowels(dictionary),
        )
    if cure.action == "migrate-labels":
        owner, slash, _ = cure.symbol.partition("/")
        if slash and owner != language:
            return rename_symbols(ph_seq, {})
        source, target = (_shipped(name, language) for name in ("opencpop", cure.target))
        return migrate(ph_seq, plan_migration(source, target))
    raise _unfit(cure)


def _vowels(dictionary: Dictionary) -> Collection[str]:
    try:
        return PhonemeKinds.of_dictionary(dictionary).vowels
    except SingwizError:
        return ()


def _shipped(name: str, language: str) -> Dictionary:
    return read_dictionary(resolve_dictionary(name), language)[0]


@dataclass(frozen=True)
class Choices:
    """What a voice consists of, as a project stores it.

    Attributes:
        dictionaries: language -> name of a shipped dictionary or path of a file.
        extra_phonemes: further names.
        merged_phoneme_groups: names that share an id.
        trimmed: language -> text of a dictionary that has to be written and chosen; a new file,
            the one chosen so far stays as it is.
    """

    dictionaries: Mapping[str, str]
    extra_phonemes: tuple[str, ...] = ()
    merged_phoneme_groups: tuple[tuple[str, ...], ...] = ()
    trimmed: Mapping[str, str] = field(default_factory=dict)


def changed_choices(
    cures: Iterable[Suggestion],
    choices: Choices,
    phoneme_set: PhonemeSet,
    mismatch: Mismatch,
) -> Choices:
    """What cures for the voice make of its choices; others are passed over.

    Args:
        cures: any number, applied together: several ``trim`` give one copy of a dictionary.
        choices: as they are.
        phoneme_set: made from them.
        mismatch: of that set with the labels.

    Raises:
        SingwizError: nothing would be left of a dictionary.
    """
    dictionaries = dict(choices.dictionaries)
    extra = list(choices.extra_phonemes)
    groups = [tuple(group) for group in choices.merged_phoneme_groups]
    unsung: set[str] = set()
    for cure in cures:
        language = _language(cure.symbol, phoneme_set)
        if cure.action == "add-extra" and cure.target not in extra:
            extra.append(cure.target)
        elif cure.action == "remove-extra":
            gone = {cure.target, cure.target.rpartition("/")[2], f"{language}/{cure.target}"}
            extra = [name for name in extra if name not in gone]
        elif cure.action == "merge":
            group = (*cure.symbol.split("|"), cure.target)
            if not any(set(group) <= set(known) for known in groups):
                groups.append(group)
        elif cure.action == "change-dictionary":
            dictionaries[language] = cure.target
        elif cure.action == "trim":
            unsung.update(cure.symbol.split("|"))
    trimmed = _trimmed(unsung, phoneme_set, mismatch)
    return Choices(dictionaries, tuple(extra), tuple(groups), {**choices.trimmed, **trimmed})


def _trimmed(unsung: set[str], phoneme_set: PhonemeSet, mismatch: Mismatch) -> dict[str, str]:
    texts = {}
    for language, dictionary in phoneme_set.dictionaries.items():
        gone = {name.removeprefix(f"{language}/") for name in unsung} & dictionary.phonemes
        if not gone:
            continue
        text = trim_dictionary(dictionary, dictionary.phonemes - gone)
        if not text:
            raise SingwizError(
                "dictionary-nothing-left",
                f"Nothing would be left of the dictionary of '{language}'.",
                hint="Check that dictionary and recordings belong to the same language.",
                where=str(dictionary.path),
            )
        texts[language] = text
    return texts


def _language(symbol: str, phoneme_set: PhonemeSet) -> str:
    language, slash, _ = symbol.partition("/")
    return language if slash else next(iter(phoneme_set.dictionaries), "")


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a dictionary fits some labels.

    Attributes:
        name: of the shipped dictionary.
        known: share of the labels' tokens that it has, 0 to 1; silence and breath left out.
        unexpected: symbols of the labels that it lacks.
        missing: phonemes of it that the labels lack.
    """

    name: str
    known: float
    unexpected: tuple[str, ...]
    missing: tuple[str, ...]


def fitting_dictionaries(counts: Mapping[str, int]) -> list[Fit]:
    """The shipped dictionaries by how well they fit labels, the best first.

    Args:
        counts: symbol -> occurrences. Prefixes of languages are ignored.
    """
    sung: dict[str, int] = {}
    for symbol, count in counts.items():
        short = symbol.rpartition("/")[2]
        if short not in ("SP", "AP"):
            sung[short] = sung.get(short, 0) + count
    total = sum(sung.values())
    fits = []
    for name in list_dictionaries():
        phonemes = _shipped(name, "default").phonemes
        known = sum(count for symbol, count in sung.items() if symbol in phonemes)
        fits.append(
            Fit(
                name,
                known / total if total else 0.0,
                tuple(sorted(sung.keys() - phonemes)),
                tuple(sorted(phonemes - sung.keys())),
            )
        )
    return sorted(fits, key=lambda fit: (-fit.known, len(fit.missing), fit.name))


def _unfit(cure: Suggestion) -> SingwizError:
    return SingwizError(
        "cure-unfit",
        f"'{cure.action}' does not change labels of '{cure.symbol}'.",
        hint="Choose another of the suggestions.",
    )
