"""Training a vocoder with Lightning: two optimizers, clips, whole recordings for validation.

A step is one batch, whatever the number of optimizers: steps, files and curves count batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import Dataset

from ...binarize.vocoder_item import PITCH_IDS, VocoderRecipe
from ...errors import SingwizError
from ...models.vocoder.losses import log_stft_distance
from ..checkpoints import STATE
from ..contract import LOSS, Criterion
from ..data import make_loader, usable_workers
from ..examination import seed_noise
from ..gallery import ValidationGallery
from ..loop_state import loop_state
from ..loss_watch import LossWatch
from ..memory import OutOfMemory
from ..notices import TOTAL
from ..resuming import resume_optimizers
from ..sampler import BatchStream
from ..stepping import checked_optimizers, take_steps
from ..task import Surroundings
from ..validation_book import ValidationBook
from .clips import ClipPlan, Clips, ClipSettings, Piece, collate, whole
from .gan import DISCRIMINATOR, Gan
from .optimizers import GanOptimizers
from .records import Records, open_records, usable
from .showing import show_recording
from .tuning import SUMS, Intonation, Tuner

if TYPE_CHECKING:
    from ...config import Config

CATEGORY = "vocoder"
"""Kind of model that our checkpoints name; SingingVocoders' name none."""

VALIDATION_METRICS = ("mel_spec_error", "stft_loss")
_NAMED = 5
_SHORTEST = 8
"""Clips shorter than twice this many frames are not halved any more."""


class Whole(Dataset[Piece]):
    """Whole recordings, by their place in a list."""

    def __init__(self, records: Records, indices: list[int], hop: int) -> None:
        self.records = records
        self.indices = indices
        self.hop = hop

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Piece:
        return whole(self.records, self.indices[place], self.hop)


class VocoderTask(pl.LightningModule):
    """The Lightning module around a :class:`~.gan.Gan`.

    Args:
        gan: networks and losses, frozen and with fine-tuning weights where wanted.
        config: the vocoder's config; ``options`` is the same as plain data.
        surroundings: folders, reporter, seed.
        index_dir: folder of SingingVocoders' index files, used where there is no binary dataset.
    """

    category = CATEGORY
    prefix = ""
    stepping: Optimizer | None = None
    """The optimizer whose step it is."""
    step_losses: Mapping[str, Tensor] = {}
    """Losses of the present step by name."""
    optimizer_names: Sequence[str] = ()
    """In the order in which Lightning and checkpoints have the optimizers."""
    _outputs: Mapping[str, Any] = {}
    _shown_step = -1

    def __init__(
        self, gan: Gan, config: Config, surroundings: Surroundings, *, index_dir: Path
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        # Direct children, so that weights have the names of the checkpoints in use.
        self.generator = gan.generator
        self.discriminator = gan.discriminator
        self._parts = {"gan": gan}  # not a child: its weights are those above
        self._losses = {"criterion": gan.get_criterion()}
        self.config = config
        self.options = options = config.to_dict()
        self.surroundings = surroundings
        self.validation_values: dict[str, float] = {}
        self.book = ValidationBook(surroundings.work_dir, surroundings.reporter)
        folder, seed = surroundings.binary_dir, surroundings.seed
        names = {"train": options["train_set_name"], "valid": options["valid_set_name"]}
        self.records = {
            split: open_records(folder, index_dir / str(name), split)
            for split, name in names.items()
        }
        frames = int(options["crop_mel_frames"])
        self.recipe = VocoderRecipe.of(config)
        if self.recipe.pe not in PITCH_IDS:
            # Faster copies are measured while training, where networks have no place.
            self.recipe = replace(self.recipe, pe="parselmouth")
        trained = self._usable("train", frames)
        self._validated = self._usable("valid", 1)
        self._clips = Clips(
            self.records["train"],
            ClipSettings.of(options),
            self.recipe,
            seed=seed,
            max_f0=gan.max_f0,
        )
        self._plan = ClipPlan(trained, int(options["batch_size"]), seed)
        self._stream: BatchStream | None = None
        self._start = (0, 0)
        self._start_batch = 0
        self._validated_step = 0
        self._sounded: set[int] = set()
        self._validation_sums: dict[str, Tensor] = {}
        self._tuner = Tuner(self.recipe)
        self._watch = LossWatch((TOTAL,))

    @property
    def gan(self) -> Gan:
        """Networks and losses."""
        return self._parts["gan"]

    def _usable(self, split: str, frames: int) -> list[int]:
        kept, others = usable(self.records[split], frames=frames, max_f0=self.gan.max_f0)
        why = {
            "short": f"shorter than a clip of {frames} frames",
            "high": f"sung above {self.gan.max_f0:.0f} Hz, more than this vocoder can carry",
        }
        for reason, names in others.items():
            if names:
                shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
                self.surroundings.reporter.log(
                    f"{len(names)} recording(s) are passed over, {why[reason]}: {shown}"
                )
        if not kept:
            purpose = "training" if split == "train" else "validation"
            raise SingwizError(
                "binary-data-empty",
                f"The prepared data has no recording for {purpose} that can be used.",
                hint="Lower crop_mel_frames, keep fewer recordings for validation, or add some; "
                "then prepare the data again.",
                where=str(self.surroundings.binary_dir),
            )
        return kept

    def has_unused_parameters(self) -> bool:
        """Each half of a step leaves one of the networks out."""
        return self.model.has_unused_parameters()

    @property
    def model(self) -> Gan:
        """The networks, under the name that all tasks have for them."""
        return self.gan

    @property
    def criterion(self) -> Criterion:
        """The losses."""
        return self._losses["criterion"]

    @property
    def plan(self) -> ClipPlan:
        """The batches."""
        return self._plan

    @property
    def train_items(self) -> Sequence[int]:
        """Numbers of the recordings that are trained on."""
        return self._plan.indices

    def out_of_memory(self, where: str, validating: bool) -> OutOfMemory:
        """The error for clips that were too much for one batch, or a recording too long."""
        size, frames = self._plan.batch_size, int(self.options["crop_mel_frames"])
        if validating:
            longest = max(self.records["valid"].lengths[index] for index in self._validated)
            what = f"a recording of up to {longest} frames"
            setting, smaller = "val_num", None
        elif size > 1:
            what = f"a batch of {size} clips of {frames} frames"
            setting, smaller = "batch_size", size // 2
        else:
            what = f"one clip of {frames} frames"
            setting, smaller = "crop_mel_frames", frames // 2 if frames >= 2 * _SHORTEST else None
        return OutOfMemory(
            f"The memory was too small for {what}, {where}.", setting=setting, smaller=smaller
        )

    # Devices ------------------------------------------------------------------------------

    def on_fit_start(self) -> None:
        """Windows and filters of the losses go where the networks are."""
        for part in (self.gan.criterion, self.gan.mel):
            part.to(self.device)

    # Training -----------------------------------------------------------------------------

    def on_train_start(self) -> None:
        """Forget validations of steps that are trained anew."""
        if self.trainer.is_global_zero:
            self.book.journal.begin(self.trainer.global_step)

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Discriminators first, then the generator against what they have become.

        In the first ``aux_step`` steps the generator learns from spectrograms alone.
        ``batch_idx`` counts batches from the beginning of training.
        """
        seed_noise(self.surroundings.seed, batch_idx, self.global_rank)
        both = GanOptimizers(*self.trainer.optimizers)
        both.set_rates(self.options, step=batch_idx, epoch=self.epoch_of(batch_idx))
        gan = self.model
        gan.judged = batch_idx >= int(self.options.get("aux_step") or 0)
        skipped = () if gan.judged else (DISCRIMINATOR,)
        total, logs, self._outputs = take_steps(self, gan.format_batch(batch), skipped=skipped)
        self._watch.note(total[None], batch["indices"])
        if self.device.type == "cpu":
            self.check_losses()
        return {LOSS: total, **logs}

    def on_train_batch_end(self, outputs: Any, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Let the model show a training batch before a validation."""
        step, every = self.trainer.global_step, int(self.options["val_check_interval"])
        if step % every == 0 and step != self._shown_step and self.trainer.is_global_zero:
            self._shown_step = step
            gallery = self._gallery("training")
            self.model.train_log(self.model.format_batch(batch), self._outputs, gallery)
        self._outputs = {}

    def check_losses(self) -> None:
        """Raise if training broke down since the last call.

        In 16-bit training single steps may overflow; they are skipped and the scale is lowered.

        Raises:
            SingwizError: a loss is not a number.
        """
        half = str(self.trainer.precision).startswith("16")
        items = self._watch.broken_batch(forgiving=half)
        if items is None:
            return
        names = [self.records["train"].names[index] for index in items]
        shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        raise SingwizError(
            "loss-not-finite",
            f"Training broke down around step {self.trainer.global_step}: the loss is no longer "
            f"a number. The batch held clips of: {shown}.",
            hint="Lower generater_optimizer_args.lr and discriminate_optimizer_args.lr (try a "
            "third)"
            + (" or set pl_trainer_precision to 32-true" if half else "")
            + " and train again; it goes on from the last checkpoint. If it happens at once, "
            "check these recordings and prepare the data again.",
            where=shown,
        )

    def configure_callbacks(self) -> list[pl.Callback]:
        """The vocoder is exported as it gets better."""
        from .export import ExportVocoder

        return [ExportVocoder(self.surroundings.work_dir, self.surroundings.reporter)]

    def configure_optimizers(self) -> Any:
        """The model's optimizers, in the order of checkpoints."""
        optimizers = checked_optimizers(self.model, self.model.get_optimizers())
        self.optimizer_names = list(optimizers)
        return list(optimizers.values())

    # Data ---------------------------------------------------------------------------------

    def epoch_of(self, batches: int) -> int:
        """Passes through the recordings before a batch."""
        if self._stream is None:
            return self._start[0]
        return self._stream.position(batches - self._start_batch)[0]

    def train_dataloader(self) -> Any:
        """Endless batches from where the run stands."""
        epoch, batch = self._start
        self._stream = BatchStream(
            self._plan,  # type: ignore[arg-type]  # its batches are lists of tickets
            rank=self.global_rank,
            world_size=self.trainer.world_size,
            epoch=epoch,
            batch=batch,
        )
        return self._loader(self._clips, self._stream, self.records["train"])

    def val_dataloader(self) -> Any:
        """Whole recordings, one by one, shared among the ranks."""
        places = list(range(len(self._validated)))
        mine = places[self.global_rank :: self.trainer.world_size]
        items = Whole(self.records["valid"], self._validated, self.recipe.hop_size)
        return self._loader(items, [[place] for place in mine], self.records["valid"])

    def _loader(self, items: Any, batches: Any, records: Records) -> Any:
        on_cpu = self.device.type == "cpu"
        return make_loader(
            items,
            batches,
            workers=usable_workers(
                int(self.options["ds_workers"]), on_cpu=on_cpu, in_memory=records.in_memory
            ),
            prefetch=int(self.options["dataloader_prefetch_factor"]),
            pin_memory=self.device.type == "cuda",
            collate_fn=collate,
        )

    # Validation ---------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Forget the sums of the last validation."""
        self._validation_sums = {
            name: torch.zeros((), dtype=torch.float64)
            for name in (*VALIDATION_METRICS, "weight", *SUMS)
        }

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Sing a whole recording in 32 bits, with the same noise at every validation."""
        place = batch_idx * self.trainer.world_size + self.global_rank
        seed_noise(self.surroundings.seed, place)
        mel, audio = batch["mel"], batch["audio"]
        with torch.autocast(self.device.type, enabled=False):
            sung = self.generator(mel, batch["f0"])
            errors = {
                "mel_spec_error": (self.gan.mel(sung) - self.gan.mel(audio)).abs().mean(),
                "stft_loss": log_stft_distance(sung, audio),
            }
        for name, value in errors.items():
            self._validation_sums[name] += value.double().cpu()
        self._validation_sums["weight"] += 1
        heard, recorded = (wave[0, 0].float().cpu().numpy() for wave in (sung, audio))
        for name, number in zip(SUMS, self._tuner.listen(place, heard, recorded), strict=True):
            self._validation_sums[name] += number
        shown = int(self.options["num_valid_plots"])
        if self.trainer.sanity_checking:
            shown = min(shown, 1)
        if self.trainer.is_global_zero and place < shown:
            show_recording(
                self._gallery(),
                place,
                sung=heard,
                recorded=recorded,
                name=self.records["valid"].names[self._validated[place]],
                options=self.options,
                first=place not in self._sounded,
            )
            self._sounded.add(place)

    def _gallery(self, split: str = "validation") -> ValidationGallery:
        writer = self.logger.experiment if isinstance(self.logger, TensorBoardLogger) else None
        return ValidationGallery(
            self.surroundings.work_dir,
            self.trainer.global_step,
            writer,
            self.surroundings.reporter,
            split=split,
        )

    def on_validation_epoch_end(self) -> None:
        """Publish the mean errors."""
        stacked = torch.stack(list(self._validation_sums.values())).float().to(self.device)
        stacked = self.trainer.strategy.reduce(stacked, reduce_op="sum").cpu()
        sums = dict(zip(self._validation_sums, stacked.tolist(), strict=True))
        means = {name: sums[name] / max(sums["weight"], 1) for name in VALIDATION_METRICS}
        intonation = Intonation(*(sums[name] for name in SUMS))
        measurements = intonation.measurements(len(self._validated))
        means[TOTAL] = means["stft_loss"]
        self.validation_values = {f"validation/{name}": value for name, value in means.items()}
        step = self.trainer.global_step
        if self.trainer.is_global_zero:
            self.book.publish_losses(self.logger, step, means)
            self.book.publish(self.logger, step, measurements)
        if self.trainer.sanity_checking:
            return
        self._validated_step = step
        if self.trainer.is_global_zero:
            self.book.record(
                step,
                losses=means,
                # Training losses weigh discriminators in; validation errors do not.
                training={},
                measurements=measurements,
                score=("mel_spec_error", means["mel_spec_error"]),
                items=len(self._validated),
                against="" if intonation.in_tune else "out of tune",
            )

    def on_validation_end(self) -> None:
        """Mark the best checkpoint; the newest one is on the disk by now."""
        if self.trainer.is_global_zero and not self.trainer.sanity_checking:
            self.book.journal.mark_best()

    # Checkpoints --------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add where the data stands."""
        checkpoint["category"] = self.category
        consumed = self.trainer.global_step - self._start_batch
        epoch, batch = self._stream.position(consumed) if self._stream else self._start
        checkpoint["epoch"] = epoch
        checkpoint[STATE] = {
            "epoch": epoch,
            "batch": batch,
            "plan": [self.trainer.world_size, *self._plan.signature()],
            "validated_step": self._validated_step,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Prepare a checkpoint, ours or SingingVocoders', for going on under this config."""
        state = checkpoint.get(STATE)
        if state is None:
            checkpoint["global_step"] = true_step(checkpoint)
            checkpoint["callbacks"] = {}
            state = {}
        step = int(checkpoint["global_step"])
        plan = [self.trainer.world_size, *self._plan.signature()]
        epoch = int(state.get("epoch", checkpoint.get("epoch", 0)))
        if state.get("plan") == plan:
            self._start = (epoch, int(state["batch"]))
        else:
            # Other recordings or batches: the rest of that epoch means nothing any more.
            self._start = (epoch + 1 if state.get("plan") else epoch, 0)
        self._start_batch = step
        self._validated_step = int(state.get("validated_step", step))
        every = int(self.options["val_check_interval"])
        missed = step > 0 and step % every == 0 and self._validated_step < step
        checkpoint["loops"] = {
            "fit_loop": loop_state(step, step, missed_validation=missed, manual=True)
        }
        checkpoint["lr_schedulers"] = []
        resume_optimizers(self, checkpoint, step)


def true_step(checkpoint: Mapping[str, Any]) -> int:
    """Batches behind a checkpoint; SingingVocoders counts each once per optimizer."""
    step = int(checkpoint.get("global_step", 0))
    if STATE in checkpoint:
        return step
    return step // max(1, len(checkpoint.get("optimizer_states") or [1, 1]))
