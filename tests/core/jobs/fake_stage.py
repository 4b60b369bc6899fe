"""Stages for the tests of the jobs room; the worker imports this file by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter


def run(stage: str, project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return {
        "count": count,
        "refuse": refuse,
        "crash": crash,
        "loop": loop,
        "train": loop_and_save,
        "deaf": deaf,
        "stubborn": stubborn,
        "kill-me": kill_me,
    }[params.get("do", stage)](project, params, reporter)


def count(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    for number in range(1, 4):
        reporter.progress(number, 3, f"item {number}")
    reporter.metric("loss", float("nan"), 1)
    reporter.metric("loss", 0.5, 2)
    reporter.log("counted to three")
    reporter.warning("odd-number", "Three is odd.", item="three")
    reporter.artifact("report", project.root / "report.txt", "the report")
    return {"count": 3, "where": project.root, "loss": float("inf"), "params": params}


def refuse(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    raise SingwizError("too-quiet", "The recording is too quiet.", hint="Sing up.", where="a.wav")


def crash(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    raise RuntimeError("shapes (3,) and (4,)\ndo not match")


def loop(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    if params.get("child"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (project.root / "child.pid").write_text(str(child.pid))
    for number in range(6000):
        reporter.progress(number, 6000, "looping")
        if number == 1:
            (project.root / "looping").touch()
        if reporter.cancelled():
            raise Cancelled
        time.sleep(0.02)
    return {}


def loop_and_save(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    try:
        loop(project, params, reporter)
    except Cancelled:
        (project.root / "checkpoint").write_text("saved")
    return {"steps": 7, "stopped_early": True}


def deaf(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (project.root / "looping").touch()
    time.sleep(600)
    return {}


def stubborn(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    (project.root / "looping").touch()
    time.sleep(600)
    return {}


def kill_me(project: Project, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    reporter.log("about to run out of memory")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}
