"""Opening a vocoder's experiment folder: data, networks, first weights, where it was left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...assets import network_file
from ...binarize.storage import DATA_SUFFIX
from ...binarize.vocoder import binary_folder
from ...checkpoint import list_checkpoints
from ...errors import SingwizError
from ...reporting import Reporter
from ...vocoder_checkpoint import (
    VocoderCheckpoint,
    check_family,
    find_vocoder,
    read_vocoder_checkpoint,
    weight_norm_names,
)
from ..experiment import Experiment, warn_if_stale
from ..finetune import FinetuneReport, load_pretrained
from ..task import Surroundings
from .gan import Gan, network_config
from .hifigan import adopt_pair
from .optimizers import freeze
from .task import VocoderTask, true_step

if TYPE_CHECKING:
    from ...config import Config


def open_vocoder_training(
    config: Config, work_dir: Path, reporter: Reporter, seed: int
) -> tuple[VocoderTask, Experiment, FinetuneReport | None]:
    """Everything that Lightning needs to train a vocoder; the data is not touched.

    Args:
        config: the vocoder's config; its paths are relative to the working directory.
        work_dir: the experiment folder.
        reporter: receives notes on weights and data.
        seed: of first weights, clips and noise.

    Returns:
        The task, the checked folder, and what became of the weights of a vocoder that is
        fine-tuned.

    Raises:
        SingwizError: no data, networks that cannot be built, or weights that do not fit.
    """
    binary_dir = binary_folder(config).absolute()
    index_dir = Path(config.DataIndexPath).absolute()
    has_data = (binary_dir / ("train" + DATA_SUFFIX)).is_file()
    if not has_data and not (index_dir / config.train_set_name).is_file():
        raise SingwizError(
            "binary-data-missing",
            f"There is no prepared data in {binary_dir}.",
            hint="Run the preparation (singwiz binarize … --model vocoder) first.",
            where=str(binary_dir),
        )
    warn_if_stale(config, binary_dir, reporter)
    options = config.to_dict()
    gan = build_gan(options, seed)
    frozen_params = list(options.get("frozen_params") or [])
    if options.get("freezing_enabled") and frozen_params:
        freeze(gan, frozen_params)
    checkpoint = newest_checkpoint(work_dir)
    if checkpoint is None and options.get("gan_recipe") == "hifigan":
        folders = [work_dir, *([Path(config.source).parent] if config.source else [])]
        checkpoint = adopt_pair(folders, work_dir, gan, reporter)
    finetune = None
    if checkpoint is not None:
        _check_resumable(checkpoint, gan)
    elif options.get("finetune_enabled"):
        finetune = load_finetune_base(gan, options, reporter)
    surroundings = Surroundings(binary_dir, work_dir, reporter, seed)
    task = VocoderTask(gan, config, surroundings, index_dir=index_dir)
    return task, Experiment(work_dir, binary_dir, 0, checkpoint), finetune


def build_gan(options: Mapping[str, Any], seed: int) -> Gan:
    """The networks of a config with fresh, seeded weights.

    Raises:
        SingwizError: the config fits no network.
    """
    torch.manual_seed(seed)
    try:
        return Gan(options)
    except ValueError as error:
        raise SingwizError(
            "model-config",
            f"No vocoder can be built from the config: {error}.",
            hint="Choose a preset, or undo the last change of the model's settings.",
        ) from error


def load_finetune_base(gan: Gan, options: Mapping[str, Any], reporter: Reporter) -> FinetuneReport:
    """Start from another vocoder: a training checkpoint, or an exported generator alone.

    Raises:
        SingwizError: no such file, another family, or weights of another size.
    """
    if not options.get("finetune_ckpt_path"):
        raise SingwizError(
            "finetune-path",
            "Fine-tuning is on, but no vocoder to start from is named.",
            hint="Set finetune_ckpt_path, or turn finetune_enabled off.",
        )
    named = str(options["finetune_ckpt_path"])
    found = network_file(named, Path.cwd(), "vocoder-base")
    if found is None:
        raise SingwizError(
            "finetune-missing",
            f"The vocoder to start from, '{named}', does not exist.",
            hint="Correct finetune_ckpt_path. To start from the community's vocoder: singwiz "
            "assets get pc-nsf-hifigan-base; to start from nothing: finetune_enabled=false.",
            where=named,
        )
    source = find_vocoder(found)
    reporter.log(f"Fine-tuning starts from {source}.")
    base = _with_discriminators(read_vocoder_checkpoint(source))
    check_family(base, network_config(options))
    own = gan.state_dict()
    weights_by_name = {f"generator.{name}": value for name, value in base.generator.items()}
    for family, weights in base.discriminators.items():
        weights_by_name |= {
            f"discriminator.{family}.{name}": value for name, value in weights.items()
        }
    report = load_pretrained(
        gan,
        weight_norm_names(weights_by_name, own),
        source=source,
        ignored_prefixes=list(options.get("finetune_ignored_params") or []),
        strict_shapes=bool(options.get("finetune_strict_shapes", True)),
        prefix="",
    )
    if not any(name.startswith("discriminator.") for name in report.loaded):
        reporter.warning(
            "finetune-without-discriminators",
            "This vocoder comes without fitting discriminators, so they start from nothing: the "
            "sound gets worse before it gets better.",
        )
    return report


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with most batches behind it; None if there is none.

    Files of SingingVocoders count every batch twice in their names, ours do not.
    """
    best: tuple[int, Path] | None = None
    for _, path in list_checkpoints(folder):
        step = true_step(peek(path))
        if best is None or step >= best[0]:
            best = (step, path)
    return best[1] if best else None


def find_checkpoint(folder: Path, step: int | None) -> Path:
    """The newest checkpoint of an experiment, or the one at a step.

    Raises:
        SingwizError: there is none; the hint lists the steps there are.
    """
    found = {true_step(peek(path)): path for _, path in list_checkpoints(folder)}
    wanted = max(found, default=None) if step is None else step
    if wanted is None or wanted not in found:
        what = "no checkpoint" if step is None else f"no checkpoint at step {step}"
        known = ", ".join(map(str, sorted(found))) or "none"
        raise SingwizError(
            "checkpoint-missing",
            f"There is {what} in '{folder}'.",
            hint=f"There are: {known}." if found else "Train the vocoder first.",
            where=str(folder),
        )
    return found[wanted]


def peek(path: Path) -> dict[str, Any]:
    """What a checkpoint says about itself, without reading its weights.

    Raises:
        SingwizError: it is damaged, or no training checkpoint.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
            raise TypeError("no training checkpoint")
        int(content.get("global_step", 0))
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise SingwizError(
            "checkpoint-unreadable",
            f"The checkpoint '{path.name}' is damaged, or contains code, which is never run.",
            hint="Delete or rename it; training then goes on from the one before.",
            where=str(path),
        ) from error
    return content


def _with_discriminators(base: VocoderCheckpoint) -> VocoderCheckpoint:
    """A HiFi-GAN generator with the discriminators of the same step, if they are there."""
    partner = base.path.with_name(base.path.name.replace("g_", "do_", 1))
    if base.kind != "hifigan" or not base.generator or not partner.is_file():
        return base
    other = read_vocoder_checkpoint(partner)
    return VocoderCheckpoint(base.path, base.kind, base.generator, other.discriminators)


def _check_resumable(path: Path, gan: Gan) -> None:
    content = peek(path)
    category = content.get("category", "vocoder")
    if category != "vocoder":
        raise SingwizError(
            "checkpoint-category",
            f"In this folder a model of kind '{category}' was trained, not a vocoder.",
            hint="Train the vocoder under another experiment name (--exp).",
            where=str(path),
        )
    stored: Mapping[str, Tensor] = content["state_dict"]
    wanted = gan.state_dict()
    differing = sorted(
        name
        for name in wanted.keys() | stored.keys()
        if name not in wanted or name not in stored or wanted[name].shape != stored[name].shape
    )
    if differing:
        shown = ", ".join(differing[:3]) + (" …" if len(differing) > 3 else "")
        raise SingwizError(
            "network-changed",
            "The config describes other networks than the ones trained in this folder: "
            f"{len(differing)} weights differ ({shown}).",
            hint="Undo the change of the model's settings, or train under another experiment "
            "name (the old one can be its starting point: finetune_ckpt_path).",
            where=str(path),
        )
