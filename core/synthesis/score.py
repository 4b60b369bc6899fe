"""From a DS segment to the numbers an acoustic model reads.

Everything is put on the frame grid of the model here, with NumPy only; running the model is
:mod:`.singer`'s business. What a segment needs for singing is its phonemes, their durations, a
pitch curve and the curves the model was trained with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..dataset.ds import numbers
from ..dictionary import PhonemeSet
from ..errors import USAGE_PROBLEM, SingwizError
from ..features.curves import resample_curve
from ..features.durations import frames_from_seconds, mel2ph_from_frames
from ..features.pitch import interpolate_unvoiced
from .speakers import SpeakerMix, segment_mix

Array = NDArray[np.float32]

CURVES = ("energy", "breathiness", "voicing", "tension")
MAX_SEGMENT_SECONDS = 1800.0
MAX_OFFSET_SECONDS = 4 * 3600.0
"""A damaged file must not ask for more memory than there is."""


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
    frames: NDArray[np.int64]
    tokens: NDArray[np.int64]
    languages: NDArray[np.int64] | None
    mel2ph: NDArray[np.int64]
    f0: Array
    curves: Mapping[str, Array]
    key_shift: Array | None
    speed: Array | None
    speakers: SpeakerMix | None
    seed: int | None


@dataclass(frozen=True)
class ScoreReader:
    """Reads DS segments for one acoustic model.

    Attributes:
        config: of the model.
        phonemes: of the model.
        spk_map: its speakers and their ids.
    """

    config: Config
    phonemes: PhonemeSet
    spk_map: Mapping[str, int]

    @property
    def timestep(self) -> float:
        """Seconds per frame."""
        return self.config.hop_size / self.config.audio_sample_rate

    def read(
        self,
        segment: Mapping[str, Any],
        number: int,
        *,
        language: str | None = None,
        speaker: str | None = None,
        key: float = 0.0,
        gender: float = 0.0,
    ) -> AcousticInputs:
        """Put one segment on the frame grid.

        Args:
            segment: DS segment; JSON null counts as absent.
            number: its number in the song, from 1, for messages.
            language: replaces the segment's ``lang``.
            speaker: replaces the segment's ``spk_mix``.
            key: semitones to transpose the pitch by.
            gender: −1..1, replaces the segment's unless 0.

        Raises:
            SingwizError: something is missing, malformed, or unknown to this model.
        """
        try:
            return self._read(segment, number, language, speaker, key, gender)
        except SingwizError as error:
            where = f"segment {number}" + (f", {error.where}" if error.where else "")
            raise SingwizError(
                error.code,
                error.message.replace("A segment", "The segment").replace("a segment", "it"),
                hint=error.hint,
                where=where,
                exit_code=error.exit_code,
            ) from error

    def _read(
        self,
        segment: Mapping[str, Any],
        number: int,
        language: str | None,
        speaker: str | None,
        key: float,
        gender: float,
    ) -> AcousticInputs:
        segment = {name: value for name, value in segment.items() if value is not None}
        self._require(segment, number)
        ph_seq = self._phonemes(segment)
        frames = self._frames(segment, ph_seq)
        length = int(frames.sum())
        context = self._language(segment, ph_seq, language)
        named = [self._full_name(symbol, context) for symbol in ph_seq]
        tokens = np.array(self._encode(named, ph_seq, context), np.int64)
        keys = self.config.to_dict()
        languages = None
        if keys.get("use_lang_id"):
            languages = np.array(self.phonemes.language_ids(named, context), np.int64)
        speakers = None
        if keys.get("use_spk_id"):
            speakers = segment_mix(
                segment, self.spk_map, speaker=speaker, frames=length, timestep=self.timestep
            )
        elif speaker and speaker not in self.spk_map and self.spk_map:
            raise SingwizError(
                "speaker-unknown",
                f"This voice has no singer called '{speaker}'.",
                hint=f"Leave the singer out, or use {', '.join(sorted(self.spk_map))}.",
                exit_code=USAGE_PROBLEM,
            )
        points, step = self._points(segment, "f0_seq", "f0_timestep")
        # Zeros are unvoiced: filled before resampling, or the frames beside them get a pitch
        # that nobody sang.
        pitch, _ = interpolate_unvoiced(np.maximum(points, 0.0))
        f0 = resample_curve(pitch, step, self.timestep, length) * np.float32(2 ** (key / 12))
        curves = {
            name: self._curve(segment, name, length)
            for name in CURVES
            if keys.get(f"use_{name}_embed")
        }
        return AcousticInputs(
            offset=self._offset(segment),
            ph_seq=tuple(ph_seq),
            frames=frames,
            tokens=tokens,
            languages=languages,
            mel2ph=mel2ph_from_frames(frames, length),
            f0=f0,
            curves=curves,
            key_shift=self._key_shift(segment, gender, length),
            speed=self._speed(segment, length),
            speakers=speakers,
            seed=int(numbers(segment, "seed")[0]) if "seed" in segment else None,
        )

    def _require(self, segment: Mapping[str, Any], number: int) -> None:
        needed = ["ph_seq", "ph_dur", "f0_seq"]
        keys = self.config.to_dict()
        needed += [name for name in CURVES if keys.get(f"use_{name}_embed")]
        missing = [name for name in needed if not str(segment.get(name, "")).strip()]
        if missing:
            raise SingwizError(
                "ds-key-missing",
                f"Segment {number} lacks {' and '.join(repr(name) for name in missing)}.",
                hint="Run the variance model on this song first, or export it from the editor "
                "with durations, pitch and curves included.",
            )

    def _phonemes(self, segment: Mapping[str, Any]) -> list[str]:
        value = segment["ph_seq"]
        symbols = value.split() if isinstance(value, str) else value
        if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
            raise SingwizError(
                "ds-phonemes-invalid",
                "'ph_seq' has to be a line of phonemes separated by spaces.",
                hint="Export the song again from the editor.",
            )
        return list(symbols)

    def _frames(self, segment: Mapping[str, Any], ph_seq: Sequence[str]) -> NDArray[np.int64]:
        seconds = numbers(segment, "ph_dur")
        if len(seconds) != len(ph_seq):
            raise SingwizError(
                "ds-lengths-differ",
                f"There are {len(ph_seq)} phonemes but {len(seconds)} durations.",
                hint="Export the song again, or correct 'ph_seq' and 'ph_dur'.",
            )
        if (seconds < 0).any() or not 0 < seconds.sum() <= MAX_SEGMENT_SECONDS:
            raise SingwizError(
                "ds-duration",
                "The durations have to be 0 or more and last between 0 seconds and half an hour.",
                hint="Correct 'ph_dur'; it is in seconds.",
            )
        return frames_from_seconds(seconds, self.timestep)

    def _language(
        self, segment: Mapping[str, Any], ph_seq: Sequence[str], language: str | None
    ) -> str:
        known = self.phonemes.lang_map
        wanted = language or str(segment.get("lang") or "")
        if len(known) <= 1:
            return next(iter(known), "")
        if wanted and wanted not in known:
            raise SingwizError(
                "language-unknown",
                f"This voice does not know the language '{wanted}'.",
                hint=f"Choose one of: {', '.join(sorted(known))}.",
                exit_code=USAGE_PROBLEM,
            )
        if not wanted and any(self._homes(symbol) != 1 for symbol in ph_seq):
            raise SingwizError(
                "language-not-chosen",
                "This voice sings several languages and the song does not say which it is in.",
                hint=f"Choose one of: {', '.join(sorted(known))}.",
                exit_code=USAGE_PROBLEM,
            )
        return wanted

    def _homes(self, symbol: str) -> int:
        """In how many ways a symbol without language context can be understood."""
        if "/" in symbol or symbol in self.phonemes.ids:
            return 1
        return sum(f"{lang}/{symbol}" in self.phonemes.ids for lang in self.phonemes.lang_map)

    def _full_name(self, symbol: str, language: str) -> str:
        if language or "/" in symbol or symbol in self.phonemes.ids:
            return symbol
        homes = [x for x in self.phonemes.lang_map if f"{x}/{symbol}" in self.phonemes.ids]
        return f"{homes[0]}/{symbol}" if homes else symbol

    def _encode(self, named: Sequence[str], ph_seq: Sequence[str], language: str) -> list[int]:
        found = [self.phonemes.find(name, language) for name in named]
        unknown = [i for i, token in enumerate(found) if token is None]
        if unknown:
            symbols = ", ".join(dict.fromkeys(f"'{ph_seq[i]}'" for i in unknown))
            raise SingwizError(
                "phoneme-unknown",
                f"This voice does not know {symbols} (first at phoneme {unknown[0] + 1}).",
                hint="Use the phonemes of the dictionary the voice was trained with.",
            )
        return [token for token in found if token is not None]

    def _offset(self, segment: Mapping[str, Any]) -> float:
        offset = float(numbers(segment, "offset")[0]) if "offset" in segment else 0.0
        if not 0 <= offset <= MAX_OFFSET_SECONDS:
            raise SingwizError(
                "ds-offset",
                f"It starts at {offset:g} s, which is outside of any song.",
                hint="Correct 'offset'; it is in seconds and at most four hours.",
            )
        return offset

    def _points(self, segment: Mapping[str, Any], name: str, step_name: str) -> tuple[Array, float]:
        points = numbers(segment, name)
        if step_name not in segment:
            raise SingwizError(
                "ds-key-missing",
                f"A segment has '{name}' but no '{step_name}'.",
                hint="Export the song again from the editor.",
            )
        step = numbers(segment, step_name)
        if len(points) == 0 or len(step) != 1 or not 1e-5 < step[0] < 60:
            raise SingwizError(
                "ds-curve-invalid",
                f"'{name}' is empty, or '{step_name}' is not a time step in seconds.",
                hint="Export the song again from the editor.",
            )
        return points.astype(np.float32), float(step[0])

    def _curve(self, segment: Mapping[str, Any], name: str, length: int) -> Array:
        points, step = self._points(segment, name, f"{name}_timestep")
        return resample_curve(points, step, self.timestep, length)

    def _key_shift(self, segment: Mapping[str, Any], gender: float, length: int) -> Array | None:
        keys = self.config.to_dict()
        if not keys.get("use_key_shift_embed"):
            return None
        low, high = _range(keys, "random_pitch_shifting", (-5.0, 5.0))
        if gender:
            values = np.array([gender], np.float32)
        elif "gender" not in segment:
            values = np.zeros(1, np.float32)
        elif len(numbers(segment, "gender")) > 1:
            values = self._curve(segment, "gender", length)
        else:
            values = numbers(segment, "gender").astype(np.float32)
        shift = np.where(values >= 0, values * high, values * abs(low))
        return np.clip(shift, low, high).astype(np.float32)

    def _speed(self, segment: Mapping[str, Any], length: int) -> Array | None:
        keys = self.config.to_dict()
        if not keys.get("use_speed_embed"):
            return None
        low, high = _range(keys, "random_time_stretching", (0.5, 2.0))
        if "velocity" not in segment:
            return np.ones(1, np.float32)
        if len(numbers(segment, "velocity")) > 1:
            values = self._curve(segment, "velocity", length)
        else:
            values = numbers(segment, "velocity").astype(np.float32)
        return np.clip(values, low, high).astype(np.float32)


def _range(
    keys: Mapping[str, Any], section: str, default: tuple[float, float]
) -> tuple[float, float]:
    found = ((keys.get("augmentation_args") or {}).get(section) or {}).get("range") or default
    low, high = float(found[0]), float(found[1])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else default
