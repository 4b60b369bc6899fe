"""Questions about networks of installed packages, made from their typed arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..view import Choice, Question

if TYPE_CHECKING:
    from ....core.models.arguments import Argument

OURS = "ours"
NETWORK = "network"
KEYS = {
    "backbone": ("backbone_type", "backbone_args"),
    "model": ("architecture", "architecture_args"),
}
"""Kind of part -> the config key that names it, and the map with its arguments."""
PREFIX = "network_"
"""What the ids of questions about arguments begin with."""


def network_questions(
    ask: Callable[..., Question], values: dict[str, Any], ours: str
) -> list[Question]:
    """Which network, and what it can be told; nothing as long as only ours are installed.

    Args:
        ask: makes a question with the step's words.
        values: the planned config, plain.
        ours: what the preset's own network is called.
    """
    from ....core.config import part_arguments
    from ....core.models.registry import PartError, list_parts

    parts = [
        part for kind in KEYS for part in list_parts(kind) if not (part.built_in or part.hidden)
    ]
    if not parts:
        return []
    now = _chosen(values)
    choices = [Choice(OURS, ours)]
    choices += [Choice(f"{one.kind}:{one.name}", one.name, one.origin) for one in parts]
    if now not in {one.value for one in choices}:
        now = OURS
    asked = [ask(NETWORK, "choice", now, choices=choices, advanced=True)]
    kind, _, name = now.partition(":")
    if now == OURS:
        return asked
    try:
        arguments = part_arguments(kind, name)
    except PartError:
        return asked  # said by the checks of the config
    given = values.get(KEYS[kind][1]) or {}
    return [*asked, *(_question(one, given.get(one.name, one.default)) for one in arguments)]


def _question(argument: Argument, value: Any) -> Question:
    kinds: dict[Any, Any] = {int: "number", float: "number", bool: "toggle"}
    kind: Any = "choice" if argument.choices else kinds.get(argument.type, "text")
    return Question(
        id=PREFIX + argument.name,
        label=argument.name,
        kind=kind,
        value=value,
        help=argument.help,
        choices=tuple(Choice(str(one), str(one)) for one in argument.choices),
        integer=argument.type is int,
        advanced=True,
    )


def _chosen(values: dict[str, Any]) -> str:
    if values.get("architecture"):
        return f"model:{values['architecture']}"
    return f"backbone:{values.get('backbone_type')}"


def network_overrides(
    overrides: dict[str, Any], values: dict[str, Any], question: str, answer: Any
) -> None:
    """Take an answer over into the model's own keys, in place.

    Args:
        overrides: of the model.
        values: the planned config, plain.
        question: id of one of :func:`network_questions`.
        answer: its value.
    """
    if question != NETWORK:
        _, arguments = KEYS[_chosen(values).partition(":")[0]]
        overrides[f"{arguments}.{question.removeprefix(PREFIX)}"] = answer
        return
    maps = tuple(f"{arguments}." for _, arguments in KEYS.values())
    for key in [key for key in overrides if key.startswith(maps)]:
        del overrides[key]
    for key, _ in KEYS.values():
        overrides.pop(key, None)
    if answer != OURS:
        kind, _, name = str(answer).partition(":")
        overrides[KEYS[kind][0]] = name
