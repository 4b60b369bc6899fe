"""Whether labels and singing belong together: vowels are voiced, pauses are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...findings import Finding
from ..raw import Item, RawDataset
from .label_frames import BREATH, PAUSE, VOICELESS, VOWEL
from .listening import Listening
from .rules import report
from .thresholds import Thresholds
from .voicing import FRAME

MOST_SHIFT = 0.8
"""Seconds by which labels are moved to see whether they fit better elsewhere."""

_FEWEST_VOWELS = 25
_FEWEST_OTHERS = 15
_FEWEST_RUNS = 3
_AS_GOOD = 0.01


@dataclass(frozen=True, slots=True)
class Fit:
    """How well labels fit a recording.

    Attributes:
        here: agreement as labelled: share of vowels that are voiced minus share of silence
            and voiceless consonants that are; 1 = perfect, 0 = by chance.
        best: the highest agreement when all labels are moved.
        shift: s by which the labels have to move for it; positive = they are early.
        vowels: share of vowel frames that are voiced.
        runs: stretches of vowels with something else between them.
    """

    here: float
    best: float
    shift: float
    vowels: float
    runs: int


def fit(kinds: np.ndarray, voiced: np.ndarray) -> Fit | None:
    """Compare labels with voicing.

    Args:
        kinds: what the labels promise per frame, ``[T]``.
        voiced: where a pitch was found, bool ``[T]``.

    Returns:
        The fit; None if there are too few vowels or too little silence to tell.
    """
    vowel = kinds == VOWEL
    other = (kinds == PAUSE) | (kinds == BREATH) | (kinds == VOICELESS)
    vowels, others = int(vowel.sum()), int(other.sum())
    if vowels < _FEWEST_VOWELS or others < _FEWEST_OTHERS:
        return None
    promised = vowel / vowels - other / others
    heard = voiced.astype(np.float64)
    most = round(MOST_SHIFT / FRAME)
    padded = np.pad(heard, most)
    # Entry k: labels moved by k - most frames, later for positive numbers.
    scores = np.correlate(padded, promised, mode="valid")
    here = float(scores[most])
    best = float(scores.max())
    close = np.flatnonzero(scores >= best - _AS_GOOD) - most
    shift = int(close[np.argmin(np.abs(close))])
    runs = int(np.count_nonzero(np.diff(vowel.astype(np.int8), prepend=0) == 1))
    return Fit(here, best, shift * FRAME, float(voiced[vowel].mean()), runs)


def check_alignment(
    dataset: RawDataset, item: Item, heard: Listening, kinds: np.ndarray, limits: Thresholds
) -> list[Finding]:
    """Labels that are early, late, or those of something else; at most one finding.

    Args:
        heard: the recording.
        kinds: what the labels promise per frame, ``[T]``.
        limits: where to draw the lines.
    """
    found = fit(kinds, heard.f0 > 0)
    if found is None:
        return []
    place = dataset.place(item.name, item.line)
    gain = found.best - found.here
    moved = abs(found.shift) >= limits.label_shift - 1e-9 and gain >= limits.label_shift_gain
    # One long vowel fits almost anywhere; only a rhythm of several can be recognised.
    moved = moved and found.runs >= _FEWEST_RUNS
    if moved and found.best >= limits.label_fit:
        word, cure = ("early", "later") if found.shift > 0 else ("late", "earlier")
        message = f"The labels of '{item.name}' are {abs(found.shift):.2f} s {word}."
        hint = f"Move them all {abs(found.shift):.2f} s {cure}, and cut or lengthen the edges."
        return [report("label-shifted", message, place, hint=hint)]
    # Where all vowels are voiced it is the pauses that are not silent: see the checks of those.
    nowhere = found.best < limits.label_fit_min and found.runs >= _FEWEST_RUNS
    if found.vowels < limits.vowel_sure_share and (moved or nowhere):
        message = (
            f"The labels of '{item.name}' do not fit the recording anywhere: they agree with "
            f"where it is sung only by {max(found.best, 0.0):.0%}."
        )
        return [report("label-misaligned", message, place)]
    if found.vowels < limits.vowel_voiced_share:
        message = f"Only {found.vowels:.0%} of the vowels of '{item.name}' have a pitch."
        return [report("vowel-unvoiced", message, place)]
    return []
