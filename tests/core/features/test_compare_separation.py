from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from singwiz.core.dataset.raw import Item
from singwiz.core.features.compare_separation import (
    Parts,
    SeparationFigures,
    judge_separation,
    recommend_separation,
    separate,
)
from singwiz.core.features.separation import World

SAMPLE_RATE = 44100
HOP = 512
SIZES = {"sample_rate": SAMPLE_RATE, "hop_size": HOP}


class Perfect:
    """Knows the parts, because it made the sound."""

    def __init__(self, tone: np.ndarray, breath: np.ndarray) -> None:
        self.parts = (tone, breath)

    def separate(self, waveform, f0, *, sample_rate, hop_size, item_name):
        return self.parts


@pytest.fixture(scope="module")
def made() -> tuple[Parts, Item]:
    """A second of ``a`` with a little breath, then half a second of ``s``, perfectly parted."""
    rng = np.random.default_rng(0)
    count = SAMPLE_RATE * 3 // 2
    sung = np.arange(count) < SAMPLE_RATE
    phase = 2 * np.pi * 220 * np.arange(count) / SAMPLE_RATE
    tone = (0.1 * sum(np.sin(k * phase) / k for k in range(1, 20)) * sung).astype(np.float32)
    breath = (rng.standard_normal(count) * np.where(sung, 0.005, 0.02)).astype(np.float32)
    f0 = np.where(np.arange(1 + count // HOP) * HOP < SAMPLE_RATE, 220, 0).astype(np.float32)
    item = Item("x", 2, ("a", "s"), (1.0, 0.5), {}, Path("x.wav"))
    return separate(Perfect(tone, breath), tone + breath, f0, item, 0.0, **SIZES), item


def figures_of(parts: Parts) -> SeparationFigures:
    (found,) = judge_separation({"vr": [parts]}, **SIZES)
    return found


def test_perfect_parts_have_perfect_figures(made: tuple[Parts, Item]) -> None:
    found = figures_of(made[0])
    assert found.balance == pytest.approx(0, abs=0.1)
    assert found.leak == pytest.approx(0, abs=0.5)
    assert found.consonants == pytest.approx(0, abs=0.1)
    expected = 20 * np.log10(0.005 / np.sqrt(0.005**2 + 0.5 * 0.01 * 1.596))
    assert found.vowels == pytest.approx(expected, abs=0.5)


def test_tone_that_is_left_in_the_breath_is_measured(made: tuple[Parts, Item]) -> None:
    parts, _ = made
    leaky = replace(
        parts, harmonic=0.9 * parts.harmonic, aperiodic=parts.aperiodic + 0.1 * parts.harmonic
    )
    assert figures_of(leaky).leak > 10
    everything = replace(parts, harmonic=0 * parts.harmonic, aperiodic=parts.recording)
    assert figures_of(everything).leak > 25
    assert figures_of(everything).vowels == pytest.approx(0, abs=0.01)


def test_lost_loudness_is_measured(made: tuple[Parts, Item]) -> None:
    parts, _ = made
    quiet = replace(parts, harmonic=0.5 * parts.harmonic, aperiodic=0.5 * parts.aperiodic)
    assert figures_of(quiet).balance == pytest.approx(6.02, abs=0.1)


def test_world_parts_a_voice_cleanly(made: tuple[Parts, Item]) -> None:
    parts, item = made
    found = figures_of(separate(World(2048), parts.recording, parts.f0, item, 0.0, **SIZES))
    assert found.leak is not None and abs(found.leak) < 2
    assert found.balance is not None and found.balance < 2
    assert found.vowels is not None and found.consonants is not None
    assert found.vowels < found.consonants - 10
    assert found.speed > 0


def test_labels_count_from_where_the_clip_begins(made: tuple[Parts, Item]) -> None:
    parts, item = made
    half = SAMPLE_RATE
    later = separate(
        Perfect(parts.harmonic[half:], parts.aperiodic[half:]),
        parts.recording[half:], np.zeros(44, np.float32), item, 1.0, **SIZES,
    )  # fmt: skip
    found = figures_of(later)
    assert found.vowels is None, "there is none in it"
    assert found.consonants == pytest.approx(0, abs=0.1)
    assert found.leak is None


def figures(name: str, *, leak: float | None = 1.0, speed: float = 10.0) -> SeparationFigures:
    return SeparationFigures(name, 0.1, leak, -20.0, -0.1, speed)


def test_without_its_file_vr_is_left_out_and_world_taken() -> None:
    advice = recommend_separation([figures("world")], {"vr": "its file is not here."}, seconds=60)
    assert advice.name == "world"
    assert advice.notes == ("vr was left out: its file is not here.",)


def test_vr_is_taken_where_it_does_not_keep_anybody_waiting() -> None:
    both = [figures("world"), figures("vr", speed=0.1)]
    assert recommend_separation(both, {}, seconds=60).name == "vr"
    slow = recommend_separation(both, {}, seconds=1200)
    assert slow.name == "world"
    assert "200 min" in slow.reason
    assert recommend_separation(both, {}, seconds=1200, gpu=True).name == "vr"


def test_a_separator_that_does_not_know_the_voice_is_not_recommended() -> None:
    advice = recommend_separation([figures("world"), figures("vr", leak=15.0)], {}, seconds=60)
    assert advice.name == "world"
    assert "15.0 dB" in advice.reason


def test_silence_says_nothing_about_quality() -> None:
    advice = recommend_separation([figures("world", leak=None)], {}, seconds=60)
    assert advice.name == "world"
    assert "clean" not in advice.reason
