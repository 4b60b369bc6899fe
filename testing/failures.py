"""How a check says that something is broken."""

from __future__ import annotations


class BrokenContract(AssertionError):
    """A model or a part does not do what the rest of singwiz relies on."""


def demand(condition: bool, message: str) -> None:
    """Raise :class:`BrokenContract` unless the condition holds."""
    if not condition:
        raise BrokenContract(message)
