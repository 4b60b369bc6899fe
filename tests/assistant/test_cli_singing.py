"""``singwiz render``, ``predict``, ``score`` and ``vocode`` with tiny untrained voices."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from singwiz.assistant.cli import main
from singwiz.core.dataset.ds import read_ds, write_ds
from singwiz.core.project import Project

from ..core.songs.conftest import musicxml, xml_note
from ..core.synthesis.conftest import (
    make_experiment,
    make_variance_experiment,
    score,
    segment,
    vowel,
)

RATE = 44100


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("SINGWIZ_DEBUG", raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose voice reads breathiness, with variance models in two experiments."""
    home = tmp_path_factory.mktemp("home")
    raw = home / "raw"
    (raw / "wavs").mkdir(parents=True)
    pitch = np.full(2 * RATE, 220.0) * (1 + 0.01 * np.sin(np.arange(2 * RATE) / 1500))
    soundfile.write(raw / "wavs" / "one.wav", vowel(pitch), RATE)
    soundfile.write(raw / "wavs" / "two.wav", vowel(pitch), RATE)
    cells = (
        '"SP s a n i SP","0.2 0.1 0.6 0.1 0.8 0.2","2 2 1 1","rest A3 A3 rest","0.3 0.7 0.8 0.2"'
    )
    rows = ["name,ph_seq,ph_dur,ph_num,note_seq,note_dur", f"one,{cells}", f"two,{cells}"]
    (raw / "transcriptions.csv").write_text("\n".join(rows))
    dictionary = home / "demo.txt"
    dictionary.write_text("a\ta\nsa\ts a\nni\tn i\n")
    project = Project.create(home / "voice")
    project.add_recordings(raw, speaker="anna", language="demo")
    project.state.dictionaries = {"demo": str(dictionary)}
    project.save()
    make_experiment(project.checkpoints_dir / "acoustic", use_breathiness_embed=True, hnsep="world")
    make_variance_experiment(project.checkpoints_dir / "dur", "dur")
    make_variance_experiment(
        project.checkpoints_dir / "variance", "pitch", "breathiness", hnsep="world"
    )
    return project.root


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "voice"))


def test_a_song_without_anything_is_completed_with_the_projects_models(
    run: Run, project: Path, tmp_path: Path
) -> None:
    write_ds(tmp_path / "song.ds", [score()])
    shown = run(
        *("render", project, tmp_path / "song.ds", "--seed", "1", "--key", "2"),
        *("--ds-out", tmp_path / "done.ds"),
    )
    assert shown.code == 0
    assert "Variance models: dur, variance" in shown.err
    assert "Predicted: dur, pitch, breathiness" in shown.out
    assert (project / "renders" / "song+2key.wav").is_file()
    done = read_ds(tmp_path / "done.ds")[0]
    assert done["note_seq"] == "rest D4 E4 F#4 rest"
    assert {"ph_dur", "f0_seq", "breathiness_timestep"} <= set(done)
    again = run("render", project, tmp_path / "done.ds", "--json").data
    assert again["predicted"] == {}
    assert again["variance"] == []
    refused = run("render", project, tmp_path / "song.ds", "--no-variance")
    assert refused.code == 1
    assert "ds-key-missing" in refused.err


def test_a_folder_of_songs_and_scores_is_rendered_several_times(
    run: Run, project: Path, tmp_path: Path
) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    write_ds(songs / "a.ds", [score()])
    notes = musicxml(xml_note("C4", 2, "sa") + xml_note("D4", 2, "ni"))
    (songs / "b.musicxml").write_bytes(notes)
    made = run(
        *("render", project, songs, "--num", "2", "--seed", "1", "-o", tmp_path / "out", "--json")
    ).data
    names = ["a-000.wav", "a-001.wav", "b-000.wav", "b-001.wav"]
    assert [Path(one["wav"]).name for one in (made, *made["more"])] == names
    assert all((tmp_path / "out" / name).is_file() for name in names)
    first, second = (soundfile.read(tmp_path / "out" / name)[0] for name in names[:2])
    assert first.shape != second.shape or not np.array_equal(first, second)
    assert made["more"][2]["predicted"] == {"dur": 1, "pitch": 1, "breathiness": 1}
    one_file = run("render", project, songs, "-o", tmp_path / "x.wav")
    assert one_file.code == 2
    assert "output-not-folder" in one_file.err


def test_mels_can_be_written_and_vocoded_later(run: Run, project: Path, tmp_path: Path) -> None:
    song = segment(breathiness="-30 -30", breathiness_timestep="1")
    write_ds(tmp_path / "song.ds", [song, song | {"offset": 1.2}])
    arguments = ("render", project, tmp_path / "song.ds", "--seed", "1")
    sound = run(*arguments, "-o", tmp_path / "direct.wav")
    assert sound.code == 0
    for name in ("song.mel.pt", "song.npz"):
        mels = run(*arguments, "--mel", "-o", tmp_path / name, "--json").data
        assert mels["mel"] == str(tmp_path / name)
        assert "wav" not in mels
        vocoded = run("vocode", tmp_path / name, "--project", project, "--json").data
        assert vocoded["wav"] == str(tmp_path / "song.wav")
        direct, later = (soundfile.read(tmp_path / wav)[0] for wav in ("direct.wav", "song.wav"))
        assert np.array_equal(direct, later)
    (tmp_path / "evil.mel.pt").write_bytes(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    refused = run("vocode", tmp_path / "evil.mel.pt", "--project", project)
    assert refused.code == 2
    assert "mel-unreadable" in refused.err


def test_predict_writes_beside_the_song_and_only_what_is_asked_for(
    run: Run, project: Path, tmp_path: Path
) -> None:
    song = tmp_path / "song.ds"
    write_ds(song, [score(), score(offset=3)])
    before = song.read_bytes()
    all_of_it = run("predict", project, song, "--seed", "1", "--json").data
    assert all_of_it["ds"] == [str(tmp_path / "song_variance.ds")]
    assert all_of_it["predicted"] == {"dur": 2, "pitch": 2, "breathiness": 2}
    assert song.read_bytes() == before
    only = run("predict", project, song, "--predict", "pitch", "-o", tmp_path / "p.ds")
    assert only.code == 0
    assert "Predicted: pitch (2 parts)" in only.out
    assert "ph_dur" not in read_ds(tmp_path / "p.ds")[0]
    other = run(
        *(
            "infer",
            "variance",
            song,
            "--exp",
            project / "checkpoints" / "dur",
            "--title",
            "timed",
            "--json",
        )
    ).data
    assert other["ds"] == [str(tmp_path / "timed.ds")]
    assert other["predicted"] == {"dur": 2}
    again = run(
        *("predict", project, tmp_path / "song_variance.ds", "--retake", "pitch:1-1.5"),
        *("-o", tmp_path / "again.ds", "--json"),
    ).data
    assert again["predicted"] == {"pitch": 1}


def test_recordings_are_compared_with_what_is_predicted(run: Run, project: Path) -> None:
    shown = run(
        *("render", project, "--item", "one", "--predict", "dur,pitch", "--seed", "1", "--json")
    )
    result = shown.data
    figures = result["figures"]
    assert result["predicted"] == {"dur": 1, "pitch": 1}
    assert Path(result["recording"]).is_file()
    # Both recordings have the same labels, so mean lengths are the truth up to whole frames.
    assert figures["dur_baseline_ms"] < 15
    assert figures["dur_ms"] > 30
    assert figures["pitch_baseline_cents"] < 25
    assert figures["pitch_cents"] > 50
    assert "mel_l1" not in figures
    plain = run("render", project, "--item", "one", "--seed", "1", "--json").data
    assert plain["predicted"] == {}
    assert plain["figures"]["mel_l1"] > 0


def test_score_makes_a_ds_file_without_any_voice(run: Run, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "tune.musicxml"
    path.write_bytes(musicxml(xml_note("C4", 2, "sa") + xml_note("D4", 2, "xa")))
    unknown = run("score", project, path)
    assert unknown.code == 1
    assert "lyric-unknown" in unknown.err
    assert "bar 1, beat 3" in unknown.err
    given = run(*("score", path, "--dictionary", tmp_path.parent / "none.txt", "--lyrics", "sa ni"))
    assert "dictionary-not-found" in given.err
    made = run("score", project, path, "--lyrics", "sa ni", "--json").data
    assert made == {"ds": [str(tmp_path / "tune.ds")], "segments": 1}
    (segment,) = read_ds(tmp_path / "tune.ds")
    assert (segment["ph_seq"], segment["lang"]) == ("SP s a n i SP", "demo")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("render", "PROJECT", "song.ds", "--predict", "pich"), "predict-unknown", 2),
        (("render", "PROJECT", "song.ds", "--predict", "tension"), "predict-not-trained", 2),
        (("render", "PROJECT", "song.ds", "--variance", "nobody"), "experiment-not-found", 2),
        (("render", "PROJECT", "song.ds", "--variance", "acoustic"), "experiment-kind", 2),
        (("render", "PROJECT", "song.ds", "--exp", "dur"), "experiment-kind", 2),
        (("render", "PROJECT", "song.ds", "--retake", "pitch"), "retake-invalid", 2),
        (("render", "PROJECT", "song.ds", "-o", "song.mp3"), "output-not-wav", 2),
        (("render", "PROJECT", "song.ds", "--speaker", "carl"), "speaker-unknown", 2),
        (("render", "PROJECT", "none.mid"), "score-missing", 2),
        (("render", "PROJECT", "empty"), "what-to-sing", 2),
        (("predict", "song.ds"), "who-predicts", 2),
        (("predict", "PROJECT"), "what-to-sing", 2),
        (("predict", "PROJECT", "song.ds", "-o", "x.txt"), "output-not-ds", 2),
        (("vocode", "song.mel.pt"), "who-sings", 2),
        (("score", "tune.mid"), "dictionary-missing", 2),
    ],
)
def test_what_cannot_work_is_said(
    run: Run, trained: Path, tmp_path: Path, monkeypatch, arguments, code: str, exit_code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_ds(tmp_path / "song.ds", [score()])
    outcome = run(*(trained if one == "PROJECT" else one for one in arguments))
    assert f"error[{code}]" in outcome.err
    assert outcome.code == exit_code
    assert "Traceback" not in outcome.err
