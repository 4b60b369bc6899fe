"""Applying plans and taking them back, one after the other, even if the power fails in between.

Every applied plan is a folder ``datasets/.journal/<number>`` with a record and the contents
that were replaced. New contents are made completely before anything is touched; then the
record is written, and from that moment the plan is either carried out to the end or, after an
error, taken back, now or when the project is opened next. What moves then are finished files:
that takes no room, so a full disk cannot stop it half-way.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ...atomic import write_text
from ...errors import USAGE_PROBLEM, Cancelled, SingwizError
from ...project import Project
from ...reporting import Reporter
from ..overlay import OVERLAY_FILE, file_sha256
from .entries import FileRecord, JournalEntry
from .locking import locked
from .plan import FileChange, Plan
from .recipe import AudioRecipe
from .settings import changed_state, read_setting, write_settings

PATIENCE = 5.0
"""s to wait for another process that fixes the same project."""

_DONE, _APPLYING, _UNDOING = "entry.json", "applying.json", "undoing.json"
_GONE = ".gone"


def apply_plan(project: Project, plan: Plan, *, reporter: Reporter | None = None) -> JournalEntry:
    """Carry out a plan: all of it, or nothing.

    Args:
        project: its ``state`` follows the changed ``singwiz.yaml``; save other changes first.
        plan: as made by an edit, with changes in it.
        reporter: receives progress (files made) and may cancel until the files are in place.

    Raises:
        SingwizError: files changed since the plan was made, the disk is full, the folder
            belongs to someone else, or another process is at work. Nothing has changed then.
        Cancelled: the user stopped; nothing has changed.
    """
    if not plan:
        raise SingwizError(
            "nothing-to-fix",
            "There is nothing to change.",
            hint="Look at what the plan says about each problem.",
        )
    return _Journal(project).apply(plan, reporter or Reporter())


def undo(project: Project, *, overwrite: bool = False) -> JournalEntry | None:
    """Take back the newest applied plan.

    Args:
        project: its ``state`` follows ``singwiz.yaml``.
        overwrite: go on even if files were edited by hand since; they are kept under
            ``datasets/.journal/aside``.

    Returns:
        What was taken back; None if there is nothing.

    Raises:
        SingwizError: files were edited since, or cannot be written.
    """
    return _Journal(project).undo(overwrite=overwrite)


def history(project: Project) -> list[JournalEntry]:
    """The applied plans, newest first.

    Raises:
        SingwizError: a record is damaged.
    """
    journal = _Journal(project)
    return [journal.read(folder) for folder in journal.folders() if (folder / _DONE).exists()]


def settle(project: Project) -> bool:
    """Finish what a crash interrupted; True if there was something.

    Cheap if there is nothing to do. If another process is at work right now, it is left alone.

    Raises:
        SingwizError: it cannot be finished, for example because the disk is full.
    """
    journal = _Journal(project)
    if not journal.is_interrupted():
        return False
    try:
        with journal.held(patience=0.0):
            return True
    except SingwizError as error:
        if error.code == "project-busy":
            return False
        raise


class _Journal:
    """The folder ``datasets/.journal`` of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self.folder = project.root / "datasets" / ".journal"

    # Reading ---------------------------------------------------------------------------

    def folders(self) -> list[Path]:
        """Folders of entries in any state, newest first."""
        try:
            found = [path for path in self.folder.iterdir() if path.name.isdecimal()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unwritable(error, self.folder) from None
        return sorted(found, key=lambda path: int(path.name), reverse=True)

    def is_interrupted(self) -> bool:
        """Whether a plan or an undo began and did not end."""
        return any(
            (folder / name).exists() for folder in self.folders() for name in (_APPLYING, _UNDOING)
        )

    def read(self, folder: Path, name: str = _DONE) -> JournalEntry:
        """The record of an entry."""
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            return JournalEntry.from_dict(content)
        except OSError as error:
            raise _unwritable(error, folder) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SingwizError(
                "journal-damaged",
                f"The record of fix {folder.name} is damaged, so it cannot be taken back.",
                hint=f"Delete the folder '{folder}' to go on with the fixes as they are.",
                where=str(folder / name),
            ) from None

    # The three things that happen ------------------------------------------------------

    @contextmanager
    def held(self, *, patience: float = PATIENCE) -> Iterator[None]:
        """Alone with the project, and with everything finished that was interrupted."""
        try:
            self._inside("datasets/.journal/lock")
            with locked(self.folder / "lock", patience=patience):
                self._recover()
                yield
        except OSError as error:
            raise _unwritable(error, self.folder) from None

    def apply(self, plan: Plan, reporter: Reporter) -> JournalEntry:
        with self.held():
            self._check_current(plan)
            number = max((int(folder.name) for folder in self.folders()), default=0) + 1
            folder = self.folder / f"{number:06d}"
            try:
                entry = self._stage(folder, number, plan, reporter)
            except BaseException:
                self._discard(folder)
                raise
            try:
                self._carry_out(folder, entry)
            except (OSError, SingwizError):
                (folder / _APPLYING).replace(folder / _UNDOING)
                self._take_back(folder, entry)
                self._discard(folder)
                raise
            self._finish(folder)
            return entry

    def undo(self, *, overwrite: bool) -> JournalEntry | None:
        if not self.folders():
            return None
        with self.held():
            folder = next((found for found in self.folders() if (found / _DONE).exists()), None)
            if folder is None:
                return None
            entry = self.read(folder)
            self._check_untouched(entry, overwrite)
            (folder / _DONE).replace(folder / _UNDOING)
            self._take_back(folder, entry)
            self._discard(folder)
            return entry

    def _recover(self) -> None:
        for folder in self.folder.iterdir():
            if folder.name.endswith(_GONE):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.folders():
            if (folder / _UNDOING).exists():
                entry = self.read(folder, _UNDOING)
                self._keep_unknown(entry)
                self._take_back(folder, entry)
                self._discard(folder)
            elif (folder / _APPLYING).exists():
                entry = self.read(folder, _APPLYING)
                self._keep_unknown(entry)
                self._carry_out(folder, entry)
                self._finish(folder)
            elif not (folder / _DONE).exists():
                self._discard(folder)
            elif (folder / "after").exists():
                shutil.rmtree(folder / "after", ignore_errors=True)

    # Steps -----------------------------------------------------------------------------

    def _check_current(self, plan: Plan) -> None:
        """Refuse a plan whose files are not as they were when it was made."""
        for change in plan.changes:
            if file_sha256(self._inside(change.path)) != change.before:
                raise _changed(change.path)
        state = Project.open(self.root).state
        for setting in plan.settings:
            if read_setting(state, setting.key) != setting.before:
                raise _changed(f"singwiz.yaml: {setting.key}")
        changed_state(state, {setting.key: setting.after for setting in plan.settings})

    def _stage(self, folder: Path, number: int, plan: Plan, reporter: Reporter) -> JournalEntry:
        """Make all new contents and keep all old ones, then write the record."""
        (folder / "before").mkdir(parents=True)
        (folder / "after").mkdir()
        files = []
        for k, change in enumerate(plan.changes):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(k, len(plan.changes), change.path)
            if change.before:
                kept = folder / "before" / str(k)
                shutil.copyfile(self._inside(change.path), kept)
                _sync(kept)
            after = ""
            if change.after is not None:
                # The name keeps the suffix, because the format of audio follows from it.
                made = folder / "after" / f"{k}{PurePosixPath(change.path).suffix}"
                _make(made, change)
                _sync(made)
                after = file_sha256(made)
            files.append(FileRecord(change.path, change.before, after))
        reporter.progress(len(plan.changes), len(plan.changes))
        entry = JournalEntry(
            id=number,
            time=time.time(),
            title=plan.title,
            codes=plan.codes,
            steps=tuple(step.what for step in plan.steps),
            files=tuple(files),
            settings=plan.settings,
        )
        _sync_folder(folder / "before")
        _sync_folder(folder / "after")
        write_text(folder / _APPLYING, json.dumps(entry.to_dict(), ensure_ascii=False, indent=1))
        _sync_folder(folder)
        _sync_folder(self.folder)
        return entry

    def _carry_out(self, folder: Path, entry: JournalEntry) -> None:
        """Put the new contents in place; what is there already is left."""
        emptied = set()
        for k, record in enumerate(entry.files):
            target = self._inside(record.path)
            staged = folder / "after" / f"{k}{PurePosixPath(record.path).suffix}"
            if not record.after:
                target.unlink(missing_ok=True)
                emptied.add(target.parent)
            elif staged.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(target)
                _sync_folder(target.parent)
        write_settings(self.project, {s.key: s.after for s in entry.settings})
        self._prune(emptied)

    def _take_back(self, folder: Path, entry: JournalEntry) -> None:
        """Put the old contents back; what is there already is left."""
        write_settings(self.project, {s.key: s.before for s in entry.settings})
        emptied = set()
        for k, record in enumerate(entry.files):
            target = self._inside(record.path)
            kept = folder / "before" / str(k)
            if not record.before:
                target.unlink(missing_ok=True)
                emptied.add(target.parent)
            elif kept.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                kept.replace(target)
                _sync_folder(target.parent)
        self._prune(emptied)

    def _finish(self, folder: Path) -> None:
        (folder / _APPLYING).replace(folder / _DONE)
        _sync_folder(folder)
        shutil.rmtree(folder / "after", ignore_errors=True)

    def _discard(self, folder: Path) -> None:
        """Remove an entry; renamed first, so that half a folder is never taken for a whole."""
        gone = folder.with_name(folder.name + _GONE)
        if folder.exists():
            folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _check_untouched(self, entry: JournalEntry, overwrite: bool) -> None:
        """Refuse to take back what was edited since, or put those files aside."""
        for record in entry.files:
            target = self._inside(record.path)
            # Where moved recordings are now is no edit.
            if file_sha256(target) == record.after or target.name == OVERLAY_FILE:
                continue
            if not overwrite:
                raise SingwizError(
                    "undo-changed",
                    f"'{record.path}' was changed after this fix, so taking it back would lose "
                    "that change.",
                    hint="Undo with 'overwrite' keeps the changed file under "
                    "datasets/.journal/aside.",
                    where=str(target),
                )
            self._put_aside(entry, record)
        state = Project.open(self.root).state
        for setting in entry.settings:
            if read_setting(state, setting.key) != setting.after and not overwrite:
                raise SingwizError(
                    "undo-changed",
                    f"'{setting.key}' in singwiz.yaml was changed after this fix.",
                    hint="Undo with 'overwrite' puts back the value from before the fix.",
                    where=str(self.root),
                )

    def _keep_unknown(self, entry: JournalEntry) -> None:
        """Put aside what someone wrote by hand between a crash and now."""
        for record in entry.files:
            if file_sha256(self._inside(record.path)) not in (record.before, record.after, ""):
                self._put_aside(entry, record)

    def _put_aside(self, entry: JournalEntry, record: FileRecord) -> None:
        target = self._inside(record.path)
        if target.exists():
            aside = self.folder / "aside" / f"{entry.id:06d}" / record.path
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(target, aside)

    def _prune(self, folders: set[Path]) -> None:
        """Remove folders that became empty, up to ``datasets``."""
        top = self.root / "datasets"
        for folder in folders:
            here = folder
            while here != top and top in here.parents and here.is_dir():
                if any(here.iterdir()):
                    break
                here.rmdir()
                here = here.parent

    def _inside(self, path: str) -> Path:
        """The file a record means, if nothing leads out of the project's ``datasets``."""
        parts = PurePosixPath(path).parts
        target = self.root.joinpath(*parts)
        plain = parts[:1] == ("datasets",) and not any(
            part in ("..", ".") or "\\" in part or "\0" in part or ":" in part for part in parts
        )
        try:
            real = target.parent.resolve()
            contained = plain and real.is_relative_to(self.root.resolve() / "datasets")
        except (OSError, RuntimeError, ValueError):
            contained = False
        if not contained:
            raise SingwizError(
                "path-outside-project",
                f"'{path}' does not lie in the project's own folder 'datasets'.",
                hint="Replace links in the project folder by real folders.",
                where=str(target),
                exit_code=USAGE_PROBLEM,
            )
        return target


def _make(path: Path, change: FileChange) -> None:
    if isinstance(change.after, AudioRecipe):
        change.after.render(path)
    elif isinstance(change.after, Path):
        shutil.copyfile(change.after, path)
    elif change.after is not None:
        path.write_bytes(change.after)


def _sync(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _sync_folder(path: Path) -> None:
    """Make renames in a folder durable; Windows cannot and need not."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _changed(what: str) -> SingwizError:
    return SingwizError(
        "plan-outdated",
        f"'{what}' was changed after these fixes were planned.",
        hint="Check again, then fix.",
    )


def _unwritable(error: OSError, folder: Path) -> SingwizError:
    return SingwizError(
        "fixes-not-writable",
        f"The fixed copy cannot be written: {error.strerror or error}.",
        hint="Make room on the disk and check that the project folder belongs to you. "
        "Nothing is lost: an interrupted change is finished when the project is used next.",
        where=str(error.filename or folder),
        exit_code=USAGE_PROBLEM,
    )
