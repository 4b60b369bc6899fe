"""DS segments to model inputs: frames, curves, languages, and messages for what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.dictionary import PhonemeSet
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.score import ScoreReader
from singwiz.core.synthesis.segment import transposed
from singwiz.core.synthesis.speakers import parse_mix

from .conftest import acoustic_config, segment

MONO = PhonemeSet.from_dump({"AP": 1, "SP": 2, "a": 3, "s": 4}, {"demo": 1})
MULTI = PhonemeSet.from_dump(
    {"AP": 1, "SP": 2, "ja/a": 3, "ja/s": 4, "zh/a": 3, "zh/x": 5}, {"ja": 1, "zh": 2}
)


def reader(phonemes: PhonemeSet = MONO, **overrides) -> ScoreReader:
    return ScoreReader(acoustic_config(**overrides), phonemes, {"anna": 0, "ben": 1})


def test_phonemes_are_put_on_the_frame_grid():
    part = reader().read(
        segment(ph_seq="SP s a a SP", ph_dur="0.3947 0.209 0.2554 0.1509 0.5921"), 1
    )
    assert part.frames.tolist() == [34, 18, 22, 13, 51]
    assert part.tokens.tolist() == [2, 4, 3, 3, 2]
    assert part.mel2ph[0] == 1
    assert part.mel2ph[34] == 2
    assert len(part.mel2ph) == len(part.f0) == 138
    assert part.key_shift is None
    assert part.speed is None


def test_zeros_of_f0_are_filled_before_resampling():
    part = reader().read(segment(f0_seq="0 220 0 0 440 0", f0_timestep="0.2"), 1)
    assert part.f0.min() == pytest.approx(220.0)
    assert part.f0.max() <= 440.0


def test_key_transposes_notes_and_pitch_and_keeps_cents():
    moved = transposed(segment(note_seq="rest A3 C4+12"), 2)
    assert np.allclose(reader().read(moved, 1).f0, 220 * 2 ** (2 / 12))
    assert moved["note_seq"] == "rest B3 D4+12"
    assert transposed({"f0_seq": None, "ph_seq": "a"}, 5) == {"ph_seq": "a"}


def test_gender_and_velocity_use_the_trained_ranges():
    read = reader(use_key_shift_embed=True, use_speed_embed=True).read
    assert read(segment(gender=-0.5), 1).key_shift.tolist() == [-2.5]
    assert read(segment(gender=-0.5), 1, gender=1.0).key_shift.tolist() == [5.0]
    assert read(segment(gender=None), 1).key_shift.tolist() == [0.0]
    assert read(segment(), 1).speed.tolist() == [1.0]
    assert read(segment(velocity=9), 1).speed.tolist() == [2.0]
    curve = read(segment(gender="0 3 -3", gender_timestep=0.3), 1).key_shift
    assert curve.min() >= -5
    assert curve.max() <= 5


@pytest.mark.parametrize("key", ["ph_dur", "f0_seq", "ph_seq"])
def test_a_missing_key_names_segment_and_remedy(key: str):
    with pytest.raises(SingwizError) as caught:
        reader().read(segment(**{key: None}), 3)
    assert caught.value.code == "ds-key-missing"
    assert caught.value.message.startswith(f"Segment 3 lacks '{key}'")
    assert "variance model" in caught.value.hint


def test_a_curve_the_model_was_trained_with_is_required():
    with pytest.raises(SingwizError, match="breathiness"):
        reader(use_breathiness_embed=True).read(segment(), 1)
    part = reader(use_breathiness_embed=True).read(
        segment(breathiness="-40 -30", breathiness_timestep="0.5"), 1
    )
    assert part.curves["breathiness"][0] == -40.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ph_dur": "0.1 0.2"}, "ds-lengths-differ"),
        ({"ph_dur": "0.1 -0.1 0.5 0.2"}, "ds-duration"),
        ({"ph_dur": "0 0 0 0"}, "ds-duration"),
        ({"ph_dur": "1e9 0 0 0"}, "ds-duration"),
        ({"ph_dur": "0.1 nan 0.5 0.2"}, "ds-number-invalid"),
        ({"ph_dur": "0.1 x 0.5 0.2"}, "ds-number-invalid"),
        ({"ph_seq": 7}, "ds-phonemes-invalid"),
        ({"ph_seq": "SP s q SP"}, "phoneme-unknown"),
        ({"f0_timestep": None}, "ds-key-missing"),
        ({"f0_timestep": 0}, "ds-curve-invalid"),
        ({"offset": 1e12}, "ds-offset"),
        ({"offset": -1}, "ds-offset"),
        ({"offset": "soon"}, "ds-number-invalid"),
    ],
)
def test_what_is_wrong_is_said_with_the_segment(change: dict, code: str):
    with pytest.raises(SingwizError) as caught:
        reader().read(segment(**change), 2)
    assert caught.value.code == code
    assert "segment 2" in caught.value.where
    assert caught.value.hint


def test_a_song_without_language_works_where_it_is_unambiguous():
    read = reader(MULTI, use_lang_id=True, num_lang=2).read
    assert read(segment(ph_seq="SP ja/s zh/x SP"), 1).tokens.tolist() == [2, 4, 5, 2]
    assert read(segment(ph_seq="SP s x SP"), 1).tokens.tolist() == [2, 4, 5, 2]
    with pytest.raises(SingwizError, match="several languages"):
        read(segment(ph_seq="SP s a SP"), 1)
    assert read(segment(ph_seq="SP s a SP"), 1, language="ja").languages.tolist() == [0, 0, 1, 0]
    with pytest.raises(SingwizError, match="does not know the language"):
        read(segment(), 1, language="fr")


def test_speakers_are_chosen_mixed_and_checked():
    read = reader(use_spk_id=True, num_spk=2).read
    with pytest.raises(SingwizError, match="none was chosen"):
        read(segment(), 1)
    mix = read(segment(), 1, speaker="anna:0.25|ben").speakers
    assert mix.ids.tolist() == [0, 1]
    assert mix.weights.tolist() == [[0.25, 0.75]]
    moving = {"anna": "0 1 1", "ben": 1}
    mix = read(segment(spk_mix=moving, spk_mix_timestep=0.3), 1).speakers
    assert mix.weights[0].tolist() == [0.0, 1.0]
    assert mix.weights[-1].tolist() == [0.5, 0.5]
    assert np.allclose(mix.weights.sum(axis=1), 1)
    with pytest.raises(SingwizError, match="no singer called 'carl'"):
        read(segment(), 1, speaker="carl")
    with pytest.raises(SingwizError, match="0 or more"):
        read(segment(spk_mix={"anna": -1, "ben": 2}), 1)


def test_mix_expressions():
    assert parse_mix("a:2|b:6") == {"a": 0.25, "b": 0.75}
    assert parse_mix("a:0.2|b|c") == pytest.approx({"a": 0.2, "b": 0.4, "c": 0.4})
    for wrong in ("", "a|a", "a:1|b", "a:x", "a:0", "a b"):
        with pytest.raises(SingwizError):
            parse_mix(wrong)


@pytest.mark.parametrize(
    ("points", "step", "expected"),
    [
        ("100 110 130 160 200", 0.005, [100, 139.66, 139.66, 139.66]),
        ("0 1", 0.05, [0, 0.2322, 0.4644, 0.6966, 0.9288, 0.9288, 0.9288, 0.9288]),
        ("7", 0.05, [7, 7, 7]),
    ],
)
def test_curves_are_interpolated_and_hold_their_last_interpolated_value(points, step, expected):
    curve = {"energy": points, "energy_timestep": step}
    found = reader().curve(curve, "energy", len(expected))
    assert np.allclose(found, expected, atol=0.005)
