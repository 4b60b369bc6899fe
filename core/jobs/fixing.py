"""Fixing the recordings of a project, and taking it back: check, plan, apply, check again.

The fixes themselves are in :mod:`singwiz.core.dataset.fixes`, the cures of the mismatch desk in
:mod:`singwiz.core.dictionary.desk`. Here they meet the findings of a project's last check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..dataset.fixes import JournalEntry, Plan
    from ..dictionary import Suggestion

ROUNDS = 5
"""A fix can bring to light what another fault had hidden, but not for ever."""


def fix_project(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Fix what the check finds, until nothing more can be fixed; or carry out chosen cures.

    ``params`` may have ``only`` (codes), ``all`` (risky fixes, too), ``dry_run``, ``check`` (id of
    a finished check that is up to date), and ``model``; or ``cures`` (suggestions of the mismatch
    desk as plain data) or ``fill`` (see :mod:`.filling`), ``dry_run`` and ``recheck``.

    Returns:
        ``dry_run``; ``applied`` (records of the applied plans, oldest first); ``plan`` (what
        would be changed; after fixing only what could not be); ``summary`` and ``findings`` of
        the last check, None if there was none.

    Raises:
        SingwizError: a code that no fix has, a cure that does not fit, or files that cannot be
            read or written. What was applied before stays applied and can be undone.
    """
    if params.get("cures") is not None:
        plan = plan_cures(project, [cure_from(content) for content in params["cures"]])
        return _carry_out(project, plan, params, reporter)
    if params.get("fill"):
        from .filling import plan_filling

        plan = plan_filling(project, [str(one) for one in params["fill"]], reporter=reporter)
        return _carry_out(project, plan, params, reporter)
    from ..dataset.fixes import plan_fixes

    only = list(params.get("only") or ()) or None
    _know_codes(only)
    applied: list[JournalEntry] = []
    result = _result_of(project, params.get("check")) or _check(project, params, reporter)
    for _ in range(ROUNDS):
        plan = plan_fixes(project, result["findings"], only=only, safe_only=not params.get("all"))
        if params.get("dry_run") or not plan:
            break
        applied.append(_apply(project, plan, reporter))
        result = _check(project, params, reporter)
    return _outcome(params, applied, plan, result)


def _know_codes(only: Iterable[str] | None) -> None:
    """Refuse unknown codes before the recordings are checked, which may take a while."""
    from ..dataset.fixes import FIXES

    for code in only or ():
        if code not in FIXES:
            raise SingwizError(
                "fix-unknown",
                f"There is no fix '{code}'.",
                hint="Use the codes that the check shows as fixable.",
                exit_code=USAGE_PROBLEM,
            )


def _check(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """A check of its own right: every front end sees that it ran, and what it found."""
    from .job import run_here

    return run_here(
        project, "check", {"model": params.get("model") or "acoustic"}, reporter=reporter
    )


def _result_of(project: Project, job_id: object) -> dict[str, Any] | None:
    """What a finished check found; None if there is no such thing."""
    from .job import Job

    if not isinstance(job_id, str) or not job_id or PurePosixPath(job_id).name != job_id:
        return None
    try:
        status = Job.open(project.jobs_dir / job_id).status()
    except SingwizError:
        return None  # cleared away meanwhile; a new check does as well
    known = isinstance(status.result, dict) and isinstance(status.result.get("findings"), list)
    return status.result if known else None


def _carry_out(
    project: Project, plan: Plan, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    applied: list[JournalEntry] = []
    if plan and not params.get("dry_run"):
        applied.append(_apply(project, plan, reporter))
    result = None
    if params.get("recheck") and any(_touches_recordings(entry) for entry in applied):
        result = _check_again(project, reporter)
    return _outcome(params, applied, plan, result)


def plan_cures(project: Project, cures: Iterable[Suggestion]) -> Plan:
    """What cures of the mismatch desk would change; nothing is written.

    Raises:
        SingwizError: a cure does not fit, or labels or dictionaries cannot be read.
    """
    from ..dataset.cures import add_cures
    from ..dataset.fixes import ProjectEdit
    from .matching import match

    chosen = list(cures)
    now = match(project)
    edit = ProjectEdit(project)
    add_cures(edit, chosen, now.phonemes, now.mismatch)
    return edit.plan(cure_title(chosen))


def cure_title(cures: Iterable[Suggestion]) -> str:
    """What cures do, in a few words for the history."""
    chosen = list(cures)
    if len(chosen) == 1:
        (cure,) = chosen
        if cure.action == "add-extra":
            return f"Add '{cure.target}' to extra_phonemes"
        return cure.advice.removesuffix(cure.reason).strip().rstrip(".") or cure.action
    actions = {cure.action for cure in chosen}
    symbols = " ".join(dict.fromkeys(cure.symbol for cure in chosen))
    name = _TITLES.get(actions.pop(), "") if len(actions) == 1 else ""
    return f"{name or 'Settle'}: {symbols}"


_TITLES = {
    "rename": "Rename in the labels",
    "prefix": "Write with the language",
    "expand": "Write syllables as phonemes",
    "add-extra": "Add to extra_phonemes",
    "remove-extra": "Remove from extra_phonemes",
    "trim": "Use a copy of the dictionary without",
    "merge": "Merge",
    "migrate-labels": "Convert the labels",
}


def cure_from(content: Mapping[str, Any]) -> Suggestion:
    """The suggestion that was made plain data of, or that a user wrote.

    Raises:
        SingwizError: it is none.
    """
    from ..dictionary import Suggestion
    from ..dictionary.desk import CHOICE_ACTIONS, LABEL_ACTIONS

    symbol, action = content.get("symbol"), content.get("action")
    target = content.get("target")
    words = all(isinstance(word, str) and word for word in (symbol, action, target))
    if not words or action not in LABEL_ACTIONS | CHOICE_ACTIONS:
        raise SingwizError(
            "cure-unknown",
            f"'{action}' is nothing that can be done about '{symbol}'.",
            hint="Choose one of the suggestions.",
            exit_code=USAGE_PROBLEM,
        )
    return Suggestion(str(symbol), str(action), str(target), str(content.get("reason") or ""))


def undo_project(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Take back the newest change; ``params`` may have ``overwrite`` and ``recheck``.

    Returns:
        ``undone`` (its record; None if there was nothing), ``left`` (number of changes that can
        still be taken back), ``summary`` and ``findings`` of a check, None without ``recheck``.

    Raises:
        SingwizError: files were edited since, or cannot be written.
    """
    from ..dataset.fixes import history, undo

    entry = undo(project, overwrite=bool(params.get("overwrite")))
    result = None
    if entry is not None and params.get("recheck") and _touches_recordings(entry):
        result = _check_again(project, reporter)
    return {
        "undone": describe(entry) if entry else None,
        "left": len(history(project)),
        "summary": result["summary"] if result else None,
        "findings": result["findings"] if result else None,
    }


def describe(entry: JournalEntry) -> dict[str, Any]:
    """A record of the journal as plain data for people and scripts."""
    content = entry.to_dict()
    content["files"] = [record.path for record in entry.files]
    del content["schema"]
    return content


def _apply(project: Project, plan: Plan, reporter: Reporter) -> JournalEntry:
    from ..dataset.fixes import apply_plan

    return apply_plan(project, plan, reporter=reporter)


def _check_again(project: Project, reporter: Reporter) -> dict[str, Any] | None:
    """Renew the check, if there ever was one."""
    from .job import latest_job

    last = latest_job(project, "check")
    return _check(project, last.params, reporter) if last else None


def _touches_recordings(entry: JournalEntry) -> bool:
    """Whether labels or recordings changed, not only dictionaries and choices."""
    return any(not record.path.startswith("datasets/dictionary-") for record in entry.files)


def _outcome(
    params: Mapping[str, Any],
    applied: Iterable[JournalEntry],
    plan: Plan,
    result: Mapping[str, Any] | None,
) -> dict[str, Any]:
    shown = plan.to_dict()
    if not params.get("dry_run"):
        del shown["diff"]  # of what was not done; that of ten thousand rows fills a disk
    return {
        "dry_run": bool(params.get("dry_run")),
        "applied": [describe(entry) for entry in applied],
        "plan": shown,
        "summary": result["summary"] if result else None,
        "findings": result["findings"] if result else None,
    }
