"""Validation metrics on worked examples."""

from __future__ import annotations

import pytest
import torch

from singwiz.core.training.metrics import (
    CurveAccuracy,
    CurveR2,
    PhonemeDurationAccuracy,
    RhythmCorrectness,
)

PH2WORD = torch.tensor([[1, 1, 2]])
TARGET = torch.tensor([[10, 20, 8]])
PRED = torch.tensor([[12, 19, 8]])
ALL = torch.ones(1, 3, dtype=torch.bool)


def test_rhythm_compares_words_within_five_percent() -> None:
    metric = RhythmCorrectness()
    metric.update(PRED, TARGET, PH2WORD, ALL)
    assert metric.compute() == 1.0
    metric.update(PRED + torch.tensor([[5, 0, 0]]), TARGET, PH2WORD, ALL)
    assert metric.compute() == 0.75


def test_phonemes_are_compared_after_fitting_them_into_their_words() -> None:
    metric = PhonemeDurationAccuracy()
    metric.update(PRED, TARGET, PH2WORD, ALL)
    assert metric.compute() == 1.0
    metric.update(torch.tensor([[19, 12, 8]]), TARGET, PH2WORD, ALL)
    assert metric.compute() == pytest.approx(4 / 6)


def test_padding_is_not_counted() -> None:
    metric = PhonemeDurationAccuracy()
    padded = torch.nn.functional.pad
    mask = padded(ALL, (0, 2))
    metric.update(padded(PRED, (0, 2)), padded(TARGET, (0, 2)), padded(PH2WORD, (0, 2)), mask)
    assert (metric.accurate, metric.total) == (3, 3)


def test_curves_are_right_within_the_tolerance_where_marked() -> None:
    metric = CurveAccuracy(0.5)
    target = torch.tensor([[60.0, 62.0, 64.0]])
    off = torch.tensor([[0.4, 0.6, 9.0]])
    metric.update(target + off, target, torch.tensor([[True, True, False]]))
    assert metric.compute() == 0.5


def test_r2_of_a_worked_example_and_of_curves_far_from_zero() -> None:
    target = torch.tensor([[60.0, 62.0, 64.0]])
    pred = torch.tensor([[60.0, 63.0, 64.0]])
    metric = CurveR2()
    metric.update(pred, target, ALL)
    assert metric.compute() == pytest.approx(0.875)
    far = CurveR2()
    for shift in (0.0, 5.0):
        far.update(pred - 60000 + shift, target - 60000 + shift, ALL)
    near = CurveR2()
    both = torch.cat([target, target + 5], 1)
    near.update(torch.cat([pred, pred + 5], 1), both, torch.ones(1, 6).bool())
    assert far.compute() == pytest.approx(near.compute())


def test_nothing_measured_gives_no_number() -> None:
    for metric in (RhythmCorrectness(), PhonemeDurationAccuracy(), CurveAccuracy(1.0), CurveR2()):
        assert metric.compute() is None
