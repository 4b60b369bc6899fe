"""Writes the package of a new model or backbone, ready to be installed, trained and changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from .atomic import write_text
from .errors import USAGE_PROBLEM, SingwizError
from .models.registry import GROUPS, part_names

Kind = Literal["backbone", "model"]

TITLES: dict[Kind, str] = {"backbone": "A backbone", "model": "An acoustic model"}
KEYS: dict[Kind, str] = {"backbone": "backbone_type", "model": "architecture"}
"""Kind -> the config key that names such a part."""

_ROOT = __name__.partition(".core.")[0]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class WrittenPackage:
    """A package that was written.

    Attributes:
        folder: where.
        name: of the part.
        kind: of the part.
        files: relative to ``folder``.
    """

    folder: Path
    name: str
    kind: Kind
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "folder": str(self.folder),
            "name": self.name,
            "kind": self.kind,
            "files": [*self.files],
            "next": self.next_steps(),
        }

    def next_steps(self) -> list[str]:
        """Commands that make use of it."""
        return [
            f"pip install -e '{self.folder}'",
            f"singwiz config set PROJECT {KEYS[self.kind]}={self.name}",
            f"singwiz train PROJECT --exp {self.name}",
        ]


def write_package(name: str, *, kind: Kind, folder: Path) -> WrittenPackage:
    """Write a package with a working part, its tests, a config and a README.

    Args:
        name: of the part, as configs will spell it: small letters, digits and ``-``.
        kind: what it is.
        folder: where; new or empty.

    Raises:
        SingwizError: the name cannot be used or is taken, or the folder holds something.
    """
    if not _NAME.fullmatch(name):
        raise SingwizError(
            "model-name",
            f"'{name}' cannot be the name of a {kind}.",
            hint="Use small letters, digits and single '-', and begin with a letter: my-model.",
            exit_code=USAGE_PROBLEM,
        )
    if name in part_names(kind):
        raise SingwizError(
            "model-name-taken",
            f"There is a {kind} called '{name}' already.",
            hint="Choose another name; what there is: singwiz models.",
            exit_code=USAGE_PROBLEM,
        )
    folder = folder.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SingwizError(
            "folder-not-empty",
            f"'{folder}' already holds something.",
            hint="Choose a new folder with -o.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    module = f"singwiz_{name.replace('-', '_')}"
    words = {
        "name": name,
        "package": f"singwiz-{name}",
        "module": module,
        "cls": "".join(part.capitalize() for part in name.split("-")),
        "group": GROUPS[kind],
        "title": TITLES[kind],
    }
    templates = {
        "pyproject.toml": "pyproject.toml.in",
        "README.md": f"{kind}/README.md.in",
        "config.yaml": f"{kind}/config.yaml.in",
        f"{module}/__init__.py": f"{kind}/network.py.in",
        f"tests/test_{module}.py": f"{kind}/test_network.py.in",
    }
    source = resources.files(_ROOT) / "presets" / "new-model"
    try:
        for file, template in templates.items():
            text = (source / template).read_text(encoding="utf-8").format(**words)
            write_text(folder / file, text)
    except OSError as error:
        raise SingwizError(
            "folder-not-writable",
            f"The package cannot be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        ) from None
    return WrittenPackage(folder, name, kind, tuple(sorted(templates)))
