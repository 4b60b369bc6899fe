"""What extractors and separators found, laid over and under each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..dataset.note_names import note_name
from .paper import BLUE, INK, heading, new_figure, save_figure, tidy
from .sound import INCHES_PER_SECOND, NARROWEST, WIDEST, Label, Sound, draw_labels, draw_spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float32]

COLOURS = {
    "parselmouth": "#dd2c6b",
    "swift-f0": "#1f77b4",
    "harvest": "#e08a00",
    "rmvpe": "#2f9e44",
}
"""Told apart by lightness and by the width of the line as well."""
_WIDTHS = (5.0, 3.6, 2.4, 1.3)
"""The first line is the widest, so that it still shows below the others."""
_STATES = ("#d9dee4", "#f2b134", "#d9480f", "#7b1fa2")
_MEANING = ("agrees", "sung or not", "another pitch", "an octave")


def plot_pitches(
    path: Path,
    sound: Sound,
    tracks: Mapping[str, Array],
    disagreements: Mapping[str, NDArray[np.int8]],
    *,
    step: float,
    title: str,
    note: str = "",
) -> Path:
    """Draw F0 of several extractors over one spectrogram, and below where they disagree.

    Args:
        path: PNG to write.
        sound: a clip; its own pitch is not drawn.
        tracks: extractor -> float32 ``[T]`` Hz, 0 where unvoiced, from the clip's start.
        disagreements: extractor -> int8 ``[T]``, see ``features.compare.disagreements``.
        step: seconds per frame.
        title: above the picture.
        note: below the title.

    Returns:
        ``path``.

    Raises:
        SingwizError: the file cannot be written.
    """
    strip = 0.3 + 0.24 * len(tracks)
    heights = [4.4, strip, *([0.55] if sound.labels else [])]
    width = min(WIDEST, max(NARROWEST, INCHES_PER_SECOND * sound.seconds + 1.3))
    figure = new_figure(width, sum(heights) + 1.0)
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    axes: list[Axes] = list(panels[:, 0])
    heading(axes[0], title, note=note)
    draw_spectrogram(axes[0], sound)
    _draw_lines(axes[0], sound, tracks, step)
    _draw_states(axes[1], sound, disagreements, step)
    if sound.labels:
        draw_labels(axes[2], sound, inches=width - 1.3)
    for panel in axes[:-1]:
        panel.tick_params(axis="x", length=0, labelbottom=False)
    axes[-1].set_xlim(sound.start, sound.end)
    axes[-1].set_xlabel("seconds", color=INK, fontsize=9)
    return save_figure(figure, path)


def _draw_lines(axes: Axes, sound: Sound, tracks: Mapping[str, Array], step: float) -> None:
    notes = {
        name: 69 + 12 * np.log2(np.where(f0 > 0, f0, np.nan) / 440.0) for name, f0 in tracks.items()
    }
    sung = np.concatenate([*notes.values(), np.zeros(0)])
    sung = sung[np.isfinite(sung)]
    if not len(sung):
        return
    low, high = np.floor(sung.min()) - 2, np.ceil(sung.max()) + 2
    scale = axes.twinx()
    for number, (name, line) in enumerate(notes.items()):
        scale.plot(
            sound.start + np.arange(len(line)) * step,
            line,
            color=COLOURS.get(name, BLUE),
            linewidth=_WIDTHS[min(number, len(_WIDTHS) - 1)],
            label=name,
            solid_capstyle="round",
        )
    every = 1 if high - low <= 16 else 2 if high - low <= 30 else 6
    ticks = np.arange(low, high + 1, every)
    scale.set_ylim(low, high)
    scale.set_yticks(ticks, [note_name(tick) for tick in ticks], fontsize=8, color=INK)
    for side in scale.spines.values():
        side.set_visible(False)
    scale.tick_params(length=0)
    scale.legend(loc="upper left", ncols=len(notes), fontsize=9, framealpha=0.9)


def _draw_states(
    axes: Axes, sound: Sound, disagreements: Mapping[str, NDArray[np.int8]], step: float
) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    names = list(disagreements)
    rows = np.stack([disagreements[name] for name in names])
    axes.imshow(
        rows,
        aspect="auto",
        interpolation="nearest",
        extent=(sound.start, sound.start + rows.shape[1] * step, len(names) - 0.5, -0.5),
        vmin=-0.5,
        vmax=len(_STATES) - 0.5,
        cmap=ListedColormap(_STATES),
    )
    axes.set_yticks(range(len(names)), names)
    axes.hlines(np.arange(len(names) - 1) + 0.5, sound.start, sound.end, color="white", linewidth=2)
    tidy(axes)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(
        handles=[
            Patch(color=colour, label=text) for colour, text in zip(_STATES, _MEANING, strict=True)
        ],
        ncols=len(_STATES),
        loc="lower right",
        bbox_to_anchor=(1.0, 0.97),
        borderaxespad=0.0,
        frameon=False,
        fontsize=8,
        handlelength=1.0,
    )


def plot_parts(
    path: Path,
    sounds: Sequence[tuple[str, Array]],
    sample_rate: int,
    *,
    start: float = 0.0,
    labels: Sequence[Label] = (),
    title: str,
    note: str = "",
) -> Path:
    """Draw the spectrograms of a recording and of its parts below each other.

    Args:
        path: PNG to write.
        sounds: name and float32 ``[N]`` of each, the recording first; all on one scale.
        sample_rate: Hz.
        start: seconds at the first sample.
        labels: phonemes of the whole recording.
        title: above the picture.
        note: below the title.

    Returns:
        ``path``.

    Raises:
        SingwizError: the file cannot be written.
    """
    first = Sound(sounds[0][1], sample_rate, labels=labels, start=start)
    heights = [*([1.7] * len(sounds)), *([0.55] if labels else [])]
    width = min(WIDEST, max(NARROWEST, INCHES_PER_SECOND * first.seconds + 1.3))
    figure = new_figure(width, sum(heights) + 1.0)
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    axes: list[Axes] = list(panels[:, 0])
    heading(axes[0], title, note=note)
    for panel, (name, samples) in zip(axes, sounds, strict=False):
        draw_spectrogram(panel, Sound(samples, sample_rate, start=start))
        # One scale for all, or the breath of a loud voice would look as loud as the voice.
        panel.images[0].set_clim(*axes[0].images[0].get_clim())
        panel.set_ylabel(f"{name}\nkHz", color=INK, fontsize=9)
    if labels:
        draw_labels(axes[-1], first, inches=width - 1.3)
    for panel in axes[:-1]:
        panel.tick_params(axis="x", length=0, labelbottom=False)
    axes[-1].set_xlim(first.start, first.end)
    axes[-1].set_xlabel("seconds", color=INK, fontsize=9)
    return save_figure(figure, path)
