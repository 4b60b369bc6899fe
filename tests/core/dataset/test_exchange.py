"""Labels go out, get corrected elsewhere, and come back; and cures reach every label."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import RawDataset
from singwiz.core.dataset.cures import add_cures
from singwiz.core.dataset.exchange import (
    apply_corrections,
    export_labels,
    label_text,
    read_corrections,
)
from singwiz.core.dataset.fixes.edits import DatasetEdit, ProjectEdit
from singwiz.core.dataset.fixes.journal import apply_plan, undo
from singwiz.core.dataset.labels import FORMATS
from singwiz.core.dictionary import (
    PhonemeKinds,
    PhonemeSet,
    Suggestion,
    compare,
    read_dictionary,
)
from singwiz.core.errors import SingwizError
from singwiz.core.project import Project


@pytest.fixture
def project(corpus, tmp_path) -> Project:
    made = Project.create(tmp_path / "project")
    made.add_recordings(corpus.root, speaker="aoi", language="ja", name="voice")
    made.state.dictionaries["ja"] = str(corpus.root / "dictionary.txt")
    made.save()
    return made


def opened(project: Project) -> RawDataset:
    folder = project.raw_folder(project.state.datasets[0])
    return RawDataset.open(folder, name="voice", speaker="aoi", language="ja")


@pytest.mark.parametrize("format", list(FORMATS))
def test_labels_that_nobody_changed_come_back_without_a_change(corpus, tmp_path, format):
    corpus.rows[0]["ph_dur"] = "0.2 0.0800000049 0.5 0 0.52000001 0.2 0.1 0.5 0.3"
    dataset = corpus.write().open()
    before = corpus.snapshot()
    files = export_labels(dataset, tmp_path / "out", format)
    assert [file.suffix for file in files] == [FORMATS[format]] * 3
    found = read_corrections(dataset, tmp_path / "out", format=format)
    assert found.same == [item.name for item in dataset.items]
    assert not found.changed and not found.absent and not found.skipped
    assert corpus.snapshot() == before


@pytest.mark.parametrize("format", list(FORMATS))
def test_corrections_are_applied_to_the_project_and_can_be_undone(
    corpus, project, tmp_path, format
):
    for row in corpus.rows:
        row["ph_num"] = "2 2 1 2 1 1"
    corpus.write()
    dataset = opened(project)
    before = corpus.snapshot()
    export_labels(dataset, tmp_path / "out", format)
    suffix = FORMATS[format]
    moved = (0.2, 0.1, 0.48, 0.1, 0.52, 0.2, 0.1, 0.5, 0.3)
    (tmp_path / "out" / f"song_00{suffix}").write_text(
        label_text(dataset.items[0].ph_seq, moved, format)
    )
    more = ("sil", "k", "a", "a", "SP")
    (tmp_path / "out" / f"song_01{suffix}").write_text(
        label_text(more, (0.2, 0.1, 1, 1, 0.2), format)
    )
    (tmp_path / "out" / f"song_02{suffix}").unlink()
    found = read_corrections(dataset, tmp_path / "out", format=format)
    assert {c.item: c.describe() for c in found.changed} == {
        "song_00": "1 border(s) moved",
        "song_01": "5 phonemes now",
    }
    assert found.absent == ["song_02"]
    edit = DatasetEdit.open(project, "voice")
    kinds = PhonemeKinds.of_lists(["a", "i"], ["k", "m", "s"])
    apply_corrections(edit, found, kinds=kinds, language="ja")
    apply_plan(project, edit.plan("Corrected labels"))
    after = {item.name: item for item in opened(project).items}
    assert after["song_00"].ph_dur == moved
    assert after["song_00"].cells["ph_num"] == "2 2 1 2 1 1"
    assert after["song_01"].ph_seq == ("SP", "k", "a", "a", "SP")
    assert after["song_01"].cells["ph_num"] == "2 1 1 1"
    assert corpus.snapshot() == before
    undo(project)
    assert opened(project).items[0].ph_dur == dataset.items[0].ph_dur


def test_without_kinds_words_of_changed_phonemes_are_emptied(corpus, project, tmp_path):
    for row in corpus.rows:
        row["ph_num"] = "2 2 1 2 1 1"
    corpus.write()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "song_00.lab").write_text(label_text(("SP", "a"), (1, 1.5), "lab"))
    found = read_corrections(opened(project), tmp_path / "out")
    edit = DatasetEdit.open(project, "voice")
    apply_corrections(edit, found)
    cells = [edit.cell(row, "ph_num") for row in edit.rows]
    assert cells == ["", "2 2 1 2 1 1", "2 2 1 2 1 1"]


def test_export_never_overwrites_and_never_goes_beside_originals(corpus, tmp_path):
    dataset = corpus.open()
    before = corpus.snapshot()
    for folder, format, code in (
        (corpus.root / "lab", "lab", "target-among-originals"),
        (tmp_path / "out", "midi", "format-unknown"),
        (corpus.csv, "lab", "target-among-originals"),
    ):
        with pytest.raises(SingwizError) as caught:
            export_labels(dataset, folder, format)
        assert caught.value.code == code
    export_labels(dataset, tmp_path / "out", "lab")
    with pytest.raises(SingwizError) as caught:
        export_labels(dataset, tmp_path / "out", "lab")
    assert caught.value.code == "target-not-empty"
    assert corpus.snapshot() == before


def test_damaged_corrections_are_named(corpus, tmp_path):
    dataset = corpus.open()
    export_labels(dataset, tmp_path / "out", "lab")
    (tmp_path / "out" / "song_01.lab").write_text("0 1 a\noops\n")
    found = read_corrections(dataset, tmp_path / "out")
    assert found.skipped["song_01.lab"].startswith("line 2:")
    assert found.to_dict()["same"] == 2
    with pytest.raises(SingwizError):
        read_corrections(dataset, tmp_path / "nowhere")


# Cures


def voice(project: Project) -> tuple[PhonemeSet, RawDataset]:
    dictionary, _ = read_dictionary(project.root.parent / "my voice 声" / "dictionary.txt", "ja")
    state = project.state
    made = PhonemeSet.build({"ja": dictionary}, state.extra_phonemes, state.merged_phoneme_groups)
    return made, opened(project)


def cure(project: Project, *cures: Suggestion) -> ProjectEdit:
    phonemes, dataset = voice(project)
    mismatch = compare(phonemes, [(i.name, "ja", i.ph_seq, i.ph_dur) for i in dataset.items])
    edit = ProjectEdit(project)
    add_cures(edit, cures, phonemes, mismatch)
    return edit


def test_cures_change_tables_and_ds_files_and_can_be_undone(corpus, project):
    corpus.rows[0] |= {"ph_seq": "pau ka mi AP sa pau", "ph_dur": "0.2 0.58 0.62 0.2 0.6 0.3"}
    for row in corpus.rows:
        row["ph_num"] = "1 1 1 1 1 1" if row is corpus.rows[0] else "2 2 1 2 1 1"
    corpus.write()
    (corpus.root / "ds").mkdir()
    segment = {"ph_seq": "pau ka", "ph_dur": "0.2 0.50", "ph_num": "1 1", "f0_seq": "1 2"}
    ds = corpus.root / "ds" / "song_00.ds"
    ds.write_text(json.dumps([segment]))
    before = corpus.snapshot()
    edit = cure(
        project,
        Suggestion("pau", "rename", "SP", ""),
        Suggestion("ka", "expand", "k a", ""),
        Suggestion("mi", "expand", "m i", ""),
        Suggestion("sa", "expand", "s a", ""),
        Suggestion("q", "add-extra", "q", ""),
        Suggestion("AP", "label", "AP", "Mark breaths in the labels as AP."),
    )
    plan = edit.plan("Cures")
    assert any("Only you" in refusal.why for refusal in plan.refused)
    apply_plan(project, plan)
    item = opened(project).items[0]
    assert item.ph_seq == ("SP", "k", "a", "m", "i", "AP", "s", "a", "SP")
    assert item.cells["ph_dur"] == "0.2 0.08 0.5 0.08 0.54 0.2 0.08 0.52 0.3"
    assert item.cells["ph_num"] == "1 2 2 1 2 1"
    overlay = project.raw_folder(project.state.datasets[0])
    (changed,) = json.loads((overlay / "ds" / "song_00.ds").read_text())
    assert changed == {
        "ph_seq": "SP k a",
        "ph_dur": "0.2 0.08 0.42",
        "ph_num": "1 2",
        "f0_seq": "1 2",
    }
    assert Project.open(project.root).state.extra_phonemes == ["q"]
    assert corpus.snapshot() == before
    assert not cure(project, Suggestion("pau", "rename", "SP", "")).plan("again")
    undo(project)
    assert opened(project).items[0].ph_seq[0] == "pau"
    assert Project.open(project.root).state.extra_phonemes == []


def test_rows_that_do_not_add_up_are_refused_by_name(corpus, project):
    corpus.rows[0] |= {"ph_seq": "SP ka", "ph_dur": "0.2"}
    corpus.write()
    plan = cure(project, Suggestion("ka", "expand", "k a", "")).plan("x")
    assert [refusal.item for refusal in plan.refused] == ["song_00"] and not plan


def test_trimming_merging_and_changing_are_settings(corpus, project):
    for row in corpus.rows:
        row["ph_seq"] = row["ph_seq"].replace("m i", "k a").replace("AP", "SP")
    corpus.write()
    edit = cure(
        project,
        Suggestion("m", "trim", "dictionary.txt", ""),
        Suggestion("i", "trim", "dictionary.txt", ""),
        Suggestion("AP", "merge", "SP", ""),
    )
    apply_plan(project, edit.plan("Choices"))
    state = Project.open(project.root).state
    assert state.merged_phoneme_groups == [["AP", "SP"]]
    dictionary, _ = read_dictionary(project.root / "datasets" / "dictionary-ja.txt", "ja")
    assert dictionary.phonemes == {"a", "k", "s"}
    assert state.dictionaries["ja"] == str(project.root / "datasets" / "dictionary-ja.txt")
    edit = cure(project, Suggestion("ir", "change-dictionary", "opencpop", ""))
    assert edit.setting("dictionaries.ja") == "opencpop"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200))
def test_no_returning_file_crashes(corpus, tmp_path, data):
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / "song_00.TextGrid").write_bytes(data)
    found = read_corrections(corpus.open(), tmp_path / "out")
    assert found.changed or found.skipped or found.same
