"""What turns a mel into sound, and which one a config gets.

Today that is always the preview vocoder of :mod:`.preview`; networks join here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config

Array = NDArray[np.float32]


class Vocoder(Protocol):
    """Mel and F0 to waveform.

    Attributes:
        sample_rate: Hz of the waveform.
        hop_size: samples per mel frame.
        label: what to show to the user.
        is_preview: True if the sound only previews what a trained vocoder would give.
    """

    sample_rate: int
    hop_size: int
    label: str
    is_preview: bool

    def synthesise(self, mel: Array, f0: Array) -> Array:
        """Natural-log mel float32 ``[T, bins]`` and F0 float32 ``[T]`` in Hz to samples
        float32 ``[T · hop_size]``."""
        ...


def load_vocoder(
    config: Config, *, device: str = "cpu", reporter: Reporter | None = None
) -> Vocoder:
    """The vocoder for a config.

    Args:
        config: its mel parameters and ``vocoder_ckpt``.
        device: where a network would run; the preview vocoder runs on the CPU.
        reporter: is warned when a configured vocoder file is not used, and why.
    """
    from .preview import LABEL, PreviewVocoder

    reporter = reporter or Reporter()
    configured = str(config.to_dict().get("vocoder_ckpt") or "").strip()
    if configured:
        if _exists(Path(configured)):
            reporter.warning(
                "vocoder-unsupported",
                f"The vocoder file '{configured}' is not used: this version of singwiz cannot run "
                f"neural vocoders. You hear the {LABEL} vocoder instead.",
            )
        else:
            reporter.warning(
                "vocoder-missing",
                f"There is no vocoder file '{configured}'. You hear the {LABEL} vocoder instead; "
                "correct vocoder_ckpt or leave it empty.",
            )
    return PreviewVocoder(
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        win_size=config.win_size,
        fft_size=config.fft_size,
        num_mels=config.audio_num_mel_bins,
        fmin=config.fmin,
        fmax=config.fmax,
    )


def _exists(path: Path) -> bool:
    try:
        return path.expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False
