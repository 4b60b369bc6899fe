"""``singwiz import``, ``slice`` and ``labels`` on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from singwiz.assistant.cli import main
from singwiz.core.project import Project

RATE = 16000
PARTS = [("pau", 0.6), ("ky", 0.1), ("a", 4.0), ("pau", 1.0), ("m", 0.1), ("i", 5.0), ("br", 0.2)]


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

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Two songs of about 22 s with HTS labels, and a stray file."""
    folder = tmp_path / "my songs 歌"
    folder.mkdir()
    for number in range(2):
        lines, sound, at = [], [], 0.0
        for symbol, seconds in PARTS * 2:
            lines.append(f"{round(at * 1e7)} {round((at + seconds) * 1e7)} {symbol}\n")
            time = np.arange(round(seconds * RATE)) / RATE
            tone = sum(np.sin(2 * np.pi * k * 220 * time) / k for k in range(1, 6))
            sound.append(0.2 * tone if symbol in ("a", "i", "m") else 0.0 * time)
            at += seconds
        soundfile.write(folder / f"song{number}.wav", np.concatenate(sound), RATE)
        (folder / f"song{number}.lab").write_text("".join(lines))
    (folder / "bad.lab").write_text("not labels\n")
    soundfile.write(folder / "bad.wav", np.zeros(RATE), RATE)
    return folder


@pytest.fixture
def project(run: Run, songs: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "my voice"
    made = run("import", songs, "--into", folder, "--speaker", "aoi", "--language", "ja",
               "--dictionary", "japanese-romaji")  # fmt: skip
    assert made.code == 0, made.err
    return folder


def test_an_import_makes_a_project_and_says_what_it_did(run: Run, songs: Path, project: Path):
    (entry,) = Project.open(project).state.datasets
    assert (entry.speaker, entry.language) == ("aoi", "ja")
    assert Project.open(project).state.dictionaries == {"ja": "japanese-romaji"}
    more = run("import", songs, "--into", project, "--name", "more", "--language", "ja")
    assert more.code == 0
    assert "2 recordings" in more.out and "Renamed: pau ×8, br ×4" in more.out
    assert "japanese-romaji (100.0%)" in more.out
    assert "bad.lab" in more.err and "is not a time" in more.err
    assert [e.name for e in Project.open(project).state.datasets] == ["aoi", "more"]


def test_an_import_into_a_folder_as_json(run: Run, songs: Path, tmp_path: Path):
    made = run("import", songs, "-o", tmp_path / "new", "--slice", "--symbol", "i=I", "--vowels",
               "a i", "--consonants", "ky m", "--json")  # fmt: skip
    assert made.code == 0, made.err
    assert made.data["items"] == 2 and made.data["slices"]["items"] > 2
    assert made.data["symbols"]["I"] == 4 and made.data["project"] is None
    assert list(made.data["skipped"]) == ["bad.lab"]
    assert len(made.data["dictionaries"]) == 6
    assert (tmp_path / "new" / "transcriptions.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "target-missing"),
        (("-o", "x", "--into", "y"), "target-missing"),
        (("-o", "x", "--symbol", "a"), "symbol-invalid"),
        (("-o", "x", "--unit", "hours"), "unit-unknown"),
        (("-o", "x", "--format", "midi"), "format-unknown"),
        (("-o", "x", "--dictionary", "nope"), "dictionary-not-found"),
    ],
)
def test_wrong_usage_is_explained(run: Run, songs: Path, monkeypatch, tmp_path, arguments, code):
    monkeypatch.chdir(tmp_path)
    failed = run("import", songs, *arguments, "--json")
    assert (failed.code, failed.data["error"]["code"]) == (2, code)
    assert failed.data["error"]["hint"]
    assert [path.name for path in tmp_path.iterdir()] == [songs.name]


def test_slicing_a_project_is_taken_back_by_undo(run: Run, project: Path):
    cut = run("slice", project)
    assert cut.code == 0 and "4 pieces" in cut.out and "singwiz undo" in cut.out
    assert Project.open(project).state.datasets[0].name == "aoi_cut"
    again = run("slice", project)
    assert again.code == 0 and "nothing to cut" in again.out
    assert run("undo", project).code == 0
    assert Project.open(project).state.datasets[0].name == "aoi"


def test_slicing_a_folder_needs_an_output(run: Run, project: Path, tmp_path: Path):
    raw = Path(Project.open(project).state.datasets[0].raw_data_dir)
    assert run("slice", raw).code == 2
    assert run("slice", project, "-o", tmp_path / "cut").code == 2
    cut = run("slice", raw, "-o", tmp_path / "cut", "--json")
    assert cut.code == 0 and cut.data["slices"][0]["items"] == 4
    assert run("slice", raw, "-o", tmp_path / "cut").code == 2
    assert run("slice", raw, "-o", tmp_path / "c", "--from", "30").code == 1
    assert run("slice", project, "--dataset", "nobody").code == 2


@pytest.mark.parametrize("format", ["lab", "audacity", "textgrid"])
def test_labels_go_out_and_corrected_ones_come_back(
    run: Run, project: Path, tmp_path: Path, format: str
):
    out = run("labels", "export", project, "-o", tmp_path / "out", "--format", format, "--json")
    assert out.code == 0 and len(out.data["files"]) == 2
    same = run("labels", "import", project, tmp_path / "out")
    assert same.code == 0 and "Nothing was changed" in same.out
    file = Path(out.data["files"][0])
    file.write_text(file.read_text().replace("k", "g"))
    shown = run("labels", "import", project, tmp_path / "out", "--dry-run", "--json")
    assert shown.data["plan"]["files"] and not shown.data["applied"]
    done = run("labels", "import", project, tmp_path / "out", "--json")
    assert done.data["datasets"]["aoi"]["changed"] == {file.stem: "2 phoneme(s) renamed"}
    assert len(done.data["applied"]) == 1
    assert "gy a" in (project / "datasets" / "aoi" / "transcriptions.csv").read_text()
    assert run("undo", project).code == 0
    assert run("labels", "import", project, tmp_path / "nowhere").code == 2
    assert run("labels", "import", project, tmp_path / "out", "--format", "midi").code == 2


def test_words_and_notes_are_filled_in_and_taken_back(run: Run, project: Path):
    early = run("labels", "notes", project, "--how", "estimate")
    words = run("labels", "words", project, "--replace", "--json")
    assert words.code == 0, words.err
    # The import with a dictionary has counted words already.
    assert words.data["rows"] == 0 and early.code == 0
    table = (project / "datasets" / "aoi" / "transcriptions.csv").read_text()
    assert "rest A3" in table
    cents = run("labels", "notes", project, "--how", "cents", "--json")
    assert cents.code == 0
    assert run("labels", "notes", project, "--how", "align").code == 0
    assert run("labels", "notes", project, "--how", "merge").code == 0
    assert run("undo", project).code == 0
    unknown = run("labels", "notes", project, "--replace", "--pitch", "nope", "--json")
    assert unknown.code == 1 and unknown.data["error"]["code"] == "extractor-unknown"


def test_lists_that_contradict_the_dictionary_are_refused(run: Run, project: Path):
    failed = run("labels", "words", project, "--vowels", "a", "--consonants", "a", "--json")
    assert failed.code == 1 and failed.data["error"]["code"] == "phoneme-kind-conflict"
