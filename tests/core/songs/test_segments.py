"""Lyrics to phonemes, and notes to DS segments."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.songs import Pronouncer, ScoreSong, SungNote, score_segments

from .conftest import pronouncer


def song(*notes: tuple, start: float = 1.0) -> ScoreSong:
    """Notes of ``(seconds, midi or None for a rest, lyric[, syllabic])``."""
    made, now = [], start
    for seconds, midi, *words in notes:
        if midi is not None:
            made.append(SungNote(now, now + seconds, midi, words[0], f"at {now:g}", *words[1:]))
        now += seconds
    return ScoreSong("song", tuple(made))


def words_of(segment: dict) -> list[str]:
    phonemes = segment["ph_seq"].split()
    sizes = [int(size) for size in segment["ph_num"].split()]
    result = []
    for size in sizes:
        result.append(" ".join(phonemes[:size]))
        phonemes = phonemes[size:]
    assert not phonemes
    return result


def test_words_begin_with_the_vowel_of_a_note(japanese: Pronouncer):
    made, remarks = score_segments(song((0.5, 60, "か"), (0.5, 62, "さ"), (1, 64, "い")), japanese)
    assert remarks == ()
    assert words_of(made[0]) == ["SP k", "a s", "a", "i", "SP"]
    assert made[0]["offset"] == 0.6
    assert made[0]["note_seq"] == "rest C4 D4 E4 rest"
    assert made[0]["note_dur"] == "0.400000 0.500000 0.500000 1.000000 0.300000"
    assert made[0]["note_slur"] == "0 0 0 0 0"
    assert made[0]["text"] == "か さ い"
    assert "lang" not in made[0]


@pytest.mark.parametrize("mark", ["-", "ー", "+", ""])
def test_held_vowels_are_slurs(japanese: Pronouncer, mark: str):
    made = score_segments(song((0.5, 60, "か"), (0.5, 62, mark), (1, 64, "い")), japanese)[0][0]
    assert words_of(made) == ["SP k", "a", "i", "SP"]
    assert made["note_slur"] == "0 0 1 0 0"
    assert made["note_slur"].split().count("0") == len(words_of(made))


def test_rests_and_breaths_are_words_of_their_own(japanese: Pronouncer):
    made, _ = score_segments(
        song((0.5, 60, "か"), (0.3, None), (0.5, 62, "さ"), (0.4, 60, "AP"), (1, 64, "い")),
        japanese,
    )
    assert words_of(made[0]) == ["SP k", "a", "SP s", "a", "AP", "i", "SP"]
    assert made[0]["note_seq"] == "rest C4 rest D4 rest E4 rest"


def test_long_rests_begin_a_new_segment(japanese: Pronouncer):
    made, _ = score_segments(
        song((0.5, 60, "か"), (0.8, None), (0.5, 62, "さ")), japanese, language="ja"
    )
    assert [segment["offset"] for segment in made] == [0.6, 1.9]
    assert [words_of(segment) for segment in made] == [["SP k", "a", "SP"], ["SP s", "a", "SP"]]
    assert made[0]["lang"] == "ja"
    ends = made[0]["offset"] + sum(map(float, made[0]["note_dur"].split()))
    assert ends <= made[1]["offset"]


def test_a_song_that_begins_at_once_is_moved_and_that_is_said(japanese: Pronouncer):
    made, remarks = score_segments(song((0.5, 60, "か"), start=0.0), japanese)
    assert made[0]["offset"] == 0
    assert made[0]["note_dur"].startswith("0.200000 0.500000")
    assert "0.20 s later" in remarks[0]


def test_a_vowel_held_across_a_rest_is_sung_again(japanese: Pronouncer):
    made, _ = score_segments(
        song((0.5, 60, "-"), (0.5, 60, "か"), (0.3, None), (0.5, 62, "-")), japanese
    )
    assert words_of(made[0]) == ["SP k", "a", "SP", "a", "SP"]


def test_words_of_several_syllables_are_spread_over_notes(english: Pronouncer):
    plus = song((0.5, 60, "hello"), (0.2, 61, "-"), (0.5, 62, "+"), (0.5, 64, "+"), (1, 60, "day"))
    made = score_segments(plus, english)[0][0]
    assert words_of(made) == ["SP hh", "ax l", "ow d", "ey", "SP"]
    assert made["note_slur"] == "0 0 1 0 1 0 0"
    hyphened = song((0.5, 60, "a", "begin"), (0.5, 62, "way", "end"), (0.5, 60, "a"))
    made = score_segments(hyphened, english)[0][0]
    assert words_of(made) == ["SP", "ax w", "ey", "ax", "SP"]
    one_note = score_segments(song((1, 60, "hello")), english)[0][0]
    assert words_of(one_note) == ["SP hh", "ax l ow", "SP"]


@pytest.mark.parametrize(
    ("lyric", "phonemes"),
    [
        ("か", "k a"),
        ("カ", "k a"),
        ("ka", "k a"),
        ("a か", "k a"),
        ("か_C4", "k a"),
        ("「か！」", "k a"),
        ("とー", "t o"),
        ("きゃ", "ky a"),
        ("って", "cl t e"),
        ("さん", "s a N"),
        ("love[k a]", "k a"),
        ("[k q]", None),
        ("xyz", None),
        ("かq", None),
    ],
)
def test_lyrics_are_understood_as_programs_write_them(japanese, lyric: str, phonemes: str | None):
    found = japanese.phonemes(lyric)
    assert (" ".join(found) if found else None) == phonemes


def test_unknown_lyrics_are_listed_with_places_and_suggestions(japanese: Pronouncer):
    with pytest.raises(SingwizError) as caught:
        score_segments(song((1, 60, "kaa"), (1, 60, "か"), (1, 60, "x"), (1, 60, "x")), japanese)
    assert caught.value.code == "lyric-unknown"
    assert caught.value.where == "at 1"
    assert "'kaa' (at 1); like it: ka" in caught.value.message
    assert "'x' (at 3 and 1 more)" in caught.value.message
    with pytest.raises(SingwizError) as caught:
        score_segments(song((1, 60, ""), (1, 60, "")), japanese)
    assert caught.value.code == "score-no-lyrics"


def test_arpabet_needs_no_list_of_vowels(tmp_path: Path):
    words = "hello\thh ah0 l ow1\nday\td ey1\na\tah0\n"
    made = score_segments(song((1, 60, "hello")), pronouncer(tmp_path, words, "en"))[0][0]
    assert words_of(made) == ["SP hh", "ah0 l ow1", "SP"]
    with pytest.raises(SingwizError) as caught:
        pronouncer(tmp_path, "hello\tq a l o\nday\td e\nod\to d\n", "xx")
    assert caught.value.code == "phoneme-kinds-unknown"
