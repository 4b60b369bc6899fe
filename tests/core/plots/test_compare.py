"""Pictures of comparisons: they show every extractor and every part, also of odd clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from singwiz.core.plots import plot_parts, plot_pitches
from singwiz.core.plots.compare import COLOURS
from singwiz.core.plots.sound import Sound

RATE = 16000
STEP = 0.01


def share(path: Path, colour: str) -> float:
    """How much of a picture has a colour."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(pixels - wanted).max(axis=2) <= 12).mean())


@pytest.fixture
def sound() -> Sound:
    time = np.arange(2 * RATE) / RATE
    samples = (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    return Sound(samples, RATE, labels=((3.0, 4.0, "k"), (4.0, 5.0, "あ")), start=3.0)


def test_every_extractor_is_drawn_and_octaves_stand_out(sound: Sound, tmp_path: Path) -> None:
    low, high = np.full(200, 220, np.float32), np.full(200, 440, np.float32)
    tracks = {"parselmouth": low, "swift-f0": 1.2 * low, "harvest": high}
    fine, octave = np.zeros(200, np.int8), np.full(200, 3, np.int8)
    codes = {"parselmouth": fine, "swift-f0": fine, "harvest": octave}
    path = plot_pitches(tmp_path / "歌.png", sound, tracks, codes, step=STEP, title="歌 $x$")
    for name in tracks:
        assert share(path, COLOURS[name]) > 0.001, name
    assert share(path, "#7b1fa2") > 0.02
    plain = plot_pitches(
        tmp_path / "b.png", sound, tracks, dict.fromkeys(tracks, fine), step=STEP, title="b"
    )
    assert share(plain, "#7b1fa2") < 0.001


def test_a_clip_without_pitch_or_labels_is_drawn_too(sound: Sound, tmp_path: Path) -> None:
    nothing = {"parselmouth": np.zeros(200, np.float32)}
    path = plot_pitches(
        tmp_path / "a.png",
        Sound(sound.samples, RATE),
        nothing,
        {"parselmouth": np.zeros(200, np.int8)},
        step=STEP,
        title="a",
    )
    assert share(path, COLOURS["parselmouth"]) < 0.001
    assert path.read_bytes().startswith(b"\x89PNG")


def test_parts_share_one_scale_so_that_faint_breath_looks_faint(
    sound: Sound, tmp_path: Path
) -> None:
    def darkness(level: float) -> float:
        breath = level * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
        path = plot_parts(
            tmp_path / f"{level}.png",
            [("recording", sound.samples), ("breath", breath)],
            RATE,
            start=3.0,
            labels=sound.labels,
            title="x",
        )
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        return float((pixels[pixels.shape[0] // 2 :] < 128).mean())

    assert darkness(0.1) > darkness(0.0001) + 0.1
