"""From labels with gaps and foreign names to ``ph_seq`` and ``ph_dur``, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...dictionary.kinds import ARPABET_CONSONANTS, ARPABET_VOWELS
from .model import Label, invalid

SHORTEST_GAP = 0.04
"""s; longer stretches without label are silence, shorter ones belong to their neighbours."""

SNAP = 0.002
"""s by which labels may overlap; less is rounding, more is a mistake of the labels."""

_SILENCE = "sil silB silE pau pause sp spn SIL SILB SILE PAU PAUSE <SP> <sp> <sil> <pau> # <eps>"
_BREATH = "br bre breath brth inh BR BRE BREATH <AP> <ap> <br> ap"

SILENCE_SYMBOLS: Mapping[str, str] = {
    **dict.fromkeys(_SILENCE.split(), "SP"),
    **dict.fromkeys(_BREATH.split(), "AP"),
}
"""What other programs call silence and breath -> what DiffSinger calls them."""

ARPABET_SYMBOLS: Mapping[str, str] = {
    **{vowel.upper() + stress: vowel for vowel in ARPABET_VOWELS for stress in ("", *"012")},
    **{vowel + stress: vowel for vowel in ARPABET_VOWELS for stress in "012"},
    **{consonant.upper(): consonant for consonant in ARPABET_CONSONANTS},
}
"""ARPAbet with stress marks and capitals, as aligners write it -> ``english-arpabet``."""


@dataclass(frozen=True)
class LabelSequence:
    """Phonemes of a recording without gaps.

    Attributes:
        ph_seq: names.
        ph_dur: s, rounded to microseconds.
        replaced: old name -> how often it was replaced.
        filled: stretches without label (start, end in s) that became silence.
    """

    ph_seq: tuple[str, ...]
    ph_dur: tuple[float, ...]
    replaced: Mapping[str, int] = field(default_factory=dict)
    filled: tuple[tuple[float, float], ...] = ()


def sequence_of(
    labels: Sequence[Label],
    *,
    seconds: float | None = None,
    symbols: Mapping[str, str] | None = None,
) -> LabelSequence:
    """Phonemes and durations from labels.

    If all labels are points, each reaches to the next and the last to the end of the recording.
    Stretches of :data:`SHORTEST_GAP` or more without label become SP, shorter ones are shared by
    their neighbours; a stretch beside an SP makes that longer. Only a last SP stays as it is: if
    it ends before the recording does, something is wrong that should be seen.

    Args:
        labels: in any order.
        seconds: length of the recording; None = it ends with the last label.
        symbols: old name -> new name.

    Raises:
        SingwizError: no labels, labels that overlap, or several phonemes in one label.
    """
    ordered = sorted(labels, key=lambda label: (label.start, label.end))
    if ordered and all(label.end == label.start for label in ordered):
        ordered = _from_points(ordered, seconds)
    ordered = [label for label in ordered if label.text.strip()]
    if not ordered:
        raise invalid("there are no labels")
    replaced: dict[str, int] = {}
    names = []
    for label in ordered:
        name = label.text.strip()
        if symbols and name in symbols:
            replaced[name] = replaced.get(name, 0) + 1
            name = symbols[name]
        if len(name.split()) != 1:
            raise invalid(
                f"'{name[:30]}' at {label.start:.2f} s has several names; there must be one label "
                "for each phoneme"
            )
        names.append(name)
    pieces, filled = _closed(ordered, names, seconds)
    borders = [round(pieces[0][0], 6), *(round(end, 6) for _, end, _ in pieces)]
    return LabelSequence(
        tuple(name for _, _, name in pieces),
        tuple(round(end - start, 6) for start, end in pairwise(borders)),
        replaced,
        tuple(filled),
    )


def labels_of(ph_seq: Sequence[str], ph_dur: Sequence[float]) -> tuple[Label, ...]:
    """The labels of a row, from 0 on."""
    labels, at = [], 0.0
    for symbol, seconds in zip(ph_seq, ph_dur, strict=True):
        end = round(at + seconds, 9)
        labels.append(Label(at, end, symbol))
        at = end
    return tuple(labels)


def seconds_text(ph_dur: Sequence[float]) -> str:
    """Durations as a cell, with up to 6 decimals."""
    return " ".join(f"{value:.6f}".rstrip("0").rstrip(".") or "0" for value in ph_dur)


def _from_points(points: Sequence[Label], seconds: float | None) -> list[Label]:
    ends = [label.start for label in points[1:]]
    last = points[-1].start
    ends.append(max(seconds, last) if seconds is not None else last)
    return [Label(label.start, end, label.text) for label, end in zip(points, ends, strict=True)]


def _closed(
    labels: Sequence[Label], names: Sequence[str], seconds: float | None
) -> tuple[list[tuple[float, float, str]], list[tuple[float, float]]]:
    """(start, end, name) without gaps from 0 to the end, and what was filled."""
    pieces: list[tuple[float, float, str]] = []
    filled: list[tuple[float, float]] = []

    def fill(start: float, end: float, next_name: str | None) -> float:
        """Close the gap; where the next label has to start."""
        before = pieces[-1][2] if pieces else None
        if before == "SP":
            pieces[-1] = (pieces[-1][0], end, "SP")
            return end
        if next_name == "SP":
            return start
        if end - start >= SHORTEST_GAP:
            pieces.append((start, end, "SP"))
            filled.append((start, end))
            return end
        if before is None:
            return start
        middle = end if next_name is None else (start + end) / 2
        pieces[-1] = (pieces[-1][0], middle, before)
        return middle

    at = 0.0
    for label, name in zip(labels, names, strict=True):
        start = label.start
        if start < at - SNAP:
            raise invalid(f"'{name[:30]}' at {start:.3f} s overlaps the label before it")
        start = at if start <= at else fill(at, start, name)
        pieces.append((start, max(label.end, start), name))
        at = pieces[-1][1]
    if seconds is not None and seconds > at + SNAP and pieces[-1][2] != "SP":
        fill(at, seconds, None)
    return pieces, filled
