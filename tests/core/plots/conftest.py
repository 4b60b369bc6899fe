"""Two short recordings at known pitches, and a tracker that knows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset.raw import RawDataset

RATE = 16000
PHONEME = 0.2
"""Seconds per phoneme."""


class KnownPitch:
    """Says one pitch, and nothing where the sound is silent; counts how often it was asked."""

    label = "known"

    def __init__(self) -> None:
        self.heard = 0

    def track(self, samples: np.ndarray, sample_rate: int, *, frame: float) -> np.ndarray:
        self.heard += 1
        width = round(frame * sample_rate)
        count = -(-len(samples) // width)
        frames = np.pad(samples, (0, count * width - len(samples))).reshape(count, width)
        crossings = (np.diff(np.sign(frames), axis=1) > 0).sum(axis=1) / (width / sample_rate)
        # The two pitches that are sung lie far enough apart to be told by counting.
        pitch = np.where(crossings > 330.0, 440.0, 220.0)
        return np.where(np.abs(frames).max(axis=1) > 0.05, pitch, 0.0).astype(np.float32)


def sing(folder: Path, name: str, ph_seq: str, hertz: float) -> str:
    """Write a recording; ``SP``, ``k`` and what is not a vowel are silent. Returns its row."""
    symbols = ph_seq.split()
    time = np.arange(round(PHONEME * RATE)) / RATE
    tone = 0.4 * np.sin(2 * np.pi * hertz * time + 0.1)
    parts = [tone if symbol in ("a", "i", "あ") else 0 * tone for symbol in symbols]
    (folder / "wavs").mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "wavs" / f"{name}.wav", np.concatenate(parts), RATE)
    return f"{name},{ph_seq},{' '.join([str(PHONEME)] * len(symbols))}"


def open_dataset(folder: Path, rows: list[str], name: str = "aoi") -> RawDataset:
    (folder / "transcriptions.csv").write_text(
        "\n".join(["name,ph_seq,ph_dur", *rows]) + "\n", encoding="utf-8"
    )
    dataset = RawDataset.open(folder, name=name, speaker="aoi", language="ja")
    assert len(dataset.items) == len(rows), dataset.findings
    return dataset


@pytest.fixture
def dataset(tmp_path: Path) -> RawDataset:
    """``k a`` twice at A3, and ``i a`` once at A4."""
    folder = tmp_path / "raw"
    rows = [
        sing(folder, "low", "SP k a k a SP", 220.0),
        sing(folder, "high", "SP i a SP", 440.0),
    ]
    return open_dataset(folder, rows)
