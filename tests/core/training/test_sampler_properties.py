"""What holds for the batches of any dataset on any number of devices."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singwiz.core.errors import SingwizError
from singwiz.core.training.sampler import (
    BatchStream,
    TrainingPlan,
    greedy_batches,
    validation_batches,
)

unhurried = settings(deadline=None, max_examples=60)
"""A busy machine is no fault of the batches."""

SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=60)


@st.composite
def plans(draw: st.DrawFn) -> TrainingPlan:
    sizes = draw(SIZES)
    return TrainingPlan(
        sizes=sizes,
        max_frames=draw(st.integers(max(sizes), 2000)),
        max_items=draw(st.integers(1, 9)),
        seed=draw(st.integers(0, 2**31)),
        grid=draw(st.integers(1, 50)),
        sort_by_size=draw(st.booleans()),
    )


def shares_of(plan: TrainingPlan, epoch: int, ranks: int) -> list[list[list[int]]] | None:
    """The batches of every rank; None where there are fewer batches than ranks."""
    if len(plan.epoch(epoch)) < ranks:
        with pytest.raises(SingwizError, match="too few"):
            plan.epoch(epoch, rank=0, world_size=ranks)
        return None
    return [plan.epoch(epoch, rank=rank, world_size=ranks) for rank in range(ranks)]


@unhurried
@given(plans(), st.integers(0, 50))
def test_an_epoch_is_a_partition_of_the_data(plan: TrainingPlan, epoch: int) -> None:
    items = [index for batch in plan.epoch(epoch) for index in batch]
    assert sorted(items) == list(range(len(plan.sizes)))


@unhurried
@given(plans(), st.integers(0, 50), st.integers(1, 5))
def test_ranks_divide_an_epoch_and_take_equally_many_steps(
    plan: TrainingPlan, epoch: int, ranks: int
) -> None:
    shares = shares_of(plan, epoch, ranks)
    if shares is None:
        return
    assert len({len(share) for share in shares}) == 1
    whole = sorted(sorted(batch) for batch in plan.epoch(epoch))
    full = len(whole) // ranks
    # Only the last step repeats batches, and no more than it takes to give every rank one.
    once = [sorted(batch) for share in shares for batch in share[:full]]
    last = {tuple(sorted(share[full])) for share in shares if len(share) > full}
    assert sorted([*once, *([list(b) for b in last if list(b) not in once])]) == whole


@unhurried
@given(plans(), st.integers(0, 50), st.integers(1, 5))
def test_no_batch_exceeds_the_limits(plan: TrainingPlan, epoch: int, ranks: int) -> None:
    for share in shares_of(plan, epoch, ranks) or ():
        for batch in share:
            assert 1 <= len(batch) <= plan.max_items
            assert len(batch) * max(plan.sizes[i] for i in batch) <= plan.max_frames


@unhurried
@given(plans(), st.integers(0, 50), st.integers(1, 3))
def test_the_same_seed_gives_the_same_order(plan: TrainingPlan, epoch: int, ranks: int) -> None:
    twin = TrainingPlan(**{name: getattr(plan, name) for name in plan.__dataclass_fields__})
    assert shares_of(plan, epoch, ranks) == shares_of(twin, epoch, ranks)


@unhurried
@given(SIZES, st.integers(1, 50), st.integers(0, 9))
def test_items_are_sorted_by_their_cell_of_the_grid(sizes: list[int], grid: int, seed: int) -> None:
    plan = TrainingPlan(sizes=sizes, max_frames=300, max_items=1, seed=seed, grid=grid)
    cells = [max(grid, round(sizes[batch[0]] / grid) * grid) for batch in plan.epoch(0)]
    assert cells == sorted(cells, reverse=True)


@unhurried
@given(SIZES, st.integers(300, 2000), st.integers(1, 9))
def test_greedy_batches_keep_the_order_and_close_only_when_they_must(
    sizes: list[int], max_frames: int, max_items: int
) -> None:
    batches = greedy_batches(range(len(sizes)), sizes, max_frames=max_frames, max_items=max_items)
    assert [index for batch in batches for index in batch] == list(range(len(sizes)))
    for batch, following in pairwise(batches):
        joined = [*batch, following[0]]
        too_wide = len(joined) * max(sizes[i] for i in joined) > max_frames
        assert len(batch) == max_items or too_wide


@unhurried
@given(plans(), st.integers(1, 3), st.integers(0, 60), st.integers(0, 30))
def test_a_stream_continues_from_any_position(
    plan: TrainingPlan, ranks: int, consumed: int, ahead: int
) -> None:
    if len(plan.epoch(0)) < ranks or any(len(plan.epoch(e)) < ranks for e in range(1, 4)):
        return
    rank = ranks - 1
    stream = BatchStream(plan, rank=rank, world_size=ranks)
    try:
        batches = list(islice(stream, consumed + ahead + 5))
    except SingwizError:
        return  # a later epoch happens to have too few batches
    epoch, batch = stream.position(consumed)
    resumed = BatchStream(plan, rank=rank, world_size=ranks, epoch=epoch, batch=batch)
    assert list(islice(resumed, ahead + 5)) == batches[consumed:]


@unhurried
@given(SIZES, st.integers(300, 2000), st.integers(1, 9), st.integers(1, 5))
def test_validation_sees_every_item_once_and_in_order(
    sizes: list[int], max_frames: int, max_items: int, ranks: int
) -> None:
    limits = {"max_frames": max_frames, "max_items": max_items}
    shares = [validation_batches(sizes, **limits, rank=r, world_size=ranks) for r in range(ranks)]
    whole = validation_batches(sizes, **limits)
    assert [index for batch in whole for index in batch] == list(range(len(sizes)))
    for rank, share in enumerate(shares):
        assert share == (whole[rank::ranks] or [[]])
