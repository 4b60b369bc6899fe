"""What is looked for in raw datasets: code, severity, title and cure of every check.

Not the detection itself; the reader of transcriptions and the modules beside this one do
that and take severity and advice from here.
"""

from __future__ import annotations

from ...dictionary.rules import Rule
from ...findings import Finding, Place, Severity
from .catalogue_files import FILE_RULES
from .catalogue_labels import LABEL_RULES
from .catalogue_sound import SOUND_RULES

CHECKS: dict[str, Rule] = {rule.code: rule for rule in (*FILE_RULES, *LABEL_RULES, *SOUND_RULES)}
"""Every check by its code."""


def report(
    code: str,
    message: str,
    place: Place,
    *,
    severity: Severity | None = None,
    hint: str | None = None,
) -> Finding:
    """A finding of a registered check."""
    return CHECKS[code].finding(message, place, severity=severity, hint=hint)


def some(names: list[str], *, limit: int = 5) -> str:
    """The first few names in quotes, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
