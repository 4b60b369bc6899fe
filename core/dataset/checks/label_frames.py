"""What the labels promise for every frame of a recording: a vowel, silence, or something else.

Goes by the names of phonemes, which are alike in all romanised phoneme sets. Deliberately
cautious: a name that could be voiced or not promises nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from ..raw import Item
from .voicing import FRAME

PAUSE, BREATH, VOWEL, VOICELESS, OTHER = range(5)
OUTSIDE = 255
"""Kind of frames after the last label."""

_VOWEL = re.compile(r"[aeiouäöüɐɑɒæɔəɛɜɤɪɯɵʉʊʌøœɨ]")
_VOICELESS = frozenset(
    ("k", "s", "t", "p", "f", "h", "c", "q", "x", "ch", "sh", "ts", "cl", "hh", "th", "kh", "ph")
) | {"ky", "hy", "py", "ty", "kk", "pp", "tt", "ss", "cs"}
_SILENT_INSIDE = frozenset(("b", "d", "g", "j", "br", "dr", "gr", "by", "gy", "dy"))
"""Voiced sounds that begin with a closure."""


@lru_cache(maxsize=4096)
def kind_of(symbol: str) -> int:
    """What a phoneme sounds like, as far as its name tells."""
    name = symbol.rpartition("/")[2]
    if name == "SP":
        return PAUSE
    if name == "AP":
        return BREATH
    # A single capital is a vowel in one dictionary, a devoiced one or a nasal in another.
    if len(name) == 1 and name.isupper():
        return OTHER
    plain = name.rstrip("0123456789").casefold()
    if plain in _VOICELESS:
        return VOICELESS
    return VOWEL if _VOWEL.match(plain) else OTHER


@lru_cache(maxsize=4096)
def may_be_silent(symbol: str) -> bool:
    """True for pauses, breaths, and consonants with a closure."""
    name = symbol.rpartition("/")[2].rstrip("0123456789").casefold()
    return kind_of(symbol) in (PAUSE, BREATH, VOICELESS) or name in _SILENT_INSIDE


def ends_of(item: Item) -> np.ndarray:
    """Where the phonemes end, seconds, float64 ``[P]``."""
    return np.cumsum(np.asarray(item.ph_dur, np.float64))


def owners_of(ends: np.ndarray, count: int) -> np.ndarray:
    """The phoneme that each of ``count`` frames lies in; ``P`` after the last, int ``[count]``."""
    centres = (np.arange(count) + 0.5) * FRAME
    return np.searchsorted(ends, centres, side="right")


def kinds_of(item: Item, owners: np.ndarray) -> np.ndarray:
    """What the labels promise per frame, uint8 ``[T]``."""
    kinds = np.array([*(kind_of(symbol) for symbol in item.ph_seq), OUTSIDE], np.uint8)
    return kinds[owners]


def voiceless(symbol: str) -> bool:
    """True for consonants that have no pitch wherever they are sung."""
    return kind_of(symbol) == VOICELESS
