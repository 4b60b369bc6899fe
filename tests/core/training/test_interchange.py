"""Checkpoints between singwiz and DiffSinger: what is in the file, and going on from theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from singwiz.core.config import Config
from singwiz.core.models import build_model
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.muon import MuonAdamW, split_parameters

MakeConfig = Callable[..., Config]
SILENT = {"val_with_vocoder": False, "num_valid_plots": 0}


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def test_our_checkpoints_have_all_that_lightning_and_diffsinger_look_for(
    config: MakeConfig, tmp_path: Path
) -> None:
    train(config(**SILENT, max_updates=4), work_dir=tmp_path)
    content = load(tmp_path / checkpoint_name(4))
    assert content.keys() >= {
        "state_dict",
        "category",
        "trainer_stage",
        "epoch",
        "global_step",
        "pytorch-lightning_version",
        "loops",
        "callbacks",
        "optimizer_states",
        "lr_schedulers",
    }
    assert (content["category"], content["global_step"]) == ("acoustic", 4)
    assert isinstance(content["epoch"], int)
    assert content["loops"].keys() >= {"fit_loop", "validate_loop"}
    assert all(isinstance(key, str) for key in content["callbacks"])
    assert content["lr_schedulers"][0]["last_epoch"] == 4
    (state,) = content["optimizer_states"]
    assert sorted(state) == ["optimizers", "param_groups", "state"]
    assert state["state"] == {}
    (group,) = state["param_groups"]
    assert group["optimizer_and_param_group_indices"] == {(0, 0), (1, 0)}
    assert {"lr", "weight_decay", "initial_lr", "params"} <= group.keys()
    muon, adamw = state["optimizers"]
    assert set(muon["state"][0]) == {"momentum_buffer"}
    assert set(adamw["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}


class TheirOptimizer(torch.optim.Optimizer):
    """The layout of DiffSinger's pair of optimizers, written independently of ours."""

    def __init__(self, model: nn.Module, lr: float) -> None:
        parameters = dict(model.named_parameters())
        muon, adamw = split_parameters(model)
        self.inner = [
            torch.optim.SGD([parameters[n] for n in muon], lr=lr),
            torch.optim.AdamW([parameters[n] for n in adamw], lr=lr),
        ]
        super().__init__(list(parameters.values()), {"lr": lr, "weight_decay": 0.0})

    def step(self, closure: Any = None) -> Any:
        loss = None if closure is None else closure()
        for optimizer in self.inner:
            optimizer.step()
        for parameter in self.inner[0].param_groups[0]["params"]:
            self.inner[0].state[parameter]["momentum_buffer"] = torch.full_like(parameter, 0.25)
        return loss

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        inner = [optimizer.state_dict() for optimizer in self.inner]
        inner[0]["param_groups"] = [
            {**group, "momentum": 0.95, "nesterov": True, "ns_steps": 5}
            for group in inner[0]["param_groups"]
        ]
        for group in state["param_groups"]:
            group["optimizer_and_param_group_indices"] = {(0, 0), (1, 0)}
        return {"optimizers": inner, "state": {}, "param_groups": state["param_groups"]}


class TheirTask(pl.LightningModule):
    """A Lightning module around the same network that knows nothing of singwiz's training."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        return sum(p.square().sum() for p in self.model.parameters())

    def configure_optimizers(self) -> Any:
        optimizer = TheirOptimizer(self.model, 1e-4)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5000, 0.8)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(range(2))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["category"] = "acoustic"
        checkpoint["trainer_stage"] = "validate"


class TheirKeeper(pl.callbacks.ModelCheckpoint):
    """A callback with a state, as theirs has."""

    def state_dict(self) -> dict[str, Any]:
        kept = {f"/elsewhere/{checkpoint_name(5)}": torch.tensor(5)}
        return {"best_k_models": kept, "kth_value": torch.tensor(5), "kth_best_model_path": ""}


@pytest.fixture
def theirs(config: MakeConfig, tmp_path: Path) -> Path:
    """A checkpoint of five steps that Lightning wrote, with its own loops and callbacks."""
    torch.manual_seed(3)
    model = build_model("acoustic", config().to_dict(), vocab_size=5)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=5,
        max_epochs=-1,
        logger=False,
        callbacks=[TheirKeeper(dirpath=tmp_path / "unused")],
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(TheirTask(model))
    work_dir = tmp_path / "theirs"
    trainer.save_checkpoint(work_dir / checkpoint_name(5))
    return work_dir


def test_a_checkpoint_that_lightning_wrote_is_continued_with_its_momentum(
    theirs: Path, config: MakeConfig, record: type
) -> None:
    before = load(theirs / checkpoint_name(5))
    reporter = record()
    slow = {"optimizer_args.lr": 1e-12}
    result = train(config(**SILENT, **slow, max_updates=6), work_dir=theirs, reporter=reporter)
    assert result.steps == 6
    assert "goes on at step 5" in reporter.logs[0]
    assert "optimizer-restarted" not in reporter.warnings
    after = load(theirs / checkpoint_name(6))
    assert after["global_step"] == 6
    for name, weights in before["state_dict"].items():
        torch.testing.assert_close(after["state_dict"][name], weights)
    momentum = after["optimizer_states"][0]["optimizers"][0]["state"][0]["momentum_buffer"]
    # 0.95 of what was there, and 0.05 of a clipped gradient.
    torch.testing.assert_close(momentum, torch.full_like(momentum, 0.95 * 0.25), rtol=0, atol=0.05)
    assert after["optimizer_states"][0]["optimizers"][1]["state"][0]["step"] == 6


def test_our_optimizer_state_has_the_layout_of_theirs(config: MakeConfig) -> None:
    model = build_model("acoustic", config().to_dict(), vocab_size=5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    states = []
    for optimizer in (MuonAdamW(model), TheirOptimizer(model, 1e-4)):
        optimizer.step()
        states.append(optimizer.state_dict())
    ours, other = states
    for mine, their in zip(ours["optimizers"], other["optimizers"], strict=True):
        assert mine["state"].keys() == their["state"].keys()
        assert all(mine["state"][i].keys() == their["state"][i].keys() for i in mine["state"])
    count = len(ours["param_groups"][0]["params"])
    assert count == len(other["param_groups"][0]["params"])
