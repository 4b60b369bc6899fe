"""The building block of the config schema: a group of keys, and what is written about each key.

The schema (``data_keys``, ``model_keys``, ``training_keys``) is the one place that says what
type a key has, what it means, in which unit, who needs it and which values it may take.
Validation, ``explain`` and the forms of the wizard read it from there. Default *values* live
in ``presets/bases``; a default given here is what the *absence* of the key means in a config
that was saved by an older DiffSinger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..project import ModelKind

LEVELS = {
    "R": "must be set",
    "r": "worth tuning",
    "N": "leave as it is",
    "X": "untested to change",
    "Z": "reserved",
}
STAGES = {
    "n": "network shape: changing it makes checkpoints unusable",
    "p": "preparation: changing it needs a new binary dataset",
    "t": "training",
    "i": "rendering",
    "o": "other",
}
_KIND_LETTERS: dict[str, ModelKind] = {
    "A": "acoustic",
    "V": "variance",
    "W": "vocoder",
}


@dataclass(frozen=True, slots=True)
class KeyMeta:
    """What the schema says about one key besides its type and its description."""

    stage: str
    level: str
    kinds: tuple[ModelKind, ...]
    unit: str
    choices: tuple[Any, ...]
    low: float | None
    high: float | None
    place: bool
    """True for keys that say *where* something is; they do not count as a changed setting."""
    part: str = ""
    """Kind of exchangeable part that the key names; installed packages add to its choices."""

    def all_choices(self) -> tuple[Any, ...]:
        """The choices with those of installed packages."""
        if not self.part:
            return self.choices
        from ..models.registry import part_names

        return tuple(dict.fromkeys([*self.choices, *part_names(self.part)]))


class Section(BaseModel):
    """A map in the config file. Keys it does not know are kept as they are."""

    model_config = ConfigDict(
        extra="allow", coerce_numbers_to_str=True, protected_namespaces=(), validate_default=True
    )


class OpenSection(Section):
    """A map whose further keys are passed on to a constructor, so unknown keys are normal."""


def key(
    description: str,
    *,
    stage: str,
    level: str = "N",
    kinds: str = "AV",
    unit: str = "",
    default: Any = PydanticUndefined,
    choices: Sequence[Any] = (),
    low: float | None = None,
    high: float | None = None,
    place: bool = False,
    part: str = "",
) -> Any:
    """Declare one config key.

    Args:
        description: one or two sentences in a musician's words.
        stage: letters out of :data:`STAGES`.
        level: a letter out of :data:`LEVELS`.
        kinds: which models know the key, letters A(coustic), V(ariance) and W (vocoder: waveforms).
        unit: Hz, s, dB, semitone, frames, steps … or empty.
        default: what an absent key means; left out = the shipped base of the model kind decides.
        choices: the only usable values, if they can be listed.
        low: smallest usable number.
        high: largest usable number.
        place: the key is a location or a speed setting that does not influence any result.
        part: kind of part that the key names, see :mod:`singwiz.core.models.registry`.
    """
    meta = KeyMeta(
        stage=stage,
        level=level,
        kinds=tuple(_KIND_LETTERS[letter] for letter in kinds),
        unit=unit,
        choices=tuple(choices),
        low=low,
        high=high,
        place=place,
        part=part,
    )
    return Field(default=default, description=description, json_schema_extra={"key": meta})  # type: ignore[dict-item]


def meta_of(field: FieldInfo) -> KeyMeta:
    """The :class:`KeyMeta` of a schema field."""
    extra = field.json_schema_extra
    meta: object = extra.get("key") if isinstance(extra, dict) else None
    if not isinstance(meta, KeyMeta):
        raise TypeError("a schema field was not declared with key()")
    return meta


def section_type(annotation: Any) -> type[Section] | None:
    """The :class:`Section` that an annotation stands for, or None."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def entry_type(annotation: Any) -> type[Section] | None:
    """The :class:`Section` that the entries of an annotated list are, or None."""
    return section_type(get_args(annotation)[0]) if get_origin(annotation) is list else None


def nullable(annotation: Any) -> bool:
    """True if the annotation allows None."""
    return annotation is Any or annotation is type(None) or type(None) in get_args(annotation)
