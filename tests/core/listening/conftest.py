"""Listening tests of synthesised tones, and listeners who answer them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.listening.design import Trial
from singwiz.core.listening.making import Version, write_test
from singwiz.core.listening.plan import Clip, Kind
from singwiz.core.listening.store import ListeningTest, Session

RATE = 16000
SECONDS = 0.5

Answer = Callable[[Trial], dict[str, Any]]


def tone(pitch: float, *, level: float = 0.1, seconds: float = SECONDS) -> np.ndarray:
    """A sum of harmonics."""
    t = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 6))
    return (level * wave).astype(np.float32)


def make(
    folder: Path,
    kind: Kind,
    *labels: str,
    trials: int = 8,
    clips: int = 4,
    seed: int = 1,
    stages: bool = False,
    sources: tuple[str, ...] = (),
) -> ListeningTest:
    """A test whose conditions differ in pitch; MUSHRA gets a reference before them."""
    parts = [Clip(id=f"k{n}", item=f"song{n}", start=0.0, end=SECONDS) for n in range(1, clips + 1)]
    names = ("recording", *labels) if kind == "mushra" else labels
    versions = []
    for number, label in enumerate(names):
        role = "reference" if kind == "mushra" and number == 0 else "candidate"
        source = sources[number] if sources else "voice"
        version = Version(label, {"source": source}, role)
        for place, clip in enumerate(parts):
            version.sounds[clip.id] = tone(
                200 + 40 * number + 10 * place, level=0.02 + 0.1 * number
            )
        versions.append(version)
    return write_test(
        folder, kind, parts, versions, sample_rate=RATE, trials=trials, seed=seed, stages=stages
    )


def listen(test: ListeningTest, answer: Answer, **begun: Any) -> Session:
    """Somebody answers all questions."""
    session = test.begin(**begun)
    while (trial := test.next_trial(session)) is not None:
        session = test.answer(session, trial, answer(trial), seconds=2.0)
    return session


def prefers(test: ListeningTest, label: str, *, share: float = 1.0, seed: int = 0) -> Answer:
    """A careful listener who prefers one condition in a share of the questions."""
    rng = random.Random(seed)

    def answer(trial: Trial) -> dict[str, Any]:
        if trial.catch:
            return {"choice": trial.right}
        labels = [label_of(test, token) for token in trial.tokens]
        wanted = "AB"[labels.index(label)]
        other = "BA"["AB".index(wanted)]
        return {"choice": wanted if rng.random() < share else other}

    return answer


def label_of(test: ListeningTest, token: str) -> str:
    """What only the key says."""
    return test.plan.condition(test.plan.sound(token).condition).label


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> ListeningTest:
    """An A/B test that no test of a module answers."""
    return make(tmp_path_factory.mktemp("pair"), "ab", "step 1000", "step 2000")
