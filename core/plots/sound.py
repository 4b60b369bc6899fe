"""A sound as a picture: waveform, spectrogram, pitch on a scale of notes, and phonemes below.

Recordings and what a voice sings look the same, so that they can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..dataset.note_names import note_name
from .paper import BLUE, DOTS_PER_INCH, FAINT, INK, heading, new_figure, save_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float32]
Label = tuple[float, float, str]
"""Start and end in seconds, and the symbol."""

TOP_HZ = 10000.0
"""Highest frequency shown; above are only breath and hiss."""
RANGE_DB = 75.0
MAX_COLUMNS = 4000
"""Columns drawn at most; a longer sound is shown more coarsely."""
INCHES_PER_SECOND = 1.7
NARROWEST, WIDEST = 9.0, 32.0
_FAINTEST = 0.0
"""dB of the darkest dots at least; about 48 dB below a tone at full scale."""
_LETTER = 0.085
"""Inches that a letter of a phoneme needs."""
_CLOSEST_BORDERS = 0.06
"""Inches; where phonemes are narrower, lines between them would hide the sound."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound and what is known about it.

    Attributes:
        samples: float32 ``[N]``.
        sample_rate: Hz.
        f0: Hz at times ``f0_start + i * f0_step``, float32 ``[T]``, 0 where not sung.
        f0_start, f0_step: seconds.
        labels: phonemes in order.
        start: seconds at the first sample, where the sound is part of a longer one.
    """

    samples: Array
    sample_rate: int
    f0: Array | None = None
    f0_start: float = 0.0
    f0_step: float = 0.01
    labels: Sequence[Label] = ()
    start: float = 0.0

    @property
    def seconds(self) -> float:
        """Length."""
        return max(len(self.samples), 1) / self.sample_rate

    @property
    def end(self) -> float:
        """Seconds at the end, counted as ``start`` is."""
        return self.start + self.seconds


def save_spectrogram(
    path: Path,
    audio: Array,
    sample_rate: int,
    *,
    f0: Array | None = None,
    hop_size: int = 512,
    phonemes: Sequence[Label] | None = None,
    title: str = "",
) -> Path:
    """Draw a spectrogram with pitch and phonemes as PNG.

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
    sound = Sound(
        np.asarray(audio, np.float32),
        sample_rate,
        None if f0 is None else np.asarray(f0, np.float32),
        0.0,
        hop_size / sample_rate,
        tuple(phonemes or ()),
    )
    return save_figure(draw_sound(sound, title=title, waveform=False), path)


def draw_sound(sound: Sound, *, title: str = "", waveform: bool = True) -> Figure:
    """A sheet with all there is to see of a sound, one second as wide as the next."""
    width = min(WIDEST, max(NARROWEST, INCHES_PER_SECOND * sound.seconds + 1.3))
    heights = [*([1.1] if waveform else []), 3.4, *([0.55] if sound.labels else [])]
    figure = new_figure(width, sum(heights) + 0.75)
    figure.get_layout_engine().set(hspace=0.0, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    axes: list[Axes] = list(panels[:, 0])
    heading(axes[0], title)
    if waveform:
        draw_waveform(axes[0], sound)
    middle = axes[1 if waveform else 0]
    draw_spectrogram(middle, sound)
    if sound.f0 is not None and (sound.f0 > 0).any():
        draw_pitch(middle, sound)
    if sound.labels:
        draw_labels(axes[-1], sound, inches=width - 1.3)
        for panel in axes[:-1]:
            _draw_borders(panel, sound, inches=width - 1.3)
    for panel in axes[:-1]:
        panel.tick_params(axis="x", length=0, labelbottom=False)
    axes[-1].set_xlim(sound.start, sound.end)
    axes[-1].set_xlabel("seconds", color=INK, fontsize=9)
    return figure


def draw_waveform(axes: Axes, sound: Sound) -> None:
    """Highest and lowest sample per column of dots, full scale from bottom to top."""
    width, _ = axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    columns = max(1, min(len(sound.samples), round(width * DOTS_PER_INCH)))
    edges = np.linspace(0, len(sound.samples), columns + 1).astype(int)[:-1]
    low = np.minimum.reduceat(sound.samples, edges) if len(sound.samples) else np.zeros(1)
    high = np.maximum.reduceat(sound.samples, edges) if len(sound.samples) else np.zeros(1)
    times = sound.start + edges / sound.sample_rate
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.4, step="post")
    loudest = max(float(np.abs(sound.samples).max(initial=0.0)), 1e-4)
    axes.set_ylim(-1.05 * loudest, 1.05 * loudest)
    axes.set_yticks([])
    peak = 20 * np.log10(loudest)
    axes.set_ylabel(f"peak\n{peak:.1f} dB", color=INK, fontsize=9)
    tidy(axes)


def draw_spectrogram(axes: Axes, sound: Sound) -> None:
    """Dark where there is much sound."""
    levels, top = _levels(sound.samples, sound.sample_rate)
    # Silence stays white instead of becoming all black.
    loudest = max(float(np.percentile(levels, 99.9)) if levels.size else 0.0, _FAINTEST)
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(sound.start, sound.end, 0.0, top / 1000),
        vmin=loudest - RANGE_DB,
        vmax=loudest,
        cmap="Greys",
        interpolation="bilinear",
    )
    axes.set_ylabel("kHz", color=INK, fontsize=9)
    axes.set_ylim(0.0, top / 1000)
    tidy(axes)


def draw_pitch(axes: Axes, sound: Sound) -> None:
    """The pitch as a line with a scale of notes of its own at the right."""
    assert sound.f0 is not None
    times = sound.f0_start + np.arange(len(sound.f0)) * sound.f0_step
    shown = (times >= sound.start) & (times <= sound.end)
    notes = 69 + 12 * np.log2(np.where(sound.f0 > 0, sound.f0, np.nan)[shown] / 440.0)
    if np.isnan(notes).all():
        return
    low, high = np.nanpercentile(notes, (1, 99))
    low, high = np.floor(low) - 5, np.ceil(high) + 3
    scale = axes.twinx()
    scale.plot(times[shown], notes, color="white", linewidth=4.2, alpha=0.75)
    scale.plot(times[shown], notes, color="#dd2c6b", linewidth=1.8)
    step = 1 if high - low <= 16 else 2 if high - low <= 26 else 4
    ticks = np.arange(low, high + 1, step)
    scale.set_ylim(low, high)
    scale.set_yticks(ticks, [note_name(tick) for tick in ticks], fontsize=8, color="#b0134f")
    for side in scale.spines.values():
        side.set_visible(False)
    scale.tick_params(length=0)
    scale.set_ylabel("sung pitch", color="#b0134f", fontsize=9)


def draw_labels(axes: Axes, sound: Sound, *, inches: float) -> None:
    """A strip of phonemes; neighbours take turns up and down, so that short ones can be read."""
    per_second = inches / sound.seconds
    axes.set_ylim(0.0, 2.0)
    axes.set_yticks([])
    tidy(axes)
    axes.spines["left"].set_visible(False)
    shown = [label for label in sound.labels if label[1] > sound.start and label[0] < sound.end]
    for number, (start, end, symbol) in enumerate(shown):
        row = 1.0 - number % 2
        rest = symbol.rpartition("/")[2] in ("SP", "AP")
        face = "#f5f7fa" if rest else "#d6e6f5"
        axes.fill_between([start, end], row, row + 1, color=face, linewidth=0)
        axes.plot([start, start], [0, 2], color=FAINT, linewidth=0.6)
        # Above and below its neighbours a name may spread as far as half of each of them.
        before = shown[number - 1][0] if number else start
        after = shown[number + 1][1] if number + 1 < len(shown) else end
        room = ((end - start) + min(start - before, after - end, end - start)) * per_second
        middle = (max(start, sound.start) + min(end, sound.end)) / 2
        if room >= 0.6 * _LETTER * len(symbol):
            axes.text(
                middle,
                row + 0.47,
                symbol,
                ha="center",
                va="center",
                fontsize=8.5,
                color="#7b8794" if rest else INK,
            )


def _draw_borders(axes: Axes, sound: Sound, *, inches: float) -> None:
    middle = float(np.median([end - start for start, end, _ in sound.labels]))
    if middle * inches / sound.seconds < _CLOSEST_BORDERS:
        return
    for start, _, _ in sound.labels:
        if sound.start < start < sound.end:
            axes.axvline(start, color="#3e4c59", linewidth=0.5, alpha=0.35)


def _levels(audio: Array, sample_rate: int) -> tuple[Array, float]:
    """Spectrogram in dB ``[bins, columns]`` and its top frequency in Hz."""
    from scipy import fft

    size = max(256, 2 ** round(np.log2(0.03 * sample_rate)))
    hop = max(size // 8, -(-len(audio) // MAX_COLUMNS))
    padded = np.pad(audio, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    frames = frames[: max(1, -(-len(audio) // hop))]
    top = min(TOP_HZ, sample_rate / 2)
    bins = round(top / sample_rate * size)
    spectrum = fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)[:, :bins]
    levels = 20 * np.log10(np.abs(spectrum) + 1e-6)
    return levels.T.astype(np.float32), top
