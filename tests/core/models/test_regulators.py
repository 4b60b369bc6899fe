"""Durations, owner indices and positions inside phonemes, on examples one can do by hand."""

from __future__ import annotations

import pytest
import torch

from singwiz.core.models.regulators import (
    durations_from_owners,
    fit_to_words,
    gather_frames,
    means_by_owner,
    owners_from_durations,
    stretch_positions,
)
from singwiz.core.models.stretch import StretchEmbedding


def test_owners_and_durations_undo_each_other() -> None:
    ph_dur = torch.tensor([[2, 0, 3], [1, 1, 0]])
    mel2ph = owners_from_durations(ph_dur)
    assert mel2ph.tolist() == [[1, 1, 3, 3, 3], [1, 2, 0, 0, 0]]
    assert durations_from_owners(mel2ph, 3).equal(ph_dur)


def test_padded_items_get_no_frames() -> None:
    pad = torch.tensor([[False, True, False]])
    assert owners_from_durations(torch.tensor([[1, 5, 2]]), pad).tolist() == [[1, 3, 3]]


def test_one_frame_of_one_phoneme() -> None:
    mel2ph = owners_from_durations(torch.tensor([[1]]))
    assert mel2ph.tolist() == [[1]]
    assert stretch_positions(mel2ph).tolist() == [[0.0]]


def test_frames_get_the_vector_of_their_owner_and_padding_gets_zeros() -> None:
    items = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    frames = gather_frames(items, torch.tensor([[2, 1, 0]]))
    assert frames.tolist() == [[[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]]]


def test_means_over_frames_leave_items_without_frames_at_zero() -> None:
    frames = torch.tensor([[[1.0], [3.0], [5.0], [9.0]]])
    means = means_by_owner(frames, torch.tensor([[1, 1, 3, 0]]), 3)
    assert means.tolist() == [[[2.0], [0.0], [5.0]]]


def test_phonemes_are_scaled_to_fill_their_words() -> None:
    ph_dur = torch.tensor([[1.0, 3.0, 2.0, 7.0]])
    ph2word = torch.tensor([[1, 1, 2, 0]])
    fitted = fit_to_words(ph_dur, ph2word, torch.tensor([[8, 5]]))
    assert fitted.tolist() == [[2, 6, 5, 0]]


def test_a_word_without_any_predicted_length_does_not_divide_by_zero() -> None:
    fitted = fit_to_words(torch.zeros(1, 2), torch.tensor([[1, 1]]), torch.tensor([[9]]))
    assert fitted.tolist() == [[0, 0]]


@pytest.mark.parametrize("given", [True, False])
def test_stretch_runs_from_zero_almost_to_one_in_each_phoneme(given) -> None:
    ph_dur = torch.tensor([[4, 2], [3, 0]])
    mel2ph = owners_from_durations(ph_dur)
    stretch = stretch_positions(mel2ph, ph_dur if given else None)
    expected = torch.tensor([[0, 0.25, 0.5, 0.75, 0, 0.5], [0, 1 / 3, 2 / 3, 0, 0, 0]])
    torch.testing.assert_close(stretch, expected)


def test_the_stretch_table_gives_what_the_network_gives() -> None:
    torch.manual_seed(0)
    embedding = StretchEmbedding(8)
    few, many = torch.rand(2, 40), torch.rand(2, 800)
    many[:, :40] = few
    torch.testing.assert_close(embedding(many)[:, :40], embedding(few))


def test_stretch_outside_of_the_phoneme_is_embedded_all_the_same() -> None:
    embedding = StretchEmbedding(8)
    positions = torch.linspace(-0.5, 2.0, 3000).unsqueeze(0)
    part = slice(2000, 2100)
    torch.testing.assert_close(embedding(positions)[:, part], embedding(positions[:, part]))
