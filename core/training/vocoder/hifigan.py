"""Going on from a training of the original HiFi-GAN: its pairs of ``g_`` and ``do_`` files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ...atomic import atomic_path
from ...errors import SingwizError
from ...reporting import Reporter
from ...vocoder_checkpoint import (
    HIFIGAN_NAME,
    load_vocoder_weights,
    read_vocoder_checkpoint,
)
from ..checkpoints import STATE, checkpoint_name
from .gan import Gan


def newest_pair(folder: Path) -> tuple[Path, Path] | None:
    """The newest generator and discriminators in a folder, or None if it holds no such files.

    Raises:
        SingwizError: files are there, but none belong to the same step.
    """
    if not folder.is_dir():
        return None
    names = {path.name for path in folder.iterdir() if HIFIGAN_NAME.fullmatch(path.name)}
    steps = {kind: {n[-8:] for n in names if n.startswith(kind)} for kind in ("g_", "do_")}
    both = steps["g_"] & steps["do_"]
    if both:
        newest = max(both)
        return folder / f"g_{newest}", folder / f"do_{newest}"
    if not names:
        return None
    raise SingwizError(
        "hifigan-pair",
        f"In '{folder}' no generator (g_…) and discriminators (do_…) are of the same step.",
        hint="Copy both files of one step there; a generator alone can be fine-tuned with "
        "finetune_ckpt_path.",
        where=str(folder),
    )


def adopt_pair(
    folders: Sequence[Path], work_dir: Path, gan: Gan, reporter: Reporter
) -> Path | None:
    """Make a checkpoint of ours out of the newest pair, with its optimizers, step and epoch.

    Args:
        folders: where to look, first come first served.
        work_dir: the experiment folder that receives the checkpoint; the pair stays as it is.
        gan: networks of the config.
        reporter: is told what was found.

    Returns:
        The checkpoint, or None if there is no pair.

    Raises:
        SingwizError: the files do not belong together, are damaged or do not fit the config.
    """
    pair = next((found for folder in folders if (found := newest_pair(folder))), None)
    if pair is None:
        return None
    generator, others = (read_vocoder_checkpoint(path) for path in pair)
    load_vocoder_weights(gan.generator, generator.generator, where=str(pair[0]))
    for family, module in gan.discriminator.items():
        weights = others.discriminators.get(family, {})
        load_vocoder_weights(module, weights, where=str(pair[1]))
    try:
        step, epoch = int(others.content["steps"]) + 1, max(0, int(others.content["epoch"]))
        states = [others.content["optim_g"], others.content["optim_d"]]
    except (KeyError, TypeError, ValueError):
        raise SingwizError(
            "hifigan-pair",
            f"'{pair[1].name}' does not say where its training stood.",
            hint="Copy it again; a generator alone can be fine-tuned with finetune_ckpt_path.",
            where=str(pair[1]),
        ) from None
    target = work_dir / checkpoint_name(step)
    content = {
        "state_dict": gan.state_dict(),
        "optimizer_states": states,
        "lr_schedulers": [],
        "callbacks": {},
        "loops": {},
        "global_step": step,
        "epoch": epoch,
        "category": "vocoder",
        "pytorch-lightning_version": "2.6.0",
        # The epoch that was interrupted is repeated from its beginning.
        STATE: {"epoch": epoch, "batch": 0, "plan": [], "validated_step": step},
    }
    with atomic_path(target) as temporary:
        torch.save(content, temporary)
    reporter.log(f"Going on from HiFi-GAN's {pair[0].name} and {pair[1].name}, step {step}.")
    return target
