"""From mels to one sound, and mels as files that can be vocoded later."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_bytes
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .rendering import SegmentRendering
from .segment import MAX_OFFSET_SECONDS
from .stitching import stitch
from .vocoder import Vocoder

Array = NDArray[np.float32]

MEL_SUFFIX = ".mel.pt"
_MAX_BYTES = 4 * 2**30
_MAX_FRAMES = 10**7


def vocode(
    segments: Sequence[SegmentRendering], vocoder: Vocoder, *, reporter: Reporter | None = None
) -> Array:
    """Turn the mels of a song into one sound, float32 ``[N]``.

    Args:
        segments: with mel and f0.
        vocoder: mel to sound.
        reporter: receives progress per segment.

    Raises:
        SingwizError: the mels have another number of bands than the vocoder.
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    pieces = []
    for number, segment in enumerate(segments, start=1):
        if reporter.cancelled():
            raise Cancelled
        reporter.progress(number - 1, len(segments), f"sound of part {number} of {len(segments)}")
        try:
            audio = vocoder.synthesise(segment.mel, segment.f0)
        except ValueError as error:
            raise SingwizError(
                "mel-does-not-fit",
                f"The mel does not fit the vocoder: {error}.",
                hint="Use the vocoder of the voice that the mel is from.",
                where=f"segment {number}",
            ) from error
        pieces.append((segment.offset, audio))
    reporter.progress(len(segments), len(segments), "sound")
    return stitch(pieces, vocoder.sample_rate)


def save_mels(path: Path, segments: Sequence[SegmentRendering]) -> Path:
    """Write mels as DiffSinger does: a list of ``offset``, ``mel`` and ``f0`` per segment.

    Args:
        path: ends in ``.pt`` (torch) or ``.npz`` (NumPy).
        segments: with natural-log mels.
    """
    data = io.BytesIO()
    if path.suffix == ".npz":
        arrays: dict[str, Any] = {"offset": np.array([s.offset for s in segments])}
        for k, segment in enumerate(segments):
            arrays |= {f"mel_{k}": segment.mel, f"f0_{k}": segment.f0}
        np.savez_compressed(data, **arrays)
    else:
        import torch

        content = [
            {
                "offset": segment.offset,
                "mel": torch.from_numpy(segment.mel.copy()).unsqueeze(0),
                "f0": torch.from_numpy(segment.f0.copy()).unsqueeze(0),
            }
            for segment in segments
        ]
        torch.save(content, data)
    write_bytes(path, data.getvalue())
    return path


def read_mels(path: Path) -> tuple[SegmentRendering, ...]:
    """Read what :func:`save_mels` or DiffSinger wrote. The file is data; nothing in it is run.

    Returns:
        Segments without phonemes.

    Raises:
        SingwizError: not such a file.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        parts = _from_npz(path) if path.suffix == ".npz" else _from_torch(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise _unreadable(path) from error
    if not parts:
        raise _unreadable(path)
    segments = []
    for offset, mel, f0 in parts:
        good = mel.ndim == 2 and f0.ndim == 1 and len(mel) == len(f0) and mel.size
        if not (good and len(f0) <= _MAX_FRAMES and 0 <= offset <= MAX_OFFSET_SECONDS):
            raise _unreadable(path)
        segments.append(SegmentRendering(offset, (), np.zeros(0, np.int64), mel, f0))
    return tuple(segments)


def _from_npz(path: Path) -> list[tuple[float, Array, Array]]:
    with np.load(path, allow_pickle=False) as archive:
        offsets = np.atleast_1d(archive["offset"]).astype(float)
        return [
            (float(offset), archive[f"mel_{k}"].astype("f4"), archive[f"f0_{k}"].astype("f4"))
            for k, offset in enumerate(offsets)
        ]


def _from_torch(path: Path) -> list[tuple[float, Array, Array]]:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise ValueError("not a torch file of plain data") from error
    if not isinstance(content, list):
        raise ValueError("no list of segments")
    return [
        (
            float(entry["offset"]),
            entry["mel"][0].float().numpy(),
            entry["f0"][0].float().numpy(),
        )
        for entry in content
    ]


def _unreadable(path: Path) -> SingwizError:
    return SingwizError(
        "mel-unreadable",
        f"'{path.name}' is no file of mels.",
        hint="Make one with: singwiz render PROJECT SONG --mel",
        where=str(path),
        exit_code=USAGE_PROBLEM,
    )
