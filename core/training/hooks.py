"""Moments of a training that a model, its criterion, its optimizers or the caller can react to.

Nobody has to register: whoever has a method of that name is called, with Lightning's trainer as
the only argument unless said otherwise. The names are those of Coqui TTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from ..errors import Cancelled

if TYPE_CHECKING:
    from .memory import AnyTask

HOOKS: Mapping[str, str] = {
    "on_init_start": "before optimizers and data are set up",
    "on_init_end": "model, criterion and optimizers are there, on their device",
    "on_epoch_start": "a pass through the training data begins",
    "on_epoch_end": "a pass is over, or training ends",
    "on_train_epoch_start": "as on_epoch_start, after it",
    "on_train_epoch_end": "as on_epoch_end, before it",
    "on_train_step_start": "a batch is about to be trained on",
    "on_train_step_end": "the optimizers have made their steps",
    "before_backward_pass": "called with the losses by name and the optimizer",
    "before_gradient_clipping": "gradients are there, not clipped yet",
    "on_keyboard_interrupt": "the user stops the training",
}
"""Hook -> when it is called."""


def checked_callbacks(
    callbacks: Mapping[str, Callable[..., Any]] | None,
) -> dict[str, Callable[..., Any]]:
    """The caller's functions by hook.

    Raises:
        ValueError: there is no such hook.
    """
    unknown = sorted(set(callbacks or {}) - set(HOOKS))
    if unknown:
        raise ValueError(f"unknown callback {unknown[0]!r} (known: {', '.join(HOOKS)})")
    return dict(callbacks or {})


class HookCaller(Callback):
    """Calls the hooks: on the model, then the criterion, the optimizers, and the caller's own.

    Args:
        task: whose model and criterion.
        callbacks: functions of the caller by hook.

    Raises:
        ValueError: there is no such hook.
    """

    def __init__(
        self, task: AnyTask, callbacks: Mapping[str, Callable[..., Any]] | None = None
    ) -> None:
        self._task = task
        self._own = checked_callbacks(callbacks)
        self._epoch: int | None = None

    def call(self, name: str, optimizers: Iterable[Any], *arguments: Any) -> None:
        """Call one hook on everybody who has it."""
        for listener in (self._task.model, self._task.criterion, *optimizers):
            hook = getattr(listener, name, None)
            if callable(hook):
                hook(*arguments)
        if name in self._own:
            self._own[name](*arguments)

    # Lightning's moments ----------------------------------------------------------------

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """``on_init_start``."""
        self.call("on_init_start", (), trainer)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """``on_init_end``."""
        self.call("on_init_end", trainer.optimizers, trainer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """``on_train_step_start``, and ``on_epoch_…`` where a pass through the data begins."""
        epoch = self._task.epoch_of(batch_idx)
        if epoch != self._epoch:
            self._end_epoch(trainer)
            self._epoch = epoch
            for name in ("on_epoch_start", "on_train_epoch_start"):
                self.call(name, trainer.optimizers, trainer)
        self.call("on_train_step_start", trainer.optimizers, trainer)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """``on_train_step_end``."""
        self.call("on_train_step_end", trainer.optimizers, trainer)

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """``before_backward_pass``."""
        optimizer = self._task.stepping or trainer.optimizers[0]
        losses = dict(self._task.step_losses)
        self.call("before_backward_pass", trainer.optimizers, losses, optimizer)

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any
    ) -> None:
        """``before_gradient_clipping``."""
        self.call("before_gradient_clipping", trainer.optimizers, trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last pass is over, complete or not."""
        self._end_epoch(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """``on_keyboard_interrupt``; the stop button is the same wish."""
        if isinstance(exception, KeyboardInterrupt | Cancelled):
            self.call("on_keyboard_interrupt", trainer.optimizers, trainer)

    def _end_epoch(self, trainer: pl.Trainer) -> None:
        if self._epoch is not None:
            for name in ("on_train_epoch_end", "on_epoch_end"):
                self.call(name, trainer.optimizers, trainer)
        self._epoch = None
