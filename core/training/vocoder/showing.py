"""What a validation of a vocoder shows: the recording, what the vocoder made of it, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..figures import mel_figure
from ..gallery import ValidationGallery

WINDOW, HOP = 2048, 512
"""The pictures are of this STFT, whatever the vocoder's mel is."""

Array = NDArray[np.float32]


def log_spectrogram(samples: Array) -> Array:
    """log10 magnitudes ``[T, 1025]`` of samples ``[N]``, at least 1e-7."""
    edge = (WINDOW - HOP) // 2
    padded = np.pad(samples, edge, mode="reflect" if len(samples) > edge else "constant")
    if len(padded) < WINDOW:
        padded = np.pad(padded, (0, WINDOW - len(padded)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1))
    return np.log10(np.maximum(spectrum, 1e-7)).astype(np.float32)


def show_recording(
    gallery: ValidationGallery,
    place: int,
    *,
    sung: Array,
    recorded: Array,
    name: str,
    options: Mapping[str, Any],
    first: bool,
) -> None:
    """Show one validation item under the tags of SingingVocoders.

    Args:
        gallery: where to.
        place: number of the item.
        sung: ``[N]`` what the vocoder made.
        recorded: ``[N]`` the recording.
        name: of the recording.
        options: a plain config.
        first: the recording was not shown in this run yet.
    """
    rate = int(options["audio_sample_rate"])
    picture = mel_figure(
        log_spectrogram(sung),
        log_spectrogram(recorded),
        vmin=float(options["mel_vmin"]),
        vmax=float(options["mel_vmax"]),
        title=name,
    )
    gallery.figure(f"log10stft_{place}", picture, file=f"{place}_stft.png", label=name)
    gallery.audio(
        f"gt_{place}_" if first else "",
        recorded,
        rate,
        file=f"{place}_gt.wav",
        label=f"{name}, recording",
    )
    gallery.audio(f"HIFI_{place}_", sung, rate, file=f"{place}_pred.wav", label=f"{name}, vocoder")
