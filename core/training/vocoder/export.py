"""Out of a training, a vocoder to sing with: ``model.ckpt`` and ``config.json`` in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from torch import nn

from ...errors import Cancelled
from ...reporting import Reporter
from ...vocoder_checkpoint import load_vocoder_weights, read_vocoder_checkpoint, write_generator
from .experiment import build_gan, find_checkpoint
from .gan import network_config

FILE = "model.ckpt"
FOLDER = "exported"
"""In the experiment folder; ``last`` and ``best`` are in it."""


def write_vocoder(folder: Path, generator: nn.Module, options: Mapping[str, Any]) -> Path:
    """Write a generator and its config; returns the path for ``vocoder_ckpt``.

    Args:
        folder: is made if it does not exist.
        generator: see :func:`.vocoder_checkpoint.write_generator`.
        options: the plain training config.

    Raises:
        SingwizError: it cannot be written.
    """
    config = network_config(options)
    args = {
        name: value
        for name, value in config["model_args"].items()
        if value is not None and not name.startswith("fast_") and name != "discriminators"
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    write_generator(path, generator, {**config, "model_args": args})
    return path


def export_vocoder(
    config: Any, work_dir: Path, target: Path, *, step: int | None = None
) -> tuple[Path, int]:
    """Export a checkpoint of an experiment.

    Args:
        config: the config that was saved with the experiment.
        work_dir: the experiment folder.
        target: folder to write to.
        step: which checkpoint; None = the newest.

    Returns:
        The vocoder's file and its step.

    Raises:
        SingwizError: there is no such checkpoint, it does not fit, or writing failed.
    """
    from .experiment import peek
    from .task import true_step

    options = config.to_dict()
    source = find_checkpoint(work_dir, step)
    checkpoint = read_vocoder_checkpoint(source)
    generator = build_gan(options, 0).generator
    load_vocoder_weights(generator, checkpoint.generator, where=str(source))
    return write_vocoder(target, generator, options), true_step(peek(source))


class ExportVocoder(Callback):
    """After every validation and at the end, the newest vocoder; and the best one so far.

    The best is the one whose validation spectrograms are nearest to the recordings'.
    """

    def __init__(self, work_dir: Path, reporter: Reporter) -> None:
        self.folder = work_dir / FOLDER
        self.reporter = reporter
        self._step = -1

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """A validation says how good the vocoder is."""
        if trainer.sanity_checking:
            return
        if not trainer.is_global_zero:
            return
        self._write(trainer, pl_module, "last")
        best = pl_module.book.journal.best
        if best is not None and best.step == trainer.global_step:
            path = self._write(trainer, pl_module, "best")
            step = trainer.global_step
            self.reporter.artifact("checkpoint", path, f"best vocoder so far, step {step}")

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """What was learned since the last validation."""
        if trainer.is_global_zero and self._step != trainer.global_step:
            self._write(trainer, pl_module, "last")

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """The same when the user stops."""
        trained = trainer.global_step > 0 and not trainer.sanity_checking
        if isinstance(exception, Cancelled) and trained:
            self.on_train_end(trainer, pl_module)

    def _write(self, trainer: pl.Trainer, pl_module: Any, name: str) -> Path:
        self._step = trainer.global_step
        return write_vocoder(self.folder / name, pl_module.generator, pl_module.options)
