"""What a recording and its labels say about each other: all checks of one item by ear.

The quick look comes first; only where it finds something does a real pitch tracker listen
again, and what it finds counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...findings import Finding
from ..raw import Item, RawDataset
from .alignment import check_alignment
from .label_frames import ends_of, kinds_of, owners_of
from .listening import Listening
from .needs import Needs
from .notes import check_sung_notes
from .pauses import PauseFacts, check_gaps, check_pause_voicing, hear_pauses
from .pitch import check_jumps, check_voiced
from .thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one item.

    Attributes:
        by_pitch: findings that depend on the pitch, and so on who found it.
        by_level: findings that depend on the level only.
        pauses: facts for the judgement of the whole dataset; None without labels.
    """

    by_pitch: list[Finding]
    by_level: list[Finding]
    pauses: PauseFacts | None = None

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        return self.by_pitch + self.by_level


def judge(
    dataset: RawDataset, item: Item, heard: Listening, needs: Needs, limits: Thresholds
) -> Verdict:
    """Everything that can be heard in one item.

    One cause gives one finding: labels that do not fit are not also blamed for what stands in
    their pauses.
    """
    if not len(heard.f0):
        return Verdict([], [])
    silent = check_voiced(dataset, item, heard)
    if silent:
        return Verdict(silent, [])
    jumps = check_jumps(dataset, item, heard, limits)
    if needs.kind == "vocoder":
        return Verdict(jumps, [])
    owners = np.minimum(owners_of(ends_of(item), len(heard.f0)), len(item.ph_seq))
    kinds = kinds_of(item, owners)
    misfit = check_alignment(dataset, item, heard, kinds, limits)
    pauses = hear_pauses(item, heard, owners, kinds, limits)
    if misfit:
        return Verdict(misfit + jumps, [], pauses)
    by_pitch = check_pause_voicing(dataset, item, heard, owners, kinds, limits)
    if item.cells.get("note_seq") and not jumps:
        by_pitch += check_sung_notes(dataset, item, heard, limits)
    by_level = check_gaps(dataset, item, heard, owners, limits)
    return Verdict(by_pitch + jumps, by_level, pauses)
