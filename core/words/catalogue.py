"""Reading the files of words. Each is read once, and only when its language is spoken."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

WORDS = Path(__file__).parents[2] / "presets" / "words"
"""One folder per language."""
KEYED = ("guide.yaml", "faces.yaml")
"""Files whose sentences have keys."""
TOLD = "told"
"""Folder of a language with what core says: English sentence -> the same in this language."""


def read_yaml(path: Path) -> Any:
    """The content of a file of words."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times as fast
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 – both are safe


@lru_cache(maxsize=8)
def keyed(tag: str) -> dict[str, Any]:
    """Sentences with keys of a language, as a tree; empty if it has no files."""
    found: dict[str, Any] = {}
    for name in KEYED:
        path = WORDS / tag / name
        if path.is_file():
            found |= read_yaml(path) or {}
    return found


@lru_cache(maxsize=8)
def told(tag: str) -> dict[str, str]:
    """English sentence -> sentence of a language; names in braces are filled in.

    Sentences that are not translated yet (empty ones) are left out.
    """
    found: dict[str, str] = {}
    for path in sorted((WORDS / tag / TOLD).glob("*.yaml")):
        found |= {english: other for english, other in (read_yaml(path) or {}).items() if other}
    return found
