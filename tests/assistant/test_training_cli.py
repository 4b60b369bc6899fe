"""``singwiz train --dry-run`` and ``singwiz speakers drop`` as users type them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.assistant.cli import main
from singwiz.core.binarize.storage import BinaryWriter
from singwiz.core.config import load_config, save_config

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a config and a little prepared data."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "binary"
    folder.mkdir()
    for split in ("train", "valid"):
        with BinaryWriter(folder, split) as writer:
            fields = {
                "spk_id": 0,
                "tokens": np.array([1, 2]),
                "mel": np.full((20, 8), -5, np.float32),
                "mel2ph": np.repeat([1, 2], 10),
                "f0": np.full(20, 200, np.float32),
            }
            meta = {"names": "song", "spk_names": "anna", "ph_texts": "a b"}
            writer.add(fields, length=20, meta=meta if split == "valid" else None)
    (folder / "phonemes.json").write_text(json.dumps({"a": 1, "b": 2}))
    config = load_config(
        {
            "base_config": ["configs/acoustic.yaml"],
            "binary_data_dir": "binary",
            "dictionaries": {"x": "x.txt"},
            "datasets": [],
            "audio_num_mel_bins": 8,
            "hidden_size": 16,
            "enc_layers": 1,
            "use_stretch_embed": False,
            "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
            "shallow_diffusion_args": {"aux_decoder_args": {"num_channels": 8, "num_layers": 1}},
            "max_updates": 30,
            "pl_trainer_precision": "32-true",
        }
    )
    save_config(config, tmp_path / "my.yaml")
    return tmp_path


def test_a_dry_run_tells_the_plan_and_writes_nothing(run: Run, prepared: Path) -> None:
    before = sorted(prepared.rglob("*"))
    code, out, err = run("train", "--config", "my.yaml", "--exp", "voice", "--dry-run", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert (plan["start"], plan["step"], plan["goal"]) == ("fresh", 0, 30)
    assert plan["cost"]["seconds"] > 0
    for number in range(1, 6):
        assert f"[{number}/5] " in err
    assert sorted(prepared.rglob("*")) == before


def test_speakers_are_dropped_by_name(run: Run, tmp_path: Path) -> None:
    table = {"model.fs2.spk_embed.weight": torch.ones(3, 2)}
    torch.save({"state_dict": table, "category": "acoustic"}, tmp_path / "in.ckpt")
    (tmp_path / "spk_map.json").write_text(json.dumps({"anna": 0, "ben": 1, "carl": 2}))
    arguments = ("speakers", "drop", tmp_path / "in.ckpt", tmp_path / "out.ckpt")
    code, out, err = run(*arguments, "--drop", "anna,2")
    assert code == 0, err
    assert "Dropped: anna, carl (zeros)" in out
    assert "Kept: ben" in out
    rows = torch.load(tmp_path / "out.ckpt", weights_only=True)["state_dict"]
    assert rows["model.fs2.spk_embed.weight"].tolist() == [[0, 0], [1, 1], [0, 0]]
    code, out, err = run(*arguments, "--retain", "ben")
    assert code == 2
    assert "output-exists" in err
    code, out, err = run(*arguments, "--retain", "ben", "--overwrite", "--json")
    assert json.loads(out)["dropped"] == [0, 2]
