"""Finding and reading checkpoints, our own and the community's.

Files are read as data only: what looks like code in them is refused, never run. Not for writing
checkpoints, which training does, and not for configs beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SingwizError

if TYPE_CHECKING:
    from torch import Tensor, nn

CHECKPOINT_NAME = re.compile(r"model_ckpt_steps_(\d+)\.ckpt")
"""``model_ckpt_steps_<optimizer steps>.ckpt``"""

PREFIX = "model."
"""What the trainer puts before every name of the network."""


def list_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints in ``folder`` with their optimizer steps, fewest steps first."""
    if not folder.is_dir():
        return []
    found = ((CHECKPOINT_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match and path.is_file())


def latest_checkpoint(folder: Path, steps: int | None = None) -> Path | None:
    """The checkpoint with most steps, or the one with exactly ``steps``; None if there is none."""
    checkpoints = list_checkpoints(folder)
    if steps is not None:
        return dict(checkpoints).get(steps)
    return checkpoints[-1][1] if checkpoints else None


def migrate_names(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """``state_dict`` with names of older DiffSinger versions replaced by today's.

    Rotary tables were once saved, though they are constants; the attention's input projection was
    once a bare parameter. Works with and without the ``model.`` prefix.
    """
    migrated = {}
    for name, value in state_dict.items():
        if ".rotary_embed." in name:
            continue
        if name.endswith(".self_attn.in_proj_weight"):
            name = name.removesuffix("in_proj_weight") + "in_proj.weight"
        migrated[name] = value
    return migrated


def read_data(path: Path) -> Any:
    """What a file of torch holds, on the CPU; only tensors, numbers, texts, lists and dicts.

    Raises:
        SingwizError: no such file, damaged, no file of torch, or with code in it.
    """
    import torch

    if not path.is_file():
        raise SingwizError(
            "checkpoint-missing",
            "There is no such checkpoint.",
            hint="Check the path, or train the model first.",
            where=str(path),
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise SingwizError(
            "checkpoint-unreadable",
            "This file is damaged, is no checkpoint, or contains code, which is never run.",
            hint="Copy or download it again, and only from someone you trust.",
            where=str(path),
        ) from error


def read_checkpoint(path: Path, category: str | None = None) -> dict[str, Any]:
    """Everything that a checkpoint holds, on the CPU, with the names in it migrated.

    Args:
        path: the ``.ckpt`` file.
        category: what it has to be, ``acoustic`` or ``variance``; None takes any.

    Returns:
        The file's dict; its ``state_dict`` still has the ``model.`` prefix, optimizer states and
        counters are as saved.

    Raises:
        SingwizError: no such file, not a checkpoint, unsafe content, or of another category.
    """
    import torch

    content = read_data(path)
    state_dict = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state_dict, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor)
        for name, value in state_dict.items()
    ):
        raise SingwizError(
            "checkpoint-without-weights",
            "This file holds no weights of a DiffSinger model.",
            hint="Choose a file named model_ckpt_steps_….ckpt from an experiment folder.",
            where=str(path),
        )
    found = content.get("category")
    if category is not None and found != category:
        kind = f"a checkpoint of kind {found!r}" if isinstance(found, str) else "of unknown kind"
        raise SingwizError(
            "checkpoint-category",
            f"This file is {kind}, but a checkpoint of kind {category!r} is needed.",
            hint=f"Choose a checkpoint from the folder of the {category} model.",
            where=str(path),
        )
    return {**content, "state_dict": migrate_names(state_dict)}


def load_state_dict(path: Path, category: str) -> dict[str, Tensor]:
    """The weights of a checkpoint by their names in the network, on the CPU.

    Args:
        path: the ``.ckpt`` file.
        category: what it has to be, ``acoustic`` or ``variance``.

    Returns:
        Name -> tensor: ``model.`` stripped, other entries left out, old names migrated.

    Raises:
        SingwizError: as :func:`read_checkpoint`, or no entry belongs to a network.
    """
    saved = read_checkpoint(path, category)["state_dict"]
    weights = {
        name.removeprefix(PREFIX): value for name, value in saved.items() if name.startswith(PREFIX)
    }
    if not weights:
        raise SingwizError(
            "checkpoint-without-weights",
            "This file holds no weights of a DiffSinger model.",
            hint="Choose a file named model_ckpt_steps_….ckpt from an experiment folder.",
            where=str(path),
        )
    return weights


def misfits(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """How ``weights`` differ from those of ``model`` in names and shapes, in words."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    return [
        *(f"{name} is missing" for name in own if name not in weights),
        *(f"{name} is not part of the model" for name in weights if name not in own),
        *(
            f"{name} has shape {tuple(weights[name].shape)} instead of {shape}"
            for name, shape in own.items()
            if name in weights and tuple(weights[name].shape) != shape
        ),
    ]


def load_weights(model: nn.Module, path: Path, category: str) -> None:
    """Load all weights of ``model`` from a checkpoint; nothing may be missing or left over.

    Raises:
        SingwizError: as :func:`load_state_dict`, or the file does not fit the model; the message
            counts the differences and names the first.
    """
    weights = load_state_dict(path, category)
    differences = misfits(model, weights)
    if differences:
        raise SingwizError(
            "checkpoint-does-not-fit",
            f"The checkpoint does not fit its config: {len(differences)} differences, "
            f"the first: {differences[0]}.",
            hint="Use the config.yaml and dictionaries that were saved beside the checkpoint.",
            where=str(path),
        )
    model.load_state_dict(weights)
