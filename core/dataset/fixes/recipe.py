"""How a fixed recording is made from an original: a description first, sound only when applied.

Whole-number sample formats are handled as whole numbers, so cutting and lengthening a
recording changes not one bit of what stays.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from ...errors import SingwizError
from ..audio import open_audio

_BLOCK = 2**19
_KEPT = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")


@dataclass(frozen=True, slots=True)
class AudioRecipe:
    """A recording made of (a part of) another one.

    Attributes:
        source: the recording to start from.
        start: s; where the wanted part begins.
        end: s; where it ends; None = at the end.
        mix: ``keep`` all channels, the ``mean`` of all, or a channel's number from 0 as text.
        gain: factor for every sample.
        before: s of digital silence to put in front.
        after: s of digital silence to add at the end.
    """

    source: Path
    start: float = 0.0
    end: float | None = None
    mix: str = "keep"
    gain: float = 1.0
    before: float = 0.0
    after: float = 0.0

    @property
    def is_copy(self) -> bool:
        """True if the sound stays as it is."""
        return self == AudioRecipe(self.source)

    def cut(self, *, start: float = 0.0, end: float | None = None) -> AudioRecipe:
        """Only the part from ``start`` to ``end`` (s, of the source's sound) remains."""
        first = self.start + start
        return replace(self, start=first, end=self.end if end is None else self.start + end)

    def mono(self, channel: int | None = None) -> AudioRecipe:
        """One channel, or the mean of all."""
        return replace(self, mix="mean" if channel is None else str(channel))

    def amplified(self, factor: float) -> AudioRecipe:
        """Every sample times ``factor``."""
        return replace(self, gain=self.gain * factor)

    def with_silence(self, *, before: float = 0.0, after: float = 0.0) -> AudioRecipe:
        """Longer by so many seconds of digital silence."""
        return replace(self, before=self.before + before, after=self.after + after)

    def describe(self) -> str:
        """What happens to the sound, in a few words."""
        parts = []
        if self.start or self.end is not None:
            end = "the end" if self.end is None else f"{self.end:.3f} s"
            parts.append(f"from {self.start:.3f} s to {end}")
        if self.mix == "mean":
            parts.append("channels averaged to mono")
        elif self.mix != "keep":
            parts.append(f"channel {int(self.mix) + 1} only")
        if self.gain != 1.0:
            parts.append(f"level {20 * np.log10(self.gain):+.1f} dB")
        for seconds, where in ((self.before, "in front"), (self.after, "at the end")):
            if seconds:
                parts.append(f"{seconds:.3f} s of silence {where}")
        return ", ".join(parts) or f"from {self.source.name}"

    def render(self, path: Path) -> None:
        """Write the recording; the format follows ``path``'s suffix.

        Raises:
            SingwizError: the source cannot be read.
            OSError: ``path`` cannot be written.
        """
        with open_audio(self.source) as sound:
            subtype, kind = _subtype(sound, path), _sample_type(sound, self.gain)
            rate, channels = sound.samplerate, sound.channels if self.mix == "keep" else 1
        try:
            with soundfile.SoundFile(path, "w", rate, channels, subtype, format=_format(path)) as f:
                f.write(np.zeros((round(self.before * rate), channels), kind))
                # Read in a generator: what goes wrong in writing is no fault of the source.
                for block in self._read(kind):
                    f.write(block)
                f.write(np.zeros((round(self.after * rate), channels), kind))
        except (soundfile.LibsndfileError, AssertionError) as error:
            raise OSError(errno.EIO, f"Writing failed ({error}); the disk may be full") from None

    def _read(self, kind: str) -> Iterator[np.ndarray]:
        """The wanted part, mixed and amplified, in blocks ``[n, channels]``."""
        with open_audio(self.source) as sound:
            rate = sound.samplerate
            first = min(round(self.start * rate), sound.frames)
            last = sound.frames if self.end is None else min(round(self.end * rate), sound.frames)
            sound.seek(first)
            remaining = last - first
            while remaining > 0:
                block = sound.read(min(_BLOCK, remaining), dtype=kind, always_2d=True)
                if not len(block):
                    raise SingwizError(
                        "audio-truncated",
                        f"The recording '{self.source.name}' breaks off before its end.",
                        hint="Copy or export the recording again.",
                        where=str(self.source),
                    )
                remaining -= len(block)
                yield self._treat(block)

    def _treat(self, block: np.ndarray) -> np.ndarray:
        """Mix and gain of samples ``[n, channels]``."""
        if self.mix == "mean":
            block = block.mean(axis=1, keepdims=True, dtype=np.float64).astype(block.dtype)
        elif self.mix != "keep":
            channel = int(self.mix)
            block = block[:, channel : channel + 1]
        return block if self.gain == 1.0 else block * self.gain


def recorded_seconds(recipe: AudioRecipe) -> float:
    """Length of what a recipe makes, s.

    Raises:
        SingwizError: the source cannot be read.
    """
    with open_audio(recipe.source) as sound:
        whole = sound.frames / sound.samplerate
    end = whole if recipe.end is None else min(recipe.end, whole)
    return max(end - recipe.start, 0.0) + recipe.before + recipe.after


def _format(path: Path) -> str:
    return "FLAC" if path.suffix.lower() == ".flac" else "WAV"


def _sample_type(sound: soundfile.SoundFile, gain: float) -> str:
    """Whole numbers where nothing has to be computed, so that nothing gets rounded."""
    return "int32" if sound.subtype.startswith("PCM_") and gain == 1.0 else "float64"


def _subtype(sound: soundfile.SoundFile, path: Path) -> str:
    """The source's sample format if the target knows it, else 16 bits (24 for fine sources)."""
    if _format(path) == "FLAC":
        return "PCM_16" if sound.subtype in ("PCM_16", "PCM_S8", "PCM_U8") else "PCM_24"
    if sound.subtype in _KEPT:
        return str(sound.subtype)
    return "PCM_16"
