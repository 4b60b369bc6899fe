"""``singwiz binarize``, ``train`` and ``render``: the long work, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from ...core.reporting import Reporter

Device = Annotated[
    str,
    typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps; auto takes the best there is."),
]

TrustVocoder = Annotated[
    bool,
    typer.Option(
        "--trust-vocoder", help="Run the program in a DDSP vocoder; only if you know who made it."
    ),
]


def vocoder_path(name: str) -> str:
    """A vocoder from the command line: ``preview``, or a path made absolute."""
    return name if name in ("", "preview") else str(Path(name).expanduser().absolute())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(binarize)
    app.command()(train)
    app.command()(render)


def binarize(
    project: ProjectOrNone = None,
    model: Model = "acoustic",
    workers: Workers = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Prepare the recordings for training: mel, pitch and labels in one binary dataset."""
    from .foreground import run_call, run_here

    opened = open_project(project, config=config)
    if opened is not None:
        result = run_here(opened, "binarize", {"model": model, "workers": workers})
    else:
        from ...core.jobs.stages import binarize_config

        assert config is not None
        loaded = load_own_config(config)
        result = run_call(
            lambda reporter: binarize_config(
                loaded, workers=workers, base_dir=Path.cwd(), reporter=reporter
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
    }
    opened = open_project(project, config=config)
    if opened is not None:
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
        console.print(f"  {name}: {value if value is None else f'{value:.5g}'}")
    console.print(f"  checkpoint: {result['checkpoint']}")


def render(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PROJECT] [SONG.ds]",
            help="Project and song; without a project, name the experiment with --exp.",
        ),
    ] = None,
    item: Annotated[
        str,
        typer.Option(
            "--item", metavar="NAME", help="Sing a recording of the dataset and compare with it."
        ),
    ] = "",
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="NAME", help="Where --item is, if several have it."),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.wav", help="The file to write.")
    ] = None,
    experiment: Experiment = "",
    ckpt: Annotated[
        int | None, typer.Option("--ckpt", min=0, metavar="STEPS", help="Default: the newest.")
    ] = None,
    speaker: Annotated[
        str, typer.Option("--speaker", metavar="NAME", help="Singer, or a mix: anna:0.3|ben:0.7")
    ] = "",
    language: Annotated[str, typer.Option("--language", metavar="TAG")] = "",
    key: Annotated[float, typer.Option("--key", help="Semitones to transpose by.")] = 0.0,
    gender: Annotated[
        float, typer.Option("--gender", min=-1.0, max=1.0, help="-1 to 1; needs key shift.")
    ] = 0.0,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Sampling steps; default: the config's.")
    ] = None,
    depth: Annotated[
        float | None,
        typer.Option("--depth", min=0.0, max=1.0, help="How much the diffusion may change."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Same seed, same song; default: random.")
    ] = None,
    vocoder: Annotated[
        str,
        typer.Option(
            "--vocoder", metavar="FILE", help="Instead of the voice's: a file, or 'preview'."
        ),
    ] = "",
    trust_vocoder: TrustVocoder = False,
    any_mel: Annotated[
        bool,
        typer.Option("--any-mel", help="Use a vocoder that was made for other spectrograms."),
    ] = False,
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Sing a song (a DS file) or a recording's labels, and write WAV and spectrogram."""
    from .foreground import run_call, run_here

    project, song = _project_and_song(paths or [], item=item, experiment=experiment)
    params: dict[str, Any] = {
        "song": str(song.expanduser().absolute()) if song else None,
        "item": item,
        "dataset": dataset,
        "output": str(output.expanduser().absolute()) if output else None,
        "experiment": experiment,
        "ckpt": ckpt,
        "speaker": speaker,
        "language": language,
        "key": key,
        "gender": gender,
        "steps": steps,
        "depth": depth,
        "seed": seed,
        "vocoder": vocoder_path(vocoder),
        "trust_vocoder": trust_vocoder,
        "any_mel": any_mel,
        "device": device,
    }
    if project is not None:
        opened = open_project(project, config=config)
        assert opened is not None
        result = run_here(opened, "render", params)
    else:
        result = run_call(lambda reporter: _render_alone(params, config, reporter))
    if as_json:
        print_json(result)
    else:
        show_rendered(result)


def _project_and_song(
    paths: list[Path], *, item: str, experiment: str
) -> tuple[Path | None, Path | None]:
    """Which of the arguments is the project, and which the song."""
    songs = [path for path in paths if path.suffix.lower() == ".ds"]
    others = [path for path in paths if path.suffix.lower() != ".ds"]
    if len(songs) + bool(item) != 1 or len(others) > 1:
        raise SingwizError(
            "what-to-sing",
            "Name one thing to sing: a .ds file, or a recording with --item.",
            hint="For example: singwiz render my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    if not others and not experiment:
        raise SingwizError(
            "who-sings",
            "Name who sings: a project folder, or an experiment with --exp.",
            hint="For example: singwiz render my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    return (others[0] if others else None), (songs[0] if songs else None)


def _render_alone(
    params: dict[str, Any], config: Path | None, reporter: Reporter
) -> dict[str, Any]:
    from ...core.jobs.rendering import find_experiment, render_experiment

    return render_experiment(
        find_experiment(Path.cwd() / "checkpoints", params["experiment"]),
        params,
        output_dir=Path.cwd(),
        config=load_own_config(config) if config else None,
        reporter=reporter,
    )


def show_rendered(result: dict[str, Any]) -> None:
    """Where the sound is, and how it compares with a recording."""
    console = out()
    console.print(
        f"{duration(result['seconds'])} of singing in {duration(result['timings']['total'])} "
        f"(real-time factor {result['rtf']:.2f})"
    )
    if result["preview"]:
        console.print(
            "This is the preview vocoder: judge words, pitch and timing by it, not the sound.",
            style="yellow",
        )
    for name, value in (result.get("figures") or {}).items():
        console.print(f"  {name}: {value if not isinstance(value, float) else f'{value:.4g}'}")
    if result.get("recording"):
        console.print(f"Recording:   {result['recording']}")
    console.print(f"Spectrogram: {result['spectrogram']}")
    console.print(f"Sound:       {result['wav']}", style="bold")
