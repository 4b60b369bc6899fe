"""Vowels, voiced and unvoiced consonants, pauses."""

from __future__ import annotations

import pytest

from singwiz.core.dictionary import Dictionary, list_dictionaries, read_dictionary
from singwiz.core.dictionary.files import resolve_dictionary
from singwiz.core.dictionary.sounds import sound_classes


def shipped(name: str, language: str) -> Dictionary:
    return read_dictionary(resolve_dictionary(name), language)[0]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        (
            "japanese-romaji",
            "ja",
            {
                "vowel": "a i N",
                "voiced": "m r z by w",
                "unvoiced": "k ky s sh ts cl h",
                "pause": "SP AP",
            },
        ),
        (
            "opencpop-extension",
            "zh",
            {"vowel": "a iang van er", "voiced": "m l r n", "unvoiced": "b zh q x h"},
        ),
        (
            "english-arpabet",
            "en",
            {"vowel": "aa ay er", "voiced": "b dh ng r w zh", "unvoiced": "hh th ch k"},
        ),
        ("korean", "ko", {"vowel": "a eo", "voiced": "b m n l", "unvoiced": "kk s kcl"}),
    ],
)
def test_shipped_dictionaries(name: str, language: str, expected: dict[str, str]) -> None:
    assert name in list_dictionaries()
    wanted = {symbol: kind for kind, row in expected.items() for symbol in row.split()}
    assert sound_classes(wanted, [shipped(name, language)]) == wanted


def test_languages_spell_differently_in_one_voice() -> None:
    both = [shipped("japanese-romaji", "ja"), shipped("opencpop-extension", "zh")]
    wanted = {"ja/b": "voiced", "zh/b": "unvoiced", "ja/a": "vowel", "SP": "pause"}
    assert sound_classes(wanted, both) == wanted


def test_without_a_dictionary_the_spelling_has_to_tell() -> None:
    wanted = {"fr/s": "unvoiced", "fr/v": "voiced", "ou": "vowel", "AP": "pause", "n": "voiced"}
    assert sound_classes(wanted, []) == wanted
