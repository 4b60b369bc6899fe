"""Tells the outside how training goes, and listens to whether it should stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback

from ..errors import Cancelled
from ..reporting import Reporter

REPORT_SECONDS = 0.5
"""Progress is reported at most this often."""

AGREE_EVERY = 10
"""With several devices, they agree on stopping every so many steps."""


class StopTraining(Cancelled):
    """Raised between two steps, on all devices at once, when the user asked to stop."""

    on_all_ranks = True


class ProgressReporter(Callback):
    """Progress, losses and learning rate for the reporter and TensorBoard.

    Losses stay on the device and are read every ``log_interval`` steps only, because reading
    makes the CPU wait for the GPU. What is shown is the mean over all batches since the last
    reading: a single batch says little, because its loss depends on the noise level drawn.

    Args:
        reporter: receives everything.
        max_steps: where training ends.
        log_interval: steps between two readings of the losses.
        stop: True once the user asked to stop.
    """

    def __init__(
        self, reporter: Reporter, *, max_steps: int, log_interval: int, stop: Callable[[], bool]
    ) -> None:
        self.reporter = reporter
        self.max_steps = max_steps
        self.log_interval = max(1, log_interval)
        self.stop = stop
        self.latest: dict[str, float] = {}
        self._sums: dict[str, torch.Tensor] = {}
        self._parts = 0
        self._samples = 0
        self._steps = 0
        self._reported_at = 0.0
        self._step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show where training begins."""
        self._step = trainer.global_step
        self._report("training", force=True)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Collect the losses of a batch; after an optimizer step report, log and maybe stop."""
        for name, value in outputs.items():
            tag = "total_loss" if name == "loss" else name
            self._sums[tag] = self._sums[tag] + value if tag in self._sums else value.clone()
        self._parts += 1
        self._samples += int(batch["size"])
        step = trainer.global_step
        if step == self._step:
            return
        self._step = step
        self._steps += 1
        if step % self.log_interval == 0 or step >= self.max_steps:
            self._log(trainer, pl_module, step)
            self._sums, self._parts, self._samples, self._steps = {}, 0, 0, 0
        self._report("training")
        self._stop_if_asked(trainer, agree=step % AGREE_EVERY == 0)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """A stop does not have to wait for the end of a validation."""
        self._report("validation")
        if trainer.world_size == 1:
            self._stop_if_asked(trainer, agree=False)

    def _log(self, trainer: pl.Trainer, pl_module: pl.LightningModule, step: int) -> None:
        pl_module.check_losses()  # type: ignore[operator]
        values = {name: float(total) / self._parts for name, total in self._sums.items()}
        values["batch_size"] = self._samples / self._steps
        values["lr"] = float(trainer.optimizers[0].param_groups[0]["lr"])
        tagged = {f"training/{name}": value for name, value in values.items()}
        self.publish(trainer, tagged, step)
        device = trainer.strategy.root_device
        if device.type == "cuda":  # only this process can tell what torch has taken
            taken = torch.cuda.max_memory_reserved(device) / 2**30
            self.reporter.metric("machine/gpu_memory", taken, step)

    def publish(self, trainer: pl.Trainer, values: dict[str, float], step: int) -> None:
        """Put numbers on TensorBoard's curves and tell the reporter."""
        self.latest.update(values)
        if trainer.logger is not None:
            trainer.logger.log_metrics(values, step=step)
        for name, value in values.items():
            self.reporter.metric(name, value, step)

    def _report(self, label: str, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._reported_at >= REPORT_SECONDS or self._step >= self.max_steps:
            self._reported_at = now
            self.reporter.progress(self._step, self.max_steps, label)

    def _stop_if_asked(self, trainer: pl.Trainer, *, agree: bool) -> None:
        asked = self.stop()
        if trainer.world_size > 1:
            asked = agree and trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked:
            raise StopTraining
