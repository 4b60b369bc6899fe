"""The wizard's sentences by step and question; no sentence is written in a step."""

from __future__ import annotations

from ...core.words import entry, has, join, say
from .view import Choice

__all__ = ["has", "help_text", "label", "languages", "say", "title", "why"]


def title(step: str) -> str:
    """Title of a step."""
    return say(f"{step}.title")


def why(step: str) -> str:
    """What a step does and why it matters, in two sentences."""
    return join(say(f"{step}.what"), say(f"{step}.why"))


def label(step: str, question: str) -> str:
    """Label of a question."""
    return say(f"{step}.ask.{question}.label")


def help_text(step: str, question: str) -> str:
    """The sentence under a question; empty if none is needed."""
    key = f"{step}.ask.{question}.help"
    return say(key) if has(key) else ""


def languages() -> tuple[Choice, ...]:
    """Languages that can be sung, offered when a project is made."""
    return tuple(Choice(one["tag"], one["label"], one.get("why", "")) for one in entry("languages"))
