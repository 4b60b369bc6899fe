"""Pitch extractors, separators and vocoders of installed packages, by their config keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from singwiz.core.config import check_config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.features.compare import Figures, Range, recommend
from singwiz.core.features.pitch import pitch_extractor
from singwiz.core.features.separation import separator
from singwiz.core.synthesis.vocoder import load_vocoder

CODE = """
import numpy as np

class Pitch:
    made = 0
    def __init__(self, settings, *, base_dir, device):
        Pitch.made += 1
        self.low = settings.f0_min
    def extract(self, waveform, sample_rate, *, hop_size, length, speed=1.0):
        return np.full(length, self.low, np.float32), np.zeros(length, bool)

class Parts:
    def __init__(self, settings, *, base_dir, device): ...
    def separate(self, waveform, f0, *, sample_rate, hop_size, item_name):
        return waveform, 0 * waveform

class Hum:
    is_preview, label = False, "hum"
    def __init__(self, config, *, device="cpu"):
        self.sample_rate, self.hop_size = config["audio_sample_rate"], config["hop_size"]
    def synthesise(self, mel, f0):
        return np.zeros(len(f0) * self.hop_size, np.float32)
"""


@pytest.fixture
def parts(install: Callable[..., Path]) -> None:
    groups = {
        "singwiz.pitch_extractors": {"lowest": "own_parts:Pitch", "lost": "own_parts_lost:Pitch"},
        "singwiz.separators": {"all-tone": "own_parts:Parts", "lost": "own_parts_lost:Parts"},
        "singwiz.vocoders": {"hum": "own_parts:Hum", "lost": "own_parts_lost:Hum"},
    }
    install("own-parts", groups, CODE)


def test_they_are_made_by_the_name_in_the_config(parts: None, tmp_path: Path) -> None:
    keys = {"pe": "lowest", "hnsep": "all-tone", "vocoder": "hum", "f0_min": 70.0}
    config = load_config("configs/templates/config_acoustic.yaml", overrides=keys)
    assert "config-unknown-choice" not in {one.code for one in check_config(config)}
    first = pitch_extractor(config, base_dir=tmp_path)
    assert pitch_extractor(config, base_dir=tmp_path) is first  # one per process
    f0, unvoiced = first.extract(np.zeros(100, np.float32), 8000, hop_size=10, length=10)
    assert (f0[0], unvoiced.any()) == (70, False)
    wave = np.ones(100, np.float32)
    tone, breath = separator(config).separate(
        wave, f0, sample_rate=8000, hop_size=10, item_name="a"
    )
    assert (tone.sum(), breath.sum()) == (100, 0)
    vocoder = load_vocoder(config)
    assert len(vocoder.synthesise(np.zeros((3, 128), np.float32), f0[:3])) == 3 * config.hop_size


def test_a_broken_package_is_an_error_that_names_it(parts: None) -> None:
    settings = SimpleNamespace(
        pe="lost", pe_ckpt="", f0_min=60, f0_max=1000, hnsep="lost", hnsep_ckpt="", fft_size=512
    )
    config = load_config("configs/templates/config_acoustic.yaml", overrides={"vocoder": "lost"})
    for make in (
        lambda: pitch_extractor(settings),
        lambda: separator(settings),
        lambda: load_vocoder(config),
    ):
        with pytest.raises(SingwizError, match="own-parts") as caught:
            make()
        assert caught.value.code == "part-broken"


def test_extractors_that_nobody_here_knows_are_recommended_last() -> None:
    figures = [
        Figures(
            name=name, voiced=0.7, missed=0, extra=0, cents=2, gross=0, octaves=0, jumps=0,
            limits=0, speed=80,
        )
        for name in ("lowest", "harvest")
    ]  # fmt: skip
    heard = Range(100, 500, 65, 1100)
    assert recommend(figures, {}, heard=heard, seconds=100).name == "harvest"
    assert recommend(figures[:1], {}, heard=heard, seconds=100).name == "lowest"
