"""Scores of other programs – MusicXML, MIDI, UST, USTX – as songs that a voice can sing.

``reading`` opens a file of any of these kinds, ``lyrics`` finds the phonemes of its words in a
dictionary, ``segments`` makes DS segments of notes and phonemes. Durations, pitch and curves are
not here: variance models predict them. Parsers are imported when a file needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lyrics import Pronouncer
    from .model import ScoreSong, SungNote
    from .reading import SCORE_SUFFIXES, read_score
    from .segments import score_segments

_HOME = {
    "Pronouncer": ".lyrics",
    "SCORE_SUFFIXES": ".reading",
    "ScoreSong": ".model",
    "SungNote": ".model",
    "read_score": ".reading",
    "score_segments": ".segments",
}

__all__ = [
    "SCORE_SUFFIXES",
    "Pronouncer",
    "ScoreSong",
    "SungNote",
    "read_score",
    "score_segments",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
