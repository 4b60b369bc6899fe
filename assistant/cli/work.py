"""``singwiz binarize`` and ``train``: the long work, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...core.errors import INTERRUPTED, USAGE_PROBLEM, SingwizError
from .output import Json, duration, out, print_json
from .places import (
    ConfigFile,
    Experiment,
    Model,
    ProjectOrNone,
    Workers,
    experiment_of,
    load_own_config,
    open_project,
)

Device = Annotated[
    str,
    typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps; auto takes the best there is."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(binarize)
    app.command()(train)


def binarize(
    project: ProjectOrNone = None,
    model: Model = "acoustic",
    workers: Workers = None,
    engine: Annotated[
        Literal["local", "dask"],
        typer.Option("--engine", help="Processes of this machine, or a Dask cluster."),
    ] = "local",
    address: Annotated[
        str,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Scheduler of the Dask cluster; without it a cluster is started here.",
        ),
    ] = "",
    max_failed: Annotated[
        int,
        typer.Option("--max-failed", min=0, help="Broken recordings to do without."),
    ] = 0,
    pickled: Annotated[
        bool,
        typer.Option("--pickled-meta", help="Write train.meta and valid.meta for DiffSinger, too."),
    ] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Prepare the recordings for training: mel, pitch and labels in one binary dataset."""
    from .foreground import run_call, run_here

    if address and engine != "dask":
        raise SingwizError(
            "address-without-dask",
            "--address names the scheduler of a Dask cluster, but no cluster is asked for.",
            hint="Add --engine dask.",
            exit_code=USAGE_PROBLEM,
        )
    options: dict[str, Any] = {
        "workers": workers,
        "engine": engine,
        "address": address,
        "max_failed": max_failed,
        "pickled_meta": pickled,
    }
    opened = open_project(project, config=config)
    if opened is not None:
        result = run_here(opened, "binarize", {"model": model, **options})
    else:
        from ...core.jobs.stages import binarize_config

        assert config is not None
        loaded = load_own_config(config)
        result = run_call(
            lambda reporter: binarize_config(
                loaded, options, base_dir=Path.cwd(), reporter=reporter
            )
        )
    if as_json:
        print_json(result)
        return
    show_prepared(result)
    if opened is not None:
        out().print(f"Next: singwiz train '{project}' --model {model}")


def show_prepared(result: dict[str, Any]) -> None:
    """Counts and losses of a binarization."""
    console = out()
    counts = ", ".join(f"{count} {split}" for split, count in result["counts"].items())
    console.print(f"Prepared: {counts} ({duration(result['wall_seconds'])})", style="bold")
    for speaker, seconds in result["seconds"].items():
        console.print(f"  {speaker}: {duration(seconds)}")
    for skipped in result["skipped"]:
        console.print(f"  left out: {skipped['item']}: {skipped['reason']}", style="yellow")


def train(
    project: ProjectOrNone = None,
    model: Model = "acoustic",
    experiment: Experiment = "",
    max_steps: Annotated[
        int | None,
        typer.Option("--max-steps", min=1, metavar="N", help="Stop at this optimizer step."),
    ] = None,
    device: Device = "auto",
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, data order and noise.")
    ] = None,
    retry_smaller: Annotated[
        bool,
        typer.Option(
            "--retry-smaller", help="If memory runs out, go on with batches half as large."
        ),
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Let torch compile the network; pays on recent GPUs."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and stop.")
    ] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Train, or go on from the last checkpoint. Ctrl-C saves one and stops."""
    from .foreground import run_call, run_here

    params = {
        "model": model,
        "experiment": experiment,
        "max_steps": max_steps,
        "device": device,
        "seed": seed,
        "retry_smaller": retry_smaller,
        "compile": compiled,
        "dry_run": dry_run,
    }
    opened = open_project(project, config=config)
    if opened is not None and dry_run:
        from ...core.jobs.stages import run_stage

        result = run_call(lambda reporter: run_stage("train", opened, params, reporter))
    elif opened is not None:
        result = run_here(opened, "train", params)
    else:
        from ...core.jobs.stages import train_config

        assert config is not None
        work_dir = experiment_of(config, experiment)
        loaded = load_own_config(config)
        result = run_call(
            lambda reporter: train_config(
                loaded, work_dir=work_dir, params=params, reporter=reporter
            )
        )
    if dry_run:
        if as_json:
            print_json(result)
        return
    stopped = bool(result["stopped_early"])
    if as_json:
        print_json(result)
    else:
        show_trained(result)
        if stopped:
            out().print("Stopped; the same command goes on from here.")
        elif opened is not None and model == "vocoder":
            folder = Path(result["checkpoint"]).parent / "exported"
            best = next(f for f in (folder / "best", folder / "last") if f.is_dir())
            out().print(f"Next: singwiz config set '{project}' vocoder_ckpt='{best}/model.ckpt'")
        elif opened is not None:
            out().print(f"Next: singwiz render '{project}' SONG.ds")
    if stopped:
        raise typer.Exit(INTERRUPTED)


def show_trained(result: dict[str, Any]) -> None:
    """Where training stands."""
    console = out()
    console.print(
        f"Trained to step {result['steps']} in {duration(result['seconds'])}", style="bold"
    )
    for name, value in sorted(result["metrics"].items()):
        if not name.startswith("metrics/"):
            console.print(f"  {name}: {value if value is None else f'{value:.5g}'}")
    for line in result["table"]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"  checkpoint: {result['checkpoint']}")
    best = result["best"]
    if best:
        console.print(f"  best: step {best['step']}, {best['why']}")
