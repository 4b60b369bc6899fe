"""Networks of installed packages are offered with questions made from their typed arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from singwiz.assistant.guide.steps.foreign import OURS, network_overrides, network_questions
from singwiz.assistant.guide.steps.model import ModelStep

CODE = """
from typing import Annotated, Literal

def build(*, in_dims, num_feats, hidden_size, width: Annotated[int, "How wide."] = 4,
          soft: bool = True, gate: Literal["a", "b"] = "a"): ...
"""
PLANNED: dict[str, Any] = {"backbone_type": "lynxnet2", "backbone_args": {"num_layers": 3}}


def asked(values: dict[str, Any]) -> dict[str, Any]:
    return {one.id: one for one in network_questions(ModelStep().ask, values, "ours")}


def test_nothing_is_asked_as_long_as_only_our_networks_are_there() -> None:
    assert asked(PLANNED) == {}


def test_a_foreign_network_brings_its_own_questions(install: Callable[..., Path]) -> None:
    install("wide-net", {"singwiz.backbones": {"wide": "wide_net:build"}}, CODE)
    questions = asked(PLANNED)
    assert list(questions) == ["network"]
    assert [one.value for one in questions["network"].choices] == [OURS, "backbone:wide"]
    assert questions["network"].value == OURS

    overrides: dict[str, Any] = {"max_updates": 5}
    network_overrides(overrides, PLANNED, "network", "backbone:wide")
    assert overrides == {"max_updates": 5, "backbone_type": "wide"}
    planned = {"backbone_type": "wide", "backbone_args": {"width": 6}}
    questions = asked(planned)
    width = questions["network_width"]
    assert (width.kind, width.value, width.help, width.integer) == ("number", 6, "How wide.", True)
    assert questions["network_soft"].kind == "toggle"
    assert [one.value for one in questions["network_gate"].choices] == ["a", "b"]
    network_overrides(overrides, planned, "network_width", 8)
    assert overrides["backbone_args.width"] == 8
    network_overrides(overrides, planned, "network", OURS)
    assert overrides == {"max_updates": 5}
