"""Optimizers by name, Muon's update, and moments that survive a resume."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from singwiz.core.errors import SingwizError
from singwiz.core.training.muon import Muon, MuonAdamW, orthogonalise, split_parameters
from singwiz.core.training.optimizers import build_optimizer, resumed_state, state_shapes

MUON = {
    "optimizer_cls": "modules.optimizer.muon.Muon_AdamW",
    "lr": 0.01,
    "beta1": 0.9,
    "beta2": 0.98,
    "muon_args": {"weight_decay": 0.1},
    "adamw_args": {"weight_decay": 0.0},
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Conv1d(8, 4, 3), nn.LayerNorm(4))


def step(model: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
    optimizer.step()


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("shape", [(8, 8), (5, 12), (12, 5)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(3)
    matrices = torch.randn(2, *shape, generator=generator)
    values = torch.linalg.svdvals(orthogonalise(matrices, steps=5))
    assert values.max() < 1.3
    assert values.min() > 0.3


def test_wide_and_tall_matrices_agree_with_the_plain_iteration() -> None:
    matrices = torch.randn(3, 6, 14, generator=torch.Generator().manual_seed(1))
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / matrices.flatten(1).norm(dim=1)[:, None, None]
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    torch.testing.assert_close(orthogonalise(matrices), x, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(orthogonalise(matrices.mT).mT, x, atol=1e-4, rtol=1e-3)


def test_matrices_go_to_muon_and_the_rest_to_adamw() -> None:
    model = network()
    model[2].optimizer_group = "adamw"  # type: ignore[assignment]
    muon, adamw = split_parameters(model)
    assert muon == ["0.weight"]
    assert adamw == ["0.bias", "2.weight", "2.bias", "3.weight", "3.bias"]


def test_frozen_matrices_are_not_given_to_muon() -> None:
    model = network()
    model[0].weight.requires_grad_(False)
    assert split_parameters(model)[0] == ["2.weight"]


def test_the_outer_learning_rate_drives_both_inner_optimizers() -> None:
    model = network()
    optimizer = build_optimizer(model, MUON)
    optimizer.param_groups[0]["lr"] = 0.0
    before = weights(model)
    step(model, optimizer, 1)
    for old, new in zip(before, weights(model), strict=True):
        torch.testing.assert_close(old, new)


def test_muon_decays_weights_per_learning_rate() -> None:
    parameter = nn.Parameter(torch.ones(3, 3))
    optimizer = Muon([parameter], lr=0.1, weight_decay=0.5)
    parameter.grad = torch.zeros(3, 3)
    optimizer.step()
    torch.testing.assert_close(parameter.detach(), torch.full((3, 3), 0.95))


def test_unknown_arguments_are_left_out_and_betas_are_joined() -> None:
    args = {"optimizer_cls": "torch.optim.AdamW", "lr": 0.1, "beta1": 0.8, "beta2": 0.9, "odd": 1}
    optimizer = build_optimizer(network(), args)
    assert type(optimizer) is torch.optim.AdamW
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.9)


@pytest.mark.parametrize(
    "name", ["os.system", "torch.optim.Optimizer", "torch.optim.nothing", "torch.save", ""]
)
def test_only_known_optimizers_can_be_named(name: str) -> None:
    with pytest.raises(SingwizError) as caught:
        build_optimizer(network(), {"optimizer_cls": name, "lr": 0.1})
    assert caught.value.code == "optimizer-unknown"


def test_arguments_the_optimizer_refuses_are_reported_without_traceback() -> None:
    with pytest.raises(SingwizError) as caught:
        build_optimizer(network(), {"optimizer_cls": "torch.optim.AdamW", "lr": -1.0})
    assert caught.value.code == "optimizer-unusable"


@pytest.mark.parametrize("args", [MUON, {"optimizer_cls": "torch.optim.AdamW", "lr": 0.01}])
def test_moments_survive_a_resume(args: dict[str, Any]) -> None:
    straight = network()
    optimizer = build_optimizer(straight, args)
    for seed in range(2):
        step(straight, optimizer, seed)
    saved, middle = optimizer.state_dict(), straight.state_dict()
    middle = {name: value.clone() for name, value in middle.items()}
    saved = torch.utils._pytree.tree_map(lambda x: x.clone() if torch.is_tensor(x) else x, saved)
    step(straight, optimizer, 2)

    resumed = network()
    resumed.load_state_dict(middle)
    again = build_optimizer(resumed, args)
    state = resumed_state(again.state_dict(), saved, state_shapes(again), lr=0.01)
    assert state is not None
    again.load_state_dict(state)
    step(resumed, again, 2)
    for wanted, got in zip(weights(straight), weights(resumed), strict=True):
        torch.testing.assert_close(wanted, got, rtol=0, atol=0)


def test_settings_of_the_config_win_over_the_saved_ones() -> None:
    model = network()
    saved = build_optimizer(model, MUON).state_dict()
    changed = build_optimizer(model, {**MUON, "muon_args": {"weight_decay": 0.3}})
    state = resumed_state(changed.state_dict(), saved, state_shapes(changed), lr=0.002)
    assert state is not None
    changed.load_state_dict(state)
    assert isinstance(changed, MuonAdamW)
    assert changed.optimizers[0].param_groups[0]["weight_decay"] == 0.3
    assert changed.param_groups[0]["lr"] == 0.002
    assert changed.param_groups[0]["initial_lr"] == 0.01


def test_moments_of_other_parameters_are_refused() -> None:
    model = network()
    optimizer = build_optimizer(model, MUON)
    step(model, optimizer, 0)
    model[0].weight.requires_grad_(False)
    saved = optimizer.state_dict()
    for args in (MUON, {"optimizer_cls": "torch.optim.AdamW", "lr": 0.1}):
        other = build_optimizer(model, args)
        assert resumed_state(other.state_dict(), saved, state_shapes(other), lr=1) is None


def test_the_state_has_the_layout_of_diffsinger() -> None:
    state = build_optimizer(network(), MUON).state_dict()
    assert sorted(state) == ["optimizers", "param_groups", "state"]
    assert state["state"] == {}
    assert len(state["optimizers"]) == 2
    indices = state["param_groups"][0]["optimizer_and_param_group_indices"]
    assert isinstance(indices, set)
