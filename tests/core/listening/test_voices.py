"""Tests whose sounds are sung by (tiny, untrained) models: what is sung, and what is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from singwiz.core.errors import SingwizError
from singwiz.core.jobs import run_here
from singwiz.core.listening.plan import Plan
from singwiz.core.listening.store import ListeningTest
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from ..synthesis.conftest import make_experiment, make_variance_experiment, vowel

HELD_OUT = ("song0", "song1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Four recordings with notes, two of them held out; two checkpoints; a variance model."""
    root = tmp_path_factory.mktemp("sung")
    raw = root / "raw"
    (raw / "wavs").mkdir(parents=True)
    rows = ["name,ph_seq,ph_dur,ph_num,note_seq,note_dur"]
    for number in range(4):
        pitch = 200 + 40 * number
        sound = np.concatenate([np.zeros(8820), vowel(np.full(61740, pitch)), np.zeros(17640)])
        soundfile.write(raw / "wavs" / f"song{number}.wav", sound, 44100)
        rows.append(
            f"song{number},SP s a n i SP,0.2 0.1 0.6 0.1 0.6 0.4,2 2 1 1,rest A3 A3 rest,"
            "0.3 0.7 0.6 0.4"
        )
    (raw / "transcriptions.csv").write_text("\n".join(rows) + "\n")
    project = Project.create(root / "voice")
    project.add_recordings(raw, speaker="anna", language="demo")
    project.save()
    datasets = [
        {
            "raw_data_dir": str(raw),
            "speaker": "anna",
            "spk_id": 0,
            "language": "demo",
            "test_prefixes": list(HELD_OUT),
        }
    ]
    folder = make_experiment(project.checkpoints_dir / "acoustic", datasets=datasets)
    content = torch.load(folder / "model_ckpt_steps_10.ckpt", weights_only=True)
    torch.manual_seed(5)
    for value in content["state_dict"].values():
        if value.is_floating_point():
            value += 0.05 * torch.randn_like(value)
    torch.save(content, folder / "model_ckpt_steps_20.ckpt")
    make_variance_experiment(project.checkpoints_dir / "variance", "dur", "pitch")
    return project


def made(project: Project, **params: Any) -> tuple[ListeningTest, Plan]:
    result = run_here(project, "listen", {"seed": 1, "trials": 6, **params}, reporter=Reporter())
    test = ListeningTest.open(project.listening_dir / result["test"])
    return test, test.plan


def sound(test: ListeningTest, clip: str, condition: str) -> np.ndarray:
    return np.asarray(soundfile.read(test.sound(test.plan.token(clip, condition)))[0])


def test_the_newest_checkpoints_sing_what_they_have_never_learned(project: Project) -> None:
    test, plan = made(project, kind="ab")
    assert [one.label for one in plan.candidates] == ["acoustic, step 10", "acoustic, step 20"]
    assert {clip.item for clip in plan.clips} == set(HELD_OUT)
    assert all(one.made["seed"] == 1 for one in plan.candidates)
    first, second = (sound(test, "k1", one.id) for one in plan.candidates)
    assert len(first) == len(second) and np.corrcoef(first, second)[0, 1] < 0.999


def test_the_same_voice_twice_sounds_the_same(project: Project) -> None:
    test, plan = made(project, kind="abx", clips=1, conditions=["one=@10", "two=@10"])
    first, second = (sound(test, "k1", one.id) for one in plan.candidates)
    assert np.abs(first - second).max() <= 3 / 32768, "same seed, same steps: only dither differs"


def test_causes_go_from_the_recording_to_the_full_chain(project: Project) -> None:
    _, plan = made(project, causes=True, kind="tag", clips=1)
    labels = ["recording", "copy-synthesis", "acoustic model", "full chain"]
    assert [plan.condition(one).label for one in plan.stages] == labels
    figures = {one["condition"]: one for one in plan.figures}
    assert figures["copy-synthesis"]["f0_rmse_cents"] < 20
    assert figures["copy-synthesis"]["mel_l1"] < figures["acoustic model"]["mel_l1"]
    assert {"dur_ms_vowel", "dur_ms_unvoiced"} <= set(figures["full chain"])
    assert "mel_l1" not in figures["full chain"], "with other timing frames are not comparable"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"kind": "rank"}, "listening-too-few-checkpoints"),
        ({"conditions": ["@10", "@30"]}, "checkpoint-missing"),
        ({"conditions": ["nobody@10", "@10"]}, "experiment-not-found"),
        ({"conditions": ["@10"]}, "listening-conditions-count"),
        ({"causes": True, "kind": "ab"}, "listening-causes-kind"),
        ({"causes": True, "conditions": ["copy"]}, "listening-causes-conditions"),
        ({"causes": True, "trials": 8}, "listening-too-few-clips"),
        ({"kind": "louder"}, "listening-kind-unknown"),
    ],
)
def test_a_test_that_cannot_be_made_says_why(
    project: Project, params: dict[str, Any], code: str
) -> None:
    before = sorted(project.listening_dir.glob("*"))
    with pytest.raises(SingwizError) as caught:
        made(project, **params)
    assert caught.value.code == code and caught.value.hint
    assert sorted(project.listening_dir.glob("*")) == before


def test_a_stopped_making_leaves_nothing(project: Project) -> None:
    from singwiz.core.errors import Cancelled

    class Impatient(Reporter):
        def cancelled(self) -> bool:
            return True

    before = sorted(project.listening_dir.glob("*"))
    with pytest.raises(Cancelled):
        run_here(project, "listen", {"kind": "ab", "trials": 6}, reporter=Impatient())
    assert sorted(project.listening_dir.glob("*")) == before


def test_labels_without_notes_leave_the_full_chain_out(project: Project, tmp_path: Path) -> None:
    table = Path(project.state.datasets[0].raw_data_dir) / "transcriptions.csv"
    full = table.read_text()
    try:
        rows = [",".join(row.split(",")[:3]) for row in full.splitlines()]
        table.write_text("\n".join(rows) + "\n")
        _, plan = made(project, causes=True, kind="tag", clips=1)
    finally:
        table.write_text(full)
    assert "full chain" not in [one.label for one in plan.conditions]
    assert any("no notes" in note for note in plan.notes)
