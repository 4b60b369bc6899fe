"""Loading the networks of experiment folders onto a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import USAGE_PROBLEM, SingwizError
from .experiment import Experiment

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..models.randomness import RandomSource
    from .speakers import SpeakerMix


def load_network(
    experiment: Experiment, *, steps: int | None = None, device: str = "cpu"
) -> tuple[nn.Module, Path]:
    """The network of an experiment in evaluation mode.

    Args:
        experiment: config, phonemes and speakers.
        steps: of which checkpoint; the largest if None.
        device: resolved by :func:`~singwiz.core.device.choose_device`.

    Returns:
        The network and the checkpoint its weights came from.

    Raises:
        SingwizError: there is no such checkpoint, or it does not fit the config.
    """
    from ..checkpoint import latest_checkpoint, load_weights
    from ..models import build_model

    kind = experiment.config.kind
    checkpoint = latest_checkpoint(experiment.folder, steps)
    if checkpoint is None:
        what = "checkpoint" if steps is None else f"checkpoint of step {steps}"
        raise SingwizError(
            "checkpoint-missing",
            f"The experiment folder has no {what}.",
            hint="Train the model first, or choose another folder or step.",
            where=str(experiment.folder),
            exit_code=USAGE_PROBLEM,
        )
    try:
        model = build_model(
            kind, experiment.config.to_dict(), vocab_size=experiment.phonemes.vocab_size
        )
    except (ValueError, TypeError, KeyError) as error:
        raise SingwizError(
            "config-model",
            f"The config of the experiment does not describe a model: {error}.",
            hint="Copy config.yaml again from where the model was trained.",
            where=str(experiment.folder / "config.yaml"),
        ) from error
    load_weights(model, checkpoint, kind)
    return model.eval().to(device), checkpoint


def seeded(seed: int | None) -> RandomSource:
    """A source of noise; None = different each time.

    Noise with a seed is drawn on the CPU, so that it is the same on every device.
    """
    import torch

    from ..models.randomness import GLOBAL_RANDOM, RandomSource

    if seed is None:
        return GLOBAL_RANDOM
    return RandomSource(torch.Generator().manual_seed(seed & 0xFFFFFFFF))


def row(values: NDArray[Any], device: str) -> torch.Tensor:
    """An array as a batch of one on a device."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).unsqueeze(0).to(device)


def mixed_embedding(table: nn.Module, mix: SpeakerMix, device: str) -> torch.Tensor:
    """Weighted sum of speaker embeddings, ``[1, 1 or T or N, H]``."""
    import torch

    embeddings: torch.Tensor = table(torch.from_numpy(mix.ids).to(device))
    return row(mix.weights, device) @ embeddings


def checked_steps(steps: int | None) -> int | None:
    """The number of sampling steps, if there is one.

    Raises:
        SingwizError: it is less than one.
    """
    if steps is not None and steps < 1:
        raise SingwizError(
            "sampling-steps",
            "Sampling needs at least one step.",
            hint="Choose 10 to 50 steps.",
            exit_code=USAGE_PROBLEM,
        )
    return steps


def diverged(where: str) -> SingwizError:
    """The error for a model whose output is not finite."""
    return SingwizError(
        "model-diverged",
        "The model gives no usable sound: its numbers ran out of range.",
        hint="Use an earlier checkpoint, or train again with a lower learning rate.",
        where=where,
    )
