"""What a training is about to do, worked out and said before its first step.

From where it starts, what it changes, how long it goes, and whether memory and disk suffice.
Not for doing any of it.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil
import torch

from ..checkpoint import CHECKPOINT_NAME, list_checkpoints
from ..errors import SingwizError
from ..reporting import Reporter
from .checkpoints import is_permanent
from .finetune import FinetuneReport, frozen_by_prefix
from .probe import StepCost, measure_step
from .task import TrainingTask

if TYPE_CHECKING:
    from .experiment import Experiment
    from .hardware import TrainingHardware
    from .memory import AnyTask

PICTURE_BYTES = 400_000
"""About what a shown validation item takes on the disk, on TensorBoard and as files."""


@dataclass(frozen=True)
class Preflight:
    """The plan of a training.

    Attributes:
        start: ``fresh``, ``resume`` or ``finetune``.
        source: checkpoint that is continued or fine-tuned.
        step, goal: optimizer steps done and wanted.
        finetune: number of weights by what becomes of them: ``loaded``, ``ignored``,
            ``reshaped``, ``missing``, ``unused``; None unless fine-tuning.
        parameters, trained: numbers in the network, and those that training changes.
        frozen: prefix of ``frozen_params`` -> numbers that it keeps.
        items, batches: in the training data, and per epoch and device.
        epochs: until the goal, from here.
        device, precision: where and how exactly it is computed.
        cost: time and memory of a step; None where it cannot be measured beforehand.
        memory_free: bytes that are free on the device now.
        checkpoint_bytes: size of one checkpoint.
        disk_needed: bytes that checkpoints and logs will take beyond what is there.
        disk_free: bytes that are free in the experiment's folder.
        seconds: of the steps to go, validations not counted; None if unknown.
    """

    start: Literal["fresh", "resume", "finetune"]
    source: str | None
    step: int
    goal: int
    finetune: dict[str, int] | None
    parameters: int
    trained: int
    frozen: dict[str, int]
    items: int
    batches: int
    epochs: float
    device: str
    precision: str
    cost: StepCost | None
    memory_free: int
    checkpoint_bytes: int
    disk_needed: int
    disk_free: int
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The plan in five numbered sentences."""
        said = [self._start(), self._model(), self._data(), self._memory(), self._disk_and_time()]
        return [f"[{number}/{len(said)}] {line}" for number, line in enumerate(said, 1)]

    def _start(self) -> str:
        if self.start == "resume":
            return f"Start: goes on at step {self.step} from {Path(str(self.source)).name}."
        if self.finetune is None:
            return "Start: a new model, from step 0."
        n = self.finetune
        return (
            f"Start: step 0, fine-tuning {self.source}: {n['loaded']} weights loaded, "
            f"{n['ignored']} left out as configured, {n['reshaped']} of another shape, "
            f"{n['missing']} start fresh, {n['unused']} have no place in the new model."
        )

    def _model(self) -> str:
        line = f"Model: {self.parameters / 1e6:.2f} million parameters"
        if not self.frozen:
            return f"{line}, all of them trained."
        parts = ", ".join(f"{prefix} ({count:,})" for prefix, count in self.frozen.items())
        return f"{line}, {self.trained / 1e6:.2f} million trained; frozen: {parts}."

    def _data(self) -> str:
        return (
            f"Data: {self.items} items in {self.batches} batches; {self.goal - self.step} steps "
            f"to step {self.goal} are {self.epochs:.3g} times through it."
        )

    def _memory(self) -> str:
        where = f"{self.device}, {self.precision}"
        if self.cost is None:
            return f"Memory: {_gigabytes(self.memory_free)} free on {where}; needs are not known."
        c = self.cost
        held = _gigabytes(c.weights + c.gradients + c.optimizer)
        return (
            f"Memory: about {_gigabytes(c.memory)} of {_gigabytes(self.memory_free)} free on "
            f"{where}: model and optimizer {held}, the largest batch ({c.frames} frames) "
            f"{_gigabytes(c.activations)}."
        )

    def _disk_and_time(self) -> str:
        line = (
            f"Disk: about {_gigabytes(self.disk_needed)} of {_gigabytes(self.disk_free)} free, "
            f"{_gigabytes(self.checkpoint_bytes)} per checkpoint."
        )
        if self.seconds is None or self.cost is None:
            return line
        return (
            f"{line} Time: about {_duration(self.seconds)} at {self.cost.seconds:.2g} s per step, "
            "validations not counted."
        )


def look_ahead(
    task: AnyTask,
    experiment: Experiment,
    hardware: TrainingHardware,
    *,
    goal: int,
    finetune: FinetuneReport | None,
    probe: bool = True,
) -> Preflight:
    """Work the plan out; a step is tried (see :func:`.probe.measure_step`) if ``probe``.

    Raises:
        SingwizError: the disk cannot hold a single checkpoint.
        torch.OutOfMemoryError: the tried step does not fit into memory.
    """
    options, model = task.options, task.model
    step = _steps_of(experiment.checkpoint)
    batches = task.plan.epoch(0, world_size=hardware.world_size)
    steps_left = max(0, goal - step)
    cost = None
    if probe and steps_left and isinstance(task, TrainingTask):
        cost = measure_step(task, hardware, task.plan.epoch(0, world_size=hardware.world_size))
    weights = sum(v.numel() * v.element_size() for v in model.state_dict().values())
    trainable = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    checkpoint_bytes = weights + (2 * trainable if cost is None else cost.optimizer)
    folder = experiment.work_dir
    disk_free = shutil.disk_usage(_existing(folder)).free
    if steps_left and disk_free < 1.05 * checkpoint_bytes:
        raise SingwizError(
            "disk-too-small",
            f"The disk has {_gigabytes(disk_free)} free, too little for a single checkpoint of "
            f"about {_gigabytes(checkpoint_bytes)}.",
            hint="Free some space, or move the project to another disk.",
            where=str(folder),
        )
    frozen = options.get("frozen_params") or [] if options.get("freezing_enabled") else []
    start: Literal["fresh", "resume", "finetune"] = "fresh" if finetune is None else "finetune"
    if experiment.checkpoint is not None:
        start = "resume"
    source = experiment.checkpoint or options.get("finetune_ckpt_path")
    return Preflight(
        start=start,
        source=None if start == "fresh" else str(source),
        step=step,
        goal=goal,
        finetune=None if finetune is None else finetune.counts(),
        parameters=sum(p.numel() for p in model.parameters()),
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
        frozen=frozen_by_prefix(model, frozen, before=task.prefix),
        items=len(task.train_items),
        batches=len(batches),
        epochs=steps_left * int(options.get("accumulate_grad_batches") or 1) / len(batches),
        device=hardware.accelerator,
        precision=hardware.precision,
        cost=cost,
        memory_free=_memory_free(hardware),
        checkpoint_bytes=checkpoint_bytes,
        disk_needed=_disk_needed(options, folder, checkpoint_bytes, step, goal),
        disk_free=disk_free,
        seconds=None if cost is None else cost.seconds * steps_left,
    )


def announce(plan: Preflight, reporter: Reporter) -> None:
    """Say the plan, and warn where it will hardly work out."""
    for line in plan.lines():
        reporter.log(line)
    if plan.cost is not None and plan.cost.memory > plan.memory_free:
        reporter.warning(
            "memory-tight",
            f"Training will probably need {_gigabytes(plan.cost.memory)} of memory, but only "
            f"{_gigabytes(plan.memory_free)} are free. Lower max_batch_frames below "
            f"{plan.cost.frames} if it fails.",
        )
    if plan.disk_needed > plan.disk_free:
        reporter.warning(
            "disk-tight",
            f"Checkpoints and logs will need about {_gigabytes(plan.disk_needed)}, but only "
            f"{_gigabytes(plan.disk_free)} are free. Lower num_ckpt_keep or free some space.",
        )


def _steps_of(checkpoint: Path | None) -> int:
    match = None if checkpoint is None else CHECKPOINT_NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else 0


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _memory_free(hardware: TrainingHardware) -> int:
    if hardware.accelerator == "cuda":
        device = hardware.devices[0] if isinstance(hardware.devices, list) else 0
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _disk_needed(
    options: Mapping[str, Any], folder: Path, checkpoint_bytes: int, step: int, goal: int
) -> int:
    """Bytes for checkpoints that will be kept, one being written, curves and pictures."""
    every = int(options["val_check_interval"])
    saved = [*range((step // every + 1) * every, goal + 1, every), goal]
    keep = int(options["num_ckpt_keep"])
    kept = set(saved) if keep < 1 else set(sorted(set(saved))[-keep:])
    start, interval = options.get("permanent_ckpt_start"), options.get("permanent_ckpt_interval")
    kept |= {s for s in saved if is_permanent(s, start or 0, interval or 0)}
    present = sum(path.stat().st_size for _, path in list_checkpoints(folder))
    pictures = len(saved) * int(options["num_valid_plots"]) * PICTURE_BYTES
    return max(0, (len(kept) + 1) * checkpoint_bytes - present) + pictures


def _gigabytes(size: float) -> str:
    if size < 1e8:
        return f"{max(size / 1e6, 0.1):.1f} MB"
    return f"{size / 1e9:.1f} GB"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{math.ceil(seconds)} seconds"
