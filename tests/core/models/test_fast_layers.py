"""The layers with a faster way of computing give what torch's own give, gradients included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from singwiz.core.models.channel_last import TimeConv
from singwiz.core.models.gru import FrameGRU


def values_and_gradients(output: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(9)
    weight = torch.randn(output.shape)
    return [output, *torch.autograd.grad((output * weight).sum(), inputs)]


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 5, "padding": 2, "groups": 6},
        {"kernel_size": 4, "padding": 2, "groups": 6},
        {"kernel_size": 3, "padding": 1, "groups": 6, "bias": False},
        {"kernel_size": 3, "padding": 2, "dilation": 2, "groups": 6},
        {"kernel_size": 3, "padding": 1, "groups": 2},
        {"kernel_size": 7, "padding": 3},
        {"kernel_size": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("frames", [1, 9])
def test_a_convolution_over_time_is_torchs_convolution(options, frames) -> None:
    torch.manual_seed(0)
    fast, plain = TimeConv(6, 6, **options), nn.Conv1d(6, 6, **options)
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(2, frames, 6, requires_grad=True)
    mine = values_and_gradients(fast(x), [x, *fast.parameters()])
    theirs = values_and_gradients(
        plain(x.transpose(1, 2)).transpose(1, 2), [x, *plain.parameters()]
    )
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(fast(x), plain(x.transpose(1, 2)).transpose(1, 2))


def test_other_devices_take_torchs_own_way() -> None:
    """A GPU has quick kernels for both; the meta device stands for it."""
    with torch.device("meta"):
        conv, gru, x = TimeConv(6, 6, 5, padding=2, groups=6), FrameGRU(6), torch.empty(2, 9, 6)
    y = conv(gru.states(x))
    assert y.device.type == "meta"
    assert y.shape == (2, 9, 6)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("frames", [1, 20])
def test_the_recurrence_is_torchs_gru(batch, frames) -> None:
    torch.manual_seed(0)
    gru = FrameGRU(8)
    x = torch.randn(batch, frames, 8, requires_grad=True)
    mine = values_and_gradients(gru.states(x), [x, *gru.parameters()])
    theirs = values_and_gradients(gru(x)[0], [x, *gru.parameters()])
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_the_recurrence_leaves_the_gradient_it_is_given_as_it_is() -> None:
    gru = FrameGRU(4)
    y = gru.states(torch.randn(1, 6, 4))
    given = torch.randn(1, 6, 4)
    before = given.clone()
    y.backward(given)
    assert torch.equal(given, before)


@pytest.mark.parametrize("frozen", ["input", "weights"])
def test_frozen_parts_get_no_gradient_and_do_not_disturb_the_others(frozen) -> None:
    torch.manual_seed(0)
    gru, conv = FrameGRU(4), TimeConv(4, 4, 3, padding=1, groups=4)
    x = torch.randn(2, 6, 4, requires_grad=frozen != "input")
    for layer in (gru, conv):
        layer.requires_grad_(frozen != "weights")
    conv(gru.states(x)).square().sum().backward()
    assert (x.grad is None) == (frozen == "input")
    assert (conv.weight.grad is None) == (frozen == "weights")
    assert (gru.weight_hh_l0.grad is None) == (frozen == "weights")
