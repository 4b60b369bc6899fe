"""``singwiz fix`` and ``singwiz undo``: what can be mended by rule, shown, done, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from ...core.errors import INPUT_PROBLEM
from .output import Json, err, out, print_json, show_findings, show_table
from .places import Model, ProjectFolder

STEPS_SHOWN = 40
"""Lines about what is done; the others are counted. ``--json`` has them all."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(fix)
    app.command()(undo)


def fix(
    project: ProjectFolder,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="CODE", help="Fix only findings of this kind; may be repeated."
        ),
    ] = None,
    dry_run: DryRun = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also what loses something, or could sensibly be done otherwise."
        ),
    ] = False,
    model: Model = "acoustic",
    as_json: Json = False,
) -> None:
    """Check, then mend what can be mended without losing anything.

    Your recordings stay as they are: the project keeps a fixed copy of what differs, and
    'singwiz undo' takes every change back. Exit code 1 if errors are left.
    """
    from ...core.project import Project
    from .foreground import run_here

    codes = [code.strip() for text in only or () for code in text.split(",") if code.strip()]
    params = {"only": codes, "all": everything, "dry_run": dry_run, "model": model}
    result = run_here(Project.open(project), "fix", params)
    if as_json:
        print_json(result)
    else:
        show_changes(result, undo_with=f"singwiz undo '{project}'")
        _show_rest(result, str(project))
    if not dry_run and result["summary"]["errors"]:
        raise typer.Exit(INPUT_PROBLEM)


def show_changes(result: Mapping[str, Any], *, undo_with: str) -> None:
    """What was changed, or would be; and what was not, with the reason."""
    console = out()
    plan = result["plan"]
    if result["dry_run"]:
        from ...core.dataset.fixes.excerpt import excerpt

        if plan["steps"]:
            console.print("Would be done:", style="bold")
        _show_steps([_step_text(step) for step in plan["steps"]])
        if plan["diff"]:
            console.print("Changes:", style="bold")
            console.print(excerpt(plan["diff"]))
        if not plan["steps"]:
            console.print("Nothing would be changed.")
    for entry in result["applied"]:
        console.print(f"{entry['title']}:", style="bold")
        _show_steps(entry["steps"])
    if not result["dry_run"] and not result["applied"]:
        console.print("Nothing was changed.")
    _show_refusals(plan["refused"])
    if result["applied"]:
        console.print(f"Your originals are unchanged. Take it back with: {undo_with}", style="dim")


def _show_steps(steps: Sequence[str]) -> None:
    for what in steps[:STEPS_SHOWN]:
        out().print(f"  {what}")
    if len(steps) > STEPS_SHOWN:
        out().print(f"  … and {len(steps) - STEPS_SHOWN} more", style="dim")


def _step_text(step: Mapping[str, Any]) -> str:
    item = step["item"]
    return f"{item}: {step['what']}" if item and item not in step["what"] else step["what"]


def _show_refusals(refused: Sequence[Mapping[str, Any]]) -> None:
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in refused:
        groups.setdefault((entry["code"], entry["why"]), []).append(entry["item"])
    if groups:
        out().print("Not fixed:", style="bold")
    lines = []
    for (code, why), items in groups.items():
        named = ", ".join(dict.fromkeys(item for item in items if item))
        lines.append(f"{code or 'label'}{f' ({named})' if named else ''}: {why}")
    _show_steps(lines)
    if any(entry["risky"] for entry in refused):
        out().print("  --all does also what is not done without being asked for.", style="dim")


def _show_rest(result: Mapping[str, Any], project: str) -> None:
    summary = result["summary"]
    errors = [one for one in result["findings"] if one["severity"] == "error"]
    if errors and not result["dry_run"]:
        show_findings(errors, out())
    when = "found" if result["dry_run"] or not result["applied"] else "left"
    out().print(
        f"{summary['errors']} errors, {summary['warnings']} warnings, {summary['notes']} notes "
        f"{when}; see them with: singwiz check '{project}'",
        style="bold",
    )


def undo(
    project: ProjectFolder,
    show: Annotated[
        bool, typer.Option("--list", help="List what can be taken back; change nothing.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Go on even if you edited a fixed file since; your version is kept under "
            "datasets/.journal/aside.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take back the last change of recordings, labels or dictionary, one at a time."""
    from ...core.project import Project
    from .foreground import run_here

    opened = Project.open(project)
    if show:
        _show_history(opened, as_json)
        return
    result = run_here(opened, "undo", {"overwrite": overwrite})
    if as_json:
        print_json({key: result[key] for key in ("undone", "left")})
        return
    entry = result["undone"]
    if entry is None:
        out().print("There is nothing to take back.")
        return
    out().print(f"Taken back: {entry['title']}", style="bold")
    _show_steps(entry["steps"])
    out().print(f"Changes that can still be taken back: {result['left']}", style="dim")


def _show_history(project: Any, as_json: bool) -> None:
    from ...core.dataset.fixes import history, settle
    from ...core.jobs.fixing import describe

    settle(project)
    entries = [describe(entry) for entry in history(project)]
    if as_json:
        print_json({"changes": entries})
    elif not entries:
        out().print("Nothing was changed so far.")
    else:
        rows = [
            (
                str(entry["id"]),
                datetime.fromtimestamp(entry["time"]).strftime("%Y-%m-%d %H:%M"),
                str(len(entry["files"])),
                entry["title"],
            )
            for entry in entries
        ]
        show_table(("No.", "When", "Files", "Change"), rows)
        err().print("'singwiz undo' takes back the one on top.", style="dim")
