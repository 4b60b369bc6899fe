"""``singwiz models`` and ``new-model``: exchangeable parts, and how to write one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .output import Json, err, out, print_json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(models)
    app.command("new-model")(new_model)


def models(
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="KIND", help="Only these, e.g. backbone."),
    ] = "",
    arguments: Annotated[
        bool, typer.Option("--arguments", help="With what each can be told; takes a moment.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Models and their exchangeable parts: what there is, and where it comes from."""
    from ...core.errors import USAGE_PROBLEM, SingwizError
    from ...core.models.registry import GROUPS, list_parts

    if kind and kind not in GROUPS:
        raise SingwizError(
            "part-kind-unknown",
            f"There is no kind of part called '{kind}'.",
            hint=f"Use one of: {', '.join(GROUPS)}.",
            exit_code=USAGE_PROBLEM,
        )
    rows = []
    for part in list_parts(kind or None):
        row: dict[str, Any] = {
            "kind": part.kind,
            "name": part.name,
            "from": part.origin,
            "package": part.package,
            "version": part.version,
            "built_in": part.built_in,
            "problem": part.hidden or _problem(part),
        }
        if arguments and not row["problem"]:
            row["arguments"] = [one.to_dict() for one in _arguments(part)]
        rows.append(row)
    if as_json:
        print_json({"models": rows})
        return
    console = out()
    wide = max(len(row["name"]) for row in rows)
    last = ""
    for row in rows:
        if row["kind"] != last:
            last = row["kind"]
            console.print(last, style="bold")
        console.print(f"  {row['name']:<{wide}}  {row['from']}")
        for argument in row.get("arguments", ()):
            told = f" – {argument['help']}" if argument["help"] else ""
            console.print(f"    {argument['name']} = {argument['default']}{told}", style="dim")
        if row["problem"]:
            err().print(
                f"warning[part-unusable]: '{row['name']}' of {row['from']}: {row['problem']}",
                style="yellow",
            )


def _problem(part: Any) -> str:
    """Why a package's part cannot be used; our own are not even imported."""
    from ...core.models.registry import PartError

    if part.built_in:
        return ""
    try:
        part.load()
    except PartError as error:
        return str(error)
    return ""


def _arguments(part: Any) -> list[Any]:
    from ...core.config import part_arguments

    return part_arguments(part.kind, part.name)


def new_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, '-'.")],
    kind: Annotated[
        Literal["backbone", "model"],
        typer.Option("--kind", help="A denoiser inside our model, or a whole acoustic model."),
    ] = "model",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Where; a folder NAME here if left out."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a package with a model of your own: it trains, sings and exports as it is."""
    from ...core.scaffold import write_package

    written = write_package(name, kind=kind, folder=output or Path(name))
    if as_json:
        print_json(written.to_dict())
        return
    console = out()
    console.print(f"Written to {written.folder}:", style="bold")
    for file in written.files:
        console.print(f"  {file}")
    console.print("Next:")
    for line in written.next_steps():
        console.print(f"  {line}")
