"""Running a training from start, or from where it was left, to its end or to a polite stop."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from ..checkpoint import load_state_dict
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..models import build_model
from ..reporting import Reporter
from .acoustic import AcousticTask
from .checkpoints import KeepCheckpoints, WholeCheckpointIO, checkpoint_name
from .experiment import Experiment, check_resumable, open_experiment, write_experiment
from .finetune import freeze, load_pretrained
from .hardware import TrainingHardware, choose_hardware
from .progress import ProgressReporter
from .task import Surroundings, TrainingTask

if TYPE_CHECKING:
    from ..config import Config
    from .vocoder.task import VocoderTask

    AnyTask = TrainingTask | VocoderTask

TASKS: dict[str, type[AcousticTask]] = {"acoustic": AcousticTask}


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    Attributes:
        steps: optimizer steps the model has now.
        checkpoint: the newest checkpoint.
        metrics: last training and validation values by their TensorBoard tag.
        seconds: wall time of this run.
        stopped_early: True if the user stopped it before its end.
    """

    steps: int
    checkpoint: Path
    metrics: dict[str, float]
    seconds: float
    stopped_early: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for job records and ``--json``."""
        return {
            "steps": self.steps,
            "checkpoint": str(self.checkpoint),
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
            "stopped_early": self.stopped_early,
        }


def train(
    config: Config,
    *,
    work_dir: Path,
    max_steps: int | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
    seed: int = 1234,
) -> TrainResult:
    """Train a model, going on from the newest checkpoint in its folder if there is one.

    Data order and noise depend on the seed and the step only, so a run that was killed and
    resumed on a CPU ends with the same weights as one that was not.

    Args:
        config: the model's config; ``binary_data_dir`` is relative to the working directory.
        work_dir: the experiment folder; receives config, dictionaries, checkpoints, logs.
        max_steps: optimizer step to stop at, counted from the first run; the config's
            ``max_updates`` if not given.
        device: ``auto`` (as the config says), ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        reporter: receives progress, metrics, warnings and artifacts, and is asked whether to
            stop. Ctrl-C stops politely too; both save a checkpoint.
        seed: of data order and noise, and of the first weights.

    Raises:
        SingwizError: anything the user can mend, e.g. no prepared data, a network that differs
            from the checkpoint's, a loss that is no longer a number, too little memory.
    """
    started = time.monotonic()
    # Lightning starts further ranks as copies of this process; only the first one speaks.
    speaks = int(os.environ.get("LOCAL_RANK", 0)) == 0 and int(os.environ.get("NODE_RANK", 0)) == 0
    reporter = reporter if reporter is not None and speaks else Reporter()
    if config.kind not in (*TASKS, "vocoder"):
        raise SingwizError(
            "training-kind",
            f"Training a {config.kind} model is not possible with this version.",
            hint="Train the acoustic model.",
        )
    options = config.to_dict()
    work_dir = work_dir.absolute()
    goal = int(options["max_updates"] if max_steps is None else max_steps)
    if goal < 1:
        raise SingwizError(
            "steps-unusable",
            f"Training for {goal} steps is no training.",
            hint="Ask for at least one step.",
            exit_code=USAGE_PROBLEM,
        )
    with _quiet():
        task, experiment = _open(config, work_dir, reporter, seed)
        hardware = choose_hardware(
            options, device, unused_parameters=task.has_unused_parameters(), reporter=reporter
        )
        if speaks:
            write_experiment(experiment, config, reporter)
        return _run(task, experiment, hardware, goal, reporter, started)


def _open(
    config: Config, work_dir: Path, reporter: Reporter, seed: int
) -> tuple[AnyTask, Experiment]:
    if config.kind == "vocoder":
        from .vocoder.experiment import open_vocoder_training

        return open_vocoder_training(config, work_dir, reporter, seed)
    experiment = open_experiment(config, work_dir, reporter)
    model = _prepare_model(config.kind, config.to_dict(), experiment, reporter, seed)
    surroundings = Surroundings(experiment.binary_dir, work_dir, reporter, seed)
    return TASKS[config.kind](model, config, surroundings), experiment


def _prepare_model(
    kind: str, options: dict[str, Any], experiment: Experiment, reporter: Reporter, seed: int
) -> nn.Module:
    torch.manual_seed(seed)
    try:
        model = build_model(kind, options, vocab_size=experiment.vocab_size)
    except ValueError as error:
        raise SingwizError(
            "model-config",
            f"No model can be built from the config: {error}.",
            hint="Choose a preset, or undo the last change of the model's settings.",
        ) from error
    if options.get("freezing_enabled"):
        frozen = freeze(model, options.get("frozen_params") or [])
        reporter.log(f"{frozen} parameters are frozen.")
    check_resumable(experiment, model, kind)
    if options.get("finetune_enabled") and experiment.checkpoint is None:
        if not options.get("finetune_ckpt_path"):
            raise SingwizError(
                "finetune-path",
                "Fine-tuning is on, but no model to start from is named.",
                hint="Set finetune_ckpt_path, or turn finetune_enabled off.",
            )
        source = Path(options["finetune_ckpt_path"])
        report = load_pretrained(
            model,
            load_state_dict(source, kind),
            source=source,
            ignored_prefixes=options.get("finetune_ignored_params") or [],
            strict_shapes=bool(options.get("finetune_strict_shapes", True)),
        )
        reporter.log(report.summary())
    return model


def _run(
    task: AnyTask,
    experiment: Experiment,
    hardware: TrainingHardware,
    goal: int,
    reporter: Reporter,
    started: float,
) -> TrainResult:
    options = task.options
    logger = TensorBoardLogger(
        experiment.work_dir, name="lightning_logs", version="latest", default_hp_metric=False
    )
    keeper = KeepCheckpoints(
        experiment.work_dir,
        keep=int(options["num_ckpt_keep"]),
        permanent_start=options.get("permanent_ckpt_start"),
        permanent_interval=options.get("permanent_ckpt_interval"),
        reporter=reporter,
    )
    with _asks_to_stop(reporter) as stop:
        progress = ProgressReporter(
            reporter, max_steps=goal, log_interval=int(options["log_interval"]), stop=stop
        )
        accumulate = int(options.get("accumulate_grad_batches") or 1)
        trainer = pl.Trainer(
            accelerator=hardware.accelerator,
            devices=hardware.devices,
            num_nodes=hardware.num_nodes,
            strategy=hardware.strategy,
            precision=hardware.precision,  # type: ignore[arg-type]
            plugins=[WholeCheckpointIO()],
            max_steps=goal,
            max_epochs=-1,
            accumulate_grad_batches=accumulate,
            gradient_clip_val=float(options.get("clip_grad_norm") or 0) or None,
            val_check_interval=int(options["val_check_interval"]) * accumulate,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=int(options["num_sanity_val_steps"]),
            log_every_n_steps=int(options["log_interval"]),
            logger=logger,
            callbacks=[keeper, progress],
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=experiment.work_dir,
        )
        stopped = _fit(trainer, task, experiment.checkpoint)
    steps = keeper.last_saved if keeper.last_saved is not None else trainer.global_step
    return TrainResult(
        steps=steps,
        checkpoint=experiment.work_dir / checkpoint_name(steps),
        metrics={**progress.latest, **task.validation_losses},
        seconds=time.monotonic() - started,
        stopped_early=stopped,
    )


def _fit(trainer: pl.Trainer, task: AnyTask, checkpoint: Path | None) -> bool:
    """Run Lightning; True if the user stopped it."""
    try:
        trainer.fit(task, ckpt_path=checkpoint, weights_only=True)
    except Cancelled:
        return True
    except SystemExit:
        # Lightning's way out after SIGTERM or a second Ctrl-C; everything is saved by then.
        return True
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(task, trainer) from error
    except RuntimeError as error:
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            raise _out_of_memory(task, trainer) from error
        raise
    return False


def _out_of_memory(task: AnyTask, trainer: pl.Trainer) -> SingwizError:
    batch, cure = task.memory_hint()
    return SingwizError(
        "out-of-memory",
        f"The memory was too small for {batch} at step {trainer.global_step}.",
        hint=f"{cure} and train again; it goes on from the last checkpoint.",
    )


@contextlib.contextmanager
def _asks_to_stop(reporter: Reporter) -> Iterator[Callable[[], bool]]:
    """A question whether to stop, that also hears the first Ctrl-C; the second one interrupts.

    Whoever has a handler of their own already (the command line, a job) tells the reporter.
    """
    pressed = threading.Event()
    nobodys = (signal.default_int_handler, signal.SIG_DFL, signal.SIG_IGN)
    own_thread = threading.current_thread() is threading.main_thread()
    if not own_thread or signal.getsignal(signal.SIGINT) not in nobodys:
        yield reporter.cancelled
        return

    def note(signum: int, frame: Any) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed.is_set() or reporter.cancelled()
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide what Lightning and torch tell developers; users can do nothing about it."""
    talkers = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in talkers]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(lightning|torch)\b")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
