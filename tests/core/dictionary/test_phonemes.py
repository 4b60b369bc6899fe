"""Phoneme ids, merged groups, languages: the numbers DiffSinger would assign."""

import pickle
from pathlib import Path

import pytest

from singwiz.core.dictionary import (
    Dictionary,
    PhonemeSet,
    UnknownPhoneme,
    read_dictionary,
    resolve_dictionary,
)
from singwiz.core.errors import SingwizError

OPENCPOP_NAMES = (
    "AP E En SP a ai an ang ao b c ch d e ei en eng er f g h i i0 ia ian iang iao ie in ing iong "
    "ir iu j k l m n o ong ou p q r s sh t u ua uai uan uang ui un uo v van ve vn w x y z zh"
)


def dictionary(language: str, *phonemes: str) -> Dictionary:
    entries = {phoneme: (phoneme,) for phoneme in phonemes}
    return Dictionary(language, Path(f"{language}.txt"), entries, frozenset(phonemes), "")


@pytest.fixture
def bilingual() -> PhonemeSet:
    return PhonemeSet.build(
        {"zh": dictionary("zh", "a", "i", "s", "ir"), "ja": dictionary("ja", "a", "i", "s", "N")},
        extra_phonemes=["EP", "ja/cl"],
        merged_phoneme_groups=[["zh/i", "ja/i"], ["ja/cl", "SP"], ["zh/s", "ja/s"]],
    )


def test_one_language_numbers_its_phonemes_in_code_point_order_from_one():
    mandarin, _ = read_dictionary(resolve_dictionary("opencpop-extension"), "zh")
    phonemes = PhonemeSet.build({"zh": mandarin})
    assert phonemes.dump() == {name: k for k, name in enumerate(OPENCPOP_NAMES.split(), start=1)}
    assert phonemes.vocab_size == 65
    assert phonemes.lang_map == {"zh": 1}
    assert phonemes.cross_lingual == frozenset()


def test_several_languages_share_ids_only_inside_merged_groups(bilingual):
    assert bilingual.dump() == {
        "AP": 1, "EP": 2, "SP": 3, "ja/cl": 3, "ja/N": 4, "ja/a": 5, "ja/i": 6, "zh/i": 6,
        "ja/s": 7, "zh/s": 7, "zh/a": 8, "zh/ir": 9,
    }  # fmt: skip
    assert list(bilingual.dump()) == sorted(
        bilingual.ids, key=lambda name: (bilingual.ids[name], name)
    )
    assert bilingual.vocab_size == 10
    assert bilingual.lang_map == {"ja": 1, "zh": 2}
    assert bilingual.cross_lingual == {"ja/cl", "ja/i", "zh/i", "ja/s", "zh/s"}
    assert bilingual.groups == (("SP", "ja/cl"), ("ja/i", "zh/i"), ("ja/s", "zh/s"))


def test_labels_are_encoded_with_the_language_of_their_recordings(bilingual):
    sequence = ["SP", "zh/i", "ja/cl", "a"]
    assert bilingual.encode_sequence(sequence, "ja") == [3, 6, 3, 5]
    assert bilingual.language_ids(sequence, "ja") == [0, 2, 1, 0]
    assert bilingual.encode("a", "zh") == 8
    assert bilingual.encode("zh/SP", "ja") == bilingual.encode("SP", "ja")


def test_a_merged_id_decodes_to_the_name_of_the_wanted_language(bilingual):
    assert bilingual.decode(6, "zh") == "zh/i"
    assert bilingual.decode(6, "ja") == "ja/i"
    assert bilingual.decode(6) == "ja/i"
    assert bilingual.decode(3, "zh") == "SP"
    assert bilingual.decode(0, "ja") is None
    with pytest.raises(SingwizError, match="number 99"):
        bilingual.decode(99, "ja")


def test_a_set_read_from_its_dump_behaves_like_the_original(bilingual):
    again = PhonemeSet.from_dump(bilingual.dump(), bilingual.lang_map)
    sequence = ["SP", "zh/i", "ja/cl", "a", "zh/SP"]
    assert again.dump() == bilingual.dump()
    assert again.vocab_size == bilingual.vocab_size
    assert again.encode_sequence(sequence, "ja") == bilingual.encode_sequence(sequence, "ja")
    assert again.language_ids(sequence, "ja") == bilingual.language_ids(sequence, "ja")
    with_padding = PhonemeSet.from_dump({"<PAD>": 0, "a": 1}, {"ja": 1})
    assert with_padding.vocab_size == 2
    with pytest.raises(SingwizError):
        PhonemeSet.from_dump({"a": "1"}, {})


def test_an_unknown_symbol_names_itself_and_survives_a_process_border(bilingual):
    with pytest.raises(UnknownPhoneme) as caught:
        bilingual.encode("xx", "ja")
    assert caught.value.code == "unknown-phoneme"
    assert pickle.loads(pickle.dumps(caught.value)).symbol == "xx"
    assert bilingual.find("xx", "ja") is None
    assert pickle.loads(pickle.dumps(bilingual)).dump() == bilingual.dump()


def test_one_language_strips_prefixes_everywhere():
    phonemes = PhonemeSet.build(
        {"ja": dictionary("ja", "a", "i", "N")}, ["ja/cl"], [["ja/i", "ja/N"]]
    )
    assert phonemes.dump() == {"AP": 1, "N": 2, "i": 2, "SP": 3, "a": 4, "cl": 5}
    assert phonemes.encode("ja/cl", "ja") == 5
    assert phonemes.language_ids(["i", "N"], "ja") == [0, 0]


def test_groups_that_overlap_become_one_whatever_their_order():
    names = dictionary("ja", "a", "b", "c", "d", "e", "f")
    chain = [["a", "b"], ["c", "d"], ["e", "f"], ["b", "c"], ["f", "d"]]
    for groups in (chain, chain[::-1]):
        phonemes = PhonemeSet.build({"ja": names}, (), groups)
        assert phonemes.groups == (("a", "b", "c", "d", "e", "f"),)
        assert phonemes.vocab_size == 4
        assert "merged-groups-joined" in [finding.code for finding in phonemes.findings]


def test_a_group_of_one_is_ignored_with_a_warning():
    phonemes = PhonemeSet.build({"ja": dictionary("ja", "a")}, (), [["a", "a"]])
    assert phonemes.groups == ()
    assert [finding.code for finding in phonemes.findings] == ["merged-group-single"]


def test_a_language_phoneme_hidden_by_a_shared_one_is_reported():
    phonemes = PhonemeSet.build({"ja": dictionary("ja", "EP"), "zh": dictionary("zh", "a")}, ["EP"])
    assert [finding.code for finding in phonemes.findings] == ["phoneme-hidden-by-global"]
    assert set(phonemes.ids) == {"AP", "SP", "EP", "zh/a"}


@pytest.mark.parametrize(
    ("extra", "groups", "code"),
    [
        (["ko/a"], [], "extra-phoneme-language"),
        (["ja/SP"], [], "extra-phoneme-conflict"),
        (["EP", "ja/EP"], [], "extra-phoneme-conflict"),
        ([""], [], "extra-phoneme-invalid"),
        (["ja/"], [], "extra-phoneme-invalid"),
        (["a b"], [], "extra-phoneme-invalid"),
        ([], [["ko/a", "ja/a"]], "merged-phoneme-language"),
        ([], [["ja/zzz", "ja/a"]], "merged-phoneme-unknown"),
    ],
)
def test_contradicting_phoneme_options_are_refused(extra, groups, code):
    languages = {"ja": dictionary("ja", "a"), "zh": dictionary("zh", "a")}
    with pytest.raises(SingwizError) as caught:
        PhonemeSet.build(languages, extra, groups)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_voice_needs_a_dictionary_and_a_usable_language_name():
    with pytest.raises(SingwizError):
        PhonemeSet.build({})
    with pytest.raises(SingwizError):
        PhonemeSet.build({"ja/x": dictionary("ja/x", "a")})
