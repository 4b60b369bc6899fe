"""The networks that can predict noise or velocity, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import known_arguments
from ..registry import load_part
from .base import Backbone
from .lynxnet import LYNXNet
from .lynxnet2 import LYNXNet2
from .wavenet import WaveNet

BACKBONES: dict[str, Callable[..., Backbone]] = {
    "wavenet": WaveNet,
    "lynxnet": LYNXNet,
    "lynxnet2": LYNXNet2,
}
"""Our own; installed packages may have more, see :mod:`..registry`."""

SIZES = ("in_dims", "num_feats", "hidden_size")
"""What the model around a backbone tells it; everything else is an argument of the user's."""

LEGACY_WAVENET_KEYS = {
    "residual_layers": "num_layers",
    "residual_channels": "num_channels",
    "dilation_cycle_length": "dilation_cycle_length",
}
"""Before ``backbone_args`` existed, the sizes of the WaveNet stood beside the other keys."""


def choose_backbone(
    config: Mapping[str, Any], section: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """Type and arguments of the backbone, wherever the config keeps them.

    Args:
        config: the whole config.
        section: ``pitch_prediction_args`` or ``variances_prediction_args`` for the networks of the
            variance model; the acoustic model keeps its keys at the root.

    Returns:
        The type's name, and the arguments as the config gives them.
    """
    if section is None:
        section = config
    name = (
        section.get("backbone_type")
        or config.get("backbone_type")
        or config.get("diff_decoder_type")
        or "wavenet"
    )
    args = section.get("backbone_args")
    if args is None and name == "wavenet":
        legacy = {new: section.get(old) for old, new in LEGACY_WAVENET_KEYS.items()}
        args = {key: value for key, value in legacy.items() if value is not None}
    return name, dict(args or {})


def build_backbone(
    name: str, args: Mapping[str, Any], *, in_dims: int, num_feats: int, hidden_size: int
) -> Backbone:
    """A backbone for images of ``num_feats`` × ``in_dims`` bins.

    Arguments that the backbone does not know are ignored: configs keep the arguments of other
    types around.

    Raises:
        ValueError: unknown type, an argument of the wrong type, or a package that cannot be
            imported.
    """
    cls = BACKBONES.get(name) or load_part("backbone", name)
    chosen = known_arguments(cls, args, given=SIZES)
    return cls(in_dims=in_dims, num_feats=num_feats, hidden_size=hidden_size, **chosen)


__all__ = ["BACKBONES", "SIZES", "Backbone", "build_backbone", "choose_backbone"]
