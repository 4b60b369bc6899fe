"""Losses on examples one can do by hand, and the weighing of flow times."""

from __future__ import annotations

import math

import pytest
import torch

from singwiz.core.models.losses import (
    diffusion_loss,
    duration_loss,
    lognorm_weight,
    noise_loss,
    velocity_loss,
)

PREDICTION = torch.tensor([1.0, 2.0, 9.0]).view(1, 1, 1, 3)
TARGET = torch.tensor([0.0, 0.0, 0.0]).view(1, 1, 1, 3)
MASK = torch.tensor([[True, True, False]])


@pytest.mark.parametrize(("loss_type", "expected"), [("l1", 1.0), ("l2", 5 / 3)])
def test_padding_is_no_error_but_counts_in_the_mean(loss_type, expected) -> None:
    loss = noise_loss(PREDICTION, TARGET, MASK, loss_type=loss_type)
    assert loss.item() == pytest.approx(expected)


def test_weighing_of_times_is_a_density_with_its_peak_inside() -> None:
    t = torch.linspace(0, 1, 10001)
    weight = lognorm_weight(t)
    assert torch.trapezoid(weight, t).item() == pytest.approx(1.0, abs=1e-3)
    assert weight[0].item() == pytest.approx(1e-7)
    assert lognorm_weight(torch.tensor(0.5)).item() == pytest.approx(4 / math.sqrt(2 * math.pi))


def test_each_sample_gets_the_weight_of_its_time() -> None:
    prediction = torch.ones(2, 1, 1, 3)
    t = torch.tensor([0.5, 0.9])
    loss = velocity_loss(prediction, torch.zeros_like(prediction), t, log_norm=True)
    assert loss.item() == pytest.approx(lognorm_weight(t).mean().item())


def test_the_core_that_made_the_output_decides_which_loss_it_gets() -> None:
    t = torch.tensor([0.5])
    plain = diffusion_loss((PREDICTION, TARGET), MASK, loss_type="l2", log_norm=True)
    weighted = diffusion_loss((PREDICTION, TARGET, t), MASK, loss_type="l2", log_norm=True)
    assert weighted.item() == pytest.approx(plain.item() * lognorm_weight(t).item())


def test_correct_durations_cost_nothing() -> None:
    target = torch.tensor([[3, 5, 0]])
    ph2word = torch.tensor([[1, 2, 0]])
    assert duration_loss(target.float(), target, ph2word).item() == 0.0


@pytest.mark.parametrize("loss_type", ["mse", "huber"])
def test_words_and_sentences_are_compared_by_their_sums(loss_type) -> None:
    # Both phonemes are wrong by a factor, but their word is right.
    prediction, target = torch.tensor([[1.0, 7.0]]), torch.tensor([[7, 1]])
    ph2word = torch.tensor([[1, 1]])
    parts = {"lambda_pdur": 0.0, "lambda_wdur": 1.0, "lambda_sdur": 1.0}
    assert duration_loss(prediction, target, ph2word, loss_type=loss_type, **parts).item() == 0.0
    parts = {"lambda_pdur": 1.0, "lambda_wdur": 0.0, "lambda_sdur": 0.0}
    off = math.log(8) - math.log(2)
    expected = off**2 if loss_type == "mse" else off - 0.5
    loss = duration_loss(prediction, target, ph2word, loss_type=loss_type, **parts)
    assert loss.item() == pytest.approx(expected)


def test_negative_predictions_count_for_phonemes_only() -> None:
    prediction, target = torch.tensor([[-0.5, 4.0]]), torch.tensor([[0, 4]])
    ph2word = torch.tensor([[1, 1]])
    words = {"lambda_pdur": 0.0, "lambda_wdur": 1.0, "lambda_sdur": 1.0}
    assert duration_loss(prediction, target, ph2word, **words).item() == 0.0
    assert duration_loss(prediction, target, ph2word).item() > 0.0


def test_unknown_losses_are_named() -> None:
    with pytest.raises(ValueError, match="l3"):
        noise_loss(PREDICTION, TARGET, loss_type="l3")
    with pytest.raises(ValueError, match="mae"):
        duration_loss(PREDICTION[0, 0], TARGET[0, 0], torch.ones(1, 3).long(), loss_type="mae")
