"""A project, and the fake stages within reach of the worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from singwiz.core.jobs import Job, list_jobs, start_job
from singwiz.core.jobs.processes import end_family, family, is_alive
from singwiz.core.project import Project

FAKE = "fake_stage:run"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    project = Project.create(tmp_path / "声 voice")
    yield project
    for job in list_jobs(project):  # whatever a failed test left running
        for identity in job._processes():
            pid = int(identity["pid"]) if identity else os.getpid()
            if pid != os.getpid() and is_alive(identity, marker=str(job.dir)):
                end_family(family(pid), patience=1.0)


@pytest.fixture
def start(project: Project) -> Callable[..., Job]:
    return lambda stage, **params: start_job(project, stage, params, entry=FAKE)
