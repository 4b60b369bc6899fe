"""Pictures of validation results, drawn without a screen and without global state."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ..atomic import atomic_path
from ..plots.paper import BLUE, FAINT, GRID, INK, RED, choose_fonts

RECORDING, MODEL = BLUE, RED

LABEL_ROWS = 8
"""Phoneme names of short phonemes would overlap on one line."""


@dataclass(frozen=True)
class Notes:
    """The notes of an item, one entry each.

    Attributes:
        midi: semitones, float ``[N]``.
        rest: bool ``[N]``.
        frames: durations, int ``[N]``.
    """

    midi: NDArray[np.floating]
    rest: NDArray[np.bool_]
    frames: NDArray[np.integer]


def mel_figure(
    pred: np.ndarray, target: np.ndarray, *, vmin: float, vmax: float, title: str
) -> np.ndarray:
    """Difference, recording and prediction of one item, stacked along frequency.

    Args:
        pred, target: log mel ``[T, bins]`` float32.
        vmin, vmax: range of the colours; the difference is drawn from ``vmin`` upwards.
        title: heading.

    Returns:
        The picture ``[height, width, 3]`` uint8.
    """
    stacked = np.concatenate([np.abs(pred - target) + vmin, target, pred], axis=1)
    bins = target.shape[1]
    figure = Figure(figsize=(12, 9))
    axes = figure.add_subplot()
    axes.imshow(
        stacked.T, vmin=vmin, vmax=vmax, aspect="auto", origin="lower", interpolation="nearest"
    )
    axes.set_title(title)
    axes.set_xlabel("frame")
    axes.set_yticks([bins * (row + 0.5) for row in range(3)])
    axes.set_yticklabels(["difference", "recording", "prediction"], rotation=90, va="center")
    return _drawn(figure)


def duration_figure(
    pred: np.ndarray, target: np.ndarray, labels: Sequence[str], *, title: str
) -> np.ndarray:
    """Where each phoneme ends in the recording (below) and by the model (above).

    Args:
        pred, target: durations ``[N]`` in frames.
        labels: names of the phonemes.
        title: heading.

    Returns:
        The picture ``[height, width, 3]`` uint8.
    """
    count = len(target)
    figure = Figure(figsize=(max(12, min(48, count // 2)), 8))
    axes = figure.add_subplot()
    ends, predicted = np.cumsum(target), np.cumsum(pred)
    axes.vlines(ends, 0, 10, colors=RECORDING, label="recording")
    axes.vlines(predicted, 12, 22, colors=MODEL, label="prediction")
    axes.plot([ends, predicted], [10, 12], color=INK, linestyle=":", linewidth=0.8)
    for number, label in enumerate(labels[:count]):
        row = number % LABEL_ROWS + 1
        axes.text(ends[number] - target[number], row, label, color=RECORDING, fontsize=8)
        axes.text(predicted[number] - pred[number], 12 + row, label, color=MODEL, fontsize=8)
    axes.set_yticks([])
    axes.set_xlim(0, max(float(ends[-1]), float(predicted[-1]), 1.0))
    return _finished(figure, title)


def pitch_figure(
    pred: np.ndarray, target: np.ndarray, uv: np.ndarray, notes: Notes, *, title: str
) -> np.ndarray:
    """Pitch of recording and model over the notes of the score.

    Args:
        pred, target: semitones ``[T]``.
        uv: bool ``[T]``, True where the recording has no pitch of its own (drawn pale).
        notes: drawn as boxes one semitone high, rests dashed.
        title: heading.

    Returns:
        The picture ``[height, width, 3]`` uint8.
    """
    figure = Figure(figsize=(12, 8))
    axes = figure.add_subplot()
    ends = np.cumsum(notes.frames)
    for midi, rest, frames, end in zip(notes.midi, notes.rest, notes.frames, ends, strict=True):
        axes.add_patch(
            Rectangle(
                (float(end - frames), float(midi) - 0.5),
                float(frames),
                1.0,
                fill=False,
                edgecolor=FAINT if rest else INK,
                linestyle="--" if rest else "-",
                linewidth=1.2,
            )
        )
    frames = np.arange(len(target))
    axes.plot(frames, target, color=RECORDING, alpha=0.25)
    axes.plot(frames, np.where(uv, np.nan, target), color=RECORDING, label="recording")
    axes.plot(np.arange(len(pred)), pred, color=MODEL, label="prediction")
    axes.set_axisbelow(True)
    low, high = (f(np.concatenate([pred, target])) for f in (np.min, np.max))
    axes.set_yticks(np.arange(np.floor(low) - 1, np.ceil(high) + 2))
    axes.set_xlim(0, max(1, len(target)))
    axes.grid(axis="y", color=GRID)
    axes.set_ylabel("semitone (69 = A4)")
    return _finished(figure, title)


def curve_figure(pred: np.ndarray, target: np.ndarray, *, unit: str, title: str) -> np.ndarray:
    """A curve ``[T]`` of recording and model.

    Returns:
        The picture ``[height, width, 3]`` uint8.
    """
    figure = Figure(figsize=(12, 6))
    axes = figure.add_subplot()
    axes.plot(np.arange(len(target)), target, color=RECORDING, label="recording")
    axes.plot(np.arange(len(pred)), pred, color=MODEL, label="prediction")
    axes.set_xlim(0, max(1, len(target)))
    axes.grid(color=GRID)
    axes.set_ylabel(unit)
    return _finished(figure, title)


def _finished(figure: Figure, title: str) -> np.ndarray:
    axes = figure.axes[0]
    axes.set_title(title)
    axes.set_xlabel("frame")
    axes.legend(loc="upper right")
    return _drawn(figure)


def _drawn(figure: Figure) -> np.ndarray:
    figure.subplots_adjust(left=0.06, right=0.98, top=0.94, bottom=0.08)
    choose_fonts(figure)
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A letter that no font has is drawn as a box; the picture is still useful.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(picture: np.ndarray, path: Path) -> None:
    """Write a picture ``[height, width, 3]`` uint8 atomically."""
    from matplotlib.image import imsave

    with atomic_path(path) as temporary:
        imsave(temporary, picture, format="png")
