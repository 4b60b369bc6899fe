"""Edits collect changes, show them, and touch nothing."""

import json

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset import read_audio, write_ds
from singwiz.core.dataset.fixes import DatasetEdit, ProjectEdit, apply_plan, undo
from singwiz.core.errors import SingwizError


def test_an_edit_that_changes_nothing_makes_an_empty_plan(studio, files):
    before = files(studio.project.root)
    plan = DatasetEdit.open(studio.project, "voice").plan("nothing")
    assert not plan
    assert plan.diff() == ""
    assert files(studio.project.root) == before


def test_a_plan_shows_the_changed_line_and_writes_nothing(studio, files):
    before = files(studio.project.root)
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set(edit.rows[1], "ph_seq", "SP k a m i AP s a AP")
    diff = edit.plan("relabel").diff()
    removed, added = (line for line in diff.splitlines()[3:])
    assert removed.startswith("-song_01,SP k a m i AP s a SP,")
    assert added.startswith("+song_01,SP k a m i AP s a AP,")
    assert files(studio.project.root) == before


def test_unknown_columns_and_broken_rows_survive_a_change(studio):
    text = studio.corpus.text().replace("name,", "name,mood,")
    lines = text.splitlines()
    lines[1:] = [line.replace(",", ',"sad, very",', 1) for line in lines[1:]]
    lines.append("song_09,,SP a")
    lines.append("song_10,x,SP a SP,0.1 0.2 0.3,too,many,cells")
    studio.corpus.csv.write_text("\n".join(lines) + "\n", encoding="utf-8")
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set(edit.rows[0], "ph_num", [1, 2, 2, 1, 2, 1])
    apply_plan(studio.project, edit.plan("words"))
    written = (studio.project.dataset_dir("voice") / "transcriptions.csv").read_text()
    assert written.splitlines()[0] == "name,mood,ph_seq,ph_dur,ph_num"
    assert written.splitlines()[1].startswith('song_00,"sad, very",SP k a')
    assert written.splitlines()[1].endswith(",1 2 2 1 2 1")
    assert "song_09,,SP a" in written
    assert "song_10,x,SP a SP,0.1 0.2 0.3,,too,many,cells" in written


def test_renaming_takes_recording_ds_and_validation_choice_along(studio):
    (studio.corpus.root / "ds").mkdir()
    write_ds(studio.corpus.root / "ds" / "song_01.ds", [{"ph_seq": "SP a SP"}])
    studio.project.state.datasets[0].test_prefixes = ["song_01"]
    studio.project.save()
    edit = DatasetEdit.open(studio.project, "voice")
    edit.rename(edit.find("song_01")[0], "ballad")
    plan = edit.plan("rename")
    assert "voice/wavs/song_01.wav -> wavs/ballad.wav" in plan.diff()
    apply_plan(studio.project, plan)
    dataset = studio.open()
    item = next(item for item in dataset.items if item.name == "ballad")
    assert item.audio == studio.corpus.wav("song_01")  # a new name costs no disk space
    assert list(dataset.list_ds()) == ["ballad.ds"]
    assert "song_01.wav" not in dataset.files
    assert studio.project.state.datasets[0].test_prefixes == ["ballad"]
    undo(studio.project)
    assert studio.project.state.datasets[0].test_prefixes == ["song_01"]


def test_a_dropped_row_leaves_no_orphan(studio):
    edit = DatasetEdit.open(studio.project, "voice")
    edit.drop(edit.rows[0])
    apply_plan(studio.project, edit.plan("drop"))
    assert "audio-orphan" not in studio.codes()
    assert [item.name for item in studio.open().items] == ["song_01", "song_02"]


def test_cutting_and_lengthening_keep_every_remaining_bit(studio):
    original, rate = soundfile.read(studio.corpus.wav("song_00"), dtype="int16")
    edit = DatasetEdit.open(studio.project, "voice")
    recipe = edit.audio("song_00.wav").cut(start=0.5, end=1.5).with_silence(before=0.1, after=0.2)
    edit.set_audio("song_00.wav", recipe)
    apply_plan(studio.project, edit.plan("cut"))
    made, new_rate = soundfile.read(studio.open().recording("song_00.wav"), dtype="int16")
    assert new_rate == rate
    head, body, tail = np.split(made, [round(0.1 * rate), round(0.1 * rate) + rate])
    assert not head.any() and not tail.any()
    assert len(tail) == round(0.2 * rate)
    np.testing.assert_array_equal(body, original[rate // 2 : rate // 2 + rate])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_mono_keeps_the_sample_format(studio, subtype):
    samples, rate = read_audio(studio.corpus.wav("song_00"), None)
    stereo = np.stack([samples, samples], axis=1)
    soundfile.write(studio.corpus.wav("song_00"), stereo, rate, subtype=subtype)
    expected, _ = soundfile.read(studio.corpus.wav("song_00"), dtype="int32")
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set_audio("song_00.wav", edit.audio("song_00.wav").mono())
    apply_plan(studio.project, edit.plan("mono"))
    made = studio.open().recording("song_00.wav")
    info = soundfile.info(made)
    assert (info.channels, info.subtype) == (1, subtype)
    np.testing.assert_array_equal(soundfile.read(made, dtype="int32")[0], expected[:, 0])


def test_edits_build_on_what_is_already_fixed(studio):
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set_audio("song_00.wav", edit.audio("song_00.wav").with_silence(after=1.0))
    apply_plan(studio.project, edit.plan("longer"))
    edit = DatasetEdit.open(studio.project, "voice")
    edit.rename(edit.rows[0], "renamed")
    apply_plan(studio.project, edit.plan("rename"))
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set_audio("renamed.wav", edit.audio("renamed.wav").amplified(0.5))
    apply_plan(studio.project, edit.plan("softer"))
    folder = studio.project.dataset_dir("voice")
    assert [path.name for path in (folder / "wavs").iterdir()] == ["renamed.wav"]
    samples, rate = read_audio(folder / "wavs" / "renamed.wav", None)
    original, _ = read_audio(studio.corpus.wav("song_00"), None)
    assert len(samples) == len(original) + rate
    np.testing.assert_allclose(samples[: len(original)], original / 2, atol=1e-4)
    for _ in range(3):
        undo(studio.project)
    assert not folder.exists()


def test_new_items_can_be_cut_from_an_old_one(studio):
    edit = DatasetEdit.open(studio.project, "voice")
    row = edit.rows[0]
    for k, (start, end) in enumerate([(0.0, 1.4), (1.4, 2.5)]):
        edit.add_row(
            {"name": f"part_{k}", "ph_seq": ["SP", "a"], "ph_dur": [0.2, end - start - 0.2]}
        )
        edit.set_audio(f"part_{k}.wav", edit.audio("song_00.wav").cut(start=start, end=end))
    edit.drop(row)
    apply_plan(studio.project, edit.plan("slice"))
    items = {item.name: item for item in studio.open().items}
    assert set(items) == {"song_01", "song_02", "part_0", "part_1"}
    assert items["part_1"].cells["ph_dur"] == "0.2 0.9"
    assert soundfile.info(items["part_0"].audio).duration == pytest.approx(1.4)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/b", "a\\b", "", " ", "con", "x" * 300, "a\0b", ".."]
)
def test_no_name_leads_out_of_the_project(studio, name):
    edit = DatasetEdit.open(studio.project, "voice")
    for attempt in (
        lambda: edit.rename(edit.rows[0], name),
        lambda: edit.add_row({"name": name}),
        lambda: edit.set_audio(f"{name}.wav", edit.audio("song_00.wav")),
        lambda: edit.write_ds(f"{name}.ds", []),
    ):
        with pytest.raises(SingwizError) as error:
            attempt()
        assert error.value.code == "name-illegal"
    assert not edit.plan("nothing")


def test_a_second_item_of_the_same_name_is_refused(studio):
    edit = DatasetEdit.open(studio.project, "voice")
    with pytest.raises(SingwizError) as error:
        edit.rename(edit.rows[0], "song_01")
    assert error.value.code == "name-duplicate"
    assert edit.free_name("song_01") == "song_01_2"


def test_a_table_of_another_world_is_left_alone(studio):
    studio.corpus.csv.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    with pytest.raises(SingwizError) as error:
        DatasetEdit.open(studio.project, "voice")
    assert error.value.code == "transcriptions-unusable"


def test_a_dataset_without_table_can_get_one(studio):
    studio.corpus.csv.unlink()
    edit = DatasetEdit.open(studio.project, "voice")
    edit.add_row({"name": "song_00", "ph_seq": "SP a SP", "ph_dur": "0.2 2 0.3"})
    apply_plan(studio.project, edit.plan("import"))
    assert [item.name for item in studio.open().items] == ["song_00"]
    assert not studio.corpus.csv.exists()


def test_a_dictionary_copy_is_used_from_then_on(studio):
    edit = ProjectEdit(studio.project)
    edit.write_dictionary("ja", "a\ta\n")
    plan = edit.plan("trim")
    assert "singwiz.yaml: dictionaries.ja:" in plan.diff()
    apply_plan(studio.project, plan)
    copy = studio.project.root / "datasets" / "dictionary-ja.txt"
    assert studio.project.state.dictionaries["ja"] == str(copy)
    assert copy.read_text() == "a\ta\n"
    undo(studio.project)
    assert not copy.exists()
    assert studio.project.state.dictionaries["ja"] == str(studio.corpus.root / "dictionary.txt")


def test_settings_that_make_no_sense_are_refused_at_once(studio):
    edit = ProjectEdit(studio.project)
    for key, value in (
        ("datasets.voice.speaker", "not a name"),
        ("datasets.nobody.speaker", "x"),
        ("no_such_key", 1),
    ):
        with pytest.raises(SingwizError):
            edit.set(key, value)
    assert not edit.plan("nothing")


def test_plans_are_plain_data_for_programs(studio):
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set(edit.rows[0], "ph_seq", "SP a SP")
    edit.did("some-code", "Something happened.", item="song_00")
    edit.refuse("other-code", "It cannot be helped.")
    content = json.loads(json.dumps(edit.plan("x").to_dict()))
    assert content["codes"] == ["some-code"]
    assert content["steps"][0]["item"] == "song_00"
    assert content["refused"][0]["why"] == "It cannot be helped."
    assert "transcriptions.csv" in content["diff"]
