"""Vowels and consonants: which phoneme of a syllable carries the note.

Found out from dictionaries, whose entries are syllables, or given as lists. Not for languages
with several vowels per entry: there the user has to say which phonemes are vowels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import SingwizError
from .files import GLOBAL_PHONEMES, Dictionary

Kind = Literal["vowel", "consonant", "liquid"]

_VOWELS = "aa ae ah ao aw ay eh er ey ih iy ow oy uh uw"
_CONSONANTS = "b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh"
ARPABET_VOWELS = frozenset(_VOWELS.split())
ARPABET_CONSONANTS = frozenset(_CONSONANTS.split())
ARPABET_LIQUIDS = frozenset(("l", "r", "w", "y"))

_SHOWN = 5


@dataclass(frozen=True)
class PhonemeKinds:
    """What every phoneme of a language is; SP and AP count as vowels.

    Attributes:
        language: prefix that its phonemes may carry in labels; empty if there is none.
        vowels: phonemes that carry notes.
        consonants: all others, liquids included.
        liquids: consonants that can open a word's note before its vowel (``r`` in "try").
    """

    language: str
    vowels: frozenset[str]
    consonants: frozenset[str]
    liquids: frozenset[str] = frozenset()

    @classmethod
    def of_lists(
        cls,
        vowels: Iterable[str],
        consonants: Iterable[str],
        *,
        liquids: Iterable[str] = (),
        language: str = "",
    ) -> PhonemeKinds:
        """The kinds as the user lists them; liquids need not be repeated as consonants.

        Raises:
            SingwizError: a phoneme is listed as vowel and as consonant.
        """
        soft = frozenset(liquids)
        first = frozenset(vowels) | frozenset(GLOBAL_PHONEMES)
        second = frozenset(consonants) | soft
        both = sorted(first & second)
        if both:
            raise SingwizError(
                "phoneme-kind-conflict",
                f"{_some(both)} would be vowel and consonant at once.",
                hint="Keep each phoneme in only one of the lists.",
            )
        return cls(language, first, second, soft)

    @classmethod
    def of_dictionary(
        cls,
        dictionary: Dictionary,
        *,
        vowels: Iterable[str] = (),
        consonants: Iterable[str] = (),
        liquids: Iterable[str] = (),
    ) -> PhonemeKinds:
        """The kinds that the syllables of a dictionary imply.

        In a two-part dictionary (no entry longer than two) single phonemes are vowels, pairs
        are consonant and vowel. In any other, single phonemes are vowels and everything else
        is a consonant, which is right if every entry then has exactly one vowel (Korean).

        Args:
            dictionary: of syllables; English ARPAbet is known by its phonemes.
            vowels: phonemes that are vowels whatever the dictionary implies.
            consonants: likewise, e.g. ``cl``, which is an entry of its own but carries no note.
            liquids: likewise.

        Raises:
            SingwizError: the entries do not tell.
        """
        soft = frozenset(liquids)
        own_vowels = frozenset(vowels)
        own_consonants = frozenset(consonants) | soft
        known = own_vowels | own_consonants
        if own_vowels and own_consonants and dictionary.phonemes <= known:
            found_vowels, found_consonants = frozenset[str](), frozenset[str]()
        elif all(len(phonemes) == 1 for phonemes in dictionary.entries.values()):
            found_vowels, found_consonants = _of_single_sounds(dictionary, own_vowels, known)
            soft = soft or (ARPABET_LIQUIDS & found_consonants)
        else:
            found_vowels, found_consonants = _of_syllables(dictionary, known)
        return cls.of_lists(
            (found_vowels - known) | own_vowels,
            (found_consonants - known) | own_consonants,
            liquids=soft - own_vowels,
            language=dictionary.language,
        )

    def kind(self, symbol: str) -> Kind | None:
        """The kind of a phoneme as written in labels; None if it is unknown."""
        prefix, slash, short = symbol.partition("/")
        name = short if slash and (prefix == self.language or short in GLOBAL_PHONEMES) else symbol
        if name in self.vowels:
            return "vowel"
        if name in self.liquids:
            return "liquid"
        return "consonant" if name in self.consonants else None


def find_kind(symbol: str, language: str, kinds: Mapping[str, PhonemeKinds]) -> Kind | None:
    """The kind of a phoneme in a voice with several languages; None if it is unknown.

    Args:
        symbol: as written in labels, with or without prefix.
        language: of phonemes without prefix.
        kinds: language -> its kinds.
    """
    prefix, slash, _ = symbol.partition("/")
    owner = kinds.get(prefix if slash else language)
    return owner.kind(symbol) if owner else None


def _of_single_sounds(
    dictionary: Dictionary, vowels: frozenset[str], known: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    sounds = dictionary.phonemes - known
    if vowels:
        return frozenset(), sounds
    if sounds <= ARPABET_VOWELS | ARPABET_CONSONANTS and sounds & ARPABET_CONSONANTS:
        return sounds & ARPABET_VOWELS, sounds & ARPABET_CONSONANTS
    raise SingwizError(
        "phoneme-kinds-unknown",
        f"'{dictionary.path.name}' lists sounds and not syllables, so it does not say which of "
        "them are vowels.",
        hint="Give the list of vowels.",
        where=str(dictionary.path),
    )


def _of_syllables(
    dictionary: Dictionary, known: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    entries = dictionary.entries.values()
    single = frozenset(entry[0] for entry in entries if len(entry) == 1)
    if all(len(entry) <= 2 for entry in entries):
        first = frozenset(entry[0] for entry in entries if len(entry) == 2) - known
        last = (frozenset(entry[1] for entry in entries if len(entry) == 2) | single) - known
        if not first & last:
            return last, first
        conflict: Collection[str] = first & last
    else:
        conflict = ()
    others = dictionary.phonemes - single
    unclear = [
        syllable
        for syllable, entry in dictionary.entries.items()
        if sum(phoneme in single for phoneme in entry) != 1 and not known & set(entry)
    ]
    if single and not unclear:
        return single, others
    what = (
        f"{_some(sorted(conflict))} begins some syllables and ends others"
        if conflict
        else f"{_some(unclear)} has no vowel or several"
    )
    raise SingwizError(
        "phoneme-kinds-unknown",
        f"'{dictionary.path.name}' does not say which phonemes are vowels: {what}.",
        hint="Give lists of vowels and consonants.",
        where=str(dictionary.path),
    )


def _some(names: Collection[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in list(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
