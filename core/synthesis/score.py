"""From a DS segment to the numbers an acoustic model reads.

Everything is put on the frame grid of the model here, with NumPy only; running the model is
:mod:`.singer`'s business. What a segment needs for singing is its phonemes, their durations, a
pitch curve and the curves the model was trained with.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dataset.ds import numbers
from ..errors import USAGE_PROBLEM, SingwizError
from ..features.durations import mel2ph_from_frames
from .problems import in_segment
from .segment import CURVES, KEY_OF_TAG, Array, Integers, SegmentReader, has, names_of
from .speakers import SpeakerMix, frame_mix


@dataclass(frozen=True)
class AcousticInputs:
    """One segment on the frame grid; N phonemes, T frames.

    Attributes:
        offset: start in the song, s.
        ph_seq: ``[N]`` symbols as written.
        frames: int64 ``[N]`` frames per phoneme; sums to T.
        tokens: int64 ``[N]`` phoneme ids.
        languages: int64 ``[N]`` language ids; None if the model has none.
        mel2ph: int64 ``[T]`` 1-based owner of each frame.
        f0: float32 ``[T]`` Hz, interpolated through unvoiced parts.
        curves: float32 ``[T]`` each: dB, tension as logit; those the model was trained with.
        key_shift: float32 ``[1]`` or ``[T]`` semitones; None if the model has no such input.
        speed: float32 ``[1]`` or ``[T]`` ratio; None if the model has no such input.
        speakers: mix; None if the model knows no speakers.
        seed: wanted by the segment, or None.
    """

    offset: float
    ph_seq: tuple[str, ...]
    frames: Integers
    tokens: Integers
    languages: Integers | None
    mel2ph: Integers
    f0: Array
    curves: Mapping[str, Array]
    key_shift: Array | None
    speed: Array | None
    speakers: SpeakerMix | None
    seed: int | None


class ScoreReader(SegmentReader):
    """Reads DS segments for one acoustic model."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Tags that every segment has to provide: ``dur``, ``pitch`` and the model's curves."""
        keys = self.config.to_dict()
        return ("dur", "pitch", *(name for name in CURVES if keys.get(f"use_{name}_embed")))

    def read(
        self,
        segment: Mapping[str, Any],
        number: int,
        *,
        language: str | None = None,
        speaker: str | None = None,
        gender: float | None = None,
    ) -> AcousticInputs:
        """Put one segment on the frame grid.

        Args:
            segment: DS segment; JSON null counts as absent.
            number: its number in the song, from 1, for messages.
            language: replaces the segment's ``lang``.
            speaker: replaces the segment's ``spk_mix``.
            gender: −1..1, replaces the segment's unless None.

        Raises:
            SingwizError: something is missing, malformed, or unknown to this model.
        """
        segment = {name: value for name, value in segment.items() if value is not None}
        with in_segment(number):
            self._require(segment, number)
            return self._read(segment, language, speaker, gender)

    def check(
        self,
        segment: Mapping[str, Any],
        number: int,
        promised: Collection[str],
        *,
        language: str | None = None,
        speaker: str | None = None,
        gender: float | None = None,
    ) -> None:
        """Read a segment as if what is ``promised`` (tags) had been predicted already.

        Raises:
            SingwizError: as :meth:`read`.
        """
        complete = {name: value for name, value in segment.items() if value is not None}
        for tag in promised:
            key = KEY_OF_TAG[tag]
            if tag == "dur":
                count = len(names_of(complete, "ph_seq")) if "ph_seq" in complete else 1
                complete[key] = [0.1] * max(1, count)
            elif tag in self.needs:
                complete[key] = [100.0]
                complete[f"{key.removesuffix('_seq')}_timestep"] = self.timestep
        self.read(complete, number, language=language, speaker=speaker, gender=gender)

    def _read(
        self,
        segment: Mapping[str, Any],
        language: str | None,
        speaker: str | None,
        gender: float | None,
    ) -> AcousticInputs:
        symbols = self.symbols(segment, language)
        frames = self.frames(segment, "ph_dur", len(symbols.ph_seq))
        length = int(frames.sum())
        speakers = None
        if self.config.to_dict().get("use_spk_id"):
            speakers = frame_mix(
                segment, self.spk_map, speaker=speaker, frames=length, timestep=self.timestep
            )
        elif speaker and speaker not in self.spk_map and self.spk_map:
            raise SingwizError(
                "speaker-unknown",
                f"This voice has no singer called '{speaker}'.",
                hint=f"Leave the singer out, or use {', '.join(sorted(self.spk_map))}.",
                exit_code=USAGE_PROBLEM,
            )
        return AcousticInputs(
            offset=self.offset(segment),
            ph_seq=symbols.ph_seq,
            frames=frames,
            tokens=symbols.tokens,
            languages=symbols.languages,
            mel2ph=mel2ph_from_frames(frames, length),
            f0=self.pitch(segment, length),
            curves={
                name: self.curve(segment, name, length) for name in self.needs if name in CURVES
            },
            key_shift=self._key_shift(segment, gender, length),
            speed=self._speed(segment, length),
            speakers=speakers,
            seed=seed_of(segment),
        )

    def _require(self, segment: Mapping[str, Any], number: int) -> None:
        missing = [] if str(segment.get("ph_seq", "")).strip() else ["ph_seq"]
        missing += [KEY_OF_TAG[tag] for tag in self.needs if not has(segment, tag)]
        if missing:
            raise SingwizError(
                "ds-key-missing",
                f"Segment {number} lacks {' and '.join(repr(name) for name in missing)}.",
                hint="Run the variance model on this song first, or export it from the editor "
                "with durations, pitch and curves included.",
            )

    def _key_shift(
        self, segment: Mapping[str, Any], gender: float | None, length: int
    ) -> Array | None:
        keys = self.config.to_dict()
        if not keys.get("use_key_shift_embed"):
            return None
        low, high = _range(keys, "random_pitch_shifting", (-5.0, 5.0))
        if gender is not None:
            values = np.array([gender], np.float32)
        elif "gender" not in segment:
            values = np.zeros(1, np.float32)
        else:
            values = self.value_or_curve(segment, "gender", length)
        shift = np.where(values >= 0, values * high, values * abs(low))
        return np.clip(shift, low, high).astype(np.float32)

    def _speed(self, segment: Mapping[str, Any], length: int) -> Array | None:
        keys = self.config.to_dict()
        if not keys.get("use_speed_embed"):
            return None
        low, high = _range(keys, "random_time_stretching", (0.5, 2.0))
        if "velocity" not in segment:
            return np.ones(1, np.float32)
        return np.clip(self.value_or_curve(segment, "velocity", length), low, high)


def seed_of(segment: Mapping[str, Any]) -> int | None:
    """The seed a segment wants, or None."""
    return int(numbers(segment, "seed")[0]) if "seed" in segment else None


def _range(
    keys: Mapping[str, Any], section: str, default: tuple[float, float]
) -> tuple[float, float]:
    found = ((keys.get("augmentation_args") or {}).get(section) or {}).get("range") or default
    low, high = float(found[0]), float(found[1])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else default
