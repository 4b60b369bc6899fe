"""Jobs: started, watched, stopped, killed, and found again by somebody else."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.jobs import Job, latest_job, list_jobs, run_here, start_job
from singwiz.core.jobs.records import as_user_error
from singwiz.core.jobs.stages import STAGES
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

sys.path.insert(0, str(Path(__file__).parent))
import fake_stage

FAKE = "fake_stage:run"
Start = Callable[..., Job]


def wait_for_file(path: Path, *, timeout: float = 30.0) -> Path:
    deadline = time.monotonic() + timeout
    while not path.exists() or (not path.stat().st_size and path.suffix == ".pid"):
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.02)
    return path


def gone(pid: int, *, timeout: float = 30.0) -> bool:
    """Whether a process ends in time; a zombie that nobody reaps counts as ended."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def worker_pid(job: Job) -> int:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        worker = job._processes()[1]
        if worker:
            return int(worker["pid"])
        time.sleep(0.02)
    raise AssertionError("no worker")


def test_a_finished_job_has_its_result_as_plain_data(start: Start, project: Project) -> None:
    status = start("count", key=[1, 2]).wait(30)

    assert status.state == "done"
    assert status.result == {
        "count": 3,
        "where": str(project.root),
        "loss": None,
        "params": {"key": [1, 2]},
    }
    assert status.progress == 1.0
    assert status.error is None


def test_everything_the_work_reports_is_in_the_events(start: Start, project: Project) -> None:
    job = start("count")
    job.wait(30)

    events = job.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    by_type = {event["type"]: event for event in events}
    assert by_type["progress"]["done"] == by_type["progress"]["total"] == 3
    assert (by_type["metric"]["name"], by_type["metric"]["value"]) == ("loss", 0.5)
    assert by_type["log"]["text"] == "counted to three"
    assert by_type["warning"]["item"] == "three"
    assert by_type["artifact"]["path"] == str(project.root / "report.txt")
    assert events[-1]["type"] == "done"
    assert job.events(after=events[-3]["seq"]) == events[-2:]
    assert any("counted to three" in line for line in job.log_tail())


def test_a_user_error_keeps_its_code_and_advice(start: Start) -> None:
    job = start("refuse")
    status = job.wait(30)

    assert status.state == "failed"
    assert status.error == {
        "code": "too-quiet",
        "message": "The recording is too quiet.",
        "hint": "Sing up.",
        "where": "a.wav",
    }
    assert job.events()[-1]["code"] == "too-quiet"
    assert not any("Traceback" in line for line in job.log_tail(0))


def test_a_bug_is_named_as_ours_and_its_traceback_is_in_the_log(start: Start) -> None:
    job = start("crash")
    status = job.wait(30)

    assert status.state == "failed"
    assert status.error is not None
    assert status.error["code"] == "internal-error"
    assert "shapes (3,) and (4,) do not match" in status.error["message"]
    assert str(job.dir / "log.txt") in status.error["hint"]
    assert any("Traceback" in line for line in job.log_tail(0))


def test_a_worker_that_kills_itself_leaves_a_died_job(start: Start) -> None:
    job = start("kill-me")
    status = job.wait(30)

    assert status.state == "died"
    assert status.error is not None
    assert status.error["code"] == "killed-for-memory"
    assert "signal 9" in status.error["message"]
    assert job.events()[-1]["type"] == "error"


def test_children_of_a_killed_worker_are_killed_too(start: Start, project: Project) -> None:
    job = start("loop", child=True)
    child = int(wait_for_file(project.root / "child.pid").read_text())
    os.kill(worker_pid(job), signal.SIGKILL)

    assert job.wait(30).state == "died"
    assert gone(child)


def test_a_job_without_any_process_left_is_died(start: Start, project: Project) -> None:
    job = start("loop")
    wait_for_file(project.root / "looping")
    supervisor, worker = job._processes()
    assert supervisor and worker
    os.kill(int(supervisor["pid"]), signal.SIGKILL)
    os.kill(int(worker["pid"]), signal.SIGKILL)
    assert gone(int(worker["pid"])) and gone(int(supervisor["pid"]))

    status = Job.open(job.dir).status()
    assert status.state == "died"
    assert status.error is not None and status.error["code"] == "job-died"
    assert not (job.dir / "result.json").exists()
    assert start("count").wait(30).state == "done"


def test_a_worker_whose_supervisor_was_killed_still_records_its_result(
    start: Start, project: Project
) -> None:
    job = start("train")
    wait_for_file(project.root / "looping")
    supervisor = job._processes()[0]
    assert supervisor
    os.kill(int(supervisor["pid"]), signal.SIGKILL)
    assert gone(int(supervisor["pid"]))
    assert job.status().state == "running"

    job.stop()
    assert job.wait(30).state == "cancelled"
    assert (project.root / "checkpoint").read_text() == "saved"


def test_a_pid_that_now_belongs_to_somebody_else_is_not_our_worker(
    start: Start, project: Project
) -> None:
    job = start("count")
    job.wait(30)
    record = json.loads((job.dir / "job.json").read_text(encoding="utf-8"))
    record["supervisor"] = record["worker"] = {"pid": os.getpid(), "started": 1_000_000.0}
    (job.dir / "job.json").write_text(json.dumps(record), encoding="utf-8")
    (job.dir / "result.json").unlink()

    assert Job.open(job.dir).status().state == "died"


def test_a_clock_that_was_set_does_not_make_a_running_job_look_dead(
    start: Start, project: Project
) -> None:
    job = start("loop")
    worker_pid(job)
    record = json.loads((job.dir / "job.json").read_text(encoding="utf-8"))
    for process in ("supervisor", "worker"):
        record[process]["started"] -= 3600.0
    (job.dir / "job.json").write_text(json.dumps(record), encoding="utf-8")

    assert Job.open(job.dir).status().state == "running"
    job.stop(grace=0)
    assert job.wait(30).state == "cancelled"


def test_stop_lets_the_work_save_and_keeps_its_result(start: Start, project: Project) -> None:
    job = start("train")
    wait_for_file(project.root / "looping")
    job.stop()
    status = job.wait(30)

    assert status.state == "cancelled"
    assert status.result == {"steps": 7, "stopped_early": True}
    assert (project.root / "checkpoint").read_text() == "saved"


def test_stop_ends_even_a_worker_that_ignores_every_request(start: Start, project: Project) -> None:
    job = start("deaf")
    wait_for_file(project.root / "looping")
    pid = worker_pid(job)
    job.stop(grace=0.2)

    assert job.wait(60).state == "cancelled"
    assert gone(pid)


def test_asking_again_with_less_grace_hurries_a_stop(start: Start, project: Project) -> None:
    job = start("stubborn")
    wait_for_file(project.root / "looping")
    job.stop(grace=600)
    time.sleep(0.3)
    assert job.status().state == "running"
    job.stop(grace=0)

    assert job.wait(60).state == "cancelled"


def test_stop_after_the_end_changes_nothing(start: Start) -> None:
    job = start("count")
    job.wait(30)
    job.stop()

    assert job.status().state == "done"
    assert not (job.dir / "stop").exists()


def test_progress_label_and_elapsed_are_known_while_running(start: Start, project: Project) -> None:
    job = start("loop")
    wait_for_file(project.root / "looping")
    deadline = time.monotonic() + 30
    while job.status().eta is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    status = job.status()
    job.stop(grace=0)

    assert status.running
    assert status.progress is not None and 0 < status.progress < 0.5
    assert status.eta is not None and status.eta > 1
    assert status.label == "looping"
    assert status.elapsed > 0


def test_a_second_job_of_the_stage_is_refused_while_one_runs(
    start: Start, project: Project
) -> None:
    job = start("loop")
    with pytest.raises(SingwizError) as refusal:
        start("loop")
    assert refusal.value.code == "job-running"
    assert job.id in refusal.value.message

    other = start("count")
    assert other.wait(30).state == "done"
    job.stop(grace=0)
    job.wait(30)
    assert start("loop", do="count").wait(30).state == "done"
    assert [found.stage for found in list_jobs(project)] == ["loop", "count", "loop"]


def test_of_many_simultaneous_starts_exactly_one_wins(project: Project) -> None:
    outcomes: list[str] = []

    def press() -> None:
        try:
            start_job(project, "loop", {}, entry=FAKE)
            outcomes.append("started")
        except SingwizError as error:
            outcomes.append(error.code)

    presses = [threading.Thread(target=press) for _ in range(4)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()

    assert sorted(outcomes) == ["job-running", "job-running", "job-running", "started"]
    job = latest_job(project, "loop")
    assert job is not None
    job.stop(grace=0)
    job.wait(30)


def test_a_job_outlives_the_process_that_started_it_and_is_found_again(
    project: Project, tmp_path: Path
) -> None:
    script = (
        "import os, signal, sys\n"
        "from singwiz.core.jobs import start_job\n"
        "from singwiz.core.project import Project\n"
        "job = start_job(Project.open(sys.argv[1]), 'train', {}, entry='fake_stage:run')\n"
        "print(job.id, flush=True)\n"
        "os.killpg(os.getpgrp(), signal.SIGKILL)\n"
    )
    front_end = subprocess.run(
        [sys.executable, "-c", script, str(project.root)],
        capture_output=True,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    assert front_end.returncode == -signal.SIGKILL, front_end.stderr
    wait_for_file(project.root / "looping")

    job = latest_job(project, "train")
    assert job is not None and job.id == front_end.stdout.strip()
    assert job.status().state == "running"
    job.stop()
    assert job.wait(30).state == "cancelled"
    assert (project.root / "checkpoint").exists()


def test_work_in_the_foreground_is_seen_and_stopped_by_other_front_ends(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STAGES, "loop", fake_stage.loop)
    ends: list[str] = []

    def work() -> None:
        try:
            run_here(project, "loop", {}, reporter=Reporter())
        except Cancelled:
            ends.append("cancelled")

    foreground = threading.Thread(target=work)
    foreground.start()
    wait_for_file(project.root / "looping")
    job = latest_job(project, "loop")
    assert job is not None and job.status().running
    with pytest.raises(SingwizError, match="already at work"):
        run_here(project, "loop", {}, reporter=Reporter())

    job.stop()
    assert job.wait(30).state == "cancelled"
    foreground.join(30)
    assert ends == ["cancelled"]


def test_copies_of_a_process_for_further_gpus_keep_no_records(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STAGES, "count", fake_stage.count)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert run_here(project, "count", {}, reporter=Reporter())["count"] == 3
    assert list_jobs(project) == []


def test_a_full_disk_and_a_full_memory_are_no_bugs() -> None:
    for error, code in (
        (OSError(errno.ENOSPC, "No space left on device", "x.ckpt"), "disk-full"),
        (MemoryError(), "out-of-memory"),
        (PermissionError(errno.EACCES, "Permission denied", "x.ckpt"), "not-permitted"),
    ):
        known = as_user_error(error)
        assert known is not None
        assert known.code == code
        assert known.hint
    assert as_user_error(RuntimeError("shapes")) is None


def test_latest_job_tells_stages_apart(start: Start, project: Project) -> None:
    assert latest_job(project, "count") is None
    first = start("count")
    first.wait(30)
    second = start("count")
    second.wait(30)
    start("refuse").wait(30)

    newest = latest_job(project, "count")
    assert newest is not None and newest.id == second.id
    assert [job.id for job in list_jobs(project)][1:] == [second.id, first.id]


def test_opening_a_folder_that_is_no_job_says_so(project: Project) -> None:
    with pytest.raises(SingwizError) as refusal:
        Job.open(project.jobs_dir / "nothing")
    assert refusal.value.code == "job-not-found"


def test_a_supervisor_that_cannot_start_is_reported(
    start: Start, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "singwiz.core.jobs.job.python_module",
        lambda *arguments: [sys.executable, "-c", "raise SystemExit('broken install')"],
    )
    with pytest.raises(SingwizError) as refusal:
        start("count")
    assert refusal.value.code == "job-not-started"
    job = latest_job(project, "count")
    assert job is not None and job.status().state == "failed"
    assert job.log_tail() == ["broken install"]


def test_the_jobs_room_imports_nothing_heavy() -> None:
    script = (
        "import sys, singwiz.core.jobs as jobs\n"
        "jobs.start_job, jobs.run_stage, jobs.EventWriter\n"
        "heavy = {'torch', 'lightning', 'gradio', 'matplotlib', 'numpy', 'soundfile'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
