"""Whether a vocoder sings the pitch it is given: F0 found in its sound, against the recording's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...binarize.vocoder_item import VocoderRecipe
from ..measurements import Measurement

NEAR = 50.0
"""Cents that a frame may be off: half a semitone."""

IN_TUNE = 0.9
"""Share of near frames from which a vocoder is taken to sing the right pitch. What is missing in
good ones are frames at the ends of notes, where the extractor sees voice in one of the sounds."""

SUMS = ("near", "voiced", "cents", "heard")
"""Frames that are near, frames voiced in the recordings; medians in cents, and how many."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Intonation:
    """Sums over recordings, so that several devices can add theirs.

    Attributes:
        near: frames voiced in the recording that are sung within :data:`NEAR` cents.
        voiced: frames voiced in the recording.
        cents: sum of each recording's median distance over frames voiced in both.
        heard: recordings in that sum.
    """

    near: float = 0.0
    voiced: float = 0.0
    cents: float = 0.0
    heard: float = 0.0

    @property
    def in_tune(self) -> bool:
        """True if :data:`IN_TUNE` is reached, or nothing was voiced."""
        return self.near >= IN_TUNE * self.voiced

    def measurements(self, items: int) -> list[Measurement]:
        """As figures of a validation; none where nothing was voiced."""
        found = []
        if self.voiced:
            share = self.near / self.voiced
            label = f"pitch within {NEAR:.0f} cents"
            found.append(
                Measurement("f0_within_50", label, "", share, items, higher_is_better=True)
            )
        if self.heard:
            label, median = "pitch error of the sound", self.cents / self.heard
            found.append(Measurement("f0_error", label, "cents", median, items))
        return found


class Tuner:
    """Compares the pitch of sung recordings with that of the recordings.

    Args:
        recipe: whose extractor listens.
    """

    def __init__(self, recipe: VocoderRecipe) -> None:
        self._recipe = recipe
        self._extractor = recipe.extractor()
        self._recorded: dict[int, tuple[Array, NDArray[np.bool_]]] = {}

    def listen(self, index: int, sung: Array, recorded: Array) -> Sequence[float]:
        """Values of :data:`SUMS` for one recording.

        Args:
            index: of the recording, whose pitch is remembered.
            sung: ``[N]`` what the vocoder made of it.
            recorded: ``[N]`` the recording.
        """
        if index not in self._recorded:
            self._recorded[index] = self._pitch(recorded)
        (wanted, unvoiced), (found, silent) = self._recorded[index], self._pitch(sung)
        both = ~unvoiced & ~silent
        cents = 1200 * np.abs(np.log2(found[both] / wanted[both]))
        heard = bool(both.any())
        median = float(np.median(cents)) if heard else 0.0
        return float((cents <= NEAR).sum()), float((~unvoiced).sum()), median, float(heard)

    def _pitch(self, samples: Array) -> tuple[Array, NDArray[np.bool_]]:
        hop = self._recipe.hop_size
        samples = np.nan_to_num(samples)  # what broke down is silent
        return self._extractor.extract(
            samples, self._recipe.audio_sample_rate, hop_size=hop, length=len(samples) // hop
        )
