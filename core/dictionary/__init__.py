"""Dictionaries, the phoneme set made from them, and how well labels and dictionary agree."""

from .files import Dictionary, list_dictionaries, read_dictionary, resolve_dictionary
from .mismatch import Mismatch, SymbolUse, compare
from .phonemes import PhonemeSet, UnknownPhoneme
from .suggestions import Suggestion
from .trim import trim_dictionary

__all__ = [
    "Dictionary",
    "Mismatch",
    "PhonemeSet",
    "Suggestion",
    "SymbolUse",
    "UnknownPhoneme",
    "compare",
    "list_dictionaries",
    "read_dictionary",
    "resolve_dictionary",
    "trim_dictionary",
]
