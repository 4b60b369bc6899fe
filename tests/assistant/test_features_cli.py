"""``singwiz features``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from singwiz.assistant.cli import main
from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.jobs import list_jobs
from singwiz.core.project import Project


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    folder = tmp_path_factory.mktemp("corpus") / "demo"
    return make_corpus(folder, items=3, seconds=1.5, sample_rate=44100)


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


def test_pitch_extractors_are_compared_in_a_table_with_a_recommendation(
    run, project: Project
) -> None:
    code, out, _ = run("features", "compare", project.root, "--clips", "1")
    assert code == 0
    assert "the highest singing" in out
    for word in ("extractor", "parselmouth", "swift-f0", "harvest", "octaves"):
        assert word in out
    assert "Recommended: pe: " in out
    assert "singwiz assets get rmvpe" in out
    pictures = [line for line in out.splitlines() if line.startswith("Picture: ")]
    assert len(pictures) == 1
    assert Path(pictures[0].removeprefix("Picture: ")).is_file()
    assert [job.stage for job in list_jobs(project)] == ["features"]


def test_separators_are_compared(run, project: Project) -> None:
    code, out, _ = run("features", "separation", project.root, "--clips", "1")
    assert code == 0
    assert "tone left" in out
    assert "Recommended: hnsep: world" in out
    assert "singwiz assets get vr" in out


def test_a_diffsinger_config_and_one_recording_will_do(
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
    item = sorted(path.stem for path in (corpus.raw_data_dir / "wavs").iterdir())[0]
    code, out, err = run("features", "compare", item, "--config", config, "-o", "a.png", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert [clip["item"] for clip in result["clips"]] == [item]
    assert result["pitch"]["shown"][0]["picture"] == str(tmp_path / "a.png")


def test_a_folder_of_recordings_without_a_project_will_do(
    run, corpus: DemoCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("features", "separation", corpus.raw_data_dir, "--clips", "1", "--json")
    assert code == 0, err
    files = json.loads(out)["files"]
    assert files
    assert {Path(file).parent for file in files} == {tmp_path / "features"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("song", "--clips", "2"), "item-and-clips"),
        (("song", "--all"), "item-and-clips"),
        (("--dataset", "demo"), "item-missing"),
        (("nobody",), "item-not-found"),
    ],
)
def test_contradicting_wishes_are_refused(
    run, project: Project, arguments: tuple[str, ...], code: str
) -> None:
    status, _, err = run("features", "compare", project.root, *arguments)
    assert status == 2
    assert code in err
