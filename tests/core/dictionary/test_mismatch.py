"""The two-sided mismatch: its report, its counts, and what it suggests."""

import json
from pathlib import Path

import pytest

from singwiz.core.dictionary import (
    Dictionary,
    Mismatch,
    PhonemeSet,
    compare,
    read_dictionary,
    resolve_dictionary,
)


def phoneme_set(*phonemes: str, extra=(), groups=(), **entries: str) -> PhonemeSet:
    table = {phoneme: (phoneme,) for phoneme in phonemes}
    table |= {syllable: tuple(value.split()) for syllable, value in entries.items()}
    names = frozenset(phoneme for value in table.values() for phoneme in value)
    return PhonemeSet.build(
        {"ja": Dictionary("ja", Path("ja.txt"), table, names, "")}, extra, groups
    )


def against(phonemes: PhonemeSet, *lines: str) -> Mismatch:
    items = ((f"song_{k}", "ja", line.split()) for k, line in enumerate(lines))
    return compare(phonemes, items)


def first_cure(mismatch: Mismatch, symbol: str) -> tuple[str, str]:
    cure = mismatch.for_symbol(symbol)[0]
    return cure.action, cure.target


def test_agreement_is_silent():
    mismatch = against(phoneme_set("a"), "SP a AP")
    assert mismatch.ok
    assert mismatch.report() == ""
    assert mismatch.suggestions == []


def test_the_report_is_the_three_lines_diffsinger_users_know():
    mismatch = against(phoneme_set("a", "k", "s", groups=[["k", "s"]]), "sil a pau", "a xx")
    assert mismatch.report().splitlines() == [
        "transcriptions and dictionary mismatch.",
        " (+) ['pau', 'sil', 'xx']",
        " (-) ['AP', 'SP', 'k|s']",
    ]


def test_symbols_are_counted_with_the_first_items():
    lines = ["a xx xx SP"] * 7
    mismatch = against(phoneme_set("a", "k"), *lines)
    assert mismatch.unexpected["xx"].count == 14
    assert mismatch.unexpected["xx"].items == tuple(f"song_{k}" for k in range(5))
    assert mismatch.counts == {"AP": 0, "SP": 7, "a": 7, "k": 0}
    assert mismatch.missing == ("AP", "k")
    data = json.loads(json.dumps(mismatch.to_dict()))
    assert data["unexpected"] == ["xx"]
    assert data["missing"] == ["AP", "k"]
    assert {"symbol", "action", "target", "reason"} <= set(data["suggestions"][0])


@pytest.mark.parametrize(
    ("symbol", "cure"),
    [
        ("sil", ("rename", "SP")),
        ("pau", ("rename", "SP")),
        ("sp", ("rename", "SP")),
        ("<SP>", ("rename", "SP")),
        ("br", ("rename", "AP")),
        ("ap", ("rename", "AP")),
        ("<AP>", ("rename", "AP")),
        ("SH", ("rename", "sh")),
        ("\uff53\uff48", ("rename", "sh")),
        ("aa1", ("rename", "aa")),
        ("ngg", ("rename", "ng")),
        ("kya", ("expand", "ky a")),
        ("\u0283", ("rename", "sh")),
        ("\u0298", ("add-extra", "\u0298")),
    ],
)
def test_the_likeliest_cure_of_an_unknown_symbol_comes_first(symbol, cure):
    phonemes = phoneme_set("sh", "aa", "ng", "a", kya="ky a")
    assert first_cure(against(phonemes, f"a {symbol}"), symbol) == cure


def test_a_phoneme_that_a_renaming_would_cover_gets_no_advice_of_its_own():
    mismatch = against(phoneme_set("a"), "sil a br")
    assert mismatch.missing == ("AP", "SP")
    assert mismatch.for_symbol("AP") == []


def test_unsung_phonemes_are_trimmed_and_breaths_share_a_place():
    mismatch = against(phoneme_set("a", "k", extra=["EP"]), "SP a")
    assert first_cure(mismatch, "k") == ("trim", "ja.txt")
    assert first_cure(mismatch, "EP") == ("remove-extra", "EP")
    assert [cure.action for cure in mismatch.for_symbol("AP")] == ["label", "merge"]
    assert "Mark breaths" in mismatch.for_symbol("AP")[0].advice


def test_labels_of_the_other_mandarin_dictionary_are_recognised():
    extension, _ = read_dictionary(resolve_dictionary("opencpop-extension"), "zh")
    phonemes = PhonemeSet.build({"zh": extension})
    old = compare(phonemes, [("song", "zh", ["SP", "zh", "i", "y", "an", "s", "i", "SP"])])
    for symbol in ("E", "En", "i0", "ir"):
        assert first_cure(old, symbol) == ("migrate-labels", "opencpop-extension")
    new = compare(phonemes, [("song", "zh", ["SP", "zh", "ir", "y", "En", "SP"])])
    assert first_cure(new, "i0") == ("trim", "opencpop-extension.txt")
    opencpop = phoneme_set("zh", "i", "y", "an")
    mismatch = compare(opencpop, [("song", "ja", ["zh", "ir", "y", "En"])])
    assert first_cure(mismatch, "ir") == ("change-dictionary", "opencpop-extension")


def test_several_languages_show_prefixes_and_suggest_each_others_phonemes():
    def make(language: str, *phonemes: str) -> Dictionary:
        entries = {phoneme: (phoneme,) for phoneme in phonemes}
        return Dictionary(language, Path(f"{language}.txt"), entries, frozenset(phonemes), "")

    phonemes = PhonemeSet.build({"ja": make("ja", "a", "N"), "zh": make("zh", "a", "ir")})
    mismatch = compare(phonemes, [("song", "ja", ["SP", "AP", "a", "N", "ir"])])
    assert list(mismatch.unexpected) == ["ja/ir"]
    assert mismatch.missing == ("zh/a", "zh/ir")
    assert first_cure(mismatch, "ja/ir") == ("prefix", "zh/ir")
    assert first_cure(mismatch, "zh/a") == ("merge", "ja/a")
