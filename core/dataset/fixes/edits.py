"""The one way to change a project's datasets: collect edits, look at them, apply them as one.

A :class:`ProjectEdit` covers datasets, the project's own dictionary copies and entries of
``singwiz.yaml``; a :class:`DatasetEdit` is one dataset in it. Nothing is written here: the
result is a :class:`Plan`, which :func:`~.journal.apply_plan` carries out. Original
recordings are read and never written; what differs goes to the project's fixed copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SingwizError
from ...findings import Place, has_errors
from ...project import Project, Recordings
from ..audio import AUDIO_SUFFIXES
from ..ds import read_ds
from ..overlay import (
    file_sha256,
)
from ..rows import check_name
from .plan import FileChange, Plan, Refusal, Step
from .recipe import AudioRecipe
from .settings import Setting, changed_state, read_setting
from .table import TableRow
from .working_copy import WorkingCopy


class ProjectEdit:
    """Edits of a whole project, collected.

    Attributes:
        project: what is edited; stays as it is until the plan is applied.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._datasets: dict[str, DatasetEdit] = {}
        self._texts: dict[str, str] = {}
        self._settings: dict[str, Any] = {}
        self._steps: list[Step] = []
        self._refused: dict[Refusal, None] = {}

    def dataset(self, name: str) -> DatasetEdit:
        """The edits of one dataset.

        Raises:
            SingwizError: no such dataset, or its table cannot be understood.
        """
        if name not in self._datasets:
            self._datasets[name] = DatasetEdit(self, _recordings(self.project, name))
        return self._datasets[name]

    def setting(self, key: str) -> Any:
        """An entry of ``singwiz.yaml`` with the edits so far, e.g. ``dictionaries.ja``."""
        return self._settings.get(key, read_setting(self.project.state, key))

    def set(self, key: str, value: Any) -> None:
        """Change an entry of ``singwiz.yaml``; ``None`` takes it out.

        Raises:
            SingwizError: no such entry, or the value is not allowed there.
        """
        wanted = {**self._settings, key: value}
        changed_state(self.project.state, wanted)
        self._settings = wanted

    def write_dictionary(self, language: str, text: str) -> None:
        """Use a copy of a dictionary with this text, kept in the project.

        Raises:
            SingwizError: the language's name cannot be part of a file name.
        """
        name = f"dictionary-{language}.txt"
        if not language or has_errors(check_name(name, Place(item=name))):
            raise SingwizError(
                "language-tag",
                f"'{language}' cannot be used as a language name.",
                hint="Use a short code such as 'zh', 'ja' or 'en'.",
            )
        path = f"datasets/{name}"
        self._texts[path] = text
        self.set(f"dictionaries.{language}", str(self.project.root / path))

    def written_dictionary(self, language: str) -> str | None:
        """The text given to :meth:`write_dictionary`, if any."""
        return self._texts.get(f"datasets/dictionary-{language}.txt")

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done so far."""
        return tuple(self._steps)

    def did(
        self, code: str, what: str, *, dataset: str = "", item: str = "", safe: bool = True
    ) -> None:
        """Say what the edits just made are good for; ``code`` is empty if they are no fix."""
        self._steps.append(Step(code, dataset, item, what, safe))

    def refuse(
        self, code: str, why: str, *, dataset: str = "", item: str = "", risky: bool = False
    ) -> None:
        """Say why a finding is not fixed."""
        self._refused[Refusal(code, dataset, item, why, risky)] = None

    def plan(self, title: str) -> Plan:
        """Everything collected so far, compared with what is on disk.

        Raises:
            SingwizError: a file of the project cannot be read.
        """
        changes: list[FileChange] = []
        notes: list[str] = []
        try:
            for edit in self._datasets.values():
                changes += edit.files.changes()
                notes += edit.files.notes()
            for path, text in self._texts.items():
                changes += self._text_change(path, text)
        except OSError as error:
            raise SingwizError(
                "project-unreadable",
                f"A file of the project cannot be read: {error.strerror or error}.",
                hint="Check the permissions of the project folder.",
                where=str(error.filename or self.project.root),
            ) from None
        settings = tuple(
            Setting(key, before, value)
            for key, value in self._settings.items()
            if (before := read_setting(self.project.state, key)) != value
        )
        return Plan(
            title,
            tuple(self._steps),
            tuple(self._refused),
            tuple(changes),
            settings,
            tuple(notes),
        )

    def _text_change(self, path: str, text: str) -> list[FileChange]:
        target = self.project.root / path
        before, after = file_sha256(target), text.encode("utf-8")
        old = target.read_bytes() if before else b""
        if before and old == after:
            return []
        return [FileChange(path, before, after, old.decode("utf-8", "replace"), path)]


class DatasetEdit:
    """Edits of one dataset, collected on a working copy in memory.

    Attributes:
        name: of the dataset.
        recordings: its entry in the project.
        files: where everything is, and what of it has to change.
        table: rows and columns; change them through the methods here.
    """

    def __init__(self, project_edit: ProjectEdit, recordings: Recordings) -> None:
        self.edit = project_edit
        self.recordings = recordings
        self.name = recordings.name
        self.files = WorkingCopy.open(project_edit.project, recordings)
        self.table = self.files.table
        self._old_names: dict[str, TableRow] = {}
        self._taken: set[str] | None = None

    @property
    def base(self) -> Path:
        """Folder with the originals; only read."""
        return self.files.base

    @property
    def root(self) -> Path:
        """Folder of the fixed copy; may not exist yet."""
        return self.files.root

    @classmethod
    def open(cls, project: Project, name: str) -> DatasetEdit:
        """Edit a single dataset.

        Raises:
            SingwizError: no such dataset, or its table cannot be understood.
        """
        return ProjectEdit(project).dataset(name)

    # Rows ------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """All rows, broken ones included, in file order."""
        return tuple(self.table.rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, misspelt ones corrected."""
        return tuple(self.table.columns)

    def cell(self, row: TableRow, column: str) -> str:
        """The text of a cell; empty if there is none."""
        return self.table.get(row, column)

    def item(self, row: TableRow) -> str:
        """The row's name."""
        return self.table.get(row, "name")

    def set(self, row: TableRow, column: str, value: str | Iterable[object]) -> None:
        """Change a cell; lists are joined by spaces, seconds as floats get 6 decimals."""
        if not isinstance(value, str):
            value = " ".join(_text(entry) for entry in value)
        self.table.set(row, column, value)

    def find(self, name: str, line: int | None = None) -> list[TableRow]:
        """Rows by name, now or before a :meth:`rename`; ``line`` picks one of several."""
        rows = list(self.table.named(name))
        if not rows and name in self._old_names:
            renamed = self._old_names[name]
            rows = [row for row in self.table.named(self.item(renamed)) if row is renamed]
        exact = [row for row in rows if row.line == line]
        return exact if line is not None and exact else rows

    def add_row(self, cells: Mapping[str, str | Sequence[object]]) -> TableRow:
        """A new row at the end.

        Raises:
            SingwizError: the name cannot be used, or exists already.
        """
        self._check_new(str(cells.get("name", "")))
        row = TableRow(0, [])
        for column in cells:
            if self.table.index(column) is None:
                self.table.set(row, column, "")
        self.table.append(row)
        for column, value in cells.items():
            self.set(row, column, value)
        return row

    def drop(self, row: TableRow) -> None:
        """Take a row out; its recording and DS file go too unless another row uses them."""
        name = self.item(row)
        self.table.remove(row)
        if self.table.named(name):
            return
        file = self.audio_file(name)
        if file is not None:
            del self.files.audio[file]
        self.files.ds.pop(f"{name}.ds", None)

    def rename(self, row: TableRow, name: str) -> None:
        """Give an item another name: row, recording and DS file.

        Raises:
            SingwizError: the name cannot be used, or exists already.
        """
        old = self.item(row)
        if name == old:
            return
        self._check_new(name)
        shared = len(self.table.named(old)) > 1
        file = self.audio_file(old)
        if file is not None:
            moved = self.files.audio[file] if shared else self.files.audio.pop(file)
            self.files.audio[name + Path(file).suffix] = moved
        if f"{old}.ds" in self.files.ds:
            content = self.files.ds[f"{old}.ds"] if shared else self.files.ds.pop(f"{old}.ds")
            self.files.ds[f"{name}.ds"] = content
        if not shared:
            self._old_names[old] = row
            self._rename_validation_item(old, name)
        self.set(row, "name", name)

    def _rename_validation_item(self, old: str, new: str) -> None:
        key = f"datasets.{self.name}.test_prefixes"
        chosen = self.edit.setting(key)
        if old in chosen:
            self.edit.set(key, [new if rule == old else rule for rule in chosen])

    def free_name(self, wanted: str) -> str:
        """``wanted``, with a number behind it if that name exists (or was given out) already."""
        if self._taken is None:
            self._taken = {name.casefold() for name in self.table.names()}
            self._taken |= {Path(file).stem.casefold() for file in self.files.audio}
        name, number = wanted, 2
        while name.casefold() in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name.casefold())
        return name

    def _check_new(self, name: str) -> None:
        findings = check_name(name, Place(item=name))
        if not name.strip() or has_errors(findings):
            raise SingwizError(
                "name-illegal",
                findings[0].message if findings else "An item needs a name.",
                hint="Use letters, digits, '_' and '-' only.",
                where=self.name,
            )
        if self.table.named(name):
            raise SingwizError(
                "name-duplicate",
                f"There already is an item '{name}'.",
                hint="Choose another name.",
                where=self.name,
            )

    # Recordings and DS files -----------------------------------------------------------

    @property
    def audio_files(self) -> tuple[str, ...]:
        """Names of the files in ``wavs``, with the edits so far."""
        return tuple(self.files.audio)

    def audio_file(self, name: str) -> str | None:
        """Name of an item's recording in ``wavs``, or None."""
        return next((name + s for s in AUDIO_SUFFIXES if name + s in self.files.audio), None)

    def audio(self, file: str) -> AudioRecipe:
        """How a recording is made; for an untouched one, of nothing but its file."""
        return self.files.audio[file]

    def set_audio(self, file: str, recipe: AudioRecipe) -> None:
        """Make (or replace) a recording, e.g. ``song_01.wav``.

        Raises:
            SingwizError: the file name cannot be used.
        """
        if not _is_file_name(file, AUDIO_SUFFIXES):
            raise SingwizError(
                "name-illegal",
                f"'{file}' cannot be the name of a recording.",
                hint="Use letters, digits, '_' and '-', then '.wav' or '.flac'.",
                where=self.name,
            )
        self.files.audio[file] = recipe

    def rename_audio(self, file: str, name: str) -> None:
        """Give a recording another file name; rows stay as they are."""
        recipe = self.files.audio[file]
        self.set_audio(name, recipe)
        if name != file:
            del self.files.audio[file]

    def remove_audio(self, file: str) -> None:
        """Take a recording out of the dataset."""
        self.files.audio.pop(file, None)

    @property
    def ds_files(self) -> tuple[str, ...]:
        """Names of the files in ``ds``, with the edits so far."""
        return tuple(file for file in self.files.ds if file.lower().endswith(".ds"))

    def read_ds(self, file: str) -> list[dict[str, Any]]:
        """The segments of a DS file, e.g. ``song.ds``, with the edits so far.

        Raises:
            SingwizError: not a DS file.
        """
        content = self.files.ds[file]
        if isinstance(content, bytes):
            segments: list[dict[str, Any]] = json.loads(content)
            return segments
        return read_ds(content)

    def write_ds(self, file: str, segments: Sequence[Mapping[str, Any]]) -> None:
        """Make (or replace) a DS file.

        Raises:
            SingwizError: the file name cannot be used.
        """
        if not _is_file_name(file, (".ds",)):
            raise SingwizError(
                "name-illegal",
                f"'{file}' cannot be the name of a DS file.",
                hint="Use letters, digits, '_' and '-', then '.ds'.",
                where=self.name,
            )
        text = json.dumps(list(segments), ensure_ascii=False, indent=2) + "\n"
        self.files.ds[file] = text.encode("utf-8")

    # What was done ---------------------------------------------------------------------

    def did(self, code: str, what: str, *, item: str = "", safe: bool = True) -> None:
        """See :meth:`ProjectEdit.did`."""
        self.edit.did(code, what, dataset=self.name, item=item, safe=safe)

    def refuse(self, code: str, why: str, *, item: str = "", risky: bool = False) -> None:
        """See :meth:`ProjectEdit.refuse`."""
        self.edit.refuse(code, why, dataset=self.name, item=item, risky=risky)

    def plan(self, title: str) -> Plan:
        """The plan of everything collected, other datasets of the same edit included."""
        return self.edit.plan(title)


def _recordings(project: Project, name: str) -> Recordings:
    for recordings in project.state.datasets:
        if recordings.name == name:
            return recordings
    known = ", ".join(recordings.name for recordings in project.state.datasets)
    raise SingwizError(
        "dataset-unknown",
        f"The project has no recordings named '{name}'.",
        hint=f"It has: {known or 'none yet'}.",
    )


def _is_file_name(file: str, suffixes: Sequence[str]) -> bool:
    """Whether this is a plain name with one of the suffixes, good on every system."""
    stem = next((file.removesuffix(end) for end in suffixes if file.endswith(end)), "")
    return bool(stem.strip()) and not has_errors(check_name(stem, Place(item=file)))


def _text(entry: object) -> str:
    if isinstance(entry, float):
        return f"{entry:.6f}".rstrip("0").rstrip(".") or "0"
    return str(entry)
