"""Clips of recordings: where they are cut, how they are altered, how they become batches.

Every function is exact: what is random is drawn by :class:`Clips` from (seed, epoch, place in
the epoch) and handed down, so a resumed run sees the clips it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...binarize.vocoder_item import VocoderRecipe
from ...models.resampling import sinc_resample
from .records import Records

FLOOR = math.log(1e-5)
"""Lowest mel value a vocoder is fed, in training and in use."""

MARGIN = 2
"""Frames at both ends of a resampled clip that are spoilt by its edges."""

SOFTEST = -3.0
"""Lowest volume shift, nepers (about -26 dB); the loudest is its opposite."""

SPEED_GRID = 64
"""Speeds are multiples of 1/64 (27 cents), so that few resampling kernels are needed."""

Array = NDArray[np.float32]
Ticket = tuple[int, int, int]
"""Epoch, place in the epoch, number of the recording."""


@dataclass(frozen=True)
class ClipSettings:
    """How clips are made; names and units are those of the config keys."""

    crop_mel_frames: int
    volume_aug: bool
    volume_aug_prob: float
    key_aug: bool
    key_aug_prob: float
    aug_min: float
    aug_max: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ClipSettings:
        """The settings in a plain config."""
        return cls(**{name: options[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording.

    Attributes:
        audio: ``[N]``.
        mel: ``[T, bins]`` natural log.
        f0: ``[T]`` Hz.
        index: number of the recording; -1 if nobody needs it.
    """

    audio: Array
    mel: Array
    f0: Array
    index: int = -1


# Exact steps ---------------------------------------------------------------------------


def whole(records: Records, index: int, hop: int) -> Piece:
    """A whole recording, its sound cut or padded to full frames."""
    mel = records.read(index, "mel")
    audio = fit(records.read(index, "audio", 0, len(mel) * hop), len(mel) * hop)
    return Piece(audio, np.maximum(mel, np.float32(FLOOR)), records.read(index, "f0"))


def crop_record(records: Records, index: int, start: int, frames: int, hop: int) -> Piece:
    """``frames`` frames of a recording from frame ``start`` on; missing sound is silence."""
    audio = records.read(index, "audio", start * hop, (start + frames) * hop)
    stop = start + frames
    return Piece(
        fit(audio, frames * hop),
        records.read(index, "mel", start, stop),
        records.read(index, "f0", start, stop),
    )


def crop(piece: Piece, start: int, frames: int, hop: int) -> Piece:
    """The same of a piece."""
    stop = start + frames
    audio = fit(piece.audio[start * hop : stop * hop], frames * hop)
    return Piece(audio, piece.mel[start:stop], piece.f0[start:stop])


def fit(audio: Array, samples: int) -> Array:
    """Cut, or silence added, to a number of samples."""
    return audio[:samples] if len(audio) >= samples else np.pad(audio, (0, samples - len(audio)))


def loudest_shift(audio: Array) -> float:
    """How many nepers a clip may be made louder without clipping, at most 3."""
    peak = float(np.abs(audio).max(initial=0.0)) + 1e-5
    return min(-SOFTEST, math.log(1 / peak))


def shift_volume(piece: Piece, shift: float) -> Piece:
    """A piece made louder by ``shift`` nepers."""
    return Piece(piece.audio * np.float32(math.exp(shift)), piece.mel + np.float32(shift), piece.f0)


def stretch_frames(frames: int, speed: float) -> int:
    """Frames of the original that become a clip of ``frames`` with its margins."""
    return math.ceil((frames + 2 * MARGIN) * speed)


def play_faster(audio: Array, speed: float, recipe: VocoderRecipe) -> Piece:
    """A stretch of a recording played faster (and so higher), measured anew.

    Args:
        audio: ``[N]``, :func:`stretch_frames` frames long.
        speed: factor; 2 is an octave up.
        recipe: how mel and pitch are measured.

    Returns:
        The piece without its spoilt edges; its sound may be a little longer than its frames.
    """
    hop = recipe.hop_size
    fast = sinc_resample(torch.from_numpy(audio), round(hop * speed), hop).numpy()
    mel = recipe.mel(fast)
    # The pitch is searched where the singer's range is known: in the original.
    f0, _ = recipe.extractor().extract(
        audio, recipe.audio_sample_rate, hop_size=hop, length=len(mel), speed=speed
    )
    inner = slice(MARGIN, len(mel) - MARGIN)
    return Piece(fast[MARGIN * hop : -MARGIN * hop], mel[inner], f0[inner] * np.float32(speed))


# Drawing -------------------------------------------------------------------------------


class Clips(Dataset[Piece]):
    """Random clips of recordings; items are asked for by :data:`Ticket`.

    Args:
        records: the recordings.
        settings: how clips are made.
        recipe: how mel and pitch are measured.
        seed: of the run.
        max_f0: Hz; copies that reach it stay as they were.
    """

    def __init__(
        self,
        records: Records,
        settings: ClipSettings,
        recipe: VocoderRecipe,
        *,
        seed: int,
        max_f0: float,
    ) -> None:
        self.records = records
        self.settings = settings
        self.recipe = recipe
        self.seed = seed
        self.max_f0 = max_f0
        hop = recipe.hop_size
        self._grid = max(n for n in range(1, min(SPEED_GRID, hop) + 1) if hop % n == 0)

    def __getitem__(self, ticket: Ticket) -> Piece:
        epoch, place, index = ticket
        rng = np.random.default_rng([self.seed, epoch, place, index])
        frames, hop = self.settings.crop_mel_frames, self.recipe.hop_size
        piece = self._faster(index, rng)
        if piece is None:
            start = int(rng.integers(0, self.records.lengths[index] - frames, endpoint=True))
            piece = crop_record(self.records, index, start, frames, hop)
        else:
            start = int(rng.integers(0, len(piece.f0) - frames, endpoint=True))
            piece = crop(piece, start, frames, hop)
        if self.settings.volume_aug and rng.random() < self.settings.volume_aug_prob:
            piece = shift_volume(piece, rng.uniform(SOFTEST, loudest_shift(piece.audio)))
        return Piece(piece.audio, np.maximum(piece.mel, np.float32(FLOOR)), piece.f0, index)

    def _faster(self, index: int, rng: np.random.Generator) -> Piece | None:
        """A stretch played at another speed, if that is drawn and possible."""
        settings, hop = self.settings, self.recipe.hop_size
        if not settings.key_aug or rng.random() > settings.key_aug_prob:
            return None
        speed = round(rng.uniform(settings.aug_min, settings.aug_max) * self._grid) / self._grid
        needed = stretch_frames(settings.crop_mel_frames, speed) * hop
        spare = self.records.samples(index) - 1 - needed
        if spare < 0:
            return None
        start = int(rng.integers(0, spare, endpoint=True))
        audio = self.records.read(index, "audio", start, start + needed)
        piece = play_faster(audio, speed, self.recipe)
        if len(piece.f0) < settings.crop_mel_frames or piece.f0.max(initial=0.0) >= self.max_f0:
            return None
        return piece


@dataclass(frozen=True)
class ClipPlan:
    """Which recordings make the batches of an epoch: every one once, in seeded random order.

    Where there are fewer recordings than places in a batch, several clips are cut of each.

    Attributes:
        indices: numbers of the recordings.
        batch_size: clips in a batch, per device.
        seed: of the run.
    """

    indices: Sequence[int]
    batch_size: int
    seed: int

    def signature(self) -> list[int]:
        """Numbers that change whenever the batches would; kept in checkpoints."""
        return [len(self.indices), sum(self.indices), self.batch_size, self.seed]

    def steps(self, world_size: int = 1) -> int:
        """Batches of an epoch on each device."""
        return max(1, math.ceil(len(self.indices) / (self.batch_size * world_size)))

    def epoch(self, epoch: int, *, rank: int = 0, world_size: int = 1) -> list[list[Ticket]]:
        """The batches of one rank in one epoch; all ranks have the same number."""
        rng = np.random.default_rng([self.seed, epoch])
        total = max(len(self.indices), self.batch_size * world_size)
        total += -total % world_size
        order: list[int] = []
        while len(order) < total:
            order += [self.indices[i] for i in rng.permutation(len(self.indices))]
        tickets = [(epoch, place, index) for place, index in enumerate(order[:total])]
        mine = tickets[rank::world_size]
        return [mine[k : k + self.batch_size] for k in range(0, len(mine), self.batch_size)]


def collate(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Pieces of equal length as ``audio [B, 1, N]``, ``mel [B, bins, T]``, ``f0 [B, T]``,
    ``indices [B]`` and ``size``."""

    def stacked(arrays: Sequence[Array]) -> Tensor:
        return torch.from_numpy(np.stack(arrays))

    return {
        "audio": stacked([piece.audio for piece in pieces])[:, None],
        "mel": stacked([piece.mel.T for piece in pieces]),
        "f0": stacked([piece.f0 for piece in pieces]),
        "indices": torch.tensor([piece.index for piece in pieces]),
        "size": len(pieces),
    }
