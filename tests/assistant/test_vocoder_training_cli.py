"""Training a vocoder of one's own on the command line, and singing through it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from singwiz.assistant.cli import main

RATE = 44100
SMALL = (
    "model_args.upsample_initial_channel=32",
    "model_args.resblock_kernel_sizes=[3]",
    "model_args.resblock_dilation_sizes=[[1,3]]",
    "model_args.discriminator_periods=[7]",
    "model_args.fast_mrd_fft_sizes=[512]",
    "model_args.fast_mrd_hop_sizes=[256]",
    "model_args.fast_mrd_win_lengths=[512]",
    "batch_size=2",
    "log_interval=1",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.delenv("SINGWIZ_DEBUG", raising=False)

    def call(*words: str | Path, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, words)])
        try:
            main()
            ended = 0
        except SystemExit as stop:
            ended = int(stop.code or 0)
        said = capsys.readouterr()
        assert ended == code, said.out + said.err
        return said.out if code == 0 else said.out + said.err

    return call


@pytest.fixture
def project(run: Any, tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    (raw / "wavs").mkdir(parents=True)
    for number in range(4):
        time = np.arange(int(0.5 * RATE)) / RATE
        tone = 0.2 * np.sin(2 * np.pi * (200 + 30 * number) * time)
        soundfile.write(raw / "wavs" / f"song{number}.wav", tone, RATE)
    rows = "".join(f"song{n},a,0.5\n" for n in range(4))
    (raw / "transcriptions.csv").write_text("name,ph_seq,ph_dur\n" + rows)
    (tmp_path / "dictionary.txt").write_text("a\ta\n")
    voice = tmp_path / "voice"
    run("new", voice, "--raw", raw, "--speaker", "aoi", "--language", "ja",
        "--dictionary", tmp_path / "dictionary.txt")  # fmt: skip
    run(
        "config",
        "set",
        voice,
        "--model",
        "vocoder",
        "--preset",
        "tiny",
        "--hardware",
        "cpu",
        *SMALL,
    )
    return voice


def test_from_recordings_to_a_vocoder_that_the_project_sings_with(
    run: Any, project: Path, tmp_path: Path
) -> None:
    shown = json.loads(run("config", "show", project, "--model", "vocoder", "--json"))
    assert shown["model_args"]["upsample_initial_channel"] == 32
    assert "singwiz train" in run("binarize", project, "--model", "vocoder", "--workers", "0")
    said = run("train", project, "--model", "vocoder", "--max-steps", "2")
    assert "Trained to step 2" in said
    # Without a validation there is no best one yet.
    assert "exported/last/model.ckpt" in said.replace("\n", "")
    made = json.loads(
        run("vocoder", "export", project, "--ckpt", "2", "-o", tmp_path / "mine", "--json")
    )
    assert made == {"vocoder": str(tmp_path / "mine" / "model.ckpt"), "step": 2}
    assert (tmp_path / "mine" / "config.json").is_file()
    run("config", "set", project, f"vocoder_ckpt={made['vocoder']}")
    compared = json.loads(run("vocoder", "compare", project, "song0", "--json"))
    assert [Path(copy["wav"]).is_file() for copy in compared["copies"]] == [True, True]


def test_a_vocoder_needs_its_own_preparation_first(run: Any, project: Path) -> None:
    said = run("train", project, "--model", "vocoder", code=1)
    assert "binarize" in said and "--model vocoder" in said.replace("\n", " ")
    said = run("vocoder", "export", project, code=1)
    assert "Train the vocoder first" in said.replace("\n", " ")
    assert "--exp" in run("vocoder", "export", code=2)
