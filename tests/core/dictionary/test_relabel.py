"""Writing labels anew, and telling vowels from consonants."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singwiz.core.dictionary import (
    Dictionary,
    PhonemeKinds,
    expand_syllables,
    find_kind,
    migrate,
    plan_migration,
    read_dictionary,
    rename_symbols,
    resolve_dictionary,
)
from singwiz.core.errors import SingwizError


def dictionary(language="ja", **entries: str) -> Dictionary:
    table = {syllable: tuple(value.split()) for syllable, value in entries.items()}
    phonemes = frozenset(phoneme for value in table.values() for phoneme in value)
    return Dictionary(language, Path("d.txt"), table, phonemes, "")


def shipped(name: str, language: str = "zh") -> Dictionary:
    return read_dictionary(resolve_dictionary(name), language)[0]


def test_renaming_changes_only_the_symbols_that_are_named():
    new = rename_symbols(["pau", "k", "a", "br", "pau"], {"pau": "SP", "br": "AP"})
    assert new.ph_seq == ("SP", "k", "a", "AP", "SP")
    assert new.changed == (0, 3, 4)
    assert new.ph_dur([1, 2, 3, 4, 5]) == (1, 2, 3, 4, 5)


def test_a_prefixed_name_stands_for_the_bare_symbol_of_that_language():
    assert rename_symbols(["x", "ja/x", "en/x"], {"ja/x": "ks"}, "ja").ph_seq == (
        "ks",
        "ja/ks",
        "en/x",
    )
    assert rename_symbols(["en/pau", "en/x"], {"en/pau": "SP", "en/x": "k"}, "ja").ph_seq == (
        "SP",
        "en/k",
    )
    assert rename_symbols(["th"], {"ja/th": "en/th"}, "ja").ph_seq == ("en/th",)


def test_expanding_gives_the_vowel_what_the_consonant_leaves():
    words = dictionary(ka="k a", a="a", kyan="ky a N")
    new = expand_syllables(["SP", "ka", "a", "kyan"], words, vowels={"a"})
    assert new.ph_seq == ("SP", "k", "a", "a", "ky", "a", "N")
    assert new.owners == (0, 1, 1, 2, 3, 3, 3)
    assert new.ph_dur([0.5, 0.4, 0.3, 0.1]) == pytest.approx(
        (0.5, 0.08, 0.32, 0.3, 0.025, 0.05, 0.025)
    )
    assert new.ph_num([1, 1, 2]) == (1, 2, 4)


def test_symbols_of_another_language_are_not_expanded():
    words = dictionary("ja", ka="k a")
    assert expand_syllables(["ka", "ja/ka"], words, language="en").ph_seq == ("ka", "ja/k", "ja/a")
    assert expand_syllables(["ka", "ki"], words, only=["ki"]).changed == ()


@given(
    st.lists(st.sampled_from(["ka", "a", "kya", "SP", "x"]), max_size=20),
    st.lists(st.integers(0, 5_000_000), min_size=20, max_size=20),
)
def test_expansion_keeps_every_sum(symbols, microseconds):
    words = dictionary(ka="k a", a="a", kya="k y a")
    new = expand_syllables(symbols, words)
    before = [value / 1e6 for value in microseconds[: len(symbols)]]
    after = new.ph_dur(before)
    assert len(after) == len(new.ph_seq)
    assert min(after, default=0) >= 0
    for owner, seconds in enumerate(before):
        share = sum(d for d, o in zip(after, new.owners, strict=True) if o == owner)
        assert share == pytest.approx(seconds, abs=1e-9)


def test_durations_of_another_item_are_refused():
    with pytest.raises(ValueError):
        rename_symbols(["a", "b"], {}).ph_dur([1.0])


def test_opencpop_labels_become_labels_of_the_extension_and_back():
    there = plan_migration(shipped("opencpop"), shipped("opencpop-extension"))
    old = ["SP", "zh", "i", "y", "an", "y", "e", "b", "i", "g", "e", "sh", "i", "c", "i", "AP"]
    new = migrate(old, there)
    assert " ".join(new.ph_seq) == "SP zh ir y En y E b i g e sh ir c i0 AP"
    assert migrate(new.ph_seq, there).ph_seq == new.ph_seq
    back = plan_migration(shipped("opencpop-extension"), shipped("opencpop"))
    assert migrate(new.ph_seq, back).ph_seq == tuple(old)
    assert len(there.syllables) == 9


def test_a_vowel_that_changes_alone_does_not_change_inside_syllables():
    plan = plan_migration(dictionary(e="e", ge="g e"), dictionary(e="E", ge="g e"))
    assert migrate(["e", "g", "e", "ja/e"], plan).ph_seq == ("E", "g", "e", "ja/E")


def test_migrations_that_rules_cannot_do_are_refused():
    with pytest.raises(SingwizError) as caught:
        plan_migration(dictionary(kya="ky a"), dictionary(kya="k y a"))
    assert caught.value.code == "migration-lengths"
    with pytest.raises(SingwizError) as caught:
        plan_migration(dictionary(zi="z i", zyi="z i"), dictionary(zi="z i0", zyi="z i"))
    assert caught.value.code == "migration-ambiguous"


# Vowels and consonants


def test_a_two_part_dictionary_tells_vowels_from_consonants():
    kinds = PhonemeKinds.of_dictionary(shipped("opencpop-extension"))
    assert len(kinds.consonants) == 23 and len(kinds.vowels) == 39 + 2
    assert (kinds.kind("zh"), kinds.kind("ang"), kinds.kind("SP")) == (
        "consonant",
        "vowel",
        "vowel",
    )
    assert kinds.kind("zh/zh") == "consonant" and kinds.kind("zh/AP") == "vowel"
    assert kinds.kind("xx") is None and kinds.kind("ja/a") is None


def test_in_japanese_the_closure_can_be_made_a_consonant():
    words = shipped("japanese-romaji", "ja")
    assert PhonemeKinds.of_dictionary(words).kind("cl") == "vowel"
    kinds = PhonemeKinds.of_dictionary(words, consonants=["cl"])
    assert kinds.kind("cl") == "consonant" and kinds.kind("N") == "vowel"


def test_korean_blocks_have_one_vowel_and_tell_it():
    kinds = PhonemeKinds.of_dictionary(shipped("korean", "ko"))
    assert kinds.vowels - {"SP", "AP"} == {"a", "ae", "eo", "e", "o", "u", "eu", "i", "ui"}
    assert kinds.kind("y") == "consonant" and kinds.kind("ng") == "consonant"


def test_english_is_known_by_its_phonemes_and_others_have_to_be_told():
    kinds = PhonemeKinds.of_dictionary(shipped("english-arpabet", "en"))
    assert (kinds.kind("er"), kinds.kind("r"), kinds.kind("t")) == ("vowel", "liquid", "consonant")
    with pytest.raises(SingwizError) as caught:
        PhonemeKinds.of_dictionary(dictionary(A="A", b="b"))
    assert caught.value.code == "phoneme-kinds-unknown"
    told = PhonemeKinds.of_dictionary(dictionary(A="A", b="b"), vowels=["A"])
    assert (told.kind("A"), told.kind("b")) == ("vowel", "consonant")


def test_contradictions_are_refused():
    with pytest.raises(SingwizError) as caught:
        PhonemeKinds.of_lists(["a"], ["a", "k"])
    assert caught.value.code == "phoneme-kind-conflict"
    with pytest.raises(SingwizError) as caught:
        PhonemeKinds.of_dictionary(dictionary(ak="a k", ka="k a"))
    assert "begins some syllables and ends others" in caught.value.message


def test_several_languages_are_told_apart_by_prefix():
    kinds = {
        "ja": PhonemeKinds.of_lists("a", "k", language="ja"),
        "en": PhonemeKinds.of_lists("k", "a", language="en"),
    }
    assert find_kind("a", "ja", kinds) == "vowel"
    assert find_kind("en/a", "ja", kinds) == "consonant"
    assert find_kind("fr/a", "ja", kinds) is None
