"""Rules about exchangeable parts of installed packages, and the arguments they are given."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.arguments import Argument, settable
from ..models.registry import Part, PartError, is_foreign, list_parts, load_part, part_names
from .rule import ERROR, WARNING, Findings, Rule, say
from .schema import Config
from .section import Section

GIVEN: dict[str, tuple[str, ...]] = {
    "backbone": ("in_dims", "num_feats", "hidden_size"),
    "aux_decoder": ("in_dims", "out_dims"),
    "model": (),
}
"""Kind of part -> parameters that are no arguments of the user's."""


ARGUMENT_MAPS: dict[str, str] = {
    "architecture_args": "model",
    "backbone_args": "backbone",
    "pitch_prediction_args.backbone_args": "backbone",
    "variances_prediction_args.backbone_args": "backbone",
    "shallow_diffusion_args.aux_decoder_args": "aux_decoder",
}
"""Dotted key of a map of arguments -> kind of part that they are for."""


@dataclass(frozen=True)
class ChosenPart:
    """A part that a config names, and the map with its arguments.

    Attributes:
        kind: see :data:`~singwiz.core.models.registry.GROUPS`.
        name: of the part.
        key: dotted key that names it.
        arguments: dotted key of the map.
        args: that map.
    """

    kind: str
    name: str
    key: str
    arguments: str
    args: Section

    def given(self) -> dict[str, Any]:
        """The arguments that the config sets."""
        values = {name: getattr(self.args, name) for name in type(self.args).model_fields}
        values |= self.args.model_extra or {}
        return {name: value for name, value in values.items() if value is not None}


def chosen_parts(config: Config) -> Iterator[ChosenPart]:
    """The parts with arguments that a model of this config is made of."""
    if config.kind == "acoustic":
        if config.architecture:
            yield ChosenPart(
                "model",
                config.architecture,
                "architecture",
                "architecture_args",
                config.architecture_args,
            )
            return  # a model of its own brings its own networks
        yield ChosenPart(
            "backbone", config.backbone_type, "backbone_type", "backbone_args", config.backbone_args
        )
        if config.use_shallow_diffusion:
            section = config.shallow_diffusion_args
            yield ChosenPart(
                "aux_decoder",
                section.aux_decoder_arch,
                "shallow_diffusion_args.aux_decoder_arch",
                "shallow_diffusion_args.aux_decoder_args",
                section.aux_decoder_args,
            )
    if config.kind == "variance":
        predictors = (
            ("pitch_prediction_args", config.pitch_prediction_args),
            ("variances_prediction_args", config.variances_prediction_args),
        )
        for name, predictor in predictors:
            yield ChosenPart(
                "backbone",
                predictor.backbone_type or config.backbone_type,
                f"{name}.backbone_type",
                f"{name}.backbone_args",
                predictor.backbone_args,
            )


def foreign_argument_maps(config: Config) -> frozenset[str]:
    """Dotted keys of maps whose limits a package decides, not our schema."""
    return frozenset(
        part.arguments for part in chosen_parts(config) if is_foreign(part.kind, part.name)
    )


def part_arguments(kind: str, name: str) -> list[Argument]:
    """The arguments that a user may set of a part; imports the package it is from.

    Raises:
        PartError: there is no such part, or its package cannot be imported.
    """
    return settable(load_part(kind, name), given=GIVEN[kind])


def package_defaults(config: Config) -> dict[str, Any]:
    """What the packages' parts of a config are given without the config saying so.

    A package may have other defaults tomorrow: whoever keeps a config to build the same network
    again keeps these, too.

    Returns:
        Dotted key -> value.
    """
    found = {}
    for part in chosen_parts(config):
        if not is_foreign(part.kind, part.name) or part.name not in part_names(part.kind):
            continue
        given = part.given()
        for argument in part_arguments(part.kind, part.name):
            if not argument.required and argument.name not in given:
                found[f"{part.arguments}.{argument.name}"] = argument.default
    return found


def foreign_argument(key: str) -> tuple[Part, Argument] | None:
    """The argument of an installed package's part that a dotted key sets; None if none has it.

    Imports the packages that have parts of that kind.
    """
    parent, _, name = key.rpartition(".")
    for part in list_parts(ARGUMENT_MAPS[parent]) if parent in ARGUMENT_MAPS else ():
        if part.built_in or part.hidden:
            continue
        try:
            arguments = part_arguments(part.kind, part.name)
        except PartError:
            continue  # said where it is chosen
        for argument in arguments:
            if argument.name == name:
                return part, argument
    return None


def _parts(config: Config, base: Path) -> Findings:
    for part in chosen_parts(config):
        if not is_foreign(part.kind, part.name) or part.name not in part_names(part.kind):
            continue  # ours follow the schema; unknown names are said there
        try:
            arguments = {one.name: one for one in part_arguments(part.kind, part.name)}
        except PartError as error:
            yield say(
                "config-part-broken",
                ERROR,
                part.key,
                f"'{part.name}' cannot be used: {error}.",
                "Mend or reinstall that package, or choose another one.",
            )
            continue
        yield from _arguments(part, arguments)


def _arguments(part: ChosenPart, arguments: dict[str, Argument]) -> Findings:
    ours: Collection[str] = type(part.args).model_fields
    for name, value in part.given().items():
        key = f"{part.arguments}.{name}"
        if name not in arguments:
            if name not in ours:  # those of our own parts are kept around
                known = ", ".join(arguments) or "none"
                yield say(
                    "config-argument-unknown",
                    WARNING,
                    key,
                    f"'{part.name}' knows no argument '{name}', so it has no effect.",
                    f"It knows: {known}.",
                )
        elif problem := arguments[name].problem(value):
            yield say(
                "config-argument-type",
                ERROR,
                key,
                f"'{name}' of '{part.name}' is {value!r}, but it {problem}.",
                arguments[name].help or "Correct the value, or remove the line.",
            )


def _architecture(config: Config, base: Path) -> Findings:
    if config.kind != "acoustic" or not config.architecture:
        return
    known = [name for name in part_names("model") if is_foreign("model", name)]
    if config.architecture not in known:
        yield say(
            "config-unknown-choice",
            ERROR,
            "architecture",
            f"'architecture' is '{config.architecture}', which does not exist.",
            f"Installed are: {', '.join(known)}." if known else "Leave it empty: singwiz's own.",
        )


RULES: tuple[Rule, ...] = (_architecture, _parts)
