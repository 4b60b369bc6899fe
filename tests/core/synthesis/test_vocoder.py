"""Which vocoder a config gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from singwiz.core.config import Config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.models import build_model
from singwiz.core.reporting import Reporter
from singwiz.core.synthesis.singer import Singer
from singwiz.core.synthesis.vocoder import VocoderChoice, load_vocoder, mel_differences

from .conftest import make_experiment, segment

TINY = {
    "resblock": "2",
    "upsample_rates": [8, 8, 8],
    "upsample_kernel_sizes": [16, 16, 16],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 2]],
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
    "n_fft": 2048,
    "win_size": 2048,
    "fmin": 40,
    "fmax": 16000,
    "mini_nsf": True,
}
"""A vocoder for the mel everybody uses, and a tiny network."""


def tiny_vocoder(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    config = {**TINY, **changes}
    torch.manual_seed(0)
    state = build_model("vocoder", config).state_dict()
    torch.save({"generator": state}, folder / "model.ckpt")
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "model.ckpt"


class Listener(Reporter):
    def __init__(self) -> None:
        self.warnings: list[tuple[str, str]] = []

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings.append((code, message))


def configured(**overrides: Any) -> Config:
    return load_config({"base_config": ["configs/acoustic.yaml"]}, overrides=overrides)


def test_a_configured_file_or_folder_is_used(tmp_path: Path):
    path = tiny_vocoder(tmp_path / "tiny")
    listener = Listener()
    for value in (path, path.parent):
        vocoder = load_vocoder(configured(vocoder_ckpt=str(value)), reporter=listener)
        assert (vocoder.label, vocoder.is_preview) == ("tiny", False)
    assert listener.warnings == []
    mel = np.full((4, 128), -5, np.float32)
    assert vocoder.synthesise(mel, np.full(4, 200, np.float32)).shape == (4 * 512,)


def test_without_a_file_there_is_the_preview_vocoder(tmp_path: Path):
    listener = Listener()
    assert load_vocoder(configured(vocoder_ckpt=""), reporter=listener).is_preview
    assert listener.warnings == []
    lost = configured(vocoder_ckpt=str(tmp_path / "lost.ckpt"))
    assert load_vocoder(lost, reporter=listener).is_preview
    assert [code for code, _ in listener.warnings] == ["vocoder-missing"]


def test_the_users_choice_is_stronger_than_the_config(tmp_path: Path):
    path = tiny_vocoder(tmp_path / "tiny")
    config = configured(vocoder_ckpt=str(path))
    assert load_vocoder(config, choice=VocoderChoice("preview")).is_preview
    empty = configured(vocoder_ckpt="")
    assert load_vocoder(empty, choice=VocoderChoice(str(path))).label == "tiny"
    with pytest.raises(SingwizError, match="There is no vocoder"):
        load_vocoder(config, choice=VocoderChoice(str(tmp_path / "lost.ckpt")))


def test_a_vocoder_for_another_mel_is_refused_with_all_differences(tmp_path: Path):
    path = tiny_vocoder(tmp_path / "other", fmin=0, win_size=1024, fmax=None)
    config = configured(vocoder_ckpt=str(path))
    with pytest.raises(SingwizError) as caught:
        load_vocoder(config)
    assert caught.value.code == "vocoder-mismatch"
    for part in (
        "win_size is 2048, the vocoder's win_size 1024",
        "fmin is 40, the vocoder's fmin 0",
        "fmax is 16000, the vocoder's fmax 22050",
    ):
        assert part in caught.value.message
    listener = Listener()
    choice = VocoderChoice(any_mel=True)
    assert load_vocoder(config, reporter=listener, choice=choice).label == "other"
    assert [code for code, _ in listener.warnings] == ["vocoder-mismatch"]


def test_other_bands_cannot_be_forced(tmp_path: Path):
    path = tiny_vocoder(tmp_path / "other", num_mels=80)
    with pytest.raises(SingwizError, match="audio_num_mel_bins is 128"):
        load_vocoder(configured(vocoder_ckpt=str(path)), choice=VocoderChoice(any_mel=True))


def test_only_what_the_vocoder_says_is_compared():
    config = {"audio_sample_rate": 44100, "hop_size": 512, "fmax": None}
    assert mel_differences(config, {}) == []
    assert mel_differences(config, {"sampling_rate": 44100.0, "fmax": 22050}) == []
    assert mel_differences(config, {"hop_size": 256}) == [
        "hop_size is 512, the vocoder's hop_size 256"
    ]


def test_a_scripted_vocoder_is_recognised_and_not_run(tmp_path: Path):
    class Module(torch.nn.Module):
        def forward(self, mel: torch.Tensor, f0: torch.Tensor) -> torch.Tensor:
            return f0

    torch.jit.script(Module()).save(str(tmp_path / "voice.jit"))
    data = {"sampling_rate": 44100, "n_mels": 128, "n_fft": 2048, "win_length": 2048}
    data |= {"block_size": 512, "mel_fmin": 40, "mel_fmax": 16000}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"data": data}))
    config = configured(vocoder="DDSP", vocoder_ckpt=str(tmp_path / "voice.jit"))
    with pytest.raises(SingwizError) as caught:
        load_vocoder(config)
    assert caught.value.code == "vocoder-untrusted"
    trusted = load_vocoder(config, choice=VocoderChoice(trusted=True))
    assert trusted.label == "DDSP voice"


def test_a_voice_sings_through_its_neural_vocoder(tmp_path: Path):
    vocoder = tiny_vocoder(tmp_path / "tiny")
    folder = make_experiment(tmp_path / "voice", vocoder_ckpt=str(vocoder))
    singer = Singer.load(folder, device="cpu")
    rendering = singer.sing(segment(), seed=1)
    assert not rendering.is_preview
    assert len(rendering.audio) == 512 * sum(rendering.segments[0].frames)
    assert np.array_equal(rendering.audio, singer.sing(segment(), seed=1).audio)
    preview = Singer.load(folder, device="cpu", vocoder=VocoderChoice("preview"))
    assert preview.sing(segment(), seed=1).is_preview


def test_a_rendering_takes_the_vocoder_of_its_parameters(tmp_path: Path):
    from singwiz.core.dataset.ds import write_ds
    from singwiz.core.jobs.rendering import render_experiment

    folder = make_experiment(tmp_path / "voice")
    other = tiny_vocoder(tmp_path / "tiny", win_size=1024)
    write_ds(tmp_path / "song.ds", [segment()])

    def render(**params: Any) -> dict[str, Any]:
        song = {"song": str(tmp_path / "song.ds"), "device": "cpu", **params}
        return render_experiment(folder, song, output_dir=tmp_path, reporter=Reporter())

    assert render()["preview"]
    with pytest.raises(SingwizError, match="other spectrograms"):
        render(vocoder=str(other))
    result = render(vocoder=str(other), any_mel=True)
    assert not result["preview"] and Path(result["wav"]).is_file()
