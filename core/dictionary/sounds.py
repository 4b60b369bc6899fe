"""Four classes of sounds, to say for which of them a voice is good and for which it is not.

Coarser than phonetics on purpose: it only has to sort errors. A guess where nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from ..errors import SingwizError
from .files import GLOBAL_PHONEMES, Dictionary
from .kinds import ARPABET_VOWELS, PhonemeKinds

SoundClass = Literal["vowel", "voiced", "unvoiced", "pause"]

SOUND_CLASSES: tuple[SoundClass, ...] = ("vowel", "voiced", "unvoiced", "pause")
"""Vowels, voiced and unvoiced consonants, silence and breath."""

_PAUSES = frozenset((*GLOBAL_PHONEMES, "pau", "sil", "br", "EP", "exh", "vf"))

_UNVOICED = "ch cl f fy h hh hy k kcl kw ky p pcl py q s sh t tcl th ts ty"
_UNVOICED_IN = {
    # Pinyin and Jyutping write unaspirated stops as b d g; they have no voice.
    "zh": "b c ch d f g h j k p q s sh t x z zh",
    "yue": "b c d f g gw h j k kw p s t z",
    "ko": "ch h jj k kcl kk p pcl pp s ss t tcl tt",
}
"""Consonants without voice, as the dictionaries of a language write them."""


def sound_classes(
    symbols: Iterable[str], dictionaries: Collection[Dictionary]
) -> dict[str, SoundClass]:
    """The class of every phoneme.

    Args:
        symbols: phoneme names, with or without ``language/`` before them.
        dictionaries: tell vowels from consonants where their entries are syllables; phonemes
            without prefix belong to the first one that has them.
    """
    kinds = {d.language: _kinds_of(d) for d in dictionaries}
    owners = {d.language: d.phonemes for d in dictionaries}
    return {symbol: _class_of(symbol, kinds, owners) for symbol in symbols}


def _kinds_of(dictionary: Dictionary) -> PhonemeKinds | None:
    try:
        return PhonemeKinds.of_dictionary(dictionary)
    except SingwizError:
        return None  # the spelling has to tell


def _class_of(
    symbol: str,
    kinds: Mapping[str, PhonemeKinds | None],
    owners: Mapping[str, Collection[str]],
) -> SoundClass:
    prefix, _, short = symbol.rpartition("/")
    if short in _PAUSES:
        return "pause"
    language = prefix or next((lang for lang, own in owners.items() if short in own), "")
    unvoiced = _UNVOICED_IN.get(language.partition("-")[0].lower(), _UNVOICED).split()
    known = kinds.get(language)
    kind = known.kind(short) if known is not None else None
    # A stop sound such as "cl" is an entry of its own, but nobody sings on it.
    if kind == "vowel" and short not in unvoiced:
        return "vowel"
    if kind is None and (short.lower() in ARPABET_VOWELS or short[:1].lower() in "aeiou"):
        return "vowel"
    return "unvoiced" if short.lower() in unvoiced else "voiced"
