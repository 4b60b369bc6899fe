"""From a song and a trained voice to sound, and how close that sound is to a recording.

``singer`` sings DS songs with the model of an ``experiment`` folder, ``variance`` predicts what
they lack and ``completion`` chains several such models. ``score`` and ``variance_inputs`` put a
segment on a model's frame grid, ``vocoder`` and ``preview`` turn mels into sound, ``stitching``
puts segments on one time line. ``items`` makes songs out of recordings, ``evaluate`` and
``evaluate_variance`` measure.
Importing the room costs nothing; torch is loaded by the first :class:`Singer`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .completion import Song, complete_song
    from .evaluate import compare_with_recording, phoneme_mean_baseline
    from .items import segment_from_item
    from .rendering import Rendering
    from .retakes import Retake
    from .singer import Singer
    from .variance import VariancePredictor
    from .vocoder import Vocoder, load_vocoder

_HOME = {
    "Rendering": ".rendering",
    "Retake": ".retakes",
    "Singer": ".singer",
    "Song": ".completion",
    "VariancePredictor": ".variance",
    "Vocoder": ".vocoder",
    "complete_song": ".completion",
    "compare_with_recording": ".evaluate",
    "load_vocoder": ".vocoder",
    "phoneme_mean_baseline": ".evaluate",
    "segment_from_item": ".items",
}

__all__ = [
    "Rendering",
    "Retake",
    "Singer",
    "Song",
    "VariancePredictor",
    "Vocoder",
    "compare_with_recording",
    "complete_song",
    "load_vocoder",
    "phoneme_mean_baseline",
    "segment_from_item",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
