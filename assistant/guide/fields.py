"""Turning what a face sends into the value a question asks for, or into a refusal with advice.

Only the form is checked here (is it a number, is it one of the choices); whether an answer makes
sense is for the step to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .view import Question
from .words import say


class Refused(Exception):
    """An answer that cannot be taken; the text says why and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def clean(question: Question, raw: object) -> Any:
    """The value in the type of the question's kind.

    Raises:
        Refused: it has another type, is out of range, or is none of the choices.
    """
    return _CLEANERS[question.kind](question, raw)


def _text(_: Question, raw: object) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Refused(say("refused.text"))
    if "\0" in raw:
        raise Refused(say("refused.text"))
    return raw.strip()


def _path(question: Question, raw: object) -> str:
    if isinstance(raw, Path):
        raw = str(raw)
    text = _text(question, raw)
    # Dragging a folder into a terminal quotes it.
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if not text:
        return ""
    try:
        return str(Path(text).expanduser().absolute())
    except (RuntimeError, ValueError, OSError):
        raise Refused(say("refused.path")) from None


def _paths(question: Question, raw: object) -> list[str]:
    if raw is None:
        return []
    if isinstance(raw, str):
        raw = raw.splitlines()
    if not isinstance(raw, list | tuple):
        raise Refused(say("refused.paths"))
    found = [_path(question, one) for one in raw]
    return list(dict.fromkeys(path for path in found if path))


def _number(question: Question, raw: object) -> int | float:
    if isinstance(raw, bool) or raw is None:
        raise Refused(say("refused.number"))
    try:
        number = float(raw)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise Refused(say("refused.number")) from None
    if not math.isfinite(number):
        raise Refused(say("refused.number"))
    if question.minimum is not None and number < question.minimum:
        raise Refused(say("refused.too-small", least=_short(question.minimum)))
    if question.maximum is not None and number > question.maximum:
        raise Refused(say("refused.too-big", most=_short(question.maximum)))
    if question.integer:
        if number != int(number):
            raise Refused(say("refused.whole-number"))
        return int(number)
    return number


def _toggle(_: Question, raw: object) -> bool:
    if not isinstance(raw, bool):
        raise Refused(say("refused.toggle"))
    return raw


def _choice(question: Question, raw: object) -> str:
    if not isinstance(raw, str) or raw not in {choice.value for choice in question.choices}:
        offered = ", ".join(choice.label for choice in question.choices)
        raise Refused(say("refused.choice", offered=offered))
    return raw


def _table(question: Question, raw: object) -> list[list[str]]:
    if not isinstance(raw, list | tuple):
        raise Refused(say("refused.table"))
    width = len(question.columns)
    rows: list[list[str]] = []
    for row in raw:
        if not isinstance(row, list | tuple) or len(row) != width:
            raise Refused(say("refused.table-width", columns=", ".join(question.columns)))
        cells = ["" if cell is None else str(cell).strip() for cell in row]
        if any(cells):
            rows.append(cells)
    return rows


def _short(number: float) -> str:
    return f"{number:g}"


_CLEANERS: dict[str, Callable[[Question, object], Any]] = {
    "text": _text,
    "path": _path,
    "paths": _paths,
    "number": _number,
    "toggle": _toggle,
    "choice": _choice,
    "table": _table,
}
