import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from singwiz.core.config import explain
from singwiz.core.errors import SingwizError
from singwiz.core.features.curves import energy
from singwiz.core.features.separation import SEPARATORS, World, separator

SAMPLE_RATE = 44100
SIZES = {"sample_rate": SAMPLE_RATE, "hop_size": 512}


class Settings:
    hnsep_ckpt = "vr.pt"
    fft_size = 2048

    def __init__(self, hnsep: str) -> None:
        self.hnsep = hnsep


def breathy_voice(breath: float) -> tuple[np.ndarray, np.ndarray]:
    """Half a second each of voice and of breath alone, and its F0 per frame."""
    rng = np.random.default_rng(0)
    samples = SAMPLE_RATE
    phase = 2 * np.pi * 220 * np.arange(samples) / SAMPLE_RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 20)) * 0.1
    tone[samples // 2 :] = 0
    noise = rng.standard_normal(samples) * breath
    f0 = np.where(np.arange(86) < 43, 220.0, 0.0).astype(np.float32)
    return (tone + noise).astype(np.float32), f0


def levels(waveform: np.ndarray) -> tuple[float, float]:
    """Median loudness of the voiced and of the breathy half, dB."""
    curve = energy(waveform, hop_size=512, win_size=2048, length=86)
    return float(np.median(curve[6:37])), float(np.median(curve[49:80]))


def test_voice_is_harmonic_and_breath_is_not() -> None:
    waveform, f0 = breathy_voice(0.01)
    harmonic, aperiodic = World(2048).separate(waveform, f0, **SIZES, item_name="a")
    voiced, breath = levels(waveform)
    assert levels(harmonic)[0] == pytest.approx(voiced, abs=1.0)
    assert levels(harmonic)[1] < breath - 25
    assert levels(aperiodic)[1] == pytest.approx(breath, abs=1.0)
    assert levels(aperiodic)[0] < voiced - 8


def test_more_breath_is_found_where_there_is_more() -> None:
    quiet, f0 = breathy_voice(0.003)
    loud, _ = breathy_voice(0.03)
    parts = [World(2048).separate(x, f0, **SIZES, item_name="a")[1] for x in (quiet, loud)]
    assert levels(parts[1])[0] - levels(parts[0])[0] > 8


def test_the_item_name_decides_what_is_random() -> None:
    waveform, f0 = breathy_voice(0.01)
    first, again, other = (
        World(2048).separate(waveform, f0, **SIZES, item_name=name) for name in ("a", "a", "b")
    )
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_digital_silence_is_survived() -> None:
    silence = np.zeros(20000, np.float32)
    parts = World(2048).separate(silence, np.zeros(39, np.float32), **SIZES, item_name="a")
    assert all(np.isfinite(part).all() for part in parts)


def test_every_separator_can_be_chosen_in_a_config() -> None:
    assert sorted(explain("hnsep").choices) == sorted(SEPARATORS)


def test_config_names_the_separator(tmp_path: Path) -> None:
    assert separator(Settings("world")) == World(2048)
    with pytest.raises(SingwizError) as caught:
        separator(Settings("spleeter"))
    assert caught.value.code == "separator-unknown"
    with pytest.raises(SingwizError, match=re.escape(str(tmp_path / "vr.pt"))) as caught:
        separator(Settings("vr"), base_dir=tmp_path)
    assert caught.value.code == "separator-checkpoint-missing"
    assert "singwiz assets get vr" in caught.value.hint
    assert "world" in caught.value.hint


def test_a_network_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    class Vr:
        def __init__(self, checkpoint: Path, *, device: str = "auto") -> None:
            loaded.append((checkpoint, device))

    stand_in = ModuleType("singwiz.core.features.vr")
    stand_in.Vr = Vr
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    (tmp_path / "vr.pt").write_bytes(b"")
    first, again = (separator(Settings("vr"), base_dir=tmp_path, device="cpu") for _ in range(2))
    assert first is again
    assert loaded == [(tmp_path / "vr.pt", "cpu")]
