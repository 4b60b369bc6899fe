"""Separators of tone and breath side by side, and which one to take.

Nobody knows the true parts of a recording. What can be measured is what they must fulfil: both
together are as loud as the recording, no tone is left in the breath, and there is less breath
in vowels than in voiceless consonants.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.checks.label_frames import VOICELESS, VOWEL, kind_of
from ..dataset.raw import Item
from .compare import Advice
from .curves import rms
from .separation import Separator

Array = NDArray[np.float32]

_WINDOW = 4096
"""Samples of the spectra in which tone and breath are told apart: 11 Hz per bin at 44.1 kHz."""
_TOP_HARMONIC = 12
_FAINT = 1e-4
"""Amplitude below which a frame is silence and says nothing."""
_LEAST_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Parts:
    """A clip and what a separator made of it.

    Attributes:
        recording, harmonic, aperiodic: float32 ``[N]``.
        f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
        processor: seconds of processor time.
        kinds: int ``[T]``, kind of phoneme of each frame, see ``label_frames``.
    """

    recording: Array
    harmonic: Array
    aperiodic: Array
    f0: Array
    processor: float
    kinds: NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class SeparationFigures:
    """How one separator did on all clips. What could not be measured is None.

    Attributes:
        name: as in the config key ``hnsep``.
        balance: median difference in loudness between recording and both parts together, dB.
        leak: how much louder the breath is on the harmonics than between them, on sung frames,
            dB; 0 is pure breath, more is tone that was left in it. WORLD makes its breath from
            noise, so that it has hardly any.
        vowels: median breath below the whole sound in vowels, dB, 0 or less.
        consonants: the same in voiceless consonants.
        speed: seconds of audio per second of processor time.
    """

    name: str
    balance: float | None
    leak: float | None
    vowels: float | None
    consonants: float | None
    speed: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def separate(
    separator: Separator,
    recording: Array,
    f0: Array,
    item: Item,
    start: float,
    *,
    sample_rate: int,
    hop_size: int,
) -> Parts:
    """Separate and take the time.

    Args:
        separator: any.
        recording: float32 ``[N]``, a part of the item's recording.
        f0: float32 ``[T]`` Hz, 0 on unvoiced frames.
        item: whose labels say where vowels and consonants are.
        start: seconds in the recording at which the part begins.
        sample_rate: Hz.
        hop_size: samples.
    """
    begin = time.process_time()
    harmonic, aperiodic = separator.separate(
        recording, f0, sample_rate=sample_rate, hop_size=hop_size, item_name=item.name
    )
    processor = time.process_time() - begin
    kinds = np.array([*(kind_of(symbol) for symbol in item.ph_seq), -1])
    times = start + np.arange(len(f0)) * hop_size / sample_rate
    owners = np.searchsorted(np.cumsum(item.ph_dur), times, side="right")
    fit = [np.pad(part, (0, max(0, len(recording) - len(part)))) for part in (harmonic, aperiodic)]
    return Parts(
        recording,
        fit[0][: len(recording)],
        fit[1][: len(recording)],
        f0,
        processor,
        kinds[owners],
    )


def judge_separation(
    parts: Mapping[str, Sequence[Parts]], *, sample_rate: int, hop_size: int
) -> list[SeparationFigures]:
    """Measure separators on the same clips, in the same order."""
    return [
        _figures(name, clips, sample_rate=sample_rate, hop_size=hop_size)
        for name, clips in parts.items()
    ]


def _figures(
    name: str, clips: Sequence[Parts], *, sample_rate: int, hop_size: int
) -> SeparationFigures:
    balance: list[Array] = []
    leaks: list[Array] = []
    shares: dict[int, list[Array]] = {VOWEL: [], VOICELESS: []}
    for clip in clips:
        framing = {"hop_size": hop_size, "win_size": _WINDOW // 2, "length": len(clip.f0)}
        whole, tone, breath = (
            rms(part, **framing) for part in (clip.recording, clip.harmonic, clip.aperiodic)
        )
        heard = whole > _FAINT
        total = np.sqrt(tone**2 + breath**2)
        balance.append(np.abs(_decibels(total[heard] / whole[heard])))
        for kind, found in shares.items():
            # Breath in vowels where they are sung, in consonants where they are not.
            there = heard & (clip.kinds == kind) & ((clip.f0 > 0) == (kind == VOWEL))
            found.append(_decibels(breath[there] / np.maximum(total[there], 1e-9)))
        leaks.append(_leak(clip.aperiodic, clip.f0, sample_rate, hop_size))
    seconds = sum(len(clip.recording) for clip in clips) / sample_rate
    return SeparationFigures(
        name=name,
        balance=_median(balance),
        leak=_median(leaks),
        vowels=_median(shares[VOWEL]),
        consonants=_median(shares[VOICELESS]),
        speed=seconds / max(sum(clip.processor for clip in clips), 1e-6),
    )


def _leak(breath: Array, f0: Array, sample_rate: int, hop_size: int) -> Array:
    """Power of the breath on harmonics against that half-way between them, dB per sung frame."""
    from scipy import fft as scipy_fft

    frames = np.flatnonzero(f0 > 0)
    padded = np.pad(breath, _WINDOW // 2)
    window = np.hanning(_WINDOW).astype(np.float32)
    found = []
    for frame in frames:
        start = frame * hop_size
        part = padded[start : start + _WINDOW]
        if len(part) < _WINDOW:
            break
        power = np.abs(scipy_fft.rfft(part * window)) ** 2
        places = f0[frame] * _WINDOW / sample_rate * np.arange(1, _TOP_HARMONIC + 1)
        on = _around(power, places)
        between = _around(power, places + places[0] / 2)
        if between > 0:
            found.append(10 * np.log10(max(on, 1e-20) / between))
    return np.array(found, np.float32)


def _around(power: NDArray[np.floating], places: NDArray[np.floating]) -> float:
    index = np.rint(places).astype(int)
    index = index[index + 1 < len(power)]
    return float(sum(power[index + shift].sum() for shift in (-1, 0, 1)))


def _decibels(ratio: Array) -> Array:
    return (20 * np.log10(np.maximum(ratio, 1e-6))).astype(np.float32)


def _median(parts: Sequence[Array]) -> float | None:
    values = np.concatenate(parts) if parts else np.zeros(0)
    return float(np.median(values)) if len(values) >= _LEAST_FRAMES else None


_PATIENCE = 3600.0
"""Seconds of processor time for all recordings that vr may take without a graphics card."""
_LEAKY = 8.0
"""dB of leak from which a breathiness curve would mostly follow the tone."""


def recommend_separation(
    figures: Sequence[SeparationFigures],
    unavailable: Mapping[str, str],
    *,
    seconds: float,
    gpu: bool = False,
) -> Advice:
    """Choose a separator and say why.

    Args:
        figures: of :func:`judge_separation`.
        unavailable: name -> why it could not run.
        seconds: length of all recordings, for an estimate of the time.
        gpu: whether a network has a graphics card.
    """
    notes = tuple(f"{name} was left out: {reason}" for name, reason in unavailable.items())
    known = {one.name: one for one in figures}
    world, network = known.get("world"), known.get("vr")
    if network is None or world is None:
        if not known:
            return Advice("", "No separator could run.", notes)
        only = next(iter(known.values()))
        strength = " It needs neither a file nor a graphics card." if only.name == "world" else ""
        found = f"Only {only.name} could run." if len(known) == 1 else f"{only.name} could run."
        return Advice(only.name, f"{found} {_in_words(only)}{strength}", notes)
    minutes = round(seconds / network.speed / 60)
    if not gpu and seconds / network.speed > _PATIENCE:
        reason = (
            f"vr would take about {minutes} min of processor time for all recordings without a "
            f"graphics card. {_in_words(world)}"
        )
        return Advice("world", reason, notes)
    if network.leak is not None and network.leak > _LEAKY:
        reason = (
            f"vr leaves {_tone(network.leak)} of tone in the breath, so it does not know this "
            f"kind of voice. {_in_words(world)}"
        )
        return Advice("world", reason, notes)
    reason = (
        "vr takes the breath out of the recording itself, so that tone and breath add up to it "
        "exactly; world makes both anew from a model."
    )
    return Advice("vr", f"{reason} {_in_words(network)}", notes)


def _tone(leak: float) -> str:
    return f"{max(leak, 0.0):.1f} dB"


def _in_words(figures: SeparationFigures) -> str:
    if figures.leak is None:
        return ""
    quality = "clean" if figures.leak < 3 else "fair" if figures.leak < _LEAKY else "poor"
    return (
        f"What {figures.name} parts is {quality}: {_tone(figures.leak)} of tone is left in the "
        "breath."
    )
