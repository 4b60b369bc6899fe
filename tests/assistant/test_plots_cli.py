"""``singwiz plot``: what it prints and what it leaves behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from singwiz.assistant.cli import main
from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.jobs import list_jobs
from singwiz.core.project import Project


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    return make_corpus(tmp_path_factory.mktemp("corpus") / "声 demo", items=3, seconds=2.0)


@pytest.fixture
def project(corpus: DemoCorpus, tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "声 voice")
    project.add_recordings(corpus.raw_data_dir, speaker="demo", language=corpus.language)
    project.state.dictionaries[corpus.language] = str(corpus.dictionary)
    project.save()
    return project


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


def test_all_recordings_become_numbers_and_charts_in_the_project(run, project: Project) -> None:
    code, out, _ = run("plot", project.root, "--json")
    assert code == 0
    result = json.loads(out)
    (one,) = result["profile"]["datasets"]
    assert len(one["recordings"]) == 3
    assert one["lowest"] < one["median"] < one["highest"]
    folder = project.root / "datasets" / ".profile"
    assert Path(result["file"]).parent == folder
    assert len(result["pictures"]) == 4
    for picture in result["pictures"]:
        assert Path(picture).parent == folder
        assert Path(picture).read_bytes().startswith(b"\x89PNG")
    (job,) = list_jobs(project)
    assert job.stage == "profile"
    assert len([one for one in job.events() if one.get("kind") == "image"]) == 4


def test_the_important_numbers_are_printed_and_old_charts_vanish(run, project: Project) -> None:
    gone = project.root / "datasets" / ".profile" / "somebody-pitch.png"
    gone.parent.mkdir(parents=True)
    gone.write_bytes(b"old")
    code, out, _ = run("plot", project.root)
    assert code == 0
    assert "3 recordings" in out
    assert "pitch: " in out
    assert "rarest: " in out
    assert not gone.exists()


def test_one_recording_becomes_a_picture_and_a_sound(
    run, project: Project, corpus: DemoCorpus, tmp_path: Path
) -> None:
    item = sorted(path.stem for path in (corpus.raw_data_dir / "wavs").iterdir())[0]
    target = tmp_path / "out put"
    code, out, _ = run("plot", project.root, item, "-o", target, "--start", "0.5", "--end", "1.25",
                       "--json")  # fmt: skip
    assert code == 0
    result = json.loads(out)
    assert Path(result["picture"]).parent == target
    assert soundfile.info(result["wav"]).duration == pytest.approx(0.75, abs=0.001)
    code, _, err = run("plot", project.root, "nobody")
    assert code == 2
    assert "item-not-found" in err
    code, _, err = run("plot", project.root, "--start", "2")
    assert code == 2
    assert "item-missing" in err


def test_a_diffsinger_config_will_do(
    run, corpus: DemoCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "my.yaml"
    content = {
        "task_cls": "training.acoustic_task.AcousticTask",
        "dictionaries": {corpus.language: str(corpus.dictionary)},
        "datasets": [
            {
                "raw_data_dir": str(corpus.raw_data_dir),
                "speaker": "demo",
                "language": corpus.language,
                "test_prefixes": [],
            }
        ],
    }
    config.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    code, out, err = run("plot", "--config", config, "--json")
    assert code == 0, err
    assert {Path(path).parent for path in json.loads(out)["pictures"]} == {tmp_path / "plots"}
