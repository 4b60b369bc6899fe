"""One step on trial before training: what it takes in time and memory.

Not for judging the model: weights, gradients and random numbers are as before afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.optim import Optimizer

from .contract import LOSS
from .data import collate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .hardware import TrainingHardware
    from .task import TrainingTask

AUTOCAST = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
SLACK = 1.25
"""Memory that is needed for a moment only, beside what is counted."""


@dataclass(frozen=True)
class StepCost:
    """What an optimizer step takes.

    Attributes:
        seconds: of an average step, all accumulated batches included.
        weights, gradients, optimizer: bytes that are held all the time.
        activations: bytes of the largest batch.
        frames: padded frames of that batch.
    """

    seconds: float
    weights: int
    gradients: int
    optimizer: int
    activations: int
    frames: int

    @property
    def memory(self) -> int:
        """Bytes that training needs at its peak."""
        return self.weights + self.gradients + self.optimizer + self.activations


def measure_step(
    task: TrainingTask, hardware: TrainingHardware, batches: Sequence[Sequence[int]]
) -> StepCost:
    """Forward, backward and optimizer step of one batch, without consequences.

    A CPU gets a single item and the result is scaled by frames, because there the time grows
    with them; other devices get the largest batch, whose memory is then known rather than
    guessed.

    Args:
        task: knows the data and the losses.
        hardware: where training will run.
        batches: item numbers of the batches of an epoch.

    Raises:
        torch.OutOfMemoryError: the largest batch does not fit into the device's memory.
    """
    sizes = task.train_items.sizes
    frames = [len(batch) * max(sizes[i] for i in batch) for batch in batches]
    largest = frames.index(max(frames))
    tried: Sequence[int] = batches[largest]
    if hardware.on_cpu:
        tried = [sorted(tried, key=lambda i: sizes[i])[len(tried) // 2]]
    share = len(tried) * max(sizes[i] for i in tried)
    batch = collate([task.train_items[i] for i in tried])
    with _unchanged(task):
        task.to(_device(hardware))
        task.criterion.to(task.device)
        optimizers = list(task.model.get_optimizers().values())
        batch = task.transfer_batch_to_device(batch, task.device, 0)
        if not hardware.on_cpu:
            _step(task, optimizers, batch, hardware)  # the first one also loads kernels
        seconds, activations = _step(task, optimizers, batch, hardware)
        parameters = list(task.model.parameters())
        cost = StepCost(
            seconds=(seconds[0] * sum(frames) / len(frames) / share) * _accumulated(task)
            + seconds[1],
            weights=_bytes([*parameters, *task.model.buffers()]),
            gradients=_bytes([p for p in parameters if p.requires_grad]),
            optimizer=sum(map(optimizer_bytes, optimizers)),
            activations=int(activations * SLACK * frames[largest] / share),
            frames=frames[largest],
        )
        del optimizers, batch
    return cost


def optimizer_bytes(optimizer: Optimizer) -> int:
    """Bytes of the moments that an optimizer holds."""
    inner = getattr(optimizer, "optimizers", [optimizer])
    return _bytes(
        value
        for part in inner
        for state in part.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    )


def _accumulated(task: TrainingTask) -> int:
    return int(task.options["accumulate_grad_batches"])


def _bytes(tensors: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _device(hardware: TrainingHardware) -> torch.device:
    if hardware.accelerator == "cuda" and isinstance(hardware.devices, list):
        return torch.device("cuda", hardware.devices[0])
    return torch.device(hardware.accelerator)


@contextmanager
def _unchanged(task: TrainingTask) -> Iterator[None]:
    """Give back weights, gradients and random numbers as they were, and all memory."""
    home = task.device
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            task.model.zero_grad(set_to_none=True)
            task.to(home)
            task.model.load_state_dict(before)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _step(
    task: TrainingTask,
    optimizers: Sequence[Optimizer],
    batch: dict[str, Any],
    hardware: TrainingHardware,
) -> tuple[tuple[float, float], int]:
    """Seconds of the batch and of the optimizer, and the bytes kept for the backward pass."""
    own = {p.untyped_storage().data_ptr() for p in task.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    begin = time.perf_counter()
    with _autocast(hardware), saved_tensors_hooks(note, lambda tensor: tensor):
        total = task.losses(batch)[LOSS]
        inputs = task.model.format_batch(batch)
        for name in task.model.optimizers[1:]:
            total = total + task.model.train_step(inputs, task.criterion, name)[1][LOSS]
    total.backward()
    _wait(hardware)
    middle = time.perf_counter()
    nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    _wait(hardware)
    return (middle - begin, time.perf_counter() - middle), sum(kept.values())


def _autocast(hardware: TrainingHardware) -> AbstractContextManager[Any]:
    dtype = AUTOCAST.get(hardware.precision)
    if dtype is None:
        return nullcontext()
    return torch.autocast(hardware.accelerator, dtype=dtype)


def _wait(hardware: TrainingHardware) -> None:
    if hardware.accelerator == "cuda":
        torch.cuda.synchronize(_device(hardware))
