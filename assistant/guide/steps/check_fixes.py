"""The part of the check step that fixes: which findings, what would change, all or one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..desk import Desk
from ..view import Action, Block, Choice, Question, Reply
from ..watch import JobWatch
from ..words import help_text, label, say
from . import mending

if TYPE_CHECKING:
    from ....core.dataset.fixes import Fix

STEP = "check"
SAFE = "safe"
"""The answer that means: everything that loses nothing."""


def fixes() -> Mapping[str, Fix]:
    """All fixes by code."""
    from ....core.dataset.fixes import FIXES

    return FIXES


def can_be_fixed(finding: Mapping[str, Any]) -> str:
    """What the table says about a finding: by itself, when asked for, or nothing."""
    fix = fixes().get(str(finding.get("fix") or ""))
    if fix is None:
        return ""
    return say(f"{STEP}.fix-safe" if fix.safe else f"{STEP}.fix-asked")


def kinds(watch: JobWatch) -> dict[str, int]:
    """Code -> number of findings that a fix can act on, in the order of planning."""
    counts = Counter(str(one["fix"]) for one in watch.entries("findings") if one.get("fix"))
    return {code: counts[code] for code in fixes() if counts[code]}


def safe_count(watch: JobWatch) -> int:
    """Number of findings that have a safe fix."""
    return sum(count for code, count in kinds(watch).items() if fixes()[code].safe)


def question(desk: Desk, watch: JobWatch) -> list[Question]:
    """Which fixes to look at; empty if nothing can be fixed."""
    found = kinds(watch)
    if not found:
        return []
    choices = [
        Choice(
            code,
            say(f"{STEP}.fix-kind", title=fixes()[code].title, count=count, code=code),
            "" if fixes()[code].safe else say(f"{STEP}.fix-risky"),
        )
        for code, count in found.items()
    ]
    safe = safe_count(watch)
    if safe:
        choices.insert(0, Choice(SAFE, say(f"{STEP}.fix-all", count=safe)))
    return [
        Question(
            id="fix",
            label=label(STEP, "fix"),
            kind="choice",
            value=_chosen(desk, watch),
            help=help_text(STEP, "fix"),
            choices=tuple(choices),
        )
    ]


def _chosen(desk: Desk, watch: JobWatch) -> str:
    found = kinds(watch)
    answered = desk.answer_of(STEP, "fix", "")
    if answered in found:
        return answered
    return SAFE if safe_count(watch) else next(iter(found), "")


def actions(desk: Desk, watch: JobWatch, mark: str) -> list[Action]:
    """Buttons for what was chosen, and for all that is safe.

    One whose changes are worked out already, and are none, is disabled.
    """
    found = kinds(watch)
    chosen = _chosen(desk, watch)
    worked_out = desk.background.known("fixes", _key(watch, chosen, mark))
    reason = say("mend.nothing") if worked_out is not None and worked_out.empty else ""
    buttons = []
    if safe_count(watch):
        why = reason if chosen == SAFE else ""
        buttons.append(_button("fix_safe", why))
    if found and chosen != SAFE:
        buttons.append(_button("fix_kind", reason))
    return buttons


def _button(action: str, reason: str) -> Action:
    return Action(action, say(f"{STEP}.do.{action}"), enabled=not reason, reason=reason)


def _key(watch: JobWatch, chosen: str, mark: str) -> tuple[str, str, str]:
    return (watch.job.id, chosen, mark)


def act(desk: Desk, action: str, watch: JobWatch, *, fresh: bool) -> Reply:
    """Start the fixing that a button stands for."""
    params: dict[str, Any] = {"check": watch.job.id if fresh else None}
    if action == "fix_kind":
        # What loses something was shown before.
        params |= {"only": [_chosen(desk, watch)], "all": True}
    return mending.start(desk, "fix", params)


def blocks(desk: Desk, watch: JobWatch, mark: str) -> Sequence[Block]:
    """What the chosen fixes would change."""
    if not kinds(watch):
        return ()
    from ....core.dataset.fixes import plan_fixes

    chosen = _chosen(desk, watch)
    only = None if chosen == SAFE else [chosen]
    findings = watch.entries("findings")
    return mending.preview(
        desk,
        "fixes",
        _key(watch, chosen, mark),
        lambda project: plan_fixes(project, findings, only=only, safe_only=only is None),
    )
