"""The first step: make or open a project, name the recordings, with guesses for the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import StepStatus, Table
from singwiz.core.project import Project

from .conftest import RawFolder, question


def test_without_a_project_only_the_first_step_is_open() -> None:
    guide = Guide.open()
    statuses = [line.status for line in guide.overview()]
    assert statuses[0] is StepStatus.READY
    assert set(statuses[1:]) == {StepStatus.LOCKED}
    assert guide.current() == "recordings"
    assert guide.project is None


def test_a_folder_without_a_project_is_proposed_for_a_new_one(tmp_path: Path) -> None:
    guide = Guide.open(tmp_path / "my voice")
    view = guide.view("recordings")
    assert question(view, "project_dir").value == str(tmp_path / "my voice")
    assert [action.id for action in view.actions] == ["create"]
    assert not (tmp_path / "my voice").exists()


def test_singer_language_and_dictionary_are_guessed_from_the_folder(
    guide: Guide, raw: RawFolder
) -> None:
    project = Project.open(guide.project.root)
    (recordings,) = project.state.datasets
    assert recordings.raw_data_dir == str(raw.root)
    assert recordings.speaker == "aoi"
    assert recordings.language == "ja"
    assert project.state.dictionaries == {"ja": str(raw.dictionary)}
    assert guide.view("recordings").status is StepStatus.DONE
    assert guide.current() == "check"


def test_what_was_answered_before_the_project_beats_the_guesses(
    raw: RawFolder, tmp_path: Path
) -> None:
    own = tmp_path / "mine.txt"
    own.write_text("a\ta\n", encoding="utf-8")
    guide = Guide.open()
    guide.answer("recordings", {"project_dir": str(tmp_path / "v"), "speaker": "miku"})
    guide.answer("recordings", {"dictionary": "file"})
    guide.answer("recordings", {"dictionary_file": str(own), "language": "zh"})
    guide.answer("recordings", {"raw_dirs": [str(raw.root)]})
    assert guide.act("recordings", "create").ok
    state = Project.open(tmp_path / "v").state
    assert [(entry.speaker, entry.language) for entry in state.datasets] == [("miku", "zh")]
    assert state.dictionaries == {"zh": str(own)}


def test_a_whole_form_with_untouched_fields_does_not_freeze_the_guesses(
    raw: RawFolder, tmp_path: Path
) -> None:
    guide = Guide.open(tmp_path / "v")
    form = {question.id: question.value for question in guide.view("recordings").questions}
    form["raw_dirs"] = [str(raw.root)]
    assert guide.answer("recordings", form).ok
    view = guide.view("recordings")
    assert question(view, "speaker").value == "aoi"
    assert question(view, "dictionary").value == str(raw.dictionary)


def test_the_raw_folder_inside_a_dataset_folder_is_found(tmp_path: Path) -> None:
    raw = RawFolder(tmp_path / "saki" / "raw")
    raw.sing("one", "SP a SP")
    raw.write()
    guide = Guide.open(tmp_path / "v")
    assert guide.answer("recordings", {"raw_dirs": [str(tmp_path / "saki")]}).ok
    guide.act("recordings", "create")
    (recordings,) = guide.project.state.datasets
    assert recordings.raw_data_dir == str(tmp_path / "saki" / "raw")
    assert recordings.speaker == "saki"


def test_an_existing_project_is_opened_and_not_overwritten(guide: Guide) -> None:
    root = guide.project.root
    before = (root / "singwiz.yaml").read_bytes()
    other = Guide.open()
    assert other.answer("recordings", {"project_dir": str(root)}).ok
    assert [action.id for action in other.view("recordings").actions] == ["open"]
    assert other.act("recordings", "open").ok
    assert other.project.root == root
    assert (root / "singwiz.yaml").read_bytes() == before
    assert other.current() == "check"


def test_permission_is_asked_for_and_recorded(guide: Guide) -> None:
    assert guide.answer("recordings", {"consent": False}).ok
    view = guide.view("recordings")
    assert view.status is StepStatus.READY
    assert any("permission" in getattr(block, "body", "") for block in view.blocks)
    assert guide.view("check").status is StepStatus.LOCKED
    guide.answer("recordings", {"consent": True})
    state = Project.open(guide.project.root).state
    assert state.consent is True


def test_a_second_folder_brings_a_table_of_singers(guide: Guide, tmp_path: Path) -> None:
    other = RawFolder(tmp_path / "ren")
    other.sing("x", "SP a SP")
    other.write()
    folders = [entry.raw_data_dir for entry in guide.project.state.datasets] + [str(other.root)]
    assert guide.answer("recordings", {"raw_dirs": folders}).ok
    rows = question(guide.view("recordings"), "singers").value
    assert [row[0] for row in rows] == folders
    rows[1][1:] = ["ren", "zh"]
    assert guide.answer("recordings", {"singers": rows}).ok
    assert guide.project.state.datasets[1].speaker == "ren"
    known = question(guide.view("recordings"), "dictionaries").value
    assert [row[0] for row in known] == ["ja", "zh"]
    reply = guide.answer("recordings", {"dictionaries": [known[0], ["zh", "/no/such.txt"]]})
    assert "dictionaries" in reply.errors
    assert guide.answer(
        "recordings", {"dictionaries": [known[0], ["zh", str(other.dictionary)]]}
    ).ok
    state = Project.open(guide.project.root).state
    assert state.dictionaries["zh"] == str(other.dictionary)
    assert guide.view("recordings").status is StepStatus.DONE


def test_correcting_the_language_keeps_the_own_dictionary(guide: Guide, raw: RawFolder) -> None:
    assert guide.answer("recordings", {"language": "en"}).ok
    assert guide.project.state.dictionaries == {"en": str(raw.dictionary)}


def test_recordings_that_vanish_are_named(guide: Guide, raw: RawFolder) -> None:
    raw.root.rename(raw.root.with_name("moved"))
    view = guide.view("recordings")
    assert view.status is StepStatus.READY
    assert any(str(raw.root) in getattr(block, "body", "") for block in view.blocks)
    assert guide.overview()[0].summary == "0 recordings"


def test_the_table_counts_the_lines_again_when_they_change(guide: Guide, raw: RawFolder) -> None:
    def lines() -> str:
        blocks = guide.view("recordings").blocks
        return next(block for block in blocks if isinstance(block, Table)).rows[0][-1]

    assert lines() == "6"
    raw.sing("more", "SP a SP")
    raw.write()
    assert lines() == "7"


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("raw_dirs", ["/no/such/folder"], "/no/such/folder"),
        ("raw_dirs", "x" * 5000, "does not exist"),
        ("raw_dirs", 7, "folders"),
        ("speaker", "初音", "Latin"),
        ("speaker", 5, "text"),
        ("language", "klingon", "Choose one of"),
        ("dictionary", ["a"], "Choose one of"),
        ("consent", "yes", "yes or no"),
        ("colour", "red", "does not ask"),
    ],
)
def test_a_bad_answer_is_refused_at_its_field(
    guide: Guide, field: str, value: object, word: str
) -> None:
    before = (guide.project.root / "singwiz.yaml").read_bytes()
    reply = guide.answer("recordings", {field: value})
    assert not reply.ok
    assert word in reply.errors[field]
    assert (guide.project.root / "singwiz.yaml").read_bytes() == before


def test_a_refused_answer_stays_in_its_field_until_a_good_one_comes(guide: Guide) -> None:
    guide.answer("recordings", {"speaker": "初音", "consent": False})
    asked = question(guide.view("recordings"), "speaker")
    assert asked.value == "初音"
    assert asked.error
    assert not question(guide.view("recordings"), "consent").value, "the good answer was taken"
    guide.answer("recordings", {"speaker": "aoi"})
    asked = question(guide.view("recordings"), "speaker")
    assert (asked.value, asked.error) == ("aoi", "")


def test_a_folder_without_transcriptions_is_refused(guide: Guide, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    reply = guide.answer("recordings", {"raw_dirs": [str(tmp_path / "pictures")]})
    assert "transcriptions.csv" in reply.errors["raw_dirs"]


def test_the_project_cannot_live_inside_the_recordings(raw: RawFolder) -> None:
    guide = Guide.open()
    guide.answer("recordings", {"raw_dirs": [str(raw.root)]})
    reply = guide.answer("recordings", {"project_dir": str(raw.root / "voice")})
    assert "project_dir" in reply.errors
    assert not guide.act("recordings", "create").ok
    assert not (raw.root / "voice").exists()
    # Also the other way round: the folder first, the recordings after it.
    guide = Guide.open(raw.root / "voice")
    guide.answer("recordings", {"raw_dirs": [str(raw.root)]})
    assert not guide.act("recordings", "create").ok
    assert not (raw.root / "voice").exists()


def test_a_project_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello", encoding="utf-8")
    guide = Guide.open()
    reply = guide.answer("recordings", {"project_dir": str(tmp_path / "note.txt")})
    assert "project_dir" in reply.errors
    assert not guide.act("recordings", "create").ok


def test_create_says_what_is_missing_when_no_folder_is_named() -> None:
    guide = Guide.open()
    reply = guide.act("recordings", "create")
    assert not reply.ok
    assert "folder" in reply.message
