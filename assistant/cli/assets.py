"""``singwiz assets``: vocoders and extractor networks of the community, fetched once for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Json, out, print_json, show_table

if TYPE_CHECKING:
    from ...core.reporting import Reporter

app = typer.Typer(help="Vocoders and extractor networks of the community.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in 'singwiz assets list'.")]


@app.command("list")
def list_assets(as_json: Json = False) -> None:
    """What there is, on which terms, and what is here already."""
    from ...core.assets import Library, read_catalogue

    library = Library()
    installed = library.installed()
    if as_json:
        print_json(
            {
                "folder": str(library.folder),
                "assets": [
                    {
                        **asset.model_dump(),
                        "installed": installed[name].to_dict() if name in installed else None,
                    }
                    for name, asset in read_catalogue().items()
                ],
            }
        )
        return
    rows = [
        (
            name,
            "here" if name in installed else "-",
            f"{asset.megabytes} MB",
            asset.licence,
            asset.title,
        )
        for name, asset in read_catalogue().items()
    ]
    show_table(("name", "", "about", "licence", "what"), rows)
    out().print(f"Folder: {library.folder}")


@app.command()
def get(
    name: Name,
    url: Annotated[str, typer.Option("--url", help="Another address to fetch it from.")] = "",
    accept_changed: Annotated[
        bool,
        typer.Option(
            "--accept-changed", help="Take it although it differs from the one fetched before."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Download, check and keep one of them; an interrupted download goes on."""
    from ...core.jobs.fetching import fetch_asset
    from .foreground import run_call

    def call(reporter: Reporter) -> dict[str, Any]:
        return fetch_asset(
            name, url=url, accept_changed=accept_changed, reporter=reporter
        ).to_dict()

    _show(run_call(call), as_json)


@app.command()
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive, weights or folder.")],
    as_json: Json = False,
) -> None:
    """Take a file that you downloaded yourself; it is checked and copied."""
    from ...core.jobs.fetching import add_asset

    _show(add_asset(name, file).to_dict(), as_json)


@app.command()
def remove(name: Name, as_json: Json = False) -> None:
    """Delete one of them from the shared folder."""
    from ...core.assets import Library

    removed = Library().remove(name)
    if as_json:
        print_json({"removed": removed})
    else:
        out().print(f"'{name}' is deleted." if removed else f"'{name}' was not there.")


def _show(installed: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(installed)
        return
    console = out()
    console.print(f"{installed['name']} is ready: {installed['main']}", style="bold")
    console.print(f"  licence: {installed['licence']}")
    console.print(f"  by: {installed['attribution']}")
    for fact, value in installed["facts"].items():
        console.print(f"  {fact}: {value}")
