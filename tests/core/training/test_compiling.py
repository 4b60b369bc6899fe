"""Compiled networks: the same numbers and names, whatever the length."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.models import build_model
from singwiz.core.training.compiling import compile_networks, compiling_explained


@pytest.fixture
def model(config: Callable[..., Config]) -> torch.nn.Module:
    torch.manual_seed(0)
    built = build_model("acoustic", config().to_dict(), vocab_size=5).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


def batch(frames: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(frames)
    return {
        "txt_tokens": torch.tensor([[1, 2, 3]] * 2),
        "mel2ph": torch.arange(frames).mul(3).div(frames).long().add(1).expand(2, -1),
        "f0": torch.full((2, frames), 200.0),
        "key_shift": torch.zeros(2, 1),
        "gt_mel": torch.randn(2, frames, 16) - 5,
    }


def numbers(model: torch.nn.Module, frames: int) -> list[torch.Tensor]:
    """Losses, gradients, and a sampled mel."""
    inputs = batch(frames)
    model.zero_grad()
    torch.manual_seed(1)
    output = model(**inputs)
    losses = model.losses(output, gt_mel=inputs["gt_mel"], mel2ph=inputs["mel2ph"])
    sum(losses.values()).backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    torch.manual_seed(2)
    return [*losses.values(), *gradients, model(**inputs, infer=True).diff_out]


def test_a_compiled_network_gives_the_same_numbers_at_every_length(model) -> None:
    lengths = (12, 30)
    plain = {frames: numbers(model, frames) for frames in lengths}
    names = list(model.state_dict())
    compile_networks(model, backend="eager")
    assert list(model.state_dict()) == names
    torch._dynamo.utils.counters.clear()
    for frames in lengths:
        torch.testing.assert_close(numbers(model, frames), plain[frames], rtol=1e-4, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0


def test_a_compiler_that_fails_is_no_crash(model) -> None:
    def broken(graph, inputs):
        raise OSError("no compiler here")

    compile_networks(model, backend=broken)
    with pytest.raises(SingwizError) as caught, compiling_explained():
        numbers(model, 12)
    assert caught.value.code == "compile-failed"
    assert "--compile" in caught.value.hint
