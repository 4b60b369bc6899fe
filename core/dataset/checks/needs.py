"""What a model needs of its recordings, as far as the checks have to know."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("acoustic", "variance", "vocoder")
"""Model kinds whose needs the checks know; a vocoder learns from sound alone."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The settings of a model that decide what is wrong with recordings.

    Attributes:
        kind: one of :data:`KINDS`.
        sample_rate: Hz.
        hop_size: samples per frame.
        f0_min, f0_max: Hz; limits of pitch extraction.
        predict_dur, predict_pitch: what a variance model shall learn; others ignore them.
        glide_types: ornaments that the model knows; empty if it has none.
        prefer_ds: curves come from DS files where there are any.
    """

    kind: str = "acoustic"
    sample_rate: int = 44100
    hop_size: int = 512
    f0_min: float = 65.0
    f0_max: float = 1100.0
    predict_dur: bool = True
    predict_pitch: bool = True
    glide_types: tuple[str, ...] = ()
    prefer_ds: bool = False

    @property
    def frame(self) -> float:
        """Seconds per frame."""
        return self.hop_size / self.sample_rate
