"""Labels against singing: early, late, somebody else's, and when nobody can tell."""

import numpy as np
import pytest

from singwiz.core.dataset.checks.alignment import fit
from singwiz.core.dataset.checks.label_frames import (
    BREATH,
    OTHER,
    PAUSE,
    VOICELESS,
    VOWEL,
    kind_of,
    may_be_silent,
)

RNG = np.random.default_rng(3)
PATTERN = np.repeat(RNG.permutation(40) % 2, RNG.integers(8, 30, 40))
KINDS = np.where(PATTERN == 1, VOWEL, PAUSE).astype(np.uint8)


@pytest.mark.parametrize("frames", [-30, -10, 0, 10, 30])
def test_labels_that_are_early_or_late_are_measured(frames):
    voiced = np.roll(PATTERN == 1, frames)
    found = fit(KINDS, voiced)
    assert found.shift == pytest.approx(frames * 0.02)
    assert found.best > 0.9
    assert found.here <= found.best


def test_good_labels_fit_perfectly_and_wrong_ones_nowhere():
    good = fit(KINDS, PATTERN == 1)
    assert (good.here, good.shift, good.vowels) == (pytest.approx(1), 0, 1)
    other = np.repeat(RNG.permutation(60) % 2, RNG.integers(4, 20, 60))[: len(KINDS)]
    other = np.pad(other, (0, len(KINDS) - len(other))) == 1
    assert fit(KINDS, other).best < 0.6
    assert fit(KINDS, np.ones(len(KINDS), bool)).here == pytest.approx(0)


def test_too_little_of_either_gives_no_verdict():
    assert fit(np.full(500, VOWEL, np.uint8), np.ones(500, bool)) is None
    assert fit(np.full(500, PAUSE, np.uint8), np.zeros(500, bool)) is None
    assert fit(np.zeros(0, np.uint8), np.zeros(0, bool)) is None


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("SP", PAUSE), ("zh/SP", PAUSE), ("AP", BREATH), ("a", VOWEL), ("ja/i", VOWEL),
        ("iang", VOWEL), ("AA1", VOWEL), ("eo", VOWEL), ("En", VOWEL), ("k", VOICELESS),
        ("ts", VOICELESS), ("cl", VOICELESS), ("HH", VOICELESS), ("N", OTHER), ("U", OTHER),
        ("m", OTHER), ("zh", OTHER), ("", OTHER), ("か", OTHER), ("<PAD>", OTHER),
    ],
)  # fmt: skip
def test_names_tell_what_a_phoneme_sounds_like(symbol, kind):
    assert kind_of(symbol) == kind


def test_closures_may_be_silent_and_vowels_may_not():
    assert all(map(may_be_silent, ("SP", "AP", "k", "b", "cl", "d")))
    assert not any(map(may_be_silent, ("a", "m", "N", "zh")))
