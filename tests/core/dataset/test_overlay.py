"""A folder that keeps only what differs can stand wherever a raw dataset folder stands."""

import json

import pytest

from singwiz.core.config import load_config
from singwiz.core.dataset import RawDataset, check_datasets
from singwiz.core.dataset.overlay import is_member, read_overlay
from singwiz.core.errors import SingwizError
from singwiz.core.jobs.configuring import write_config
from singwiz.core.jobs.stages import open_datasets
from singwiz.core.project import Project

from .conftest import sing


@pytest.fixture
def overlay(corpus, tmp_path):
    """An overlay of the corpus: another label in the first row, one recording replaced."""
    root = tmp_path / "project" / "datasets" / "voice"
    (root / "wavs").mkdir(parents=True)
    describe(root, corpus)
    text = corpus.text().replace("AP", "SP", 1)
    (root / "transcriptions.csv").write_text(text, encoding="utf-8")
    (root / "wavs" / "song_01.wav").write_bytes(corpus.wav("song_01").read_bytes())
    return root


def describe(root, corpus, **changes):
    import hashlib

    sha = hashlib.sha256(corpus.csv.read_bytes()).hexdigest()
    described = {"schema": 1, "base": str(corpus.root), "base_csv": sha, **changes}
    (root / "overlay.json").write_text(json.dumps(described))


def open_voice(root):
    return RawDataset.open(root, name="voice", speaker="aoi", language="ja")


def test_rows_come_from_the_overlay_and_recordings_from_wherever_they_are(corpus, overlay):
    dataset = open_voice(overlay)
    assert dataset.findings == []
    assert dataset.items[0].ph_seq[5] == "SP"
    assert [item.audio for item in dataset.items] == [
        corpus.wav("song_00"),
        overlay / "wavs" / "song_01.wav",
        corpus.wav("song_02"),
    ]
    assert dataset.overlay is not None and dataset.overlay.base == corpus.root


def test_ds_files_of_the_overlay_win(corpus, overlay):
    for root, names in ((corpus.root, ("a", "b")), (overlay, ("b", "c"))):
        (root / "ds").mkdir()
        for name in names:
            (root / "ds" / f"{name}.ds").write_text("[]")
    listed = open_voice(overlay).list_ds()
    assert {name: path.parent.parent for name, path in listed.items()} == {
        "a.ds": corpus.root,
        "b.ds": overlay,
        "c.ds": overlay,
    }


def test_hidden_and_renamed_files(corpus, overlay):
    changes = {
        "schema": 1,
        "hidden": ["wavs/song_00.wav", "wavs/song_02.wav"],
        "renamed": {"wavs/new.wav": "wavs/song_02.wav"},
    }
    (overlay / "files.json").write_text(json.dumps(changes))
    dataset = open_voice(overlay)
    assert dataset.files == ("new.wav", "song_01.wav")
    assert dataset.recording("new.wav") == corpus.wav("song_02")


def test_checks_listen_through_the_overlay(corpus, overlay):
    import soundfile

    soundfile.write(overlay / "wavs" / "song_01.wav", sing(250.0)[:44100], 44100)
    limits = {"item_min": 0.0}
    findings = check_datasets([open_voice(overlay)], None, thresholds=limits)
    assert "label-audio-length" in {finding.code for finding in findings}


def test_a_base_that_is_gone_is_explained(corpus, overlay):
    describe(overlay, corpus, base="/nowhere/at/all")
    (finding,) = open_voice(overlay).findings
    assert finding.code == "raw-folder-missing"
    assert "/nowhere/at/all" in finding.message


def test_changed_originals_are_noticed(corpus, overlay):
    corpus.rows[0]["ph_seq"] = corpus.rows[0]["ph_seq"].replace("k", "s")
    corpus.write()
    (finding,) = open_voice(overlay).findings
    assert finding.code == "overlay-base-changed"
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"schema": 1}',
        '{"schema": 2, "base": "/x"}',
        '{"schema": 1, "base": 7}',
        "[" * 100000,
        '{"schema": 1, "base": "/x", "base_csv": 3}',
    ],
)
def test_a_damaged_description_is_a_finding(overlay, content):
    (overlay / "overlay.json").write_text(content)
    dataset = open_voice(overlay)
    assert [finding.code for finding in dataset.findings] == ["overlay-broken"]
    assert dataset.items == []


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": ["../x"]},
        {"renamed": {"wavs/a.wav": "wavs/../../secret"}},
        {"renamed": {"wavs/a.wav": "/etc/passwd"}},
        {"renamed": {"../a.wav": "wavs/a.wav"}},
        {"renamed": []},
        {"hidden": 5},
    ],
)
def test_a_description_cannot_lead_elsewhere(overlay, changes):
    (overlay / "files.json").write_text(json.dumps(changes))
    with pytest.raises(SingwizError) as error:
        read_overlay(overlay)
    assert error.value.code == "overlay-broken"


@pytest.mark.parametrize("name", ["wavs/a.wav", "ds/a#1.ds", "wavs/…"])
def test_plain_files_are_members(name):
    assert is_member(name)


@pytest.mark.parametrize("name", ["wavs", "wavs/", "wavs/..", "x/a", "wavs/a/b", "wavs/a\\b", 3])
def test_nothing_else_is_a_member(name):
    assert not is_member(name)


def test_stages_and_config_use_the_overlay(corpus, overlay):
    project = Project.create(overlay.parent.parent)
    project.add_recordings(corpus.root, speaker="aoi", language="ja", name="voice")
    project.state.dictionaries["ja"] = str(corpus.root / "dictionary.txt")
    project.save()
    assert project.raw_folder(project.state.datasets[0]) == overlay
    (dataset,) = open_datasets(project)
    assert dataset.root == overlay
    write_config(project, "acoustic")
    config = load_config(project.config_path("acoustic"))
    assert config.datasets[0].raw_data_dir == str(overlay)
    (overlay / "overlay.json").unlink()
    assert project.raw_folder(project.state.datasets[0]) == corpus.root
