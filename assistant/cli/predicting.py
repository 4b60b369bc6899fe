"""``singwiz predict`` and ``score``: DS files, without making sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, out, print_json
from .places import ConfigFile, load_own_config, open_project
from .singing import render
from .song_options import (
    Checkpoint,
    Consonants,
    DictionaryName,
    Expr,
    Key,
    Language,
    Lyrics,
    Num,
    Part,
    Paths,
    Predict,
    Retake,
    Seed,
    Speaker,
    Steps,
    Title,
    Vowels,
    absolute,
    project_and_songs,
    score_params,
)
from .work import Device

if TYPE_CHECKING:
    from ...core.reporting import Reporter


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(predict)
    app.command()(score)
    # The names that DiffSinger's scripts have for the same work.
    infer = typer.Typer(help="As DiffSinger calls render and predict.", no_args_is_help=True)
    infer.command("acoustic")(render)
    infer.command("variance")(predict)
    app.add_typer(infer, name="infer", hidden=True)


def predict(
    paths: Paths = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", "--out", metavar="OUT", help="DS file or folder; default: beside it."
        ),
    ] = None,
    variance: Annotated[
        list[str] | None,
        typer.Option(
            "--variance",
            "--exp",
            metavar="NAME",
            help="Experiment; several run in this order. Default: the project's.",
        ),
    ] = None,
    ckpt: Checkpoint = None,
    predict: Predict = None,
    retake: Retake = None,
    expr: Expr = None,
    speaker: Speaker = "",
    language: Language = "",
    key: Key = 0.0,
    steps: Steps = None,
    seed: Seed = None,
    num: Num = 1,
    title: Title = "",
    part: Part = "",
    lyrics: Lyrics = "",
    dictionary: DictionaryName = "",
    vowels: Vowels = "",
    consonants: Consonants = "",
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Write what songs lack – durations, pitch, curves – into new DS files, without singing.

    With --predict these tags are predicted even where the song has them, and nothing else.
    """
    from .foreground import run_call, run_here

    project, songs = project_and_songs(paths or [])
    if project is None and not variance:
        raise SingwizError(
            "who-predicts",
            "Name who predicts: a project folder, or an experiment with --exp.",
            hint="For example: singwiz predict my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    params: dict[str, Any] = {
        "song": songs,
        "output": absolute(output),
        "variance": variance or None,
        "ckpt": ckpt,
        "predict": predict,
        "retakes": retake,
        "expr": expr,
        "speaker": speaker,
        "language": language,
        "key": key,
        "steps": steps,
        "seed": seed,
        "num": num,
        "title": title,
        **score_params(part, lyrics, dictionary, vowels, consonants),
        "device": device,
    }
    if project is not None:
        opened = open_project(project, config=config)
        assert opened is not None
        result = run_here(opened, "predict", params)
    else:
        result = run_call(lambda reporter: _predict_alone(params, config, reporter))
    if as_json:
        print_json(result)
        return
    counts = [f"{tag} ({count} parts)" for tag, count in result["predicted"].items()]
    out().print(f"Predicted: {', '.join(counts) or 'nothing, the song is complete'}")
    for path in result["ds"]:
        out().print(f"Song: {path}", style="bold")


def _predict_alone(
    params: dict[str, Any], config: Path | None, reporter: Reporter
) -> dict[str, Any]:
    from ...core.jobs.predicting import predict_songs

    return predict_songs(
        params,
        checkpoints=Path.cwd() / "checkpoints",
        config=load_own_config(config) if config else None,
        reporter=reporter,
    )


def score(
    paths: Paths = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="DS file or folder; default: beside."),
    ] = None,
    language: Language = "",
    dictionary: DictionaryName = "",
    vowels: Vowels = "",
    consonants: Consonants = "",
    part: Part = "",
    lyrics: Lyrics = "",
    as_json: Json = False,
) -> None:
    """Make DS files of scores: MusicXML, MIDI with lyrics, UST or USTX."""
    from ...core.jobs.predicting import score_to_ds
    from .foreground import run_call

    project, songs = project_and_songs(paths or [])
    opened = open_project(project) if project is not None else None
    params: dict[str, Any] = {
        "song": songs,
        "output": absolute(output),
        "language": language,
        **score_params(part, lyrics, dictionary, vowels, consonants),
    }
    result = run_call(lambda reporter: score_to_ds(params, project=opened, reporter=reporter))
    if as_json:
        print_json(result)
        return
    for path in result["ds"]:
        out().print(f"Song: {path}", style="bold")
