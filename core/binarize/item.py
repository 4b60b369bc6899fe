"""The features of one item. This is what worker processes run.

It imports neither config nor dictionary code: whatever it needs is in the task and the recipe,
and both are plain data.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import SingwizError
from .acoustic_item import add_acoustic
from .feature_cache import FeatureCache
from .layers import Layers
from .task import CURVES, Recipe, Result, Task, Unvoiced
from .variance_item import add_variance


@dataclass(frozen=True)
class Job:
    """:func:`process_item` with all but the task decided; what is sent to processes."""

    recipe: Recipe
    cache_dir: Path | None

    def __call__(self, task: Task) -> Result:
        return process_item(task, self.recipe, self.cache_dir)


def process_item(task: Task, recipe: Recipe, cache_dir: Path | None) -> Result:
    """Compute all variants of an item. Never raises for a bad item: see :class:`Result`."""
    result = Result(task.key)
    cache = FeatureCache(cache_dir) if cache_dir is not None else None
    layers = Layers(task, recipe, cache)
    add = add_variance if recipe.kind == "variance" else add_acoustic
    try:
        add(result, task, recipe, layers)
        _refuse_nonsense(result)
    except Unvoiced:
        result.skipped = "no voiced frame was found in it"
    except SingwizError as error:
        result.failure = f"{error.message} {error.hint}".strip()
    except ValueError as error:
        result.failure = f"{error}"
        result.details = traceback.format_exc()
    except Exception as error:
        # One broken item must not hide what is wrong with the others.
        result.failure = f"{type(error).__name__}: {error}"
        result.details = traceback.format_exc()
    if result.skipped or result.failure:
        result.items, result.lengths, result.seconds = [], [], []
    return result


def _refuse_nonsense(result: Result) -> None:
    for fields in result.items:
        for name in (*CURVES, "pitch", "f0"):
            if name in fields and not np.isfinite(fields[name]).all():
                raise ValueError(f"its {name} curve is not finite")
