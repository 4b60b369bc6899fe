"""What singing gives: sound, the mels and pitch behind it, and where each phoneme lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import write_audio
from .completion import Song

Array = NDArray[np.float32]

SILENCE = float(np.log(1e-5))
"""Floor of natural-log mels."""


@dataclass(frozen=True)
class SegmentRendering:
    """One segment of a song.

    Attributes:
        offset: start in the song, s.
        ph_seq: ``[N]`` symbols.
        frames: int64 ``[N]`` frames per phoneme.
        mel: float32 ``[T, bins]`` natural log.
        f0: float32 ``[T]`` Hz.
    """

    offset: float
    ph_seq: tuple[str, ...]
    frames: NDArray[np.int64]
    mel: Array
    f0: Array


@dataclass(frozen=True)
class Rendering:
    """A sung song.

    Attributes:
        audio: float32 ``[N]``, nominally in [−1, 1].
        sample_rate: Hz.
        hop_size: samples per mel frame.
        segments: as they were given.
        is_preview: True if the preview vocoder made the sound.
        timings: seconds for ``prepare``, ``variance``, ``model``, ``vocoder`` and ``total``.
        song: what was sung, with everything that was predicted.
    """

    audio: Array
    sample_rate: int
    hop_size: int
    segments: tuple[SegmentRendering, ...]
    is_preview: bool
    timings: Mapping[str, float]
    song: Song = field(default_factory=lambda: Song((), ()))

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.audio) / self.sample_rate

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work per second of rendered segments."""
        frames = sum(len(segment.f0) for segment in self.segments)
        sung = frames * self.hop_size / self.sample_rate
        return self.timings["total"] / sung if sung else 0.0

    @cached_property
    def mel(self) -> Array:
        """Natural-log mel on the time line of the sound, ``[N // hop_size, bins]``; silence
        between segments."""
        bins = self.segments[0].mel.shape[1] if self.segments else 0
        return self._time_line([s.mel for s in self.segments], SILENCE, (bins,))

    @cached_property
    def f0(self) -> Array:
        """F0 in Hz on the time line of the sound, ``[N // hop_size]``; 0 between segments."""
        return self._time_line([s.f0 for s in self.segments], 0.0, ())

    def _time_line(self, parts: list[Array], rest: float, shape: tuple[int, ...]) -> Array:
        line = np.full((len(self.audio) // self.hop_size, *shape), rest, np.float32)
        for segment, part in zip(self.segments, parts, strict=True):
            start = round(segment.offset * self.sample_rate / self.hop_size)
            kept = part[: max(0, len(line) - start)]
            line[start : start + len(kept)] = kept
        return line

    @property
    def phonemes(self) -> list[tuple[float, float, str]]:
        """Start and end in the sound (s) and symbol of each phoneme."""
        step = self.hop_size / self.sample_rate
        result = []
        for segment in self.segments:
            ends = segment.offset + np.cumsum(segment.frames) * step
            starts = ends - segment.frames * step
            result += list(zip(starts.tolist(), ends.tolist(), segment.ph_seq, strict=True))
        return result

    def save_wav(self, path: Path | str, *, title: str | None = None) -> Path:
        """Write the sound as 16-bit mono WAV, clipped, not normalised.

        Args:
            path: the file; with ``title``, the folder.
            title: name of the file without suffix; characters no file system likes are replaced.

        Returns:
            The file.

        Raises:
            SingwizError: it cannot be written.
        """
        path = Path(path)
        if title is not None:
            path = path / f"{safe_title(title)}.wav"
        write_audio(path, self.audio, self.sample_rate)
        return path

    def save_ds(self, path: Path | str) -> Path:
        """Write what was sung as DS file, predictions included; see :meth:`.Song.save`."""
        return self.song.save(path)


def safe_title(title: str) -> str:
    """A title as a file name without suffix."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", title).strip(" .") or "song"
