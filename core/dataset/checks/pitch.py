"""Checks of the sung pitch itself: recordings without any, wild jumps, the range of the voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...findings import Finding, Place
from ..raw import Item, RawDataset
from .listening import Listening
from .needs import Needs
from .rules import report
from .thresholds import Thresholds
from .voicing import FRAME

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FEWEST = 50


@dataclass(frozen=True, slots=True)
class RangeFacts:
    """How the pitch of one recording lies to the limits of extraction.

    Attributes:
        item: name.
        voiced: frames with a pitch.
        low, high: frames at or beyond f0_min and f0_max.
        lowest, highest: Hz; 0 without pitch. The outermost frames of a hundred do not count.
    """

    item: str
    voiced: int
    low: int
    high: int
    lowest: float
    highest: float


def note_name(hertz: float) -> str:
    """The nearest note, e.g. ``A4``."""
    midi = round(69 + 12 * np.log2(hertz / 440.0))
    return f"{_NOTES[midi % 12]}{midi // 12 - 1}"


def check_voiced(dataset: RawDataset, item: Item, heard: Listening) -> list[Finding]:
    """Recordings without any pitch: DiffSinger leaves them out."""
    if len(heard.f0) and not (heard.f0 > 0).any():
        message = f"No pitch was found in the recording of '{item.name}'."
        return [report("item-unvoiced", message, dataset.place(item.name, item.line))]
    return []


def check_jumps(
    dataset: RawDataset, item: Item, heard: Listening, limits: Thresholds
) -> list[Finding]:
    """Pitch that leaps from frame to frame as no voice does."""
    both = (heard.f0[1:] > 0) & (heard.f0[:-1] > 0)
    if both.sum() < _FEWEST:
        return []
    steps = 12 * np.abs(np.log2(heard.f0[1:][both] / heard.f0[:-1][both]))
    share = float((steps > limits.pitch_jump).mean())
    if share <= limits.pitch_jump_share:
        return []
    first = int(np.flatnonzero(both)[np.argmax(steps > limits.pitch_jump)])
    place = dataset.place(item.name, item.line)
    where = Place(
        place.dataset, item.name, place.file, item.line, "", round((first + 1) * FRAME, 3)
    )
    message = f"In '{item.name}' the pitch jumps by more than {limits.pitch_jump:g} semitones"
    return [report("pitch-jumps", f"{message} in {share:.0%} of the sung time.", where)]


def range_of(item: Item, heard: Listening, needs: Needs, limits: Thresholds) -> RangeFacts:
    """Compare the pitch of one recording with the limits."""
    sung = heard.f0[heard.f0 > 0]
    if not len(sung):
        return RangeFacts(item.name, 0, 0, 0, 0.0, 0.0)
    lowest, highest = np.percentile(sung, (1, 99))
    return RangeFacts(
        item.name,
        len(sung),
        int((sung < needs.f0_min * (1 + limits.pitch_edge)).sum()),
        int((sung > needs.f0_max * (1 - limits.pitch_edge)).sum()),
        float(lowest),
        float(highest),
    )


def check_range(
    dataset: RawDataset, facts: Sequence[RangeFacts], needs: Needs, limits: Thresholds
) -> list[Finding]:
    """Singing at or beyond f0_min and f0_max."""
    voiced = sum(one.voiced for one in facts)
    findings = []
    for key, beyond, limit, word in (
        ("f0_min", [(one.low, one) for one in facts], needs.f0_min, "below"),
        ("f0_max", [(one.high, one) for one in facts], needs.f0_max, "above"),
    ):
        count = sum(frames for frames, _ in beyond)
        if not voiced or count <= limits.pitch_edge_share * voiced:
            continue
        worst = max(beyond, key=lambda pair: pair[0])[1]
        hertz = worst.lowest if word == "below" else worst.highest
        findings.append(
            report(
                "pitch-range",
                f"{count / voiced:.0%} of the singing is at or {word} {key} ({limit:g} Hz), most "
                f"of it in '{worst.item}' ({note_name(hertz)}, {hertz:.0f} Hz).",
                Place(dataset.name, worst.item, "", None, key),
                hint=f"{'Lower' if word == 'below' else 'Raise'} {key} in the config.",
            )
        )
    return findings
