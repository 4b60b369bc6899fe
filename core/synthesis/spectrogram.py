"""A picture of a sound: spectrogram with pitch and phonemes, for people without a listening ear
at hand and for seeing what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..atomic import atomic_path
from ..errors import SingwizError

Array = NDArray[np.float32]

TOP_HZ = 12000.0
RANGE_DB = 90.0
MAX_COLUMNS = 4000
"""Columns drawn at most; a longer sound is shown more coarsely."""


def save_spectrogram(
    path: Path,
    audio: Array,
    sample_rate: int,
    *,
    f0: Array | None = None,
    hop_size: int = 512,
    phonemes: Sequence[tuple[float, float, str]] | None = None,
    title: str = "",
) -> Path:
    """Draw a spectrogram as PNG.

    Args:
        path: where to.
        audio: float32 ``[N]``.
        sample_rate: Hz.
        f0: ``[T]`` Hz at samples ``i·hop_size``, drawn as a line; 0 = not drawn.
        hop_size: samples per frame of ``f0``.
        phonemes: start and end in seconds and symbol.
        title: above the picture.

    Returns:
        ``path``.

    Raises:
        SingwizError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels, seconds, top = _levels(np.asarray(audio, np.float32), sample_rate)
    figure = Figure(figsize=(min(24.0, max(8.0, 2.2 * seconds)), 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    loudest = float(levels.max()) if levels.size else 0.0
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(0.0, seconds, 0.0, top / 1000),
        vmin=loudest - RANGE_DB,
        vmax=loudest,
        cmap="magma",
        interpolation="nearest",
    )
    if f0 is not None and len(f0):
        times = np.arange(len(f0)) * hop_size / sample_rate
        axes.plot(times, np.where(np.asarray(f0) > 0, f0, np.nan) / 1000, color="cyan", lw=1.0)
    for start, end, symbol in phonemes or ():
        axes.axvline(start, color="white", lw=0.4, alpha=0.6)
        axes.text((start + end) / 2, top / 1000 * 0.96, symbol, color="white", ha="center", size=8)
    axes.set(xlabel="seconds", ylabel="kHz", title=title)
    axes.set(xlim=(0.0, seconds), ylim=(0.0, top / 1000))
    try:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=100)
    except OSError as error:
        raise SingwizError(
            "spectrogram-not-written",
            f"The picture could not be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            where=str(path),
        ) from error
    return path


def _levels(audio: Array, sample_rate: int) -> tuple[Array, float, float]:
    """Spectrogram in dB ``[bins, columns]``, length in seconds, top frequency in Hz."""
    from scipy import fft

    size = max(256, 2 ** round(np.log2(0.03 * sample_rate)))
    hop = max(size // 8, -(-len(audio) // MAX_COLUMNS))
    padded = np.pad(audio, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    top = min(TOP_HZ, sample_rate / 2)
    bins = round(top / sample_rate * size)
    spectrum = fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)[:, :bins]
    levels = 20 * np.log10(np.abs(spectrum) + 1e-6)
    return levels.T.astype(np.float32), max(len(audio), 1) / sample_rate, top
