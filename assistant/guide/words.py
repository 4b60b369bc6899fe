"""The wizard's sentences, read from ``presets/guide.yaml``; no sentence is written in a step."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from .view import Choice


@lru_cache(maxsize=1)
def _catalogue() -> dict[str, Any]:
    file = resources.files("singwiz") / "presets" / "guide.yaml"
    catalogue: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return catalogue


def _find(key: str) -> Any:
    node: Any = _catalogue()
    for part in key.split("."):
        node = node[part]
    return node


def say(key: str, /, **values: object) -> str:
    """The sentence with a dotted key, e.g. ``say("check.clean", items=12)``.

    Raises:
        KeyError: the catalogue has no such sentence.
    """
    return str(_find(key)).format(**values).strip()


def has(key: str) -> bool:
    """Whether the catalogue has a sentence with this key."""
    try:
        _find(key)
    except (KeyError, TypeError):
        return False
    return True


def title(step: str) -> str:
    """Title of a step."""
    return say(f"{step}.title")


def why(step: str) -> str:
    """What a step does and why it matters, in two sentences."""
    return f"{say(f'{step}.what')} {say(f'{step}.why')}"


def label(step: str, question: str) -> str:
    """Label of a question."""
    return say(f"{step}.ask.{question}.label")


def help_text(step: str, question: str) -> str:
    """The sentence under a question; empty if none is needed."""
    key = f"{step}.ask.{question}.help"
    return say(key) if has(key) else ""


def languages() -> tuple[Choice, ...]:
    """Languages offered when a project is made."""
    return tuple(
        Choice(entry["tag"], entry["label"], entry.get("why", "")) for entry in _find("languages")
    )
