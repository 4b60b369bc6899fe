"""Copy-synthesis: a recording's own mel and pitch through a vocoder, to hear what it changes.

A perfect vocoder would give the recording back. What differs is the vocoder's doing alone, since
no acoustic model takes part.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Cancelled, SingwizError
from ..features.pitch import pitch_extractor
from ..reporting import Reporter
from .evaluate import mel_l1, recording_mel

if TYPE_CHECKING:
    from ..config import Config
    from ..features.pitch import PitchExtractor
    from .vocoder import Vocoder

Array = NDArray[np.float32]


@dataclass(frozen=True)
class CopyFigures:
    """How close a copy is to its recording.

    Attributes:
        mel_l1: mean |mel of the copy − mel of the recording| in nat.
        f0_cents: median absolute F0 error in cents over frames voiced in both; NaN if none is.
        voicing_agreement: share of frames voiced in both or in neither, 0..1.
        rtf: seconds of work per second of sound.
    """

    mel_l1: float
    f0_cents: float
    voicing_agreement: float
    rtf: float

    def to_dict(self) -> dict[str, Any]:
        """As plain data; NaN becomes None."""
        return {name: None if np.isnan(value) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Copy:
    """What a vocoder made of a recording.

    Attributes:
        label: of the vocoder.
        is_preview: True for the preview vocoder.
        audio: float32 ``[T · hop_size]``.
        f0: float32 ``[T]`` Hz found in the copy, 0 where unvoiced.
        figures: in numbers.
    """

    label: str
    is_preview: bool
    audio: Array
    f0: Array
    figures: CopyFigures


@dataclass(frozen=True)
class Copies:
    """A recording and its copies.

    Attributes:
        recording: float32 ``[T · hop_size]``.
        f0: float32 ``[T]`` Hz found in it, 0 where unvoiced.
        sample_rate: Hz.
        hop_size: samples per frame.
        copies: one per vocoder.
    """

    recording: Array
    f0: Array
    sample_rate: int
    hop_size: int
    copies: tuple[Copy, ...]


def copy_synthesis(
    recording: Array,
    config: Config,
    vocoders: Sequence[Vocoder],
    *,
    extractor: PitchExtractor | None = None,
    reporter: Reporter | None = None,
) -> Copies:
    """Send a recording through vocoders.

    Args:
        recording: float32 ``[N]`` at the config's sample rate.
        config: of an acoustic model: mel parameters and pitch extractor.
        vocoders: made for that mel.
        extractor: instead of the config's.
        reporter: receives progress.

    Raises:
        SingwizError: the recording is shorter than one mel frame.
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    rate, hop = config.audio_sample_rate, config.hop_size
    if len(recording) < config.win_size:
        raise SingwizError(
            "recording-too-short",
            "The recording is too short to send it through a vocoder.",
            hint="Choose a longer one.",
        )
    extractor = extractor or pitch_extractor(config)
    frames = len(recording) // hop
    recording = recording[: frames * hop]
    mel = recording_mel(recording, config)
    frames = len(mel)
    f0, unvoiced = extractor.extract(recording, rate, hop_size=hop, length=frames)
    copies = []
    for i, vocoder in enumerate(vocoders):
        if reporter.cancelled():
            raise Cancelled
        reporter.progress(i, len(vocoders), f"vocoder {vocoder.label}")
        began = time.perf_counter()
        audio = vocoder.synthesise(mel, f0)
        seconds = time.perf_counter() - began
        there, silent = extractor.extract(audio, rate, hop_size=hop, length=frames)
        both = ~unvoiced & ~silent
        cents = 1200 * np.abs(np.log2(there[both] / f0[both]))
        figures = CopyFigures(
            mel_l1=mel_l1(recording_mel(audio, config), mel),
            f0_cents=float(np.median(cents)) if both.any() else float("nan"),
            voicing_agreement=float(np.mean(unvoiced == silent)),
            rtf=seconds * rate / (frames * hop),
        )
        found = np.where(silent, np.float32(0), there)
        copies.append(Copy(vocoder.label, vocoder.is_preview, audio, found, figures))
    reporter.progress(len(vocoders), len(vocoders), "vocoders")
    sung = np.where(unvoiced, np.float32(0), f0)
    return Copies(recording, sung, rate, hop, tuple(copies))
