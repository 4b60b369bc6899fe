"""Notes and words: names, lengths, rests, and what was really sung."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset.checks import Needs
from singwiz.core.dataset.checks.notes import note_value
from singwiz.core.dataset.checks.pitch import note_name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A4", 69), ("C4", 60), ("c4", 60), ("C#4", 61), ("Db4", 61), ("D♭4", 61), ("C𝄪4", 62),
        ("B𝄫3", 57), ("C♮4", 60), ("bb3", 58), ("G#4+25", 68.25), ("G4-30", 66.7), ("C-1", 0),
        ("C", 12), ("C+25", 312), ("C4+5", 60.05),
    ],
)  # fmt: skip
def test_note_names_are_read_as_diffsinger_reads_them(name, value):
    assert note_value(name) == pytest.approx(value)


@pytest.mark.parametrize("name", ["H4", "4C", "C4.5", "", "rest4", "C4+", "Do", "C4 ", "60"])
def test_other_words_are_no_notes(name):
    assert note_value(name) is None


def test_a_rest_is_not_a_pitch():
    assert math.isnan(note_value("rest"))


def test_names_of_pitches():
    assert [note_name(hertz) for hertz in (440.0, 261.63, 277.2, 58.3)] == [
        "A4",
        "C4",
        "C#4",
        "A#1",
    ]


def with_notes(corpus):
    for row, note in zip(corpus.rows, ("A3", "B3+21", "C#4+18"), strict=True):
        row["ph_num"] = "2 2 1 2 1 1"
        row["note_seq"] = f"rest {note} {note} rest {note} rest"
        row["note_dur"] = "0.28 0.6 0.52 0.3 0.5 0.3"
    return corpus


def test_right_notes_are_left_alone(corpus):
    assert with_notes(corpus).write().check() == []


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("note_dur", "0.28 0.6 0.52 0.3 0.5 0.305", None),
        ("note_dur", "0.28 0.6 0.52 0.3 0.5 0.32", "note-length"),
        ("note_dur", "0.28 0.585 0.535 0.3 0.5 0.3", None),
        ("note_dur", "0.28 0.57 0.55 0.3 0.5 0.3", "note-word-boundary"),
        ("note_seq", "rest A3 rest rest A3 rest", "note-rest"),
        ("note_seq", "rest A3 A3 A3 A3 rest", "note-rest"),
        ("note_seq", "rest A3 A3 rest A#3 rest", None),
        ("note_seq", "rest A4 A4 rest A4 rest", "note-octave"),
        ("note_seq", "rest C4 C4 rest A3 rest", "note-off-pitch"),
        ("ph_num", "3 1 1 2 1 1", "word-form"),
        ("ph_num", "2 3 2 1 1", "word-form"),
    ],
)
def test_each_fault_of_notes_and_words_has_its_code(corpus, column, value, code):
    with_notes(corpus).rows[0][column] = value
    found = {finding.code for finding in corpus.write().check()}
    assert found <= ({code, "note-word-boundary"} if code else set())
    assert code is None or code in found


def test_columns_are_missing_only_for_what_the_model_learns(corpus):
    def missing(**needs):
        found = corpus.check(needs=Needs(kind="variance", **needs), audio=False)
        return {f.message.split("'")[1] for f in found if f.code == "variance-columns-missing"}

    assert missing() == {"ph_num", "note_seq", "note_dur"}
    assert missing(predict_pitch=False) == {"ph_num"}
    assert missing(predict_dur=False) == {"note_seq", "note_dur"}
    assert missing(predict_dur=False, predict_pitch=False) == set()


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(alphabet="ABC#b4+-. restinf0123e9_", max_size=40),
    st.text(alphabet="0123456789.e+- naif_", max_size=40),
    st.text(alphabet="0123456789.- ", max_size=20),
)
def test_no_note_column_ever_breaks_a_check(corpus, seq, dur, num):
    row = with_notes(corpus).rows[0]
    row |= {"note_seq": seq, "note_dur": dur, "ph_num": num, "note_slur": num, "note_glide": seq}
    for kind in ("acoustic", "variance"):
        for finding in corpus.write().check(kind=kind):
            assert finding.message.endswith(".")
