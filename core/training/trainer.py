"""Running a training from start, or from where it was left, to its end or to a polite stop."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from ..checkpoint import load_state_dict
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .checkpoints import KeepCheckpoints, WholeCheckpointIO, checkpoint_name
from .compiling import compile_networks, compiling_explained
from .experiment import Experiment, check_resumable, open_experiment, write_experiment
from .finetune import FinetuneReport, freeze, load_pretrained
from .hardware import TrainingHardware, choose_hardware
from .hooks import HookCaller, checked_callbacks
from .keeping import read_kept
from .memory import OutOfMemory, memory_explained
from .preflight import Preflight, announce, look_ahead
from .progress import ProgressReporter
from .task import Surroundings, TrainingTask
from .trainable import build_trainable

if TYPE_CHECKING:
    from ..config import Config
    from .contract import TrainableModel
    from .memory import AnyTask


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
    retry_smaller: bool = False,
    compiled: bool = False,
    callbacks: Mapping[str, Callable[..., Any]] | None = None,
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
        reporter: receives the plan, progress, metrics, warnings and artifacts, and is asked
            whether to stop. Ctrl-C stops politely too; both save a checkpoint.
        seed: of data order and noise, and of the first weights.
        retry_smaller: on a lack of memory go on from the last checkpoint with batches half as
            large, as often as it takes (on one device only).
        compiled: let torch compile the large networks; pays on recent GPUs.
        callbacks: functions by the moment at which to call them, see :mod:`.hooks`.

    Raises:
        ValueError: a callback for a moment that does not exist.
        SingwizError: anything the user can mend, e.g. no prepared data, a network that differs
            from the checkpoint's, a loss that is no longer a number, too little memory.
    """
    started = time.monotonic()
    reporter = _heard(reporter)
    callbacks = checked_callbacks(callbacks)
    while True:
        try:
            with _quiet():
                task, experiment, hardware, finetune = _prepare(
                    config, work_dir.absolute(), device, reporter, seed
                )
                goal = _goal(task.options, max_steps)
                if _speaks():
                    with memory_explained(task):
                        plan = look_ahead(task, experiment, hardware, goal=goal, finetune=finetune)
                    announce(plan, reporter)
                    write_experiment(experiment, config, reporter)
                if compiled:
                    compile_networks(task.model)
                return _run(task, experiment, hardware, goal, reporter, started, callbacks)
        except OutOfMemory as error:
            if not retry_smaller or error.smaller is None or hardware.world_size > 1:
                raise
            setting, smaller = error.setting, error.smaller
            reporter.warning(
                "smaller-batches",
                f"{error.message} Training goes on with {setting} {smaller}; put that into the "
                "config to have it at once next time.",
            )
        # Outside of the handler the failed run is no longer referred to, and its memory is free.
        config = config.model_copy(update={setting: smaller})
        del task
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def preview(
    config: Config,
    *,
    work_dir: Path,
    max_steps: int | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
    seed: int = 1234,
) -> Preflight:
    """What :func:`train` would do, without doing it; nothing is written.

    Arguments and errors are those of :func:`train`.
    """
    reporter = _heard(reporter)
    with _quiet():
        task, experiment, hardware, finetune = _prepare(
            config, work_dir.absolute(), device, reporter, seed
        )
        with memory_explained(task):
            plan = look_ahead(
                task,
                experiment,
                hardware,
                goal=_goal(task.options, max_steps),
                finetune=finetune,
            )
    announce(plan, reporter)
    return plan


def _speaks() -> bool:
    """False in the copies of this process that Lightning starts for further ranks."""
    return not int(os.environ.get("LOCAL_RANK", 0)) and not int(os.environ.get("NODE_RANK", 0))


def _heard(reporter: Reporter | None) -> Reporter:
    return reporter if reporter is not None and _speaks() else Reporter()


def _goal(options: Mapping[str, Any], max_steps: int | None) -> int:
    goal = int(options["max_updates"] if max_steps is None else max_steps)
    if goal < 1:
        raise SingwizError(
            "steps-unusable",
            f"Training for {goal} steps is no training.",
            hint="Ask for at least one step.",
            exit_code=USAGE_PROBLEM,
        )
    return goal


def _prepare(
    config: Config, work_dir: Path, device: str, reporter: Reporter, seed: int
) -> tuple[AnyTask, Experiment, TrainingHardware, FinetuneReport | None]:
    """Everything that training needs, checked; nothing is written."""
    options = config.to_dict()
    task: AnyTask
    if config.kind == "vocoder":
        from .vocoder.experiment import open_vocoder_training

        task, experiment, finetune = open_vocoder_training(config, work_dir, reporter, seed)
    else:
        experiment = open_experiment(config, work_dir, reporter)
        model, finetune = _prepare_model(config.kind, options, experiment, seed)
        surroundings = Surroundings(
            experiment.binary_dir, work_dir, reporter, seed, experiment.vocab_size
        )
        task = TrainingTask(model, config, surroundings)
    hardware = choose_hardware(
        options, device, unused_parameters=task.has_unused_parameters(), reporter=reporter
    )
    return task, experiment, hardware, finetune


def _prepare_model(
    kind: str, options: dict[str, Any], experiment: Experiment, seed: int
) -> tuple[TrainableModel, FinetuneReport | None]:
    torch.manual_seed(seed)
    try:
        model = build_trainable(kind, options, vocab_size=experiment.vocab_size)
    except ValueError as error:
        raise SingwizError(
            "model-config",
            f"No model can be built from the config: {error}.",
            hint="Choose a preset, or undo the last change of the model's settings.",
        ) from error
    if options.get("freezing_enabled"):
        freeze(model, options.get("frozen_params") or [])
    check_resumable(experiment, model, kind)
    if not options.get("finetune_enabled") or experiment.checkpoint is not None:
        return model, None
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
    return model, report


def _run(
    task: AnyTask,
    experiment: Experiment,
    hardware: TrainingHardware,
    goal: int,
    reporter: Reporter,
    started: float,
    callbacks: Mapping[str, Callable[..., Any]],
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
        protected=lambda: task.book.journal.protected() | read_kept(experiment.work_dir),
    )
    with _asks_to_stop(reporter) as stop:
        progress = ProgressReporter(
            reporter, max_steps=goal, log_interval=int(options["log_interval"]), stop=stop
        )
        accumulate = int(options.get("accumulate_grad_batches") or 1)
        clip = float(options.get("clip_grad_norm") or 0) if task.automatic_optimization else 0.0
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
            gradient_clip_val=clip or None,
            val_check_interval=int(options["val_check_interval"]) * accumulate,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=int(options["num_sanity_val_steps"]),
            log_every_n_steps=int(options["log_interval"]),
            logger=logger,
            callbacks=[keeper, progress, HookCaller(task, callbacks)],
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=experiment.work_dir,
        )
        stopped = _fit(trainer, task, keeper, experiment.checkpoint)
    steps = keeper.last_saved if keeper.last_saved is not None else trainer.global_step
    return TrainResult(
        steps=steps,
        checkpoint=experiment.work_dir / checkpoint_name(steps),
        metrics={**progress.latest, **task.validation_values},
        seconds=time.monotonic() - started,
        stopped_early=stopped,
    )


def _fit(
    trainer: pl.Trainer, task: AnyTask, keeper: KeepCheckpoints, checkpoint: Path | None
) -> bool:
    """Run Lightning; True if the user stopped it."""

    def where() -> tuple[str, bool]:
        return f"at step {trainer.global_step}", keeper.failed_in_validation

    try:
        with memory_explained(task, where=where), compiling_explained():
            trainer.fit(task, ckpt_path=checkpoint, weights_only=True)
    except Cancelled:
        return True
    except SystemExit:
        # Lightning's way out after SIGTERM or a second Ctrl-C; everything is saved by then.
        return True
    return False


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
