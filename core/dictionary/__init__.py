"""Dictionaries, the phoneme set made from them, and how well labels and dictionary agree."""

from .desk import Card, Choices, Fit, cards, changed_choices, fitting_dictionaries, relabel
from .files import Dictionary, list_dictionaries, read_dictionary, resolve_dictionary
from .kinds import PhonemeKinds, find_kind
from .mismatch import Mismatch, Occurrence, SymbolUse, compare
from .phonemes import PhonemeSet, UnknownPhoneme
from .relabel import (
    Migration,
    Relabelled,
    expand_syllables,
    migrate,
    plan_migration,
    rename_symbols,
)
from .suggestions import Suggestion
from .trim import trim_dictionary

__all__ = [
    "Card",
    "Choices",
    "Dictionary",
    "Fit",
    "Migration",
    "Mismatch",
    "Occurrence",
    "PhonemeKinds",
    "PhonemeSet",
    "Relabelled",
    "Suggestion",
    "SymbolUse",
    "UnknownPhoneme",
    "cards",
    "changed_choices",
    "compare",
    "expand_syllables",
    "find_kind",
    "fitting_dictionaries",
    "list_dictionaries",
    "migrate",
    "plan_migration",
    "read_dictionary",
    "relabel",
    "rename_symbols",
    "resolve_dictionary",
    "trim_dictionary",
]
