"""The typed arguments of a part: what its constructor can be told, and by values of which kind.

An argument is a keyword parameter with a default. Its annotation says the type; a text in
``Annotated`` is its description, and ``Literal`` lists its values::

    def __init__(self, *, in_dims: int, layers: Annotated[int, "Layers."] = 4) -> None: ...

Knows nothing but the standard library.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes:
        name: of the parameter.
        type: int, float, bool or str; None if it is something else, which is not checked.
        default: value if it is not given; None for a required one.
        help: description, or "".
        choices: the only values, if they can be listed.
        required: it has no default.
        nullable: None is a value, too.
    """

    name: str
    type: type | None
    default: Any = None
    help: str = ""
    choices: tuple[Any, ...] = ()
    required: bool = False
    nullable: bool = False

    def problem(self, value: Any) -> str:
        """What is wrong with a value, as the end of a sentence; empty if nothing is."""
        if value is None and self.nullable:
            return ""
        if self.choices:
            known = ", ".join(map(str, self.choices))
            return "" if value in self.choices else f"has to be one of: {known}"
        kind = self.type
        if kind is None:
            return ""
        # True is an int for Python, but not for people; 4 is a fine 4.0, and 4.0 a fine 4.
        fits = isinstance(value, int | float if kind is float else kind)
        fits = fits or (kind is int and isinstance(value, float) and value.is_integer())
        if fits and (kind is bool) == isinstance(value, bool):
            return ""
        return f"has to be {_WORDS[kind]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "name": self.name,
            "type": self.type.__name__ if self.type else None,
            "default": self.default,
            "help": self.help,
            "choices": list(self.choices),
            "required": self.required,
        }


def arguments_of(part: Callable[..., Any], *, given: Collection[str] = ()) -> list[Argument]:
    """The arguments of a class or function.

    Args:
        part: a class (also a dataclass) or a function.
        given: parameters that the caller sets itself.
    """
    hints = _hints(part)
    found = []
    for name, parameter in inspect.signature(part).parameters.items():
        if name in given or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        found.append(_argument(name, hints.get(name, Any), default, required))
    return found


def settable(part: Callable[..., Any], *, given: Collection[str] = ()) -> list[Argument]:
    """Those with a default: what a user may choose."""
    return [one for one in arguments_of(part, given=given) if not one.required]


def known_arguments(
    part: Callable[..., Any], args: Mapping[str, Any], *, given: Collection[str] = ()
) -> dict[str, Any]:
    """The values among ``args`` that ``part`` takes; configs keep those of other parts around.

    Raises:
        ValueError: a value is of another type; the message names the argument.
    """
    chosen = {}
    for argument in settable(part, given=given):
        if argument.name not in args:
            continue
        value = args[argument.name]
        if value is None and not argument.nullable:
            continue
        problem = argument.problem(value)
        if problem:
            raise ValueError(f"{argument.name} is {value!r}, but it {problem}")
        chosen[argument.name] = int(value) if argument.type is int else value
    return chosen


def _hints(part: Callable[..., Any]) -> dict[str, Any]:
    target: Any = part.__init__ if inspect.isclass(part) else part
    try:
        return get_type_hints(target, include_extras=True)
    except (NameError, TypeError):  # annotations that only a type checker can resolve
        return {}


def _argument(name: str, hint: Any, default: Any, required: bool) -> Argument:
    text = ""
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        text = next((note for note in notes if isinstance(note, str)), "")
    nullable = default is None and not required
    if get_origin(hint) in (Union, types.UnionType):
        options = [one for one in get_args(hint) if one is not type(None)]
        nullable = nullable or len(options) < len(get_args(hint))
        hint = options[0] if len(options) == 1 else Any
    choices: tuple[Any, ...] = ()
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        hint = type(choices[0])
    kind = hint if hint in _WORDS else None
    return Argument(name, kind, default, text, choices, required, nullable)
