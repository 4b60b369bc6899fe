"""DDSP vocoders: a small scripted module with the signature of the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

from singwiz.core import trust
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.ddsp import DdspVocoder, is_torchscript
from singwiz.core.vocoder_checkpoint import read_vocoder_config

DATA = {
    "sampling_rate": 16000,
    "n_mels": 4,
    "n_fft": 256,
    "win_length": 256,
    "block_size": 64,
    "mel_fmin": 40,
    "mel_fmax": 8000,
}


class Scripted(nn.Module):
    """Lays open what it was given: mel, f0, noise, in the first samples of each frame."""

    def forward(self, mel: Tensor, f0: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        frames = mel.shape[1]
        signal = torch.zeros(1, frames, 64)
        signal[:, :, 0:4] = mel
        signal[:, :, 4:5] = f0
        signal[:, :, 5] = torch.rand(1, frames)
        return signal.reshape(1, frames * 64), f0, (mel, mel)


@pytest.fixture
def jit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(trust, "trust_file", lambda: tmp_path / "data/trusted.json")
    folder = tmp_path / "ddsp"
    folder.mkdir()
    torch.jit.script(Scripted()).save(str(folder / "model-traced-torch2.0.jit"))
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": DATA, "model": {"type": "Sins"}}))
    return folder / "model-traced-torch2.0.jit"


def test_a_program_runs_only_after_it_was_trusted(jit: Path):
    with pytest.raises(SingwizError) as caught:
        DdspVocoder.load(jit)
    assert caught.value.code == "vocoder-untrusted"
    assert "singwiz vocoder trust" in caught.value.hint
    assert DdspVocoder.load(jit, trusted=True).label == "DDSP model-traced-torch2.0"
    with pytest.raises(SingwizError):
        DdspVocoder.load(jit)
    trust.trust(jit.read_bytes(), jit.name)
    DdspVocoder.load(jit)
    jit.write_bytes(jit.read_bytes() + b" ")
    with pytest.raises(SingwizError):
        DdspVocoder.load(jit)


def test_it_is_given_log10_mels_and_f0_as_a_column(jit: Path):
    vocoder = DdspVocoder.load(jit, trusted=True)
    assert (vocoder.sample_rate, vocoder.hop_size, vocoder.is_preview) == (16000, 64, False)
    mel = np.random.default_rng(0).normal(-3, 1, (6, 4)).astype(np.float32)
    f0 = np.linspace(100, 200, 6).astype(np.float32)
    sound = vocoder.synthesise(mel, f0)
    assert sound.shape == (6 * 64,)
    frames = sound.reshape(6, 64)
    np.testing.assert_allclose(frames[:, :4], mel * 0.434294, rtol=1e-6)
    np.testing.assert_allclose(frames[:, 4], f0)
    assert len(set(frames[:, 5])) == 6
    state = torch.random.get_rng_state()
    assert np.array_equal(vocoder.synthesise(mel, f0), sound)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert vocoder.synthesise(mel[:0], f0[:0]).shape == (0,)
    with pytest.raises(ValueError, match="4 bands"):
        vocoder.synthesise(mel[:, :3], f0)


def test_what_goes_wrong_in_the_program_is_told(jit: Path):
    vocoder = DdspVocoder.load(jit, trusted=True)
    vocoder.num_mels = 3
    with pytest.raises(SingwizError) as caught:
        vocoder.synthesise(np.zeros((2, 3), np.float32), np.zeros(2, np.float32))
    assert caught.value.code == "vocoder-failed"


def test_files_are_told_apart_by_their_content(jit: Path, tmp_path: Path):
    torch.save({"generator": {}}, tmp_path / "model.jit")
    (tmp_path / "torn.jit").write_bytes(jit.read_bytes()[:400])
    assert is_torchscript(jit)
    assert not is_torchscript(tmp_path / "model.jit")
    assert not is_torchscript(tmp_path / "torn.jit")
    assert not is_torchscript(tmp_path / "none.jit")


def test_a_missing_or_partial_config_is_named(jit: Path):
    assert read_vocoder_config(jit)["num_mels"] == 4
    config = jit.with_name("config.yaml")
    for text in ("data: {n_mels: 4}", "data", "data: [", ""):
        config.write_text(text)
        with pytest.raises(SingwizError, match="cannot be read"):
            read_vocoder_config(jit)
    config.unlink()
    with pytest.raises(SingwizError, match="there is no config"):
        DdspVocoder.load(jit, trusted=True)
