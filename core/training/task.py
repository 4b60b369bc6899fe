"""The Lightning module around a model: steps, validation, optimizers, checkpoint contents.

What is particular to a model (its fields, its losses, what it shows in a validation) is in the
methods of the contract that the model fulfils, see :mod:`.contract`; this module only calls them.

Lightning sees the training data as one endless epoch. Where a run stands is therefore just a
number of batches, and resuming does not depend on how Lightning counts epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer

from ..checkpoint import PREFIX, migrate_names
from ..errors import SingwizError
from ..reporting import Reporter
from .checkpoints import STATE
from .contract import LOSS, Criterion, TrainableModel
from .data import TrainingItems, make_loader, usable_workers
from .examination import Examination, seed_noise
from .gallery import ValidationGallery
from .loop_state import loop_state
from .loss_watch import LossWatch
from .measurements import Measurement
from .memory import OutOfMemory, batch_too_large
from .notices import TOTAL
from .resuming import resume_optimizers
from .sampler import BatchStream, TrainingPlan, validation_batches
from .stepping import checked_optimizers, refuse_accumulation, take_steps
from .validation_book import ValidationBook

if TYPE_CHECKING:
    from ..config import Config

MEASURED_FRAMES = {"cuda": 60_000}
"""Frames of validation items that are measured although they are not shown, per device: where
sampling costs little, errors are taken over more recordings."""

MOST_NAMED = 8
"""Names of recordings in one message."""


@dataclass(frozen=True)
class Surroundings:
    """What a task needs to know besides its config.

    Attributes:
        binary_dir: the binary data folder.
        work_dir: the experiment folder.
        reporter: receives validation results and warnings.
        seed: decides data order and noise.
        vocab_size: phoneme ids including padding; 0 if the model reads none.
    """

    binary_dir: Path
    work_dir: Path
    reporter: Reporter
    seed: int
    vocab_size: int = 0


class TrainingTask(pl.LightningModule):
    """The Lightning module around a model.

    Args:
        model: frozen and with fine-tuning weights where wanted.
        config: the model's config; ``options`` is the same as plain data.
        surroundings: folders, reporter, seed.

    Attributes:
        stepping: optimizer whose step it is, among several.
        step_losses: losses of the present step by name.
    """

    prefix = PREFIX
    """What checkpoints put before the names of the network's weights."""
    stepping: Optimizer | None = None
    _outputs: Mapping[str, Any] = {}
    _shown_step = -1

    def __init__(self, model: TrainableModel, config: Config, surroundings: Surroundings) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.options = options = config.to_dict()
        self.surroundings = surroundings
        self.validation_values: dict[str, float] = {}
        self.step_losses: Mapping[str, Tensor] = {}
        self.book = ValidationBook(surroundings.work_dir, surroundings.reporter)
        # Not a child: checkpoints hold the network alone.
        self._others = {"criterion": model.get_criterion()}
        self.automatic_optimization = len(model.optimizers) == 1
        if not self.automatic_optimization:
            refuse_accumulation(options)
        if not self.loss_names():
            raise SingwizError(
                "nothing-trained",
                "The config trains no part of the model.",
                hint="Turn on train_aux_decoder or train_diffusion in shallow_diffusion_args.",
            )
        size_key, fields = options["dataset_size_key"], model.fields()
        folder = surroundings.binary_dir
        self.train_items = TrainingItems(folder, "train", fields, size_key=size_key)
        self.valid_items = TrainingItems(folder, "valid", fields, size_key=size_key)
        self._plan = TrainingPlan(
            sizes=self.train_items.sizes,
            max_frames=int(options["max_batch_frames"]),
            max_items=int(options["max_batch_size"]),
            seed=surroundings.seed,
            grid=int(options["sampler_frame_count_grid"]),
            sort_by_size=bool(options["sort_by_len"]),
            names=self.train_items.metadata.get("names"),
        )
        self._plan.epoch(0)  # a recording that is too long should show before anything starts
        self._stream: BatchStream | None = None
        self._start = (0, 0)
        self._start_batch = 0
        self._validated_step = 0
        self._validation_sums: dict[str, Tensor] = {}
        self._watch = LossWatch(self.loss_names())

    @property
    def plan(self) -> TrainingPlan:
        """The training batches of every epoch."""
        return self._plan

    @property
    def criterion(self) -> Criterion:
        """The losses."""
        return self._others["criterion"]

    @property
    def category(self) -> str:
        """What is stored as the kind of model in checkpoints."""
        return self.model.category

    @property
    def optimizer_names(self) -> list[str]:
        """In the order in which Lightning and checkpoints have the optimizers."""
        return self._optimizer_names

    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses, ``loss`` not among them."""
        return self.criterion.names

    def has_unused_parameters(self) -> bool:
        """True if parts of the network take no part in a step (data-parallel runs must know)."""
        return self.model.has_unused_parameters() or not self.automatic_optimization

    def losses(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of a training batch for the first optimizer, ``loss`` among them."""
        inputs, first = self.model.format_batch(batch), self.model.optimizers[0]
        self._outputs, losses = self.model.train_step(inputs, self.criterion, first)
        return losses

    def out_of_memory(self, where: str, validating: bool) -> OutOfMemory:
        """The error for a batch that did not fit into memory.

        Args:
            where: point of the training, in words.
            validating: it was a validation batch.
        """
        return batch_too_large(self, where, validating)

    # Training -----------------------------------------------------------------------------

    def on_train_start(self) -> None:
        """Forget validations of steps that are trained anew."""
        if self.trainer.is_global_zero:
            self.book.journal.begin(self.trainer.global_step)

    def on_fit_start(self) -> None:
        """Whatever the losses hold goes where the network is."""
        self.criterion.to(self.device)

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Losses of one batch; ``batch_idx`` counts batches from the beginning of training."""
        seed_noise(self.surroundings.seed, batch_idx, self.global_rank)
        if self.automatic_optimization:
            self.step_losses = losses = self.losses(batch)
            total = losses[LOSS]
            logs = {name: v.detach() for name, v in losses.items() if name != LOSS}
        else:
            clip = float(self.options.get("clip_grad_norm") or 0)
            inputs = self.model.format_batch(batch)
            total, logs, self._outputs = take_steps(self, inputs, clip=clip)
            for schedule in self._schedules():
                schedule.step()
        self._watch.note(torch.stack([logs[name] for name in self.loss_names()]), batch["indices"])
        if total.device.type == "cpu":
            self.check_losses()
        return {LOSS: total, **logs}

    def _schedules(self) -> list[Any]:
        found = self.lr_schedulers()
        return [] if found is None else found if isinstance(found, list) else [found]

    def on_train_batch_end(self, outputs: Any, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Let the model show a training batch before a validation."""
        step, every = self.trainer.global_step, int(self.options["val_check_interval"])
        if step % every == 0 and step != self._shown_step and self.trainer.is_global_zero:
            self._shown_step = step
            gallery = self._gallery("training")
            self.model.train_log(self.model.format_batch(batch), self._outputs, gallery)
        self._outputs = {}

    def epoch_of(self, batches: int) -> int:
        """Passes through the training data before a batch."""
        if self._stream is None:
            return self._start[0]
        return self._stream.position(batches - self._start_batch)[0]

    def check_losses(self) -> None:
        """Raise if training broke down since the last call.

        In 16-bit training single steps may overflow; they are skipped and the scale is lowered.

        Raises:
            SingwizError: a loss is not a number; the recordings of that batch are named.
        """
        half = str(self.trainer.precision).startswith("16")
        items = self._watch.broken_batch(forgiving=half)
        if items is None:
            return
        names = [self.train_items.name(index) for index in items]
        shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        spoilt = self._spoilt(items)
        if spoilt:
            hint = "Prepare the data again; if it stays, look at that recording or leave it out."
        else:
            hint = (
                "Lower optimizer_args.lr (try a third of it)"
                + (" or set pl_trainer_precision to 32-true" if half else "")
                + " and train again; it goes on from the last checkpoint. If it happens at "
                "once, check these recordings and prepare the data again."
            )
        raise SingwizError(
            "loss-not-finite",
            f"Training broke down around step {self.trainer.global_step}: the loss is no longer "
            f"a number. {spoilt or f'The batch held: {shown}.'}",
            hint=hint,
            where=shown,
        )

    def _spoilt(self, items: list[int]) -> str:
        """A sentence about a training item with values that are no numbers; empty if none has."""
        for index in items:
            for field, value in self.train_items[index].items():
                array = np.asarray(value)
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    name = self.train_items.name(index)
                    return f"Prepared data of '{name}' is broken: '{field}' is not all numbers."
        return ""

    def configure_optimizers(self) -> Any:
        """Optimizers and schedules of the model; schedules move once per step."""
        optimizers = checked_optimizers(self.model, self.model.get_optimizers())
        schedules = self.model.get_schedulers(optimizers)
        self._optimizer_names = list(optimizers)
        return [
            {
                "optimizer": one,
                **(
                    {"lr_scheduler": {"scheduler": schedules[name], "interval": "step"}}
                    if name in schedules
                    else {}
                ),
            }
            for name, one in optimizers.items()
        ]

    # Data ---------------------------------------------------------------------------------

    def train_dataloader(self) -> Any:
        """Endless batches from where the run stands."""
        epoch, batch = self._start
        self._stream = BatchStream(
            self._plan,
            rank=self.global_rank,
            world_size=self.trainer.world_size,
            epoch=epoch,
            batch=batch,
        )
        return self._loader(self.train_items, self._stream)

    def val_dataloader(self) -> Any:
        """The validation items in their own order."""
        frames, size = self.options["max_val_batch_frames"], self.options["max_val_batch_size"]
        batches = validation_batches(
            self.valid_items.sizes,
            max_frames=int(self.options["max_batch_frames"] if frames == -1 else frames),
            max_items=int(self.options["max_batch_size"] if size == -1 else size),
            rank=self.global_rank,
            world_size=self.trainer.world_size,
            names=self.valid_items.metadata.get("names"),
        )
        return self._loader(self.valid_items, batches)

    def _loader(self, items: TrainingItems, batches: Any) -> Any:
        on_cpu = self.device.type == "cpu"
        workers = int(self.options["ds_workers"])
        return make_loader(
            items,
            batches,
            workers=usable_workers(workers, on_cpu=on_cpu, in_memory=items.in_memory),
            prefetch=int(self.options["dataloader_prefetch_factor"]),
            pin_memory=self.device.type == "cuda",
        )

    # Validation ---------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Forget the sums of the last validation; broken weights are not worth one."""
        self.check_losses()
        self._validation_sums = {
            name: torch.zeros((), dtype=torch.float64) for name in (*self.loss_names(), "weight")
        }

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Losses in 32 bits, with the same noise at every validation so that they compare."""
        size = int(batch["size"])
        if not size:
            return
        seed_noise(self.surroundings.seed, batch_idx, self.global_rank)
        inputs, losses = self.model.format_batch(batch), dict[str, Tensor]()
        with torch.autocast(self.device.type, enabled=False):
            for name in self.model.optimizers:
                _, found = self.model.eval_step(inputs, self.criterion, name)
                losses = {**found, **losses}
        for name in self.loss_names():
            self._validation_sums[name] += losses[name].detach().double().cpu() * size
        self._validation_sums["weight"] += size

    def on_validation_epoch_end(self) -> None:
        """Publish the mean losses, show what the model can do, and keep what was measured."""
        losses = self._mean_losses()
        self.validation_values = {f"validation/{name}": v for name, v in losses.items()}
        if not self.trainer.is_global_zero:
            return
        step = self.trainer.global_step
        self.book.publish_losses(self.logger, step, losses)
        shown, measured = self._performed_items()
        measurements: list[Measurement] = []
        if measured:
            with torch.autocast(self.device.type, enabled=False):
                measurements = self.model.eval_log(self._examination(shown, measured))
        if self.trainer.sanity_checking:
            return  # one item tells nothing that later values could be compared with
        self._validated_step = step
        self.validation_values |= {f"metrics/{one.name}": one.value for one in measurements}
        self.book.publish(self.logger, step, measurements)
        self.book.record(
            step,
            losses=losses,
            training=self._watch.means(),
            measurements=measurements,
            score=self.score(measurements),
            items=measured or len(self.valid_items),
        )

    def on_validation_end(self) -> None:
        """Mark the best checkpoint; the newest one is on the disk by now."""
        if self.trainer.is_global_zero and not self.trainer.sanity_checking:
            self.book.journal.mark_best()

    def _mean_losses(self) -> dict[str, float]:
        names = [*self.loss_names(), "weight"]
        sums = torch.stack([self._validation_sums[name] for name in names]).float()
        sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum").cpu()
        means = dict(zip(names[:-1], (sums[:-1] / sums[-1].clamp_min(1)).tolist(), strict=True))
        return {**means, TOTAL: sum(means.values())}

    def _performed_items(self) -> tuple[int, int]:
        """How many validation items are shown, and how many are measured."""
        shown = min(int(self.options["num_valid_plots"]), len(self.valid_items))
        if self.trainer.sanity_checking:
            return min(shown, 1), min(shown, 1)
        frames = np.cumsum(self.valid_items.sizes)
        affordable = int((frames <= MEASURED_FRAMES.get(self.device.type, 0)).sum())
        return shown, max(shown, affordable)

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """What decides which checkpoint is the best; the validation loss if None."""
        return self.model.score(measurements)

    def _examination(self, shown: int, measured: int) -> Examination:
        trainer = self.trainer
        return Examination(
            gallery=self._gallery("validation"),
            shown=shown,
            measured=measured,
            items=self.valid_items,
            training=self.train_items,
            config=self.config,
            surroundings=self.surroundings,
            vocab_size=self.surroundings.vocab_size,
            device=self.device,
            step=trainer.global_step,
            goal=trainer.max_steps or 0,
            stoppable=trainer.world_size == 1,
            to_device=lambda batch: self.transfer_batch_to_device(batch, self.device, 0),
        )

    def _gallery(self, split: str) -> ValidationGallery:
        writer = self.logger.experiment if isinstance(self.logger, TensorBoardLogger) else None
        return ValidationGallery(
            self.surroundings.work_dir,
            self.trainer.global_step,
            writer,
            self.surroundings.reporter,
            split=split,
        )

    # Checkpoints --------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what DiffSinger expects in the file, and where the data stands."""
        stage = self.trainer.state.stage
        checkpoint["category"] = self.category
        checkpoint["trainer_stage"] = str(stage.value) if stage is not None else "train"
        consumed = self._batches_at(self.trainer.global_step) - self._start_batch
        epoch, batch = self._stream.position(consumed) if self._stream else self._start
        checkpoint["epoch"] = epoch
        checkpoint[STATE] = {
            "epoch": epoch,
            "batch": batch,
            "plan": [self.trainer.world_size, *self._plan.signature()],
            "validated_step": self._validated_step,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Prepare a checkpoint, ours or DiffSinger's, for going on under the present config."""
        checkpoint["state_dict"] = migrate_names(checkpoint["state_dict"])
        step = int(checkpoint["global_step"])
        state = checkpoint.get(STATE, {})
        plan = [self.trainer.world_size, *self._plan.signature()]
        if state.get("plan") == plan:
            self._start = (int(state["epoch"]), int(state["batch"]))
        elif state:
            # Other data or batch sizes: the rest of that epoch means nothing any more.
            self._start = (int(state["epoch"]) + 1, 0)
        else:
            self._start = (int(checkpoint.get("epoch", 0)), 0)
        self._start_batch = self._batches_at(step)
        self._validated_step = int(state.get("validated_step", step))
        every = int(self.options["val_check_interval"])
        missed = step > 0 and step % every == 0 and self._validated_step < step
        manual = not self.automatic_optimization
        batches = self._batches_at(step)
        checkpoint["loops"] = {
            "fit_loop": loop_state(step, batches, missed_validation=missed, manual=manual)
        }
        resume_optimizers(self, checkpoint, step)

    def _batches_at(self, step: int) -> int:
        return step * self.trainer.accumulate_grad_batches
