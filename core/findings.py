"""What a check has to say: one :class:`Finding` per problem, with its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The next step cannot run."""
    WARNING = "warning"
    """The next step runs, but the voice will probably suffer."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding points to; whatever is unknown stays empty.

    ``start`` and ``end`` are seconds from the beginning of the item.
    """

    dataset: str = ""
    item: str = ""
    file: str = ""
    line: int | None = None
    symbol: str = ""
    start: float | None = None
    end: float | None = None

    def __str__(self) -> str:
        parts = [f"{self.file}:{self.line}" if self.file and self.line else self.file]
        if self.item:
            parts.append(f"item '{self.item}'")
        if self.start is not None:
            end = f"–{self.end:.2f}" if self.end is not None else ""
            parts.append(f"at {self.start:.2f}{end} s")
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem found by a check.

    Attributes:
        code: stable kebab-case identifier.
        severity: see :class:`Severity`.
        message: one sentence in a musician's words.
        hint: one sentence on what to do.
        place: where it is.
        fix: identifier of an automatic fix, or None.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    place: Place = field(default_factory=Place)
    fix: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain data for ``--json``; the first six keys are the command line's contract."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "item": self.place.item,
            "message": self.message,
            "hint": self.hint,
            "fix": self.fix,
            "dataset": self.place.dataset,
            "file": self.place.file,
            "line": self.place.line,
            "symbol": self.place.symbol,
            "start": self.place.start,
            "end": self.place.end,
        }


def count_by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """Number of findings of each severity; every severity is present, zero included."""
    counts = {str(severity): 0 for severity in Severity}
    for finding in findings:
        counts[str(finding.severity)] += 1
    return counts


def has_errors(findings: Iterable[Finding]) -> bool:
    """True if any finding blocks the next step."""
    return any(finding.severity is Severity.ERROR for finding in findings)
