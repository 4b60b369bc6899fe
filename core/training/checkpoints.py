"""When checkpoints are written, which ones are kept, and how they get onto the disk whole."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ..atomic import atomic_path
from ..errors import SingwizError
from ..reporting import Reporter

STATE = "singwiz"
"""Key of our own state in a checkpoint, beside Lightning's."""

UNSAVEABLE = frozenset({"loss-not-finite", "disk-full", "checkpoint-unwritable"})
"""Errors after which saving would keep something bad, or fail again."""


def checkpoint_name(step: int) -> str:
    """File name of the checkpoint at an optimizer step."""
    return f"model_ckpt_steps_{step}.ckpt"


def is_permanent(step: int, start: int, interval: int) -> bool:
    """True if ``step`` is ``start`` or a number of ``interval``\\ s later.

    As in DiffSinger only a start above 0 and an interval above 9 count.
    """
    if start <= 0 or interval <= 9:
        return False
    return step >= start and (step - start) % interval == 0


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints atomically and reads them without running code from them."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write to a temporary file that replaces ``path`` once it is complete.

        Raises:
            SingwizError: the disk is full or refuses the file.
        """
        target = Path(path)
        try:
            with atomic_path(target) as temporary:
                torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:
            # torch's writer reports a failed write as a RuntimeError, without the reason.
            no_space = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            size = sum(t.numel() * t.element_size() for t in checkpoint["state_dict"].values())
            if no_space or shutil.disk_usage(target.parent).free < 3 * size:
                raise SingwizError(
                    "disk-full",
                    "The disk is full: the checkpoint could not be saved.",
                    hint="Free some space and train again; it goes on from the last checkpoint.",
                    where=str(target),
                ) from error
            if isinstance(error, OSError) or "inline_container" in str(error):
                reason = getattr(error, "strerror", None) or "the file cannot be written to its end"
                raise SingwizError(
                    "checkpoint-unwritable",
                    f"The checkpoint could not be saved: {reason}.",
                    hint="Check that the folder of the experiment can be written to, and that no "
                    "limit on your files or disk space is reached.",
                    where=str(target),
                ) from error
            raise

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Tensors and plain values of a checkpoint, on the CPU."""
        loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return loaded


class KeepCheckpoints(Checkpoint):
    """Saves after each validation, at the end and when training is interrupted.

    Only files that this run (and the ones it continues) wrote are ever deleted.

    Args:
        folder: the experiment folder.
        keep: newest checkpoints to keep; -1 keeps all.
        permanent_start, permanent_interval: checkpoints at ``start + n * interval`` steps stay
            for good; active for a start above 0 and an interval above 9, as in DiffSinger.
        reporter: is told about every checkpoint.
        protected: steps that must be kept at present, asked before deleting, e.g. the best.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int,
        permanent_start: int | None,
        permanent_interval: int | None,
        reporter: Reporter,
        protected: Callable[[], Collection[int]] = tuple,
    ) -> None:
        self.folder = folder
        self.keep = keep
        self.permanent_start = permanent_start or 0
        self.permanent_interval = permanent_interval or 0
        self.reporter = reporter
        self.protected = protected
        self.steps: list[int] = []
        self.last_saved: int | None = None
        self.failed_in_validation = False

    def is_permanent(self, step: int) -> bool:
        """True if the checkpoint of a step is never deleted."""
        return is_permanent(step, self.permanent_start, self.permanent_interval)

    def save(self, trainer: pl.Trainer) -> None:
        """Write the checkpoint of the present step, then delete the ones past keeping."""
        step = trainer.global_step
        if step == self.last_saved:
            return
        path = self.folder / checkpoint_name(step)
        self.steps = sorted({*self.steps, step})
        trainer.save_checkpoint(path)
        self.last_saved = step
        if trainer.is_global_zero:
            self._rotate()
            self.reporter.artifact("checkpoint", path, f"step {step}")

    def _rotate(self) -> None:
        if self.keep < 1:
            return
        kept = {*self.steps[-self.keep :], *self.protected()}
        for step in self.steps:
            if step not in kept and not self.is_permanent(step):
                (self.folder / checkpoint_name(step)).unlink(missing_ok=True)
        self.steps = [step for step in self.steps if step in kept]

    # Lightning's hooks ------------------------------------------------------------------

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save after a validation, but not after the check before training."""
        if not trainer.sanity_checking:
            self.save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save what was trained since the last validation."""
        self.save(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Save the last complete step, unless that would keep broken weights.

        With several devices only a stop that all of them agreed on can be saved: a lone one
        would wait for the others forever.
        """
        self.failed_in_validation = trainer.validating or trainer.sanity_checking
        hopeless = isinstance(exception, SingwizError) and exception.code in UNSAVEABLE
        agreed = trainer.world_size == 1 or getattr(exception, "on_all_ranks", False)
        trained = trainer.global_step > 0 and trainer.state.fn == "fit"
        if hopeless or not agreed or not trained or trainer.sanity_checking:
            return
        if not all(bool(torch.isfinite(p).all()) for p in pl_module.parameters()):
            return
        self.save(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Steps of the checkpoints that may be deleted one day."""
        return {"steps": list(self.steps)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the list of a run that is continued."""
        self.steps = [int(step) for step in state_dict["steps"]]

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note where training goes on, and adopt the files of a DiffSinger run."""
        self.last_saved = int(checkpoint["global_step"])
        for state in checkpoint.get("callbacks", {}).values():
            if isinstance(state, Mapping) and "best_k_models" in state:
                self.steps = sorted(
                    int(Path(name).stem.rpartition("_")[2]) for name in state["best_k_models"]
                )
