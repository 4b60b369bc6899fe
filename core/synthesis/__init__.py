"""From a song and a trained voice to sound, and how close that sound is to a recording.

``singer`` sings DS songs with the model of an ``experiment`` folder; ``score`` puts a segment on
the model's frame grid, ``vocoder`` and ``preview`` turn mels into sound, ``stitching`` puts
segments on one time line. ``items`` makes songs out of recordings, ``evaluate`` measures.
Importing the room costs nothing; torch is loaded by the first :class:`Singer`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluate import compare_with_recording, phoneme_mean_baseline
    from .items import segment_from_item
    from .rendering import Rendering
    from .singer import Singer
    from .vocoder import Vocoder, load_vocoder

_HOME = {
    "Rendering": ".rendering",
    "Singer": ".singer",
    "Vocoder": ".vocoder",
    "compare_with_recording": ".evaluate",
    "load_vocoder": ".vocoder",
    "phoneme_mean_baseline": ".evaluate",
    "segment_from_item": ".items",
}

__all__ = [
    "Rendering",
    "Singer",
    "Vocoder",
    "compare_with_recording",
    "load_vocoder",
    "phoneme_mean_baseline",
    "segment_from_item",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
