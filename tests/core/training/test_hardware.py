"""What a machine without a GPU makes of the hardware keys."""

from __future__ import annotations

import os

import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy

from singwiz.core.errors import SingwizError
from singwiz.core.reporting import Reporter
from singwiz.core.training.hardware import TrainingHardware, choose_hardware


class Notes(Reporter):
    def __init__(self) -> None:
        self.codes: list[str] = []

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.codes.append(code)


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def choose(
    device: str = "auto", *, notes: Notes | None = None, **options: object
) -> TrainingHardware:
    return choose_hardware(options, device, unused_parameters=False, reporter=notes or Notes())


def test_half_precision_without_a_gpu_becomes_32_bits_and_is_said() -> None:
    notes = Notes()
    assert choose(notes=notes, pl_trainer_precision="16-mixed").precision == "32-true"
    assert notes.codes == ["precision-changed"]


def test_other_precisions_are_kept() -> None:
    notes = Notes()
    assert choose(notes=notes, pl_trainer_precision="bf16-mixed").precision == "bf16-mixed"
    assert notes.codes == []


def test_auto_means_one_cpu_here() -> None:
    chosen = choose(pl_trainer_accelerator="auto", pl_trainer_devices="auto")
    assert (chosen.accelerator, chosen.devices, chosen.strategy) == ("cpu", 1, "auto")


@pytest.mark.parametrize(
    ("device", "code"),
    [("cuda", "device-missing"), ("cuda:1", "device-missing"), ("tpu", "device-unknown")],
)
def test_a_device_this_machine_lacks_is_an_error(device: str, code: str) -> None:
    with pytest.raises(SingwizError) as caught:
        choose(device)
    assert caught.value.code == code


def test_several_processes_share_the_work_with_public_means_only() -> None:
    chosen = choose(pl_trainer_accelerator="cpu", pl_trainer_devices=2)
    assert type(chosen.strategy).__name__ == "DDPStrategy"
    with pytest.raises(SingwizError, match="strategy"):
        choose(
            pl_trainer_accelerator="cpu",
            pl_trainer_devices=2,
            pl_trainer_strategy={"name": "deepspeed"},
        )


def test_further_options_reach_torchs_data_parallel_wrapper_and_unknown_ones_do_not() -> None:
    options = {
        "pl_trainer_devices": 2,
        "pl_trainer_strategy": {
            "name": "auto",
            "process_group_backend": "nccl",
            "bucket_cap_mb": 5,
            "timeout": 90,
            "nonsense": 1,
        },
    }
    chosen = choose_hardware(options, "auto", unused_parameters=True, reporter=Reporter())
    assert isinstance(chosen.strategy, DDPStrategy)
    assert chosen.world_size == 2
    assert chosen.strategy.process_group_backend == "gloo", "nccl needs GPUs"
    assert chosen.strategy._ddp_kwargs == {"bucket_cap_mb": 5, "find_unused_parameters": True}
    assert chosen.strategy._timeout.total_seconds() == 90


@pytest.mark.parametrize(("allowed", "set_to"), [(False, "1"), (True, None)])
def test_direct_traffic_between_gpus_can_be_turned_off(
    allowed: bool, set_to: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCCL_P2P_DISABLE", "0")
    monkeypatch.delenv("NCCL_P2P_DISABLE")
    choose_hardware({"nccl_p2p": allowed}, "cpu", unused_parameters=False, reporter=Reporter())
    assert os.environ.get("NCCL_P2P_DISABLE") == set_to
