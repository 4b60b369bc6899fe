"""The parser with all its commands, and what becomes of their exceptions."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ...core.errors import INTERRUPTED, Cancelled, SingwizError
from ...core.words import choose, retell
from . import (
    assets,
    bring,
    configs,
    demo,
    dictionaries,
    doctor,
    exporting,
    faces,
    features,
    fixes,
    jobs,
    labels,
    languages,
    listening,
    models,
    plots,
    predicting,
    recordings,
    singing,
    speakers,
    vocoders,
    work,
)
from .output import show_error

app = typer.Typer(
    name="singwiz",
    help="From a folder of recordings to a singing voice that plays in OpenUTAU.\n\n"
    "Start with [bold]singwiz web[/bold] (browser) or [bold]singwiz tui[/bold] (terminal); "
    "the other commands are the same path for scripts.",
    epilog="Exit codes: 0 success, 1 the input has problems, 2 wrong usage or environment, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The order of the help page is the order of the way.
faces.register(app)
demo.register(app)
bring.register(app)
recordings.register(app)
fixes.register(app)
app.add_typer(labels.app, name="labels")
plots.register(app)
app.add_typer(dictionaries.app, name="dictionary")
app.add_typer(features.app, name="features")
app.add_typer(configs.app, name="config")
work.register(app)
singing.register(app)
predicting.register(app)
app.add_typer(listening.app, name="listen")
exporting.register(app)
app.add_typer(vocoders.app, name="vocoder")
app.add_typer(assets.app, name="assets")
models.register(app)
app.add_typer(speakers.app, name="speakers")
app.add_typer(jobs.app, name="jobs")
languages.register(app)
doctor.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ... import __version__

        typer.echo(f"singwiz {__version__}")
        raise typer.Exit


@app.callback()
def singwiz(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(help="Language of all texts, for this time: en, zh or ja."),
    ] = None,
) -> None:
    """Options of the program itself."""
    if lang is not None:
        choose(lang)


def run() -> None:
    """Parse ``sys.argv``, run the command, and exit with its code."""
    as_json = "--json" in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A name in an encoding that the terminal lacks must not end the program.
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="singwiz")
    except SingwizError as error:
        if os.environ.get("SINGWIZ_DEBUG"):
            traceback.print_exc()
        show_error(error, as_json=as_json)
        sys.exit(error.exit_code)
    except (Cancelled, KeyboardInterrupt):
        typer.echo(retell("Stopped."), err=True)
        sys.exit(INTERRUPTED)
    except Exception as exception:
        if os.environ.get("SINGWIZ_DEBUG"):
            raise
        explained = _explain(exception)
        show_error(explained, as_json=as_json)
        sys.exit(explained.exit_code)


def _explain(exception: Exception) -> SingwizError:
    from ...core.jobs.records import as_user_error, bug_report

    known = as_user_error(exception)
    if known is not None:
        return known
    handle, name = tempfile.mkstemp(prefix="singwiz-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as log:
        log.write(f"singwiz {' '.join(sys.argv[1:])}\n\n")
        traceback.print_exception(exception, file=log)
    return bug_report(exception, Path(name))
