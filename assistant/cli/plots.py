"""``singwiz plot``: statistics of the recordings, or one recording, as pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, out, print_json
from .places import ConfigFile, ProjectOrNone, Workers, load_own_config, open_project


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plot)


def plot(
    project: ProjectOrNone = None,
    item: Annotated[
        str | None,
        typer.Argument(
            metavar="[ITEM]", help="One recording, to look at and hear; default: all, counted."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Default: datasets/.profile in the project."
        ),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="Where ITEM is, if several have it."),
    ] = "",
    start: Annotated[
        float, typer.Option("--start", min=0.0, metavar="SECONDS", help="Of ITEM: show from here.")
    ] = 0.0,
    end: Annotated[
        float | None, typer.Option("--end", min=0.0, metavar="SECONDS", help="To here.")
    ] = None,
    workers: Workers = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Draw what is in the recordings: phonemes, pitch, lengths, loudness, and the gaps."""
    if item is None and (dataset or start or end is not None):
        raise SingwizError(
            "item-missing",
            "--dataset, --start and --end belong to one recording.",
            hint="Name it after the project: singwiz plot PROJECT ITEM --start 1.5 --end 3",
            exit_code=USAGE_PROBLEM,
        )
    if project is not None and config is not None and item is None:
        # With --config the only name is that of the recording.
        project, item = None, str(project)
    if item is None:
        result = _statistics(project, config, output, workers)
        profile = json.loads(Path(result["profile"]).read_text(encoding="utf-8"))
        if as_json:
            print_json({**result, "profile": profile, "file": result["profile"]})
        else:
            show_profile(profile)
            for picture in result["pictures"]:
                out().print(f"Picture: {picture}")
        return
    result = _recording(
        project, config, output, {"item": item, "dataset": dataset, "start": start, "end": end}
    )
    if as_json:
        print_json(result)
    else:
        out().print(f"Picture: {result['picture']}")
        out().print(f"Sound:   {result['wav']}")


def _statistics(
    project: Path | None, config: Path | None, output: Path | None, workers: int | None
) -> dict[str, Any]:
    from .foreground import run_call, run_here

    opened = open_project(project, config=config)
    if opened is not None:
        folder = str(output.expanduser().absolute()) if output else None
        return run_here(opened, "profile", {"workers": workers, "output": folder})
    from ...core.jobs.picturing import profile_recordings
    from ...core.jobs.stages import config_datasets

    assert config is not None
    datasets = config_datasets(load_own_config(config))
    target = (output or Path("plots")).expanduser().absolute()
    return run_call(
        lambda reporter: profile_recordings(datasets, target, workers=workers, reporter=reporter)
    )


def _recording(
    project: Path | None, config: Path | None, output: Path | None, wanted: dict[str, Any]
) -> dict[str, Any]:
    from .foreground import run_call, run_here

    opened = open_project(project, config=config)
    if opened is not None:
        folder = str(output.expanduser().absolute()) if output else None
        return run_here(opened, "picture", {**wanted, "output": folder})
    from ...core.jobs.picturing import picture_recording
    from ...core.jobs.stages import config_datasets

    assert config is not None
    datasets = config_datasets(load_own_config(config))
    target = (output or Path("plots")).expanduser().absolute()
    return run_call(lambda reporter: picture_recording(datasets, wanted, target, reporter=reporter))


def show_profile(profile: Mapping[str, Any]) -> None:
    """The most telling numbers of every dataset."""
    from ...core.dataset.note_names import note_name

    console = out()
    for one in profile["datasets"]:
        console.print(
            f"{one['name']}: {len(one['recordings'])} recordings, {duration(one['seconds'])}, "
            f"{duration(one['sung'])} of it sung",
            style="bold",
        )
        if one["lowest"] is not None:
            low, middle, high = (
                note_name(round(one[name])) for name in ("lowest", "median", "highest")
            )
            console.print(f"  pitch: {low} to {high}, middle {middle}")
        levels = sorted(recording["loudness"] for recording in one["recordings"])
        if levels:
            console.print(
                f"  loudness: {levels[0]:.0f} to {levels[-1]:.0f} dB, "
                f"middle {levels[len(levels) // 2]:.0f} dB"
            )
        rarest = sorted(one["phonemes"].items(), key=lambda pair: pair[1]["count"])[:8]
        if rarest:
            listed = ", ".join(f"{symbol} ×{facts['count']}" for symbol, facts in rarest)
            console.print(f"  {len(one['phonemes'])} phonemes, rarest: {listed}")
        if one["unreadable"]:
            console.print(
                f"  could not be read: {', '.join(one['unreadable'][:8])}"
                + (f" and {len(one['unreadable']) - 8} more" if len(one["unreadable"]) > 8 else ""),
                style="yellow",
            )
