"""Extractors compared on a project's recordings: what comes back and what is left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.jobs.events import to_plain
from singwiz.core.jobs.stages import run_stage
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter


class Listener(Reporter):
    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.warnings: list[tuple[str, str]] = []
        self.made: list[Path] = []
        self.stop = False

    def progress(self, done: float, total: float, label: str = "") -> None:
        self.steps.append((done, total))

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings.append((code, item))

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        self.made.append(path)

    def cancelled(self) -> bool:
        return self.stop


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    folder = tmp_path_factory.mktemp("corpus") / "demo"
    return make_corpus(folder, items=4, seconds=1.5, sample_rate=44100)


@pytest.fixture
def project(corpus: DemoCorpus, tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "声 voice")
    project.add_recordings(corpus.raw_data_dir, speaker="demo", language=corpus.language)
    project.state.dictionaries[corpus.language] = str(corpus.dictionary)
    project.save()
    return project


def compare(project: Project, reporter: Reporter | None = None, **params: Any) -> dict[str, Any]:
    return run_stage("features", project, params, reporter or Reporter())


def test_a_comparison_judges_draws_and_makes_audible(project: Project) -> None:
    listener = Listener()
    result = compare(project, listener, clips=2)
    json.dumps(to_plain(result), allow_nan=False)
    assert [clip["why"] for clip in result["clips"]] == ["highest", "lowest"]
    pitch, separation = result["pitch"], result["separation"]
    assert [one["name"] for one in pitch["figures"]] == ["parselmouth", "swift-f0", "harvest"]
    assert pitch["unavailable"].keys() == {"rmvpe"}
    assert "singwiz assets get rmvpe" in pitch["unavailable"]["rmvpe"]
    assert pitch["advice"]["name"] in ("parselmouth", "swift-f0")
    assert pitch["range"]["low"] < pitch["range"]["high"]
    assert separation["advice"]["name"] == "world"
    folder = project.root / "datasets" / ".features"
    assert {path.parent for path in listener.made} == {folder}
    assert sorted(map(str, listener.made)) == sorted(result["files"])
    for shown, clip in zip(pitch["shown"], result["clips"], strict=True):
        assert Path(shown["picture"]).read_bytes().startswith(b"\x89PNG")
        for sound in (shown["recording"], *shown["tones"].values()):
            length = soundfile.info(sound).duration
            assert length == pytest.approx(clip["end"] - clip["start"], abs=0.01)
    assert listener.steps[-1][0] < listener.steps[-1][1]


def test_a_complete_comparison_takes_the_place_of_the_one_before(project: Project) -> None:
    folder = project.root / "datasets" / ".features"
    folder.mkdir(parents=True)
    (folder / "old.png").write_bytes(b"")
    compare(project, clips=1, only="pitch")
    assert (folder / "old.png").exists()
    compare(project, clips=1)
    assert not (folder / "old.png").exists()


def test_one_recording_can_be_named_and_its_picture_too(
    project: Project, corpus: DemoCorpus, tmp_path: Path
) -> None:
    item = sorted(path.stem for path in (corpus.raw_data_dir / "wavs").iterdir())[0]
    target = tmp_path / "out" / "my picture.png"
    result = compare(project, item=item, only="pitch", output=str(target))
    (clip,) = result["clips"]
    assert clip["item"] == item
    assert clip["why"] == "asked"
    assert clip["start"] == 0
    assert "separation" not in result
    assert result["pitch"]["shown"][0]["picture"] == str(target)
    assert {Path(file).name for file in result["files"]} == {
        "my picture.png",
        "my picture.wav",
        "my picture-parselmouth.wav",
        "my picture-swift-f0.wav",
        "my picture-harvest.wav",
    }


def test_of_all_recordings_those_that_cannot_be_read_are_named_and_left_out(
    corpus: DemoCorpus, tmp_path: Path
) -> None:
    own = make_corpus(tmp_path / "demo", items=3, seconds=1.5, sample_rate=44100)
    broken = sorted((own.raw_data_dir / "wavs").iterdir())[0]
    broken.write_bytes(b"RIFF")
    project = Project.create(tmp_path / "voice")
    project.add_recordings(own.raw_data_dir, speaker="demo", language=own.language)
    project.state.dictionaries[own.language] = str(own.dictionary)
    listener = Listener()
    result = compare(project, listener, all=True, only="pitch")
    assert len(result["clips"]) == 2
    assert [item for _, item in listener.warnings] == [broken.stem]
    with pytest.raises(SingwizError):
        compare(project, item=broken.stem, only="pitch")


def test_the_pitch_range_that_the_config_cuts_is_widened(project: Project) -> None:
    project.state.overrides = {"f0_min": 65.0, "f0_max": 150.0}
    result = compare(project, clips=1, only="pitch")
    heard = result["pitch"]["range"]
    assert heard["f0_max"] > heard["high"] > 150
    assert any("f0_max" in note for note in result["pitch"]["advice"]["notes"])
    # The extractors were run with room for what is sung.
    assert all(one["found"] > 0.8 for one in result["pitch"]["figures"])


def test_a_comparison_can_be_stopped(project: Project) -> None:
    listener = Listener()
    listener.stop = True
    with pytest.raises(Cancelled):
        compare(project, listener, clips=1)
