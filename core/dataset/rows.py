"""What the cells of a row mean: item names, phonemes, durations, and what is wrong with them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ..findings import Finding, Place, Severity
from .checks.rules import report

_ILLEGAL = re.compile(r"[:/\\\x00-\x1f\x7f]")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?$", re.IGNORECASE)
_MAX_NAME = 180
"""Characters; file systems allow 255 bytes, and singwiz adds suffixes."""


def check_name(name: str, place: Place) -> list[Finding]:
    """Whether a name can be a file name and an item key everywhere.

    An error means that the item must not be used: the name might leave the ``wavs`` folder.
    """
    bad = _ILLEGAL.search(name)
    if bad:
        shown = bad.group() if bad.group().isprintable() else "an invisible control character"
        return [report("name-illegal", f"The name {name[:60]!r} contains {shown}.", place)]
    if name != name.strip():
        message = f"The name '{name[:60]}' begins or ends with a space."
        return [report("name-illegal", message, place)]
    if name in (".", "..") or _RESERVED.match(name):
        message = f"The name '{name}' is reserved by the operating system."
        return [report("name-illegal", message, place)]
    if len(name) > _MAX_NAME:
        message = f"The name '{name[:60]}…' is {len(name)} characters long."
        return [report("name-illegal", message, place)]
    suffix = name.rpartition("#")[2] if "#" in name else ""
    if "#" in name and not suffix.isdecimal():
        return [
            report(
                "name-illegal",
                f"The name '{name}' has a '#' that is not followed by a number.",
                place,
                severity=Severity.WARNING,
                hint="Rename it if the data shall also train variance models in DiffSinger.",
            )
        ]
    return []


def read_labels(
    cells: Mapping[str, str], place: Place
) -> tuple[tuple[str, ...], tuple[float, ...], list[Finding]]:
    """Phonemes and durations (s) of a row; they are usable only if nothing was found."""
    name = place.item
    ph_seq = tuple(cells.get("ph_seq", "").split())
    tokens = cells.get("ph_dur", "").split()
    findings = [
        report("cell-empty", f"'{name}' has no {column}.", place)
        for column, content in (("ph_seq", ph_seq), ("ph_dur", tokens))
        if not content
    ]
    if findings:
        return (), (), findings
    numbers, finding = read_numbers("ph_dur", cells["ph_dur"], place)
    if finding:
        findings.append(finding)
    elif min(numbers) < 0:
        k = next(k for k, number in enumerate(numbers) if number < 0)
        symbol = ph_seq[k] if k < len(ph_seq) else ""
        findings.append(
            report(
                "duration-negative",
                f"Duration {k + 1} of '{name}' ({symbol}) is negative: {tokens[k]}.",
                _at(place, symbol, max(sum(numbers[:k]), 0.0)),
            )
        )
    if len(ph_seq) != len(tokens):
        findings.append(
            report(
                "lengths-differ",
                f"'{name}' has {len(ph_seq)} phonemes but {len(tokens)} durations.",
                place,
            )
        )
    return ph_seq, numbers, findings


def read_numbers(column: str, cell: str, place: Place) -> tuple[tuple[float, ...], Finding | None]:
    """The numbers of a cell, or what is wrong with the first bad one."""
    tokens = cell.split()
    try:
        numbers = tuple(map(float, tokens))
        if math.isfinite(sum(numbers)) and "_" not in cell:
            return numbers, None
    except ValueError:
        pass
    for k, token in enumerate(tokens):
        if not _is_finite(token):
            hint = None
            if _is_finite(token.replace(",", ".")):
                hint = "Write decimals with a point instead of a comma."
            message = f"{column} of '{place.item}' has '{token[:30]}' at position {k + 1}."
            return (), report("number-invalid", message, place, hint=hint)
    # Every number is finite but their sum is not: no song is that long.
    message = f"{column} of '{place.item}' has absurdly large numbers."
    return (), report("number-invalid", message, place)


def _is_finite(token: str) -> bool:
    try:
        return math.isfinite(float(token)) and "_" not in token
    except ValueError:
        return False


def _at(place: Place, symbol: str, start: float) -> Place:
    return Place(place.dataset, place.item, place.file, place.line, symbol, start)
