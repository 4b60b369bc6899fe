"""Starting, recognising and ending processes: the one place that does.

Processes are started from argument lists, never through a shell. A process is recognised by
its pid *and* its start time, because pids are used again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import psutil

START_TIME_TOLERANCE = 2.0
"""Seconds by which the system clock may drift between two readings of a start time."""


def identify(pid: int) -> dict[str, float]:
    """``{"pid", "started"}`` of a running process, as kept in ``job.json``.

    ``started`` is seconds since the epoch; 0 if the process is already gone.
    """
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.Error:
        return {"pid": pid, "started": 0.0}


def is_alive(identity: Mapping[str, Any] | None, *, marker: str = "") -> bool:
    """True if the very process of :func:`identify` still runs (a zombie does not).

    Args:
        marker: an argument of that process's command line that no other has. It identifies
            the process where the clock was set meanwhile, as after a laptop's sleep in WSL.
    """
    if not identity or not identity.get("pid"):
        return False
    try:
        process = psutil.Process(int(identity["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        started = float(identity.get("started") or 0.0)
        if abs(process.create_time() - started) <= START_TIME_TOLERANCE:
            return True
        return bool(marker) and marker in process.cmdline()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # somebody else's process got that pid
        return False


def python_module(module: str, *arguments: str) -> list[str]:
    """The argument list that runs one of our modules.

    ``-P`` keeps the working directory out of the import path: a project folder may hold files
    with any name.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def share_the_processor() -> None:
    """Let threads that wait sleep instead of spin. Has to be called before torch is loaded.

    On two busy cores a training step of the demo voice takes 0.5 s with it and 4 s without,
    because OpenMP's waiting threads otherwise keep those from running that they wait for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def environment() -> dict[str, str]:
    """Ours, plus what makes a child's log readable everywhere and at once."""
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def launch(
    arguments: list[str], *, log: IO[bytes], cwd: Path, detached: bool
) -> subprocess.Popen[bytes]:
    """Start a process at the head of its own group.

    Args:
        log: takes both output streams.
        detached: also cut it off from the terminal, so that it survives the front end.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        flags |= subprocess.DETACHED_PROCESS if detached else subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment(),
        start_new_session=os.name == "posix",
        creationflags=flags,
        close_fds=True,
    )


def interrupt(pid: int) -> None:
    """Ask politely: what Ctrl-C does. Nothing on Windows, where the stop file has to do."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything it started, the process itself last."""
    try:
        head = psutil.Process(pid)
        return [*head.children(recursive=True), head]
    except psutil.NoSuchProcess:
        return []


def end_family(members: list[psutil.Process], *, patience: float) -> None:
    """Terminate processes; kill those that are still there after ``patience`` seconds."""
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    _, stubborn = psutil.wait_procs(members, timeout=patience)
    for member in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(stubborn, timeout=patience)


def kill_leftovers(group: int) -> None:
    """Kill what an ended process left behind in its group, e.g. pool workers."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], *, timeout: float, interval: float = 0.02) -> bool:
    """Poll ``condition()`` until it is true; False if ``timeout`` seconds pass first."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True
