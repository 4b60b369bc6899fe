"""Starting from another model's weights, and keeping a part of the network as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import SingwizError

PREFIX = "model."
"""Configs name weights as checkpoints do, with this prefix."""


@dataclass(frozen=True)
class FinetuneReport:
    """What became of the weights of the model that is fine-tuned.

    Attributes:
        loaded: names taken over.
        ignored: names that the config told to leave out.
        reshaped: names left out because their shape differs.
        missing: names of the new network that start fresh for lack of a counterpart.
        unused: names of the old network that the new one does not have.
    """

    loaded: tuple[str, ...]
    ignored: tuple[str, ...]
    reshaped: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}


def load_pretrained(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    source: Path,
    ignored_prefixes: Sequence[str],
    strict_shapes: bool,
    prefix: str = PREFIX,
) -> FinetuneReport:
    """Copy weights into a model.

    Args:
        model: receives the weights.
        weights: names without prefix, already migrated to the present ones.
        source: where the weights are from, for messages.
        ignored_prefixes: beginnings of names, with ``prefix``, that are left out.
        strict_shapes: a weight of another shape is an error; otherwise it is left out.
        prefix: what checkpoints put before the names.

    Raises:
        SingwizError: a shape differs under ``strict_shapes``, or nothing fits.
    """
    own = model.state_dict()
    ignored = {
        name
        for name in weights
        if any((prefix + name).startswith(ignored) for ignored in ignored_prefixes)
    }
    known = [name for name in weights if name in own and name not in ignored]
    reshaped = [name for name in known if weights[name].shape != own[name].shape]
    if reshaped and strict_shapes:
        name = reshaped[0]
        raise SingwizError(
            "finetune-shape",
            f"{len(reshaped)} weights of the model to fine-tune have another shape, e.g. {name}: "
            f"{tuple(weights[name].shape)} instead of {tuple(own[name].shape)}.",
            hint="Use the model settings of that model, add the names to "
            "finetune_ignored_params, or set finetune_strict_shapes to false.",
            where=str(source),
        )
    fitting = [name for name in known if name not in set(reshaped)]
    if not fitting:
        raise SingwizError(
            "finetune-nothing",
            "No weight of the model to fine-tune fits this network.",
            hint="Check finetune_ckpt_path and finetune_ignored_params.",
            where=str(source),
        )
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(weights[name])
    taken = set(fitting)
    return FinetuneReport(
        loaded=tuple(fitting),
        ignored=tuple(sorted(ignored)),
        reshaped=tuple(reshaped),
        missing=tuple(name for name in own if name not in taken),
        unused=tuple(name for name in weights if name not in own and name not in ignored),
    )


def freeze(model: nn.Module, prefixes: Sequence[str]) -> int:
    """Stop training the parameters whose name, with ``model.``, begins with a prefix.

    Buffers that match are left alone: they are never trained.

    Returns:
        How many parameters were frozen.

    Raises:
        SingwizError: a prefix matches nothing, or nothing is left to train.
    """
    names = [name for name, _ in model.state_dict().items()]
    for prefix in prefixes:
        if not any((PREFIX + name).startswith(prefix) for name in names):
            raise SingwizError(
                "freeze-unknown",
                f"frozen_params names '{prefix}', but no weight of the model begins so.",
                hint="Names begin with 'model.', e.g. 'model.fs2'.",
            )
    frozen = 0
    for name, parameter in model.named_parameters():
        hit = any((PREFIX + name).startswith(prefix) for prefix in prefixes)
        parameter.requires_grad_(not hit)
        frozen += hit
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise SingwizError(
            "freeze-everything",
            "frozen_params freezes the whole model; nothing is left to train.",
            hint="Freeze a part only, e.g. 'model.fs2'.",
        )
    return frozen


def frozen_by_prefix(
    model: nn.Module, prefixes: Sequence[str], *, before: str = PREFIX
) -> dict[str, int]:
    """Prefix -> how many numbers it keeps from being trained; the first that fits counts.

    ``before`` is what checkpoints put before the names.
    """
    counts = dict.fromkeys(prefixes, 0)
    for name, parameter in model.named_parameters():
        hit = next((prefix for prefix in prefixes if (before + name).startswith(prefix)), None)
        if hit is not None:
            counts[hit] += parameter.numel()
    return counts
