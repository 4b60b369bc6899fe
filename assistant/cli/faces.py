"""``singwiz web`` and ``singwiz tui``: the wizard's two faces."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from ...core.words import choose

ProjectToOpen = Annotated[
    Path | None,
    typer.Argument(metavar="[PROJECT]", help="Project folder; without it the wizard asks."),
]

Lang = Annotated[
    str | None,
    typer.Option(help="Language to begin with: en, zh or ja. It can be changed at any time."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(web)
    app.command()(tui)


def web(
    project: ProjectToOpen = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 7860,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD",
            help="Ask for this name and password; needed for any --host but this computer.",
        ),
    ] = None,
    lang: Lang = None,
) -> None:
    """Open the wizard in the browser."""
    if lang is not None:
        choose(lang)
    credentials = _credentials(auth)
    if credentials is None and not _is_this_computer(host):
        raise SingwizError(
            "host-without-auth",
            f"With --host {host} everybody in the network could use the wizard and your files.",
            hint="Add --auth USER:PASSWORD, or leave --host out.",
            exit_code=USAGE_PROBLEM,
        )
    from ..web import launch

    launch(project, host=host, port=port, open_browser=not no_open, auth=credentials)


def tui(project: ProjectToOpen = None, lang: Lang = None) -> None:
    """Open the wizard in the terminal; also works over SSH."""
    if lang is not None:
        choose(lang)
    from ..tui import run

    run(project)


def _credentials(auth: str | None) -> tuple[str, str] | None:
    if auth is None:
        return None
    user, _, password = auth.partition(":")
    if not user or not password:
        raise SingwizError(
            "auth-unusable",
            "--auth needs a name and a password.",
            hint="Write it as --auth NAME:PASSWORD.",
            exit_code=USAGE_PROBLEM,
        )
    return user, password


def _is_this_computer(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
