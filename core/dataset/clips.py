"""Short pieces of recordings to listen to, cut around a place. Copies; originals are only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..dictionary.mismatch import Occurrence
from ..errors import SingwizError
from .fixes.recipe import AudioRecipe
from .raw import RawDataset

CONTEXT = 0.4
"""s before and after the place: a phoneme alone is hardly recognised."""


def cut_clips(datasets: Sequence[RawDataset], targets: Mapping[Occurrence, Path]) -> list[Path]:
    """Write one WAV per place.

    Args:
        datasets: opened; of several items with one name the first that is long enough counts.
        targets: place -> file to write; its folder is made.

    Returns:
        What was written. Places whose recording is missing or cannot be read are left out.

    Raises:
        OSError: a file cannot be written.
    """
    written = []
    for place, path in targets.items():
        sources = (
            item.audio
            for dataset in datasets
            for item in dataset.items
            if item.name == place.item and item.audio and item.seconds >= place.end - 1e-3
        )
        source = next(sources, None)
        if source is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        recipe = AudioRecipe(source, max(place.start - CONTEXT, 0.0), place.end + CONTEXT)
        try:
            recipe.render(path)
        except SingwizError:
            path.unlink(missing_ok=True)  # the check says what is wrong with it
            continue
        written.append(path)
    return written
