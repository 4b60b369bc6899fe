"""A variance model through the command line, of a project and of a config of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.cli import main
from singwiz.core.demo.corpus import make_corpus

Run = Callable[..., str]

SMALL = [
    *("hidden_size=16", "enc_layers=1", "melody_encoder_args.hidden_size=16"),
    *("melody_encoder_args.enc_layers=1", "dur_prediction_args.hidden_size=16"),
    *(
        f"{part}_prediction_args.backbone_args.{key}"
        for part in ("pitch", "variances")
        for key in ("num_channels=16", "num_layers=1")
    ),
    *("predict_tension=true", "val_check_interval=2", "num_valid_plots=1", "sampling_steps=2"),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        assert int(end.value.code or 0) == code, captured.err
        return captured.out

    return run


def test_a_variance_model_is_prepared_and_trained(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = make_corpus(tmp_path / "recordings", items=4, seconds=2.0)
    voice = tmp_path / "my voice"
    run(
        *("new", voice, "--raw", corpus.raw_data_dir, "--speaker", "aoi"),
        *("--language", "demo", "--dictionary", corpus.dictionary, "--preset", "tiny"),
    )
    choices = ("--model", "variance", "--preset", "small", "--hardware", "cpu")
    run("config", "set", voice, *choices, *SMALL)
    run("binarize", voice, "--model", "variance", "--workers", "0")
    printed = run("train", voice, "--model", "variance", "--max-steps", "3")
    assert "phoneme length error (ms)" in printed
    assert "pitch error (cents)" in printed
    assert "best: step 2, lowest error against baseline" in printed
    folder = voice / "checkpoints" / "variance"
    assert (folder / "model_ckpt_steps_3.ckpt").is_file()
    assert {path.name for path in (folder / "validation" / "2").iterdir()} == {
        "0_dur.png",
        "0_pitch.png",
        "0_tension.png",
    }

    config = voice / "configs" / "variance.yaml"
    result: dict[str, Any] = json.loads(
        run("train", "--config", config, "--exp", "another", "--max-steps", "2", "--json")
    )
    assert result["steps"] == 2
    assert result["best"]["step"] == 2
    assert Path(result["checkpoint"]).parent == tmp_path / "checkpoints" / "another"
