"""Running out of memory: which setting to change, and to what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import torch

from ..errors import SingwizError
from .sampler import validation_batches

if TYPE_CHECKING:
    from .task import TrainingTask
    from .vocoder.task import VocoderTask

    AnyTask: TypeAlias = TrainingTask | VocoderTask

TRAINING = ("max_batch_frames", "max_batch_size")
FIRST = "before the first step"
VALIDATION = ("max_val_batch_frames", "max_val_batch_size")


class OutOfMemory(SingwizError):
    """The memory was too small for a batch.

    Attributes:
        setting: config key that limits such batches.
        smaller: a value for it that makes the largest batch at most half as large where items
            allow it; None if that batch is a single item already.
    """

    def __init__(self, what: str, *, setting: str, smaller: int | None) -> None:
        hint = f"Lower {setting} to {smaller} and train again; it goes on from the last checkpoint."
        if smaller is None:
            hint = (
                "Cut the longest recording into shorter phrases, or choose a smaller model preset."
            )
        super().__init__("out-of-memory", what, hint=hint)
        self.setting = setting
        self.smaller = smaller


@contextmanager
def memory_explained(
    task: AnyTask, *, where: Callable[[], tuple[str, bool]] = lambda: (FIRST, False)
) -> Iterator[None]:
    """Turn a lack of memory inside into an :class:`OutOfMemory`.

    Args:
        task: whose batches they are.
        where: says afterwards at which point of the training it happened, and whether in a
            validation.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise task.out_of_memory(*where()) from error
    except RuntimeError as error:
        # Processors and older drivers say it in words only.
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise task.out_of_memory(*where()) from error
        raise


def batch_too_large(task: TrainingTask, where: str, validating: bool) -> OutOfMemory:
    """The error for whole recordings that were too much for one batch."""
    if validating:
        setting, sizes = VALIDATION[0], task.valid_items.sizes
        limit, items = (int(task.options[key]) for key in VALIDATION)
        limit, items = (
            int(task.options[key]) if value == -1 else value
            for key, value in zip(TRAINING, (limit, items), strict=True)
        )
        batches = validation_batches(sizes, max_frames=limit, max_items=items)
    else:
        setting, sizes = TRAINING[0], task.train_items.sizes
        limit, batches = int(task.options[setting]), task.plan.epoch(0)
    frames, smaller = _halved(batches, sizes)
    what = "validation batch" if validating else "batch"
    return OutOfMemory(
        f"The memory was too small for a {what} of up to {frames} frames, {where}.",
        setting=setting,
        smaller=smaller,
    )


def _halved(batches: Sequence[Sequence[int]], sizes: Sequence[int]) -> tuple[int, int | None]:
    """Padded frames of the largest batch, and about half of them, but room for any item."""
    largest = max(len(batch) * max(sizes[i] for i in batch) for batch in batches if batch)
    smaller = max(*sizes, largest // 2)
    return largest, smaller if smaller < largest else None
