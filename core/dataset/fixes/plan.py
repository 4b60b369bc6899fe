"""What a set of fixes would do: a plan can be shown as a diff, and applied as one step.

Making plans is the business of :mod:`.edits`, applying them of :mod:`.journal`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .recipe import AudioRecipe
from .settings import Setting


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that gets fixed.

    Attributes:
        code: of the fix; empty for edits that are no fix.
        dataset: name of the dataset; empty for the project or a dictionary.
        item: name of the item, empty if it concerns more than one.
        what: one sentence.
        safe: loses nothing, and there is no other sensible outcome.
    """

    code: str
    dataset: str
    item: str
    what: str
    safe: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "code": self.code,
            "dataset": self.dataset,
            "item": self.item,
            "what": self.what,
            "safe": self.safe,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """A finding that is not fixed, and why.

    Attributes:
        code: of the finding.
        dataset: name of the dataset.
        item: name of the item.
        why: one sentence.
        risky: True if a fix exists and would be applied if fixes that lose something, or that
            choose between outcomes, were allowed.
    """

    code: str
    dataset: str
    item: str
    why: str
    risky: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "code": self.code,
            "dataset": self.dataset,
            "item": self.item,
            "why": self.why,
            "risky": self.risky,
        }


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that gets other content.

    Attributes:
        path: below the project folder, with ``/``.
        before: SHA-256 of the content now; empty if there is no file.
        after: new content; None removes the file.
        old_text: what a text file says now, or what the original says that it replaces.
        label: what the file is called in the diff; empty leaves it out.
    """

    path: str
    before: str
    after: bytes | AudioRecipe | Path | None
    old_text: str = ""
    label: str = ""

    def diff(self) -> str:
        """Unified diff of a text file, one line for a recording; empty for bookkeeping."""
        if not self.label:
            return ""
        if isinstance(self.after, AudioRecipe):
            return f"{self.label}: {self.after.describe()}\n"
        if isinstance(self.after, Path):
            return f"{self.label}: copy of {self.after.name}\n"
        new = self.after.decode("utf-8", "replace") if self.after is not None else ""
        lines = difflib.unified_diff(
            self.old_text.splitlines(), new.splitlines(), self.label, self.label, n=0, lineterm=""
        )
        text = "".join(f"{line}\n" for line in lines)
        return text or f"{self.label}: the same text, saved anew as UTF-8\n"


@dataclass(frozen=True)
class Plan:
    """Fixes, ready to be shown and applied.

    A plan without changes is false.

    Attributes:
        title: a few words for the history.
        steps: what gets fixed, in order.
        refused: what does not, and why.
        changes: files that get other content.
        settings: entries of ``singwiz.yaml`` that change.
        notes: further lines of the diff: names that recordings go by from now on.
    """

    title: str
    steps: tuple[Step, ...] = ()
    refused: tuple[Refusal, ...] = ()
    changes: tuple[FileChange, ...] = ()
    settings: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.settings)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the fixes, each once, in order."""
        return tuple(dict.fromkeys(step.code for step in self.steps if step.code))

    def diff(self) -> str:
        """Everything that changes, as text."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for change in self.changes:
            yield change.diff()
        for note in self.notes:
            yield f"{note}\n"
        for setting in self.settings:
            yield f"singwiz.yaml: {setting.key}: {setting.before!r} -> {setting.after!r}\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "title": self.title,
            "codes": list(self.codes),
            "steps": [step.to_dict() for step in self.steps],
            "refused": [refusal.to_dict() for refusal in self.refused],
            "files": [change.path for change in self.changes],
            "settings": [
                {"key": entry.key, "before": entry.before, "after": entry.after}
                for entry in self.settings
            ],
            "diff": self.diff(),
        }
