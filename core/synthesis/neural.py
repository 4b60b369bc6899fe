"""Neural vocoders: NSF-HiFiGAN and HiFi-GAN generators, of any length in bounded memory.

The excitation is computed for the whole song, so that phases run on. The network then works on
overlapping chunks: it sees only a few frames around each sample, so with enough frames of context
the joined chunks are what it would give in one piece.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..models.randomness import RandomSource
    from ..models.vocoder.generator import Generator

Array = NDArray[np.float32]

CHUNK_FRAMES = 512
"""Frames the network works on at once (6 s at 44.1 kHz / 512): large beside the context, and
few enough for small memories."""

EXCITATION_FRAMES = 1024
"""Frames of sines computed at once."""

MINI_F0_SHARE = 0.499
"""The mini excitation carries F0 up to half of its sampling rate; higher notes are sung there."""


class NeuralVocoder:
    """A trained generator as a vocoder.

    Attributes:
        generator: on ``device``, in evaluation mode.
        sample_rate: Hz.
        hop_size: samples per frame.
        num_mels: mel bands.
        label: what to show to the user.
        pitch_controllable: True if it was trained to follow F0 that differs from the mel's.
        seed: of phases and noise; the same input gives the same sound.
        chunk_frames: frames computed at once.
    """

    is_preview = False

    def __init__(
        self,
        generator: Generator,
        *,
        label: str,
        device: str = "cpu",
        pitch_controllable: bool = False,
        seed: int = 0,
        chunk_frames: int = CHUNK_FRAMES,
    ) -> None:
        structure = generator.structure
        self.generator = generator.eval().to(device)
        self.device = device
        self.sample_rate = structure.sampling_rate or 0
        self.hop_size = structure.hop_size
        self.num_mels = structure.num_mels
        self.label = label
        self.pitch_controllable = pitch_controllable
        self.seed = seed
        self.chunk_frames = chunk_frames

    @classmethod
    def load(cls, path: Path, *, device: str = "cpu", seed: int = 0) -> NeuralVocoder:
        """Load a vocoder's file with the config beside it.

        Raises:
            SingwizError: see :func:`..vocoder_checkpoint.load_generator`.
        """
        from ..vocoder_checkpoint import load_generator

        generator, config = load_generator(path)
        return cls(
            generator,
            label=label_of(path),
            device=device,
            pitch_controllable=bool(config.get("pc_aug")),
            seed=seed,
        )

    def synthesise(self, mel: Array, f0: Array, *, random: RandomSource | None = None) -> Array:
        """Sound of one segment.

        Args:
            mel: float32 ``[T, bins]`` natural log.
            f0: float32 ``[T]`` Hz, interpolated over unvoiced frames, as models are trained
                with.
            random: draws instead of those of ``seed``.

        Returns:
            float32 ``[T · hop_size]``

        Raises:
            ValueError: wrong shapes.
        """
        return self.synthesise_batch(mel[None], f0[None], random=random)[0]

    def synthesise_batch(
        self, mel: Array, f0: Array, *, random: RandomSource | None = None
    ) -> Array:
        """Sound of several segments of equal length.

        Args:
            mel: float32 ``[B, T, bins]`` natural log.
            f0: float32 ``[B, T]`` Hz.
            random: draws instead of those of ``seed``.

        Returns:
            float32 ``[B, T · hop_size]``

        Raises:
            ValueError: wrong shapes.
        """
        import torch

        from ..models.randomness import RandomSource

        if mel.ndim != 3 or mel.shape[2] != self.num_mels or f0.shape != mel.shape[:2]:
            raise ValueError(
                f"mel {mel.shape} and f0 {f0.shape} do not fit a vocoder of {self.num_mels} bands"
            )
        # Drawn on the CPU, so that a seed sounds the same on every device.
        random = random or RandomSource(torch.Generator().manual_seed(self.seed))
        batch, frames, _ = mel.shape
        hop = self.hop_size
        sound = np.zeros((batch, frames * hop), np.float32)
        if not frames:
            return sound
        melody = torch.from_numpy(self._melody(f0)).to(self.device)
        # Training may be in half precision around a validation; sound suffers from it.
        kind = torch.device(self.device).type
        with torch.inference_mode(), torch.autocast(kind, enabled=False):
            source = self.generator.excite(melody, random=random, block=EXCITATION_FRAMES)
            whole = torch.from_numpy(np.ascontiguousarray(mel, np.float32).swapaxes(1, 2))
            noise = self.generator.draw_noise(whole, random=random)
            structure = self.generator.structure
            context, step = structure.context_frames, structure.excitation_hop
            for begin in range(0, frames, self.chunk_frames):
                end = min(frames, begin + self.chunk_frames)
                left, right = max(0, begin - context), min(frames, end + context)
                wave = self.generator.filter(
                    whole[..., left:right].to(self.device),
                    None if source is None else source[..., left * step : right * step],
                    None if noise is None else noise[..., left:right].to(self.device),
                )[:, 0, (begin - left) * hop : (end - left) * hop]
                sound[:, begin * hop : end * hop] = wave.float().cpu().numpy()
        return sound

    def _melody(self, f0: Array) -> Array:
        """F0 as the excitation can carry it."""
        f0 = np.nan_to_num(np.asarray(f0, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        f0 = np.maximum(f0, 0)
        structure = self.generator.structure
        if structure.excitation == "mini":
            f0 = np.minimum(f0, structure.excitation_rate * MINI_F0_SHARE)
        return f0.astype(np.float32)


def label_of(path: Path) -> str:
    """A name for a vocoder's file; ``model.ckpt`` says nothing, its folder does."""
    generic = path.stem in ("model", "generator")
    return path.parent.name if generic and path.parent.name else path.stem


def natural_log_mel(mel: Any, mel_base: Any) -> Any:
    """A mel as vocoders expect it.

    Args:
        mel: of any shape.
        mel_base: ``"e"``, or 10 for models of early 2024 and before.

    Raises:
        ValueError: another base.
    """
    if str(mel_base) == "e":
        return mel
    if str(mel_base) == "10":
        return mel * np.float32(LN_10)
    raise ValueError(f"mel_base is {mel_base!r}; it has to be 'e' or '10'")


LN_10 = 2.30259
"""As DiffSinger and OpenUtau have it, not to more digits."""
