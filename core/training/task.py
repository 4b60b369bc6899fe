"""What all training tasks share: steps, losses, validation, optimizer, checkpoint contents.

A task is the Lightning module around one network. What is particular to a model (its fields,
its losses, what it shows in a validation) is in the task of that model.

Lightning sees the training data as one endless epoch. Where a run stands is therefore just a
number of batches, and resuming does not depend on how Lightning counts epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray
from torch import Tensor, nn

from ..checkpoint import PREFIX, migrate_names
from ..errors import SingwizError
from ..reporting import Reporter
from .checkpoints import STATE
from .data import TrainingItems, collate, make_loader, usable_workers
from .gallery import ValidationGallery
from .loop_state import loop_state
from .loss_watch import LossWatch
from .measurements import Measurement
from .memory import OutOfMemory, batch_too_large
from .notices import TOTAL
from .optimizers import build_optimizer, resumed_state, state_shapes
from .progress import StopTraining
from .sampler import BatchStream, TrainingPlan, greedy_batches, validation_batches
from .schedulers import build_scheduler, schedule_at
from .sound_classes import class_of_tokens
from .validation_book import ValidationBook

if TYPE_CHECKING:
    from ..config import Config

SAMPLING_FRAMES = 12000
"""Padded frames that are sampled at once in a validation."""

PERFORMED_AT_ONCE = 8
"""Items that are sampled at once in a validation."""

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
    """

    binary_dir: Path
    work_dir: Path
    reporter: Reporter
    seed: int


class TrainingTask(pl.LightningModule):
    """Base of the tasks.

    Args:
        model: the network, frozen and with fine-tuning weights where wanted.
        config: the model's config; ``options`` is the same as plain data.
        surroundings: folders, reporter, seed.
    """

    prefix = PREFIX
    """What checkpoints put before the names of the network's weights."""
    category: str
    """What is stored as the kind of model in checkpoints."""

    def __init__(self, model: nn.Module, config: Config, surroundings: Surroundings) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.options = options = config.to_dict()
        self.surroundings = surroundings
        self.validation_values: dict[str, float] = {}
        self.book = ValidationBook(surroundings.work_dir, surroundings.reporter)
        size_key = options["dataset_size_key"]
        folder = surroundings.binary_dir
        self.train_items = TrainingItems(folder, "train", self.fields(), size_key=size_key)
        self.valid_items = TrainingItems(folder, "valid", self.fields(), size_key=size_key)
        if not self.loss_names():
            raise SingwizError(
                "nothing-trained",
                "The config trains no part of the model.",
                hint="Turn on train_aux_decoder or train_diffusion in shallow_diffusion_args.",
            )
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
        self._classes: NDArray[np.int64] | None = None

    @property
    def plan(self) -> TrainingPlan:
        """The training batches of every epoch."""
        return self._plan

    # What a model's task defines ----------------------------------------------------------

    def fields(self) -> list[str]:
        """Stored fields that the model takes."""
        raise NotImplementedError

    def loss_names(self) -> list[str]:
        """Names of the losses that :meth:`losses` returns."""
        raise NotImplementedError

    def has_unused_parameters(self) -> bool:
        """True if parts of the network take no part in training (data-parallel runs must know)."""
        raise NotImplementedError

    def losses(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of a batch, already multiplied by their weights; their sum is minimised."""
        raise NotImplementedError

    def examine(self, gallery: ValidationGallery, shown: int, measured: int) -> list[Measurement]:
        """Let the model perform validation items, and measure what comes out.

        Args:
            gallery: where to show the results.
            shown: how many items, from the first, are shown and go into DiffSinger's metrics.
            measured: how many items go into errors; at least ``shown``.
        """
        raise NotImplementedError

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """Name and value of the number that tells good checkpoints from bad; lower is better.

        None if it was not measured; the validation loss decides then.
        """
        raise NotImplementedError

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

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Losses of one batch; ``batch_idx`` counts batches from the beginning of training."""
        self._seed(batch_idx, self.global_rank)
        losses = self.losses(batch)
        values = torch.stack([losses[name] for name in self.loss_names()])
        self._watch.note(values, batch["indices"])
        if values.device.type == "cpu":
            self.check_losses()
        return {
            "loss": values.sum(),
            **{name: value.detach() for name, value in losses.items()},
        }

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

    def _seed(self, *numbers: int) -> None:
        """Make all noise a function of the run's seed and of these numbers."""
        sequence = np.random.SeedSequence([self.surroundings.seed, *numbers])
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))

    def configure_optimizers(self) -> Any:
        """Optimizer and schedule from the config; the schedule moves once per step."""
        optimizer = build_optimizer(self.model, self.options["optimizer_args"])
        scheduler = build_scheduler(optimizer, self.options["lr_scheduler_args"])
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

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
        self._seed(batch_idx, self.global_rank)
        with torch.autocast(self.device.type, enabled=False):
            losses = self.losses(batch)
        for name, value in losses.items():
            self._validation_sums[name] += value.detach().double().cpu() * size
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
            writer = self.logger.experiment if isinstance(self.logger, TensorBoardLogger) else None
            gallery = ValidationGallery(
                self.surroundings.work_dir, step, writer, self.surroundings.reporter
            )
            with torch.autocast(self.device.type, enabled=False):
                measurements = self.examine(gallery, shown, measured)
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

    def performed_batches(self, count: int) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """The first ``count`` validation items, several at once: their numbers and their batch.

        Says how far it is, and obeys a wish to stop; the validation is made up for later.
        """
        reporter, trainer = self.surroundings.reporter, self.trainer
        goal = trainer.max_steps or 0
        sizes = self.valid_items.sizes
        limit = max(SAMPLING_FRAMES, *sizes[:count], 1)
        order = sorted(range(count), key=lambda index: sizes[index])
        done = 0
        for indices in greedy_batches(order, sizes, max_frames=limit, max_items=PERFORMED_AT_ONCE):
            label = f"trying the model on held-out recording {done + 1} of {count}"
            reporter.progress(trainer.global_step, max(trainer.global_step, goal), label)
            if trainer.world_size == 1 and reporter.cancelled():
                raise StopTraining
            done += len(indices)
            batch = collate([self.valid_items[index] for index in indices])
            yield indices, self.transfer_batch_to_device(batch, self.device, 0)

    # What the tasks ask for ---------------------------------------------------------------

    @property
    def vocab_size(self) -> int:
        """Number of phoneme ids, padding included."""
        return len(self.model.get_parameter("fs2.txt_embed.weight"))

    @property
    def classes(self) -> NDArray[np.int64]:
        """Class of sound of every phoneme id, ``[V]``."""
        if self._classes is None:
            self._classes = class_of_tokens(
                self.surroundings.binary_dir,
                self.surroundings.work_dir,
                vocab_size=self.vocab_size,
            )
        return self._classes

    def title(self, index: int) -> str:
        """Heading of a validation item's pictures."""
        name = self.valid_items.name(index)
        speakers = self.valid_items.metadata.get("spk_names")
        return f"{speakers[index]} - {name}" if speakers else name

    def phonemes_of(self, index: int) -> list[str]:
        """Names of a validation item's phonemes, or their ids where names are not stored."""
        texts = self.valid_items.metadata.get("ph_texts")
        stored = str(texts[index]).split() if texts else []
        tokens = self.valid_items[index]["tokens"]
        return stored if len(stored) == len(tokens) else [str(token) for token in tokens]

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
        checkpoint["loops"] = {
            "fit_loop": loop_state(step, self._batches_at(step), missed_validation=missed)
        }
        self._resume_optimizer(checkpoint, step)

    def _batches_at(self, step: int) -> int:
        return step * self.trainer.accumulate_grad_batches

    def _resume_optimizer(self, checkpoint: dict[str, Any], step: int) -> None:
        arguments = self.options["optimizer_args"]
        schedule, lr = schedule_at(
            self.options["lr_scheduler_args"], lr=float(arguments["lr"]), step=step
        )
        checkpoint["lr_schedulers"] = [schedule]
        optimizer = build_optimizer(self.model, arguments)
        fresh, shapes = optimizer.state_dict(), state_shapes(optimizer)
        resumed = None
        if checkpoint.get("optimizer_states"):
            resumed = resumed_state(fresh, checkpoint["optimizer_states"][0], shapes, lr=lr)
        if resumed is None:
            self.surroundings.reporter.warning(
                "optimizer-restarted",
                "The optimizer or the frozen parameters changed: weights and step are kept, the "
                "optimizer starts anew.",
            )
            resumed = resumed_state(fresh, fresh, shapes, lr=lr)
        checkpoint["optimizer_states"] = [resumed]
