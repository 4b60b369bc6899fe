import numpy as np
import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.features.curves import energy
from singwiz.core.features.separation import World, separator

SAMPLE_RATE = 44100
SIZES = {"sample_rate": SAMPLE_RATE, "hop_size": 512}


class Settings:
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


@pytest.mark.parametrize(
    ("name", "code"), [("vr", "separator-unavailable"), ("spleeter", "separator-unknown")]
)
def test_a_separator_we_do_not_have_is_refused_with_advice(name: str, code: str) -> None:
    with pytest.raises(SingwizError) as caught:
        separator(Settings(name))
    assert caught.value.code == code
    assert "world" in caught.value.hint
    assert separator(Settings("world")) == World(2048)
