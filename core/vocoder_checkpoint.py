"""Reading and writing the files neural vocoders come in.

Accepted are exported generators (``model.ckpt``), training checkpoints, pairs of original
HiFi-GAN (``g_########``, ``do_########``) and bases for fine-tuning; with weight-normalised, folded
or parametrised names. Files are read as data only; what looks like code is refused. Not for
TorchScript files, which are code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .atomic import atomic_path, write_text
from .errors import USAGE_PROBLEM, SingwizError
from .models.vocoder.config import MEL_KEYS, ddsp_keys, generator_keys

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .models.vocoder.generator import Generator

HIFIGAN_NAME = re.compile(r"(g|do)_\d{8}")
"""``g_00005000`` has the generator, ``do_00005000`` discriminators and optimizers."""

_FAMILIES = {
    "nsf": "a full NSF-HiFiGAN",
    "mini": "a pitch-controllable (mini) NSF-HiFiGAN",
    "none": "an original HiFi-GAN",
}
_MAX_CONFIG_BYTES = 2**20


@dataclass(frozen=True)
class VocoderCheckpoint:
    """What a vocoder's file holds.

    Attributes:
        path: the file.
        kind: ``export`` (a generator alone), ``training`` (Lightning) or ``hifigan``.
        generator: weights by name, on the CPU; empty for a ``do_`` file.
        discriminators: weights by name per family (``msd``, ``mpd``, ``mrd``).
        content: everything else in the file, such as optimizer states and counters.
    """

    path: Path
    kind: str
    generator: Mapping[str, Tensor]
    discriminators: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def excitation(self) -> str:
        """Family by the weights: ``nsf``, ``mini`` or ``none``."""
        if any(name.startswith(("m_source.", "noise_convs.")) for name in self.generator):
            return "nsf"
        if any(name.startswith("source_conv.") for name in self.generator):
            return "mini"
        return "none"

    @property
    def family(self) -> str:
        """The family in words."""
        return _FAMILIES[self.excitation]


def find_vocoder(path: Path) -> Path:
    """The file to load: ``path`` itself, or the newest vocoder in a folder.

    Raises:
        SingwizError: there is none.
    """
    if path.is_file():
        return path
    if path.is_dir():
        exported = [path / name for name in ("model.ckpt", "model") if (path / name).is_file()]
        numbered = sorted(path.glob("g_????????"))
        training = sorted(path.glob("model_ckpt_steps_*.ckpt"), key=_steps)
        for found in (exported[:1], numbered[-1:], training[-1:]):
            if found:
                return found[0]
    raise SingwizError(
        "vocoder-missing",
        f"There is no vocoder '{path}'.",
        hint="Give the vocoder's file, usually model.ckpt, or the folder it is in.",
        where=str(path),
        exit_code=USAGE_PROBLEM,
    )


def _steps(path: Path) -> int:
    digits = re.search(r"(\d+)\.ckpt$", path.name)
    return int(digits[1]) if digits else -1


def read_vocoder_checkpoint(path: Path) -> VocoderCheckpoint:
    """Read a vocoder's file on the CPU, whichever kind it is.

    Args:
        path: an exported generator, a training checkpoint, or a ``g_`` or ``do_`` file.

    Raises:
        SingwizError: there is no such file, it is damaged, holds code, or is no vocoder.
    """
    import torch

    if not path.is_file():
        raise SingwizError(
            "vocoder-missing",
            f"There is no vocoder '{path}'.",
            hint="Check the path, or download the vocoder first.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise SingwizError(
            "vocoder-unreadable",
            "This file is damaged, is no vocoder, or contains code, which is never run.",
            hint="Download it again, and only from someone you trust.",
            where=str(path),
        ) from error
    if not isinstance(content, dict):
        raise _no_vocoder(path)
    if "state_dict" in content:
        return _training(path, content)
    if "generator" in content:
        kind = "hifigan" if HIFIGAN_NAME.fullmatch(path.name) else "export"
        rest = {name: value for name, value in content.items() if name != "generator"}
        return VocoderCheckpoint(path, kind, _weights(path, content["generator"]), {}, rest)
    families = {name: content[name] for name in ("msd", "mpd", "mrd") if name in content}
    if not families:
        raise _no_vocoder(path)
    return VocoderCheckpoint(
        path,
        "hifigan",
        {},
        {name: _weights(path, state) for name, state in families.items()},
        {name: value for name, value in content.items() if name not in families},
    )


def _training(path: Path, content: dict[str, Any]) -> VocoderCheckpoint:
    generator: dict[str, Tensor] = {}
    families: dict[str, dict[str, Tensor]] = {}
    for name, value in _weights(path, content["state_dict"]).items():
        head, _, rest = name.partition(".")
        if head == "generator":
            generator[rest] = value
        elif head == "discriminator":
            family, _, inner = rest.partition(".")
            families.setdefault(family, {})[inner] = value
    if not generator:
        raise _no_vocoder(path)
    rest_of_it = {name: value for name, value in content.items() if name != "state_dict"}
    return VocoderCheckpoint(path, "training", generator, families, rest_of_it)


def _weights(path: Path, state: Any) -> dict[str, Tensor]:
    import torch

    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise _no_vocoder(path)
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }


def _no_vocoder(path: Path) -> SingwizError:
    return SingwizError(
        "vocoder-without-weights",
        "This file holds no weights of a vocoder.",
        hint="Choose an NSF-HiFiGAN or HiFi-GAN file, usually named model.ckpt.",
        where=str(path),
    )


def read_vocoder_config(path: Path) -> dict[str, Any]:
    """The keys of the ``config.json`` beside a vocoder.

    A training has a ``config.yaml`` instead, and so has a DDSP vocoder, which describes only its
    mel.

    Args:
        path: the vocoder's file.

    Raises:
        SingwizError: there is neither, or it cannot be read.
    """
    plain, training = path.with_name("config.json"), path.with_name("config.yaml")
    source = plain if plain.is_file() else training
    if not source.is_file():
        raise SingwizError(
            "vocoder-config-missing",
            f"Beside the vocoder there is no config.json in '{path.parent}'.",
            hint="Put the config.json (of a DDSP vocoder: config.yaml) that came with the vocoder "
            "beside it.",
            where=str(path),
        )
    try:
        content = _parsed(source)
        return ddsp_keys(content) if "data" in content else generator_keys(content)
    except (OSError, ValueError, RecursionError) as error:
        raise SingwizError(
            "vocoder-config-damaged",
            f"'{source.name}' beside the vocoder cannot be read.",
            hint="Copy it again from where the vocoder came from.",
            where=str(source),
        ) from error


def _parsed(source: Path) -> dict[str, Any]:
    """A JSON or YAML mapping; ``ValueError`` if it is none."""
    if source.stat().st_size > _MAX_CONFIG_BYTES:
        raise ValueError("too large")
    text = source.read_text(encoding="utf-8-sig")
    if source.suffix == ".json":
        content = json.loads(text)
    else:
        import yaml

        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError("no YAML") from error
    if not isinstance(content, dict):
        raise ValueError("no mapping")
    return content


def load_generator(
    path: Path, *, config: Mapping[str, Any] | None = None, train: bool = False
) -> tuple[Generator, dict[str, Any]]:
    """Build a generator and load its weights; nothing may be missing or left over.

    Args:
        path: see :func:`read_vocoder_checkpoint`.
        config: used instead of what lies beside the file.
        train: keep weight norm and training mode; otherwise the weights are folded and the
            network is in evaluation mode.

    Returns:
        The network on the CPU, and its ``config.json`` keys.

    Raises:
        SingwizError: the file or its config cannot be read, or they do not fit each other.
    """
    from .models.vocoder.generator import Generator
    from .models.vocoder.norms import fold_weight_norm

    checkpoint = read_vocoder_checkpoint(path)
    if not checkpoint.generator:
        raise SingwizError(
            "vocoder-without-generator",
            f"'{path.name}' holds what a vocoder was trained with, not the vocoder itself.",
            hint=f"Choose '{path.name.replace('do_', 'g_')}', which belongs to it.",
            where=str(path),
        )
    keys = read_vocoder_config(path) if config is None else generator_keys(config)
    check_family(checkpoint, keys)
    keys = {**keys, "excitation": checkpoint.excitation}
    try:
        generator = Generator(keys)
    except ValueError as error:
        raise SingwizError(
            "vocoder-config",
            f"The vocoder's config describes no vocoder: {error}.",
            hint="Copy config.json again from where the vocoder came from.",
            where=str(path.with_name("config.json")),
        ) from error
    load_vocoder_weights(generator, checkpoint.generator, where=str(path))
    if train:
        return generator.train(), keys
    fold_weight_norm(generator)
    return generator.eval().requires_grad_(False), keys


def check_family(checkpoint: VocoderCheckpoint, config: Mapping[str, Any]) -> None:
    """Refuse weights of one family with the config of another.

    Args:
        checkpoint: with a generator.
        config: ``config.json`` keys, or a training config.

    Raises:
        SingwizError: the families differ.
    """
    keys = generator_keys(config)
    wanted = keys.get("excitation") or ("mini" if keys.get("mini_nsf") else "")
    # Configs of full NSF-HiFiGAN and of HiFi-GAN look alike; only the weights tell them apart.
    allowed = (wanted,) if wanted else ("nsf", "none")
    if checkpoint.excitation not in allowed:
        said = _FAMILIES[wanted or "nsf"]
        raise SingwizError(
            "vocoder-family",
            "Config and weights belong to different vocoder families: the config describes "
            f"{said}, the weights are those of {checkpoint.family}.",
            hint="Use the config that came with these weights; mini_nsf in it is true for "
            "pitch-controllable vocoders and false for others.",
            where=str(checkpoint.path),
        )


def load_vocoder_weights(
    module: nn.Module, weights: Mapping[str, Tensor], *, where: str = ""
) -> None:
    """Load weights with any of the accepted kinds of names; they have to fit exactly.

    Args:
        module: a generator or discriminator that is not folded.
        weights: by name.
        where: file, for the message.

    Raises:
        SingwizError: names or shapes differ; the message counts and names them.
    """
    own = module.state_dict()
    given = weight_norm_names(weights, own)
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    reshaped = [
        f"{name} ({_shape(given[name])} instead of {_shape(value)})"
        for name, value in own.items()
        if name in given and given[name].shape != value.shape
    ]
    if missing or unexpected or reshaped:
        kinds = (("missing", missing), ("unexpected", unexpected), ("of another size", reshaped))
        parts = [f"{len(names)} {what}: {_some(names)}" for what, names in kinds if names]
        raise SingwizError(
            "vocoder-does-not-fit",
            f"The weights do not fit the vocoder that the config describes. {'; '.join(parts)}.",
            hint="Use the config that came with these weights.",
            where=where,
        )
    module.load_state_dict(given)


def weight_norm_names(
    weights: Mapping[str, Tensor], expected: Mapping[str, Any]
) -> dict[str, Tensor]:
    """``weights`` under the names that checkpoints have used from the beginning.

    Folded convolutions are split into ``weight_g`` and ``weight_v`` where ``expected`` has those;
    names of torch's parametrisations are translated.
    """
    import torch

    result: dict[str, Tensor] = {}
    for name, value in weights.items():
        stem, _, part = name.partition("parametrizations.weight.")
        if part in _PARAMETRISED:
            spectral = f"{stem}weight_orig" in expected
            result[stem + _PARAMETRISED[part][spectral]] = value
        elif name not in expected and f"{name}_v" in expected and name.endswith("weight"):
            dims = tuple(range(1, value.dim()))
            result[f"{name}_g"] = torch.linalg.vector_norm(value, dim=dims, keepdim=True)
            result[f"{name}_v"] = value
        else:
            result[name] = value
    return result


_PARAMETRISED = {
    "original0": ("weight_g", "weight_g"),
    "original1": ("weight_v", "weight_v"),
    "original": ("weight", "weight_orig"),
    "0._u": ("weight_u", "weight_u"),
    "0._v": ("weight_v", "weight_v"),
}
"""Name of a parametrised tensor -> its old name under weight norm and under spectral norm."""


def write_generator(path: Path, generator: nn.Module, config: Mapping[str, Any]) -> None:
    """Write a generator in the container everybody reads, with its ``config.json``.

    Args:
        path: usually ``…/model.ckpt``; ``config.json`` is written beside it.
        generator: folded or not; the file has weight-normalised names.
        config: its training config, or the keys of a ``config.json``.

    Raises:
        SingwizError: the file cannot be written.
    """
    import torch

    from .models.vocoder.norms import weight_norm_state

    structure: Any = generator.structure
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in weight_norm_state(generator).items()
    }
    keys = {
        **container_config(config),
        "mini_nsf": structure.excitation == "mini",
        "noise_sigma": structure.noise_sigma,
    }
    try:
        with atomic_path(path) as temporary:
            torch.save({"generator": state}, temporary)
            # Only when the weights are safe: an old vocoder must not get the config of a new one.
            write_text(path.with_name("config.json"), json.dumps(keys, indent=1))
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        raise SingwizError(
            "vocoder-unwritable",
            "The vocoder could not be written.",
            hint="Check that the disk is not full and the folder can be written to.",
            where=str(path),
        ) from error


def container_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``config.json`` for a training config (or for such keys)."""
    keys = generator_keys(config)
    defaults = {"pc_aug": False, "mini_nsf": False, "noise_sigma": 0.0}
    # Which excitation a network has is seen in its weights.
    own = (*MEL_KEYS, *defaults, "excitation")
    first = {name: value for name, value in keys.items() if name not in own}
    mel = {name: keys[name] for name in MEL_KEYS if name in keys}
    return {**first, **mel, **{name: keys.get(name, value) for name, value in defaults.items()}}


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"


def _some(names: list[str], shown: int = 3) -> str:
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + rest
