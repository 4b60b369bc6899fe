"""What a validation offers to a model: held-out recordings, and a place to show its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from .data import TrainingItems, collate
from .gallery import ValidationGallery
from .progress import StopTraining
from .sampler import greedy_batches
from .sound_classes import class_of_tokens

if TYPE_CHECKING:
    from ..config import Config
    from .task import Surroundings

SAMPLING_FRAMES = 12000
"""Padded frames that are sampled at once in a validation."""

PERFORMED_AT_ONCE = 8
"""Items that are sampled at once in a validation."""


@dataclass
class Examination:
    """One validation.

    Attributes:
        gallery: where pictures and sounds go.
        shown: how many items, from the first, are shown and go into DiffSinger's metrics.
        measured: how many items go into errors; at least ``shown``.
        items: the held-out recordings, ``items[index]`` is a dict of arrays.
        training: those that are trained on, e.g. for simple rules to compare with.
        config: of the model.
        surroundings: folders, reporter, seed.
        vocab_size: phoneme ids including padding.
        device: of the model.
        step, goal: optimizer step, and the last one.
        stoppable: a wish to stop is obeyed at once, and the validation made up for later.
    """

    gallery: ValidationGallery
    shown: int
    measured: int
    items: TrainingItems
    training: TrainingItems
    config: Config
    surroundings: Surroundings
    vocab_size: int
    device: torch.device
    step: int
    goal: int
    stoppable: bool
    to_device: Callable[[dict[str, Any]], dict[str, Any]]

    def batches(self) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """The measured items, several at once: their numbers and their batch, on the device.

        Says how far it is. Noise is the same for every batch of every validation.
        """
        reporter = self.surroundings.reporter
        sizes = self.items.sizes
        limit = max(SAMPLING_FRAMES, *sizes[: self.measured], 1)
        order = sorted(range(self.measured), key=lambda index: sizes[index])
        done = 0
        for indices in greedy_batches(order, sizes, max_frames=limit, max_items=PERFORMED_AT_ONCE):
            label = f"trying the model on held-out recording {done + 1} of {self.measured}"
            reporter.progress(self.step, max(self.step, self.goal), label)
            if self.stoppable and reporter.cancelled():
                raise StopTraining
            done += len(indices)
            batch = self.to_device(collate([self.items[index] for index in indices]))
            seed_noise(self.surroundings.seed, 0)
            yield indices, batch

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """Class of sound of every phoneme id, ``[V]``."""
        return class_of_tokens(
            self.surroundings.binary_dir,
            self.surroundings.work_dir,
            vocab_size=self.vocab_size,
        )

    def title(self, index: int) -> str:
        """Heading of an item's pictures."""
        name = self.items.name(index)
        speakers = self.items.metadata.get("spk_names")
        return f"{speakers[index]} - {name}" if speakers else name

    def phonemes_of(self, index: int) -> list[str]:
        """Names of an item's phonemes, or their ids where names are not stored."""
        texts = self.items.metadata.get("ph_texts")
        stored = str(texts[index]).split() if texts else []
        tokens = self.items[index]["tokens"]
        return stored if len(stored) == len(tokens) else [str(token) for token in tokens]


def seed_noise(*numbers: int) -> None:
    """Make all noise a function of these numbers, the run's seed the first."""
    sequence = np.random.SeedSequence(numbers)
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
