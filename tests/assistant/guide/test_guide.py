"""The engine: order, staleness, running jobs, several faces on one project, broken files."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Audio, Chart, StepStatus, Table, Text
from singwiz.core.errors import SingwizError
from singwiz.core.jobs import latest_job, run_here, stages
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RawFolder, action, question

Stage = Callable[[Project, dict[str, Any], Reporter], dict[str, Any]]
CLEAN = {"findings": [], "summary": {"errors": 0, "warnings": 0, "items": 6, "seconds": 14.4}}


class Elsewhere:
    """Work started by somebody else: the command line in another window."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._threads: list[threading.Thread] = []
        self.leave = threading.Event()

    def run(self, guide: Guide, stage: str, work: Stage, **params: Any) -> None:
        """Run a stage to its end, recorded like every job."""
        self._monkeypatch.setitem(stages.STAGES, stage, work)
        project = Project.open(guide.project.root)
        with contextlib.suppress(SingwizError):  # the record says so
            run_here(project, stage, params, reporter=Reporter())

    def start(self, guide: Guide, stage: str, work: Stage, **params: Any) -> None:
        """Start a stage that stays at work until :attr:`leave` is set."""
        here = threading.Event()

        def stay(project: Project, given: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
            result = work(project, given, reporter)
            here.set()
            while not self.leave.is_set() and not reporter.cancelled():
                time.sleep(0.01)
            return {**result, "stopped_early": reporter.cancelled()}

        thread = threading.Thread(target=self.run, args=(guide, stage, stay), kwargs=params)
        thread.start()
        self._threads.append(thread)
        assert here.wait(10)

    def end(self) -> None:
        self.leave.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.leave.clear()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    helper = Elsewhere(monkeypatch)
    yield helper
    helper.end()


def check(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return CLEAN


def binarize(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return {
        "counts": {"train": 5, "valid": 1},
        "seconds_per_speaker": {"train": {"aoi": 12.0}},
        "skipped": [{"item": "song2", "reason": "It is silent."}],
        "warnings": ["Only 12 s of singing."],
    }


def train(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    folder = project.experiment_dir("acoustic", params.get("experiment") or "")
    start = 100 * len(list(folder.glob("*.ckpt")))
    for step in range(start + 10, start + 101, 10):
        reporter.metric("training/total_loss", 1.0 / step, step)
    reporter.metric("training/lr", 1e-3, start + 100)
    reporter.progress(start + 100, 1000, "training")
    sound = folder / "validation" / str(start + 100) / "0_pred.wav"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(b"RIFF")
    reporter.artifact("audio", sound, "song0, model")
    (folder / f"model_ckpt_steps_{start + 100}.ckpt").write_bytes(b"")
    return {"steps": start + 100}


def statuses(guide: Guide) -> dict[str, StepStatus]:
    return {line.id: line.status for line in guide.overview()}


def texts(guide: Guide, step: str) -> str:
    return "\n".join(block.body for block in guide.view(step).blocks if isinstance(block, Text))


@pytest.fixture
def trained(guide: Guide, elsewhere: Elsewhere) -> Guide:
    """Everything but listening is done."""
    elsewhere.run(guide, "check", check)
    assert guide.answer("model", {"preset": "tiny", "max_updates": 100}).ok
    assert guide.act("model", "write").ok
    elsewhere.run(guide, "binarize", binarize)
    elsewhere.run(guide, "train", train)
    return guide


# Order and staleness ----------------------------------------------------------------------


def test_every_step_follows_the_one_before(guide: Guide, elsewhere: Elsewhere) -> None:
    assert guide.current() == "check"
    assert statuses(guide)["model"] is StepStatus.LOCKED
    reply = guide.act("model", "write")
    assert not reply.ok
    assert "Check" in reply.message
    assert not guide.answer("model", {"preset": "tiny"}).ok
    elsewhere.run(guide, "check", check)
    assert guide.current() == "features"
    # Nobody has to stop there.
    assert guide.act("model", "write").go_to == "prepare"
    assert guide.project.config_path("acoustic").is_file()
    assert guide.current() == "prepare"
    elsewhere.run(guide, "binarize", binarize)
    assert guide.current() == "train"


def test_work_done_on_the_command_line_counts(trained: Guide) -> None:
    assert set(statuses(trained).values()) == {StepStatus.DONE, StepStatus.READY}
    assert trained.current() == "listen"


def test_an_earlier_change_marks_what_follows_as_stale(trained: Guide, raw: RawFolder) -> None:
    raw.sing("song9", "SP k a SP")
    raw.write()
    now = statuses(trained)
    assert now["recordings"] is StepStatus.DONE
    assert now["dictionary"] is StepStatus.DONE
    for step in ("check", "model", "prepare", "train"):
        assert now[step] is StepStatus.STALE, step
    assert trained.current() == "check"
    assert "changed" in texts(trained, "prepare")
    again = action(trained.view("prepare"), "again")
    assert not again.enabled
    assert "Check" in again.reason


def test_recordings_changed_before_the_guide_first_looked_are_noticed(
    guide: Guide, raw: RawFolder, elsewhere: Elsewhere
) -> None:
    elsewhere.run(guide, "check", check)
    time.sleep(0.02)  # file times tick more slowly than the clock
    raw.sing("song9", "SP k a SP")
    raw.write()
    assert Guide.open(guide.project.root).view("check").status is StepStatus.STALE


def test_going_on_in_spite_of_errors_lets_the_preparation_leave_them_out(
    guide: Guide, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"severity": "error", "code": "audio-missing", "item": "song1", "message": "Gone."}
    elsewhere.run(guide, "check", lambda *_: {**CLEAN, "findings": [broken]})
    guide.answer("check", {"go_on": True})
    guide.act("model", "write")
    started: list[dict[str, Any]] = []

    def start_job(project: Project, stage: str, params: dict[str, Any]) -> Any:
        started.append(params)
        elsewhere.run(guide, stage, binarize, **params)
        return latest_job(project, stage)

    monkeypatch.setattr("singwiz.core.jobs.start_job", start_job)
    assert guide.act("prepare", "start").ok
    assert started[0]["max_failed"] > 1000


def test_each_stale_step_is_renewed_by_one_action(
    trained: Guide, raw: RawFolder, elsewhere: Elsewhere
) -> None:
    raw.sing("song9", "SP k a SP")
    raw.write()
    elsewhere.run(trained, "check", check)
    assert trained.current() == "model"
    assert trained.act("model", "write").ok
    assert trained.current() == "prepare"
    elsewhere.run(trained, "binarize", binarize)
    assert trained.current() == "train"
    (primary,) = [one for one in trained.view("train").actions if one.primary]
    assert primary.id == "afresh"


def test_undoing_a_change_makes_the_results_fresh_again(trained: Guide) -> None:
    before = statuses(trained)
    trained.answer("dictionary", {"extra_phonemes": "q"})
    assert statuses(trained)["model"] is StepStatus.STALE
    trained.answer("dictionary", {"extra_phonemes": ""})
    assert statuses(trained) == before


def test_more_steps_continue_the_same_training(trained: Guide) -> None:
    trained.answer("model", {"max_updates": 200})
    trained.act("model", "write")
    view = trained.view("train")
    assert statuses(trained)["prepare"] is StepStatus.DONE
    assert view.status is StepStatus.READY
    assert [one.id for one in view.actions if one.primary] == ["resume"]
    assert trained.view("listen").status is StepStatus.READY, "what there is can be listened to"


def test_training_afresh_leaves_the_old_checkpoints(
    trained: Guide, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.answer("model", {"preset": "small"})
    trained.act("model", "write")
    elsewhere.run(trained, "binarize", binarize)
    assert trained.view("train").status is StepStatus.STALE
    started: list[dict[str, Any]] = []

    def start_job(project: Project, stage: str, params: dict[str, Any]) -> Any:
        started.append(params)
        elsewhere.run(trained, stage, train, **params)
        return latest_job(project, stage)

    monkeypatch.setattr("singwiz.core.jobs.start_job", start_job)
    assert trained.act("train", "afresh").ok
    assert started[0]["experiment"] == "acoustic_2"
    checkpoints = trained.project.checkpoints_dir
    assert (checkpoints / "acoustic" / "model_ckpt_steps_100.ckpt").exists()
    assert (checkpoints / "acoustic_2" / "model_ckpt_steps_100.ckpt").exists()
    assert statuses(trained)["model"] is StepStatus.DONE
    assert Project.open(trained.project.root).state.models["acoustic"].experiment == "acoustic_2"


# The model --------------------------------------------------------------------------------


def test_without_a_graphics_card_the_small_voice_is_proposed(
    guide: Guide, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("singwiz.core.config.detect_hardware", lambda: "cpu", raising=False)
    elsewhere.run(guide, "check", check)
    view = guide.view("model")
    assert question(view, "preset").value == "small"
    assert question(view, "hardware").value == "cpu"
    before = (guide.project.root / "singwiz.yaml").read_bytes()
    guide.view("model")
    assert (guide.project.root / "singwiz.yaml").read_bytes() == before, "looking decides nothing"


def test_a_touched_number_becomes_an_override_and_can_be_taken_back(
    guide: Guide, elsewhere: Elsewhere
) -> None:
    elsewhere.run(guide, "check", check)
    proposed = question(guide.view("model"), "max_updates").value
    assert guide.answer("model", {"max_updates": 77}).ok
    assert Project.open(guide.project.root).state.models["acoustic"].overrides == {
        "max_updates": 77
    }
    assert guide.answer("model", {"max_updates": proposed}).ok
    assert guide.project.state.models["acoustic"].overrides == {}
    guide.answer("model", {"optimizer_args_lr": 0.01, "max_updates": 5})
    assert guide.act("model", "reset").ok
    assert question(guide.view("model"), "max_updates").value == proposed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_updates", 0),
        ("max_updates", 2.5),
        ("max_updates", "many"),
        ("max_updates", float("nan")),
        ("max_updates", None),
        ("max_updates", True),
        ("optimizer_args_lr", -1),
        ("preset", "gigantic"),
        ("pl_trainer_precision", "8"),
    ],
)
def test_impossible_numbers_are_refused(
    guide: Guide, elsewhere: Elsewhere, field: str, value: object
) -> None:
    elsewhere.run(guide, "check", check)
    reply = guide.answer("model", {field: value})
    assert reply.errors[field]
    assert question(guide.view("model"), field).error


def test_a_config_edited_by_hand_is_pointed_out(trained: Guide) -> None:
    path = trained.project.config_path("acoustic")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("max_updates: 100", "max_updates: 101"), encoding="utf-8")
    assert "max_updates" in texts(trained, "model")
    assert statuses(trained)["model"] is StepStatus.DONE


def test_a_config_that_cannot_be_read_is_explained_and_made_anew(trained: Guide) -> None:
    trained.project.config_path("acoustic").write_text("max_updates: [", encoding="utf-8")
    assert statuses(trained)["model"] is StepStatus.FAILED
    assert texts(trained, "model")
    assert trained.act("model", "write").ok
    assert statuses(trained)["model"] is StepStatus.DONE


def test_impossible_overrides_in_the_project_can_be_taken_back(
    guide: Guide, elsewhere: Elsewhere
) -> None:
    elsewhere.run(guide, "check", check)
    guide.act("model", "write")
    file = guide.project.root / "singwiz.yaml"
    state = yaml.safe_load(file.read_text(encoding="utf-8"))
    state["models"]["acoustic"]["overrides"] = {"max_updates": "soon", "nonsense": {"a": []}}
    file.write_text(yaml.safe_dump(state), encoding="utf-8")
    assert any(
        isinstance(block, Text) and block.tone == "error" for block in guide.view("model").blocks
    )
    assert not guide.act("model", "write").ok
    assert guide.act("model", "reset").ok
    assert guide.act("model", "write").ok


# Jobs -------------------------------------------------------------------------------------


def test_a_running_job_is_found_by_another_face_and_can_be_stopped(
    guide: Guide, elsewhere: Elsewhere
) -> None:
    guide.act("check", "start")
    elsewhere_guide = Guide.open(guide.project.root)
    assert elsewhere_guide.view("check").status in (StepStatus.RUNNING, StepStatus.DONE)
    while guide.view("check").status is StepStatus.RUNNING:
        time.sleep(0.02)
    elsewhere.start(guide, "check", check)
    other = Guide.open(guide.project.root)
    view = other.view("check")
    assert view.status is StepStatus.RUNNING
    assert other.current() == "check"
    assert [one.id for one in view.actions] == ["stop"]
    assert not other.act("check", "again").ok
    assert other.act("check", "stop").ok
    deadline = time.monotonic() + 20
    while other.view("check").status is StepStatus.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert other.view("check").job.state == "cancelled"
    assert guide.view("check").job.id == other.view("check").job.id


def test_live_training_shows_curve_progress_and_sounds(
    trained: Guide, elsewhere: Elsewhere
) -> None:
    trained.answer("model", {"max_updates": 1000})
    trained.act("model", "write")
    elsewhere.start(trained, "train", train)
    view = trained.view("train")
    assert view.status is StepStatus.RUNNING
    assert view.job.fraction == 0.2
    (chart,) = [block for block in view.blocks if isinstance(block, Chart)]
    assert set(chart.series) == {"total_loss"}
    steps = [step for step, _ in chart.series["total_loss"]]
    assert steps == list(range(10, 201, 10)), "the curve goes on where the last run stopped"
    (sound,) = [block for block in view.blocks if isinstance(block, Audio)]
    assert sound.path.parent.name == "200"
    (table,) = [block for block in view.blocks if isinstance(block, Table)]
    assert [row[0] for row in table.rows] == ["200", "100"]
    assert trained.view("prepare").status is StepStatus.DONE
    prepare_again = action(trained.view("prepare"), "again")
    assert not prepare_again.enabled
    assert trained.view("listen").status is not StepStatus.LOCKED


def test_a_failed_job_says_what_to_do_and_can_be_started_again(
    guide: Guide, elsewhere: Elsewhere
) -> None:
    def fail(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        raise SingwizError("disk-full", "The disk is full.", hint="Free some space.")

    elsewhere.run(guide, "check", fail)
    view = guide.view("check")
    assert view.status is StepStatus.FAILED
    assert (view.job.error, view.job.hint) == ("The disk is full.", "Free some space.")
    assert action(view, "start").enabled
    assert guide.current() == "check"


def test_skipped_recordings_and_warnings_are_shown_after_preparing(trained: Guide) -> None:
    tables = [block for block in trained.view("prepare").blocks if isinstance(block, Table)]
    cells = [cell for table in tables for row in table.rows for cell in row]
    assert "song2" in cells
    assert "It is silent." in cells
    assert "Only 12 s of singing." in cells
    assert "aoi: 0.2 min" in cells


def test_results_of_an_unknown_shape_do_not_break_the_view(
    guide: Guide, elsewhere: Elsewhere
) -> None:
    def odd(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        reporter.metric("training/loss", float("nan"), 1)
        return {"findings": "none", "summary": [1], "counts": 3, "skipped": 5, "warnings": None}

    elsewhere.run(guide, "check", odd)
    assert guide.view("check").status is StepStatus.DONE
    guide.act("model", "write")
    elsewhere.run(guide, "binarize", odd)
    assert guide.view("prepare").status is StepStatus.DONE


# Listening --------------------------------------------------------------------------------


def test_held_out_recordings_and_own_songs_are_offered(trained: Guide, tmp_path: Path) -> None:
    view = trained.view("listen")
    what = question(view, "what")
    assert what.value == what.choices[0].value
    assert what.choices[0].label.startswith("song")
    assert action(view, "start").enabled
    assert trained.answer("listen", {"what": "own-song"}).ok
    assert not action(trained.view("listen"), "start").enabled
    assert "song" in trained.answer("listen", {"song": str(tmp_path / "no.ds")}).errors
    (tmp_path / "my.ds").write_text("[]", encoding="utf-8")
    assert trained.answer("listen", {"song": str(tmp_path / "my.ds")}).ok
    assert action(trained.view("listen"), "start").enabled


def test_another_choice_makes_the_rendering_stale(trained: Guide, elsewhere: Elsewhere) -> None:
    wav = trained.project.renders_dir / "song.wav"
    wav.parent.mkdir()
    wav.write_bytes(b"RIFF")

    def render(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        figures = {"item": "song", "f0_cents": 12.4, "voicing_agreement": 0.95, "mel_l1": None}
        return {"wav": str(wav), "preview": True, "recording": str(wav), "figures": figures}

    elsewhere.run(trained, "render", render)
    view = trained.view("listen")
    assert view.status is StepStatus.DONE
    assert [block.path for block in view.blocks if isinstance(block, Audio)] == [wav, wav]
    assert "preview" in texts(trained, "listen")
    (table,) = [block for block in view.blocks if isinstance(block, Table)]
    assert [row[1] for row in table.rows] == ["12 cents", "95 %"]
    trained.answer("listen", {"key": 3})
    assert trained.view("listen").status is StepStatus.STALE


# One project, several faces ---------------------------------------------------------------


def test_two_faces_do_not_lose_each_others_answers(guide: Guide) -> None:
    other = Guide.open(guide.project.root)
    assert guide.answer("recordings", {"speaker": "miku"}).ok
    assert other.answer("dictionary", {"extra_phonemes": "q"}).ok
    assert guide.answer("recordings", {"consent": False}).ok
    state = Project.open(guide.project.root).state
    assert state.datasets[0].speaker == "miku"
    assert state.extra_phonemes == ["q"]
    assert state.consent is False
    assert question(other.view("recordings"), "speaker").value == "miku"


def test_answers_given_at_the_same_moment_all_arrive(guide: Guide) -> None:
    guides = [guide, *(Guide.open(guide.project.root) for _ in range(3))]

    def answer(number: int) -> None:
        for turn in range(10):
            reply = guides[number]._desk.save_answer("crowd", f"{number}-{turn}", turn)
            assert reply is None

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = Project.open(guide.project.root).state.guide["answers"]["crowd"]
    assert len(saved) == 40


def test_a_refused_start_changes_nothing(guide: Guide) -> None:
    before = (guide.project.root / "singwiz.yaml").read_bytes()
    for step, act in [("check", "explode"), ("nowhere", "start"), ("train", "start")]:
        reply = guide.act(step, act)
        assert not reply.ok
        assert reply.message
    assert not guide.answer("nowhere", {"a": 1}).ok
    assert not guide.answer("check", ["a"]).ok  # type: ignore[arg-type]
    assert (guide.project.root / "singwiz.yaml").read_bytes() == before
    with pytest.raises(KeyError):
        guide.view("nowhere")


@pytest.mark.parametrize(
    "section",
    [
        {"answers": 5, "runs": "x"},
        {"answers": {"recordings": [1], "listen": {"key": "high", "seed": None, "what": 3}}},
        {"answers": {"check": {"go_on_after": 7}}, "runs": {"check": 1, "model": [], "train": {}}},
        {"runs": {"model": {"inputs": {"a": 1}}, "prepare": {"job": 4, "inputs": []}}},
        {"current": {"deep": [None]}},
    ],
)
def test_a_scrambled_guide_section_breaks_nothing(trained: Guide, section: dict[str, Any]) -> None:
    file = trained.project.root / "singwiz.yaml"
    state = yaml.safe_load(file.read_text(encoding="utf-8"))
    state["guide"] = section
    file.write_text(yaml.safe_dump(state), encoding="utf-8")
    guide = Guide.open(trained.project.root)
    for step in guide.step_ids:
        guide.view(step)
    guide.current()
    guide.answer("recordings", {"consent": False})
    assert guide.answer("recordings", {"consent": True}).ok
    assert guide.view("recordings").status is StepStatus.DONE


def test_a_project_broken_while_open_is_said_and_nothing_is_overwritten(guide: Guide) -> None:
    file = guide.project.root / "singwiz.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text("name: [", encoding="utf-8")
    assert "not valid YAML" in texts(guide, "recordings")
    reply = guide.answer("recordings", {"speaker": "miku"})
    assert not reply.ok
    assert reply.hint
    assert not guide.act("check", "start").ok
    assert file.read_text(encoding="utf-8") == "name: ["
    file.write_text(good, encoding="utf-8")
    assert guide.answer("recordings", {"speaker": "miku"}).ok


def test_a_broken_project_is_refused_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "singwiz.yaml").write_text("schema: 99\nname: x\n", encoding="utf-8")
    with pytest.raises(SingwizError, match="schema 99"):
        Guide.open(tmp_path)


def test_looking_at_a_finished_step_reads_no_recordings(
    trained: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in trained.step_ids:
        trained.view(step)

    def no(*_: Any, **__: Any) -> None:
        raise AssertionError("a view must not read the dataset again")

    monkeypatch.setattr("singwiz.core.dataset.raw.RawDataset.open", no)
    monkeypatch.setattr("singwiz.core.config.load_config", no, raising=False)
    monkeypatch.setattr("singwiz.core.config.generate_config", no, raising=False)
    for step in trained.step_ids:
        trained.view(step)
