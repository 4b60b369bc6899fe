"""What to train on: accelerator, devices, precision and strategy, as Lightning wants them."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch.nn.parallel import DistributedDataParallel

from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter

OURS = frozenset({"self", "module", "device_ids", "output_device", "process_group", "device_mesh"})
"""Arguments of torch's data-parallel wrapper that no config can know."""

HALF_ON_CUDA_ONLY = frozenset({"16-mixed", "16", 16, "16-true"})


@dataclass(frozen=True)
class TrainingHardware:
    """Arguments for Lightning's Trainer.

    Attributes:
        accelerator: ``cpu``, ``cuda`` or ``mps``.
        devices: number of devices, or their numbers.
        num_nodes: machines.
        precision: Lightning's name, e.g. ``32-true``.
        strategy: how several devices work together.
    """

    accelerator: str
    devices: int | list[int]
    num_nodes: int
    precision: str
    strategy: Strategy | str

    @property
    def world_size(self) -> int:
        """Devices that train together, on all machines."""
        per_node = self.devices if isinstance(self.devices, int) else len(self.devices)
        return self.num_nodes * per_node

    @property
    def on_cpu(self) -> bool:
        """True if the network runs on the processor."""
        return self.accelerator == "cpu"


def choose_hardware(
    options: Mapping[str, Any], device: str, *, unused_parameters: bool, reporter: Reporter
) -> TrainingHardware:
    """What the config and the caller ask for, as far as this machine has it.

    Args:
        options: the ``pl_trainer_*`` keys of a config.
        device: ``auto`` (the config decides), ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        unused_parameters: a part of the network takes no part in training; data-parallel
            training has to know.
        reporter: is warned where the machine cannot do what the config says.

    Raises:
        SingwizError: unknown device, or one this machine does not have.
    """
    accelerator = str(options.get("pl_trainer_accelerator") or "auto")
    wanted: Any = options.get("pl_trainer_devices", "auto")
    numbered = re.fullmatch(r"(?:cuda|gpu):(\d+)", device)
    if numbered:
        accelerator, wanted = "cuda", [int(numbered[1])]
    elif device != "auto":
        accelerator, wanted = device, "auto" if device != "cpu" else 1
    accelerator = _available(accelerator)
    devices = _devices(accelerator, wanted)
    num_nodes = int(options.get("pl_trainer_num_nodes") or 1)
    count = devices if isinstance(devices, int) else len(devices)
    strategy_options = dict(options.get("pl_trainer_strategy") or {})
    strategy: Strategy | str = "auto"
    if count * num_nodes > 1:
        strategy = _data_parallel(strategy_options, accelerator, unused_parameters)
    if options.get("nccl_p2p") is False:
        os.environ["NCCL_P2P_DISABLE"] = "1"
    precision: Any = options.get("pl_trainer_precision") or "32-true"
    if precision in HALF_ON_CUDA_ONLY and accelerator != "cuda":
        reporter.warning(
            "precision-changed",
            f"Half precision ({precision}) needs an NVIDIA GPU; training runs in 32 bits.",
        )
        precision = "32-true"
    return TrainingHardware(accelerator, devices, num_nodes, str(precision), strategy)


def _available(accelerator: str) -> str:
    name = {"gpu": "cuda"}.get(accelerator, accelerator)
    has = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto" or (accelerator == "gpu" and not has["cuda"] and has["mps"]):
        return next(kind for kind, present in has.items() if present)
    if name not in has:
        raise SingwizError(
            "device-unknown",
            f"There is no kind of device called '{accelerator}'.",
            hint="Use auto, cpu, cuda, cuda:0 or mps.",
            exit_code=USAGE_PROBLEM,
        )
    if not has[name]:
        raise SingwizError(
            "device-missing",
            f"This machine has no usable '{accelerator}' device.",
            hint="Train with device 'auto' or 'cpu', or install the GPU build of torch.",
            exit_code=USAGE_PROBLEM,
        )
    return name


def _devices(accelerator: str, wanted: Any) -> int | list[int]:
    present = torch.cuda.device_count() if accelerator == "cuda" else 1
    if wanted in (None, "auto", -1, "-1"):
        return present
    try:
        if isinstance(wanted, str) and "," in wanted:
            wanted = [part for part in wanted.split(",") if part.strip()]
        if isinstance(wanted, (list, tuple)):
            wanted = [int(number) for number in wanted]
        else:
            wanted = int(wanted)
    except (TypeError, ValueError):
        raise SingwizError(
            "devices-unusable",
            f"pl_trainer_devices is '{wanted}', which names no devices.",
            hint="Use auto, a number of devices, or a list of their numbers such as [0, 1].",
        ) from None
    if accelerator != "cuda":
        return wanted if isinstance(wanted, int) and accelerator == "cpu" and wanted > 0 else 1
    too_many = wanted > present if isinstance(wanted, int) else max(wanted, default=0) >= present
    if too_many or not wanted:
        raise SingwizError(
            "device-missing",
            f"GPUs {wanted} are asked for, but this machine has {present}.",
            hint="Set pl_trainer_devices to auto.",
        )
    return wanted


def _data_parallel(options: dict[str, Any], accelerator: str, unused_parameters: bool) -> Strategy:
    name = str(options.pop("name", "auto"))
    if name not in ("auto", "ddp"):
        raise SingwizError(
            "strategy-unknown",
            f"Training on several devices cannot use the strategy '{name}'.",
            hint="Set pl_trainer_strategy.name to auto.",
        )
    known = {"timeout", *inspect.signature(DistributedDataParallel.__init__).parameters} - OURS
    more = {key: value for key, value in options.items() if key in known and value is not None}
    if "timeout" in more:
        more["timeout"] = timedelta(seconds=float(more["timeout"]))
    more["find_unused_parameters"] = bool(more.get("find_unused_parameters")) or unused_parameters
    backend = options.get("process_group_backend") if accelerator == "cuda" else "gloo"
    return DDPStrategy(process_group_backend=backend, **more)
