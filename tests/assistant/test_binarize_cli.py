"""``singwiz binarize`` for both models of a project, and for a config."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from singwiz.assistant.cli import main
from singwiz.core.binarize import BinaryDataset
from singwiz.core.demo.corpus import DemoCorpus, make_corpus

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> DemoCorpus:
    """A corpus whose labels also have words and notes."""
    made = make_corpus(tmp_path / "corpus", items=5, seconds=2.0)
    table = made.raw_data_dir / "transcriptions.csv"
    with table.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        count = len(row["ph_seq"].split())
        row["ph_num"] = " ".join(["1"] * count)
        row["note_seq"] = " ".join(["A3"] * count)
        row["note_dur"] = row["ph_dur"]
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return made


def test_a_project_prepares_both_of_its_models(
    run: Run, corpus: DemoCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "voice"
    assert (
        run(
            *("new", project, "--raw", corpus.raw_data_dir, "--speaker", "aoi"),
            *("--language", "demo", "--dictionary", corpus.dictionary, "--preset", "tiny"),
        )
        == 0
    )
    assert run("binarize", project, "--workers", "0") == 0
    capsys.readouterr()
    assert run("binarize", project, "--model", "variance", "--workers", "0", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == "variance"
    assert report["counts"] == {"valid": 1, "train": 4, "train_original": 4}
    assert report["notes"] == {"57": sum(report["phonemes"].values())}
    for kind, field in (("acoustic", "mel"), ("variance", "ph_dur")):
        assert field in BinaryDataset(project / "binary" / kind / "train")[0]


def test_a_config_of_diffsinger_prepares_a_variance_model(
    run: Run, corpus: DemoCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(path.stem for path in (corpus.raw_data_dir / "wavs").iterdir())
    config = tmp_path / "variance.yaml"
    content = {
        "base_config": ["configs/variance.yaml"],
        "datasets": [
            {
                "raw_data_dir": str(corpus.raw_data_dir),
                "speaker": "aoi",
                "language": "demo",
                "test_prefixes": [names[0]],
            }
        ],
        "dictionaries": {"demo": str(corpus.dictionary)},
        "binary_data_dir": str(tmp_path / "binary"),
        "predict_energy": True,
    }
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert run("binarize", "--config", config, "--workers", "0", "--pickled-meta") == 0
    shown = capsys.readouterr()
    assert "===== MIDI Pitch Distribution Summary =====" in shown.err
    assert "energy" in BinaryDataset(tmp_path / "binary" / "train")[0]
    assert (tmp_path / "binary" / "train.meta").is_file()
