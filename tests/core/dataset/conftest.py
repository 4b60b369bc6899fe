"""A tiny synthesised corpus: tones with exact labels, and ways to break it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset import RawDataset, check_datasets
from singwiz.core.dictionary import PhonemeSet, read_dictionary
from singwiz.core.findings import Finding

RATE = 44100
PH_SEQ = ("SP", "k", "a", "m", "i", "AP", "s", "a", "SP")
PH_DUR = (0.2, 0.08, 0.5, 0.1, 0.52, 0.2, 0.1, 0.5, 0.3)
DICTIONARY = "a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\n"


def sing(frequency: float, rate: int = RATE) -> np.ndarray:
    """The labels above as sound: tones for vowels, noise for the rest, silence for SP."""
    noise = np.random.default_rng(int(frequency))
    parts = []
    for symbol, seconds in zip(PH_SEQ, PH_DUR, strict=True):
        time = np.arange(round(seconds * rate)) / rate
        if symbol in ("a", "i", "m"):
            part = 0.3 * np.sin(2 * np.pi * frequency * time)
        else:
            loudness = {"SP": 1e-5, "AP": 0.01}.get(symbol, 0.03)
            part = loudness * noise.standard_normal(len(time))
        parts.append(part)
    return np.concatenate(parts).astype(np.float32)


@dataclass
class Corpus:
    """A raw dataset on disk; change ``rows`` or files, then :meth:`write` and :meth:`check`."""

    root: Path
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def csv(self) -> Path:
        return self.root / "transcriptions.csv"

    def wav(self, name: str) -> Path:
        return self.root / "wavs" / f"{name}.wav"

    def text(self) -> str:
        columns = list(self.rows[0])
        lines = [",".join(columns)]
        lines += [",".join(row.get(column, "") for column in columns) for row in self.rows]
        return "\n".join(lines) + "\n"

    def write(self) -> Corpus:
        self.csv.write_text(self.text(), encoding="utf-8", newline="")
        return self

    def open(self) -> RawDataset:
        return RawDataset.open(self.root, name="voice", speaker="aoi", language="ja")

    def phonemes(self) -> PhonemeSet:
        dictionary, _ = read_dictionary(self.root / "dictionary.txt", "ja")
        return PhonemeSet.build({"ja": dictionary})

    def check(self, **options) -> list[Finding]:
        # So small a corpus has no phoneme often enough.
        limits = {"rare_count": 0, "very_rare_count": 0, **options.pop("thresholds", {})}
        return check_datasets([self.open()], self.phonemes(), thresholds=limits, **options)

    def snapshot(self) -> dict[str, tuple[int, str]]:
        """Every file with its modification time and content hash."""
        return {
            str(path.relative_to(self.root)): (
                path.stat().st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            )
            for path in sorted(self.root.rglob("*"))
        }


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    """Three clean items; whatever a test does, reading must leave the folder as it is."""
    made = Corpus(tmp_path / "my voice 声")
    (made.root / "wavs").mkdir(parents=True)
    (made.root / "dictionary.txt").write_text(DICTIONARY)
    for k in range(3):
        name = f"song_{k:02d}"
        soundfile.write(made.wav(name), sing(220.0 + 30 * k), RATE, subtype="PCM_16")
        durations = " ".join(f"{seconds:g}" for seconds in PH_DUR)
        made.rows.append({"name": name, "ph_seq": " ".join(PH_SEQ), "ph_dur": durations})
    yield made.write()


@pytest.fixture
def one_finding() -> Callable[[list[Finding], str], Finding]:
    """Pick the only finding with a code; fail with all of them otherwise."""

    def pick(findings: list[Finding], code: str) -> Finding:
        found = [finding for finding in findings if finding.code == code]
        assert len(found) == 1, [(f.code, f.message) for f in findings]
        return found[0]

    return pick
