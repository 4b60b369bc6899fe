"""RMVPE from its file to frames of a mel. The weights are made from names: pitch is not musical."""

from __future__ import annotations

import pickle
import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.core.errors import SingwizError
from singwiz.core.features import rmvpe
from singwiz.core.features.pitch import PitchExtractor, pitch_extractor, resample_pitch
from singwiz.core.features.rmvpe import Rmvpe
from singwiz.core.models import build_model
from singwiz.core.models.extractors.rmvpe_decoding import decode
from singwiz.core.models.extractors.rmvpe_mel import log_mel, pad_waveform
from singwiz.core.models.resampling import sinc_resample

SEEDED = runpy.run_path(str(Path(__file__).parents[2] / "golden" / "seeded_weights.py"))
FRAMES = {"hop_size": 512, "length": 40}


SMALL = {"n_blocks": 1, "inter_layers": 1, "en_out_channels": 4}
"""A thirtieth of the published network; that one is loaded in the tests of assets and fixtures."""


@pytest.fixture(scope="module", autouse=True)
def structure() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rmvpe, "STRUCTURE", SMALL)
        yield


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    network = build_model("rmvpe", SMALL).eval()
    SEEDED["seed_module"](network)
    # So small inputs of the recurrent layer make it forget, as a trained one does.
    network.cnn.weight.data *= 1e-3
    return network


@pytest.fixture(scope="module")
def checkpoint(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rmvpe") / "model.pt"
    optional = ("unet.tf.", "num_batches_tracked")
    weights = {
        name: value
        for name, value in network.state_dict().items()
        if not (name.startswith(optional[0]) or name.endswith(optional[1]))
    }
    torch.save({"model": weights}, path)
    return path


@pytest.fixture(scope="module")
def extractor(checkpoint: Path) -> Rmvpe:
    return Rmvpe(checkpoint, device="cpu")


def voice(seconds: float, rate: int = 16000, seed: int = 0) -> np.ndarray:
    times = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * 220 * k * times) / k for k in range(1, 9))
    noise = np.random.default_rng(seed).standard_normal(len(times))
    return (0.1 * tone * (np.sin(3 * times) > -0.5) + 0.003 * noise).astype(np.float32)


def reference(network: torch.nn.Module, waveform: np.ndarray) -> np.ndarray:
    """F0 of 16 kHz audio by the network as it was built, nothing folded, all at once."""
    samples = torch.from_numpy(waveform)[None]
    with torch.inference_mode():
        hidden = network(log_mel(pad_waveform(samples)))[0, : len(waveform) // 160 + 1]
        return decode(hidden).numpy()


def test_a_file_of_the_community_gives_what_its_network_gives(network, extractor) -> None:
    waveform = voice(0.7)
    found = extractor.f0([waveform], 16000)[0]
    assert found.shape == (71,)
    np.testing.assert_allclose(found, reference(network, waveform), rtol=1e-4)


def test_frames_follow_the_hop_and_the_speed(extractor: PitchExtractor) -> None:
    waveform = voice(0.7, 44100)
    samples = sinc_resample(torch.from_numpy(waveform), 44100, 16000).numpy()
    at_10_ms = extractor.f0([samples], 16000)[0]
    for speed in (1.0, 1.3):
        f0, unvoiced = extractor.extract(waveform, 44100, speed=speed, **FRAMES)
        expected = resample_pitch(at_10_ms, 0.01, round(512 * speed) / 44100, 40)
        np.testing.assert_allclose(f0, expected[0], rtol=1e-4)
        assert f0.dtype == np.float32
        assert unvoiced.tolist() == expected[1].tolist()


def test_other_speeds_of_one_recording_do_not_ask_the_network_again(extractor, monkeypatch) -> None:
    waveform = voice(0.3)
    extractor.extract(waveform, 16000, **FRAMES)
    monkeypatch.setattr(extractor, "network", None)
    extractor.extract(waveform.copy(), 16000, speed=0.8, **FRAMES)
    with pytest.raises(TypeError):
        extractor.extract(waveform * 0.5, 16000, **FRAMES)


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("samples", [0, 1, 100])
def test_audio_of_one_frame_holds_its_pitch(extractor, samples: int, rate: int) -> None:
    f0, unvoiced = extractor.extract(np.ones(samples, np.float32), rate, hop_size=256, length=5)
    assert np.ptp(f0) == 0
    assert f0.shape == unvoiced.shape == (5,)
    assert np.isfinite(f0).all()


def test_frames_below_the_threshold_or_outside_the_limits_are_unvoiced(
    extractor: Rmvpe, monkeypatch
) -> None:
    silence = np.zeros(8000, np.float32)
    everything = extractor.f0([silence], 16000)[0]
    assert (everything > 0).all()
    middle = float(np.median(everything))
    monkeypatch.setattr(extractor, "limits", (middle, 4000.0))
    limited = extractor.f0([silence], 16000)[0]
    np.testing.assert_array_equal(limited, np.where(everything < middle, 0, everything))
    monkeypatch.setattr(extractor, "threshold", 1.0)
    f0, unvoiced = extractor.extract(silence, 16000, **FRAMES)
    assert unvoiced.all()
    assert not f0.any()


def test_a_batch_gives_what_single_recordings_give(extractor: Rmvpe) -> None:
    seconds = (0.2, 0.5, 0.21, 0.9, 0.22)
    waveforms = [voice(length, seed=number) for number, length in enumerate(seconds)]
    many = extractor.extract_many(waveforms, 16000, hop_size=80, lengths=[50, 90, 40, 100, 60])
    assert [len(f0) for f0, _ in many] == [50, 90, 40, 100, 60]
    for waveform, (f0, unvoiced) in zip(waveforms, many, strict=True):
        alone = extractor.extract(waveform, 16000, hop_size=80, length=len(f0))
        np.testing.assert_allclose(f0, alone[0], rtol=1e-3)
        assert unvoiced.tolist() == alone[1].tolist()
    assert extractor.extract_many([], 16000, hop_size=80, lengths=[]) == []


def test_pieces_of_a_long_recording_give_what_the_whole_gives(extractor, monkeypatch) -> None:
    waveform = voice(6.5)
    whole = extractor.f0([waveform], 16000)[0]
    monkeypatch.setattr(rmvpe, "WHOLE", 600)
    monkeypatch.setattr(rmvpe, "_PIECE", 320)
    monkeypatch.setattr(rmvpe, "_CONTEXT", 256)
    pieces = extractor.f0([waveform], 16000)[0]
    assert len(pieces) == len(whole) == 651
    np.testing.assert_allclose(pieces, whole, rtol=1e-3)


def test_pieces_cover_every_frame_once_and_start_on_the_grid() -> None:
    for frames in (1, rmvpe.WHOLE, rmvpe.WHOLE + 1, 8192, 20001):
        pieces = rmvpe._pieces(frames)
        kept = [frame for _, part in pieces for frame in range(frames)[part]]
        assert kept == list(range(frames))
        for heard, part in pieces:
            assert heard.start % 32 == 0
            assert heard.start <= part.start < part.stop <= heard.stop <= frames


def test_options_of_the_extractor_are_used(checkpoint: Path) -> None:
    options = {"threshold": 0.01, "limits": (20.0, 3000.0), "viterbi": True}
    smooth = Rmvpe(checkpoint, device="cpu", **options)
    assert (smooth.threshold, smooth.limits) == (0.01, (20.0, 3000.0))
    f0 = smooth.f0([voice(0.5)], 16000)[0]
    assert (f0 > 0).all()
    # 29 classes of 20 cents, and the four on either side that are averaged.
    assert np.abs(np.diff(1200 * np.log2(f0))).max() < (29 + 8) * 20
    smooth.viterbi = False
    assert np.abs(np.diff(1200 * np.log2(smooth.f0([voice(0.5)], 16000)[0]))).max() > 740


def test_the_config_key_leads_to_the_network(checkpoint: Path) -> None:
    class Settings:
        pe, pe_ckpt, f0_min, f0_max = "rmvpe", checkpoint.name, 65.0, 1100.0

    found = pitch_extractor(Settings(), base_dir=checkpoint.parent, device="cpu")
    assert isinstance(found, Rmvpe)
    assert pitch_extractor(Settings(), base_dir=checkpoint.parent, device="cpu") is found


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("hostile-was-run"),))


def refused(path: Path) -> SingwizError:
    with pytest.raises(SingwizError) as caught:
        Rmvpe(path, device="cpu")
    assert caught.value.where == str(path)
    assert caught.value.hint
    return caught.value


def test_files_that_are_no_network_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    assert refused(path).code == "checkpoint-missing"
    path.write_bytes(b"not a checkpoint")
    assert refused(path).code == "checkpoint-unreadable"
    path.write_bytes(pickle.dumps({"model": Hostile()}, protocol=2))
    assert refused(path).code == "checkpoint-unreadable"
    torch.save({"model": Hostile()}, path)
    assert refused(path).code == "checkpoint-unreadable"
    assert not Path("hostile-was-run").exists()
    for content in ([], {}, {"model": {}}, {"model": {"a": 1}}, {"model": {3: torch.ones(1)}}):
        torch.save(content, path)
        assert refused(path).code == "network-without-weights"


def test_a_truncated_file_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with checkpoint.open("rb") as source:
        path.write_bytes(source.read(1_000_000))
    assert refused(path).code == "checkpoint-unreadable"


def test_no_weight_may_be_missing_left_over_or_of_another_shape(tmp_path: Path) -> None:
    with torch.device("meta"):
        state = build_model("rmvpe", SMALL).state_dict()
    # One number seen in all places, so that the file stays small.
    right = {name: torch.zeros(()).expand(value.shape) for name, value in state.items()}
    path = tmp_path / "model.pt"
    for change, named in (
        ({"fc.1.weight": None}, "fc.1.weight is missing"),
        ({"choir": torch.ones(1)}, "choir is not part of the model"),
        ({"cnn.bias": torch.ones(4)}, "cnn.bias has shape (4,) instead of (3,)"),
    ):
        weights = {name: value for name, value in (right | change).items() if value is not None}
        torch.save({"model": weights}, path)
        error = refused(path)
        assert error.code == "network-does-not-fit"
        assert named in error.message
    torch.save({"model": right | {"cnn.bias": torch.tensor([1.0, torch.nan, 0.0])}}, path)
    assert "cnn.bias" in refused(path).message


def test_a_device_that_is_not_there_is_named(checkpoint: Path) -> None:
    with pytest.raises(SingwizError, match="cuda:99"):
        Rmvpe(checkpoint, device="cuda:99")
