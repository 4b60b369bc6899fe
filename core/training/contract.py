"""What a model has to be able to do to be trained: one contract, for our own models and for yours.

A model is a ``nn.Module`` that knows nothing of Lightning: it can be built, trained for a step and
run by itself. :class:`~.task.TrainingTask` calls its methods and does the rest (data, devices,
checkpoints, resuming, logs). The contract follows the one of Coqui TTS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..checkpoint import load_weights
from ..models.arguments import arguments_of, known_arguments
from ..models.outputs import MAIN_OUTPUT, named_outputs
from .optimizers import build_optimizer
from .schedulers import build_scheduler

if TYPE_CHECKING:
    from .examination import Examination
    from .gallery import ValidationGallery
    from .measurements import Measurement

Outputs = Mapping[str, Any]
"""What a pass of a model gives by name; ``model_outputs`` is the main one."""

MAIN = "main"
"""Name of the optimizer of a model that has only one."""

LOSS = "loss"
"""The entry of losses that the optimizer minimises."""


class Criterion(nn.Module):
    """Losses of a training step.

    Attributes:
        names: of the losses that :meth:`compute` returns, in the order in which they are summed.
    """

    names: tuple[str, ...] = ()

    def compute(
        self, outputs: Outputs, batch: Mapping[str, Any], optimizer_name: str = MAIN
    ) -> dict[str, Tensor]:
        """The losses, each multiplied by its weight.

        Args:
            outputs: what the model's ``forward`` gave, by name.
            batch: what the model's ``format_batch`` gave.
            optimizer_name: whose step it is, for models with several optimizers.

        Returns:
            Scalars by name. Their sum is minimised, unless there is one called ``loss``.
        """
        raise NotImplementedError

    def forward(
        self, outputs: Outputs, batch: Mapping[str, Any], optimizer_name: str = MAIN
    ) -> dict[str, Tensor]:
        """:meth:`compute`, checked, with the entry ``loss``.

        Raises:
            ValueError: a loss is missing or no scalar.
        """
        losses = dict(self.compute(outputs, batch, optimizer_name))
        for name, value in losses.items():
            if value.ndim:
                raise ValueError(f"the loss {name!r} has the shape {tuple(value.shape)}: no scalar")
        if LOSS not in losses:
            missing = [name for name in self.names if name not in losses]
            if missing or not losses:
                raise ValueError(
                    f"the criterion names the losses {', '.join(self.names) or 'none'}, "
                    f"but gives {', '.join(losses) or 'none'}"
                )
            losses = {LOSS: torch.stack([losses[name] for name in self.names]).sum(), **losses}
        return losses


class TrainableModel(nn.Module):
    """Base of everything that can be trained.

    Whatever a constructor parameter is called is what it means: parameters without a default are
    taken from the config (``vocab_size`` from the prepared data), those with one from
    ``architecture_args``; annotations give their types.

    Attributes:
        category: kind of model: what it reads and what it makes.
        optimizers: names of the optimizers in the order of their steps.
        options: the whole config, plain.

    Methods called ``on_init_start``, ``on_init_end``, ``on_epoch_start``, ``on_epoch_end``,
    ``on_train_epoch_start``, ``on_train_epoch_end``, ``on_train_step_start``,
    ``on_train_step_end``, ``before_backward_pass``, ``before_gradient_clipping`` or
    ``on_keyboard_interrupt`` are called at that moment, see :mod:`.hooks`.
    """

    category: ClassVar[str]
    optimizers: tuple[str, ...] = (MAIN,)
    options: Mapping[str, Any]

    # Making one -------------------------------------------------------------------------

    @classmethod
    def init_from_config(cls, config: Mapping[str, Any], *, vocab_size: int) -> Self:
        """A model with fresh weights.

        Args:
            config: the whole config, plain.
            vocab_size: phoneme ids including the padding id 0.

        Raises:
            ValueError: the config lacks something, or an argument is of the wrong type.
        """
        given = {**config, "vocab_size": vocab_size}
        required = [one.name for one in arguments_of(cls) if one.required]
        lacking = [name for name in required if name not in given]
        if lacking:
            raise ValueError(f"the config lacks {', '.join(lacking)}")
        chosen = known_arguments(cls, config.get("architecture_args") or {})
        model = cls(**{name: given[name] for name in required}, **chosen)
        model.options = dict(config)
        return model

    # Running it -------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """A training pass over what :meth:`format_batch` gave.

        Returns:
            A dict with ``model_outputs``, or something whose ``as_dict()`` is one.
        """
        raise NotImplementedError

    def inference(
        self, inputs: Mapping[str, Tensor], aux_input: Mapping[str, Any] | None = None
    ) -> Any:
        """What the model makes when nothing is known but its inputs.

        Args:
            inputs: tensors by name, without targets.
            aux_input: whatever else may be wished; unknown wishes are passed over.

        Returns:
            As :meth:`forward`.
        """
        raise NotImplementedError

    # Training it ------------------------------------------------------------------------

    def fields(self) -> list[str]:
        """Stored fields of the prepared data that the model takes."""
        raise NotImplementedError

    def format_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """A batch of the loader with the names of :meth:`forward`; ``size`` and ``indices`` are
        the loader's own."""
        return {name: value for name, value in batch.items() if name not in ("size", "indices")}

    def has_unused_parameters(self) -> bool:
        """True if parts of the network take no part in training (data-parallel runs must know)."""
        return False

    def get_criterion(self) -> Criterion:
        """The losses."""
        raise NotImplementedError

    def train_step(
        self, batch: Mapping[str, Any], criterion: Criterion, optimizer_name: str = MAIN
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """One pass and its losses; called once for every optimizer.

        Args:
            batch: what :meth:`format_batch` gave.
            criterion: what :meth:`get_criterion` gave.
            optimizer_name: whose step it is.

        Returns:
            Outputs and losses by name; ``loss`` is what the optimizer minimises.
        """
        outputs = named_outputs(self(**batch))
        return outputs, criterion(outputs, batch, optimizer_name)

    def eval_step(
        self, batch: Mapping[str, Any], criterion: Criterion, optimizer_name: str = MAIN
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """:meth:`train_step` on held-out recordings."""
        return self.train_step(batch, criterion, optimizer_name)

    def train_log(
        self, batch: Mapping[str, Any], outputs: Outputs, gallery: ValidationGallery
    ) -> None:
        """Show something of the training batch before every validation; nothing by default."""

    def eval_log(self, examination: Examination) -> list[Measurement]:
        """Let the model perform held-out recordings, show and measure what comes out.

        Args:
            examination: the recordings, and where to show things.
        """
        return []

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """Name and value of the number that tells good checkpoints from bad; lower is better.

        None if it was not measured; the validation loss decides then.
        """
        return None

    def get_optimizers(self) -> dict[str, Optimizer]:
        """The optimizers by name, in the order in which checkpoints keep them.

        One for all parameters, as ``optimizer_args`` says, if a model does not know better.
        """
        return {MAIN: build_optimizer(self, self.options["optimizer_args"])}

    def get_schedulers(self, optimizers: Mapping[str, Optimizer]) -> dict[str, Any]:
        """Learning-rate schedules by the name of their optimizer; each moves once per step."""
        args = self.options["lr_scheduler_args"]
        return {name: build_scheduler(one, args) for name, one in optimizers.items()}

    # Loading it -------------------------------------------------------------------------

    def load_checkpoint(self, path: Path, *, eval: bool = False) -> None:
        """Take the weights of a checkpoint.

        Args:
            path: the ``.ckpt`` file.
            eval: get ready for performing instead of for training.

        Raises:
            SingwizError: it cannot be read, or is another model's.
        """
        load_weights(self, path, self.category)
        self.train(not eval)


__all__ = ["LOSS", "MAIN", "MAIN_OUTPUT", "Criterion", "Outputs", "TrainableModel"]
