"""The mismatch desk: cards in order, with places and cures, and what the cures do."""

from pathlib import Path

import pytest

from singwiz.core.dictionary import (
    Choices,
    Dictionary,
    PhonemeSet,
    Suggestion,
    cards,
    changed_choices,
    compare,
    fitting_dictionaries,
    relabel,
)
from singwiz.core.errors import SingwizError

ENTRIES = {"a": ("a",), "ka": ("k", "a"), "sa": ("s", "a"), "i": ("i",)}


def voice(*languages: str, **options) -> PhonemeSet:
    names = frozenset(p for value in ENTRIES.values() for p in value)
    made = {x: Dictionary(x, Path(f"{x}.txt"), ENTRIES, names, "") for x in languages or ("ja",)}
    return PhonemeSet.build(made, **options)


def labels(*lines: str):
    for k, line in enumerate(lines):
        ph_seq = line.split()
        yield f"song_{k}", "ja", ph_seq, [0.25] * len(ph_seq)


def test_cards_come_by_count_with_the_first_place_in_each_item():
    mismatch = compare(voice(), labels("pau k a q", "pau q q a", "xx", *["q"] * 6))
    unexpected = [card for card in cards(mismatch) if card.side == "unexpected"]
    assert [(card.symbol, card.count) for card in unexpected] == [("q", 9), ("pau", 2), ("xx", 1)]
    first = unexpected[0].places[0]
    assert (first.item, first.start, first.end) == ("song_0", 0.75, 1.0)
    assert len(unexpected[0].places) == 5
    assert [card.symbol for card in cards(mismatch) if card.side == "missing"] == [
        "AP",
        "SP",
        "i",
        "s",
    ]
    assert unexpected[1].suggestions[0].target == "SP"


def test_without_durations_there_are_no_places():
    mismatch = compare(voice(), [("song", "ja", ["xx"]), ("other", "ja", ["a", "xx"], [0.5])])
    assert mismatch.unexpected["xx"].places == ()
    assert mismatch.unexpected["xx"].items == ("song", "other")


def test_label_cures_change_labels():
    phonemes = voice()
    rename = Suggestion("pau", "rename", "SP", "")
    assert relabel(rename, ["pau", "a"], "ja", phonemes).ph_seq == ("SP", "a")
    expand = Suggestion("ka", "expand", "k a", "")
    assert relabel(expand, ["ka", "sa"], "ja", phonemes).ph_seq == ("k", "a", "sa")
    move = Suggestion("ir", "migrate-labels", "opencpop-extension", "")
    assert relabel(move, ["zh", "i"], "zh", phonemes).ph_seq == ("zh", "ir")
    with pytest.raises(SingwizError) as caught:
        relabel(Suggestion("s", "trim", "ja.txt", ""), ["a"], "ja", phonemes)
    assert caught.value.code == "cure-unfit"


def test_prefixed_syllables_are_expanded_in_their_own_language():
    phonemes = voice("ja", "en")
    cure = Suggestion("en/ka", "expand", "k a", "")
    assert relabel(cure, ["ka", "en/ka"], "ja", phonemes).ph_seq == ("ka", "en/k", "en/a")


def test_cures_for_the_voice_change_its_choices_together():
    phonemes = voice()
    mismatch = compare(phonemes, labels("SP a k a xx"))
    before = Choices({"ja": "ja.txt"})
    after = changed_choices(
        [
            Suggestion("xx", "add-extra", "xx", ""),
            Suggestion("AP", "merge", "SP", ""),
            Suggestion("s", "trim", "ja.txt", ""),
            Suggestion("i", "trim", "ja.txt", ""),
            Suggestion("x", "rename", "y", ""),
        ],
        before,
        phonemes,
        mismatch,
    )
    assert after.extra_phonemes == ("xx",)
    assert after.merged_phoneme_groups == (("AP", "SP"),)
    assert after.trimmed == {"ja": "a\ta\nka\tk a\n"}
    assert before == Choices({"ja": "ja.txt"})
    again = changed_choices([Suggestion("AP", "merge", "SP", "")], after, phonemes, mismatch)
    assert again == after


def test_other_choices():
    phonemes = voice(extra_phonemes=["vf"])
    mismatch = compare(phonemes, labels("a"))
    start = Choices({"ja": "ja.txt"}, ("vf",))
    gone = changed_choices([Suggestion("vf", "remove-extra", "vf", "")], start, phonemes, mismatch)
    assert gone.extra_phonemes == ()
    other = changed_choices(
        [Suggestion("ir", "change-dictionary", "opencpop", "")], start, phonemes, mismatch
    )
    assert other.dictionaries == {"ja": "opencpop"}
    with pytest.raises(SingwizError) as caught:
        everything = [Suggestion(s, "trim", "ja.txt", "") for s in "aiks"]
        changed_choices(everything, start, phonemes, mismatch)
    assert caught.value.code == "dictionary-nothing-left"


def test_the_dictionary_that_fits_the_labels_is_found():
    assert fitting_dictionaries({"zh": 2, "ang": 5, "SP": 9, "ir": 1})[0].name in (
        "opencpop-strict",
        "opencpop-extension",
    )
    japanese = fitting_dictionaries({"ky": 2, "o": 5, "N": 9, "cl": 1, "a": 3})[0]
    assert (japanese.name, japanese.known, japanese.unexpected) == ("japanese-romaji", 1.0, ())
    assert fitting_dictionaries({"ja/eo": 3, "kcl": 1})[0].name == "korean"
    assert fitting_dictionaries({"hh": 3, "ah": 1, "XX": 4})[0].unexpected == ("XX",)
