"""Every check of raw datasets, by theme: see :mod:`.run` for the order they run in.

:mod:`.rules` lists what is looked for, :mod:`.thresholds` where the limits are.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .needs import Needs
    from .rules import CHECKS
    from .run import check_datasets, label_sequences
    from .thresholds import Thresholds

_HOME = {
    "CHECKS": ".rules",
    "Needs": ".needs",
    "Thresholds": ".thresholds",
    "check_datasets": ".run",
    "label_sequences": ".run",
}

__all__ = ["CHECKS", "Needs", "Thresholds", "check_datasets", "label_sequences"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
