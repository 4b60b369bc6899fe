"""A project is one folder; nothing a user writes into its file may end in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from singwiz.core.errors import SingwizError
from singwiz.core.project import FILE_NAME, ModelChoice, Project, Recordings


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "my songs" / "raw"
    folder.mkdir(parents=True)
    return folder


def refused(path: Path) -> SingwizError:
    with pytest.raises(SingwizError) as caught:
        Project.open(path)
    assert caught.value.hint and caught.value.exit_code == 2
    return caught.value


def test_a_project_comes_back_as_it_was_saved(tmp_path: Path, raw: Path) -> None:
    project = Project.create(tmp_path / "声 の プロジェクト", name="葵")
    project.add_recordings(raw, speaker="aoi", language="ja")
    project.state.dictionaries = {"no": "001"}
    project.state.extra_phonemes = ["on", "y", "1e3"]
    project.state.models["acoustic"] = ModelChoice(
        preset="small", overrides={"optimizer_args.lr": 1e-5, "pe": "~"}
    )
    project.state.guide = {"step": "check", "seen": [1, 2]}
    project.save()
    again = Project.open(project.root)
    assert again.state == project.state
    assert again.root == project.root
    assert again.state.name == "葵"


def test_the_file_itself_can_be_opened(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    assert Project.open(tmp_path / "p" / FILE_NAME).root == project.root
    assert Project.open(tmp_path / "p" / FILE_NAME).state.name == "p"


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Project.create("p").root == tmp_path / "p"


def test_a_second_project_in_the_same_folder_is_refused_and_loses_nothing(
    tmp_path: Path,
) -> None:
    Project.create(tmp_path / "p", name="first")
    with pytest.raises(SingwizError) as caught:
        Project.create(tmp_path / "p", name="second")
    assert caught.value.code == "project-exists"
    assert Project.open(tmp_path / "p").state.name == "first"


def test_a_project_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SingwizError) as caught:
        Project.create(tmp_path / "file" / "p")
    assert caught.value.code == "project-not-writable"


def test_a_folder_without_a_project_and_a_plain_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    assert refused(tmp_path).code == "project-not-found"
    assert refused(tmp_path / "nowhere").code == "project-not-found"
    assert refused(tmp_path / "song.wav").code == "project-not-found"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "project-invalid"),
        (b"- a\n", "project-invalid"),
        (b"schema: 1\nname: [\n", "project-invalid"),
        (b"schema: 1\n\tname: x\n", "project-invalid"),
        (b"schema: 2\nname: x\n", "project-invalid"),
        (b"schema: 1\nname: x\nunknown: 1\n", "project-invalid"),
        (b"schema: 1\nname: 2023-13-45\n", "project-invalid"),
        (b"schema: 1\nname: !!python/object/apply:os.getcwd []\n", "project-invalid"),
        (b"[" * 3000, "project-invalid"),
        (b"schema: 1\nname: x\x00\n", "project-invalid"),
        (b"schema: 1\nname: x\nmodels: {acoustic: {experiment: ../../x}}\n", "project-invalid"),
        (b"schema: 1\nname: x\nmodels: {opera: {}}\n", "project-invalid"),
        ("schema: 1\nname: 歌\n".encode("gbk"), "project-unreadable"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(
    tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    error = refused(tmp_path)
    assert error.code == code
    assert FILE_NAME in error.where
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_yaml_error_names_its_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("schema: 1\nname: x\ndatasets: [}\n")
    assert refused(tmp_path).where.endswith(f"{FILE_NAME}:3")


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("schema: 1\nname: x\n", encoding="utf-8-sig")
    assert Project.open(tmp_path).state.name == "x"


def test_recordings_are_named_after_the_folder_that_says_something(
    tmp_path: Path, raw: Path
) -> None:
    project = Project.create(tmp_path / "p")
    assert project.add_recordings(raw, language="zh").name == "my_songs"
    assert project.state.datasets[0].raw_data_dir == str(raw)


def test_names_of_recordings_are_unique(tmp_path: Path, raw: Path) -> None:
    project = Project.create(tmp_path / "p")
    names = [project.add_recordings(raw, speaker="aoi", language="ja").name for _ in range(4)]
    assert names == ["aoi", "aoi_2", "aoi_3", "aoi_4"]
    assert {recordings.speaker for recordings in project.state.datasets} == {"aoi"}


def test_a_folder_in_another_script_gets_a_usable_name(tmp_path: Path) -> None:
    folder = tmp_path / "歌声"
    folder.mkdir()
    recordings = Project.create(tmp_path / "p").add_recordings(folder, language="ja")
    assert recordings.name == "voice"
    assert recordings.raw_data_dir == str(folder)


def test_a_missing_recordings_folder_is_refused(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    with pytest.raises(SingwizError) as caught:
        project.add_recordings(tmp_path / "nowhere", language="zh")
    assert caught.value.code == "raw-not-found"
    assert project.state.datasets == []


@pytest.mark.parametrize("speaker", ["葵", "a b", "a:b", "a\n", "a/b", ".."])
def test_a_speaker_name_that_mixes_cannot_use_is_refused(
    tmp_path: Path, raw: Path, speaker: str
) -> None:
    project = Project.create(tmp_path / "p")
    with pytest.raises(SingwizError) as caught:
        project.add_recordings(raw, speaker=speaker, language="zh")
    assert caught.value.code == "name-unusable"
    with pytest.raises(ValidationError):
        Recordings(name="x", raw_data_dir="x", speaker=speaker, language="zh")
    assert project.state.datasets == []


def test_the_folder_layout_is_fixed(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    relative = [
        path.relative_to(project.root).as_posix()
        for path in (
            project.config_path("acoustic"),
            project.dataset_dir("aoi"),
            project.binary_dir("variance"),
            project.experiment_dir("acoustic"),
            project.experiment_dir("acoustic", "second"),
            project.renders_dir,
            project.listening_dir,
            project.export_dir,
            project.jobs_dir,
        )
    ]
    assert relative == [
        "configs/acoustic.yaml",
        "datasets/aoi",
        "binary/variance",
        "checkpoints/acoustic",
        "checkpoints/second",
        "renders",
        "listening",
        "export",
        "jobs",
    ]


def test_a_chosen_experiment_names_the_folder(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    project.model_choice("acoustic").experiment = "night run"
    assert project.experiment_dir("acoustic").name == "night run"
