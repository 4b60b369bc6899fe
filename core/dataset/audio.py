"""Reading and writing audio files; whatever is wrong with one becomes a SingwizError.

Not for features and not for judging recordings: levels and lengths are in :mod:`.measure`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..atomic import atomic_path
from ..errors import SingwizError

AUDIO_SUFFIXES = (".wav", ".flac")
"""What DiffSinger looks for, in this order, lower case only."""

MAX_SECONDS = 7200.0
"""Longer files are refused: a small damaged or malicious file can claim hours of audio."""

_RATES = range(4000, 768001)
_BLOCK = 2**20
"""Frames per read, so that memory follows what is in the file, not what its header claims."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of an audio file says.

    Attributes:
        sample_rate: Hz.
        channels: 1 = mono.
        frames: samples per channel.
        seconds: length.
        subtype: sample format as libsndfile names it, e.g. ``PCM_16``.
    """

    sample_rate: int
    channels: int
    frames: int
    seconds: float
    subtype: str


def probe_audio(path: Path) -> AudioInfo:
    """Read the header of an audio file.

    Raises:
        SingwizError: missing, unreadable, empty, or with impossible claims.
    """
    with open_audio(path) as sound:
        return info_of(sound)


def read_audio(path: Path, sample_rate: int | None) -> tuple[np.ndarray, int]:
    """Read a whole recording as mono.

    Args:
        path: any file libsndfile reads; channels are averaged.
        sample_rate: wanted rate in Hz (resampled with soxr HQ); None keeps the file's.

    Returns:
        float32 samples ``[N]`` in [-1, 1] (float files may exceed it) and the rate in Hz.

    Raises:
        SingwizError: missing, damaged, empty, not finite, or with impossible claims.
    """
    with open_audio(path) as sound:
        rate = int(sound.samplerate)
        parts = [to_mono(block) for block in blocks(sound, path)]
    samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise SingwizError(
            "audio-not-finite",
            f"'{path.name}' contains values that are not numbers.",
            hint="Export the recording again as 16-bit or 24-bit WAV.",
            where=str(path),
        )
    if sample_rate is None or sample_rate == rate:
        return samples, rate
    return soxr.resample(samples, rate, sample_rate, quality="HQ"), sample_rate


def write_audio(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    """Write mono samples ``[N]`` (clipped to [-1, 1]) as 16-bit PCM, atomically.

    Raises:
        SingwizError: the file cannot be written.
    """
    clipped = np.clip(np.nan_to_num(np.asarray(samples, dtype=np.float32)), -1.0, 1.0)
    try:
        with atomic_path(Path(path)) as temporary:
            soundfile.write(temporary, clipped, sample_rate, subtype="PCM_16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise SingwizError(
            "audio-not-writable",
            f"'{path}' cannot be written: {error}.",
            hint="Choose a folder that belongs to you, with free space.",
        ) from None


@contextmanager
def open_audio(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open a file for reading and check its claims; damage found later is translated too.

    Raises:
        SingwizError: see :func:`probe_audio`.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise SingwizError(
                "audio-missing",
                f"There is no recording '{path.name}'.",
                hint="Check the file name, upper and lower case included.",
                where=str(path),
            )
        if path.stat().st_size == 0:
            raise SingwizError(
                "audio-empty",
                f"The recording '{path.name}' is an empty file.",
                hint="Copy or export the recording again.",
                where=str(path),
            )
        with soundfile.SoundFile(path) as sound:
            _check_claims(path, sound)
            yield sound
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from None


def info_of(sound: soundfile.SoundFile) -> AudioInfo:
    """The header of an opened file."""
    return AudioInfo(
        sample_rate=int(sound.samplerate),
        channels=int(sound.channels),
        frames=int(sound.frames),
        seconds=sound.frames / sound.samplerate,
        subtype=str(sound.subtype),
    )


def blocks(sound: soundfile.SoundFile, path: Path) -> Iterator[np.ndarray]:
    """All samples as float32 ``[n, channels]`` blocks, n at most about a million.

    Raises:
        SingwizError: the file holds fewer samples than its header says.
    """
    remaining = int(sound.frames)
    while remaining > 0:
        block = sound.read(min(_BLOCK, remaining), dtype="float32", always_2d=True)
        if not len(block):
            raise SingwizError(
                "audio-truncated",
                f"The recording '{path.name}' breaks off before its end.",
                hint="Copy or export the recording again.",
                where=str(path),
            )
        remaining -= len(block)
        yield block


def to_mono(block: np.ndarray) -> np.ndarray:
    """The mean of the channels of samples ``[n, channels]``, float32 ``[n]``."""
    channels = block.shape[1]
    # A matrix product: numpy's mean over so short an axis is many times slower.
    return block[:, 0] if channels == 1 else block @ np.full(channels, 1 / channels, np.float32)


def _check_claims(path: Path, sound: soundfile.SoundFile) -> None:
    if sound.samplerate not in _RATES:
        raise SingwizError(
            "audio-sample-rate",
            f"'{path.name}' claims an impossible sample rate of {sound.samplerate} Hz.",
            hint="Export the recording again.",
            where=str(path),
        )
    if sound.frames <= 0:
        raise SingwizError(
            "audio-empty",
            f"The recording '{path.name}' contains no sound.",
            hint="Copy or export the recording again.",
            where=str(path),
        )
    if sound.frames > MAX_SECONDS * sound.samplerate:
        raise SingwizError(
            "audio-too-long",
            f"'{path.name}' claims to last {sound.frames / sound.samplerate / 3600:.1f} hours.",
            hint="Cut the recording into phrases of 5 to 15 seconds; if it is short, the file "
            "is damaged: export it again.",
            where=str(path),
        )


def _unreadable(path: Path, error: Exception) -> SingwizError:
    reason = (getattr(error, "error_string", "") or str(error)).strip().rstrip(".")
    # libsndfile's words for damage inside a file mean nothing to a musician.
    reason = f" ({reason})" if reason and "Internal" not in reason else ""
    return SingwizError(
        "audio-unreadable",
        f"The recording '{path.name}' is damaged or not an audio file{reason}.",
        hint="Open it in an audio editor and export it again as WAV, or remove its row.",
        where=str(path),
    )
