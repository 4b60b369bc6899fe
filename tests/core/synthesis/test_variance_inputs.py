"""DS segments to inputs of variance models: words, notes, frames, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.dictionary import PhonemeSet
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.variance_inputs import VarianceReader, fill_rests

from .conftest import score, variance_config

PHONEMES = PhonemeSet.from_dump({"AP": 1, "SP": 2, "a": 3, "i": 4, "n": 5, "s": 6}, {"demo": 1})
DT = 512 / 44100


def read(segment, *, load_dur=False, load_pitch=False, config=None, **options):
    reader = VarianceReader(
        config or variance_config("dur", "pitch", "breathiness"), PHONEMES, {"anna": 0, "ben": 1}
    )
    return reader.read(segment, 3, load_dur=load_dur, load_pitch=load_pitch, **options)


def test_words_and_notes_are_put_on_the_frame_grid():
    inputs = read(score())
    assert inputs.tokens.tolist() == [2, 6, 3, 5, 4, 2]
    assert inputs.ph2word.tolist() == [1, 1, 2, 2, 3, 4]
    frames = inputs.note_dur.tolist()
    assert frames == [26, 43, 43, 35, 26]  # borders at ceil(0.3, 0.8, 1.3, 1.7, 2.0 s / DT)
    assert inputs.word_dur.tolist() == [26, 43, 43 + 35, 26]
    assert inputs.length == sum(frames)
    assert np.bincount(inputs.mel2note)[1:].tolist() == frames
    assert inputs.ph_dur is None
    assert inputs.mel2ph is None
    assert inputs.pitch is None
    assert inputs.note_rest.tolist() == [True, False, False, False, True]
    assert inputs.note_midi.tolist() == [60, 60, 62, 64, 64]
    # D4 for 43 and E4 for 35 frames: mean 62.9, and every phoneme has the value of its word.
    assert inputs.midi.tolist() == [60, 60, 60, 60, 63, 64]


def test_given_durations_decide_about_words_and_phoneme_pitch():
    inputs = read(score(ph_dur="0.2 0.1 0.4 0.1 0.8 0.2", note_slur=None), load_dur=True)
    assert inputs.ph_dur.sum() == inputs.length == len(inputs.mel2ph)
    frames = np.ceil(np.cumsum([0.2, 0.1, 0.4, 0.1, 0.8, 0.2]) / DT)
    expected = np.diff(frames, prepend=0)
    expected[-1] += inputs.length - expected.sum()  # the last phoneme fills up the notes
    assert inputs.ph_dur.tolist() == expected.tolist()
    assert inputs.word_dur.tolist() == [
        expected[:2].sum(),
        expected[2:4].sum(),
        expected[4],
        expected[5],
    ]
    assert inputs.midi.tolist() == [60, 60, 60, 60, 63, 64]


def test_base_pitch_is_the_smoothed_step_curve_of_the_notes():
    short = score(note_dur=" ".join([str(4 * DT - 1e-4), str(4 * DT), "1", "1", "1"]))
    short |= {"note_seq": "C4 E4 E4 E4 E4"}
    expected = [60, 60, 60, 61.1716, 62.8284, 64, 64, 64]
    assert np.allclose(read(short).base_pitch[:8], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([None, None], [60, 60]),
        ([None, 62.5, None], [62.5, 62.5, 62.5]),
        ([50.0, None, 70.0, None, None, None, 40.0], [50, 50, 70, 70, 70, 40, 40]),
    ],
)
def test_rests_take_the_nearest_note_and_ties_go_back(notes, expected):
    assert fill_rests(notes).tolist() == expected


def test_given_pitch_becomes_semitones_without_gaps():
    inputs = read(score(f0_seq="0 220 0 440 0", f0_timestep="0.5"), load_pitch=True)
    assert inputs.pitch.min() == pytest.approx(57, abs=1e-3)
    assert inputs.pitch.max() <= 69.001
    silent = read(score(f0_seq="0 0 0", f0_timestep="0.5"), load_pitch=True)
    assert np.array_equal(silent.pitch, silent.base_pitch)


def test_expressiveness_is_one_number_or_a_curve():
    assert read(score()).expr is None
    assert read(score(expr=0.25)).expr.tolist() == [0.25]
    curve = read(score(expr="0 1 3", expr_timestep=1)).expr
    assert curve[0] == 0
    assert curve.max() == 1
    assert read(score(expr=0.25), expr=0.5).expr.tolist() == [0.5]


def test_glides_are_numbered_by_the_models_types():
    config = variance_config(
        "pitch", use_melody_encoder=True, use_glide_embed=True, glide_types=["up", "down"]
    )
    inputs = read(score(note_glide="none up down sideways none"), config=config)
    assert inputs.note_glide.tolist() == [0, 1, 2, 0, 0]
    assert read(score(), config=config).note_glide.tolist() == [0] * 5
    assert read(score(note_glide="up")).note_glide is None


def test_speakers_are_mixed_by_frame_and_by_phoneme():
    config = variance_config("dur", "pitch", use_spk_id=True, num_spk=2)
    both = read(
        score(
            spk_mix={"anna": "0 1", "ben": "1 0"},
            spk_mix_timestep=1.9,
            ph_spk_mix={"anna": "1 1 1 0 0 0", "ben": 1},
        ),
        config=config,
    )
    assert both.speakers.weights.shape == (both.length, 2)
    assert both.speakers.weights[0].tolist() == [0, 1]
    assert both.ph_speakers.weights.tolist() == [[0.5, 0.5]] * 3 + [[0, 1]] * 3
    moving = read(score(spk_mix={"anna": "0 1", "ben": 1}, spk_mix_timestep=1), config=config)
    assert np.allclose(moving.ph_speakers.weights, [[1 / 3, 2 / 3]])
    one = read(score(), config=config, speaker="ben")
    assert one.speakers.ids.tolist() == one.ph_speakers.ids.tolist() == [1]
    with pytest.raises(SingwizError, match="2 shares for 6 phonemes"):
        read(score(spk_mix={"ben": 1}, ph_spk_mix={"anna": "1 2", "ben": 1}), config=config)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ph_num": "2 2 1"}, "ds-words-do-not-fit"),
        ({"ph_num": "2 2 1 1.5"}, "ds-words-do-not-fit"),
        ({"ph_num": None}, "ds-key-missing"),
        ({"note_seq": None, "note_dur": None}, "ds-key-missing"),
        ({"note_seq": "rest C4 D4 E4 H9"}, "note-invalid"),
        ({"note_seq": "rest C4 D4 E4 C99"}, "note-invalid"),
        ({"note_dur": "0.3 0.5"}, "ds-lengths-differ"),
        ({"note_slur": "0 0 0 1"}, "ds-lengths-differ"),
        ({"note_slur": None}, "ds-words-do-not-fit"),
        ({"note_slur": "1 0 0 0 0"}, "ds-slurs-invalid"),
        ({"note_slur": "0 0 0 2 0"}, "ds-slurs-invalid"),
        ({"ph_seq": "SP s q n i SP"}, "phoneme-unknown"),
        ({"expr": ""}, "ds-curve-invalid"),
    ],
)
def test_what_is_wrong_is_said_with_the_segment(change: dict, code: str):
    with pytest.raises(SingwizError) as caught:
        read(score(**change))
    assert caught.value.code == code
    assert caught.value.where.startswith("segment 3")
    assert caught.value.hint
