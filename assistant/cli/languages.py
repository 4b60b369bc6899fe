"""``singwiz language``: the language of everything singwiz says."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import Json, out, print_json, show_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(language)


def language(
    tag: Annotated[
        str | None,
        typer.Argument(help="Language to speak from now on: en, zh or ja.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose the language of all texts, or show which there are."""
    from ...core.words import language as spoken
    from ...core.words import languages, save

    if tag is not None:
        save(tag)
    now = spoken()
    if as_json:
        print_json({"language": now, "languages": [one.tag for one in languages()]})
    elif tag is not None:
        name = next(one.name for one in languages() if one.tag == now)
        out().print(f"From now on singwiz speaks {name}.")
    else:
        rows = [[one.tag, one.name, "speaks now" if one.tag == now else ""] for one in languages()]
        show_table(("tag", "language", ""), rows)
