"""Diffs that people can read: long rows are cut down to the words that change.

A row of transcriptions.csv can have thousands of characters. For looking only; the full diff
is :meth:`~.plan.Plan.diff`.
"""

from __future__ import annotations

import difflib
import re
from itertools import zip_longest

_WORDS = re.compile(r"[^\s,]+|[\s,]")
_BESIDE = 4
"""Words and separators shown on either side of a change."""
_COMPARED = 6000
"""Words beyond this are too many to be compared while somebody waits."""


def excerpt(diff: str, *, lines: int = 60, width: int = 160) -> str:
    """A unified diff with long lines shortened.

    Args:
        diff: as made by :meth:`~.plan.Plan.diff`.
        lines: shown at most; how many are left out stands at the end.
        width: characters of a line at most.
    """
    shown: list[str] = []
    removed: list[str] = []
    added: list[str] = []

    def flush() -> None:
        pairs = [_pair(a, b, width) for a, b in zip_longest(removed, added)]
        for old, new in pairs:
            shown.extend(text for text in (old, new) if text is not None)
        removed.clear()
        added.clear()

    for line in diff.splitlines():
        if line.startswith("-") and not line.startswith("--- "):
            if added:
                flush()
            removed.append(line[1:])
        elif line.startswith("+") and not line.startswith("+++ "):
            added.append(line[1:])
        else:
            flush()
            if not line.startswith(("+++ ", "@@")):  # the file's name once, and no line numbers
                shown.append(_cut(line.removeprefix("--- "), width))
        if len(shown) > 4 * lines:
            break
    flush()
    total = diff.count("\n")
    if len(shown) > lines:
        del shown[lines:]
        shown.append(f"… and more, {total} lines in all")
    return "\n".join(shown)


def _pair(old: str | None, new: str | None, width: int) -> tuple[str | None, str | None]:
    if old is None or new is None:
        whole = [f"{sign}{_cut(text, width)}" for sign, text in (("-", old), ("+", new)) if text]
        return (whole[0] if whole and old else None, whole[-1] if whole and new else None)
    if max(len(old), len(new)) < width:
        return f"-{old}", f"+{new}"
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    if len(a) + len(b) > _COMPARED:
        return f"-{_cut(old, width)}", f"+{_cut(new, width)}"
    changes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(_BESIDE)
    left, right = [], []
    for group in changes:
        left.append("".join(a[group[0][1] : group[-1][2]]))
        right.append("".join(b[group[0][3] : group[-1][4]]))
    name = a[0] if a and b and a[0] == b[0] else ""
    return (
        "-" + _cut(_joined(name, left), width),
        "+" + _cut(_joined(name, right), width),
    )


def _joined(name: str, parts: list[str]) -> str:
    text = " … ".join(parts)
    return text if not name or text.startswith(name) else f"{name} … {text}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
