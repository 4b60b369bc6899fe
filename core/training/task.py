"""What all training tasks share: steps, losses, validation, optimizer, checkpoint contents.

A task is the Lightning module around one network. What is particular to a model (its fields,
its losses, what it shows in a validation) is in the task of that model.

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
from torch import Tensor, nn

from ..checkpoint import migrate_names
from ..errors import SingwizError
from ..reporting import Reporter
from .checkpoints import STATE
from .data import TrainingItems, make_loader, usable_workers
from .gallery import ValidationGallery
from .loop_state import loop_state
from .optimizers import build_optimizer, resumed_state, state_shapes
from .sampler import BatchStream, TrainingPlan, validation_batches
from .schedulers import build_scheduler, schedule_at

if TYPE_CHECKING:
    from ..config import Config


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

    category: str
    """What is stored as the kind of model in checkpoints."""

    def __init__(self, model: nn.Module, config: Config, surroundings: Surroundings) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.options = options = config.to_dict()
        self.surroundings = surroundings
        self.validation_losses: dict[str, float] = {}
        size_key = options["dataset_size_key"]
        folder = surroundings.binary_dir
        self.train_items = TrainingItems(folder, "train", self.fields(), size_key=size_key)
        self.valid_items = TrainingItems(folder, "valid", self.fields(), size_key=size_key)
        self._plan = TrainingPlan(
            sizes=self.train_items.sizes,
            max_frames=int(options["max_batch_frames"]),
            max_items=int(options["max_batch_size"]),
            seed=surroundings.seed,
            grid=int(options["sampler_frame_count_grid"]),
            sort_by_size=bool(options["sort_by_len"]),
        )
        self._plan.epoch(0)  # a recording that is too long should show before anything starts
        self._stream: BatchStream | None = None
        self._start = (0, 0)
        self._start_batch = 0
        self._validated_step = 0
        self._validation_sums: dict[str, Tensor] = {}
        self._bad_losses: Tensor | None = None
        self._losses_seen = 0

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

    def show(self, gallery: ValidationGallery, items: int) -> None:
        """Let the model perform the first ``items`` validation items."""
        raise NotImplementedError

    def memory_hint(self) -> tuple[str, str]:
        """What a batch was, and what to change when it does not fit into memory."""
        frames = int(self.options["max_batch_frames"])
        return f"a batch of {frames} frames", f"Lower max_batch_frames (try {frames // 2})"

    # Training -----------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Losses of one batch; ``batch_idx`` counts batches from the beginning of training."""
        self._seed(batch_idx, self.global_rank)
        losses = self.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        bad = (~torch.isfinite(total.detach())).long()
        self._bad_losses = bad if self._bad_losses is None else self._bad_losses + bad
        self._losses_seen += 1
        if total.device.type == "cpu":
            self.check_losses()
        return {"loss": total, **{name: value.detach() for name, value in losses.items()}}

    def check_losses(self) -> None:
        """Raise if training broke down since the last call.

        In 16-bit training single steps may overflow; they are skipped and the scale is lowered.

        Raises:
            SingwizError: a loss is not a number.
        """
        bad = 0 if self._bad_losses is None else int(self._bad_losses)
        seen, self._bad_losses, self._losses_seen = self._losses_seen, None, 0
        half = str(self.trainer.precision).startswith("16")
        if bad and (bad == seen or not half):
            raise SingwizError(
                "loss-not-finite",
                f"Training broke down around step {self.trainer.global_step}: the loss is no "
                "longer a number.",
                hint="Lower optimizer_args.lr (try a third of it)"
                + (" or set pl_trainer_precision to 32-true" if half else "")
                + " and train again; it goes on from the last checkpoint. If it happens at "
                "once, check the recordings and prepare the data again.",
            )

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
        """Forget the sums of the last validation."""
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
        """Publish the mean losses and show what the model can do."""
        names = [*self.loss_names(), "weight"]
        sums = torch.stack([self._validation_sums[name] for name in names]).float()
        sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum").cpu()
        means = dict(zip(names[:-1], (sums[:-1] / sums[-1].clamp_min(1)).tolist(), strict=True))
        means["total_loss"] = sum(means.values())
        step = self.trainer.global_step
        self.validation_losses = {f"validation/{name}": value for name, value in means.items()}
        if not self.trainer.is_global_zero:
            return
        reporter = self.surroundings.reporter
        writer = None
        if isinstance(self.logger, TensorBoardLogger):
            self.logger.log_metrics(self.validation_losses, step=step)
            writer = self.logger.experiment
        for name, value in self.validation_losses.items():
            reporter.metric(name, value, step)
        shown = min(int(self.options["num_valid_plots"]), len(self.valid_items))
        if self.trainer.sanity_checking:
            shown = min(shown, 1)
        gallery = ValidationGallery(self.surroundings.work_dir, step, writer, reporter)
        if shown:
            with torch.autocast(self.device.type, enabled=False):
                self.show(gallery, shown)
        if not self.trainer.sanity_checking:
            self._validated_step = step

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
            "fit_loop": loop_state(step, batches=self._batches_at(step), missed_validation=missed)
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
