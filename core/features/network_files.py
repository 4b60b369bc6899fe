"""Loading the networks that analyse recordings, so that a wrong file never becomes a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoint import misfits, read_data
from ..errors import SingwizError

if TYPE_CHECKING:
    from torch import Tensor, nn


def load_network(
    category: str,
    config: Mapping[str, Any],
    path: Path,
    *,
    name: str,
    device: str,
    unused: tuple[str, ...] = (),
) -> nn.Module:
    """A network ready to run: in evaluation mode, without gradients, batch normalisations folded.

    Args:
        category: see :func:`~singwiz.core.models.build_model`.
        config: its constructor arguments.
        path: file with the state dict, by itself or under the key ``model``.
        name: what the network is called in messages.
        device: where it will run.
        unused: prefixes of names that the file may lack, because nothing is computed with them.

    Raises:
        SingwizError: no such file, damaged, code in it, or not exactly this network.
    """
    import torch

    from ..models import build_model
    from ..models.extractors.folding import fold_batch_norms

    weights = _state_dict(read_data(path), path, name)
    try:
        # Initial values would be thrown away; without memory there are none.
        with torch.device("meta"):
            network = build_model(category, config)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise SingwizError(
            "network-config",
            f"The settings beside the file describe no {name} network: {error}.",
            hint="Copy config.yaml again from where you got the file.",
            where=str(path.with_name("config.yaml")),
        ) from error
    for missing, value in network.state_dict().items():
        optional = missing.startswith(unused) or missing.endswith(".num_batches_tracked")
        if optional and missing not in weights:
            weights[missing] = torch.zeros(value.shape, dtype=value.dtype)
    differences = misfits(network, weights)
    if differences:
        raise SingwizError(
            "network-does-not-fit",
            f"This file does not hold a {name} network: {len(differences)} differences, the "
            f"first: {differences[0]}.",
            hint=f"Choose the file of {name}, with the config.yaml that belongs to it if it has "
            "one.",
            where=str(path),
        )
    broken = next((key for key, value in weights.items() if not value.isfinite().all()), None)
    if broken is not None:
        raise SingwizError(
            "network-not-finite",
            f"The weights in this file are damaged: {broken} is not made of numbers.",
            hint="Copy or download it again.",
            where=str(path),
        )
    network.load_state_dict(weights, assign=True)
    network.requires_grad_(False).eval()
    fold_batch_norms(network)
    # Convolutions run up to a third faster in this order of memory.
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight.to(memory_format=torch.channels_last)
    return network.to(device)


def _state_dict(content: Any, path: Path, name: str) -> dict[str, Tensor]:
    """The weights in a file, in single precision."""
    import torch

    inner = content.get("model") if isinstance(content, dict) else None
    weights = inner if isinstance(inner, dict) else content
    if (
        not isinstance(weights, dict)
        or not weights
        or not all(
            isinstance(key, str)
            and isinstance(value, torch.Tensor)
            and value.layout == torch.strided
            and not (value.is_quantized or value.is_complex() or value.is_meta)
            for key, value in weights.items()
        )
    ):
        raise SingwizError(
            "network-without-weights",
            f"This file holds no weights of {name}.",
            hint=f"Choose the file of {name}; in the community it is called model.pt.",
            where=str(path),
        )
    return {
        key: value.float() if value.is_floating_point() else value for key, value in weights.items()
    }
