"""Batches: limits, seeded orders, and the stream that can be continued."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.training.sampler import (
    BatchStream,
    TrainingPlan,
    greedy_batches,
    validation_batches,
)


def plan(count: int = 40, **changes: object) -> TrainingPlan:
    sizes = np.random.default_rng(1).integers(20, 300, count).tolist()
    settings = {"sizes": sizes, "max_frames": 900, "max_items": 5, "seed": 7}
    return TrainingPlan(**{**settings, **changes})  # type: ignore[arg-type]


def longest(batches: list[list[int]], sizes: object) -> list[int]:
    return [max(sizes[i] for i in batch) for batch in batches]  # type: ignore[index]


def test_padded_frames_and_items_limit_a_batch() -> None:
    sizes = [100, 90, 90, 60, 50, 40, 10]
    batches = greedy_batches(range(7), sizes, max_frames=200, max_items=3)
    assert batches == [[0, 1], [2, 3], [4, 5, 6]]


def test_an_item_longer_than_a_batch_is_an_error_that_names_it() -> None:
    with pytest.raises(SingwizError) as caught:
        greedy_batches([0, 1], [10, 300], max_frames=200, max_items=3, names=["a", "long one"])
    assert caught.value.code == "item-too-long"
    assert "long one" in caught.value.message


def test_an_epoch_covers_every_item_once() -> None:
    items = [i for batch in plan().epoch(3) for i in batch]
    assert sorted(items) == list(range(40))


def test_the_first_epoch_starts_with_the_longest_batch_and_goes_down() -> None:
    drawn = plan()
    lengths = longest(drawn.epoch(0), drawn.sizes)
    assert lengths[0] == max(drawn.sizes)
    assert lengths == sorted(lengths, reverse=True)


def test_later_epochs_shuffle_the_order_of_the_steps() -> None:
    drawn = plan()
    lengths = longest(drawn.epoch(1), drawn.sizes)
    assert lengths != sorted(lengths, reverse=True)
    assert lengths != longest(drawn.epoch(2), drawn.sizes)


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    assert plan().epoch(4) == plan().epoch(4)
    assert plan().epoch(4) != plan(seed=8).epoch(4)


def test_batches_mix_items_of_about_the_same_length() -> None:
    drawn = plan()
    for batch in drawn.epoch(2)[:-1]:
        lengths = [drawn.sizes[i] for i in batch]
        assert len(batch) == 5 or (len(batch) + 1) * max(lengths) > 500
    padded = sum(len(b) * max(drawn.sizes[i] for i in b) for b in drawn.epoch(2))
    assert padded < 1.25 * sum(drawn.sizes)


def test_ranks_share_an_epoch_without_losing_items() -> None:
    drawn = plan()
    shares = [drawn.epoch(2, rank=rank, world_size=3) for rank in range(3)]
    assert len({len(share) for share in shares}) == 1
    covered = {i for share in shares for batch in share for i in batch}
    assert covered == set(range(40))


def test_too_few_batches_for_the_devices_is_an_error() -> None:
    with pytest.raises(SingwizError, match="too few"):
        plan(count=4).epoch(0, world_size=5)


def test_a_stream_goes_on_where_another_was_left_in_the_middle_of_an_epoch() -> None:
    drawn = plan()
    whole = BatchStream(drawn)
    batches = list(islice(whole, 31))
    epoch, batch = whole.position(13)
    assert (epoch, batch) != (0, 0)
    resumed = BatchStream(drawn, epoch=epoch, batch=batch)
    assert list(islice(resumed, 18)) == batches[13:]
    assert resumed.position(5) == whole.position(18)


def test_the_position_ignores_batches_that_were_only_read_ahead() -> None:
    drawn = plan()
    stream = BatchStream(drawn)
    list(islice(stream, 3 * len(drawn.epoch(0))))
    assert stream.position(2) == (0, 2)


def test_validation_keeps_its_order_and_deals_batches_to_ranks() -> None:
    sizes = [10, 50, 20]
    limits = {"max_frames": 100, "max_items": 1}
    assert validation_batches(sizes, **limits) == [[0], [1], [2]]
    assert validation_batches(sizes, **limits, rank=1, world_size=2) == [[1]]
    assert validation_batches(sizes, **limits, rank=3, world_size=4) == [[]]
