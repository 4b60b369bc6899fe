"""``singwiz export`` and ``singwiz voicebank``, from the command line to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
import yaml

from singwiz.core.project import Project

from ..core.songs.conftest import musicxml, xml_note
from ..core.synthesis.conftest import make_experiment, make_variance_experiment
from .test_cli import Run, run  # noqa: F401

SMALL = {"melody_encoder_args": {"hidden_size": 16, "enc_layers": 1}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a voice, a variance model for everything, and one for durations only."""
    root = tmp_path_factory.mktemp("projects") / "my voice"
    project = Project.create(root, name="Aoi 葵")
    project.state.consent = True
    project.save()
    checkpoints = project.checkpoints_dir
    make_experiment(checkpoints / "acoustic", use_tension_embed=True)
    make_variance_experiment(checkpoints / "variance", "dur", "pitch", "tension", **SMALL)
    make_variance_experiment(checkpoints / "onlydur", "dur")
    return root


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    """The voicebank of the project, made as a job makes it."""
    from singwiz.core.jobs.stages import run_stage
    from singwiz.core.reporting import Reporter

    result = run_stage("export", Project.open(folder), {"zip": True, "author": "me"}, Reporter())
    assert result["report"]["passed"] and Path(result["archive"]).is_file()
    return Path(result["folder"])


def test_a_project_becomes_a_voicebank_with_its_own_models(exported: Path, folder: Path):
    assert exported == folder / "export" / "Aoi"
    for module in ("dsdur", "dspitch", "dsvariance"):
        assert (exported / module / "dsconfig.yaml").is_file()
    report = json.loads((folder / "export" / "Aoi.verification.json").read_text(encoding="utf-8"))
    assert report["models"] == {
        "acoustic": "acoustic", "duration": "variance", "pitch": "variance", "variance": "variance",
    }  # fmt: skip
    types = (folder / "export" / "phoneme-types.yaml").read_text(encoding="utf-8")
    assert '"s": fricative\n' in types


def test_the_command_takes_names_types_and_models(run: Run, folder: Path, tmp_path: Path):  # noqa: F811
    out = run(
        *("export", folder, "--to", "openutau", "-o", tmp_path, "--name", "Two", "--json"),
        *("--duration", "onlydur", "--pitch", "none", "--type", "n=stop", "--license", "Be kind."),
    )
    assert out.code == 0, out.err
    result = json.loads(out.out)
    bank = Path(result["folder"])
    assert bank == tmp_path / "Two" and not (bank / "dspitch").exists()
    content = yaml.safe_load((bank / "dsdur" / "dsdict.yaml").read_text(encoding="utf-8"))
    assert {"symbol": "n", "type": "stop"} in content["symbols"]
    assert "Be kind." in (bank / "license.txt").read_text(encoding="utf-8")
    assert max(result["errors"].values()) < 1e-3


def test_what_stands_in_the_way_is_said_at_once(run: Run, tmp_path: Path):  # noqa: F811
    project = Project.create(tmp_path / "p", name="p")
    out = run("export", project.root)
    assert out.code == 2 and "no trained voice" in out.err
    make_experiment(project.checkpoints_dir / "acoustic", use_tension_embed=True)
    out = run("export", project.root)
    assert out.code == 2
    for words in ("singers agree", "no duration model", "needs tension"):
        assert words in " ".join(out.err.split())
    assert not project.export_dir.exists()
    out = run("export", "--to", "openutau")
    assert out.code == 2 and "Name what to export" in out.err


def test_graphs_of_all_models_or_of_one(run: Run, folder: Path, tmp_path: Path):  # noqa: F811
    out = run("export", folder, "--to", "onnx", "-o", tmp_path / "all", "--json")
    assert out.code == 0, out.err
    names = {Path(one["folder"]).name: one["kind"] for one in json.loads(out.out)["exports"]}
    assert names == {"acoustic": "acoustic", "variance": "variance"}
    assert (tmp_path / "all" / "variance" / "variance.linguistic.onnx").is_file()
    assert (tmp_path / "all" / "acoustic" / "dictionary-demo.txt").is_file()
    single = tmp_path / "one"
    experiment = folder / "checkpoints" / "onlydur"
    out = run("export", "--to", "onnx", "--exp", experiment, "-o", single)
    assert out.code == 0, out.err
    assert (single / "onlydur.dur.onnx").is_file() and "differs from torch" in out.out


def test_a_voicebank_without_a_project(run: Run, folder: Path, tmp_path: Path):  # noqa: F811
    checkpoints = folder / "checkpoints"
    models = ("--acoustic", checkpoints / "acoustic", "--duration", checkpoints / "onlydur")
    out = run("export", *models, "-o", tmp_path)
    assert out.code == 2 and "singers agree" in out.err and "needs tension" in out.err
    out = run(
        "export", *models, "--variance", checkpoints / "variance", "--consent", "-o", tmp_path
    )
    assert out.code == 0, out.err
    assert (tmp_path / "acoustic" / "dsvariance" / "variance.onnx").is_file()


def test_checkpoints_for_the_community(run: Run, folder: Path, tmp_path: Path):  # noqa: F811
    out = run("export", folder, "--to", "diffsinger", "-o", tmp_path, "--weights-only", "--json")
    assert out.code == 0, out.err
    assert (tmp_path / "acoustic" / "model_ckpt_steps_10.ckpt").is_file()
    assert (tmp_path / "variance" / "config.yaml").is_file()


def test_anybodys_voicebank_is_checked(run: Run, exported: Path, tmp_path: Path):  # noqa: F811
    out = run("voicebank", "check", exported)
    assert out.code == 0, out.err
    assert "passes" in out.out and "W_NO_VOCODER" in out.out
    (tmp_path / "x").mkdir()
    out = run("voicebank", "check", tmp_path / "x", "--json")
    assert out.code == 1
    assert json.loads(out.out)["remarks"][0]["code"] == "E_CHARACTER"
    assert run("voicebank", "check", tmp_path / "no").code == 2


def test_a_score_is_sung_by_a_voicebank(run: Run, exported: Path, tmp_path: Path):  # noqa: F811
    notes = xml_note("C4", 2, "sa") + xml_note("D4", 2, "ni")
    song = tmp_path / "song.musicxml"
    song.write_bytes(musicxml(notes + xml_note("E4", 4, "ho")))
    out = run("voicebank", "sing", exported, song)
    assert out.code == 1 and "'ho' (bar 2, beat 1)" in out.err
    song.write_bytes(musicxml(notes))
    out = run("voicebank", "sing", exported, song, "--steps", "2", "--json")
    assert out.code == 0, out.err
    result = json.loads(out.out)
    audio, rate = soundfile.read(result["wav"])
    assert rate == 44100 and abs(audio).max() > 0
    assert result["preview"] and set(result["timings"]) >= {"durations", "pitch", "acoustic"}
    out = run("voicebank", "sing", exported, song, "--speaker", "nobody")
    assert out.code == 2 and "no singer called" in out.err


def test_the_vocoder_that_the_project_chose_later_is_taken_along(folder: Path, tmp_path: Path):
    from singwiz.core.jobs.exporting import _chosen_vocoder

    project = Project.open(folder)
    assert _chosen_vocoder(project) == ""
    chosen = tmp_path / "model.ckpt"
    chosen.write_bytes(b"x")
    project.model_choice("acoustic").overrides["vocoder_ckpt"] = str(chosen)
    assert _chosen_vocoder(project) == str(chosen)
    project.model_choice("acoustic").overrides["vocoder_ckpt"] = "preview"
    assert _chosen_vocoder(project) == ""
