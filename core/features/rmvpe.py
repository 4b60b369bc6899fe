"""Pitch by the network RMVPE, which keeps its head in noise, reverb and accompaniment.

Loads the network once and feeds it recordings of any length; the network itself is in
:mod:`..models.extractors`. torch is imported when a network is loaded.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ..device import choose_device
from .network_files import load_network
from .pitch import F0, Unvoiced, resample_pitch

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.extractors.rmvpe import RmvpeNetwork

STRUCTURE: dict[str, object] = {}
"""Options of the network; the published one has their defaults."""

TIMESTEP = 0.01
"""Seconds between frames of the network."""

WHOLE = 6144
"""Up to so many frames (a minute) a recording is heard as a whole."""

_PIECE = 4096
"""Frames of a longer recording that are decided at once."""

_CONTEXT = 512
"""Frames that are heard on each side of a piece; how little they change is tested."""

_BATCH_FRAMES = 8192
"""Frames in a batch: about half a GB."""


def seconds_per_second(device: str = "cpu") -> float:
    """About how long a second of audio takes: CPU seconds of one core, or seconds of a GPU.

    Measured on a server CPU; the figure for GPUs is a cautious guess.
    """
    return 0.12 if device == "cpu" else 0.005


class Rmvpe:
    """RMVPE behind :class:`~.pitch.PitchExtractor`.

    The network ignores pitch limits. It works on 16 kHz audio in steps of 10 ms; F0 is then
    interpolated to the frames that are wanted, as DiffSinger does.

    Args:
        checkpoint: file of the community, a dict with the state dict under ``model``.
        device: ``auto``, ``cpu``, ``cuda``, ….
        threshold: frames whose most likely pitch is less likely than this are unvoiced.
        limits: Hz; frames with an F0 outside are unvoiced. None: all 32 to 2005 Hz.
        viterbi: look for the best path instead of the best pitch of each frame, which forbids
            jumps by more than half an octave within 10 ms.

    Raises:
        SingwizError: the file is missing, damaged or of something else, or there is no such
            device.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        device: str = "auto",
        threshold: float = 0.03,
        limits: tuple[float, float] | None = None,
        viterbi: bool = False,
    ) -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        self.threshold = threshold
        self.limits = limits
        self.viterbi = viterbi
        network = load_network(
            "rmvpe", STRUCTURE, checkpoint, name="RMVPE", device=self.device, unused=("unet.tf.",)
        )
        self.network = cast("RmvpeNetwork", network)
        del self.network.unet.tf
        self._last: tuple[bytes, NDArray[np.float32]] | None = None

    def extract(
        self,
        waveform: NDArray[np.float32],
        sample_rate: int,
        *,
        hop_size: int,
        length: int,
        speed: float = 1.0,
    ) -> tuple[F0, Unvoiced]:
        """See :meth:`~.pitch.PitchExtractor.extract`. Other speeds of one recording are free."""
        key = hashlib.blake2b(
            np.ascontiguousarray(waveform).tobytes(), salt=str(sample_rate).encode()[:16]
        ).digest()
        if self._last is None or self._last[0] != key:
            self._last = (key, self.f0([waveform], sample_rate)[0])
        step = round(hop_size * speed) / sample_rate
        return resample_pitch(self._last[1], TIMESTEP, step, length)

    def extract_many(
        self,
        waveforms: Sequence[NDArray[np.float32]],
        sample_rate: int,
        *,
        hop_size: int,
        lengths: Sequence[int],
    ) -> list[tuple[F0, Unvoiced]]:
        """:meth:`extract` for several recordings, which pays on a GPU.

        Recordings of about the same length (to 0.32 s) share a batch. What one contains has no
        influence on another, beyond the order of float additions.
        """
        step = hop_size / sample_rate
        return [
            resample_pitch(f0, TIMESTEP, step, length)
            for f0, length in zip(self.f0(waveforms, sample_rate), lengths, strict=True)
        ]

    def f0(
        self, waveforms: Sequence[NDArray[np.float32]], sample_rate: int
    ) -> list[NDArray[np.float32]]:
        """F0 every 10 ms.

        Args:
            waveforms: float32 ``[N]`` each.
            sample_rate: Hz.

        Returns:
            For each float32 ``[N16 // 160 + 1]`` Hz, 0 where unvoiced, with N16 its samples at
            16 kHz.
        """
        import torch

        from ..models.extractors.rmvpe_mel import (
            HOP_SIZE,
            SAMPLE_RATE,
            frame_count,
            pad_waveform,
        )
        from ..models.resampling import sinc_resample

        found: list[NDArray[np.float32]] = []
        # Pieces of equal length by their padded samples; where each belongs.
        waiting: dict[int, list[tuple[Tensor, int, slice, slice]]] = defaultdict(list)
        with torch.inference_mode():
            for number, waveform in enumerate(waveforms):
                samples = torch.from_numpy(np.array(waveform, np.float32)).to(self.device)
                samples = sinc_resample(samples, sample_rate, SAMPLE_RATE)
                frames = frame_count(len(samples))
                found.append(np.zeros(frames, np.float32))
                for heard, kept in _pieces(frames):
                    # A piece ends at the sample that its last frame is centred at.
                    end = None if heard.stop == frames else (heard.stop - 1) * HOP_SIZE
                    piece = pad_waveform(samples[None, heard.start * HOP_SIZE : end])[0]
                    inner = slice(kept.start - heard.start, kept.stop - heard.start)
                    batch = waiting[len(piece)]
                    batch.append((piece, number, kept, inner))
                    if (len(batch) + 1) * len(piece) > _BATCH_FRAMES * HOP_SIZE:
                        self._run(waiting.pop(len(piece)), found)
            for batch in waiting.values():
                self._run(batch, found)
        return found

    def _run(
        self,
        batch: list[tuple[Tensor, int, slice, slice]],
        found: list[NDArray[np.float32]],
    ) -> None:
        import torch

        from ..models.extractors.rmvpe_decoding import decode, viterbi_path
        from ..models.extractors.rmvpe_mel import log_mel

        hidden = self.network(log_mel(torch.stack([piece for piece, *_ in batch])))
        for likelihoods, (_, number, kept, inner) in zip(hidden, batch, strict=True):
            wanted = likelihoods[inner]
            centre = None
            if self.viterbi:
                centre = torch.from_numpy(viterbi_path(wanted.cpu().numpy())).to(wanted.device)
            f0 = decode(wanted, self.threshold, centre).cpu().numpy()
            if self.limits is not None:
                f0[(f0 < self.limits[0]) | (f0 > self.limits[1])] = 0
            found[number][kept] = f0


def _pieces(frames: int) -> list[tuple[slice, slice]]:
    """Frames to hear and frames to keep of them, all starting where the network's grid does."""
    if frames <= WHOLE:
        return [(slice(0, frames), slice(0, frames))]
    return [
        (
            slice(max(0, start - _CONTEXT), min(start + _PIECE + _CONTEXT, frames)),
            slice(start, min(start + _PIECE, frames)),
        )
        for start in range(0, frames, _PIECE)
    ]
