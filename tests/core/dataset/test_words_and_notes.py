"""Words from vowels and consonants, note names, and notes from pitch curves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singwiz.core.dataset.note_names import hz_to_midi, midi_to_hz, note_name, parse_note
from singwiz.core.dataset.notes import (
    Note,
    align_to_words,
    correct_cents,
    remove_short_slurs,
    rough_notes,
)
from singwiz.core.dataset.words import (
    phonemes_per_word,
    phonemes_per_word_with_liquids,
    word_durations,
)
from singwiz.core.dictionary import PhonemeKinds
from singwiz.core.errors import SingwizError

SOFT = ["r", "l", "w", "y"]
JA = {"ja": PhonemeKinds.of_lists([*"aiueoN"], [*"kstnmyr", "cl"])}
EN = {
    "en": PhonemeKinds.of_lists(
        ["aa", "ay", "iy", "ao", "ey"], [*"tspkbdn"], liquids=SOFT, language="en"
    )
}
DT = 0.01


def ph_num(text: str, kinds=JA, language="ja") -> tuple[int, ...]:
    return phonemes_per_word(text.split(), kinds, language)


def test_a_word_is_a_vowel_and_the_consonants_after_it():
    assert ph_num("SP k a cl t a N AP s a SP") == (2, 3, 1, 1, 2, 1, 1)
    assert ph_num("k a n i") == (1, 2, 1)
    assert ph_num("a") == (1,)
    assert ph_num("") == ()


def test_a_phoneme_of_unknown_kind_is_named():
    with pytest.raises(SingwizError) as caught:
        ph_num("k a xx")
    assert caught.value.code == "phoneme-kind-unknown" and "'xx'" in caught.value.message


def test_phonemes_of_other_languages_follow_their_own_lists():
    both = JA | EN
    assert ph_num("k a en/t en/r en/ay SP", both) == (1, 3, 1, 1)


@given(st.lists(st.sampled_from(["k", "a", "SP", "t", "N"]), max_size=40))
def test_words_always_add_up_and_start_with_a_vowel(ph_seq):
    sizes = phonemes_per_word(ph_seq, JA, "ja")
    assert sum(sizes) == len(ph_seq) and 0 not in sizes
    starts = np.cumsum([0, *sizes])[:-1]
    assert all(JA["ja"].kind(ph_seq[k]) == "vowel" for k in starts[1:])


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ([["SP"], ["t", "r", "ay"], ["SP"]], (2, 2, 1)),
        ([["SP"], ["s", "t", "r", "iy", "t"]], (3, 3)),
        ([["SP"], ["r", "ay", "t"]], (2, 2)),
        ([["s", "l", "ao"], ["l", "ay", "n"]], (1, 3, 2)),
        ([["SP"], ["p", "l", "r", "ey"]], (3, 2)),
        ([["k"], ["r", "ay"]], (2, 1)),
    ],
)
def test_a_liquid_after_a_consonant_of_its_word_opens_the_note(spoken, expected):
    ph_seq = [phoneme for word in spoken for phoneme in word]
    sizes = [len(word) for word in spoken]
    assert phonemes_per_word_with_liquids(ph_seq, sizes, EN, "en") == expected


def test_spoken_words_that_do_not_add_up_are_refused():
    with pytest.raises(SingwizError) as caught:
        phonemes_per_word_with_liquids(["t", "ay"], [1], EN, "en")
    assert caught.value.code == "words-do-not-fit"


def test_word_durations():
    assert word_durations([0.1, 0.2, 0.3], [1, 2]) == (0.1, 0.5)
    with pytest.raises(ValueError):
        word_durations([0.1], [2])


# Note names


@pytest.mark.parametrize(
    ("name", "midi"),
    [
        ("A4", 69),
        ("C4", 60),
        ("c4", 60),
        ("B3", 59),
        ("Bb3", 58),
        ("F#3", 54),
        ("E♭5", 75),
        ("C𝄪4", 62),
        ("D𝄫4", 60),
        ("G♮4", 67),
        ("Cb4", 59),
        ("C-1", 0),
        ("A4+25", 69.25),
        ("A#3-7", 57.93),
        ("C", 12),
        ("C+25", 12 * 26),
        ("rest", None),
    ],
)
def test_note_names_are_read(name, midi):
    assert parse_note(name) == (pytest.approx(midi) if midi is not None else None)


@pytest.mark.parametrize("name", ["", "H4", "Rest", "REST", "4", "C4 ", "C4+", "C9999", "C4+1e3"])
def test_other_words_are_no_notes(name):
    with pytest.raises(SingwizError) as caught:
        parse_note(name)
    assert caught.value.code == "note-invalid"


@given(st.integers(0, 12700))
def test_every_pitch_survives_its_name(cents):
    midi = cents / 100
    assert parse_note(note_name(midi)) == pytest.approx(midi, abs=1e-9)
    assert hz_to_midi(midi_to_hz(midi)) == pytest.approx(midi)


def test_names_are_written_with_sharps_and_cents():
    names = [note_name(m) for m in (60, 61, 60.29, 59.6, 59.996, None)]
    assert names == ["C4", "C#4", "C4+29", "C4-40", "C4", "rest"]


@given(st.text(max_size=12))
def test_no_text_crashes_the_reader_of_notes(text):
    try:
        midi = parse_note(text)
    except SingwizError:
        return
    assert midi is None or math.isfinite(midi)


# Notes from pitch


def curve(*parts: tuple[float | None, int]) -> tuple[np.ndarray, np.ndarray]:
    """(MIDI or None, frames) … -> F0 in Hz and the unvoiced mask."""
    f0 = np.concatenate([np.full(n, midi_to_hz(m) if m is not None else 0.0) for m, n in parts])
    return f0.astype(np.float32), f0 == 0


def test_a_word_gets_the_pitch_it_mostly_has():
    f0, unvoiced = curve((None, 30), (57.0, 5), (60.1, 40), (60.4, 20), (62, 5), (None, 50))
    notes = rough_notes(f0, unvoiced, [0.3, 0.7, 0.5], DT)
    assert notes[0] == Note(None, 0.3) and notes[2] == Note(None, 0.5)
    assert notes[1].midi == pytest.approx((60.1 * 40 + 60.4 * 20) / 60, abs=1e-4)
    assert notes[1].seconds == 0.7


def test_a_word_with_little_voice_is_a_rest():
    f0, unvoiced = curve((60, 14), (None, 86), (60, 16), (None, 84))
    notes = rough_notes(f0, unvoiced, [1.0, 1.0], DT)
    assert notes[0].midi is None and notes[1].midi == pytest.approx(60, abs=1e-4)


def test_silent_words_are_rests_whatever_sounds_in_them():
    f0, unvoiced = curve((60, 100))
    notes = rough_notes(f0, unvoiced, [0.5, 0.5, 2.0], DT, rests=[True, False, False])
    assert [note.midi is None for note in notes] == [True, False, True]


def test_cents_follow_the_singing_and_doubtful_notes_are_named():
    f0, unvoiced = curve((60.3, 50), (65.0, 50), (None, 50), (62.0, 30), (60.2, 20))
    notes = [Note(60, 0.5), Note(62, 0.5), Note(61, 0.5), Note(60, 0.5, slur=True)]
    corrected, doubtful = correct_cents(notes, f0, unvoiced, DT)
    assert [note.midi for note in corrected] == pytest.approx([60.3, 62, 61, 60.2], abs=1e-4)
    assert doubtful == (1,)
    assert corrected[3].slur and [note.seconds for note in corrected] == [0.5] * 4
    assert correct_cents([Note(60, 0.5)], f0, unvoiced, DT)[1] == ()


def test_short_slurs_go_to_their_neighbours():
    word = [
        Note(59, 0.02),
        Note(60, 0.5, True),
        Note(61, 0.02, True),
        Note(63, 0.02, True),
        Note(62, 0.5, True),
        Note(60, 0.03, True),
    ]
    merged = remove_short_slurs([Note(None, 0.01), *word, Note(64, 0.01)], 0.05)
    assert [(note.midi, round(note.seconds, 9), note.slur) for note in merged] == [
        (None, 0.01, False),
        (60, 0.54, False),
        (62, 0.55, True),
        (64, 0.01, False),
    ]


def test_words_of_only_short_notes_stay():
    word = (Note(60, 0.01), Note(61, 0.01, True))
    assert remove_short_slurs(word, 0.05) == word


def test_notes_are_cut_where_words_begin():
    notes = [Note(None, 0.5), Note(60, 1.0), Note(62, 0.505)]
    aligned = align_to_words(notes, [0.495, 0.6, 0.4, 0.51])
    assert [(note.midi, note.seconds, note.slur) for note in aligned] == [
        (None, 0.495, False),
        (60, 0.6, False),
        (60, 0.4, False),
        (62, 0.51, False),
    ]


def test_several_notes_in_a_word_become_slurs_and_equal_ones_one():
    notes = [Note(60, 0.2), Note(62, 0.2), Note(62, 0.2), Note(60, 0.4)]
    aligned = align_to_words(notes, [1.0])
    assert [(n.midi, round(n.seconds, 6), n.slur) for n in aligned] == [
        (60, 0.2, False),
        (62, 0.4, True),
        (60, 0.4, True),
    ]


pieces = st.lists(st.integers(1, 2_000_000), min_size=1, max_size=12)


@given(pieces, pieces)
def test_aligned_notes_add_up_to_every_word(note_lengths, word_lengths):
    notes = [Note(60 + k % 3, us / 1e6) for k, us in enumerate(note_lengths)]
    words = [us / 1e6 for us in word_lengths]
    aligned = align_to_words(notes, words)
    sums: list[float] = []
    for note in aligned:
        assert note.seconds >= 0
        if note.slur:
            sums[-1] += note.seconds
        else:
            sums.append(note.seconds)
    assert sums == pytest.approx(words, abs=1e-8)


def test_words_without_any_note_are_refused():
    with pytest.raises(ValueError):
        align_to_words([], [1.0])
