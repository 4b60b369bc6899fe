"""Timing and pitch in the guide: asked for, prepared, trained, heard – and left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import StepStatus, Table, Text
from singwiz.core.jobs import list_jobs, run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RawFolder, action, finish, question

CLEAN = {"findings": [], "summary": {"errors": 0, "items": 6, "seconds": 12.6}}


def run(
    guide: Guide, monkeypatch: pytest.MonkeyPatch, stage: str, work: Any, **params: Any
) -> None:
    monkeypatch.setitem(STAGES, stage, work)
    run_here(guide.project, stage, params, reporter=Reporter())


def prepared(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    folder = project.binary_dir(params.get("model") or "acoustic")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.data").write_bytes(b"")
    return {"counts": {"train": 5, "valid": 1}, "skipped": [], "warnings": []}


def trained(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    kind = params.get("model") or "acoustic"
    folder = project.experiment_dir(kind, params.get("experiment") or "")
    folder.mkdir(parents=True, exist_ok=True)
    config = project.config_path(kind).read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    for step in (50, 100):
        reporter.metric("training/total_loss", 1.0 / step, step)
        (folder / f"model_ckpt_steps_{step}.ckpt").write_bytes(b"")
    return {"steps": 100}


def texts(guide: Guide, step: str) -> str:
    return "\n".join(one.body for one in guide.view(step).blocks if isinstance(one, Text))


def add_words(raw: RawFolder, *, notes: bool = False) -> None:
    """``ph_num`` and notes for ``SP k a m i AP a SP``."""
    path = raw.root / "transcriptions.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["ph_num"] = "2 2 1 1 1 1"
        if notes:
            row["note_seq"] = "rest A3 A3 rest A3 rest"
            row["note_dur"] = "0.6 0.6 0.3 0.3 0.3 0.3"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def checked(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> Guide:
    run(guide, monkeypatch, "check", lambda *_: CLEAN)
    return guide


def test_recordings_without_words_cannot_teach_timing_and_the_step_says_what_helps(
    checked: Guide,
) -> None:
    view = checked.view("model")
    assert question(view, "learn_dur").value is False
    assert "6 of 6" in texts(checked, "model")
    refused = checked.answer("model", {"learn_dur": True}).errors
    assert "ph_num" in refused["learn_dur"]
    assert action(view, "fill_words").enabled
    assert action(view, "fill_both").enabled
    assert not any(one.id == "fill_notes" for one in view.actions)


def test_words_are_filled_in_by_a_button_and_can_be_taken_back(
    checked: Guide, raw: RawFolder
) -> None:
    before = (raw.root / "transcriptions.csv").read_bytes()
    assert not checked.answer("model", {"learn_dur": True}).ok
    assert checked.act("model", "fill_words").ok
    finish(checked, "check")
    asked = question(checked.view("model"), "learn_dur")
    assert (asked.value, asked.error) == (True, ""), "who fills in words wants timing"
    assert question(checked.view("model"), "learn_pitch").value is False
    assert "ph_num" not in texts(checked, "model")
    assert any(one.id == "fill_notes" for one in checked.view("model").actions)
    assert (raw.root / "transcriptions.csv").read_bytes() == before
    assert any(one.id == "undo" for one in checked.view("check").actions)


def test_enough_labelled_singing_preselects_timing_and_pitch(
    guide: Guide, raw: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_words(raw, notes=True)
    run(guide, monkeypatch, "check", lambda *_: CLEAN)
    chosen = {
        name: question(guide.view("model"), name).value for name in ("learn_dur", "learn_pitch")
    }
    assert chosen == {"learn_dur": False, "learn_pitch": False}, "fifteen seconds teach no timing"
    steps = "singwiz.assistant.guide.steps.variance"
    monkeypatch.setattr(f"{steps}.DUR_MINUTES", 0.1)
    assert question(guide.view("model"), "learn_dur").value is True
    monkeypatch.setattr(f"{steps}.PITCH_MINUTES", 0.1)
    assert question(guide.view("model"), "learn_pitch").value is True


def test_one_button_starts_both_models_one_after_the_other(
    checked: Guide, raw: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_words(raw, notes=True)
    run(checked, monkeypatch, "check", lambda *_: CLEAN)
    assert checked.answer("model", {"preset": "tiny", "learn_dur": True, "learn_pitch": True}).ok
    assert checked.answer("model", {"variance_max_updates": 100, "max_updates": 100}).ok
    assert checked.act("model", "write").go_to == "prepare"
    choice = checked.project.state.models["variance"]
    assert choice.preset == "tiny"
    assert choice.overrides["predict_dur"] and choice.overrides["predict_pitch"]
    assert not choice.overrides["predict_tension"]

    started: list[tuple[str, str]] = []

    def start_job(project: Project, stage: str, params: dict[str, Any], **_: Any) -> Any:
        started.append((stage, params["model"]))
        run(checked, monkeypatch, stage, prepared if stage == "binarize" else trained, **params)
        return list_jobs(project)[0]

    monkeypatch.setattr("singwiz.core.jobs.start_job", start_job)
    assert [one.id for one in checked.view("prepare").actions] == ["start"]
    assert checked.act("prepare", "start").ok
    assert checked.view("prepare").status is StepStatus.DONE
    assert checked.act("train", "start").ok
    assert started == [
        ("binarize", "acoustic"), ("binarize", "variance"),
        ("train", "acoustic"), ("train", "variance"),
    ]  # fmt: skip
    view = checked.view("train")
    assert view.status is StepStatus.DONE
    assert view.summary == "100 steps; timing: 100 steps"

    # Listening uses the chain, and the state of the training that was chosen.
    listen = checked.view("listen")
    assert question(listen, "chain").value == "own"
    assert question(listen, "checkpoint").value == "100"
    params: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "singwiz.core.jobs.start_job",
        lambda project, stage, given, **_: params.append(given) or list_jobs(project)[0],
    )
    checked.act("listen", "start")
    assert params[-1]["predict"] == ["dur", "pitch"]
    assert params[-1]["ckpt"] == 100
    assert checked.answer("listen", {"chain": "recorded", "checkpoint": "50"}).ok
    checked.act("listen", "start")
    assert "predict" not in params[-1] and params[-1]["ckpt"] == 50

    # Changing one's mind makes the step "Model" ask to be saved, and asks for nothing more.
    assert checked.answer("model", {"learn_dur": False, "learn_pitch": False}).ok
    assert checked.view("model").status is StepStatus.STALE
    assert checked.act("model", "write").ok
    assert checked.view("train").summary == "100 steps"


def test_curves_are_chosen_for_both_models_at_once(
    checked: Guide, raw: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked.answer("model", {"learn_curves": "breath"}).ok
    models = checked.project.state.models
    assert models["acoustic"].overrides == {
        "use_breathiness_embed": True,
        "use_voicing_embed": True,
    }
    on = [key for key, value in models["variance"].overrides.items() if value]
    assert on == ["predict_breathiness", "predict_voicing"]
    assert not any(one.id == "reset" for one in checked.view("model").actions)
    assert checked.answer("model", {"learn_curves": "none"}).ok
    assert checked.project.state.models["acoustic"].overrides == {}
    assert question(checked.view("model"), "learn_curves").value == "none"


def test_every_key_of_every_model_can_be_looked_up_and_changed(checked: Guide) -> None:
    def table(guide: Guide) -> Table:
        return next(b for b in guide.view("model").blocks if isinstance(b, Table) and b.folded)

    for kind in ("variance", "vocoder", "acoustic"):
        assert checked.answer("model", {"settings_of": kind}).ok
        assert len(table(checked).rows) > 80
    assert checked.answer("model", {"setting": "optimizer_args.lr"}).ok
    view = checked.view("model")
    assert "learning rate" in question(view, "setting_value").help.lower()
    assert checked.answer("model", {"setting_value": "0.0123"}).ok
    assert checked.project.state.models["acoustic"].overrides["optimizer_args.lr"] == 0.0123
    assert table(checked).rows[0][:3] == ("optimizer_args.lr", "0.0123", "changed")
    assert checked.answer("model", {"setting_value": "fast"}).errors["setting_value"]
    assert checked.act("model", "unset").ok
    assert checked.project.state.models["acoustic"].overrides == {}
    # What does not fit together is refused as well.
    assert checked.answer("model", {"setting": "hidden_size"}).ok
    assert "heads" in checked.answer("model", {"setting_value": "255"}).errors["setting_value"]


@pytest.fixture
def voice(checked: Guide, monkeypatch: pytest.MonkeyPatch) -> Guide:
    assert checked.answer("model", {"preset": "tiny", "max_updates": 100}).ok
    assert checked.act("model", "write").ok
    run(checked, monkeypatch, "binarize", prepared)
    run(checked, monkeypatch, "train", trained)
    return checked


def test_checkpoints_are_kept_deleted_and_sung_from_the_browser(voice: Guide) -> None:
    from singwiz.core.training.keeping import read_kept

    folder = voice.project.checkpoints_dir / "acoustic"
    view = voice.view("train")
    assert [one.label for one in question(view, "checkpoint").choices] == ["step 100", "step 50"]
    assert "newest" in action(view, "ckpt_delete").reason
    assert voice.answer("train", {"checkpoint": "acoustic/50"}).ok
    assert voice.act("train", "ckpt_keep").ok
    assert read_kept(folder) == {50}
    assert not action(voice.view("train"), "ckpt_delete").enabled
    assert voice.act("train", "ckpt_release").ok
    assert voice.act("train", "ckpt_sing").go_to == "listen"
    assert question(voice.view("listen"), "checkpoint").value == "50"
    assert voice.act("train", "ckpt_delete").ok
    assert not (folder / "model_ckpt_steps_50.ckpt").exists()
    assert (folder / "model_ckpt_steps_100.ckpt").exists()


def test_the_overview_says_what_is_there_and_what_is_missing(voice: Guide) -> None:
    view = voice.view("overview")
    tables = {one.title: one for one in view.blocks if isinstance(one, Table)}
    models = {row[0]: row[1] for row in tables["The models"].rows}
    assert models == {
        "The sound": "trained to step 100 of 100",
        "Timing and pitch": "not wanted",
        "The vocoder": "nothing yet",
    }
    missing = [row[1] for row in tables["What the voice still lacks"].rows]
    assert missing == ["Model", "Vocoder", "Export"]
    assert len(tables["The steps"].rows) == 10
    assert voice.act("overview", "continue").go_to == voice.current()
    assert not voice.act("overview", "explode").ok


def test_what_is_out_of_date_is_redone_by_one_action_in_the_right_order(
    voice: Guide, raw: RawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(one.id == "redo" for one in voice.view("overview").actions)
    raw.sing("song9", "SP k a SP")
    raw.write()
    redo = action(voice.view("overview"), "redo")
    assert redo.enabled and "Check, Model, Prepare, Train" in redo.label
    started: list[tuple[str, tuple[str, ...], str]] = []

    def start_job(project: Project, stage: str, params: dict[str, Any], *, after: Any = ()) -> Any:
        works = {"check": lambda *_: CLEAN, "binarize": prepared, "train": trained}
        run(voice, monkeypatch, stage, works[stage], **params)
        job = list_jobs(project)[0]
        started.append((job.id, tuple(after), stage))
        return job

    monkeypatch.setattr("singwiz.core.jobs.start_job", start_job)
    assert voice.act("overview", "redo").ok
    (check, no, _), (prepare, after_check, _), (_, after_prepare, _) = started
    assert (no, after_check, after_prepare) == ((), (check,), (prepare,))
    assert voice.project.state.models["acoustic"].experiment == "acoustic_2"
    assert all(line.status is not StepStatus.STALE for line in voice.overview())


def test_a_broken_off_job_comes_with_a_report_to_copy(
    checked: Guide, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from singwiz.assistant.guide.view import Copyable

    def burn(*_: Any) -> dict[str, Any]:
        raise RuntimeError("CUDA error: no kernel image is available for execution")

    monkeypatch.setitem(STAGES, "check", burn)
    with pytest.raises(Exception, match="not made for this graphics card"):
        run_here(checked.project, "check", {}, reporter=Reporter())
    view = checked.view("check")
    assert view.job is not None and "torch" in view.job.hint
    (report,) = [one for one in view.blocks if isinstance(one, Copyable)]
    assert "gpu-not-supported" in report.text
    assert str(tmp_path) not in report.text
