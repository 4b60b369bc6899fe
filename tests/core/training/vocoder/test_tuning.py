"""The pitch of a vocoder in validation: what counts as right, wrong, or unheard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from singwiz.core.binarize.vocoder_item import VocoderRecipe
from singwiz.core.config import Config
from singwiz.core.training.vocoder.tuning import Intonation, Tuner

Voice = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def tuner(vocoder: Callable[..., Config]) -> Tuner:
    return Tuner(VocoderRecipe.of(vocoder()))


def heard(tuner: Tuner, index: int, sung: np.ndarray, recorded: np.ndarray) -> Intonation:
    return Intonation(*tuner.listen(index, sung, recorded))


def test_another_timbre_at_the_same_pitch_is_in_tune(tuner: Tuner, voice: Voice) -> None:
    recorded = voice(220, 0.8)
    softer = 0.2 * np.convolve(recorded, np.hanning(9), "same").astype(np.float32)
    result = heard(tuner, 0, softer, recorded)
    share, error = result.measurements(1)
    assert (share.name, error.name) == ("f0_within_50", "f0_error")
    assert share.value > 0.95
    assert error.value < 5
    assert result.in_tune


def test_distance_is_measured_in_cents(tuner: Tuner, voice: Voice) -> None:
    recorded = voice(220, 0.8)
    near = heard(tuner, 0, voice(220 * 2 ** (30 / 1200), 0.8), recorded)
    far = heard(tuner, 0, voice(220 * 2 ** (100 / 1200), 0.8), recorded)
    assert near.cents == pytest.approx(30, abs=2)
    assert near.in_tune
    assert far.cents == pytest.approx(100, abs=2)
    assert far.near < 0.05 * far.voiced
    assert not far.in_tune


@pytest.mark.parametrize("fill", [0.0, float("nan")], ids=["silent", "broken"])
def test_what_has_no_pitch_is_out_of_tune(tuner: Tuner, voice: Voice, fill: float) -> None:
    recorded = voice(220, 0.8)
    result = heard(tuner, 0, np.full_like(recorded, fill), recorded)
    assert not result.in_tune
    assert [(one.name, one.value) for one in result.measurements(1)] == [("f0_within_50", 0.0)]


def test_recordings_without_a_voice_say_nothing_about_pitch(tuner: Tuner) -> None:
    noise = partial(np.random.default_rng(1).normal, 0, 0.01, 8000)
    result = heard(tuner, 1, noise().astype(np.float32), noise().astype(np.float32))
    assert result.measurements(1) == []
    assert result.in_tune
