import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from singwiz.core.assets import Library, network_file
from singwiz.core.config import explain
from singwiz.core.errors import SingwizError
from singwiz.core.features.pitch import (
    PITCH_EXTRACTORS,
    Harvest,
    Parselmouth,
    PitchExtractor,
    interpolate_unvoiced,
    pitch_extractor,
    resample_pitch,
)
from singwiz.core.features.swift import Swift

SAMPLE_RATE = 44100
HOP = 512


class Settings:
    pe_ckpt = "nets/rmvpe.pt"
    f0_min = 65.0
    f0_max = 1100.0

    def __init__(self, pe: str) -> None:
        self.pe = pe


def glide(seconds: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A tone that rises by an octave, and its F0 at every sample."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    f0 = 200.0 * 2.0 ** (times / seconds)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    waveform = sum(np.sin(k * phase) / k for k in range(1, 12))
    return (0.1 * waveform).astype(np.float32), f0


def test_interpolation_is_linear_in_pitch_and_held_at_the_ends() -> None:
    f0, uv = interpolate_unvoiced(np.array([0, 0, 220, 0, 0, 440, 0], np.float32))
    np.testing.assert_allclose(f0, [220, 220, 220, 277.183, 349.228, 440, 440], rtol=1e-5)
    assert uv.tolist() == [True, True, False, True, True, False, True]
    assert f0.dtype == np.float32


def test_without_any_voice_f0_stays_zero() -> None:
    f0, uv = interpolate_unvoiced(np.zeros(4, np.float32))
    assert not f0.any()
    assert uv.all()


@pytest.mark.parametrize("extractor", [Parselmouth(65, 1100), Harvest(65, 1100), Swift(65, 1100)])
@pytest.mark.parametrize("speed", [1.0, 1.37])
def test_frames_sit_at_multiples_of_the_hop(extractor: PitchExtractor, speed: float) -> None:
    waveform, truth = glide()
    hop = round(HOP * speed)
    length = len(waveform) // hop
    f0, uv = extractor.extract(waveform, SAMPLE_RATE, hop_size=HOP, length=length, speed=speed)
    assert f0.shape == uv.shape == (length,)
    assert f0.dtype == np.float32
    inner = slice(4, -4)
    cents = 1200 * np.log2(f0[inner] / truth[::hop][:length][inner])
    # Half a hop of misplacement would be 7 cents here.
    assert np.abs(np.median(cents)) < 3
    assert not uv[inner].any()


def test_f0_is_cut_or_continued_to_the_wanted_length() -> None:
    waveform, _ = glide(0.5)
    short, _ = Parselmouth(65, 1100).extract(waveform, SAMPLE_RATE, hop_size=HOP, length=10)
    long, uv = Parselmouth(65, 1100).extract(waveform, SAMPLE_RATE, hop_size=HOP, length=60)
    assert len(short) == 10
    np.testing.assert_array_equal(long[:10], short)
    assert uv[-10:].all()
    assert np.ptp(long[-10:]) == 0


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE // 2).astype(np.float32) * 0.1
    _, uv = Parselmouth(65, 1100).extract(noise, SAMPLE_RATE, hop_size=HOP, length=43)
    assert uv.mean() > 0.9


def test_limits_are_respected() -> None:
    waveform, _ = glide()
    f0, _ = Parselmouth(65, 300).extract(waveform, SAMPLE_RATE, hop_size=HOP, length=86)
    assert f0.max() <= 300


def test_config_names_the_extractor() -> None:
    assert pitch_extractor(Settings("parselmouth")) == Parselmouth(65.0, 1100.0)
    assert pitch_extractor(Settings("harvest")) == Harvest(65.0, 1100.0)
    assert pitch_extractor(Settings("swift-f0")) == Swift(65.0, 1100.0)


def test_an_extractor_we_do_not_have_is_refused_with_advice() -> None:
    with pytest.raises(SingwizError) as caught:
        pitch_extractor(Settings("crepe"))
    assert caught.value.code == "extractor-unknown"
    assert all(name in caught.value.hint for name in PITCH_EXTRACTORS)


def test_every_extractor_can_be_chosen_in_a_config() -> None:
    assert sorted(explain("pe").choices) == sorted(PITCH_EXTRACTORS)


def test_a_missing_network_is_named_with_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(SingwizError, match=re.escape(str(tmp_path / "nets/rmvpe.pt"))) as caught:
        pitch_extractor(Settings("rmvpe"), base_dir=tmp_path)
    assert caught.value.code == "extractor-checkpoint-missing"
    assert "singwiz assets get rmvpe" in caught.value.hint
    assert "parselmouth" in caught.value.hint


def test_a_network_is_loaded_once_from_below_the_base_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    class Rmvpe:
        def __init__(self, checkpoint: Path, *, device: str = "auto") -> None:
            loaded.append((checkpoint, device))

    stand_in = ModuleType("singwiz.core.features.rmvpe")
    stand_in.Rmvpe = Rmvpe
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    file = tmp_path / "nets" / "rmvpe.pt"
    file.parent.mkdir()
    file.write_bytes(b"")
    first, again = (
        pitch_extractor(Settings("rmvpe"), base_dir=tmp_path, device="cpu") for _ in range(2)
    )
    assert first is again
    assert loaded == [(file, "cpu")]


def test_a_fetched_network_is_found_without_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINGWIZ_ASSETS", str(tmp_path / "shared"))
    (tmp_path / "model.pt").write_bytes(b"weights")
    fetched = Library().add("rmvpe", tmp_path / "model.pt").main
    usual = "checkpoints/rmvpe/model.pt"
    named = tmp_path / "checkpoints" / "rmvpe" / "model.pt"
    assert network_file(usual, tmp_path, "pitch") == fetched
    assert network_file("", tmp_path, "pitch") == fetched
    assert network_file("", tmp_path, "separator") is None
    named.parent.mkdir(parents=True)
    named.write_bytes(b"weights")
    assert network_file(usual, tmp_path, "pitch") == named, "the config comes first"
    # What it is, its loader judges.
    named.unlink()
    settings = Settings("rmvpe")
    settings.pe_ckpt = usual
    with pytest.raises(SingwizError, match=re.escape(fetched.name)) as caught:
        pitch_extractor(settings, base_dir=tmp_path, device="cpu")
    assert caught.value.code != "extractor-checkpoint-missing"


def test_resampled_pitch_is_filled_before_it_is_resampled() -> None:
    f0, uv = resample_pitch(np.array([0, 100, 0, 0, 400, 0], np.float32), 0.01, 0.005, 12)
    # Filled: 100, 100, 158.7, 252, 400, 400; straight lines in Hz between.
    expected = [100, 100, 100, 129.37, 158.74, 205.37, 251.98, 325.99, 400, 400, 400, 400]
    np.testing.assert_allclose(f0, expected, rtol=1e-4)
    # Half-way between a voiced and an unvoiced value is not yet unvoiced.
    assert uv.astype(int).tolist() == [1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert f0.dtype == np.float32
    assert uv.dtype == np.bool_


def test_resampled_pitch_of_one_value_or_of_silence() -> None:
    f0, uv = resample_pitch(np.array([220.0]), 0.01, HOP / SAMPLE_RATE, 3)
    assert f0.tolist() == [220, 220, 220]
    assert not uv.any()
    f0, uv = resample_pitch(np.zeros(9), 0.01, HOP / SAMPLE_RATE, 4)
    assert not f0.any()
    assert uv.all()
    with pytest.raises(ValueError, match="without points"):
        resample_pitch(np.zeros(0), 0.01, HOP / SAMPLE_RATE, 4)
