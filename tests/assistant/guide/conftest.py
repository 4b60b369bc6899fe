"""A folder of recordings as a maker brings it, small enough to be checked in a moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Action, Question, StepStatus, StepView
from singwiz.core.assets import Library
from singwiz.core.assets.library import ENVIRONMENT
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.models import build_model
from singwiz.core.reporting import Reporter

RATE = 44100
SYLLABLES = {"a": ("a",), "ka": ("k", "a"), "mi": ("m", "i")}


@dataclass
class RawFolder:
    """A raw dataset being written, with a dictionary beside it."""

    root: Path
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def dictionary(self) -> Path:
        return self.root / "dictionary-ja.txt"

    def sing(self, name: str, ph_seq: str, *, wav: bool = True) -> None:
        """One recording: a tone, 0.3 s per phoneme."""
        symbols = ph_seq.split()
        durations = [0.3] * len(symbols)
        self.rows.append((name, ph_seq, " ".join(map(str, durations))))
        if wav:
            time_axis = np.arange(int(sum(durations) * RATE)) / RATE
            (self.root / "wavs").mkdir(parents=True, exist_ok=True)
            tone = 0.3 * np.sin(2 * np.pi * 220.0 * time_axis + len(self.rows))
            soundfile.write(self.root / "wavs" / f"{name}.wav", tone, RATE)

    def write(self) -> None:
        """Write transcriptions and dictionary."""
        lines = ["name,ph_seq,ph_dur", *(",".join(row) for row in self.rows)]
        (self.root / "transcriptions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        entries = "".join(f"{name}\t{' '.join(ph)}\n" for name, ph in SYLLABLES.items())
        self.dictionary.write_text(entries, encoding="utf-8")


@pytest.fixture
def raw(tmp_path: Path) -> RawFolder:
    """Six good recordings whose labels use the whole dictionary."""
    folder = RawFolder(tmp_path / "aoi")
    for number in range(6):
        folder.sing(f"song{number}", "SP k a m i AP a SP")
    folder.write()
    return folder


@pytest.fixture
def guide(raw: RawFolder, tmp_path: Path) -> Guide:
    """A guide whose first step is done."""
    guide = Guide.open(tmp_path / "voice")
    assert guide.answer("recordings", {"raw_dirs": [str(raw.root)], "consent": True}).ok
    assert guide.act("recordings", "create").ok
    return guide


def finish(guide: Guide, step: str, *, limit: float = 60.0) -> StepView:
    """The view of a step once its job is over."""
    deadline = time.monotonic() + limit
    while guide.view(step).status is StepStatus.RUNNING:
        assert time.monotonic() < deadline, f"{step} takes too long"
        time.sleep(0.05)
    return guide.view(step)


def question(view: StepView, name: str) -> Question:
    return next(question for question in view.questions if question.id == name)


def action(view: StepView, name: str) -> Action:
    return next(action for action in view.actions if action.id == name)


Finish = Callable[[Guide, str], StepView]


TINY: dict[str, Any] = {
    "resblock": "2",
    "upsample_rates": [8, 8, 8],
    "upsample_kernel_sizes": [16, 16, 16],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 2]],
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
    "n_fft": 2048,
    "win_size": 2048,
    "fmin": 40,
    "fmax": 16000,
    "mini_nsf": True,
}


def vocoder(folder: Path, **changes: Any) -> Path:
    """A vocoder with random weights, as it is exported."""
    config = TINY | changes
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save({"generator": build_model("vocoder", config).state_dict()}, folder / "model.ckpt")
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "model.ckpt"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "shared"))
    return Library()


@pytest.fixture
def ready(guide: Guide, library: Library, monkeypatch: pytest.MonkeyPatch) -> Guide:
    """A guide whose settings are written."""
    clean = {"findings": [], "summary": {"errors": 0, "items": 6, "seconds": 12.6}}
    monkeypatch.setitem(STAGES, "check", lambda *_: clean)
    run_here(guide.project, "check", {}, reporter=Reporter())
    assert guide.answer("model", {"preset": "tiny"}).ok
    assert guide.act("model", "write").ok
    return guide
