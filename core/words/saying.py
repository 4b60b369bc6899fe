"""Sentences that have keys: the wizard's own."""

from __future__ import annotations

from typing import Any

from .catalogue import keyed
from .languages import ENGLISH, language
from .retelling import retell


class Said(str):
    """A sentence that knows how it came about, so that it can be said in another language."""

    key: str
    values: dict[str, object]

    __slots__ = ("key", "values")


def say(key: str, /, **values: object) -> str:
    """The sentence with a dotted key, e.g. ``say("check.clean", items=12)``, in the language that
    is spoken. English stands in for what is not translated yet.

    Raises:
        KeyError: not even English has such a sentence.
    """
    told = {
        name: again(value) if isinstance(value, str) else value for name, value in values.items()
    }
    said = Said(str(entry(key)).format(**told).strip())
    said.key, said.values = key, values
    return said


def again(text: str) -> str:
    """The same in the language that is spoken now, whatever it was said in."""
    return say(text.key, **text.values) if isinstance(text, Said) else retell(text)


def has(key: str) -> bool:
    """Whether there is a sentence with this key."""
    return _find(ENGLISH, key) is not None


def entry(key: str) -> Any:
    """What stands behind a key, in the language that is spoken or else in English.

    Raises:
        KeyError: there is nothing.
    """
    found = _find(language(), key)
    if found is None:
        found = _find(ENGLISH, key)
    if found is None:
        raise KeyError(key)
    return found


def _find(tag: str, key: str) -> Any:
    node: Any = keyed(tag)
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node
