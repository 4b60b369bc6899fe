"""The shipped dictionaries: made by rule, with exactly the syllables and phonemes they promise."""

import hashlib
import runpy
from pathlib import Path

import pytest

import singwiz
from singwiz.core.dictionary import (
    Dictionary,
    list_dictionaries,
    read_dictionary,
    resolve_dictionary,
)
from singwiz.core.findings import Severity

FOLDER = Path(singwiz.__file__).parent / "dictionaries"
EXTENSION_ONLY = {"E", "En", "i0", "ir"}


def shipped(name: str) -> Dictionary:
    return read_dictionary(resolve_dictionary(name), "xx")[0]


def test_the_generator_writes_exactly_the_shipped_files():
    generator = runpy.run_path(str(FOLDER / "generate.py"))
    assert sorted(generator["PRESETS"]) == list_dictionaries()
    for name, make in generator["PRESETS"].items():
        made = generator["render"](make()).encode("utf-8")
        assert (FOLDER / f"{name}.txt").read_bytes() == made, name


@pytest.mark.parametrize(
    ("name", "syllables", "phonemes"),
    [
        ("english-arpabet", 39, 39),
        ("japanese-romaji", 144, 39),
        ("korean", 11172, 34),
        ("opencpop", 429, 58),
        ("opencpop-extension", 601, 62),
        ("opencpop-strict", 429, 62),
    ],
)
def test_every_preset_has_its_number_of_syllables_and_phonemes(name, syllables, phonemes):
    dictionary = shipped(name)
    assert (len(dictionary.entries), len(dictionary.phonemes)) == (syllables, phonemes)


@pytest.mark.parametrize("name", list_dictionaries())
def test_no_preset_has_anything_worse_than_letters_that_differ_in_case(name):
    _, findings = read_dictionary(resolve_dictionary(name), "xx")
    assert {finding.code for finding in findings} <= {"dictionary-case", "dictionary-non-ascii"}
    assert all(finding.severity is not Severity.ERROR for finding in findings)


def test_opencpop_extension_is_the_file_that_voices_are_trained_with():
    data = (FOLDER / "opencpop-extension.txt").read_bytes()
    assert len(data) == 5753
    assert hashlib.sha256(data).hexdigest() == (
        "873e75eeb99b1bb36c7ec4129df3f151e3cbc5861ef238d97b2763fac78a242a"
    )


def test_opencpop_has_sixteen_other_spellings_and_else_only_syllables_of_the_extension():
    old, new = shipped("opencpop"), shipped("opencpop-extension")
    aliases = {f"{initial}{final}" for initial in "jqxy" for final in ("v", "van", "ve", "vn")}
    assert old.entries.keys() - new.entries.keys() == aliases
    for alias in aliases:
        assert old.entries[alias] == old.entries[alias[0] + "u" + alias[2:]]
    different = {s for s in old.entries.keys() - aliases if old.entries[s] != new.entries[s]}
    assert different == {"chi", "ci", "ri", "shi", "si", "zhi", "zi", "yan", "ye"}
    assert new.phonemes - old.phonemes == EXTENSION_ONLY
    assert not {"hm", "hng", "m", "n", "ng"} & old.entries.keys()


def test_opencpop_strict_pronounces_those_nine_as_the_extension_does():
    strict, old, new = map(shipped, ("opencpop-strict", "opencpop", "opencpop-extension"))
    assert strict.entries.keys() == old.entries.keys()
    assert all(new.entries[s] == strict.entries[s] for s in strict.entries if s in new.entries)
    assert strict.phonemes == new.phonemes


def test_japanese_has_every_kana_with_yoon_small_tsu_and_syllabic_n():
    entries = shipped("japanese-romaji").entries
    plain = "a i u e o ka shi tsu te no ha fu mi yu ro wa wo ga ji zu de bo pa"
    yoon = "kya kyu kyo sha shu sho cha chu cho nya hyu myo rya gyo ja ju jo bya pyo"
    foreign = "ti di tu du fa fi fe fo va vu tsa che she je wi we"
    assert not set((plain + " " + yoon + " " + foreign).split()) - entries.keys()
    assert entries["N"] == ("N",) and entries["cl"] == ("cl",)
    assert entries["kya"] == ("ky", "a") and entries["tsu"] == ("ts", "u")
    assert all(len(phonemes) <= 2 for phonemes in entries.values())


@pytest.mark.parametrize(
    ("block", "phonemes"),
    [
        ("안", "a n"),
        ("녕", "n y eo ng"),
        ("희", "h i"),
        ("의", "ui"),
        ("져", "j eo"),
        ("닭", "d a kcl"),
        ("값", "g a pcl"),
        ("꽃", "kk o tcl"),
        ("외", "w e"),
        ("뭘", "m w eo l"),
        ("삶", "s a m"),
        ("힣", "h i tcl"),
        ("가", "g a"),
    ],
)
def test_korean_blocks_sound_as_in_standard_korean(block, phonemes):
    assert shipped("korean").entries[block] == tuple(phonemes.split())


def test_korean_has_every_block_and_one_vowel_in_each():
    dictionary = shipped("korean")
    assert set(dictionary.entries) == {chr(code) for code in range(0xAC00, 0xD7A4)}
    vowels = {"a", "ae", "eo", "e", "o", "u", "eu", "i", "ui"}
    codas = {"kcl", "n", "tcl", "l", "m", "pcl", "ng"}
    for phonemes in dictionary.entries.values():
        place = [k for k, phoneme in enumerate(phonemes) if phoneme in vowels]
        assert len(place) == 1
        assert set(phonemes[place[0] + 1 :]) <= codas


def test_english_is_the_39_sounds_without_stress():
    dictionary = shipped("english-arpabet")
    assert all(phonemes == (name,) for name, phonemes in dictionary.entries.items())
    assert {"aa", "er", "uw", "hh", "ng", "zh"} < dictionary.phonemes
    assert not any(name[-1].isdigit() for name in dictionary.phonemes)
