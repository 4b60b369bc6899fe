"""Several versions of one sound below each other, on one time line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .paper import INK, heading, new_figure, save_figure
from .sound import INCHES_PER_SECOND, NARROWEST, WIDEST, Sound, draw_pitch, draw_spectrogram

PANEL_INCHES = 2.6


def save_side_by_side(sounds: Sequence[tuple[str, str, Sound]], path: Path) -> Path:
    """Draw spectrograms with their pitch as PNG.

    Args:
        sounds: title, a paler note, and the sound, from top to bottom; at least one.
        path: where to.

    Returns:
        ``path``.

    Raises:
        SingwizError: the file cannot be written.
    """
    seconds = max(sound.seconds for _, _, sound in sounds)
    width = min(WIDEST, max(NARROWEST, INCHES_PER_SECOND * seconds + 1.3))
    figure = new_figure(width, PANEL_INCHES * len(sounds) + 0.4)
    panels = figure.subplots(len(sounds), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, note, sound) in zip(panels, sounds, strict=True):
        heading(axes, title, note=note)
        draw_spectrogram(axes, sound)
        if sound.f0 is not None and (sound.f0 > 0).any():
            draw_pitch(axes, sound)
    for axes in panels[:-1]:
        axes.tick_params(axis="x", length=0, labelbottom=False)
    panels[-1].set_xlim(0, seconds)
    panels[-1].set_xlabel("seconds", color=INK, fontsize=9)
    return save_figure(figure, path)
