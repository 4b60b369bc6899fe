"""A guide that follows a script: every kind of question and block on one step."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from PIL import Image as Pillow

from singwiz.assistant.guide.view import (
    Action,
    Audio,
    Chart,
    Choice,
    Copyable,
    Image,
    JobView,
    Question,
    Reply,
    StepLine,
    StepStatus,
    StepView,
    Table,
    Text,
    Versions,
)


class ScriptedGuide:
    """Speaks the guide's language without a project; remembers what the face told it."""

    step_ids = ("one", "two", "three")
    project = None

    def __init__(self, folder: Path) -> None:
        Pillow.new("RGB", (40, 20), (255, 0, 0)).save(folder / "picture.png")
        sf.write(folder / "sound.wav", np.zeros(4410, np.float32), 44100)
        self.folder = folder
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.actions: list[tuple[str, str]] = []
        self.refusals: dict[str, str] = {}
        self.values: dict[str, Any] = {
            "preset": "small",
            "steps": 100,
            "name": "aoi",
            "file": "",
            "folders": ["/a"],
            "consent": False,
            "rows": [("a", "b")],
            "rate": 0.1,
        }
        self.job: JobView | None = None
        self.versions: Versions | None = None
        self.curve = ((0.0, 1.0), (10.0, 0.5))
        self.lock = threading.Lock()

    def overview(self) -> list[StepLine]:
        return [
            StepLine("one", 1, "Recordings", StepStatus.DONE, "24 recordings"),
            StepLine("two", 2, "Train", StepStatus.READY),
            StepLine("three", 3, "Listen", StepStatus.LOCKED),
        ]

    def current(self) -> str:
        return "two"

    def view(self, step_id: str) -> StepView:
        if step_id == "overview":
            return StepView(step_id, 0, "Everything", "Why.", StepStatus.READY)
        number = self.step_ids.index(step_id) + 1
        if step_id != "two":
            return StepView(step_id, number, step_id.title(), "Why.", StepStatus.DONE)
        value = dict(self.values)
        error = dict(self.refusals)
        choices = (Choice("small", "Small", "quick"), Choice("big", "Big", "slow"))

        def ask(name: str, kind: Any, **more: Any) -> Question:
            return Question(
                name, name.title(), kind, value[name], error=error.get(name, ""), **more
            )

        return StepView(
            "two",
            2,
            "Train",
            "The voice learns from your recordings.",
            StepStatus.RUNNING if self.job else StepStatus.READY,
            questions=(
                ask("preset", "choice", choices=choices, help="How big."),
                ask("steps", "number", unit="steps", minimum=1),
                ask("name", "text"),
                ask("file", "path", pick="file"),
                ask("folders", "paths"),
                ask("consent", "toggle"),
                ask("rows", "table", columns=("x", "y")),
                ask("rate", "number", advanced=True),
            ),
            blocks=(
                Text("Some *words*.", "warning"),
                Table(
                    "Findings",
                    ("severity", "message"),
                    (("error", "It is [broken]."), ("note", "Fine.")),
                    severity_column=0,
                ),
                Chart("Loss", {"mel_loss": self.curve}),
                Image(self.folder / "picture.png", "A picture"),
                Audio(self.folder / "sound.wav", "A sound"),
                Table("Everything there is", ("key",), (("hop_size",),), folded=True),
                Copyable("A report", "log …"),
                *((self.versions,) if self.versions else ()),
            ),
            actions=(
                Action("start", "Start training", primary=True),
                Action("stop", "Stop", enabled=False, reason="Nothing is running."),
                *(Action(f"vote_{letter}", f"I prefer {letter}") for letter in self.letters()),
            ),
            job=self.job,
        )

    def letters(self) -> list[str]:
        return [letter for letter, _ in self.versions.sounds] if self.versions else []

    def ask_about(self, *names: str, key: str) -> None:
        """Show a question of a listening test."""
        for name in names:
            t = np.arange(44100) / 44100
            sf.write(self.folder / f"{name}.wav", 0.1 * np.sin(2000 * t), 44100)
        pairs = zip("AB", (self.folder / f"{name}.wav" for name in names), strict=True)
        self.versions = Versions(tuple(pairs), key, "Letters play.")

    def answer(self, step_id: str, values: dict[str, Any]) -> Reply:
        with self.lock:
            self.answers.append((step_id, values))
            self.values.update(values)
        return Reply(not self.refusals, errors=self.refusals)

    def act(self, step_id: str, action_id: str) -> Reply:
        with self.lock:
            self.actions.append((step_id, action_id))
        return Reply(True, go_to="three" if action_id == "start" else "")


@pytest.fixture
def guide(tmp_path: Path) -> ScriptedGuide:
    return ScriptedGuide(tmp_path)
