"""Fundamental frequency per frame: the extractors of DiffSinger behind one protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from ..models.registry import PartError, load_part, part_names
from .curves import align, resample_curve

F0 = NDArray[np.float32]
Unvoiced = NDArray[np.bool_]

PITCH_EXTRACTORS = ("parselmouth", "swift-f0", "harvest", "rmvpe")
"""Our own values of the config key ``pe``; only ``swift-f0`` is not known to DiffSinger. Installed
packages may have more, see :mod:`singwiz.core.models.registry`."""


class PitchExtractor(Protocol):
    """Finds F0 on the frame grid of a mel spectrogram."""

    def extract(
        self,
        waveform: NDArray[np.float32],
        sample_rate: int,
        *,
        hop_size: int,
        length: int,
        speed: float = 1.0,
    ) -> tuple[F0, Unvoiced]:
        """F0 at samples 0, h, 2h, … where h = round(hop_size · speed).

        Args:
            waveform: float32 ``[N]``.
            sample_rate: Hz.
            hop_size: samples.
            length: frames of the result; frames after the audio are unvoiced.
            speed: factor on the hop, for time-stretched copies.

        Returns:
            F0 in Hz, float32 ``[length]``, interpolated over unvoiced frames (all zeros if
            no frame is voiced), and bool ``[length]``, true where unvoiced.
        """
        ...


class PitchSettings(Protocol):
    """The config keys an extractor needs; a whole config has them too."""

    @property
    def pe(self) -> str:
        """Name of the extractor."""

    @property
    def pe_ckpt(self) -> str:
        """File of its network, for those that have one."""

    @property
    def f0_min(self) -> float:
        """Hz."""

    @property
    def f0_max(self) -> float:
        """Hz."""


def interpolate_unvoiced(f0: NDArray[np.floating]) -> tuple[F0, Unvoiced]:
    """Draw straight lines (in pitch, not in Hz) across unvoiced frames.

    Args:
        f0: ``[T]`` Hz, 0 where unvoiced.

    Returns:
        F0 float32 ``[T]`` without gaps; the outer voiced values are held to the ends. If no
        frame is voiced it stays zero. And bool ``[T]``, true where ``f0`` was 0.
    """
    unvoiced = f0 == 0
    if unvoiced.all():
        return np.zeros(len(f0), np.float32), unvoiced
    voiced_frames = np.flatnonzero(~unvoiced)
    filled = np.asarray(f0, np.float32).copy()
    gaps = np.flatnonzero(unvoiced)
    octaves = np.log2(np.asarray(f0, np.float64)[voiced_frames])
    filled[gaps] = 2.0 ** np.interp(gaps, voiced_frames, octaves)
    return filled, unvoiced


def resample_pitch(
    f0: NDArray[np.floating], timestep: float, target_timestep: float, length: int
) -> tuple[F0, Unvoiced]:
    """F0 from a network's or a file's frame grid on the frame grid of a mel spectrogram.

    Gaps are filled before resampling, so that no frame lies between a pitch and nothing.

    Args:
        f0: ``[n]`` Hz at times 0, timestep, 2·timestep, …; 0 where unvoiced.
        timestep: seconds between those values.
        target_timestep: seconds between the resulting frames.
        length: frames of the result; frames after the last value repeat the last one found.

    Returns:
        F0 in Hz, float32 ``[length]``, interpolated over unvoiced frames (all zeros if no
        frame is voiced), and bool ``[length]``, true where unvoiced.

    Raises:
        ValueError: there are no values, or a timestep is not positive.
    """
    filled, unvoiced = interpolate_unvoiced(np.asarray(f0))
    steps = (timestep, target_timestep, length)
    return resample_curve(filled, *steps), resample_curve(unvoiced, *steps) > 0.5


@dataclass(frozen=True)
class Parselmouth:
    """Praat's autocorrelation method: fast, precise, and good on clean recordings."""

    f0_min: float
    f0_max: float
    silence_threshold: float = 0.03
    """Frames below this share of the loudest one are unvoiced."""

    def extract(
        self,
        waveform: NDArray[np.float32],
        sample_rate: int,
        *,
        hop_size: int,
        length: int,
        speed: float = 1.0,
    ) -> tuple[F0, Unvoiced]:
        """See :meth:`PitchExtractor.extract`."""
        import parselmouth

        hop = round(hop_size * speed)
        # Praat's first frame lies 1.5 periods of the lowest pitch after the start: silence in
        # front moves it to sample 0.
        left = math.ceil(1.5 / self.f0_min * sample_rate)
        right = hop * ((len(waveform) - 1) // hop + 1) - len(waveform) + left + 1
        sound = parselmouth.Sound(
            np.pad(np.asarray(waveform, np.float64), (left, right)), sampling_frequency=sample_rate
        )
        pitch = sound.to_pitch_ac(
            time_step=hop / sample_rate,
            silence_threshold=self.silence_threshold,
            voicing_threshold=0.6,
            pitch_floor=self.f0_min,
            pitch_ceiling=self.f0_max,
        )
        assert abs(pitch.t1 - 1.5 / self.f0_min) < 0.001, "Praat placed its frames elsewhere"
        found = pitch.selected_array["frequency"].astype(np.float32)
        return interpolate_unvoiced(align(found, length))


@dataclass(frozen=True)
class Harvest:
    """WORLD's Harvest: keeps weak and creaky voice that Praat drops, but is slow."""

    f0_min: float
    f0_max: float

    def extract(
        self,
        waveform: NDArray[np.float32],
        sample_rate: int,
        *,
        hop_size: int,
        length: int,
        speed: float = 1.0,
    ) -> tuple[F0, Unvoiced]:
        """See :meth:`PitchExtractor.extract`."""
        import pyworld

        found, _ = pyworld.harvest(
            np.asarray(waveform, np.float64),
            sample_rate,
            f0_floor=self.f0_min,
            f0_ceil=self.f0_max,
            frame_period=1000.0 * round(hop_size * speed) / sample_rate,
        )
        return interpolate_unvoiced(align(found.astype(np.float32), length))


def pitch_extractor(
    config: PitchSettings, *, base_dir: Path | None = None, device: str = "auto"
) -> PitchExtractor:
    """The extractor that ``pe`` names. Nothing heavy is imported before it is needed.

    Args:
        config: anything with these keys.
        base_dir: where a relative ``pe_ckpt`` starts; None = the working directory. If the usual
            one is not there, what ``singwiz assets get`` fetched is taken.
        device: where a network runs: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` ….

    Raises:
        SingwizError: the name is unknown, or the file of its network is missing or unusable.
    """
    if config.pe == "parselmouth":
        return Parselmouth(config.f0_min, config.f0_max)
    if config.pe == "harvest":
        return Harvest(config.f0_min, config.f0_max)
    if config.pe == "swift-f0":
        from .swift import Swift

        return Swift(config.f0_min, config.f0_max)
    if config.pe == "rmvpe":
        from ..assets import network_file

        base = base_dir or Path.cwd()
        path = network_file(config.pe_ckpt, base, "pitch")
        if path is None:
            raise SingwizError(
                "extractor-checkpoint-missing",
                f"The pitch extractor 'rmvpe' needs the file '{base / config.pe_ckpt}', which does "
                "not exist.",
                hint="Get it with: singwiz assets get rmvpe. Or set pe to 'parselmouth', "
                "'swift-f0' or 'harvest', which need no file.",
                where="pe_ckpt",
            )
        return _rmvpe(path, device)
    names = part_names("pitch_extractor")
    if config.pe not in names:
        raise SingwizError(
            "extractor-unknown",
            f"There is no pitch extractor called '{config.pe}'.",
            hint=f"Set pe to one of: {', '.join(names)}.",
            where="pe",
        )
    settings = SettingsOfPitch(config.pe, config.pe_ckpt, config.f0_min, config.f0_max)
    return _of_package(settings, base_dir or Path.cwd(), device)


@dataclass(frozen=True)
class SettingsOfPitch:
    """What an extractor of an installed package is told; see :class:`PitchSettings`."""

    pe: str
    pe_ckpt: str
    f0_min: float
    f0_max: float


@lru_cache(maxsize=2)
def _of_package(settings: SettingsOfPitch, base_dir: Path, device: str) -> PitchExtractor:
    """An extractor of an installed package, made once per process.

    Raises:
        SingwizError: its package cannot be imported, or refuses.
    """
    try:
        made: PitchExtractor = load_part("pitch_extractor", settings.pe)(
            settings, base_dir=base_dir, device=device
        )
        return made
    except PartError as error:
        raise SingwizError(
            "part-broken",
            f"'{settings.pe}' cannot be used: {error}.",
            hint="Mend or reinstall that package, or choose another pitch extractor.",
            where="pe",
        ) from error


@lru_cache(maxsize=1)
def _rmvpe(path: Path, device: str) -> PitchExtractor:
    """Every recording asks for its extractor, but a network is loaded once per process."""
    from .rmvpe import Rmvpe

    return Rmvpe(path, device=device)
