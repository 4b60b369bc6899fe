"""What every step works with: the project, the answers, the jobs and a small memory.

It knows nothing about single steps.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...core.project import Project
from ...core.words import language
from .background import Background
from .store import ProjectFile, signature
from .watch import JobWatch

if TYPE_CHECKING:
    from ...core.jobs import Job

T = TypeVar("T")

SETTLED_NS = 2_000_000_000
"""Age of a folder's time stamp after which a change would surely show in it."""


class Desk:
    """The working place of one guide.

    Attributes:
        draft: answers given before there is a project.
        refused: (step, question) -> what was answered and why it was not taken.
        background: works out what takes a moment.
    """

    def __init__(self) -> None:
        self.file: ProjectFile | None = None
        self.draft: dict[str, Any] = {}
        self.refused: dict[tuple[str, str], tuple[Any, str]] = {}
        self.background = Background()
        self._memory: dict[str, tuple[Hashable, Any]] = {}
        self._watches: dict[str, JobWatch] = {}
        self._polled: set[str] = set()
        self._listed: tuple[Hashable, dict[str, list[Job]]] | None = None

    @property
    def project(self) -> Project | None:
        """The open project, or None."""
        return self.file.project if self.file else None

    @property
    def opened(self) -> Project:
        """The open project, where a step cannot be reached without one."""
        if self.file is None:
            raise RuntimeError("no project is open")
        return self.file.project

    def open(self, project: Project) -> None:
        """Work on this project from now on."""
        _settle(project)
        self.file = ProjectFile(project)
        self.background = Background()
        self.refused.clear()
        self._memory.clear()
        self._watches.clear()
        self._listed = None

    def refresh(self) -> None:
        """Follow what somebody else did to the project and its jobs."""
        self._polled.clear()
        if self.file is not None:
            self.file.refresh()

    @contextmanager
    def edit(self) -> Iterator[Project]:
        """Change the project safely; see :meth:`ProjectFile.edit`."""
        if self.file is None:
            raise RuntimeError("no project is open")
        with self.file.edit() as project:
            yield project

    # Answers and runs, kept in the guide section of the project -----------------------

    def answer_of(self, step: str, question: str, default: T) -> T:
        """A saved answer; the default if there is none or it has another type."""
        value = self._section("answers").get(step, {})
        value = value.get(question) if isinstance(value, dict) else None
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            return default
        return value

    def save_answer(self, step: str, question: str, value: Any) -> None:
        """Remember an answer that has no home of its own in the project."""
        with self.edit():
            self._own_section("answers", step)[question] = value

    def run_of(self, step: str) -> dict[str, Any]:
        """What is known about the last time the work of a step was started or done."""
        run = self._section("runs").get(step)
        return run if isinstance(run, dict) else {}

    def save_run(self, step: str, **facts: Any) -> None:
        """Remember that the work of a step was started or done."""
        with self.edit():
            section = self._own_section("runs", step)
            section.clear()
            section.update(facts)

    def _section(self, name: str) -> dict[str, Any]:
        section = self.project.state.guide.get(name) if self.project else None
        return section if isinstance(section, dict) else {}

    def _own_section(self, name: str, step: str) -> dict[str, Any]:
        guide = self.opened.state.guide
        if not isinstance(guide.get(name), dict):
            guide[name] = {}
        if not isinstance(guide[name].get(step), dict):
            guide[name][step] = {}
        section: dict[str, Any] = guide[name][step]
        return section

    # Jobs -----------------------------------------------------------------------------

    def watch(self, stage: str, model: str = "") -> JobWatch | None:
        """The newest job of a stage (for one kind of model), whoever started it; as it was at the
        last refresh."""
        jobs = self._jobs(stage, model)
        if not jobs:
            return None
        newest = jobs[0]
        watch = self._watches.get(newest.id)
        if watch is None:
            watch = self._watches[newest.id] = JobWatch.of(newest)
        elif newest.id not in self._polled:
            watch.poll()
        self._polled.add(newest.id)
        return watch

    def history(self, stage: str, model: str = "") -> list[JobWatch]:
        """All jobs of a stage (for one kind of model), oldest first; each is read once."""
        watches = []
        for job in reversed(self._jobs(stage, model)):
            if job.id not in self._watches:
                self._watches[job.id] = JobWatch.of(job)
            watches.append(self._watches[job.id])
        return watches

    def all_jobs(self) -> list[Job]:
        """Every job of the project."""
        return [job for jobs in self._jobs_by_stage().values() for job in jobs]

    def _jobs(self, stage: str, model: str) -> list[Job]:
        jobs = self._jobs_by_stage().get(stage, [])
        if not model:
            return jobs
        return [job for job in jobs if (job.params.get("model") or "acoustic") == model]

    def _jobs_by_stage(self) -> dict[str, list[Job]]:
        """Stage -> jobs, newest first. The folder is listed again only when it changed."""
        from ...core.jobs import list_jobs

        project = self.project
        changed = signature(project.jobs_dir) if project else None
        if project is None or changed is None:
            return {}
        # A folder that changed a moment ago may change again without a new time stamp.
        settled = time.time_ns() - changed[0] > SETTLED_NS
        if self._listed is None or self._listed[0] != changed or not settled:
            by_stage: dict[str, list[Job]] = {}
            for job in list_jobs(project):
                by_stage.setdefault(job.stage, []).append(job)
            self._listed = (changed, by_stage)
        return self._listed[1]

    # Memory ---------------------------------------------------------------------------

    def remembered(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """The result of ``make()``, made again only when ``key`` changes.

        Every language has a memory of its own, because the result may hold sentences.
        """
        name = f"{name} in {language()}"
        known = self._memory.get(name)
        if known is not None and known[0] == key:
            value: T = known[1]
            return value
        value = make()
        self._memory[name] = (key, value)
        return value


def _settle(project: Project) -> None:
    """Finish a change of the recordings that a crash interrupted."""
    if (project.root / "datasets" / ".journal").is_dir():
        from ...core.dataset.fixes import settle

        settle(project)


def fingerprint(data: Any) -> str:
    """A short hash of plain data: equal data, equal fingerprint."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_file(path: Path | str) -> bool:
    """Whether there is a file; a path that the system refuses to look at counts as absent."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path | str) -> bool:
    """Whether there is a folder; a path that the system refuses to look at counts as absent."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def inside(path: Path, folder: Path) -> bool:
    """Whether ``path`` is ``folder`` or lies in it, links followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False
