"""Long work waits for its turn, and work that needs other work waits for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from singwiz.core.jobs import Job, start_job
from singwiz.core.jobs.queue import ENVIRONMENT, device_of, list_tickets
from singwiz.core.project import ModelChoice, Project

FAKE = "fake_stage:run"
Start = Callable[..., Job]


@pytest.fixture(autouse=True)
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "queue"))


def until(condition: Callable[[], object], *, timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_long_work_waits_until_the_device_is_free_and_then_begins_by_itself(
    start: Start, project: Project
) -> None:
    first = start("train", model="acoustic")
    until(lambda: first.status().state == "running")
    second = start("train", model="variance", do="count")
    until(lambda: second.status().state == "waiting")
    status = second.status()
    assert status.running
    assert status.label == f"busy with train (acoustic) of '{project.root.name}', then yours"
    assert [(one.job_dir.name, one.working) for one in list_tickets()] == [
        (first.id, True),
        (second.id, False),
    ]
    assert start("count").wait(30).state == "done", "short work does not wait"

    first.stop(grace=5)
    assert first.wait(30).state == "cancelled"
    assert second.wait(30).state == "done"
    assert second.status().elapsed < time.time() - second.created - 0.3, "waiting is no work"
    until(lambda: not list_tickets())


def test_waiting_work_is_taken_out_of_the_line(start: Start, project: Project) -> None:
    first = start("train", model="acoustic")
    second = start("train", model="variance", do="count")
    until(lambda: second.status().state == "waiting")
    second.stop()
    assert second.wait(30).state == "cancelled"
    assert first.status().running
    until(lambda: len(list_tickets()) == 1)
    first.stop(grace=0)
    first.wait(30)


def test_work_begins_after_the_work_that_it_needs(start: Start, project: Project) -> None:
    first = start("loop")
    second = start_job(project, "count", {}, after=[first.id], entry=FAKE)
    third = start_job(project, "refuse", {"do": "count"}, after=[second.id], entry=FAKE)
    until(lambda: third.status().state == "waiting")
    first.stop(grace=0)
    assert first.wait(30).state == "cancelled"
    # What it needed will never be there; so it is given up, and what needs it as well.
    status = second.wait(30)
    assert status.state == "cancelled"
    assert status.error is not None and status.error["code"] == "job-before-failed"
    assert third.wait(30).state == "cancelled"

    done = start("count")
    assert done.wait(30).state == "done"
    assert start_job(project, "count", {}, after=[done.id], entry=FAKE).wait(30).state == "done"


def test_a_killed_job_holds_nobody_up(start: Start, project: Project) -> None:
    from singwiz.core.jobs.processes import end_family, family

    first = start("train", model="acoustic")
    until(lambda: first._processes()[1])
    second = start("binarize", do="count")
    until(lambda: second.status().state == "waiting")
    for identity in first._processes():
        assert identity
        end_family(family(int(identity["pid"])), patience=0.1)
    assert second.wait(30).state == "done"


def test_work_is_counted_to_the_device_that_it_keeps_busy(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert device_of(project, "check", {}) == ""
    assert device_of(project, "binarize", {}) == "cpu"
    assert device_of(project, "train", {}) == "cuda:0"
    assert device_of(project, "train", {"device": "cuda:1"}) == "cuda:1"
    project.state.models["variance"] = ModelChoice(hardware="cpu")
    assert device_of(project, "train", {"model": "variance"}) == "cpu"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert device_of(project, "train", {}) == "cpu"
