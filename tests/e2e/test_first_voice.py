"""From recordings to a rendered voice through the command line, as a user would run it.

One voice is made for the whole file: checked, prepared, trained, killed, trained on, stopped with
Ctrl-C, trained on, and made to sing. The tests look at what each command left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.jobs import Job, list_jobs
from singwiz.core.project import Project

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
CHANGES = ("val_check_interval=10", "log_interval=5", "num_valid_plots=1", "max_batch_size=2")
PATIENCE = 300.0
"""Seconds after which something hangs; nothing here is timed."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "singwiz", *map(str, arguments)]


def run(*arguments: str | Path, cwd: Path, code: int = 0) -> Any:
    """Run a command to its end; its ``--json`` if it printed some."""
    done = subprocess.run(
        command(*arguments), capture_output=True, cwd=cwd, env=ENVIRONMENT, timeout=PATIENCE
    )
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout.decode()


def newest_checkpoint(folder: Path) -> int:
    return max(
        (int(path.stem.rpartition("_")[2]) for path in folder.glob("model_ckpt_steps_*.ckpt")),
        default=0,
    )


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass
class Voice:
    """What the commands said on the way to a voice."""

    corpus: DemoCorpus
    folder: Path
    untouched: dict[str, str]
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project.open(self.folder)

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints" / "acoustic"

    def train_until(self, steps: int, how: signal.Signals) -> tuple[int, int]:
        """Train until a checkpoint of at least ``steps``, then end it: exit code, checkpoint."""
        training = subprocess.Popen(
            command("train", self.folder, "--max-steps", "100000", "--device", "cpu"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd=self.folder.parent,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while newest_checkpoint(self.checkpoints) < steps:
                assert training.poll() is None, "training ended too early"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            training.send_signal(how)
            code = training.wait(PATIENCE)
        finally:
            training.kill()
        return code, newest_checkpoint(self.checkpoints)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    home = tmp_path_factory.mktemp("声 home")
    corpus = make_corpus(home / "my recordings", items=6, seconds=2.0)
    voice = Voice(corpus, home / "my voice", content(corpus.raw_data_dir))
    said = voice.said
    said["new"] = run(
        *("new", voice.folder, "--raw", corpus.raw_data_dir, "--speaker", "aoi", "--json"),
        *("--language", "demo", "--dictionary", corpus.dictionary, "--preset", "tiny"),
        cwd=home,
    )
    said["check"] = run("check", voice.folder, "--json", cwd=home)
    said["set"] = run("config", "set", voice.folder, *CHANGES, "--json", cwd=home)
    said["binarize"] = run("binarize", voice.folder, "--json", cwd=home)
    said["killed"] = voice.train_until(10, signal.SIGKILL)
    said["jobs after the kill"] = run("jobs", "list", voice.folder, "--json", cwd=home)
    said["interrupted"] = voice.train_until(said["killed"][1] + 10, signal.SIGINT)
    goal = said["interrupted"][1] + 5
    said["goal"] = goal
    said["train"] = run(
        *("train", voice.folder, "--max-steps", str(goal), "--device", "cpu", "--json"), cwd=home
    )
    said["render"] = run("render", voice.folder, corpus.song, "--seed", "1", "--json", cwd=home)
    item = yaml.safe_load((voice.folder / "configs" / "acoustic.yaml").read_text("utf-8"))[
        "datasets"
    ][0]["test_prefixes"][0]
    said["item"] = run(
        *("render", voice.folder, "--item", item, "--ckpt", "best", "--seed", "1", "--json"),
        cwd=home,
    )
    return voice


def test_the_recordings_are_as_they_were(voice: Voice) -> None:
    assert content(voice.corpus.raw_data_dir) == voice.untouched


def test_check_and_binarize_account_for_every_recording(voice: Voice) -> None:
    assert voice.said["check"]["summary"]["items"] == 6
    assert voice.said["check"]["summary"]["errors"] == 0
    report = voice.said["binarize"]
    assert report["skipped"] == []
    assert report["counts"]["train"] + report["counts"]["valid"] == 6
    assert report["wall_seconds"] > 0
    for file in ("train.data", "train.meta.json", "valid.data", "spk_map.json", "phonemes.json"):
        assert (voice.folder / "binary" / "acoustic" / file).exists()


def test_a_killed_training_is_listed_as_died(voice: Voice) -> None:
    code, checkpoint = voice.said["killed"]
    assert code == -signal.SIGKILL
    assert checkpoint >= 10
    newest = voice.said["jobs after the kill"]["jobs"][0]
    assert (newest["stage"], newest["state"]) == ("train", "died")
    assert newest["error"]["code"] == "job-died"


def test_ctrl_c_saves_a_checkpoint_and_exits_with_130(voice: Voice) -> None:
    code, checkpoint = voice.said["interrupted"]
    assert code == 130
    trainings = [job for job in list_jobs(voice.project) if job.stage == "train"]
    status = trainings[1].status()
    assert status.state == "cancelled"
    assert status.result is not None
    assert status.result["steps"] == checkpoint


def test_training_continues_at_the_saved_step(voice: Voice) -> None:
    trainings = [job for job in list_jobs(voice.project) if job.stage == "train"]
    assert len(trainings) == 3

    def steps(job: Job) -> list[int]:
        return [
            event["step"]
            for event in job.events()
            if event["type"] == "metric" and event["name"] == "training/total_loss"
        ]

    assert steps(trainings[2])[0] == 5
    assert steps(trainings[1])[0] == 5 * (voice.said["killed"][1] // 5 + 1)
    assert voice.said["interrupted"][1] < steps(trainings[0])[0] <= voice.said["goal"]
    outcome = voice.said["train"]
    assert outcome["steps"] == voice.said["goal"]
    assert outcome["stopped_early"] is False
    assert Path(outcome["checkpoint"]).name == f"model_ckpt_steps_{voice.said['goal']}.ckpt"
    assert outcome["metrics"]["training/total_loss"] > 0
    assert outcome["table"][1].startswith("mel error (nat)")


def test_the_best_checkpoint_can_be_asked_for(voice: Voice) -> None:
    best = voice.said["train"]["best"]
    assert best["why"].startswith("lowest mel error of")
    assert Path(best["checkpoint"]).is_file()
    assert voice.said["item"]["checkpoint"] == best["checkpoint"]


def test_the_song_is_a_sound_of_the_right_length(voice: Voice) -> None:
    rendered = voice.said["render"]
    assert Path(rendered["wav"]) == voice.folder / "renders" / "song.wav"
    audio, rate = soundfile.read(rendered["wav"])
    song = json.loads(voice.corpus.song.read_text(encoding="utf-8"))
    ends = [
        segment["offset"] + sum(float(value) for value in segment["ph_dur"].split())
        for segment in song
    ]
    assert len(audio) / rate == pytest.approx(max(ends), abs=0.1)
    assert rendered["seconds"] == pytest.approx(len(audio) / rate, abs=0.01)
    assert np.isfinite(audio).all()
    assert np.sqrt(np.mean(audio**2)) > 0.001
    assert rendered["preview"] is True
    assert rendered["rtf"] > 0
    assert Path(rendered["spectrogram"]).read_bytes().startswith(b"\x89PNG")


def test_a_held_out_recording_is_sung_beside_itself_with_figures(voice: Voice) -> None:
    rendered = voice.said["item"]
    sung, _ = soundfile.read(rendered["wav"])
    recorded, rate = soundfile.read(rendered["recording"])
    assert abs(len(sung) - len(recorded)) / rate < 0.1
    figures = rendered["figures"]
    assert 0 <= figures["voicing_agreement"] <= 1
    assert figures["mel_l1"] > 0
    assert figures["baseline_l1"] > 0


def test_every_foreground_command_left_a_record(voice: Voice) -> None:
    stages = [job.stage for job in list_jobs(voice.project)]
    assert stages == ["render", "render", "train", "train", "train", "binarize", "check"]
    for job in list_jobs(voice.project):
        assert (job.dir / "log.txt").exists()


def test_diffsingers_layout_renders_without_a_project(voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").symlink_to(voice.folder / "checkpoints")
    rendered = run(
        *("render", voice.corpus.song, "--exp", "acou", "-o", "out/my song.wav", "--json"),
        *("--steps", "2", "--seed", "1"),
        cwd=tmp_path,
    )
    assert Path(rendered["wav"]) == tmp_path / "out" / "my song.wav"
    assert soundfile.info(rendered["wav"]).frames > 44100


def test_a_diffsinger_config_is_prepared_and_trained_where_it_says(
    voice: Voice, tmp_path: Path
) -> None:
    config = yaml.safe_load((voice.folder / "configs" / "acoustic.yaml").read_text("utf-8"))
    config["binary_data_dir"] = "data/binary"
    config["datasets"][0]["raw_data_dir"] = "data/raw"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw").symlink_to(voice.corpus.raw_data_dir)
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    report = run("binarize", "--config", "my.yaml", "--json", cwd=tmp_path)
    assert report["counts"]["train"] > 0
    assert (tmp_path / "data" / "binary" / "train.data").exists()
    trained = run(
        *("train", "--config", "my.yaml", "--exp", "mine", "--max-steps", "2", "--json"),
        cwd=tmp_path,
    )
    assert Path(trained["checkpoint"]) == tmp_path / "checkpoints/mine/model_ckpt_steps_2.ckpt"
    assert Path(trained["checkpoint"]).exists()
    assert not (tmp_path / "jobs").exists()


def test_a_song_with_a_strange_phoneme_is_explained(voice: Voice, tmp_path: Path) -> None:
    song = json.loads(voice.corpus.song.read_text(encoding="utf-8"))
    song[0]["ph_seq"] = song[0]["ph_seq"].replace("SP", "zzz", 1)
    (tmp_path / "strange.ds").write_text(json.dumps(song), encoding="utf-8")
    (tmp_path / "torn.ds").write_text("[{", encoding="utf-8")
    failed = run("render", voice.folder, "strange.ds", "--json", cwd=tmp_path, code=1)
    assert "zzz" in failed["error"]["message"]
    failed = run("render", voice.folder, "torn.ds", "--json", cwd=tmp_path, code=1)
    assert failed["error"]["hint"]
