"""Planning fixes for what the checks found, and telling which findings can be fixed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ...errors import USAGE_PROBLEM, SingwizError
from ...findings import Finding, Place, Severity
from ...project import Project
from ..checks.thresholds import Thresholds
from . import (
    audio_fixes,
    dictionary_fixes,
    ds_fixes,
    edge_fixes,
    label_fixes,
    name_fixes,
    project_fixes,
    text_fixes,
)
from .edits import ProjectEdit
from .plan import Plan
from .registry import REGISTERED, Fix, FixRun, by_code

# First the file as a whole, then names and files, then numbers, then what needs all of that.
_ORDER = (
    text_fixes,
    name_fixes,
    label_fixes,
    audio_fixes,
    edge_fixes,
    ds_fixes,
    dictionary_fixes,
    project_fixes,
)

FIXES: Mapping[str, Fix] = MappingProxyType(
    {
        code: fix
        for module in _ORDER
        for code, fix in REGISTERED.items()
        if fix.module == module.__name__
    }
)
"""Every fix by the code of the findings that it cures, in the order of planning."""


def with_fixes(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, each with ``fix`` filled in if a fix can act on it."""
    return [
        replace(finding, fix=finding.code)
        if (fix := FIXES.get(finding.code)) and fix.acts_on(finding)
        else finding
        for finding in findings
    ]


def plan_fixes(
    project: Project,
    findings: Iterable[Finding | Mapping[str, Any]],
    *,
    only: Collection[str] | None = None,
    safe_only: bool = True,
) -> Plan:
    """What would be changed to cure findings; nothing is written.

    Args:
        project: whose recordings were checked.
        findings: from a check of the project as it is now, as objects or plain data.
        only: codes to fix; None = all.
        safe_only: leave out fixes that lose something or choose between sensible outcomes.

    Returns:
        The plan; it is false if there is nothing to do. Findings that stay are explained in
        ``refused``.

    Raises:
        SingwizError: a code in ``only`` that no fix has, or a file cannot be read.
    """
    for code in only or ():
        if code not in FIXES:
            raise SingwizError(
                "fix-unknown",
                f"There is no fix '{code}'.",
                hint="Use the codes that the check shows as fixable.",
                exit_code=USAGE_PROBLEM,
            )
    found = by_code(f if isinstance(f, Finding) else finding_from(f) for f in findings)
    run = FixRun(
        project,
        ProjectEdit(project),
        safe_only,
        Thresholds.of(project.state.thresholds or None),
        found,
    )
    for code, fix in FIXES.items():
        wanted = [f for f in found.get(code, ()) if fix.acts_on(f)]
        if not wanted or (only is not None and code not in only):
            continue
        try:
            fix.plan(run, wanted)
        except SingwizError as error:
            run.edit.refuse(code, error.message, dataset=wanted[0].place.dataset)
    titles = dict.fromkeys(FIXES[step.code].title for step in run.edit.steps if step.code)
    return run.edit.plan("; ".join(titles) or "Nothing to fix")


def finding_from(content: Mapping[str, Any]) -> Finding:
    """The finding that :meth:`Finding.to_dict` made plain data of."""
    place = Place(
        dataset=content.get("dataset") or "",
        item=content.get("item") or "",
        file=content.get("file") or "",
        line=content.get("line"),
        symbol=content.get("symbol") or "",
        start=content.get("start"),
        end=content.get("end"),
    )
    return Finding(
        code=str(content["code"]),
        severity=Severity(content.get("severity", "error")),
        message=str(content.get("message", "")),
        hint=str(content.get("hint", "")),
        place=place,
        fix=content.get("fix"),
    )
