"""Errors by class of sound, baselines, and the table of both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from singwiz.core.training.baselines import MeanCurve, MeanDurations
from singwiz.core.training.measurements import ErrorsByClass, Measurement, table
from singwiz.core.training.sound_classes import class_of_tokens
from singwiz.core.training.variance_scores import (
    Parts,
    Prediction,
    Rules,
    Tally,
    compare,
    distances,
)

VOWEL, VOICED, UNVOICED, PAUSE = range(4)


def test_errors_are_averaged_over_everything_and_over_classes() -> None:
    errors = ErrorsByClass()
    assert errors.mean() is None
    errors.add([1.0, -3.0], [VOWEL, PAUSE])
    errors.add([5.0], [VOWEL])
    assert errors.mean() == 3.0
    assert errors.by_class() == {"vowel": 3.0, "pause": 3.0}


def test_the_table_is_aligned_and_leaves_out_what_is_unknown() -> None:
    lines = table(
        [
            Measurement("mel_l1", "mel error", "nat", 0.31234, 4, 0.5, classes={"vowel": 0.25}),
            Measurement("pitch_acc", "frames in tune", "", 0.9, 4, higher_is_better=True),
        ]
    )
    assert lines == [
        "                 model  baseline  vowel  voiced  unvoiced  pause",
        "mel error (nat)  0.312       0.5   0.25",
        "frames in tune     0.9",
    ]
    assert table([]) == []


def test_only_errors_can_be_a_share_of_their_baseline() -> None:
    assert Measurement("x", "", "ms", 3.0, 1, 4.0).against_baseline() == 0.75
    assert Measurement("x", "", "ms", 3.0, 1).against_baseline() is None
    assert Measurement("x", "", "ms", 3.0, 1, 0.0).against_baseline() is None
    assert Measurement("x", "", "", 0.3, 1, 0.4, higher_is_better=True).against_baseline() is None


def test_mean_durations_know_each_phoneme_and_guess_new_ones() -> None:
    rule = MeanDurations(5)
    rule.add([1, 2, 1], [10, 4, 20])
    rule.add([2], [6])
    np.testing.assert_allclose(rule.predict([1, 2, 4]), [15, 5, 10])


def test_a_mean_curve_weighs_every_frame_alike() -> None:
    rule = MeanCurve()
    rule.add(np.full(1, -10.0))
    rule.add(np.full(3, -30.0))
    assert rule.value == -25.0


def item(**fields: object) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in fields.items()}


def test_durations_are_judged_inside_their_words_and_in_milliseconds() -> None:
    parts = Parts(durations=True, pitch=False, curves=())
    sung = item(tokens=[1, 2, 3], ph_dur=[2, 8, 5], ph2word=[1, 1, 2])
    tally = Tally(parts, classes=np.array([PAUSE, UNVOICED, VOWEL, VOWEL]), frame_ms=10.0)
    # Twice as long: fitted into the word it is 4 + 6 frames.
    guess = Prediction(np.array([8, 12, 50], np.float32))
    tally.add(sung, guess, metrics=True)
    assert tally.errors["dur_error"].by_class() == {"vowel": 10.0, "unvoiced": 20.0}
    assert tally.metrics["rhythm_corr"].compute() == 0.0
    assert tally.metrics["ph_dur_acc"].compute() == pytest.approx(1 / 3)


def test_pitch_is_judged_in_cents_where_there_is_a_voice() -> None:
    parts = Parts(durations=False, pitch=True, curves=("tension",))
    sung = item(
        tokens=[1, 2],
        ph_dur=[2, 3],
        mel2ph=[1, 1, 2, 2, 2],
        uv=[True, False, False, False, False],
        pitch=np.array([60, 60, 60, 60, 60], np.float32),
        base_pitch=np.array([50, 61, 60, 60, 60], np.float32),
        tension=np.array([0, 0, 1, 1, 2], np.float32),
    )
    classes = np.array([PAUSE, UNVOICED, VOWEL])
    rules = Rules(parts, vocab_size=3, training=[sung])
    model, by_rules = (Tally(parts, classes=classes, frame_ms=10.0) for _ in range(2))
    pitch = np.array([0, 60.2, 60.2, 60, 60.6], np.float32)
    model.add(sung, Prediction(pitch=pitch, curves={"tension": sung["tension"]}), metrics=True)
    by_rules.add(sung, rules.predict(sung), metrics=True)
    found = {one.name: one for one in compare(model, by_rules)}
    assert found["pitch_error"].value == pytest.approx(25, abs=0.01)
    assert found["pitch_error"].classes == {
        "vowel": pytest.approx(80 / 3, abs=0.01),
        "unvoiced": pytest.approx(20, abs=0.01),
    }
    assert found["pitch_error"].baseline == 25.0
    assert found["pitch_acc"].value == 0.75
    assert found["tension_error"].value == 0.0
    assert found["tension_error"].baseline == pytest.approx((0.8 * 2 + 0.2 * 2 + 1.2) / 5)
    assert found["tension_r2"].value == 1.0


def test_whoever_sings_like_the_singer_beats_a_straight_line() -> None:
    rng = np.random.default_rng(3)
    sung, one, other = rng.standard_normal((3, 200_000)).astype(np.float32)
    line = np.zeros_like(sung)
    plain = distances(sung, line).mean()
    assert plain == pytest.approx(np.sqrt(2 / np.pi), rel=0.01)
    assert np.abs(one - sung).mean() > 1.3 * plain
    # Two independent normal values are 2 / sqrt(pi) apart on average, here three times.
    drawn = distances(sung, one, other)
    assert drawn.mean() == pytest.approx(1 / np.sqrt(np.pi), rel=0.01)
    # Singing too wildly, or too much alike, is worse.
    for width in (0.3, 3.0):
        assert distances(sung, width * one, width * other).mean() > drawn.mean()
    assert (distances(sung, one, one) == distances(sung, one)).all()
    assert drawn.min() > -1e-6


def test_a_second_draw_counts_in_errors_of_pitch_and_curves() -> None:
    parts = Parts(durations=False, pitch=True, curves=("tension",))
    flat = np.full(2, 60, np.float32)
    sung = item(tokens=[1], mel2ph=[1, 1], uv=[False, False], pitch=flat, tension=flat)
    tally = Tally(parts, classes=np.array([PAUSE, VOWEL]), frame_ms=10.0)
    above, below = (Prediction(pitch=flat + d, curves={"tension": flat + d}) for d in (1, -3))
    tally.add(sung, above, below, metrics=False)
    assert tally.errors["pitch_error"].mean() == 0  # 100 and 300 cents off, 400 apart
    tally.add(sung, above, above, metrics=False)
    assert tally.errors["pitch_error"].mean() == 50
    assert tally.errors["tension_error"].mean() == 0.5


def test_items_beyond_the_shown_ones_go_into_errors_only() -> None:
    parts = Parts(durations=True, pitch=False, curves=())
    sung = item(tokens=[1], ph_dur=[2], ph2word=[1])
    tally = Tally(parts, classes=np.array([PAUSE, VOWEL]), frame_ms=10.0)
    for shown in (True, False):
        tally.add(sung, Prediction(np.array([2], np.float32)), metrics=shown)
    counts = {one.name: one.items for one in compare(tally, tally)}
    assert counts == {"dur_error": 2, "rhythm_corr": 1, "ph_dur_acc": 1}


def test_classes_are_written_once_and_a_correction_counts(binary: Path, tmp_path: Path) -> None:
    first = class_of_tokens(binary, tmp_path, vocab_size=5)
    assert first.tolist() == [PAUSE, PAUSE, VOWEL, UNVOICED, VOWEL]
    path = tmp_path / "phoneme_classes.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "k": "voiced", "o": "nonsense"}))
    without = shutil.copytree(binary, tmp_path / "binary")
    (without / "dictionary-ja.txt").unlink()
    assert class_of_tokens(without, tmp_path, vocab_size=5).tolist() == [
        PAUSE,
        PAUSE,
        VOWEL,
        VOICED,
        VOWEL,
    ]
    assert json.loads(path.read_text())["o"] == "vowel"
