"""The typed config: every DiffSinger key as an attribute, plus what can be asked of a config.

How a config comes into being (files, inheritance, older names) is the business of
``loading``; which combinations of values make sense is the business of ``constraints``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, PrivateAttr

from ..findings import Finding
from ..project import ModelKind
from .data_keys import DataKeys
from .model_keys import ModelKeys
from .section import KeyMeta, OpenSection, Section, entry_type, meta_of
from .training_keys import TrainingKeys
from .vocoder_keys import VocoderKeys


class Config(VocoderKeys, TrainingKeys, ModelKeys, DataKeys):
    """A complete config of one model.

    Attributes are DiffSinger's own key names. Make one with :func:`load_config` or
    :func:`generate_config`: those fill in what the config does not say. Keys that only other
    model kinds know have a value as well, but are left out of :meth:`to_dict`.
    """

    _kind: ModelKind = PrivateAttr(default="acoustic")
    _borrowed: frozenset[str] = PrivateAttr(default=frozenset())
    _findings: tuple[Finding, ...] = PrivateAttr(default=())
    _original_keys: dict[str, Any] = PrivateAttr(default_factory=dict)
    _source: str = PrivateAttr(default="")

    @property
    def kind(self) -> ModelKind:
        """Which model this config is for: ``acoustic``, ``variance`` or ``vocoder``."""
        return self._kind

    @property
    def loading_findings(self) -> tuple[Finding, ...]:
        """What was noticed while the config was read: older names, deceptive spellings."""
        return self._findings

    @property
    def original_keys(self) -> dict[str, Any]:
        """Keys of an older DiffSinger that were translated, with the values they had."""
        return dict(self._original_keys)

    @property
    def source(self) -> str:
        """The file the config was read from; empty if it came from a mapping."""
        return self._source

    def to_dict(self) -> dict[str, Any]:
        """Plain data with DiffSinger's key names, as models get it and files store it."""
        kind = self.kind
        result: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            kinds = meta_of(field).kinds
            if name in self._borrowed or (kind not in kinds and name not in self.model_fields_set):
                continue
            value = getattr(self, name)
            plain = _plain(value, kind)
            if plain is None and name not in self.model_fields_set:
                continue
            if name == "architecture_args" and not plain:
                continue  # only models of other people have some
            result[name] = plain
        result.update(
            {name: _plain(value, kind) for name, value in (self.model_extra or {}).items()}
        )
        return result

    def unknown_keys(self) -> list[str]:
        """Dotted names of keys that are kept although nothing here uses them."""
        return sorted(_unknown(self, ""))

    def hash_for(self, stage: str) -> str:
        """SHA-256 over the keys of a stage; equal hashes mean that nothing relevant changed.

        Args:
            stage: one letter of :data:`~singwiz.core.config.section.STAGES`; ``"p"`` for
                everything that decides what a binary dataset contains.

        Locations of weights and of the binary dataset and the number of workers do not
        count. Dictionaries count by language and file name: their content has a hash of its
        own.
        """
        kind = self.kind
        relevant = {
            name: value
            for name, value in _flatten(self, "", kind).items()
            if stage in value[0].stage and not value[0].place and kind in value[0].kinds
        }
        content = {name: _without_folder(name, value) for name, (_, value) in relevant.items()}
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def kind_of(data: Mapping[str, Any]) -> ModelKind:
    """The model kind a plain config is for, by its class names, else by the keys it has."""
    for name in ("task_cls", "binarizer_cls"):
        path = str(data.get(name) or "").lower()
        if "variance" in path:
            return "variance"
        if "acoustic" in path:
            return "acoustic"
        if any(word in path for word in ("hifigan", "nsf", "vocoder", "gan_task", "ddsp")):
            return "vocoder"
    if "gan_recipe" in data or "generater_optimizer_args" in data:
        return "vocoder"
    if any(key.startswith("predict_") or key.endswith("_prediction_args") for key in data):
        return "variance"
    return "acoustic"


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted keys in which two plain configs differ, with both values; absent counts as None."""
    before, after = _leaves(old, ""), _leaves(new, "")
    return {
        name: (before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def _plain(value: Any, kind: ModelKind) -> Any:
    if isinstance(value, Section):
        result: dict[str, Any] = {}
        for name, field in type(value).model_fields.items():
            item = getattr(value, name)
            if name not in value.model_fields_set and (
                item is None or kind not in meta_of(field).kinds
            ):
                continue
            result[name] = _plain(item, kind)
        result.update({k: _plain(v, kind) for k, v in (value.model_extra or {}).items()})
        return result
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {str(name): _plain(item, kind) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, kind) for item in value]
    return value


def _flatten(section: Section, prefix: str, kind: ModelKind) -> dict[str, tuple[KeyMeta, Any]]:
    """Dotted key -> (what the schema says, value); maps without a schema of their own are
    values."""
    result: dict[str, tuple[KeyMeta, Any]] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            result.update(_flatten(value, f"{prefix}{name}.", kind))
        elif isinstance(value, list) and entry_type(field.annotation):
            for index, entry in enumerate(value):
                result.update(_flatten(entry, f"{prefix}{name}.{index}.", kind))
        elif value is not None:
            result[prefix + name] = (meta_of(field), _plain(value, kind))
    return result


def _without_folder(name: str, value: Any) -> Any:
    if name == "dictionaries":
        return {language: PurePath(path).name for language, path in value.items()}
    return value


def _unknown(section: Section, prefix: str) -> set[str]:
    found: set[str] = set()
    if not isinstance(section, OpenSection):
        found.update(prefix + name for name in section.model_extra or {})
    for name in type(section).model_fields:
        value = getattr(section, name)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, Section):
                found |= _unknown(entry, f"{prefix}{name}.")
    return found


def _leaves(value: Any, prefix: str) -> dict[str, Any]:
    if isinstance(value, Mapping) and (value or not prefix):
        result: dict[str, Any] = {}
        for name, item in value.items():
            result.update(_leaves(item, f"{prefix}.{name}" if prefix else str(name)))
        return result
    return {prefix: value}
