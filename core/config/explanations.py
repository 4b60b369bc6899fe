"""What a config key means: the schema's words and the shipped defaults, for people."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Union, get_args, get_origin

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import ModelKind
from .legacy import DROPPED, RENAMED
from .schema import Config
from .section import LEVELS, STAGES, KeyMeta, Section, entry_type, meta_of, section_type


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Everything known about one key.

    Attributes:
        key: dotted name; ``datasets[].speaker`` stands for the key in every list entry.
        description: what it means.
        default: shipped value of the first of :attr:`kinds`; None if there is none.
        defaults: shipped value for each model kind that knows the key.
        unit: Hz, s, dB, semitones, frames, steps … or empty.
        stage: what a change affects, in words.
        level: whether to touch it, in words.
        kinds: model kinds that know the key.
        type: kind of value, in words.
        choices: the only usable values, if they can be listed.
        low: smallest usable number, or None.
        high: largest usable number, or None.
        part: kind of exchangeable part that the key names, see ``singwiz models``; or empty.
    """

    key: str
    description: str
    default: Any
    defaults: dict[ModelKind, Any]
    unit: str
    stage: str
    level: str
    kinds: tuple[ModelKind, ...]
    type: str
    choices: tuple[Any, ...]
    low: float | None
    high: float | None
    part: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {name: getattr(self, name) for name in self.__slots__}


def list_keys(kind: ModelKind | None = None) -> list[str]:
    """All dotted keys, optionally only those a model kind knows, in the order of the schema."""
    return [key for key, info in _table().items() if kind is None or kind in info.kinds]


def explain(key: str) -> KeyInfo:
    """What a key means.

    Args:
        key: dotted name, e.g. ``optimizer_args.lr``; list entries as ``datasets[].speaker`` or
            ``datasets.0.speaker``.

    Raises:
        SingwizError: there is no such key; the hint names the nearest ones.
    """
    normal = _normal(key)
    info = _table().get(normal)
    if info is None:
        found = _argument_info(normal)
        if found is None:
            raise unknown_key(key)
        return found
    if info.part:  # what is installed may change
        from ..models.registry import part_names

        return replace(info, choices=tuple(dict.fromkeys([*info.choices, *part_names(info.part)])))
    return info


def _argument_info(key: str) -> KeyInfo | None:
    """About an argument that only parts of installed packages know."""
    from .part_rules import foreign_argument

    found = foreign_argument(key)
    if found is None:
        return None
    part, argument = found
    words = type_words(argument.type) if argument.type else "map"
    return KeyInfo(
        key=key,
        description=f"{argument.help} ({part.name} of {part.origin})".strip(),
        default=argument.default,
        defaults={},
        unit="",
        stage=STAGES["n"],
        level=LEVELS["N"],
        kinds=("acoustic", "variance") if part.kind == "backbone" else ("acoustic",),
        type=words,
        choices=argument.choices,
        low=None,
        high=None,
    )


def unknown_key(key: str) -> SingwizError:
    """The error for a key that does not exist, with what may have been meant."""
    if key in RENAMED:
        hint = f"It is an old name of '{RENAMED[key]}'."
    elif key in DROPPED:
        hint = f"It belongs to an older DiffSinger; {DROPPED[key]}."
    else:
        near = similar_keys(key)
        hint = f"Did you mean '{near[0]}'?" if near else "See: singwiz config explain"
    return SingwizError(
        "config-unknown-key",
        f"There is no config key '{key}'.",
        hint=hint,
        exit_code=USAGE_PROBLEM,
    )


def similar_keys(key: str) -> list[str]:
    """Up to three existing keys that look like ``key``, the most similar first."""
    normal = _normal(key)
    near = difflib.get_close_matches(normal, _table(), n=3, cutoff=0.75)
    ends = [known for known in _table() if known.rpartition(".")[2] == normal]
    return list(dict.fromkeys([*near, *ends]))[:3]


def _normal(key: str) -> str:
    parts: list[str] = []
    for part in key.strip().split("."):
        if part.isdecimal() and parts:
            parts[-1] += "[]"
        else:
            parts.append(part)
    return ".".join(parts)


@cache
def _table() -> dict[str, KeyInfo]:
    return dict(_walk(Config, ""))


def _walk(section: type[Section], prefix: str) -> Iterator[tuple[str, KeyInfo]]:
    for name, field in section.model_fields.items():
        key = prefix + name
        meta = meta_of(field)
        yield key, _info(key, field.description or "", field.annotation, meta)
        nested, entry = section_type(field.annotation), entry_type(field.annotation)
        if nested is not None:
            yield from _walk(nested, f"{key}.")
        elif entry is not None:
            yield from _walk(entry, f"{key}[].")


def _info(key: str, description: str, annotation: Any, meta: KeyMeta) -> KeyInfo:
    from .loading import shipped_default

    defaults = {kind: shipped_default(kind, key) for kind in meta.kinds}
    return KeyInfo(
        key=key,
        description=description,
        default=defaults[meta.kinds[0]],
        defaults=defaults,
        unit=meta.unit,
        stage="; ".join(STAGES[letter] for letter in meta.stage),
        level=LEVELS[meta.level],
        kinds=meta.kinds,
        type=type_words(annotation),
        choices=meta.choices,
        part=meta.part,
        low=meta.low,
        high=meta.high,
    )


def type_words(annotation: Any) -> str:
    """A type annotation in words, e.g. ``list of text``."""
    simple = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if annotation in simple:
        return simple[annotation]
    origin = get_origin(annotation)
    if origin is list:
        return f"list of {type_words(get_args(annotation)[0]).replace('number', 'numbers')}"
    if origin in (Union, types.UnionType):
        parts = [type_words(part) for part in get_args(annotation) if part is not type(None)]
        return " or ".join(parts)
    return "map"
