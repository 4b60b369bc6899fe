"""``singwiz demo``: a voice in minutes, without recordings of one's own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import INPUT_PROBLEM, INTERRUPTED, USAGE_PROBLEM, SingwizError
from .output import Json, duration, err, out, print_json, show_findings

if TYPE_CHECKING:
    from ...core.project import Project

CORPUS = "recordings"
"""Folder inside the demo project that holds the synthesised recordings."""
STAGES = 6

QUICK_PRESET, QUICK_STEPS, QUICK_ITEMS = "tiny", 600, 24
PRESET, STEPS, ITEMS = "small", 2000, 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Project folder to make.")] = Path(
        "demo-voice"
    ),
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Training steps.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller voice, in about three minutes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a demo singer: synthesise recordings, check, prepare, train, and sing a song."""
    began = time.monotonic()
    goal = steps or (QUICK_STEPS if quick else STEPS)
    _announce(1, f"Synthesising {QUICK_ITEMS if quick else ITEMS} recordings")
    project, song = _project(folder, quick=quick)

    def run(number: int, title: str, stage: str, **params: Any) -> dict[str, Any]:
        from .foreground import run_here

        _announce(number, title)
        return run_here(project, stage, params)

    checked = run(2, "Checking recordings, labels and dictionary", "check")
    if checked["summary"]["errors"]:
        show_findings(checked["findings"], err())
        raise typer.Exit(INPUT_PROBLEM)
    config = run(3, "Choosing a model and writing its config", "config")
    prepared = run(4, "Preparing features: mel and pitch", "binarize")
    trained = run(
        5, f"Training to step {goal} (Ctrl-C stops and keeps it)", "train", max_steps=goal
    )
    if trained["stopped_early"]:
        err().print(f"Stopped; 'singwiz demo {folder}' goes on from here.")
        raise typer.Exit(INTERRUPTED)
    rendered = run(
        6, "Singing a song that is not in the recordings", "render", song=str(song), seed=0
    )
    took = time.monotonic() - began
    if as_json:
        print_json(
            {
                "project": project.root,
                "wav": rendered["wav"],
                "spectrogram": rendered["spectrogram"],
                "seconds": took,
                "check": checked["summary"],
                "config": config,
                "binarize": prepared,
                "train": trained,
                "render": rendered,
            }
        )
        return
    console = out()
    console.print(f"\nDone in {duration(took)}. Open it in the wizard: singwiz web '{folder}'")
    if rendered["preview"]:
        console.print(
            "You hear the preview vocoder: judge words, pitch and timing by it, not the sound."
        )
    console.print(f"Spectrogram: {rendered['spectrogram']}")
    console.print(f"Sound:       {rendered['wav']}", style="bold")


def _announce(number: int, title: str) -> None:
    err().print(f"[{number}/{STAGES}] {title}", style="bold")


def _project(folder: Path, *, quick: bool) -> tuple[Project, Path]:
    """The demo project and its song, made or, from an earlier run, found again."""
    from ...core.demo.corpus import make_corpus
    from ...core.project import FILE_NAME, Project
    from .foreground import console_reporter

    home = folder.expanduser().absolute()
    song = home / CORPUS / "song.ds"
    if (home / FILE_NAME).exists():
        if not song.exists():
            raise SingwizError(
                "not-a-demo",
                f"'{home}' is a project of your own.",
                hint="Choose another folder for the demo: singwiz demo DIR",
                exit_code=USAGE_PROBLEM,
            )
        return Project.open(home), song
    if home.exists() and any(path.name != CORPUS for path in home.iterdir()):
        raise SingwizError(
            "folder-not-empty",
            f"'{home}' already holds other files.",
            hint="Choose a new folder for the demo: singwiz demo DIR",
            exit_code=USAGE_PROBLEM,
        )
    with console_reporter() as reporter:
        corpus = make_corpus(
            home / CORPUS, items=QUICK_ITEMS if quick else ITEMS, reporter=reporter
        )
    project = Project.create(home)
    project.add_recordings(corpus.raw_data_dir, speaker=corpus.speaker, language=corpus.language)
    project.state.dictionaries[corpus.language] = str(corpus.dictionary)
    choice = project.model_choice("acoustic")
    choice.preset = QUICK_PRESET if quick else PRESET
    # Nobody sings in the demo.
    project.state.consent = True
    project.save()
    return project, corpus.song
