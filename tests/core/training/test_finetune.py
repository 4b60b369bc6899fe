"""Starting from other weights and freezing parts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from singwiz.core.errors import SingwizError
from singwiz.core.training.finetune import FinetuneReport, freeze, load_pretrained


class Net(nn.Module):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.txt_embed = nn.Embedding(rows, 2)
        self.body = nn.Linear(2, 2)
        self.head = nn.Linear(2, 1)
        self.register_buffer("steps", torch.zeros(3))


def load(old: nn.Module, new: nn.Module, *ignored: str, strict: bool = True) -> FinetuneReport:
    return load_pretrained(
        new,
        old.state_dict(),
        source=Path("old.ckpt"),
        ignored_prefixes=ignored,
        strict_shapes=strict,
    )


def test_weights_are_copied_and_every_one_is_accounted_for() -> None:
    old, new = Net(4), Net(5)
    old.extra = nn.Linear(1, 1, bias=False)
    report = load(old, new, "model.txt_embed")
    torch.testing.assert_close(new.body.weight, old.body.weight)
    assert len(report.loaded) == 5
    assert report.ignored == ("txt_embed.weight",)
    assert report.missing == ("txt_embed.weight",)
    assert report.unused == ("extra.weight",)
    assert report.counts()["loaded"] == 5


def test_another_shape_is_an_error_unless_told_otherwise() -> None:
    with pytest.raises(SingwizError) as caught:
        load(Net(4), Net(5))
    assert caught.value.code == "finetune-shape"
    assert load(Net(4), Net(5), strict=False).reshaped == ("txt_embed.weight",)


def test_a_model_without_anything_in_common_is_an_error() -> None:
    with pytest.raises(SingwizError) as caught:
        load(nn.Linear(1, 1), Net(4))
    assert caught.value.code == "finetune-nothing"


def test_freezing_goes_by_prefix_and_leaves_buffers_alone() -> None:
    net = Net(4)
    assert freeze(net, ["model.body", "model.steps"]) == 2
    assert not net.body.weight.requires_grad
    assert net.head.weight.requires_grad


@pytest.mark.parametrize(
    ("prefixes", "code"), [(["body"], "freeze-unknown"), (["model."], "freeze-everything")]
)
def test_freezing_nothing_or_everything_is_an_error(prefixes: list[str], code: str) -> None:
    with pytest.raises(SingwizError) as caught:
        freeze(Net(4), prefixes)
    assert caught.value.code == code
