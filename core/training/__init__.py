"""Training: binary dataset in, checkpoints, curves and validation samples out.

Importing this package is cheap; torch and Lightning are loaded with the first name used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .preflight import Preflight
    from .trainer import TrainResult, preview, train

__all__ = ["Preflight", "TrainResult", "preview", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
