"""Losses watched without reading them at every step."""

from __future__ import annotations

import torch

from singwiz.core.training.loss_watch import LossWatch

NAN = float("nan")


def seen(*losses: float) -> LossWatch:
    """A watch that saw one batch per loss; batch i holds the items 10 i and 10 i + 1."""
    watch = LossWatch(["dur_loss", "pitch_loss"])
    for number, loss in enumerate(losses):
        watch.note(torch.tensor([loss, 1.0]), torch.tensor([10 * number, 10 * number + 1]))
    return watch


def test_the_first_broken_batch_is_found_also_when_asked_later() -> None:
    watch = seen(1.0, NAN, 2.0, float("inf"))
    assert watch.broken_batch(forgiving=False) == [10, 11]
    assert watch.broken_batch(forgiving=False) is None, "each batch is judged once"


def test_sixteen_bits_may_overflow_now_and_then_but_not_always() -> None:
    assert seen(1.0, NAN, 2.0).broken_batch(forgiving=True) is None
    assert seen(NAN, NAN).broken_batch(forgiving=True) == [0, 1]


def test_means_are_those_since_the_last_question_without_what_overflowed() -> None:
    watch = seen(1.0, 3.0)
    assert watch.means() == {"dur_loss": 2.0, "pitch_loss": 1.0, "total_loss": 3.0}
    assert watch.means() == {}
    watch.note(torch.tensor([5.0, 1.0]), torch.tensor([0]))
    assert watch.means()["dur_loss"] == 5.0
    assert seen(NAN, 4.0).means()["dur_loss"] == 4.0
    assert seen(NAN).means() == {}
