"""Fixing datasets without touching originals: edits, plans, the journal, and every fix.

The originals stay as they are; the project keeps a fixed copy of what differs. A set of
fixes is first a :class:`Plan` that can be shown as a diff; applied, it is one step in the
history that :func:`undo` takes back. Finding what is wrong is the business of the checks.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .edits import DatasetEdit, ProjectEdit
    from .entries import JournalEntry
    from .journal import apply_plan, history, settle, undo
    from .plan import Plan, Refusal, Step
    from .recipe import AudioRecipe
    from .registry import Fix
    from .run import FIXES, plan_fixes, with_fixes

_HOME = {
    "DatasetEdit": ".edits",
    "ProjectEdit": ".edits",
    "JournalEntry": ".entries",
    "apply_plan": ".journal",
    "history": ".journal",
    "settle": ".journal",
    "undo": ".journal",
    "Plan": ".plan",
    "Refusal": ".plan",
    "Step": ".plan",
    "AudioRecipe": ".recipe",
    "Fix": ".registry",
    "FIXES": ".run",
    "plan_fixes": ".run",
    "with_fixes": ".run",
}

__all__ = [
    "FIXES",
    "AudioRecipe",
    "DatasetEdit",
    "Fix",
    "JournalEntry",
    "Plan",
    "ProjectEdit",
    "Refusal",
    "Step",
    "apply_plan",
    "history",
    "plan_fixes",
    "settle",
    "undo",
    "with_fixes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
