"""Records of the journal: what an applied plan changed, as it is stored and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .settings import Setting

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A changed file: path below the project, SHA-256 before and after (empty = no file)."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One applied plan.

    Attributes:
        id: number, counting up.
        time: seconds since 1970.
        title: a few words.
        codes: of the fixes in it.
        steps: what was done, one sentence each.
        files: what changed.
        settings: changed entries of ``singwiz.yaml``.
    """

    id: int
    time: float
    title: str
    codes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    files: tuple[FileRecord, ...] = ()
    settings: tuple[Setting, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it is stored."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "time": self.time,
            "title": self.title,
            "codes": list(self.codes),
            "steps": list(self.steps),
            "files": [{"path": f.path, "before": f.before, "after": f.after} for f in self.files],
            "settings": [
                {"key": s.key, "before": s.before, "after": s.after} for s in self.settings
            ],
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> JournalEntry:
        """The entry stored as ``content``; KeyError or TypeError if it is none."""
        return cls(
            id=int(content["id"]),
            time=float(content["time"]),
            title=str(content["title"]),
            codes=tuple(map(str, content["codes"])),
            steps=tuple(map(str, content["steps"])),
            files=tuple(FileRecord(f["path"], f["before"], f["after"]) for f in content["files"]),
            settings=tuple(Setting(s["key"], s["before"], s["after"]) for s in content["settings"]),
        )
