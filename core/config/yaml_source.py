"""Reading one YAML file of a config: its data, and where in the file every value stands.

YAML turns unquoted words into numbers, truth values and dates (``001`` becomes 1, ``no``
becomes false, ``12:30`` becomes 750). Where the schema expects text, the text as written is
kept and a warning recorded. Inheritance and meaning are not this file's business.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..errors import USAGE_PROBLEM, SingwizError
from ..findings import Finding, Place, Severity
from .section import Section, section_type

KeyPath = tuple[str | int, ...]

_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_LARGEST_FILE = 8 * 2**20
_MOST_VALUES = 200_000


@dataclass(slots=True)
class YamlSource:
    """One parsed file.

    Attributes:
        data: the top-level map.
        lines: line number (from 1) of every key and list entry.
        findings: warnings about the way the file is written.
    """

    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def read_yaml_file(path: Path, *, schema: type[Section], extra: dict[str, Any]) -> YamlSource:
    """Read a config file.

    Args:
        path: the file.
        schema: says which values are text.
        extra: annotations of top-level keys outside the schema, e.g. of older names.

    Raises:
        SingwizError: the file cannot be read, is not UTF-8, not YAML, or not a map.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise SingwizError(
                "config-not-yaml",
                f"'{path.name}' is far too large to be a config.",
                hint="Give the .yaml file, not the checkpoint or the recordings beside it.",
                where=str(path),
                exit_code=USAGE_PROBLEM,
            )
        raw = path.read_bytes()
    except OSError as error:
        raise SingwizError(
            "config-unreadable",
            f"The config cannot be read: {error.strerror or error}.",
            hint="Check the path and the file's permissions.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from None
    return parse_yaml(_decode(raw, path), str(path), schema=schema, extra=extra)


def parse_yaml(
    text: str, where: str, *, schema: type[Section], extra: dict[str, Any]
) -> YamlSource:
    """Parse the text of a config; ``where`` names it in messages. See :func:`read_yaml_file`."""
    node = compose(text, where)
    if node is None or (isinstance(node, ScalarNode) and node.tag == _NULL):
        return YamlSource({})
    if not isinstance(node, MappingNode):
        raise SingwizError(
            "config-not-a-map",
            "This is not a config: it does not consist of lines like 'key: value'.",
            hint="Give a DiffSinger config such as configs/acoustic.yaml.",
            where=f"{where}:{node.start_mark.line + 1}",
        )
    source = YamlSource({})
    _Reader(source, where).annotate(node, schema, extra)
    source.data = construct(node, where)
    return source


def compose(text: str, where: str) -> Node | None:
    """The node tree of one YAML document.

    Raises:
        SingwizError: not YAML, or YAML made to exhaust memory.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise _invalid("the nesting is too deep", where, None) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "\\t" in str(error.problem):
            raise SingwizError(
                "config-tab",
                "The line is indented with a tab, which YAML does not allow.",
                hint="Replace the tab by spaces.",
                where=f"{where}:{mark.line + 1}" if mark else where,
            ) from None
        raise _invalid(str(error.problem or error.context), where, mark) from None
    except yaml.reader.ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        line = text.count("\n", 0, position) + 1
        raise SingwizError(
            "config-not-yaml",
            "The file contains characters that do not belong into a text file.",
            hint="Save it as plain text in UTF-8, or give another file.",
            where=f"{where}:{line}",
        ) from None
    if node is not None:
        _refuse_explosion(node, where)
    return node


def construct(node: Node, where: str) -> Any:
    """Plain data of a node tree. Raises SingwizError for tags that are not data."""
    try:
        return SafeConstructor().construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _invalid(str(error.problem), where, error.problem_mark) from None
    except ValueError as error:
        raise _invalid(str(error), where, node.start_mark) from None


def expect_text(node: Node, annotation: Any) -> Iterator[ScalarNode]:
    """Turn unquoted scalars into text where the annotation wants text; yields those changed."""
    if isinstance(node, ScalarNode):
        if _wants_text(annotation) and node.style is None and node.tag not in (_TEXT, _NULL):
            yield node
            node.tag = _TEXT
    elif isinstance(node, SequenceNode):
        item = _item_annotation(annotation)
        for child in node.value:
            yield from expect_text(child, item)
            if item is str and child.tag == _NULL and child.value:
                yield child
                child.tag = _TEXT


def _decode(raw: bytes, path: Path) -> str:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = getattr(error, "start", 0)
        line = raw.count(b"\n", 0, start) + 1
        raise SingwizError(
            "config-encoding",
            "The file is not saved as UTF-8, so its letters cannot be read.",
            hint="Open it in a text editor and save it with the encoding UTF-8.",
            where=f"{path}:{line}",
        ) from None


def _invalid(problem: str, where: str, mark: Any) -> SingwizError:
    return SingwizError(
        "config-not-yaml",
        f"This is not valid YAML: {problem}.",
        hint="Look at that line and the one before it: colons need a space after them, lists "
        "need equal indentation, and special characters need quotes.",
        where=f"{where}:{mark.line + 1}" if mark else where,
    )


def _refuse_explosion(root: Node, where: str) -> None:
    """Refuse aliases that contain themselves or multiply into millions of values."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Node) -> int:
        if isinstance(node, ScalarNode):
            return 1
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in open_nodes:
            raise _invalid("a value contains itself", where, node.start_mark)
        open_nodes.add(id(node))
        children = (
            [part for pair in node.value for part in pair]
            if isinstance(node, MappingNode)
            else node.value
        )
        total = 1 + sum(size(child) for child in children)
        open_nodes.discard(id(node))
        if total > _MOST_VALUES:
            raise _invalid("it holds far too many values", where, node.start_mark)
        sizes[id(node)] = total
        return total

    size(root)


class _Reader:
    """Walks a node tree along the schema: keeps texts as texts and notes line numbers."""

    def __init__(self, source: YamlSource, where: str) -> None:
        self._source = source
        self._where = where

    def annotate(self, node: MappingNode, schema: type[Section], extra: dict[str, Any]) -> None:
        self._mapping(node, schema, extra, ())

    def _mapping(
        self, node: MappingNode, annotation: Any, extra: dict[str, Any], path: KeyPath
    ) -> None:
        section = section_type(annotation)
        fields = section.model_fields if section else {}
        values = get_args(annotation)[1] if get_origin(annotation) is dict else None
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE or not isinstance(key_node, ScalarNode):
                continue
            for changed in expect_text(key_node, str):
                self._trap(changed, path)
            name = key_node.value
            here = (*path, name)
            if name in seen:
                self._warn(
                    "config-duplicate-key",
                    f"'{name}' is given twice; the last one counts.",
                    "Delete the line that is not meant.",
                    key_node,
                    here,
                )
            seen.add(name)
            known = fields.get(name)
            self._value(value_node, known.annotation if known else extra.get(name, values), here)
            self._source.lines[here] = key_node.start_mark.line + 1

    def _value(self, node: Node, annotation: Any, path: KeyPath) -> None:
        self._source.lines[path] = node.start_mark.line + 1
        if isinstance(node, MappingNode):
            self._mapping(node, annotation, {}, path)
        elif isinstance(node, SequenceNode) and not _item_is_text(annotation):
            item = _item_annotation(annotation)
            for index, child in enumerate(node.value):
                self._value(child, item, (*path, index))
        else:
            for changed in expect_text(node, annotation):
                self._trap(changed, path)

    def _trap(self, node: ScalarNode, path: KeyPath) -> None:
        try:
            understood = SafeConstructor().construct_object(node)
        except (ValueError, yaml.YAMLError):
            understood = "something else"
        if type(understood) in (int, float) and str(understood) == node.value:
            return  # 12 is 12 for every reader; only the looks of 012 or 'no' deceive.
        self._warn(
            "yaml-type-trap",
            f"{dotted(path) or 'A key'}: without quotes other programs read {node.value} as "
            f"{understood}; singwiz keeps it as the text '{node.value}'.",
            f"Write it in quotes: '{node.value}'.",
            node,
            path,
        )

    def _warn(self, code: str, message: str, hint: str, node: Node, path: KeyPath) -> None:
        place = Place(file=self._where, line=node.start_mark.line + 1, symbol=dotted(path))
        self._source.findings.append(
            Finding(code, Severity.WARNING, message, hint=hint, place=place)
        )


def dotted(path: KeyPath) -> str:
    """``('datasets', 0, 'speaker')`` as ``datasets.0.speaker``."""
    return ".".join(str(part) for part in path)


def _wants_text(annotation: Any) -> bool:
    if annotation is str:
        return True
    parts = [part for part in get_args(annotation) if part is not type(None)]
    return get_origin(annotation) is not None and parts == [str] and _is_union(annotation)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _item_annotation(annotation: Any) -> Any:
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    for part in get_args(annotation) if _is_union(annotation) else ():
        if get_origin(part) is list:
            return get_args(part)[0]
    return None


def _item_is_text(annotation: Any) -> bool:
    return _item_annotation(annotation) is str
