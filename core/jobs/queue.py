"""Whose turn it is: one piece of long work per device of this machine, first come, first served.

Every long job puts a ticket into a folder that all projects of a user share. The oldest ticket of
a device works, the others wait. A ticket counts as long as the process that wrote it lives, so a
crash holds nobody up. Short work (checks, songs, exports) takes no ticket and starts at once.

Work that needs the result of other work waits for that as well (``after``), ticket or not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..errors import SingwizError
from ..locking import file_lock
from ..project import MODEL_KINDS, Project
from .processes import identify, is_alive
from .records import JOB_FILE, RESULT_FILE, read_record

ENVIRONMENT = "SINGWIZ_QUEUE"
LONG_STAGES = ("binarize", "train")
"""Stages that keep a whole device busy."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One job in the line of a device.

    Attributes:
        device: ``cpu``, ``cuda:0`` ….
        job_dir: folder of the job.
        project: name of its project.
        stage, model: what it does.
        number: tickets of a device are served in this order.
        working: it has its turn.
    """

    device: str
    job_dir: Path
    project: str
    stage: str
    model: str
    number: int
    working: bool
    path: Path
    process: Mapping[str, Any]

    @property
    def what(self) -> str:
        """A few words for people."""
        return f"{describe(self.stage, self.model)} of '{self.project}'"


def describe(stage: str, model: str = "") -> str:
    """A stage and a kind of model in a few words."""
    return f"{stage} ({model})" if model else stage


def model_of(stage: str, params: Mapping[str, Any]) -> str:
    """The kind of model that work is for; empty where that makes no difference."""
    return str(params.get("model") or MODEL_KINDS[0]) if stage in LONG_STAGES else ""


def device_of(project: Project, stage: str, params: Mapping[str, Any]) -> str:
    """The device that work keeps busy; empty if it keeps none."""
    if stage not in LONG_STAGES:
        return ""
    wanted = str(params.get("device") or "auto")
    if wanted != "auto":
        return "cuda:0" if wanted == "cuda" else wanted
    choice = next(
        (one for kind, one in project.state.models.items() if kind == model_of(stage, params)), None
    )
    on_cpu = stage != "train" or (choice is not None and choice.hardware == "cpu")
    return "cpu" if on_cpu or shutil.which("nvidia-smi") is None else "cuda:0"


def queue_folder() -> Path:
    """``SINGWIZ_QUEUE``, or a folder among the user's own where programs keep their state."""
    named = os.environ.get(ENVIRONMENT, "")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("singwiz", appauthor=False) / "queue"


def list_tickets() -> list[Ticket]:
    """Everything that works or waits on this machine, by device and turn."""
    try:
        files = sorted(queue_folder().glob("*/*.json"))
    except OSError:
        return []
    found = [ticket for path in files if (ticket := _read(path)) is not None]
    return sorted(found, key=lambda one: (one.device, one.number))


class Place:
    """The place of one job in the line of a device.

    Args:
        device: see :func:`device_of`; empty = no line to stand in.
        job_dir: folder of the job.
        record: its ``job.json``.
        working: work has begun already, whoever else is at it.
    """

    def __init__(
        self, device: str, job_dir: Path, record: Mapping[str, Any], *, working: bool = False
    ) -> None:
        self._folder = queue_folder() / re.sub(r"[^\w.-]", "_", device) if device else None
        self._job_dir = job_dir
        self._path: Path | None = None
        if self._folder is None:
            return
        self._content = {
            "device": device,
            "job": str(job_dir),
            "project": Path(str(record.get("project", ""))).name,
            "stage": str(record.get("stage", "")),
            "model": model_of(str(record.get("stage", "")), record.get("params") or {}),
            "process": identify(os.getpid()),
            "working": working,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with file_lock(self._folder / ".lock"):
                # Clocks are set back now and then, numbers are not.
                numbers = [int(path.stem.partition("-")[0]) for path in self._folder.glob("*.json")]
                number = max([time.time_ns(), *(one + 1 for one in numbers)])
                self._path = self._folder / f"{number}-{job_dir.name}.json"
                self._write()
        except (OSError, ValueError):
            self._path = None  # nowhere to keep a line: everybody works at once, as without one

    def _write(self) -> None:
        if self._path is not None:
            write_text(self._path, json.dumps(self._content, ensure_ascii=False) + "\n")

    def busy_with(self) -> Ticket | None:
        """Who is before this job; None if it is its turn, which it has taken by then."""
        if self._path is None or self._folder is None or self._content["working"]:
            return None
        with file_lock(self._folder / ".lock"):
            others = [
                ticket
                for path in sorted(self._folder.glob("*.json"))
                if path != self._path and (ticket := _read(path)) is not None
            ]
            number = int(self._path.stem.partition("-")[0])
            before = [one for one in others if one.working or one.number < number]
            if before:
                return min(before, key=lambda one: (not one.working, one.number))
            self._content["working"] = True
            self._write()
        return None

    def others_working(self) -> list[Ticket]:
        """Who else keeps the device busy now."""
        if self._path is None or self._folder is None:
            return []
        mine = str(self._path)
        found = [_read(path) for path in sorted(self._folder.glob("*.json")) if str(path) != mine]
        return [one for one in found if one is not None and one.working]

    def leave(self) -> None:
        """Give the place back."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


def unfinished(jobs_dir: Path, after: Sequence[str]) -> tuple[str, str]:
    """What of the work that has to be done before is missing.

    Returns:
        ``("", "")`` if all is done; ``(id, "")`` of a job that still works or waits; or ``(id,
        state)`` of one that did not come to a good end.
    """
    for name in after:
        folder = jobs_dir / Path(name).name
        record = read_record(folder / RESULT_FILE)
        if record is None:
            from .job import Job

            try:
                status = Job.open(folder).status()
            except SingwizError:
                return name, "gone"
            if status.running:
                return name, ""
            record = {"state": status.state}
        if record.get("state") != "done":
            return name, str(record.get("state"))
    return "", ""


def _read(path: Path) -> Ticket | None:
    """A ticket; None, and the file is cleared away, if the process behind it is gone."""
    content = read_record(path)
    number = path.stem.partition("-")[0]
    if content is None or not number.isdecimal():
        return None
    process = content.get("process")
    job_dir = Path(str(content.get("job", "")))
    # A worker goes on when its supervisor was killed.
    worker = (read_record(job_dir / JOB_FILE) or {}).get("worker")
    alive = (
        isinstance(one, Mapping) and is_alive(one, marker=str(job_dir)) for one in (process, worker)
    )
    if not isinstance(process, Mapping) or not any(alive):
        path.unlink(missing_ok=True)
        return None
    return Ticket(
        device=str(content.get("device", "")),
        job_dir=job_dir,
        project=str(content.get("project", "")),
        stage=str(content.get("stage", "")),
        model=str(content.get("model", "")),
        number=int(number),
        working=bool(content.get("working")),
        path=path,
        process=process,
    )
