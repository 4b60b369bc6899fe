"""Which items train together, and in which order: size-sorted batches, one seeded plan per epoch.

Training batches come as one endless stream. Its position is (epoch, batch of that epoch), so a
run that was interrupted in the middle of an epoch continues with the batch it had not seen.
Nothing here touches data or tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SingwizError


def greedy_batches(
    order: Sequence[int],
    sizes: Sequence[int],
    *,
    max_frames: int,
    max_items: int,
    names: Sequence[str] | None = None,
) -> list[list[int]]:
    """Cut an order of items into batches whose padded size stays within limits.

    Args:
        order: item indices, in the order to walk.
        sizes: frames of every item of the dataset.
        max_frames: most padded frames of a batch, i.e. items x longest item.
        max_items: most items of a batch.
        names: names of all items, for the error message.

    Returns:
        Batches of item indices; together they are ``order``.

    Raises:
        SingwizError: an item alone is longer than ``max_frames``.
    """
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for index in order:
        size = int(sizes[index])
        if size > max_frames:
            name = names[index] if names else f"number {index}"
            raise SingwizError(
                "item-too-long",
                f"Item '{name}' has {size} frames, more than a batch may hold ({max_frames}).",
                hint="Cut the recording into shorter phrases, or raise max_batch_frames.",
                where=name,
            )
        longest = max(longest, size)
        if current and (len(current) >= max_items or (len(current) + 1) * longest > max_frames):
            batches.append(current)
            current, longest = [], size
        current.append(index)
    if current:
        batches.append(current)
    return batches


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides the training batches of an epoch.

    Attributes:
        sizes: frames of every item.
        max_frames: most padded frames in a batch, per device.
        max_items: most items in a batch, per device.
        seed: the run's seed; the same on all ranks.
        grid: sizes are sorted after rounding to multiples of this many frames, so that
            items of about the same size mix differently in every epoch.
        sort_by_size: sort at all; unsorted batches waste more padding.
        names: names of the items, for error messages.
    """

    sizes: Sequence[int]
    max_frames: int
    max_items: int
    seed: int
    grid: int = 6
    sort_by_size: bool = True
    names: Sequence[str] | None = None

    def signature(self) -> list[int]:
        """Numbers that change whenever the batches would; kept in checkpoints."""
        total = int(sum(int(size) for size in self.sizes))
        settings = [self.max_frames, self.max_items, self.seed, self.grid, int(self.sort_by_size)]
        return [len(self.sizes), total, *settings]

    def epoch(self, epoch: int, *, rank: int = 0, world_size: int = 1) -> list[list[int]]:
        """The batches of one rank in one epoch.

        All ranks draw the same random numbers, so together they cover every item. The first
        epoch runs from the longest batch to the shortest: a batch that does not fit into
        memory fails at once. Later epochs shuffle the order of the steps.

        Raises:
            SingwizError: an item is too long, or there are fewer batches than ranks.
        """
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.sizes))
        if self.sort_by_size:
            sizes = np.asarray(self.sizes, dtype=np.float64)[order]
            cells = np.maximum(self.grid, np.round(sizes / self.grid) * self.grid)
            order = order[np.argsort(-cells, kind="stable")]
        batches = greedy_batches(
            order.tolist(),
            self.sizes,
            max_frames=self.max_frames,
            max_items=self.max_items,
            names=self.names,
        )
        if len(batches) < world_size:
            raise SingwizError(
                "too-few-batches",
                f"The data makes {len(batches)} batches, too few for {world_size} devices.",
                hint="Train on fewer devices, or lower max_batch_frames or max_batch_size.",
            )
        steps = len(batches) // world_size
        rows = [batches[step * world_size : (step + 1) * world_size] for step in range(steps)]
        for row in rows:
            rng.shuffle(row)
        if epoch > 0:
            rng.shuffle(rows)
        mine = [row[rank] for row in rows]
        left_over = batches[steps * world_size :]
        if left_over:
            rng.shuffle(left_over)
            mine.append(left_over[rank] if rank < len(left_over) else mine[epoch % len(mine)])
        return mine


class BatchStream:
    """The endless sequence of training batches of one rank, from a given position on.

    Usable as ``batch_sampler`` of a torch DataLoader. It may run ahead of the training (workers
    prefetch), so the position is asked for with the number of batches really trained on.

    Args:
        plan: what to draw from.
        rank, world_size: which share to give.
        epoch, batch: where to start.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        *,
        rank: int = 0,
        world_size: int = 1,
        epoch: int = 0,
        batch: int = 0,
    ) -> None:
        self.plan = plan
        self.rank = rank
        self.world_size = world_size
        self._epoch = epoch
        self._skip = batch
        self._starts: list[tuple[int, int, int]] = [(0, epoch, batch)]

    def __iter__(self) -> Iterator[list[int]]:
        given = 0
        epoch, skip = self._epoch, self._skip
        self._starts = [(0, epoch, skip)]
        while True:
            batches = self.plan.epoch(epoch, rank=self.rank, world_size=self.world_size)[skip:]
            yield from batches
            given += len(batches)
            epoch, skip = epoch + 1, 0
            self._starts.append((given, epoch, 0))

    def position(self, consumed: int) -> tuple[int, int]:
        """Epoch and batch number that follow after ``consumed`` batches of this stream."""
        for start, epoch, batch in reversed(self._starts):
            if start <= consumed:
                return epoch, batch + consumed - start
        raise ValueError("consumed must not be negative")


def validation_batches(
    sizes: Sequence[int],
    *,
    max_frames: int,
    max_items: int,
    rank: int = 0,
    world_size: int = 1,
    names: Sequence[str] | None = None,
) -> list[list[int]]:
    """Batches of the validation set in its own order, dealt to the ranks in turn.

    A rank that gets nothing gets one empty batch, which collates to size 0.
    """
    batches = greedy_batches(
        range(len(sizes)), sizes, max_frames=max_frames, max_items=max_items, names=names
    )
    return batches[rank::world_size] or [[]]
