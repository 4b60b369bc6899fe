"""What the command line prints: JSON for programs, sentences and tables for people.

Results go to stdout, everything else (progress, warnings, errors) to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import SingwizError
from ...core.words import retell

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]

SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}
PLACES_SHOWN = 5
"""Findings of one kind that are listed; the others are counted. ``--json`` has them all."""


def out() -> Console:
    """Console on stdout; colours only on a terminal."""
    from .console import SpokenConsole

    return SpokenConsole()


def err() -> Console:
    """Console on stderr."""
    from .console import SpokenConsole

    return SpokenConsole(stderr=True)


def print_json(data: Any) -> None:
    """One JSON document on stdout, in UTF-8 whatever the terminal speaks."""
    from ...core.jobs.events import to_plain

    text = json.dumps(to_plain(data), ensure_ascii=False, indent=1, allow_nan=False)
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text + "\n")
    else:
        binary.write(text.encode("utf-8", "backslashreplace") + b"\n")
        binary.flush()


def show_error(error: SingwizError, *, as_json: bool) -> None:
    """What is wrong, where, and what to do."""
    if as_json:
        print_json({"error": error.to_dict()})
    console = err()
    console.print(f"error[{error.code}]", style="bold red", end=": ")
    console.print(error.message)
    if error.where:
        console.print(f"  where: {error.where}", style="dim")
    if error.hint:
        console.print(f"  to do: {error.hint}")


def show_findings(findings: Iterable[Mapping[str, Any]], console: Console) -> None:
    """Findings grouped by kind, worst first."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for finding in findings:
        groups.setdefault((finding["severity"], finding["code"]), []).append(finding)
    order = list(SEVERITY_STYLE)
    for (severity, code), members in sorted(
        groups.items(), key=lambda group: order.index(group[0][0])
    ):
        count = f" ×{len(members)}" if len(members) > 1 else ""
        console.print(f"{severity}[{code}]{count}", style=SEVERITY_STYLE[severity])
        for finding in members[:PLACES_SHOWN]:
            console.print(f"  {place_of(finding)}{finding['message']}")
        if len(members) > PLACES_SHOWN:
            console.print(f"  … and {len(members) - PLACES_SHOWN} more", style="dim")
        for hint in dict.fromkeys(finding["hint"] for finding in members[:PLACES_SHOWN]):
            if hint:
                console.print(f"  to do: {hint}", style="dim")


def place_of(finding: Mapping[str, Any]) -> str:
    """``"file:12, item 'x', at 1.20–1.50 s: "``, or nothing if the place is unknown."""
    from ...core.findings import Place

    place = Place(
        item=finding.get("item") or "",
        file=finding.get("file") or "",
        line=finding.get("line"),
        start=finding.get("start"),
        end=finding.get("end"),
    )
    dataset = finding.get("dataset") or ""
    text = ", ".join(part for part in (dataset, str(place)) if part)
    return f"{text}: " if text else ""


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table on stdout, one line per row whatever the width of the terminal."""
    from rich.cells import cell_len

    columns = [retell(column) for column in columns]
    rows = [[retell(cell) for cell in row] for row in rows]
    widths = [max(cell_len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    console = out()
    for number, row in enumerate((columns, *rows)):
        cells = [
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        console.print("  ".join(cells).rstrip(), style="bold" if number == 0 else None)


def duration(seconds: float | None) -> str:
    """``"7 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``; ``"–"`` if unknown."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
