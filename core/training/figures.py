"""Pictures of validation results, drawn without a screen and without global state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import atomic_path


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
    axes.pcolormesh(stacked.T, vmin=vmin, vmax=vmax, rasterized=True)
    axes.set_title(title)
    axes.set_xlabel("frame")
    axes.set_yticks([bins * (row + 0.5) for row in range(3)])
    axes.set_yticklabels(["difference", "recording", "prediction"], rotation=90, va="center")
    figure.tight_layout()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(picture: np.ndarray, path: Path) -> None:
    """Write a picture ``[height, width, 3]`` uint8 atomically."""
    from matplotlib.image import imsave

    with atomic_path(path) as temporary:
        imsave(temporary, picture, format="png")
