"""The steps of rendering, held against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.export.client import words
from singwiz.core.export.client.bank import Bank, DsDict
from singwiz.core.export.client.phrases import (
    Curve,
    Grid,
    NoteRows,
    frames_of,
    phrases_of,
    resampled,
)
from singwiz.core.export.client.singing import Steps, SungPhrase, SungSong, sing
from singwiz.core.export.client.words import Clock, Note, Phoneme, phonemes_of, symbols_of

FRAME = 1000 * 512 / 44100
CLOCK = Clock()
TYPES = {
    "SP": "vowel", "AP": "vowel", "a": "vowel", "i": "vowel",
    "s": "fricative", "n": "nasal", "y": "semivowel", "t": "stop",
}  # fmt: skip
DSDICT = DsDict("dsdict.yaml", TYPES, {"sa": ("s", "a"), "sta": ("s", "t", "a")})


def test_frames_are_counted_by_their_edges():
    # 8 frames, then 100 ms = 8.61 frames and 50 ms = 4.31: edges at 8.5, 17.11 and 21.42.
    frames = frames_of([8 * FRAME, 100.0, 50.0], FRAME)
    assert frames.tolist() == [8, 9, 4]
    assert frames_of([8 * FRAME, 1.0, 1.0], FRAME).tolist() == [8, 1, 0]


@pytest.mark.parametrize(
    ("symbols", "starts"),
    [
        ("s a n i", {1, 3}),
        ("t y a", {1}),  # a glide behind a consonant opens the note
        ("y a", {1}),  # at the beginning it does not
        ("a y a", {0, 2}),  # nor behind a vowel
        ("s t", {0}),  # no vowel: the first one
    ],
)
def test_notes_begin_with_vowels_and_with_glides_behind_consonants(symbols, starts):
    assert words._starts(symbols.split(), DSDICT) == starts


@pytest.fixture
def steady(opened, monkeypatch):
    """The good voicebank, whose phonemes all last ten frames before they are stretched."""
    seen = []

    def predict(groups, edges, symbols, bank, module, colour):
        seen.append((groups, edges, symbols))
        return np.full(len(symbols), 10.0)

    monkeypatch.setattr(words, "_predict", predict)
    opened.seen = seen
    return opened


def test_consonants_come_before_the_note_and_vowels_fill_it(steady):
    notes = [Note(1000, 400, 60, "sa"), Note(1400, 300, 62, "ni"), Note(1700, 300, 64, "+")]
    found = phonemes_of(notes, steady, clock=CLOCK, language="demo")
    lead = round(10 * FRAME)
    # 'n' shares the first note with 'a'; a slur changes nothing, for 'ni' has one vowel.
    assert [(p.symbol, p.start, p.end) for p in found] == [
        ("s", 1000 - lead, 1000),
        ("a", 1000, 1200),
        ("n", 1200, 1400),
        ("i", 1400, 2000),
    ]
    groups, edges, symbols = steady.seen[0]
    assert symbols == ("SP", "s", "a", "n", "i")
    assert edges == [500.0, 1000.0, 1400.0, 2000.0]
    assert [group.tone for group in groups] == [60, 60, 62]


def test_slurs_take_the_vowels_of_long_words_and_extensions_take_none(steady):
    lyric = "x [a n i]"
    plus = [Note(1000, 400, 60, lyric), Note(1400, 200, 62, "+"), Note(1600, 200, 62, "+~")]
    found = phonemes_of(plus, steady, clock=CLOCK)
    assert [(p.symbol, p.start) for p in found] == [("a", 1000), ("n", 1200), ("i", 1400)]
    held = [Note(1000, 400, 60, lyric), Note(1400, 200, 62, "+~"), Note(1600, 200, 62, "+")]
    found = phonemes_of(held, steady, clock=CLOCK)
    assert [(p.symbol, p.start) for p in found] == [("a", 1000), ("n", 1300), ("i", 1600)]


def test_a_phoneme_without_time_is_an_error(opened, monkeypatch):
    monkeypatch.setattr(words, "_predict", lambda *args: np.array([1.0, 0.0, 5.0]))
    with pytest.raises(words.BankProblem) as caught:
        phonemes_of([Note(1000, 400, 60, "sa")], opened, clock=CLOCK)
    assert caught.value.code == "E_TIMING" and "'s'" in caught.value.message


def test_a_gap_ends_a_sentence(steady):
    found = phonemes_of([Note(1000, 400, 60, "sa"), Note(2000, 400, 60, "sa")], steady, clock=CLOCK)
    assert [(p.symbol, p.start, p.end) for p in found][1] == ("a", 1000, 1400)
    assert len(steady.seen) == 2
    assert [len(phrase) for phrase in phrases_of(found)] == [2, 2]


def test_lyrics_are_hints_words_or_phonemes(opened):
    dsdict = opened.dur.dictionary()
    assert symbols_of("sa", opened.dur, dsdict, "") == ("s", "a")
    assert symbols_of("SA", opened.dur, dsdict, "") == ("s", "a")
    assert symbols_of("foo [n i]", opened.dur, dsdict, "") == ("n", "i")
    assert symbols_of("s i", opened.dur, dsdict, "") == ("s", "i")
    for wrong in ("foo", "foo [q]", "[]"):
        with pytest.raises(words.BankProblem) as caught:
            symbols_of(wrong, opened.dur, dsdict, "")
        assert caught.value.code == "E_LYRIC"


def test_words_of_a_phrase_begin_at_vowels():
    phrase = [Phoneme(s, k * 100, (k + 1) * 100) for k, s in enumerate(["s", "a", "n", "i"])]
    grid = Grid.of(phrase, CLOCK, FRAME)
    assert grid.symbols == ("SP", "s", "a", "n", "i", "SP")
    div, dur = grid.words(DSDICT)
    assert div.tolist() == [2, 2, 2]
    edges = np.cumsum(grid.durations)
    assert dur.tolist() == [edges[1], edges[3] - edges[1], edges[5] - edges[3]]
    assert grid.times[0] == pytest.approx(-8 * FRAME)
    no_vowel = Grid.of([Phoneme("s", 0, 100), Phoneme("t", 100, 200)], CLOCK, FRAME)
    assert no_vowel.words(DSDICT)[0].tolist() == [2, 2]


def test_rests_take_the_tone_beside_them_and_notes_fill_all_frames():
    notes = [Note(1000, 400, 60, "sa"), Note(1400, 200, 63.5, "+"), Note(1700, 300, 67, "sa")]
    phrase = [
        Phoneme("s", 900, 1000), Phoneme("a", 1000, 1550), Phoneme("s", 1550, 1700),
        Phoneme("a", 1700, 2000),
    ]  # fmt: skip
    grid = Grid.of(phrase, CLOCK, FRAME)
    rows = NoteRows.of(phrase, notes, grid, DSDICT, CLOCK)
    assert rows.rests.tolist() == [True, False, False, True, False, True]
    # The rest in the middle is one row: the first half, rounded up, takes the tone before.
    assert rows.tones.tolist() == [60.0, 60.0, 63.5, 63.5, 67.0, 67.0]
    assert rows.frames.sum() == grid.length
    assert rows.frames[0] == frames_of([100 + 8 * FRAME], FRAME)[0]


def test_only_rests_are_sung_at_c4():
    phrase = [Phoneme("SP", 0, 300)]
    grid = Grid.of(phrase, CLOCK, FRAME)
    rows = NoteRows.of(phrase, [Note(0, 300, 72, "SP")], grid, DSDICT, CLOCK)
    assert set(rows.tones.tolist()) == {60.0} and rows.rests.all()


def test_pitch_is_kept_every_five_ticks_in_whole_cents():
    notes = [Note(100, 200, 60, "a"), Note(300, 200, 64, "i")]
    phrase = [Phoneme("a", 100, 300), Phoneme("i", 300, 500)]
    curve = Curve.drawn(phrase, notes, CLOCK)
    assert curve.at(np.array([0.0, 100.0, 250.0, 300.0, 900.0])).tolist() == [60, 60, 60, 64, 64]
    # Between two points it is a line.
    assert curve.at(np.array([298.0]))[0] == pytest.approx(60 + 4 * 3 / 5)
    grid = Grid.of(phrase, CLOCK, FRAME)
    sung = curve.replaced(grid.times, np.full(grid.length, 61.2345, np.float32))
    assert np.allclose(sung.points, 61.23)


def test_curves_of_other_frames_are_read_by_time():
    phrase = [Phoneme("a", 0, 500)]
    fine, coarse = Grid.of(phrase, CLOCK, FRAME), Grid.of(phrase, CLOCK, 2 * FRAME)
    line = (coarse.times / 100).astype(np.float32)
    on_fine = resampled(line, coarse, fine)
    inside = (fine.times >= coarse.times[0]) & (fine.times <= coarse.times[-1])
    assert np.allclose(on_fine[inside], fine.times[inside] / 100, atol=1e-5)


def test_a_song_is_sung_at_its_pitch_and_length(opened):
    notes = [Note(1000, 400, 60, "sa"), Note(1400, 400, 67, "ni"), Note(2600, 400, 60, "sa")]
    few = Steps(acoustic=2, variance=2, pitch=2)
    song = sing(opened, notes, language="demo", predict_pitch=False, steps=few)
    assert [len(phrase.phonemes) for phrase in song.phrases] == [4, 2]
    first = song.phrases[0]
    assert first.mel.shape == (len(first.f0), 128)
    assert len(first.audio) == 512 * len(first.f0)
    middle = round((1.2 - first.start) * 44100 / 512)
    assert first.f0[middle] == pytest.approx(440 * 2 ** ((60 - 69) / 12), rel=1e-4)
    assert set(song.seconds) == {"durations", "variance", "acoustic", "vocoder"}
    audio = song.audio()
    assert len(audio) == pytest.approx(44100 * 3.0, abs=44100 * 0.15)


def test_phrases_are_mixed_where_they_begin():
    one = SungPhrase((), np.zeros((1, 1)), np.zeros(1), -0.01, np.ones(1000, np.float32))
    two = SungPhrase((), np.zeros((1, 1)), np.zeros(1), 0.01, np.ones(1000, np.float32))
    audio = SungSong((one, two)).audio()
    assert len(audio) == 1441
    assert audio[0] == 1 and audio[500] == 2 and audio[-1] == 1


def test_each_colour_sings_with_its_own_embedding(opened):
    notes = [Note(1000, 400, 60, "sa")]
    few = Steps(acoustic=2, variance=2, pitch=2)
    sent = []
    session = opened.acoustic.session("acoustic")
    object.__setattr__(session, "session", _Spy(session.session, sent))
    for colour in ("", "02: ben"):
        sing(opened, notes, language="demo", colour=colour, steps=few, vocode=False)
    for feeds, row in zip(sent, (0, 1), strict=True):
        assert np.array_equal(feeds["spk_embed"][0, 0], opened.acoustic.embeddings[row])
        assert feeds["depth"] == pytest.approx(opened.acoustic.settings["max_depth"])
        assert not feeds["gender"].any() and (feeds["velocity"] == 1).all()


class _Spy:
    def __init__(self, session, sent):
        self._session = session
        self._sent = sent

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, names, feeds):
        self._sent.append(feeds)
        return self._session.run(names, feeds)


def test_a_bank_reads_its_colours(opened):
    assert isinstance(opened, Bank) and opened.title == "Änna 声"
    assert opened.default_colour == "01: anna"
    assert opened.suffix("02: ben") == "embeds/ben"
    assert opened.languages == ("demo",)
