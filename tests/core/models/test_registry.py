"""Parts of installed packages: named without being imported, checked before they are built."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from typer.testing import CliRunner

from singwiz.assistant.cli.app import app
from singwiz.core.config import check_config, explain, load_config
from singwiz.core.config.part_rules import package_defaults
from singwiz.core.models.arguments import arguments_of, known_arguments
from singwiz.core.models.backbones import BACKBONES, build_backbone
from singwiz.core.models.registry import (
    BUILT_IN,
    PartError,
    find_part,
    list_parts,
    load_part,
    part_names,
)
from singwiz.core.reporting import Reporter
from singwiz.core.training.experiment import Experiment, write_experiment

Install = Callable[..., Path]

BLUR = """
from typing import Annotated
from singwiz.core.models.backbones.base import Backbone
from torch import nn

class Blur(Backbone):
    def __init__(self, *, in_dims, num_feats, hidden_size,
                 strength: Annotated[float, "How much."] = 0.5, activation: str = "soft"):
        super().__init__(in_dims=in_dims, num_feats=num_feats)
        self.net = nn.Linear(in_dims * num_feats, in_dims * num_feats)
    def project_condition(self, cond):
        return cond
    def denoise(self, x, t, condition):
        return self.net(x.transpose(1, 2)).transpose(1, 2)
"""
TEMPLATE = "configs/templates/config_acoustic.yaml"


def codes(**changes: Any) -> dict[str, str]:
    return {
        one.code: f"{one.message} {one.hint}"
        for one in check_config(load_config(TEMPLATE, overrides=changes))
    }


def test_every_part_of_our_own_is_where_the_registry_says() -> None:
    for kind, parts in BUILT_IN.items():
        for name in parts:
            assert find_part(kind, name).origin == "built in"
            assert callable(load_part(kind, name))
    assert {name: load_part("backbone", name) for name in BACKBONES} == BACKBONES


def test_parts_of_packages_are_listed_without_importing_them(install: Install) -> None:
    install("lazy-parts", {"singwiz.backbones": {"lazy": "lazy_parts:Lazy"}}, "raise SystemError")
    part = find_part("backbone", "lazy")
    assert (part.origin, part.built_in) == ("lazy-parts 1.2", False)
    assert part_names("backbone") == ("wavenet", "lynxnet", "lynxnet2", "lazy")
    assert "lazy_parts" not in sys.modules


def test_a_package_that_cannot_be_imported_is_named_with_the_reason(install: Install) -> None:
    install("bad-parts", {"singwiz.backbones": {"bad": "bad_parts:Bad"}}, "import nowhere_at_all")
    with pytest.raises(PartError, match=r"'bad'.*'bad-parts'.*nowhere_at_all"):
        load_part("backbone", "bad")
    assert "bad-parts" in codes(backbone_type="bad")["config-part-broken"]
    told = CliRunner().invoke(app, ["models", "--json"])
    assert told.exit_code == 0
    rows = {(row["kind"], row["name"]): row for row in json.loads(told.stdout)["models"]}
    assert "nowhere_at_all" in rows["backbone", "bad"]["problem"]
    assert rows["backbone", "lynxnet2"]["from"] == "built in"
    shown = CliRunner().invoke(app, ["models", "--kind", "backbone"])
    assert "part-unusable" in shown.output


def test_a_name_of_ours_cannot_be_taken(install: Install) -> None:
    install("greedy", {"singwiz.backbones": {"lynxnet2": "greedy:Other"}})
    (hidden,) = [part for part in list_parts("backbone") if part.hidden]
    assert (hidden.package, hidden.hidden) == ("greedy", "the name is taken by singwiz")
    assert load_part("backbone", "lynxnet2") is BACKBONES["lynxnet2"]


def test_an_unknown_part_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown backbone 'x' \(known: wavenet, lynxnet"):
        build_backbone("x", {}, in_dims=1, num_feats=1, hidden_size=1)
    with pytest.raises(ValueError, match="unknown kind of part"):
        list_parts("choir")
    refused = CliRunner().invoke(app, ["models", "--kind", "choir"])
    assert refused.exit_code != 0


def test_a_config_accepts_a_foreign_backbone_and_checks_its_arguments(install: Install) -> None:
    assert "config-unknown-choice" in codes(backbone_type="blur")
    install("blur-net", {"singwiz.backbones": {"blur": "blur_net:Blur"}}, BLUR)
    good = codes(
        **{
            "backbone_type": "blur",
            "backbone_args.strength": 0.25,
            # A value that ours do not know is fine where ours are not meant.
            "backbone_args.activation": "soft",
        }
    )
    assert not {code for code in good if code.startswith(("config-arg", "config-un"))}
    wrong = codes(**{"backbone_type": "blur", "backbone_args.strength": "much"})
    assert (
        "'strength' of 'blur' is 'much', but it has to be a number"
        in (wrong["config-argument-type"])
    )
    idle = codes(**{"backbone_type": "blur", "backbone_args.strenght": 1})
    assert "It knows: strength, activation." in idle["config-argument-unknown"]
    info = explain("backbone_args.strength")
    assert info.description == "How much. (blur of blur-net 1.2)"
    assert "blur" in explain("backbone_type").choices


def test_defaults_of_a_package_are_kept_with_what_is_trained(
    install: Install, tmp_path: Path
) -> None:
    install("blur-keep", {"singwiz.backbones": {"blur": "blur_keep:Blur"}}, BLUR)
    config = load_config(
        TEMPLATE, overrides={"backbone_type": "blur", "backbone_args.strength": 0.25}
    )
    assert package_defaults(config) == {"backbone_args.activation": "soft"}
    assert package_defaults(load_config(TEMPLATE)) == {}
    binary = tmp_path / "binary"
    binary.mkdir()
    kept = Experiment(tmp_path / "exp", binary, 5, None)
    write_experiment(kept, config, Reporter())
    saved = load_config(tmp_path / "exp" / "config.yaml").to_dict()["backbone_args"]
    assert (saved["strength"], saved["activation"]) == (0.25, "soft")


def test_an_architecture_that_is_not_installed_is_an_error() -> None:
    assert "'architecture' is 'mine'" in codes(architecture="mine")["config-unknown-choice"]


def test_arguments_are_read_from_signatures() -> None:
    def part(
        *,
        sizes: int,
        wide: Annotated[int, "Width."] = 4,
        rate: float = 0.5,
        soft: bool = False,
        kind: Literal["a", "b"] = "a",
        name: str | None = None,
        other: Any = (),
    ) -> None: ...

    found = {one.name: one for one in arguments_of(part)}
    assert found["sizes"].required
    assert (found["wide"].type, found["wide"].help, found["wide"].default) == (int, "Width.", 4)
    assert found["kind"].choices == ("a", "b")
    assert found["name"].nullable
    for name, value, problem in (
        ("wide", 4.0, ""),
        ("wide", 4.5, "whole number"),
        ("wide", True, "whole number"),
        ("rate", 1, ""),
        ("soft", 1, "true or false"),
        ("kind", "c", "one of: a, b"),
        ("name", None, ""),
        ("other", object(), ""),
    ):
        told = found[name].problem(value)
        assert (problem in told) if problem else told == ""
    chosen = known_arguments(part, {"wide": 4.0, "rate": None, "unknown": 1})
    assert chosen == {"wide": 4}
    assert isinstance(chosen["wide"], int)
    with pytest.raises(ValueError, match="soft is 'x', but it has to be true or false"):
        known_arguments(part, {"soft": "x"})
