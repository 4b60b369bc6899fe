"""Charts of what is in a dataset: phonemes, pitch, lengths and loudness, and the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.note_names import note_name
from .paper import (
    BLUE,
    FAINT,
    INK,
    LIGHT_BLUE,
    RED,
    file_stem,
    heading,
    new_figure,
    save_figure,
    tidy,
)
from .profile import BAND, DatasetProfile, Profile, is_rest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RARE = 20
"""Phonemes sung less often than this are hard to learn."""
_MOST_COLUMNS = 150
"""Phonemes drawn; more would not be legible on any screen."""


def plot_profile(profile: DatasetProfile, folder: Path) -> list[Path]:
    """Draw every dataset of a profile.

    Args:
        profile: see :func:`.profile.dataset_profile`.
        folder: where the pictures go; those of an earlier profile are replaced.

    Returns:
        The PNG files; four per dataset, named ``<dataset>-<chart>.png``. A dataset in which
        nothing can be heard has fewer.

    Raises:
        SingwizError: the folder cannot be written.
    """
    return [
        save_figure(figure, folder / f"{file_stem(one.name)}-{chart}.png")
        for one in profile.datasets
        for chart, figure in _figures(one)
    ]


def draw_phoneme_counts(counts: Mapping[str, int], path: Path, *, title: str = "") -> Path:
    """Draw how often every phoneme occurs; rare ones stand out.

    Args:
        counts: symbol -> occurrences, in the order to be drawn.
        path: of the picture.
        title: above it.

    Raises:
        SingwizError: the file cannot be written.
    """
    return save_figure(_phonemes(counts, title), path)


def draw_counts(counts: Mapping[str, int], path: Path, *, title: str = "") -> Path:
    """Draw how often every note or ornament occurs; those that never do have no bar.

    Args:
        counts: name -> occurrences, in the order to be drawn.
        path: of the picture.
        title: above it.

    Raises:
        SingwizError: the file cannot be written.
    """
    return save_figure(_phonemes(counts, title, rare=0), path)


def _figures(profile: Profile) -> list[tuple[str, Figure]]:
    counts = {symbol: facts.count for symbol, facts in profile.phonemes.items()}
    figures = []
    if counts:
        figures.append(("phonemes", _phonemes(counts, f"Phonemes of {profile.name}")))
    if profile.pitch:
        figures.append(("pitch", _pitch(profile)))
    if profile.recordings:
        figures.append(("recordings", _recordings(profile)))
    if profile.bands:
        figures.append(("coverage", _coverage(profile)))
    return figures


def _phonemes(counts: Mapping[str, int], title: str, *, rare: int = RARE) -> Figure:
    symbols = list(counts)[:_MOST_COLUMNS]
    heights = [counts[symbol] for symbol in symbols]
    figure = new_figure(max(7.0, 0.27 * len(symbols) + 1.2), 4.0)
    axes = figure.add_subplot()
    colours = [
        RED if count < rare else FAINT if is_rest(symbol) else BLUE
        for symbol, count in zip(symbols, heights, strict=True)
    ]
    axes.bar(range(len(symbols)), heights, color=colours, width=0.78)
    top = max(heights, default=1)
    for column, count in enumerate(heights):
        axes.text(
            column,
            count + 0.015 * top,
            str(count),
            rotation=90 if top > 99 else 0,
            ha="center",
            va="bottom",
            fontsize=7,
            color=RED if count < rare else "#52606d",
        )
    _name_phonemes(axes, symbols)
    axes.set_ylim(0, 1.17 * top)
    axes.set_ylabel("times sung", color=INK, fontsize=9)
    few = sum(count < rare for count in heights)
    note = f"red: fewer than {rare} times ({few} of {len(counts)})" if few else ""
    heading(axes, title, note=note)
    tidy(axes, grid="y")
    axes.tick_params(axis="x", length=0)
    return figure


def _name_phonemes(axes: Axes, symbols: Sequence[str]) -> None:
    upright = max((len(symbol) for symbol in symbols), default=0) <= 2
    axes.set_xticks(
        range(len(symbols)), symbols, rotation=0 if upright else 90, fontsize=9, color=INK
    )
    axes.set_xlim(-0.7, len(symbols) - 0.3)


def _pitch(profile: Profile) -> Figure:
    low, high, middle = profile.lowest, profile.highest, profile.median
    assert low is not None and high is not None and middle is not None
    # Beyond the range there are only slips of the tracker, far away and too short to be seen.
    first, last = round(low) - 3, round(high) + 3
    notes = np.arange(first, last + 1)
    seconds = np.array([profile.pitch.get(int(note), 0.0) for note in notes])
    figure = new_figure(max(8.0, 0.3 * len(notes) + 1.5), 3.8)
    axes = figure.add_subplot()
    inside = (notes >= round(low)) & (notes <= round(high))
    axes.bar(notes, seconds, color=np.where(inside, BLUE, LIGHT_BLUE), width=0.84)
    axes.axvline(middle, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    top = max(float(seconds.max()), 0.1)
    axes.text(middle + 0.15, 1.06 * top, f"middle {note_name(round(middle))}", fontsize=9,
              color=INK, va="center")  # fmt: skip
    axes.set_ylim(0, 1.14 * top)
    axes.set_xlim(first - 0.7, last + 0.7)
    # Sharps are there to be counted; only naming the white keys keeps the axis calm.
    named = [note for note in notes if len(notes) <= 28 or "#" not in note_name(int(note))]
    axes.set_xticks(named, [note_name(int(note)) for note in named], fontsize=8.5)
    axes.set_ylabel("seconds sung", color=INK, fontsize=9)
    heading(
        axes,
        f"Pitch of {profile.name}",
        note=f"{note_name(round(low))} to {note_name(round(high))} "
        f"({round(high) - round(low)} semitones), without the outermost 1 % on each side",
    )
    tidy(axes, grid="y")
    return figure


def _recordings(profile: Profile) -> Figure:
    figure = new_figure(10.0, 3.6)
    lengths, loudness = figure.subplots(1, 2)
    seconds = [one.seconds for one in profile.recordings]
    _histogram(lengths, seconds, "seconds", smallest_step=1.0)
    heading(
        lengths,
        f"Length of {len(seconds)} recording{'' if len(seconds) == 1 else 's'}",
        note=f"{min(seconds):.1f} to {max(seconds):.1f} s, middle {np.median(seconds):.1f} s",
    )
    levels = [max(one.loudness, -80.0) for one in profile.recordings]
    _histogram(loudness, levels, "dB, 0 = full scale (loud parts only)", smallest_step=1.0)
    heading(
        loudness,
        "Loudness",
        note=f"{min(levels):.0f} to {max(levels):.0f} dB, middle {np.median(levels):.0f} dB",
    )
    return figure


def _histogram(axes: Axes, values: Sequence[float], label: str, *, smallest_step: float) -> None:
    spread = max(values) - min(values)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1e9) if s * 24 * smallest_step >= spread)
    step *= smallest_step
    edges = np.arange(np.floor(min(values) / step), np.floor(max(values) / step) + 2) * step
    axes.hist(values, bins=edges.tolist(), color=BLUE, rwidth=0.9)
    axes.axvline(float(np.median(values)), color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    # Never so near that a single recording fills the picture.
    missing = max(0.0, 8 * step - (edges[-1] - edges[0])) / 2
    left = edges[0] - missing - 0.4 * step
    axes.set_xlim(max(left, 0.0) if min(values) >= 0 else left, edges[-1] + missing + 0.4 * step)
    axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    axes.set_xlabel(label, color=INK, fontsize=9)
    axes.set_ylabel("recordings", color=INK, fontsize=9)
    tidy(axes, grid="y")


def _coverage(profile: Profile) -> Figure:
    """How often every phoneme is sung at every height: high above, low below."""
    sung = [(s, facts) for s, facts in profile.phonemes.items() if not is_rest(s)]
    sung = sung[:_MOST_COLUMNS]
    bands = profile.bands
    counts = np.array([[facts.bands.get(band, 0) for _, facts in sung] for band in bands])
    figure = new_figure(max(7.0, 0.31 * len(sung) + 1.8), 0.34 * len(bands) + 1.5)
    axes = figure.add_subplot()
    shade = np.log1p(counts) / max(float(np.log1p(counts.max(initial=1))), 1e-9)
    axes.imshow(
        np.where(counts > 0, 0.12 + 0.78 * shade, np.nan),
        origin="lower", aspect="auto", cmap="Blues", vmin=0.0, vmax=1.0,
    )  # fmt: skip
    axes.set_facecolor("#fbe3e1")
    for row, column in np.ndindex(counts.shape):
        count = int(counts[row, column])
        axes.text(
            column,
            row - 0.04,
            str(count) if count else "–",
            ha="center",
            va="center",
            fontsize=7.5 if count < 1000 else 6,
            color=RED if not count else "white" if shade[row, column] > 0.62 else INK,
        )
    _name_phonemes(axes, [symbol for symbol, _ in sung])
    axes.set_xlim(-0.5, len(sung) - 0.5)
    axes.set_yticks(range(len(bands)), [band_name(band) for band in bands], fontsize=9, color=INK)
    axes.set_xticks(np.arange(-0.5, len(sung)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(bands)), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    gaps = int((counts == 0).sum())
    heading(
        axes,
        f"Phonemes and pitch of {profile.name}: how often each is sung where",
        note=f"red: never ({gaps} of {counts.size})" if gaps else "",
    )
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(which="both", length=0)
    return figure


def band_name(band: int) -> str:
    """First and last note of a coverage band, e.g. ``A3–B3``."""
    return f"{note_name(band * BAND)}–{note_name(band * BAND + BAND - 1)}"
