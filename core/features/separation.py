"""Splitting a voice into its harmonic and its breathy part."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from ..models.registry import PartError, load_part, part_names

_DITHER = 1e-5
"""Standard deviation of the noise that keeps digital silence from being divided by."""

_CLOSE = 0.1
"""Distance of pulses, as a share of the FFT, up to which half of it is long enough."""

_LEAK = 2e-12
"""Share of the power that WORLD counts as harmonic on unvoiced frames."""


SEPARATORS = ("world", "vr")
"""Our own values of the config key ``hnsep``. Installed packages may have more, see
:mod:`singwiz.core.models.registry`."""


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
    def hnsep_ckpt(self) -> str:
        """File of its network, for those that have one."""

    @property
    def fft_size(self) -> int:
        """Samples."""


@dataclass(frozen=True)
class World:
    """Analysis and resynthesis with the algorithms of the WORLD vocoder."""

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
        from .world_analysis import aperiodicity, spectral_envelope
        from .world_synthesis import place_pulses, synthesise_aperiodic, synthesise_harmonic

        noise = np.random.default_rng(zlib.crc32(item_name.encode("utf-8")))
        x = waveform.astype(np.float64) + _DITHER * noise.standard_normal(len(waveform))
        count = max(2, -(-len(x) // hop_size))
        pitch = np.pad(f0[:count], (0, max(0, count - len(f0))), mode="edge").astype(np.float64)
        times = np.arange(count, dtype=np.float64) * (hop_size / sample_rate)
        size = self.fft_size
        sizes = {"sample_rate": sample_rate, "fft_size": size}
        envelope = spectral_envelope(x, pitch, times, **sizes)
        share = np.square(aperiodicity(x, pitch, times, **sizes))
        pulses = place_pulses(pitch, hop_size=hop_size, **sizes)
        # The leak keeps unvoiced frames from being digitally silent; tension depends on it there.
        tone = np.maximum(envelope * np.maximum(1 - share, np.float32(_LEAK)), np.float32(1e-16))
        breath = envelope * share

        # A pulse needs no longer transform than it and its echo are long. Where voice begins and
        # ends nothing is saved, because there the echo is all that is to be heard.
        frames = np.minimum(pulses.frame.astype(np.int64), count - 1)
        after = np.minimum(frames + 1, count - 1)
        breathy = share.min(axis=1) == 1
        close = pulses.gap <= _CLOSE * size
        leaks = breathy[frames] & breathy[after] & ~pulses.voiced
        short = close & pulses.voiced & ~breathy[frames] & ~breathy[after]
        harmonic = synthesise_harmonic(tone, pulses, fft_size=size, chosen=~short & ~leaks)
        aperiodic = synthesise_aperiodic(breath, pulses, fft_size=size, chosen=~close)
        half, quarter = (np.ascontiguousarray(tone[:, ::step]) for step in (2, 4))
        harmonic += synthesise_harmonic(half, pulses, fft_size=size // 2, chosen=short, widest=size)
        harmonic += synthesise_harmonic(quarter, pulses, fft_size=size // 4, chosen=leaks)
        half = np.ascontiguousarray(breath[:, ::2])
        aperiodic += synthesise_aperiodic(half, pulses, fft_size=size // 2, chosen=close)
        return harmonic, aperiodic


def separator(
    config: SeparationSettings, *, base_dir: Path | None = None, device: str = "auto"
) -> Separator:
    """The separator that ``hnsep`` names. Nothing heavy is imported before it is needed.

    Args:
        config: anything with these keys.
        base_dir: where a relative ``hnsep_ckpt`` starts; None = the working directory. If the
            usual one is not there, what ``singwiz assets get`` fetched is taken.
        device: where a network runs: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` ….

    Raises:
        SingwizError: the name is unknown, or the file of its network is missing or unusable.
    """
    if config.hnsep == "world":
        return World(config.fft_size)
    if config.hnsep == "vr":
        from ..assets import network_file

        base = base_dir or Path.cwd()
        path = network_file(config.hnsep_ckpt, base, "separator")
        if path is None:
            raise SingwizError(
                "separator-checkpoint-missing",
                f"The separator 'vr' needs the file '{base / config.hnsep_ckpt}', which does not "
                "exist.",
                hint="Get it with: singwiz assets get vr. Or set hnsep to 'world', which needs "
                "no file, or switch breathiness, voicing and tension off.",
                where="hnsep_ckpt",
            )
        return _vr(path, device)
    names = part_names("separator")
    if config.hnsep not in names:
        raise SingwizError(
            "separator-unknown",
            f"There is no harmonic-noise separator called '{config.hnsep}'.",
            hint=f"Set hnsep to one of: {', '.join(names)}.",
            where="hnsep",
        )
    settings = SettingsOfSeparation(config.hnsep, config.hnsep_ckpt, config.fft_size)
    return _of_package(settings, base_dir or Path.cwd(), device)


@dataclass(frozen=True)
class SettingsOfSeparation:
    """What a separator of an installed package is told; see :class:`SeparationSettings`."""

    hnsep: str
    hnsep_ckpt: str
    fft_size: int


@lru_cache(maxsize=2)
def _of_package(settings: SettingsOfSeparation, base_dir: Path, device: str) -> Separator:
    """A separator of an installed package, made once per process.

    Raises:
        SingwizError: its package cannot be imported.
    """
    try:
        made: Separator = load_part("separator", settings.hnsep)(
            settings, base_dir=base_dir, device=device
        )
        return made
    except PartError as error:
        raise SingwizError(
            "part-broken",
            f"'{settings.hnsep}' cannot be used: {error}.",
            hint="Mend or reinstall that package, or choose another separator.",
            where="hnsep",
        ) from error


@lru_cache(maxsize=1)
def _vr(path: Path, device: str) -> Separator:
    """Every recording asks for its separator, but a network is loaded once per process."""
    from .vr import Vr

    return Vr(path, device=device)
