"""Showing how labels and dictionary differ: both sides, where to listen, what could be done."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from .output import out

SUGGESTIONS_SHOWN = 3
"""Per symbol; ``--json`` has them all."""

_COMMANDS = {
    "rename": "map {project} {symbol} {target}",
    "prefix": "map {project} {symbol} {target}",
    "expand": "expand {project} {symbol}",
    "add-extra": "extra {project} {target}",
    "remove-extra": "trim {project} {symbol}",
    "trim": "trim {project} {symbol}",
    "merge": "merge {project} {symbol} {target}",
    "migrate-labels": "migrate {project}",
}
"""Action -> command after ``singwiz dictionary`` that carries it out."""


def show_mismatch(mismatch: Mapping[str, Any], *, project: str = "") -> None:
    """Labels against dictionary: the three lines that DiffSinger users know, then each symbol.

    Args:
        mismatch: as plain data.
        project: named in the commands that would help; without one they are left out.
    """
    console = out()
    console.print("transcriptions and dictionary mismatch.", style="bold")
    console.print(f" (+) {mismatch['unexpected']}")
    console.print(f" (-) {mismatch['missing']}")
    counts = mismatch["unexpected_counts"]
    if mismatch["unexpected"]:
        console.print("In the labels, but not in the dictionary (+):", style="bold")
    for symbol in sorted(mismatch["unexpected"], key=lambda one: (-counts[one], one)):
        console.print(f"  + {symbol}  ×{counts[symbol]} in {places_text(mismatch, symbol)}")
        _show_advice(_suggestions(mismatch, symbol), project)
    if mismatch["missing"]:
        console.print("In the dictionary, but never sung (-):", style="bold")
    # Many missing phonemes have the same cure; that is said once.
    alike: dict[tuple[str, ...], list[str]] = {}
    for symbol in mismatch["missing"]:
        reasons = (one["reason"] for one in _suggestions(mismatch, symbol))
        alike.setdefault(tuple(reasons), []).append(symbol)
    for symbols in alike.values():
        console.print(f"  - {'  '.join(symbols)}")
        one = len(symbols) == 1
        _show_advice(_suggestions(mismatch, symbols[0]), project, all_alike=not one)


def places_text(mismatch: Mapping[str, Any], symbol: str) -> str:
    """The first items with the time of the first occurrence, e.g. ``song at 1.20 s``."""
    times = {place["item"]: place["start"] for place in mismatch.get("places", {}).get(symbol, ())}
    return ", ".join(
        f"{item} at {times[item]:.2f} s" if item in times else item
        for item in mismatch["items"][symbol]
    )


def _suggestions(mismatch: Mapping[str, Any], symbol: str) -> list[Mapping[str, Any]]:
    found = [one for one in mismatch["suggestions"] if one["symbol"] == symbol]
    return found[:SUGGESTIONS_SHOWN]


def _show_advice(
    suggestions: Iterable[Mapping[str, Any]], project: str, *, all_alike: bool = False
) -> None:
    for one in suggestions:
        what = one["action"] if all_alike else f"{one['action']} {one['target']}"
        out().print(f"      {what}: {one['reason']}", style="dim")
        command = _COMMANDS.get(one["action"])
        if project and command:
            words = {key: shlex.quote(one[key]) for key in ("symbol", "target")}
            text = command.format(project=shlex.quote(project), **words)
            if all_alike:
                text = text.removesuffix(f" {words['symbol']}")
            out().print(f"        singwiz dictionary {text}", style="dim")
