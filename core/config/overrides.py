"""Values set by dotted key on top of a config, e.g. from ``--set optimizer_args.lr=0.0004``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from yaml.nodes import MappingNode, Node

from ..errors import USAGE_PROBLEM, SingwizError
from . import legacy
from .schema import Config
from .section import OpenSection, entry_type, section_type
from .yaml_source import compose, construct, expect_text


def apply_overrides(data: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Set values by dotted key, in place; maps merge into maps.

    Args:
        data: a merged config.
        overrides: dotted key -> value. List entries by number: ``datasets.0.speaker``.

    Raises:
        SingwizError: a key does not exist, or a value is not YAML.
    """
    for key, value in overrides.items():
        annotation = _annotation(key, data)
        if isinstance(value, str):
            value = read_value(value, annotation, key)
        _silence_other_generation(data, key, value)
        _put(data, key, value)


def read_value(text: str, annotation: Any, key: str) -> Any:
    """The value a user typed for a key.

    Where the key is a text, it is taken as typed; otherwise it is read as YAML, with texts in
    lists kept as texts.

    Raises:
        SingwizError: not YAML.
    """
    typed = text.strip()
    if annotation is str or _optional_text(annotation):
        if _optional_text(annotation) and typed.lower() in ("", "~", "null"):
            return None
        if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\"":
            return typed[1:-1]
        return typed
    where = f"--set {key}"
    node = compose(text, where)
    if node is None:
        return None
    _keep_texts(node, annotation)
    return construct(node, where)


def _keep_texts(node: Node, annotation: Any) -> None:
    section = section_type(annotation)
    if isinstance(node, MappingNode):
        fields = section.model_fields if section else {}
        values = get_args(annotation)[1] if get_origin(annotation) is dict else None
        for name, value in node.value:
            list(expect_text(name, str))
            field = fields.get(name.value) if isinstance(name.value, str) else None
            _keep_texts(value, field.annotation if field else values)
    elif (entry := entry_type(annotation)) is not None and isinstance(node.value, list):
        for child in node.value:
            _keep_texts(child, entry)
    else:
        list(expect_text(node, annotation))


def _optional_text(annotation: Any) -> bool:
    return set(get_args(annotation)) == {str, type(None)}


def _annotation(key: str, data: Mapping[str, Any]) -> Any:
    """Type of a dotted key; None if it is free. Raises SingwizError if it cannot exist."""
    from .explanations import unknown_key

    annotation: Any = Config
    value: Any = data
    for part in key.split("."):
        section = section_type(annotation)
        inside = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list) and part.isdecimal():
            inside = value[int(part)] if int(part) < len(value) else None
            annotation = entry_type(annotation) or (get_args(annotation) or (None,))[0]
        elif section is not None and part in section.model_fields:
            annotation = section.model_fields[part].annotation
        elif section is not None and not issubclass(section, OpenSection):
            known = inside is not None or key in legacy.RENAMED or part in legacy.LEGACY_TYPES
            if not known:
                raise unknown_key(key)
            annotation = legacy.LEGACY_TYPES.get(part)
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            annotation = None
        value = inside
    return annotation


def _silence_other_generation(data: dict[str, Any], key: str, value: Any) -> None:
    own: Any = value
    for part in reversed(key.split(".")):
        own = {part: own}
    legacy.forget_replaced(data, own)


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    target: Any = data
    for part in parents:
        if isinstance(target, list):
            target = target[_index(part, target, key)]
        else:
            child = target.get(part)
            if not isinstance(child, dict | list):
                child = target[part] = {}
            target = child
    if isinstance(target, list):
        target[_index(last, target, key)] = value
    elif isinstance(target.get(last), dict) and isinstance(value, Mapping):
        from .loading import merge

        merge(target[last], value)
    else:
        target[last] = value


def _index(part: str, entries: list[Any], key: str) -> int:
    if part.isdecimal() and int(part) < len(entries):
        return int(part)
    raise SingwizError(
        "config-unknown-key",
        f"'{key}' points to entry {part} of a list with {len(entries)} entries.",
        hint="Entries are counted from 0.",
        exit_code=USAGE_PROBLEM,
    )
