import numpy as np
import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.features.curves import smooth
from singwiz.core.features.midi import (
    base_pitch,
    frame_midi,
    glide_ids,
    note_midi,
    phoneme_midi,
    pitch_from_f0,
)

DT = 512 / 44100


def test_pitch_counts_semitones_from_a4() -> None:
    pitch = pitch_from_f0(np.array([440.0, 220.0, 261.6256, 880.0], np.float32))
    np.testing.assert_allclose(pitch, [69, 57, 60, 81], atol=1e-4)
    assert pitch.dtype == np.float32


def test_a_frame_without_f0_has_no_pitch() -> None:
    with pytest.raises(ValueError, match="without F0"):
        pitch_from_f0(np.array([440.0, 0.0]))


def test_phonemes_take_the_mean_of_the_frames_they_have() -> None:
    pitch = np.array([60.0, 61.0, 64.2, 64.4, 64.6, 70.0], np.float32)
    mel2ph = np.array([1, 1, 2, 2, 2, 4])
    # 60.5 goes to the even neighbour; the third phoneme owns no frame.
    assert phoneme_midi(pitch, mel2ph, 5).tolist() == [60, 64, 0, 70, 0]
    assert phoneme_midi(pitch, mel2ph, 5).dtype == np.int64


def test_phoneme_midi_stays_in_midis_range() -> None:
    assert phoneme_midi(np.array([-3.0, 140.0]), np.array([1, 2]), 2).tolist() == [0, 127]


def test_rests_take_the_nearest_note_and_of_two_the_earlier() -> None:
    midi, rest = note_midi(["rest", "C4", "rest", "E4+25", "rest", "rest", "rest", "A4"])
    np.testing.assert_allclose(midi, [60, 60, 60, 64.25, 64.25, 64.25, 69, 69])
    assert rest.tolist() == [True, False, True, False, True, True, True, False]
    assert midi.dtype == np.float32


def test_nothing_but_rests_needs_a_pitch_to_be_given() -> None:
    with pytest.raises(SingwizError, match="nothing but rests"):
        note_midi(["rest", "rest"])
    midi, rest = note_midi(["rest", "rest"], without_notes=60)
    assert midi.tolist() == [60, 60]
    assert rest.all()


def test_a_misspelt_note_is_named() -> None:
    with pytest.raises(SingwizError, match="H4"):
        note_midi(["C4", "H4"])


def test_base_pitch_is_the_smoothed_melody() -> None:
    notes = np.array([60, 67], np.float32)
    owners = np.array([1] * 6 + [2] * 6)
    curve = base_pitch(notes, owners, DT, 0.06)
    np.testing.assert_array_equal(frame_midi(notes, owners), [60] * 6 + [67] * 6)
    # Five taps: 0, 0.2929, 0.4142, 0.2929, 0.
    rise = 60 + 7 * np.array([0, 0.292893, 0.707107, 1])
    np.testing.assert_allclose(curve[4:8], rise, rtol=1e-5)
    np.testing.assert_array_equal(curve, smooth(frame_midi(notes, owners), 0.06, DT))


def test_glides_are_numbered_in_the_configs_order() -> None:
    assert glide_ids(["none", "down", "up"], ["up", "down"]).tolist() == [0, 2, 1]
    with pytest.raises(SingwizError, match="sideways"):
        glide_ids(["sideways"], ["up", "down"])
    assert glide_ids(["sideways", "up"], ["up"], unknown=0).tolist() == [0, 1]
