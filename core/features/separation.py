"""Splitting a voice into its harmonic and its breathy part."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError

_DITHER = 1e-5
"""Standard deviation of the noise that keeps digital silence from being divided by."""


class Separator(Protocol):
    """Splits a waveform, given its pitch."""

    def separate(
        self,
        waveform: NDArray[np.float32],
        f0: NDArray[np.float32],
        *,
        sample_rate: int,
        hop_size: int,
        item_name: str,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The harmonic and the aperiodic part.

        Args:
            waveform: float32 ``[N]``.
            f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
            sample_rate: Hz.
            hop_size: samples per frame of ``f0``.
            item_name: seeds whatever is random, so that every run gives the same curves.

        Returns:
            Two float32 waveforms of about N samples.
        """
        ...


class SeparationSettings(Protocol):
    """The config keys a separator needs; a whole config has them too."""

    @property
    def hnsep(self) -> str:
        """Name of the separator."""

    @property
    def fft_size(self) -> int:
        """Samples."""


@dataclass(frozen=True)
class World:
    """Analysis and resynthesis with the WORLD vocoder."""

    fft_size: int

    def separate(
        self,
        waveform: NDArray[np.float32],
        f0: NDArray[np.float32],
        *,
        sample_rate: int,
        hop_size: int,
        item_name: str,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See :meth:`Separator.separate`; both parts have ``ceil(N / hop) · hop`` samples."""
        import pyworld

        noise = np.random.default_rng(zlib.crc32(item_name.encode("utf-8")))
        x = waveform.astype(np.float64) + _DITHER * noise.standard_normal(len(waveform))
        count = -(-len(x) // hop_size)
        pitch = np.pad(f0[:count], (0, max(0, count - len(f0))), mode="edge").astype(np.float64)
        times = np.arange(count) * (hop_size / sample_rate)
        period = 1000.0 * hop_size / sample_rate
        envelope = pyworld.cheaptrick(x, pitch, times, sample_rate, fft_size=self.fft_size)
        aperiodicity = pyworld.d4c(x, pitch, times, sample_rate, fft_size=self.fft_size)
        share = np.square(aperiodicity)
        harmonic = pyworld.synthesize(
            pitch,
            np.maximum(envelope * (1.0 - share), 1e-16),
            np.zeros_like(aperiodicity),
            sample_rate,
            period,
        )
        aperiodic = pyworld.synthesize(
            pitch, envelope * share, np.ones_like(aperiodicity), sample_rate, period
        )
        return harmonic.astype(np.float32), aperiodic.astype(np.float32)


def separator(config: SeparationSettings) -> Separator:
    """The separator that ``hnsep`` names. Nothing heavy is imported before its first use.

    Raises:
        SingwizError: the name is unknown, or its network is not part of this version.
    """
    if config.hnsep == "world":
        return World(config.fft_size)
    if config.hnsep == "vr":
        raise SingwizError(
            "separator-unavailable",
            "The network of the separator 'vr' is not part of this version yet.",
            hint="Set hnsep to 'world', or switch breathiness, voicing and tension off.",
            where="hnsep",
        )
    raise SingwizError(
        "separator-unknown",
        f"There is no harmonic-noise separator called '{config.hnsep}'.",
        hint="Set hnsep to 'world'.",
        where="hnsep",
    )
