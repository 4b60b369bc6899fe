"""``singwiz fix``, ``undo`` and the mismatch desk on the command line, on really broken corpora."""

from __future__ import annotations

import hashlib
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
from singwiz.core.dataset import RawDataset
from singwiz.core.project import Project

RATE = 44100
DICTIONARY = "a\ta\nka\tk a\nmi\tm i\n"
MANDARIN = ("SP sh i AP e SP", "SP z i AP y an SP")


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
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return run


def sing(folder: Path, rows: dict[str, str], *, stereo: str = "") -> None:
    """A corpus of tones, 0.3 s per phoneme."""
    (folder / "wavs").mkdir(parents=True)
    lines = ["name,ph_seq,ph_dur"]
    for number, (name, ph_seq) in enumerate(rows.items(), start=1):
        symbols = ph_seq.split()
        lines.append(f"{name},{ph_seq},{' '.join(['0.3'] * len(symbols))}")
        seconds = np.arange(round(0.3 * len(symbols) * RATE)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * 220.0 * seconds + number)
        sound = np.stack([tone, tone], axis=1) if name == stereo else tone
        soundfile.write(folder / "wavs" / f"{name}.wav", sound, RATE)
    (folder / "transcriptions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw 声"
    rows = {f"song{number}": "SP k a m i AP a SP" for number in range(4)}
    sing(folder, rows | {"odd": "pau K a mi xx SP"}, stereo="song1")
    (folder / "dictionary.txt").write_text(DICTIONARY, encoding="utf-8")
    return folder


@pytest.fixture
def project(run: Run, raw: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "my voice"
    options = ("--speaker", "aoi", "--language", "ja", "--preset", "tiny")
    made = run("new", folder, "--raw", raw, "--dictionary", raw / "dictionary.txt", *options)
    assert made.code == 0, made.err
    return folder


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "jobs" not in path.parts and "binary" not in path.parts
    }


def labels(project: Path) -> dict[str, str]:
    opened = Project.open(project)
    folder = opened.raw_folder(opened.state.datasets[0])
    dataset = RawDataset.open(folder, name="x", speaker="x", language="ja")
    return {item.name: " ".join(item.ph_seq) for item in dataset.items}


def codes(outcome: Outcome) -> set[str]:
    return {finding["code"] for finding in outcome.data["findings"]}


# fix --------------------------------------------------------------------------------------


def test_a_dry_run_shows_everything_and_changes_nothing(run: Run, project: Path, raw: Path) -> None:
    before = snapshot(project), snapshot(raw)
    outcome = run("fix", project, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "Would be done" in outcome.out
    assert "song1.wav" in outcome.out
    assert "-odd" in outcome.out, "the changed row is shown"
    data = run("fix", project, "--dry-run", "--json").data
    assert data["dry_run"] is True
    assert data["applied"] == []
    assert "channels" in data["plan"]["codes"]
    assert "+odd,SP " in data["plan"]["diff"]
    after = {name: sha for name, sha in snapshot(project).items() if "datasets" not in name}
    assert after == {name: sha for name, sha in before[0].items() if "datasets" not in name}
    assert not list((project / "datasets").glob("*/overlay.json"))
    assert snapshot(raw) == before[1]


def test_fix_cures_what_it_can_and_exits_1_while_errors_are_left(
    run: Run, project: Path, raw: Path
) -> None:
    originals = snapshot(raw)
    assert "channels" in codes(run("check", project, "--json"))
    outcome = run("fix", project, "--json")
    assert outcome.code == 1, "'xx' is still unknown"
    data = outcome.data
    assert "channels" in data["applied"][0]["codes"]
    assert "channels" not in {finding["code"] for finding in data["findings"]}
    assert data["summary"]["errors"] > 0
    assert "channels" not in codes(run("check", project, "--json"))
    assert labels(project)["odd"].startswith("SP K")
    assert snapshot(raw) == originals


def test_fixing_twice_changes_nothing_the_second_time(run: Run, project: Path) -> None:
    run("fix", project)
    before = snapshot(project)
    outcome = run("fix", project)
    assert "Nothing was changed" in outcome.out
    cache = {name for name in snapshot(project) if "cache" in name}
    after = snapshot(project)
    assert {n: s for n, s in after.items() if n not in cache} == {
        n: s for n, s in before.items() if n not in cache
    }


def test_only_fixes_the_named_kind(run: Run, project: Path) -> None:
    data = run("fix", project, "--only", "channels", "--json").data
    assert [entry["codes"] for entry in data["applied"]] == [["channels"]]
    assert labels(project)["odd"].startswith("pau")


def test_what_loses_something_is_done_only_with_all(run: Run, project: Path, raw: Path) -> None:
    (raw / "wavs" / "song2.wav").write_bytes(b"no sound")
    careful = run("fix", project, "--only", "audio-unreadable")
    assert careful.code == 1
    assert "--all" in careful.out
    assert "song2" in labels(project)
    assert run("fix", project, "--only", "audio-unreadable", "--all", "--json").data["applied"]
    assert "song2" not in labels(project)


def test_a_project_without_faults_exits_0(run: Run, tmp_path: Path) -> None:
    sing(tmp_path / "good", {f"s{number}": "SP k a m i AP a SP" for number in range(4)})
    (tmp_path / "d.txt").write_text(DICTIONARY, encoding="utf-8")
    options = ("--speaker", "aoi", "--language", "ja", "--preset", "tiny")
    run("new", tmp_path / "v", "--raw", tmp_path / "good", "--dictionary", tmp_path / "d.txt",
        *options)  # fmt: skip
    outcome = run("fix", tmp_path / "v")
    assert outcome.code == 0, outcome.out
    assert outcome.out


@pytest.mark.parametrize("only", ["no-such-fix", "channels,no-such-fix"])
def test_an_unknown_code_is_refused_before_anything_is_checked(
    run: Run, project: Path, only: str
) -> None:
    outcome = run("fix", project, "--only", only, "--json")
    assert outcome.code == 2
    assert outcome.data["error"]["code"] == "fix-unknown"
    assert not list((project / "jobs").glob("*-check-*"))


# undo -------------------------------------------------------------------------------------


def test_undo_goes_back_one_step_at_a_time(run: Run, project: Path) -> None:
    start = labels(project)
    run("dictionary", "map", project, "K", "k")
    run("fix", project, "--only", "channels")
    listed = run("undo", project, "--list", "--json").data["changes"]
    assert [entry["codes"] for entry in listed] == [["channels"], []]
    first = run("undo", project, "--json")
    assert first.code == 0
    assert first.data["undone"]["codes"] == ["channels"]
    assert first.data["left"] == 1
    assert "K" not in labels(project)["odd"].split()
    assert "Rename 'K' to 'k'" in run("undo", project).out
    assert labels(project) == start
    assert not (project / "datasets" / "aoi").exists(), "nothing of the fixed copy is left"


def test_undo_with_nothing_to_undo_is_no_error(run: Run, project: Path) -> None:
    assert run("undo", project).code == 0
    assert run("undo", project, "--json").data == {"undone": None, "left": 0}
    assert "Nothing was changed" in run("undo", project, "--list").out


def test_undo_refuses_to_lose_what_was_edited_since(run: Run, project: Path) -> None:
    run("dictionary", "map", project, "K", "k")
    (copy,) = (project / "datasets").glob("*/transcriptions.csv")
    copy.write_text(copy.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    outcome = run("undo", project, "--json")
    assert outcome.code == 1
    assert outcome.data["error"]["code"] == "undo-changed"
    assert run("undo", project, "--overwrite").code == 0
    assert labels(project)["odd"].startswith("pau K")
    assert list((project / "datasets" / ".journal" / "aside").rglob("transcriptions.csv"))


# The desk ---------------------------------------------------------------------------------


def test_diff_of_a_project_shows_both_sides_places_and_commands(run: Run, project: Path) -> None:
    outcome = run("dictionary", "diff", project)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[:3] == [
        "transcriptions and dictionary mismatch.",
        " (+) ['K', 'mi', 'pau', 'xx']",
        " (-) []",
    ]
    assert "+ K  ×1 in odd at 0.30 s" in outcome.out
    assert "singwiz dictionary map" in outcome.out
    data = run("dictionary", "diff", project, "--json").data
    assert data["places"]["mi"] == [{"item": "odd", "start": 0.9, "end": 1.2}]


def test_diff_needs_to_know_which_labels(run: Run, raw: Path) -> None:
    outcome = run("dictionary", "diff", raw / "dictionary.txt", "--json")
    assert outcome.code == 2
    assert outcome.data["error"]["code"] == "diff-of-what"


def test_map_renames_in_labels_and_only_there(run: Run, project: Path, raw: Path) -> None:
    originals = snapshot(raw)
    assert "-odd" in run("dictionary", "map", project, "xx", "a", "--dry-run").out
    assert labels(project)["odd"] == "pau K a mi xx SP"
    assert run("dictionary", "map", project, "xx", "a").code == 0
    assert labels(project)["odd"] == "pau K a mi a SP"
    assert snapshot(raw) == originals
    again = run("dictionary", "map", project, "xx", "a", "--json")
    assert again.code == 0
    assert again.data["applied"] == []


def test_expand_writes_syllables_as_phonemes(run: Run, project: Path) -> None:
    assert run("dictionary", "expand", project).code == 0
    assert labels(project)["odd"] == "pau K a m i xx SP"
    refused = run("dictionary", "expand", project, "xx", "--json")
    assert refused.code == 1
    assert refused.data["error"]["code"] == "cure-unfit"


def test_extra_merge_and_trim_change_choices_and_can_be_undone(
    run: Run, project: Path, raw: Path
) -> None:
    (raw / "dictionary.txt").write_text(DICTIONARY + "zu\tz u\n", encoding="utf-8")
    assert run("dictionary", "extra", project, "xx").code == 0
    assert run("dictionary", "merge", project, "AP", "SP").code == 0
    assert run("dictionary", "trim", project).code == 0
    state = Project.open(project).state
    assert state.extra_phonemes == ["xx"]
    assert state.merged_phoneme_groups == [["AP", "SP"]]
    trimmed = Path(state.dictionaries["ja"])
    assert trimmed.is_relative_to(project)
    assert "zu" not in trimmed.read_text(encoding="utf-8")
    for _ in range(3):
        assert run("undo", project).code == 0
    state = Project.open(project).state
    assert (state.extra_phonemes, state.merged_phoneme_groups) == ([], [])
    assert state.dictionaries["ja"] == str(raw / "dictionary.txt")


def test_a_symbol_is_one_word(run: Run, project: Path) -> None:
    outcome = run("dictionary", "map", project, "xx", "k a", "--json")
    assert outcome.code == 1
    assert outcome.data["error"]["code"] == "symbol-unusable"


def test_migrate_converts_old_mandarin_labels_and_the_choice(run: Run, tmp_path: Path) -> None:
    sing(tmp_path / "zh", dict(zip("ab", MANDARIN, strict=True)))
    project = tmp_path / "v"
    options = ("--dictionary", "opencpop", "--speaker", "mei", "--preset", "tiny")
    assert run("new", project, "--raw", tmp_path / "zh", *options).code == 0
    assert run("dictionary", "migrate", project).code == 0
    assert labels(project) == {"a": "SP sh ir AP e SP", "b": "SP z i0 AP y En SP"}
    assert Project.open(project).state.dictionaries == {"zh": "opencpop-extension"}
    again = run("dictionary", "migrate", project, "--json")
    assert again.data["applied"] == []


def test_list_names_the_languages_of_what_is_shipped(run: Run) -> None:
    outcome = run("dictionary", "list", "--json")
    details = outcome.data["details"]
    assert details["opencpop-extension"]["language"] == "zh"
    assert details["japanese-romaji"]["language"] == "ja"
    assert all(one["entries"] and one["phonemes"] for one in details.values())
