from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from singwiz.core.config import Config, load_config

SYMBOLS = ("SP", "a", "s", "o", "AP")
DURATIONS = (0.1, 0.25, 0.1, 0.2, 0.1)


def sung(seconds: float, *, sample_rate: int = 44100, f0: float = 220.0) -> np.ndarray:
    """A tone with overtones and some breath, softer at the ends; float32 ``[N]``."""
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * f0 * times
    tone = sum(np.sin(k * phase) / k for k in range(1, 10))
    tone *= np.minimum(1, 8 * np.minimum(times, seconds - times))
    noise = np.random.default_rng(int(f0)).standard_normal(len(times))
    return (0.1 * tone + 0.002 * noise).astype(np.float32)


class Corpus:
    """A raw dataset under construction, its dictionary, and a config for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = folder / "raw"
        (self.raw / "wavs").mkdir(parents=True)
        self.rows: list[str] = []
        self.dictionary = folder / "dictionary.txt"
        self.dictionary.write_text("a\ta\nso\ts o\n", encoding="utf-8")

    def add(
        self,
        name: str,
        waveform: np.ndarray | None = None,
        *,
        sample_rate: int = 44100,
        suffix: str = ".wav",
        ph_seq: Sequence[str] = SYMBOLS,
        ph_dur: Sequence[float] = DURATIONS,
        **cells: str,
    ) -> Path:
        """Append a row and write its recording ``[N]`` or ``[N, channels]``.

        Further columns have to be the same for all rows.
        """
        if waveform is None:
            waveform = sung(sum(ph_dur), f0=200.0 + 20 * len(self.rows))
        path = self.raw / "wavs" / (name + suffix)
        soundfile.write(path, waveform, sample_rate, subtype="PCM_16")
        row = (name, " ".join(ph_seq), " ".join(map(str, ph_dur)), *cells.values())
        self.rows.append(",".join(row))
        lines = [",".join(("name", "ph_seq", "ph_dur", *cells)), *self.rows]
        (self.raw / "transcriptions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def config(self, **keys: Any) -> Config:
        """An acoustic config of this corpus; the first item is for validation."""
        dataset = {
            "raw_data_dir": str(self.raw),
            "speaker": "aoi",
            "language": "xx",
            "test_prefixes": [self.rows[0].partition(",")[0]],
        }
        return load_config(
            {
                "base_config": ["configs/acoustic.yaml"],
                "task_cls": "training.acoustic_task.AcousticTask",
                "datasets": [dataset],
                "dictionaries": {"xx": str(self.dictionary)},
                "binary_data_dir": "binary/acoustic",
                "hnsep": "world",
                **keys,
            }
        )

    def variance(self, **keys: Any) -> Config:
        """A variance config of this corpus; the first item is for validation."""
        return self.config(
            base_config=["configs/variance.yaml"],
            task_cls="training.variance_task.VarianceTask",
            binary_data_dir="binary/variance",
            **keys,
        )


NOTES = {
    "ph_num": "1 2 1 1",
    "note_seq": "rest A3 A#3-20 rest",
    "note_dur": "0.1 0.35 0.2 0.1",
}
"""Columns of a variance model for the usual labels."""


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Corpus]:
    def make(items: int = 3, name: str = "corpus", **cells: str) -> Corpus:
        corpus = Corpus(tmp_path / name)
        for number in range(items):
            corpus.add(f"item{number}", **cells)
        return corpus

    return make
