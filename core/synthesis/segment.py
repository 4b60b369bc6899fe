"""What acoustic and variance models read alike in a DS segment: phonemes, languages, frames.

NumPy only. Messages speak of "a segment"; who reads a whole song says which one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..dataset.ds import numbers
from ..dataset.note_names import note_name, parse_note
from ..dictionary import PhonemeSet
from ..errors import USAGE_PROBLEM, SingwizError
from ..features.curves import resample_curve
from ..features.durations import frames_from_seconds
from ..features.pitch import interpolate_unvoiced

Array = NDArray[np.float32]
Integers = NDArray[np.int64]

CURVES = ("energy", "breathiness", "voicing", "tension")
"""Curves besides the pitch, in the order models have them."""

TAGS = ("dur", "pitch", *CURVES)
"""What variance models predict, in order."""

KEY_OF_TAG = {"dur": "ph_dur", "pitch": "f0_seq"} | {name: name for name in CURVES}

MAX_SEGMENT_SECONDS = 1800.0
MAX_OFFSET_SECONDS = 4 * 3600.0
"""A damaged file must not ask for more memory than there is."""

_ON_GRID = 1e-3
_ROUNDING = 0.5e-6
"""Durations whose ends all lie that near to whole frames, in frames, and in s per duration
because files have six decimals, were made of whole frames."""


@dataclass(frozen=True)
class Symbols:
    """The phonemes of a segment; N of them.

    Attributes:
        ph_seq: ``[N]`` as written.
        tokens: int64 ``[N]`` ids.
        languages: int64 ``[N]`` language ids; None if the model has none.
    """

    ph_seq: tuple[str, ...]
    tokens: Integers
    languages: Integers | None


@dataclass(frozen=True)
class SegmentReader:
    """Reads DS segments for one model.

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

    def symbols(self, segment: Mapping[str, Any], language: str | None) -> Symbols:
        """The phonemes of a segment as this model counts them.

        Args:
            segment: DS segment without nulls.
            language: replaces its ``lang``.

        Raises:
            SingwizError: unknown phonemes or language.
        """
        ph_seq = names_of(segment, "ph_seq")
        context = self._language(segment, ph_seq, language)
        named = [self._full_name(symbol, context) for symbol in ph_seq]
        tokens = np.array(self._encode(named, ph_seq, context), np.int64)
        languages = None
        if self.config.to_dict().get("use_lang_id"):
            languages = np.array(self.phonemes.language_ids(named, context), np.int64)
        return Symbols(tuple(ph_seq), tokens, languages)

    def frames(self, segment: Mapping[str, Any], key: str, count: int) -> Integers:
        """Durations in s under ``key``, as int64 ``[count]`` frames.

        Durations that a model made of whole frames of the same length stay what they were.

        Raises:
            SingwizError: another number of durations, negative ones, or an impossible sum.
        """
        seconds = numbers(segment, key)
        what = "phonemes" if key == "ph_dur" else "notes"
        if len(seconds) != count:
            raise SingwizError(
                "ds-lengths-differ",
                f"There are {count} {what} but {len(seconds)} durations in '{key}'.",
                hint=f"Export the song again, or correct '{key}'.",
            )
        if (seconds < 0).any() or not 0 < seconds.sum() <= MAX_SEGMENT_SECONDS:
            raise SingwizError(
                "ds-duration",
                "The durations have to be 0 or more and last between 0 seconds and half an hour.",
                hint=f"Correct '{key}'; it is in seconds.",
            )
        ends = np.cumsum(seconds) / self.timestep
        borders = np.rint(ends)
        slack = _ON_GRID + _ROUNDING / self.timestep * np.arange(1, count + 1)
        if (np.abs(ends - borders) < slack).all():
            whole: Integers = borders.astype(np.int64)
            return np.diff(whole, prepend=np.int64(0))
        return frames_from_seconds(seconds, self.timestep)

    def curve(self, segment: Mapping[str, Any], name: str, length: int) -> Array:
        """A curve with its ``<name>_timestep`` on the model's grid, float32 ``[length]``."""
        points, step = self._points(segment, name, f"{name}_timestep")
        return resample_curve(points, step, self.timestep, length)

    def value_or_curve(self, segment: Mapping[str, Any], name: str, length: int) -> Array:
        """A number as float32 ``[1]``, or a curve as float32 ``[length]``."""
        values = numbers(segment, name)
        if len(values) > 1:
            return self.curve(segment, name, length)
        if len(values) == 0:
            raise SingwizError(
                "ds-curve-invalid",
                f"'{name}' of a segment is empty.",
                hint="Export the song again, or take the entry away.",
            )
        return values.astype(np.float32)

    def pitch(self, segment: Mapping[str, Any], length: int) -> Array:
        """``f0_seq`` in Hz on the model's grid, float32 ``[length]``; zeros if all is unvoiced.

        Zeros are filled before resampling, or the frames beside them get a pitch nobody sang.
        """
        points, step = self._points(segment, "f0_seq", "f0_timestep")
        filled, _ = interpolate_unvoiced(np.maximum(points, 0.0))
        return resample_curve(filled, step, self.timestep, length)

    def offset(self, segment: Mapping[str, Any]) -> float:
        """Where the segment starts in the song, s."""
        offset = float(numbers(segment, "offset")[0]) if "offset" in segment else 0.0
        if not 0 <= offset <= MAX_OFFSET_SECONDS:
            raise SingwizError(
                "ds-offset",
                f"It starts at {offset:g} s, which is outside of any song.",
                hint="Correct 'offset'; it is in seconds and at most four hours.",
            )
        return offset

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


def names_of(segment: Mapping[str, Any], key: str) -> list[str]:
    """The names in a sequence such as ``ph_seq`` or ``note_seq``.

    Raises:
        SingwizError: the key is absent, or holds something else.
    """
    if key not in segment:
        raise SingwizError(
            "ds-key-missing",
            f"A segment lacks '{key}'.",
            hint="Export the song again from the editor, with phonemes and notes included.",
        )
    value = segment[key]
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SingwizError(
            "ds-phonemes-invalid",
            f"'{key}' has to be a line of names separated by spaces.",
            hint="Export the song again from the editor.",
        )
    return list(names)


def has(segment: Mapping[str, Any], tag: str) -> bool:
    """True if a segment provides what a tag of :data:`TAGS` stands for."""
    value = segment.get(KEY_OF_TAG[tag])
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def transposed(segment: Mapping[str, Any], key: float) -> dict[str, Any]:
    """A copy of a segment without nulls, its notes and pitch moved by ``key`` semitones.

    What is absent is left out, cents are kept.

    Raises:
        SingwizError: a note or a pitch value makes no sense.
    """
    moved = {name: value for name, value in segment.items() if value is not None}
    if not key:
        return moved
    if "note_seq" in moved:
        notes = [parse_note(name) for name in names_of(moved, "note_seq")]
        moved["note_seq"] = " ".join(note_name(n if n is None else n + key) for n in notes)
    if "f0_seq" in moved:
        moved["f0_seq"] = numbers(moved, "f0_seq") * 2 ** (key / 12)
    return moved
