"""Pictures of recordings and of what is in them, for the eye and beside the ear.

Everything is drawn with matplotlib's objects on a canvas in memory: no window, no global state.
Matplotlib is imported when something is drawn and not before. Numbers come as plain data from
:mod:`.profile`; drawing them is the business of :mod:`.charts`, sounds that of :mod:`.sound`
and :mod:`.item`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .charts import draw_phoneme_counts, plot_profile
    from .compare import plot_parts, plot_pitches
    from .item import cut_item, plot_item
    from .profile import DatasetProfile, dataset_profile
    from .sound import save_spectrogram

_HOMES = {
    "DatasetProfile": ".profile",
    "cut_item": ".item",
    "dataset_profile": ".profile",
    "draw_phoneme_counts": ".charts",
    "plot_item": ".item",
    "plot_parts": ".compare",
    "plot_pitches": ".compare",
    "plot_profile": ".charts",
    "save_spectrogram": ".sound",
}

__all__ = [
    "DatasetProfile",
    "cut_item",
    "dataset_profile",
    "draw_phoneme_counts",
    "plot_item",
    "plot_parts",
    "plot_pitches",
    "plot_profile",
    "save_spectrogram",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name], __name__), name)
