"""``singwiz vocoder`` on real recordings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from singwiz.assistant.cli import main
from singwiz.core import trust
from singwiz.core.demo.corpus import make_corpus
from singwiz.core.models import build_model

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setattr(trust, "trust_file", lambda: tmp_path / "data/trusted.json")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def project(run: Run, tmp_path: Path) -> Path:
    corpus = make_corpus(tmp_path / "raw", items=3, seconds=1.5)
    code, _, err = run(
        *("new", tmp_path / "voice", "--raw", corpus.raw_data_dir, "--speaker", "aoi"),
        *("--language", "demo", "--dictionary", corpus.dictionary),
    )
    assert code == 0, err
    return tmp_path / "voice"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A vocoder for the usual mel, with random weights."""
    config: dict[str, Any] = {
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
    }
    folder = tmp_path / "tiny-vocoder"
    folder.mkdir()
    torch.save({"generator": build_model("vocoder", config).state_dict()}, folder / "model.ckpt")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_compare_writes_a_sound_per_vocoder_and_one_picture(run: Run, project: Path, tiny: Path):
    code, out, err = run(
        *("vocoder", "compare", project, "--vocoder", "preview", "--vocoder", tiny, "--json"),
        *("--device", "cpu"),
    )
    assert code == 0, err
    said = json.loads(out)
    assert [copy["vocoder"] for copy in said["copies"]] == ["preview (DSP)", "tiny-vocoder"]
    assert [copy["preview"] for copy in said["copies"]] == [True, False]
    recording, rate = soundfile.read(said["recording"])
    for copy in said["copies"]:
        sound, same = soundfile.read(copy["wav"])
        assert (len(sound), same) == (len(recording), rate)
    good, random = (copy["figures"] for copy in said["copies"])
    assert good["mel_l1"] < random["mel_l1"]
    assert Path(said["spectrogram"]).read_bytes().startswith(b"\x89PNG")
    assert Path(said["spectrogram"]).parent.parent == project / "renders"


def test_compare_prints_a_table_for_people(run: Run, project: Path):
    code, out, err = run("vocoder", "compare", project)
    assert code == 0, err
    assert "preview (DSP)" in out and "Mel error" in out
    code, _, err = run("vocoder", "compare", project, "nobody")
    assert code == 2 and "no usable recording 'nobody'" in err
    code, _, err = run("vocoder", "compare", project, "--vocoder", "lost.ckpt")
    assert code == 2 and "There is no vocoder" in err


def test_trust_is_for_programs_only(run: Run, tiny: Path, tmp_path: Path):
    class Module(torch.nn.Module):
        def forward(self, mel: torch.Tensor, f0: torch.Tensor) -> torch.Tensor:
            return f0

    program = tmp_path / "voice.jit"
    torch.jit.script(Module()).save(str(program))
    code, out, _ = run("vocoder", "trust", program)
    assert code == 0 and "Trusted: voice.jit" in out
    assert trust.is_trusted(program.read_bytes())
    code, _, err = run("vocoder", "trust", tiny / "model.ckpt")
    assert code == 2 and "no TorchScript vocoder" in err
