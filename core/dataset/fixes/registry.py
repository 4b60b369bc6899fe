"""What a fix is, what it may ask for while planning, and the list of all fixes.

A fix has the code of the findings that it cures. Planning a fix looks at the data anew instead
of trusting the finding's words, so an old finding does no harm and fixing twice is fixing once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...findings import Finding
from ...project import Project
from ..checks.thresholds import Thresholds
from .edits import DatasetEdit, ProjectEdit
from .table import TableRow

Planner = Callable[["FixRun", Sequence[Finding]], None]
DatasetPlanner = Callable[["FixRun", DatasetEdit, Sequence[Finding]], None]


@dataclass
class FixRun:
    """One call of :func:`~.run.plan_fixes`, as the fixes see it.

    Attributes:
        project: what is fixed.
        edit: where edits are collected.
        safe_only: leave out what loses something or chooses between sensible outcomes.
        limits: where the checks draw their lines.
        findings: everything that was found, by code.
    """

    project: Project
    edit: ProjectEdit
    safe_only: bool = True
    limits: Thresholds = field(default_factory=Thresholds)
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    _by_item: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def is_doubtful(self, edit: DatasetEdit, item: str, codes: Iterable[str]) -> bool:
        """Whether an item also has a finding with one of these codes."""
        if not self._by_item:
            for code, found in self.findings.items():
                for finding in found:
                    where = (finding.place.dataset, finding.place.item)
                    self._by_item.setdefault(where, set()).add(code)
        return not self._by_item.get((edit.name, item), set()).isdisjoint(codes)

    def rows(self, edit: DatasetEdit, findings: Iterable[Finding]) -> list[TableRow]:
        """The rows that findings are about; all, if one is about the whole dataset."""
        chosen: list[TableRow] = []
        for finding in findings:
            if not finding.place.item:
                return list(edit.rows)
            chosen += edit.find(finding.place.item, finding.place.line)
        wanted = set(map(id, chosen))
        return [row for row in edit.rows if id(row) in wanted]

    def may(self, edit: DatasetEdit, code: str, what: str, *, item: str = "") -> bool:
        """Whether a risky fix is allowed; if not, ``what`` it would do goes into the plan."""
        if self.safe_only:
            edit.refuse(code, f"Not done without being asked for: {what}", item=item, risky=True)
        return not self.safe_only


@dataclass(frozen=True)
class Fix:
    """One fix.

    Attributes:
        code: its id, which is the code of the findings that it cures.
        title: a few words on what it does.
        safe: whether it does something that loses nothing and has one obvious outcome; it may
            still have risky cases, which it leaves out unless they are asked for.
        plan: adds edits for some findings of this code.
        acts_on: whether it can do anything about a finding.
        module: name of the module that has it.
    """

    code: str
    title: str
    safe: bool
    plan: Planner
    acts_on: Callable[[Finding], bool] = lambda finding: True
    module: str = ""


REGISTERED: dict[str, Fix] = {}
"""Filled by the modules with fixes."""


def dataset_fix(
    *codes: str,
    title: str,
    safe: bool,
    acts_on: Callable[[Finding], bool] = lambda finding: True,
) -> Callable[[DatasetPlanner], DatasetPlanner]:
    """Register a fix that works on one dataset at a time."""

    def register(planner: DatasetPlanner) -> DatasetPlanner:
        def plan(run: FixRun, findings: Sequence[Finding]) -> None:
            by_dataset: dict[str, list[Finding]] = {}
            known = {recordings.name for recordings in run.project.state.datasets}
            for finding in findings:
                # A finding about the voice as a whole concerns every dataset.
                named = finding.place.dataset
                for name in [named] if named in known else [] if named else sorted(known):
                    by_dataset.setdefault(name, []).append(finding)
            for name, found in by_dataset.items():
                planner(run, run.edit.dataset(name), found)

        for code in codes:
            REGISTERED[code] = Fix(code, title, safe, plan, acts_on, planner.__module__)
        return planner

    return register


def project_fix(
    *codes: str,
    title: str,
    safe: bool,
    acts_on: Callable[[Finding], bool] = lambda finding: True,
) -> Callable[[Planner], Planner]:
    """Register a fix that works on the project: dictionaries, choices."""

    def register(planner: Planner) -> Planner:
        for code in codes:
            REGISTERED[code] = Fix(code, title, safe, planner, acts_on, planner.__module__)
        return planner

    return register


def by_code(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Findings by code."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.code, []).append(finding)
    return grouped
