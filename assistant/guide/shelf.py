"""Finding dictionaries that lie beside the recordings, and languages in file names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

SMALLEST_SHARE = 0.9
"""A text file counts as a dictionary if at least this share of its lines look like entries."""
_ENTRY = re.compile(r"^\S[^\t]*\t\s*\S+")
_LOOKED_AT = 64 * 1024
"""Bytes read to decide whether a file is a dictionary."""
_DICTIONARY_OF = re.compile(r"^(?:dictionary|dict)[-_]([A-Za-z][A-Za-z0-9]*)$")
_TAG = re.compile(r"(?:^|(?<=[-_.]))([a-z]{2,3})(?=[-_.]|$)")


def found_beside(raw_data_dirs: Iterable[str]) -> list[Path]:
    """Files beside the recordings (or one folder up) that look like a dictionary."""
    found: dict[Path, None] = {}
    for raw in raw_data_dirs:
        folder = Path(raw)
        for place in (folder, folder.parent) if folder.name == "raw" else (folder,):
            try:
                files = sorted(place.glob("*.txt"))
            except OSError:
                continue
            found.update({file: None for file in files if looks_like_dictionary(file)})
    return list(found)


def looks_like_dictionary(path: Path) -> bool:
    """Whether nearly every line is ``syllable<TAB>phonemes``."""
    try:
        with path.open("rb") as handle:
            lines = handle.read(_LOOKED_AT).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return False
    lines = [line for line in lines if line.strip()]
    entries = sum(bool(_ENTRY.match(line)) for line in lines)
    return bool(lines) and entries >= SMALLEST_SHARE * len(lines)


def language_in_name(name: str, known: Iterable[str]) -> str:
    """A language tag that a file or folder name carries, e.g. ``ja`` in ``my-ja-dict``.

    What follows ``dictionary-`` is taken as it is; elsewhere only ``known`` tags are seen.
    """
    if said := _DICTIONARY_OF.match(name):
        return said.group(1)
    tags = set(known)
    for match in _TAG.finditer(name.lower()):
        if match.group(1) in tags:
            return match.group(1)
    return ""
