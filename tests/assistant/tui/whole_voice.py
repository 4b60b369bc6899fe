"""A voice that is nearly finished: every step has something to show, and nothing took long.

Recordings, settings and files are real; the work between them is replaced by its results, so that
every number on the screen is the same on every machine, and nothing has to be trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image as Pillow

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import JobView, StepLine, StepStatus, StepView
from singwiz.core.demo.corpus import make_corpus
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.listening.making import Version, write_test
from singwiz.core.listening.plan import Clip
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter
from singwiz.core.training.journal import Journal
from singwiz.core.training.measurements import Measurement
from singwiz.core.training.notices import ValidationRecord

LOG = ("Saved: step 1000.",)
AT_WORK = JobView("j", "running", "step 1200 of 2000", 0.6, eta=95, elapsed=140, log_tail=LOG)


class SameEverywhere(Guide):
    """A guide whose texts do not say in which temporary folder the project lies."""

    folder = ""
    job: JobView | None = None
    """Work that the training is said to be at."""

    def view(self, step_id: str) -> StepView:
        view: StepView = _without(super().view(step_id), self.folder)
        if self.job is not None and step_id == "train":
            return replace(view, status=StepStatus.RUNNING, job=self.job)
        return view

    def overview(self) -> list[StepLine]:
        lines = [_without(line, self.folder) for line in super().overview()]
        if self.job is None:
            return lines
        running = StepStatus.RUNNING
        return [replace(line, status=running) if line.id == "train" else line for line in lines]


def _without(part: Any, folder: str) -> Any:
    if is_dataclass(part) and not isinstance(part, type):
        return replace(
            part, **{one.name: _without(getattr(part, one.name), folder) for one in fields(part)}
        )
    if isinstance(part, tuple | list):
        return type(part)(_without(one, folder) for one in part)
    if isinstance(part, Path):
        # Pictures are really read, from the folder in which the test runs.
        return Path(_without(str(part), folder).removeprefix("/music/"))
    return part.replace(folder, "/music") if isinstance(part, str) else part


def make_voice(folder: Path, patch: pytest.MonkeyPatch) -> SameEverywhere:
    """A project in ``folder/my voice`` that has been led as far as the export."""
    for stage, work in WORK.items():
        patch.setitem(STAGES, stage, work)
    patch.setattr("singwiz.core.config.detect_hardware", lambda: "cpu")
    corpus = make_corpus(folder / "aoi", items=4, seconds=1.5, sample_rate=16000)
    guide = SameEverywhere.open(folder / "my voice")
    assert isinstance(guide, SameEverywhere)
    guide.folder = str(folder)
    assert guide.answer("recordings", {"raw_dirs": [str(corpus.raw_data_dir)]}).ok
    assert guide.answer("recordings", {"consent": True}).ok
    assert guide.act("recordings", "create").ok
    _run(guide, "check")
    assert guide.answer("check", {"go_on": True}).ok
    assert guide.answer("model", {"preset": "tiny", "max_updates": 2000}).ok
    assert guide.act("model", "write").ok
    _run(guide, "binarize", model="acoustic")
    _run(guide, "train", model="acoustic", experiment="acoustic")
    _run(guide, "render", dataset="raw", item="demo_001")
    _make_test(guide.project)
    return guide


def _run(guide: Guide, stage: str, **params: Any) -> None:
    assert guide.project is not None
    run_here(guide.project, stage, params, reporter=Reporter())


def _finding(severity: str, code: str, item: str, message: str, hint: str) -> dict[str, Any]:
    return {
        "code": code, "severity": severity, "dataset": "raw", "item": item, "file": "",
        "line": None, "symbol": "", "start": None, "end": None, "message": message, "hint": hint,
        "fix": None,
    }  # fmt: skip


def _check(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    findings = [
        _finding("error", "audio-missing", "demo_003", "There is no recording for this line.",
                 "Put the file demo_003.wav into the folder wavs, or delete the line."),
        _finding("warning", "too-quiet", "demo_001", "The recording is very quiet (-41 dBFS).",
                 "Record it louder."),
        _finding("note", "rare-phoneme", "", "'ky' occurs only once.", "Record more of it."),
    ]  # fmt: skip
    return {"findings": findings, "summary": {"errors": 1, "items": 4, "seconds": 1234.0}}


def _binarize(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    folder = project.binary_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "train.data").write_bytes(b"data")
    Pillow.new("RGB", (64, 24), (20, 120, 110)).save(folder / "phoneme_distribution.jpg")
    return {
        "counts": {"train": 3, "train_original": 3, "valid": 1},
        "seconds_per_speaker": {"train": {"aoi": 1100.0}, "valid": {"aoi": 134.0}},
        "skipped": [{"item": "demo_003", "reason": "There is no recording for this line."}],
    }


def _train(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    folder = project.experiment_dir("acoustic", "acoustic")
    folder.mkdir(parents=True)
    journal = Journal(folder)
    for step in range(0, 2001, 100):
        reporter.metric("training/total_loss", 0.2 + 0.8 * 0.998**step, step)
    for step in (1000, 2000):
        loss = 1000 / step
        reporter.metric("validation/total_loss", loss, step)
        (folder / f"model_ckpt_steps_{step}.ckpt").write_bytes(b"weights")
        measured = Measurement("mel_l1", "Distance of the sound", "", loss, 2.0)
        losses = {"total_loss": loss}
        journal.add(ValidationRecord(step, losses, losses, "mel_l1", loss, 1, (measured,)))
        validation = folder / "validation" / str(step)
        validation.mkdir(parents=True)
        _sound(validation / "demo_001.wav", 220.0)
        Pillow.new("RGB", (64, 32), (200, 120, 40)).save(validation / "demo_001.png")
        reporter.artifact("audio", validation / "demo_001.wav", "demo_001")
        reporter.artifact("image", validation / "demo_001.png", "demo_001")
    journal.mark_best()
    return {}


def _render(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    folder = project.root / "songs"
    folder.mkdir()
    _sound(folder / "demo_001.wav", 220.0)
    Pillow.new("RGB", (64, 32), (40, 60, 160)).save(folder / "demo_001.png")
    return {
        "wav": str(folder / "demo_001.wav"),
        "spectrogram": str(folder / "demo_001.png"),
        "preview": True,
        "figures": {"f0_cents": 12.0, "voicing_agreement": 0.97, "mel_l1": 0.4, "baseline_l1": 1.2},
    }


WORK = {"check": _check, "binarize": _binarize, "train": _train, "render": _render}


def _tone(pitch: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    axis = np.arange(8000) / 16000
    return (0.1 * np.sin(2 * np.pi * pitch * axis)).astype(np.float32)


def _sound(path: Path, pitch: float) -> None:
    soundfile.write(path, _tone(pitch), 16000)


def _make_test(project: Project | None) -> None:
    """A blind comparison of the two checkpoints."""
    assert project is not None
    clips = [Clip(id=f"k{n}", item=f"demo_{n}", start=0.0, end=0.5) for n in range(1, 5)]
    versions = []
    for number, label in enumerate(("step 1000", "step 2000")):
        sounds = {clip.id: _tone(200.0 + 40 * number) for clip in clips}
        versions.append(Version(label, {"source": "voice"}, sounds=sounds))
    write_test(project.listening_dir, "ab", clips, versions, sample_rate=16000, trials=6, seed=1)
