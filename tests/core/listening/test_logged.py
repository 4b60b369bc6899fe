"""Tests from sounds that training has kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from torch.utils.tensorboard import SummaryWriter

from singwiz.core.errors import SingwizError
from singwiz.core.jobs import run_here
from singwiz.core.listening.logged import choose_steps, logged_versions, read_logged
from singwiz.core.listening.store import open_test
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RATE, label_of, tone

PITCH = {0: 150.0, 1000: 300.0, 2000: 450.0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Steps 1000 and 2000 as files, step 0 in TensorBoard only."""
    project = Project.create(tmp_path_factory.mktemp("logged") / "voice")
    folder = project.checkpoints_dir / "acoustic"
    for step in (1000, 2000):
        for item in range(2):
            path = folder / "validation" / str(step) / f"{item}_pred.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone(PITCH[step] + item, seconds=6), RATE)
    soundfile.write(folder / "validation" / "1000" / "0_gt.wav", tone(500, seconds=6), RATE)
    (folder / "validation" / "1000" / "notes.wav").write_bytes(b"no sound")
    writer = SummaryWriter(str(folder / "lightning_logs"))
    for item in range(2):
        writer.add_audio(f"diff_{item}", tone(PITCH[0] + item, seconds=6)[None], 0, RATE)
        writer.add_audio(f"gt_{item}", tone(500 + item, seconds=6)[None], 0, RATE)
        writer.add_audio(f"aux_{item}", tone(900, seconds=6)[None], 0, RATE)
    writer.close()
    (folder / "lightning_logs" / "events.out.tfevents.broken").write_bytes(b"\x10" * 500)
    return project


def pitch_of(path: Path) -> float:
    sound, rate = soundfile.read(path)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate / len(sound))


def test_a_test_is_made_without_singing_anew(project: Project) -> None:
    result = run_here(
        project, "listen", {"kind": "rank", "logged": True, "trials": 6}, reporter=Reporter()
    )
    assert result["conditions"] == ["step 0", "step 1000", "step 2000"]
    test = open_test(project.listening_dir)
    for sound in test.plan.sounds:
        if sound.condition != "broken":
            step = int(label_of(test, sound.token).removeprefix("step "))
            assert pitch_of(test.sound(sound.token)) == pytest.approx(PITCH[step], abs=2)


def test_recordings_are_the_reference_and_clips_get_shorter_before_they_repeat(
    project: Project,
) -> None:
    logged = read_logged(project.checkpoints_dir / "acoustic")
    assert list(logged.steps) == [0, 1000, 2000] and set(logged.recordings) == {0, 1}
    clips, versions, rate = logged_versions(
        logged, [0, 2000], wanted=4, with_recording=True, config=None, reporter=Reporter()
    )
    assert [one.role for one in versions] == ["reference", "candidate", "candidate"]
    assert len(clips) == 4 and rate == RATE
    assert {one.end - one.start for one in clips} == {3.0}


def test_a_step_without_sounds_is_named(project: Project) -> None:
    logged = read_logged(project.checkpoints_dir / "acoustic")
    with pytest.raises(SingwizError) as caught:
        choose_steps(logged, [3000], 2)
    assert "3000" in caught.value.message and "0, 1000, 2000" in caught.value.hint
    assert choose_steps(logged, [], 2) == [1000, 2000]


def test_a_training_without_sounds_says_what_to_do(project: Project) -> None:
    (project.checkpoints_dir / "silent").mkdir()
    with pytest.raises(SingwizError) as caught:
        run_here(project, "listen", {"logged": True, "experiment": "silent"}, reporter=Reporter())
    assert caught.value.code == "listening-nothing-logged"


@pytest.mark.parametrize("conditions", [["@best"], ["a@1", "b@1"], ["recording", "@1000"]])
def test_only_steps_of_one_training_can_be_compared(
    project: Project, conditions: list[str]
) -> None:
    with pytest.raises(SingwizError) as caught:
        run_here(project, "listen", {"logged": True, "conditions": conditions}, reporter=Reporter())
    assert caught.value.code == "listening-logged-conditions"
