"""Into a project: imported, cut, words and notes filled in, and all of it taken back."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset import RawDataset
from singwiz.core.dataset.bringing import import_into_project, slice_in_project
from singwiz.core.dataset.filling import (
    align_notes,
    fill_words,
    merge_short_notes,
    read_notes,
)
from singwiz.core.dataset.fixes import DatasetEdit, apply_plan, undo
from singwiz.core.dataset.importing import ImportOptions
from singwiz.core.dataset.note_names import midi_to_hz, parse_note
from singwiz.core.dataset.slicing import SliceLimits
from singwiz.core.dictionary import PhonemeKinds
from singwiz.core.errors import SingwizError
from singwiz.core.features.notes import add_corrected_cents, add_estimated_notes
from singwiz.core.features.pitch import Parselmouth
from singwiz.core.project import Project

RATE = 16000
JA = {"ja": PhonemeKinds.of_lists(["a", "i"], ["k", "m", "s"], language="ja")}


def song(folder: Path, parts: list[tuple[str, float, float]]) -> None:
    """(phoneme, seconds, MIDI or 0 for silence) … as a tone with HTS labels."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces, lines, at, phase = [], [], 0.0, 0.0
    for phoneme, seconds, midi in parts:
        count = round(seconds * RATE)
        steps = np.full(count, 2 * np.pi * midi_to_hz(midi) / RATE if midi else 0.0)
        phases = phase + np.cumsum(steps)
        phase = float(phases[-1])
        tone = sum(np.sin(k * phases) / k for k in range(1, 6))
        pieces.append(0.2 * tone if midi else np.zeros(count))
        lines.append(f"{round(at * 1e7)} {round((at + seconds) * 1e7)} {phoneme}\n")
        at += seconds
    soundfile.write(folder / "song.wav", np.concatenate(pieces), RATE)
    (folder / "song.lab").write_text("".join(lines))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "project")
    parts = [("pau", 1.0, 0), ("k", 0.1, 0), ("a", 3.0, 60.25), ("m", 0.2, 60.25), ("a", 2.8, 64)]
    song(tmp_path / "songs", [*parts, *parts, *parts, ("pau", 1.0, 0)])
    import_into_project(made, tmp_path / "songs", ImportOptions(language="ja"), speaker="aoi")
    return made


def opened(project: Project) -> RawDataset:
    (entry,) = project.state.datasets
    return RawDataset.open(
        project.raw_folder(entry), name=entry.name, speaker=entry.speaker, language=entry.language
    )


def test_an_import_is_registered_with_its_singer(project):
    (entry,) = Project.open(project.root).state.datasets
    assert (entry.speaker, entry.language) == ("aoi", "ja")
    assert Path(entry.raw_data_dir) == project.root / "recordings" / "songs"
    assert [item.name for item in opened(project).items] == ["song"]


def test_a_second_import_of_the_same_name_gets_its_own_folder(project, tmp_path):
    options = ImportOptions(language="ja")
    _, _, second = import_into_project(project, tmp_path / "songs", options, name="more")
    assert (second.name, Path(second.raw_data_dir).name) == ("more", "more")
    _, _, third = import_into_project(project, tmp_path / "songs", options)
    assert Path(third.raw_data_dir).name == "songs_2"
    assert len({entry.name for entry in project.state.datasets}) == 3


def test_cutting_on_the_way_leaves_only_pieces(tmp_path, project):
    limits = SliceLimits(shortest=1, wanted_min=2, wanted_max=8)
    report, cut, entry = import_into_project(
        project, tmp_path / "songs", ImportOptions(language="ja"), name="cut", limits=limits
    )
    assert cut.items == 3 and report.items == 1
    assert str(report.target) == entry.raw_data_dir
    names = sorted(path.name for path in (project.root / "recordings").iterdir())
    assert names == ["cut", "songs"]


def test_a_failed_import_leaves_no_trace(tmp_path):
    made = Project.create(tmp_path / "project")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SingwizError):
        import_into_project(made, tmp_path / "empty", ImportOptions(), limits=SliceLimits())
    assert [path.name for path in made.root.iterdir()] == ["singwiz.yaml"]


def test_cutting_in_a_project_can_be_undone(project):
    (name,) = (entry.name for entry in project.state.datasets)
    project.state.datasets[0].test_prefixes = ["song"]
    project.save()
    limits = SliceLimits(shortest=1, wanted_min=2, wanted_max=8)
    report = slice_in_project(project, name, limits=limits)
    assert report is not None and report.items == 3
    (entry,) = Project.open(project.root).state.datasets
    assert (entry.name, entry.speaker, entry.test_prefixes) == (f"{name}_cut", "aoi", [])
    assert len(opened(project).items) == 3
    assert slice_in_project(project, entry.name, limits=limits) is None
    undo(project)
    (entry,) = Project.open(project.root).state.datasets
    assert (entry.name, entry.test_prefixes) == (name, ["song"])
    assert len(opened(project).items) == 1


def test_words_and_notes_are_filled_in_and_refined(project):
    name = project.state.datasets[0].name
    extractor = Parselmouth(65.0, 1100.0)

    def edited(change) -> tuple[int, DatasetEdit]:
        edit = DatasetEdit.open(project, name)
        count = change(edit)
        if plan := edit.plan("Fill in"):
            apply_plan(project, plan)
        return count, edit

    assert edited(lambda edit: add_estimated_notes(edit, opened(project), extractor))[0] == 0
    count, edit = edited(lambda edit: fill_words(edit, JA))
    assert count == 1 and not edit.edit.plan("x").refused
    (item,) = opened(project).items
    assert item.cells["ph_num"] == "2 2 1 2 2 1 2 2 1 1"
    assert edited(lambda edit: fill_words(edit, JA, replace=True))[0] == 0
    count, _ = edited(lambda edit: add_estimated_notes(edit, opened(project), extractor))
    assert count == 1
    (item,) = opened(project).items
    notes = [parse_note(text) for text in item.cells["note_seq"].split()]
    expected = [None, 60.25, 64.0] * 3 + [None]
    assert [n is None for n in notes] == [n is None for n in expected]
    assert [n for n in notes if n] == pytest.approx([n for n in expected if n], abs=0.05)
    durations = [float(token) for token in item.cells["note_dur"].split()]
    assert sum(durations) == pytest.approx(item.seconds, abs=1e-5)

    def detune(edit: DatasetEdit) -> int:
        (row,) = edit.rows
        edit.set(row, "note_seq", "rest C4 E4 rest C4 A4 rest C4 E4 rest")
        return 1

    edited(detune)
    count, edit = edited(lambda edit: add_corrected_cents(edit, opened(project), extractor))
    assert count == 1
    assert [refusal.why for refusal in edit.edit.plan("x").refused] == [
        "Sung otherwise than written: notes 6."
    ]
    again = [parse_note(text) for text in opened(project).items[0].cells["note_seq"].split()]
    assert again[1] == pytest.approx(60.25, abs=0.05) and again[5] == 69
    assert edited(align_notes)[0] == 0


def test_notes_can_be_aligned_and_merged_without_sound(project):
    name = project.state.datasets[0].name
    edit = DatasetEdit.open(project, name)
    fill_words(edit, JA)
    (row,) = edit.rows
    edit.set(row, "note_seq", "rest C4 C#4 E4")
    edit.set(row, "note_dur", "1.105 3.16 0.04 18")
    edit.set(row, "note_slur", "0 0 1 0")
    edit.set(row, "note_glide", "none none none none")
    assert merge_short_notes(edit) == 1
    assert [(n.midi, n.seconds) for n in read_notes(edit, row)] == [
        (None, 1.105),
        (60, 3.2),
        (64, 18),
    ]
    assert edit.cell(row, "note_glide") == ""
    assert align_notes(edit) == 1
    assert edit.cell(row, "note_dur").split()[:3] == ["1.1", "3.2", "2.8"]
    edit.set(row, "note_seq", "C4 what")
    edit.set(row, "note_dur", "1 1")
    edit.set(row, "note_slur", "")
    assert align_notes(edit) == 0
    assert "'what' is not a note name" in edit.edit.plan("x").refused[-1].why
