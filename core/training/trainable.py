"""The model that a config describes, ready to be trained: ours, or an installed package's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..models.registry import load_part
from .acoustic import AcousticTraining
from .contract import TrainableModel
from .variance import VarianceTraining

TRAINABLE: dict[str, type[TrainableModel]] = {
    "acoustic": AcousticTraining,
    "variance": VarianceTraining,
}
"""Our own, by category."""


def build_trainable(category: str, config: Mapping[str, Any], *, vocab_size: int) -> TrainableModel:
    """A model with fresh weights.

    Args:
        category: ``acoustic`` or ``variance``.
        config: the whole config, plain; ``architecture`` names a model of an installed package.
        vocab_size: phoneme ids including the padding id 0.

    Raises:
        ValueError: the config fits no model, or the package's model is of another category.
    """
    name = config.get("architecture") if category == "acoustic" else None
    cls: type[TrainableModel] = load_part("model", name) if name else TRAINABLE[category]
    if name and getattr(cls, "category", None) != category:
        raise ValueError(f"the model {name!r} is no {category} model")
    try:
        return cls.init_from_config(config, vocab_size=vocab_size)
    except KeyError as missing:
        raise ValueError(f"the config of the {category} model lacks {missing}") from missing
