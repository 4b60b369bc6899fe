"""VR from its files to two waveforms. A small network with weights made from names."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.core.errors import SingwizError
from singwiz.core.features import vr
from singwiz.core.features.separation import separator
from singwiz.core.features.vr import Vr
from singwiz.core.models import build_model
from singwiz.core.models.extractors import vr_audio

SEEDED = runpy.run_path(str(Path(__file__).parents[2] / "golden" / "seeded_weights.py"))
SIZES = "n_fft: 128\nhop_length: 32\nn_out: 8\nn_out_lstm: 8\n"
MONO = SIZES + "is_mono: true\n"
CONFIG = {"n_fft": 128, "hop_length": 32, "n_out": 8, "n_out_lstm": 8}


def seeded(**options: bool) -> torch.nn.Module:
    network = build_model("vr", CONFIG | options).eval()
    SEEDED["seed_module"](network)
    return network


def save(folder: Path, network: torch.nn.Module, settings: str) -> Path:
    torch.save(network.state_dict(), folder / "model.pt")
    (folder / "config.yaml").write_text(settings, encoding="utf-8")
    return folder / "model.pt"


def sound(samples: int) -> np.ndarray:
    times = np.arange(samples) / 16000
    noise = np.random.default_rng(1).standard_normal(samples)
    return (0.2 * np.sin(2 * np.pi * 300 * times) + 0.05 * noise).astype(np.float32)


def expected(network: torch.nn.Module, waveform: np.ndarray) -> np.ndarray:
    """The harmonic part by the network as it was built, nothing folded, all at once."""
    with torch.inference_mode():
        padded, left = vr_audio.pad_to_frames(torch.from_numpy(waveform)[None, None], hop_size=32)
        given = vr_audio.spectrum(
            padded.expand(-1, network.channels, -1), fft_size=128, hop_size=32
        )
        parted = vr_audio.waveform(given * network(given), fft_size=128, hop_size=32)
    return parted.mean(1)[0, left : left + len(waveform)].numpy()


def separate(found: Vr, waveform: np.ndarray, rate: int = 16000) -> tuple[np.ndarray, np.ndarray]:
    f0 = np.zeros(len(waveform) // 100, np.float32)
    return found.separate(waveform, f0, sample_rate=rate, hop_size=100, item_name="a")


@pytest.mark.parametrize("fixed_length", [None, True, False])
@pytest.mark.parametrize("mono", [True, False])
def test_files_of_the_community_give_what_their_network_gives(tmp_path, mono, fixed_length) -> None:
    built = seeded(is_mono=mono, fixed_length=fixed_length is not False)
    settings = SIZES + f"is_mono: {str(mono).lower()}\n"
    if fixed_length is not None:
        settings += f"fixed_length: {str(fixed_length).lower()}\n"
    waveform = sound(5003)
    harmonic, aperiodic = separate(Vr(save(tmp_path, built, settings), device="cpu"), waveform)
    np.testing.assert_allclose(harmonic, expected(built, waveform), atol=1e-6)
    np.testing.assert_array_equal(aperiodic, waveform - harmonic)
    other = seeded(is_mono=mono, fixed_length=fixed_length is False)
    assert np.abs(expected(other, waveform) - harmonic).max() > 1e-5


def test_a_network_trained_at_another_rate_hears_that_rate(tmp_path: Path) -> None:
    path = save(tmp_path, seeded(is_mono=True), MONO + "sr: 16000\n")
    at_16k = sound(8000)
    harmonic, _ = separate(Vr(path, device="cpu"), at_16k)
    times = np.arange(24000) / 48000
    high = np.sin(2 * np.pi * 15000 * times).astype(np.float32)
    at_48k = np.interp(times, np.arange(8000) / 16000, at_16k).astype(np.float32) + high
    found, rest = separate(Vr(path, device="cpu"), at_48k, 48000)
    assert found.shape == rest.shape == (24000,)
    # What the network cannot hear counts as breath.
    spectrum = np.abs(np.fft.rfft(found[2000:-2000]))
    assert spectrum[len(spectrum) // 2 :].max() < 1e-3 * spectrum.max()
    low = np.corrcoef(found[::3][100:-100], harmonic[100:-100])[0, 1]
    assert low > 0.9


@pytest.mark.parametrize("samples", [0, 1, 31, 700])
def test_short_audio_keeps_its_length(tmp_path: Path, samples: int) -> None:
    waveform = sound(samples)
    found = Vr(save(tmp_path, seeded(is_mono=True), MONO), device="cpu")
    harmonic, aperiodic = separate(found, waveform)
    assert harmonic.shape == aperiodic.shape == (samples,)
    assert harmonic.dtype == aperiodic.dtype == np.float32


def test_silence_stays_silence(tmp_path: Path) -> None:
    found = Vr(save(tmp_path, seeded(is_mono=True), MONO), device="cpu")
    harmonic, aperiodic = separate(found, np.zeros(3000, np.float32))
    assert not harmonic.any()
    assert not aperiodic.any()


@pytest.mark.parametrize("samples", [40001, 57345, 8193])
def test_pieces_of_a_long_recording_fade_into_what_the_whole_gives(
    tmp_path: Path, monkeypatch, samples: int
) -> None:
    settings = MONO + "fixed_length: false\n"
    built = seeded(is_mono=True, fixed_length=False)
    found = Vr(save(tmp_path, built, settings), device="cpu")
    waveform = sound(samples)
    whole = found.harmonic(waveform, 16000)
    monkeypatch.setattr(vr, "WHOLE", 256)
    pieces = found.harmonic(waveform, 16000)
    assert np.abs(pieces - whole).max() < 0.02 * np.abs(whole).max()
    monkeypatch.setattr(found, "_whole", lambda samples: samples.clone())
    np.testing.assert_allclose(found.harmonic(waveform, 16000), waveform, atol=1e-6)


def test_the_config_key_leads_to_the_network(tmp_path: Path) -> None:
    class Settings:
        hnsep, hnsep_ckpt, fft_size = "vr", "model.pt", 2048

    save(tmp_path, seeded(is_mono=True), MONO)
    found = separator(Settings(), base_dir=tmp_path, device="cpu")
    assert isinstance(found, Vr)
    assert separator(Settings(), base_dir=tmp_path, device="cpu") is found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SIZES, "is_mono is missing"),
        ("- a list", "no keys"),
        ("n_fft: [", "read as YAML"),
        (MONO + "x: !!python/object/apply:os.system ['true']", "read as YAML"),
        (MONO + "n_fft: 0", "n_fft must be a positive whole number"),
        (MONO + "hop_length: true", "hop_length must be a positive whole number"),
        (MONO + "n_out: 8.5", "n_out must be a positive whole number"),
        (MONO + "fixed_length: 3", "fixed_length must be true or false"),
        (MONO + "sr: 99999999", "sample rate"),
        (MONO + "n_fft: 100", "multiple of 64"),
        (MONO + f"n_out: {10**30}", "describe no VR network"),
        ("#" * (2**20 + 1), "too large"),
    ],
    ids=lambda value: value[-30:],
)
def test_settings_that_describe_no_network_are_refused(tmp_path, settings: str, said: str) -> None:
    path = save(tmp_path, torch.nn.Linear(1, 1), settings)
    with pytest.raises(SingwizError, match=said) as caught:
        Vr(path, device="cpu")
    assert caught.value.code == "network-config"
    assert caught.value.where == str(tmp_path / "config.yaml")


def test_settings_must_lie_beside_the_weights_and_fit_them(tmp_path: Path) -> None:
    path = save(tmp_path, seeded(is_mono=True), MONO.replace("n_out: 8", "n_out: 16"))
    with pytest.raises(SingwizError, match="does not hold a VR network") as caught:
        Vr(path, device="cpu")
    assert caught.value.where == str(path)
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(SingwizError, match=r"no config\.yaml"):
        Vr(path, device="cpu")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, torch.nn.Linear(2, 2), MONO)
    with pytest.raises(SingwizError) as caught:
        Vr(path, device="cpu")
    assert caught.value.code == "network-does-not-fit"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SingwizError) as caught:
        Vr(path, device="cpu")
    assert caught.value.code == "checkpoint-unreadable"
