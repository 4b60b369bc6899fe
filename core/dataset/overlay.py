"""Overlays: a fixed dataset that keeps only what differs from the recordings it was made of.

An overlay is a folder with ``overlay.json`` naming its base, a complete ``transcriptions.csv``,
and in ``wavs`` and ``ds`` the files that are not as in the base. ``files.json`` lists files of
the base that go by another name now, or that no longer belong to the dataset. Wherever a raw
dataset folder is expected, an overlay folder will do; the base is only ever read.

This module reads overlays. Making and changing them is the business of :mod:`.fixes`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..dictionary.rules import Rule
from ..errors import SingwizError
from ..findings import Severity

OVERLAY_FILE = "overlay.json"
CHANGES_FILE = "files.json"
SCHEMA = 1
FOLDERS = ("wavs", "ds")

OVERLAY_RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule(
            "overlay-broken",
            Severity.ERROR,
            "Description of the fixed copy is damaged",
            "Take the fixes back with 'singwiz undo', or delete the folder and fix again.",
            "overlay.json or files.json of a fixed copy was edited or half copied.",
        ),
        Rule(
            "overlay-base-changed",
            Severity.WARNING,
            "Original labels changed after fixing",
            "The fixed copy counts. To work with the new labels, take the fixes back with "
            "'singwiz undo' and apply them again.",
            "Fixes are kept beside the originals; transcriptions.csv there was edited since.",
        ),
    )
}
"""What can be wrong with an overlay as such."""


@dataclass(frozen=True)
class Overlay:
    """A read ``overlay.json`` with its ``files.json``.

    Attributes:
        root: folder of the overlay.
        base: raw dataset folder it was made of.
        base_csv: SHA-256 of the base's transcriptions.csv at that time; empty if there was none.
        hidden: files of the base that do not belong to the dataset, e.g. ``wavs/a.wav``.
        renamed: file of the dataset -> file of the base with its content.
    """

    root: Path
    base: Path
    base_csv: str = ""
    hidden: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def listing(self, folder: str) -> dict[str, Path]:
        """File name -> where it is, for ``wavs`` or ``ds``, sorted by name.

        Raises:
            OSError: the base's folder exists but cannot be read, or there is none at all.
        """
        own = _files(self.root / folder) if (self.root / folder).is_dir() else {}
        base = _files(self.base / folder) if own == {} or (self.base / folder).is_dir() else {}
        found = {n: path for n, path in base.items() if f"{folder}/{n}" not in self.hidden}
        for new, old in self.renamed.items():
            if new.startswith(f"{folder}/"):
                source = base.get(old.removeprefix(f"{folder}/"))
                if source is not None:
                    found[new.removeprefix(f"{folder}/")] = source
        return dict(sorted((found | own).items()))


def list_folder(root: Path, folder: str, overlay: Overlay | None = None) -> dict[str, Path]:
    """The files of ``wavs`` or ``ds`` of a raw dataset: name -> path, sorted by name.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    return overlay.listing(folder) if overlay else _files(root / folder)


def read_overlay(root: Path) -> Overlay | None:
    """The overlay in a folder; None if the folder is an ordinary one.

    Raises:
        SingwizError: its description is damaged.
    """
    described = _read_json(root / OVERLAY_FILE)
    if described is None:
        return None
    changes = _read_json(root / CHANGES_FILE) or {}
    base, base_csv = described.get("base"), described.get("base_csv", "")
    hidden, renamed = changes.get("hidden", []), changes.get("renamed", {})
    if (
        described.get("schema") != SCHEMA
        or not isinstance(base, str)
        or not base
        or not isinstance(base_csv, str)
        or not isinstance(hidden, list)
        or not isinstance(renamed, dict)
        or not all(is_member(name) for name in (*hidden, *renamed, *renamed.values()))
    ):
        raise _broken(root, "it does not say what an overlay has to say")
    return Overlay(root, Path(base), base_csv, frozenset(hidden), renamed)


def follow(root: Path, raw_data_dir: Path) -> bool:
    """Let the overlay in ``root`` find its base again after the recordings were moved.

    Returns:
        True if it is based on ``raw_data_dir`` now, because the labels there are the ones it
        was made of.

    Raises:
        SingwizError: the overlay's description is damaged.
        OSError: something cannot be read or written.
    """
    overlay = read_overlay(root)
    if overlay is None or not overlay.base_csv:
        return False
    if overlay.base != raw_data_dir:
        if file_sha256(raw_data_dir / "transcriptions.csv") != overlay.base_csv:
            return False
        write_text(root / OVERLAY_FILE, overlay_text(raw_data_dir, overlay.base_csv))
    return True


def overlay_text(base: Path, base_csv: str) -> str:
    """The content of ``overlay.json``."""
    described = {"schema": SCHEMA, "base": str(base), "base_csv": base_csv}
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def changes_text(hidden: frozenset[str], renamed: Mapping[str, str]) -> str:
    """The content of ``files.json``; empty if there is nothing to say."""
    if not hidden and not renamed:
        return ""
    changes = {"schema": SCHEMA, "hidden": sorted(hidden), "renamed": dict(sorted(renamed.items()))}
    return json.dumps(changes, ensure_ascii=False, indent=1) + "\n"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as hex; empty if there is no file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def is_member(name: Any) -> bool:
    """Whether this is ``wavs/<file>`` or ``ds/<file>`` and cannot lead anywhere else."""
    if not isinstance(name, str):
        return False
    folder, _, file = name.partition("/")
    plain = file not in ("", ".", "..") and not any(sign in file for sign in "/\\\0")
    return folder in FOLDERS and plain


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _broken(path.parent, error.strerror or str(error)) from None
    except (ValueError, RecursionError):
        raise _broken(path.parent, f"{path.name} is not readable") from None
    if not isinstance(content, dict):
        raise _broken(path.parent, f"{path.name} is not readable")
    return content


def _broken(root: Path, what: str) -> SingwizError:
    rule = OVERLAY_RULES["overlay-broken"]
    message = f"The fixed copy '{root.name}' cannot be used: {what}."
    return SingwizError(rule.code, message, hint=rule.cure, where=str(root / OVERLAY_FILE))
