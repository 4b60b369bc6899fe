"""Predictions of recordings beside simple rules."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.dictionary import PhonemeSet
from singwiz.core.synthesis.evaluate_variance import (
    compare_prediction,
    mean_durations,
    rule_durations,
)
from singwiz.core.synthesis.variance_inputs import VarianceReader

from .conftest import score, variance_config

DT = 512 / 44100


def reader() -> VarianceReader:
    phonemes = PhonemeSet.from_dump({"AP": 1, "SP": 2, "a": 3, "i": 4, "n": 5, "s": 6}, {"d": 1})
    return VarianceReader(variance_config("dur", "pitch", "energy"), phonemes, {})


def truth(**changes) -> dict:
    """Two seconds of labels and curves for :func:`.conftest.score`."""
    return (
        score(
            ph_dur="0.2 0.1 0.4 0.1 0.9 0.3",
            f0_seq=" ".join(["261.6256"] * 80 + ["293.6648"] * 100),
            f0_timestep=DT,
            energy=" ".join(["-20"] * 90 + ["-30"] * 90),
            energy_timestep=DT,
        )
        | changes
    )


def test_mean_lengths_scaled_to_words_are_the_rule_to_beat():
    means = mean_durations([(("a", "s"), (0.2, 0.1)), (("a",), (0.4,))])
    assert means == {"a": pytest.approx(0.3), "s": pytest.approx(0.1)}
    rule = rule_durations(("s", "a", "x"), (1, 2), (0.2, 1.0), means)
    assert rule.tolist() == pytest.approx([0.2, 0.6, 0.4])  # an unknown phoneme: mean of all


def test_a_perfect_prediction_has_no_error_and_a_late_one_has():
    quiet = np.zeros(172, bool)
    quiet[:26] = True
    kwargs = {"unvoiced": quiet, "means": {"a": 0.4}}
    tags = {"dur", "pitch", "energy"}
    perfect = compare_prediction(truth(), truth(), tags, reader(), **kwargs)
    assert perfect.dur_ms == 0
    assert perfect.dur_within_50ms == 1
    assert perfect.pitch_cents == pytest.approx(0, abs=1e-6)
    assert perfect.curves == {"energy": 0}
    assert perfect.curve_baselines["energy"] == pytest.approx(5, abs=0.1)
    assert perfect.dur_baseline_ms > 10
    wrong = truth(ph_dur="0.3 0.1 0.3 0.1 0.9 0.3", f0_seq=" ".join(["277.1826"] * 180))
    off = compare_prediction(wrong, truth(), tags, reader(), **kwargs)
    assert off.dur_ms == pytest.approx(200 / 6)
    assert off.dur_within_50ms == pytest.approx(3 / 5)
    assert off.pitch_cents == pytest.approx(100, abs=0.1)
    assert off.pitch_within_50_cents == 0


def test_only_what_was_predicted_is_compared():
    unvoiced = np.ones(172, bool)
    plain = compare_prediction(
        truth(), truth(), {"pitch", "energy"}, reader(), unvoiced=unvoiced, means={}
    ).to_dict()
    assert set(plain) == {"energy_mae", "energy_baseline_mae"}
