"""Which exchangeable parts there are: our own, and those of installed packages.

A package adds a part by an entry point, so whatever is installed is there without being told to
anybody. Names are read from the packages' metadata; nothing of a package is imported before one of
its parts is used. Knows nothing but the standard library, so that every room can ask.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUPS: Mapping[str, str] = {
    "model": "singwiz.models",
    "backbone": "singwiz.backbones",
    "aux_decoder": "singwiz.aux_decoders",
    "pitch_extractor": "singwiz.pitch_extractors",
    "separator": "singwiz.separators",
    "vocoder": "singwiz.vocoders",
}
"""Kind of part -> entry-point group in which packages announce theirs."""

_CORE = __name__.rpartition(".models.")[0]

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "model": {
        "acoustic": "models.acoustic:AcousticModel",
        "variance": "models.variance:VarianceModel",
        "vocoder": "models.vocoder.generator:Generator",
    },
    "backbone": {
        "wavenet": "models.backbones.wavenet:WaveNet",
        "lynxnet": "models.backbones.lynxnet:LYNXNet",
        "lynxnet2": "models.backbones.lynxnet2:LYNXNet2",
    },
    "aux_decoder": {"convnext": "models.aux_decoder:ConvNeXtDecoder"},
    "pitch_extractor": {
        "parselmouth": "features.pitch:Parselmouth",
        "swift-f0": "features.swift:Swift",
        "harvest": "features.pitch:Harvest",
        "rmvpe": "features.rmvpe:Rmvpe",
    },
    "separator": {"world": "features.separation:World", "vr": "features.vr:Vr"},
    "vocoder": {
        "preview": "synthesis.preview:PreviewVocoder",
        "nsf-hifigan": "synthesis.neural:NeuralVocoder",
        "ddsp": "synthesis.ddsp:DdspVocoder",
    },
}
"""Kind -> name -> where it is in ``singwiz.core``. Vocoders of files are told apart by the file."""


class PartError(ValueError):
    """A part that does not exist, or whose package cannot be imported."""


@dataclass(frozen=True)
class Part:
    """A part that can be chosen by name.

    Attributes:
        kind: a key of :data:`GROUPS`.
        name: as configs spell it.
        package: distribution it comes from; ``singwiz`` for our own.
        version: of that distribution.
        entry: the object, as ``module:attribute``.
        hidden: why it cannot be chosen: its name is taken; empty for all others.
    """

    kind: str
    name: str
    package: str
    version: str
    entry: str
    hidden: str = ""

    @property
    def built_in(self) -> bool:
        """True for singwiz's own."""
        return self.package == "singwiz"

    @property
    def origin(self) -> str:
        """Where it is from, in words."""
        return "built in" if self.built_in else f"{self.package} {self.version}".strip()

    def load(self) -> Any:
        """The class or function behind the name; imports its package.

        Raises:
            PartError: the package cannot be imported; the message names it and says why.
        """
        module, _, attribute = self.entry.partition(":")
        try:
            found: Any = import_module(f"{_CORE}.{module}" if self.built_in else module)
            for name in attribute.split(".") if attribute else ():
                found = getattr(found, name)
            return found
        except Exception as error:  # whatever the code of somebody else raises
            if self.built_in:
                raise
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise PartError(
                f"the {self.kind.replace('_', ' ')} {self.name!r} of the package "
                f"'{self.package}' cannot be loaded ({reason})"
            ) from error


def list_parts(kind: str | None = None) -> list[Part]:
    """All parts, our own first, then by package; also those whose name is taken.

    Args:
        kind: only these.

    Raises:
        ValueError: there is no such kind.
    """
    kinds = [kind] if kind is not None else list(GROUPS)
    if kind is not None and kind not in GROUPS:
        raise ValueError(f"unknown kind of part {kind!r} (known: {', '.join(GROUPS)})")
    return [part for one in kinds for part in _parts(one, tuple(sys.path))]


def part_names(kind: str) -> tuple[str, ...]:
    """Names that can be chosen, our own first. Nothing is imported."""
    return tuple(part.name for part in list_parts(kind) if not part.hidden)


def find_part(kind: str, name: str) -> Part:
    """The part of a name.

    Raises:
        PartError: there is none; the message lists the known ones.
    """
    for part in list_parts(kind):
        if part.name == name and not part.hidden:
            return part
    known = ", ".join(part_names(kind))
    raise PartError(f"unknown {kind.replace('_', ' ')} {name!r} (known: {known})")


def load_part(kind: str, name: str) -> Any:
    """The class or function of a name.

    Raises:
        PartError: there is none, or its package cannot be imported.
    """
    return find_part(kind, name).load()


def is_foreign(kind: str, name: str) -> bool:
    """True if ``name`` is not one of ours; the packages are not looked at."""
    return name not in BUILT_IN[kind]


@lru_cache(maxsize=64)
def _parts(kind: str, path: tuple[str, ...]) -> tuple[Part, ...]:
    """``path`` is Python's search path: packages on another one are other packages."""
    parts = [Part(kind, name, "singwiz", "", entry) for name, entry in BUILT_IN[kind].items()]
    taken = {part.name: "singwiz" for part in parts}
    found = {_identity(one): one for one in entry_points(group=GROUPS[kind])}
    for (package, version, name), entry in sorted(found.items(), key=lambda pair: pair[0]):
        hidden = ""
        if name in taken:
            hidden = f"the name is taken by {taken[name]}"
        taken.setdefault(name, package)
        parts.append(Part(kind, name, package, version, entry.value.split(" ")[0], hidden))
    return tuple(parts)


def _identity(entry: EntryPoint) -> tuple[str, str, str]:
    package = entry.dist.metadata["Name"] if entry.dist is not None else "?"
    version = entry.dist.version if entry.dist is not None else ""
    return package, version, entry.name
