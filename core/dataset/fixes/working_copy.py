"""A dataset while it is edited: everything in memory, and the comparison with what is on disk.

Editing means changing ``table``, ``audio`` and ``ds``. What then has to be written follows from
comparing them with the originals and the fixed copy, in one place, whatever was edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import SingwizError
from ...project import Project, Recordings
from ..overlay import (
    CHANGES_FILE,
    OVERLAY_FILE,
    Overlay,
    changes_text,
    file_sha256,
    follow,
    list_folder,
    overlay_text,
    read_overlay,
)
from ..transcriptions import FILE_NAME
from .plan import FileChange
from .recipe import AudioRecipe
from .table import Table, read_table


@dataclass
class WorkingCopy:
    """One dataset in memory.

    Attributes:
        name: of the dataset.
        base: folder with the originals; only read.
        root: folder of the fixed copy; may not exist yet.
        overlay: the fixed copy as it is on disk; None if there is none.
        table: rows and columns.
        audio: files of ``wavs`` and how they are made.
        ds: files of ``ds``: a path if untouched, else the new content.
    """

    name: str
    base: Path
    root: Path
    overlay: Overlay | None
    table: Table
    audio: dict[str, AudioRecipe]
    ds: dict[str, Path | bytes]

    @classmethod
    def open(cls, project: Project, recordings: Recordings) -> WorkingCopy:
        """The dataset as it is now.

        Raises:
            SingwizError: the table cannot be understood, or the fixed copy is damaged or was
                made of other recordings.
        """
        base, root = Path(recordings.raw_data_dir), project.dataset_dir(recordings.name)
        overlay = _overlay(recordings.name, root, base)
        table = read_table((root if overlay else base) / FILE_NAME)
        copy = cls(recordings.name, base, root, overlay, table, {}, {})
        copy.audio = {f: AudioRecipe(path) for f, path in copy._list("wavs", overlay).items()}
        copy.ds = dict(copy._list("ds", overlay))
        return copy

    def changes(self) -> list[FileChange]:
        """The files of the fixed copy that have to change; empty if nothing was edited.

        Raises:
            OSError: a file cannot be read.
        """
        base_wavs, base_ds = self._list("wavs"), self._list("ds")
        own = self._own("wavs") | self._own("ds")
        hidden = {f"wavs/{file}" for file in base_wavs if file not in self.audio}
        hidden |= {f"ds/{file}" for file in base_ds if file not in self.ds}
        renamed: dict[str, str] = {}
        wanted: dict[str, bytes | AudioRecipe | Path] = {}
        for file, recipe in self.audio.items():
            content = recipe.source if _is_same_format(recipe, file) else recipe
            self._place("wavs", file, content, base_wavs, renamed, wanted)
        for file, ds in self.ds.items():
            self._place("ds", file, ds, base_ds, renamed, wanted)
        changes = self._file_changes(own, wanted)
        was_hidden = self.overlay.hidden if self.overlay else frozenset()
        was_renamed = dict(self.overlay.renamed) if self.overlay else {}
        csv = self.table.content()
        bookkeeping = (hidden, renamed) != (was_hidden, was_renamed)
        if csv == self.table.data and not changes and not bookkeeping:
            return []
        return self._head(csv, changes_text(frozenset(hidden), renamed)) + changes

    def notes(self) -> list[str]:
        """One line per recording or DS file that goes by another name or goes away."""
        lines = []
        for folder, now in (("wavs", self.audio), ("ds", self.ds)):
            names = {_source(content): name for name, content in now.items()}
            for file, path in self._list(folder, self.overlay).items():
                if file not in now:
                    new = f"-> {folder}/{names[path]}" if path in names else "is not used any more"
                    lines.append(f"{self.name}/{folder}/{file} {new}")
        return lines

    def _place(
        self,
        folder: str,
        file: str,
        content: bytes | AudioRecipe | Path,
        base: Mapping[str, Path],
        renamed: dict[str, str],
        wanted: dict[str, bytes | AudioRecipe | Path],
    ) -> None:
        """Decide where the content of one file comes from."""
        if isinstance(content, Path) and content.parent == self.base / folder:
            if content.name != file:
                renamed[f"{folder}/{file}"] = f"{folder}/{content.name}"
            elif base.get(file) != content:
                wanted[f"{folder}/{file}"] = content
        elif content != self.root / folder / file:
            wanted[f"{folder}/{file}"] = content

    def _file_changes(
        self, own: Mapping[str, Path], wanted: Mapping[str, bytes | AudioRecipe | Path]
    ) -> list[FileChange]:
        prefix = f"datasets/{self.name}"
        changes = []
        for member, content in wanted.items():
            before = file_sha256(own[member]) if member in own else ""
            if isinstance(content, bytes) and before and own[member].read_bytes() == content:
                continue
            old = self._ds_text(member) if isinstance(content, bytes) else ""
            path = f"{prefix}/{member}"
            changes.append(FileChange(path, before, content, old, f"{self.name}/{member}"))
        for member, present in own.items():
            if member not in wanted and not self._is_in_place(member, present):
                changes.append(FileChange(f"{prefix}/{member}", file_sha256(present), None))
        return changes

    def _is_in_place(self, member: str, path: Path) -> bool:
        folder, _, file = member.partition("/")
        content = self.audio.get(file) if folder == "wavs" else self.ds.get(file)
        return content is not None and _source(content) == path

    def _ds_text(self, member: str) -> str:
        listed = self._list("ds", self.overlay)
        path = listed.get(member.partition("/")[2])
        return path.read_text(encoding="utf-8", errors="replace") if path else ""

    def _head(self, csv: bytes, changes: str) -> list[FileChange]:
        """Changes of the three files at the top of the fixed copy."""
        prefix = f"datasets/{self.name}"
        base_csv = self.overlay.base_csv if self.overlay else file_sha256(self.base / FILE_NAME)
        label = f"{self.name}/{FILE_NAME}" if csv != self.table.data else ""
        texts = {
            OVERLAY_FILE: (overlay_text(self.base, base_csv).encode("utf-8"), "", ""),
            CHANGES_FILE: (changes.encode("utf-8"), "", ""),
            FILE_NAME: (csv, self.table.text, label),
        }
        made = []
        for name, (content, old, shown) in texts.items():
            target = self.root / name
            before = file_sha256(target)
            now = target.read_bytes() if before else b""
            if content != now:
                made.append(FileChange(f"{prefix}/{name}", before, content or None, old, shown))
        return made

    def _list(self, folder: str, overlay: Overlay | None = None) -> dict[str, Path]:
        try:
            return list_folder(self.base, folder, overlay)
        except OSError:
            return {}

    def _own(self, folder: str) -> dict[str, Path]:
        try:
            files = list_folder(self.root, folder)
        except OSError:
            return {}
        return {f"{folder}/{file}": path for file, path in files.items()}


def _overlay(name: str, root: Path, base: Path) -> Overlay | None:
    """The fixed copy of these recordings, wherever they were moved to."""
    overlay = read_overlay(root)
    if overlay is None or overlay.base == base:
        return overlay
    try:
        if follow(root, base):
            return read_overlay(root)
    except OSError as error:
        raise SingwizError(
            "fixes-not-writable",
            f"The fixed copy of '{name}' cannot be written: {error.strerror or error}.",
            hint="Make room on the disk and check that the project folder belongs to you.",
            where=str(root),
        ) from None
    raise SingwizError(
        "overlay-other-base",
        f"The fixed copy of '{name}' was made of other recordings: {overlay.base}.",
        hint="Take its fixes back with 'singwiz undo', then fix these recordings.",
        where=str(root),
    )


def _is_same_format(recipe: AudioRecipe, file: str) -> bool:
    """Whether a recipe is nothing but its source under this name."""
    return recipe.is_copy and recipe.source.suffix.lower() == Path(file).suffix.lower()


def _source(content: bytes | AudioRecipe | Path) -> Path | None:
    if isinstance(content, AudioRecipe):
        return content.source
    return content if isinstance(content, Path) else None
