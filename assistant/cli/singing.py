"""``singwiz render`` and ``vocode``: from songs, or from mels, to sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, out, print_json
from .places import ConfigFile, Experiment, load_own_config, open_project
from .song_options import (
    AnyMel,
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
    TrustVocoder,
    Variance,
    VocoderFile,
    Vowels,
    absolute,
    project_and_songs,
    score_params,
    vocoder_params,
)
from .work import Device

if TYPE_CHECKING:
    from ...core.config import Config
    from ...core.reporting import Reporter


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(render)
    app.command()(vocode)


def render(
    paths: Paths = None,
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
        Path | None,
        typer.Option("-o", "--output", "--out", metavar="OUT", help="File or folder to write."),
    ] = None,
    experiment: Experiment = "",
    ckpt: Checkpoint = None,
    variance: Variance = None,
    no_variance: Annotated[
        bool, typer.Option("--no-variance", help="Sing only what the song itself has.")
    ] = False,
    predict: Predict = None,
    retake: Retake = None,
    expr: Expr = None,
    speaker: Speaker = "",
    language: Language = "",
    key: Key = 0.0,
    gender: Annotated[
        float | None, typer.Option("--gender", min=-1.0, max=1.0, help="-1 to 1; needs key shift.")
    ] = None,
    steps: Steps = None,
    depth: Annotated[
        float | None,
        typer.Option("--depth", min=0.0, max=1.0, help="How much the diffusion may change."),
    ] = None,
    seed: Seed = None,
    num: Num = 1,
    title: Title = "",
    mel: Annotated[
        bool, typer.Option("--mel", help="Write mels (.mel.pt) for 'singwiz vocode', no sound.")
    ] = False,
    ds_out: Annotated[
        Path | None,
        typer.Option("--ds-out", metavar="OUT.ds", help="Also write the song with predictions."),
    ] = None,
    part: Part = "",
    lyrics: Lyrics = "",
    dictionary: DictionaryName = "",
    vowels: Vowels = "",
    consonants: Consonants = "",
    vocoder: VocoderFile = "",
    trust_vocoder: TrustVocoder = False,
    any_mel: AnyMel = False,
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Sing songs or a recording's labels, and write WAV and spectrogram.

    What a song lacks – durations, pitch, curves – is predicted by variance models.
    """
    from .foreground import run_call, run_here

    project, songs = project_and_songs(paths or [], item=item)
    if project is None and not experiment:
        raise SingwizError(
            "who-sings",
            "Name who sings: a project folder, or an experiment with --exp.",
            hint="For example: singwiz render my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    params: dict[str, Any] = {
        "song": songs or None,
        "item": item,
        "dataset": dataset,
        "output": absolute(output),
        "experiment": experiment,
        "ckpt": ckpt,
        "variance": [] if no_variance else variance or None,
        "predict": predict,
        "retakes": retake,
        "expr": expr,
        "speaker": speaker,
        "language": language,
        "key": key,
        "gender": gender,
        "steps": steps,
        "depth": depth,
        "seed": seed,
        "num": num,
        "title": title,
        "mel": mel,
        "ds_out": absolute(ds_out),
        **score_params(part, lyrics, dictionary, vowels, consonants),
        **vocoder_params(vocoder, trust_vocoder, any_mel),
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
        return
    for one in (result, *result.get("more", ())):
        show_rendered(one)


def _render_alone(
    params: dict[str, Any], config: Path | None, reporter: Reporter
) -> dict[str, Any]:
    from ...core.jobs.experiments import find_experiment
    from ...core.jobs.rendering import render_experiment

    return render_experiment(
        find_experiment(Path.cwd() / "checkpoints", params["experiment"]),
        params,
        output_dir=Path.cwd(),
        config=load_own_config(config) if config else None,
        reporter=reporter,
    )


def show_rendered(result: dict[str, Any]) -> None:
    """Where the sound is, what was predicted, and how it compares with a recording."""
    console = out()
    if result["predicted"]:
        console.print(f"Predicted: {', '.join(result['predicted'])}")
    if result.get("ds"):
        console.print(f"Song:        {result['ds']}")
    if "mel" in result:
        console.print(f"Mels:        {result['mel']}", style="bold")
        return
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


def vocode(
    mels: Annotated[Path, typer.Argument(metavar="FILE.mel.pt", help="Made with render --mel.")],
    project: Annotated[
        Path | None, typer.Option("--project", metavar="PROJECT", help="Whose vocoder is used.")
    ] = None,
    experiment: Experiment = "",
    config: ConfigFile = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", "--out", metavar="OUT.wav", help="Default: beside it."),
    ] = None,
    vocoder: VocoderFile = "",
    trust_vocoder: TrustVocoder = False,
    any_mel: AnyMel = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Turn mels into sound with the vocoder of a voice."""
    from ...core.jobs.predicting import vocode_mels
    from .foreground import run_call

    stem = mels.name.removesuffix(mels.suffix).removesuffix(".mel")
    target = (output or mels.with_name(f"{stem}.wav")).expanduser().absolute()
    if target.is_dir():
        target /= f"{stem}.wav"
    loaded = _vocoder_config(project, experiment, config)
    result = run_call(
        lambda reporter: vocode_mels(
            mels,
            config=loaded,
            output=target,
            device=device,
            params=vocoder_params(vocoder, trust_vocoder, any_mel),
            reporter=reporter,
        )
    )
    if as_json:
        print_json(result)
        return
    out().print(f"Sound: {result['wav']}", style="bold")


def _vocoder_config(project: Path | None, experiment: str, config: Path | None) -> Config:
    from ...core.jobs.experiments import find_experiment
    from ...core.project import Project
    from ...core.synthesis.experiment import read_experiment

    if config is not None:
        return load_own_config(config)
    if project is None and not experiment:
        raise SingwizError(
            "who-sings",
            "Name whose vocoder is to be used: --project, --exp or --config.",
            hint="For example: singwiz vocode song.mel.pt --exp my-voice",
            exit_code=USAGE_PROBLEM,
        )
    checkpoints = Path.cwd() / "checkpoints"
    if project is not None:
        opened = Project.open(project)
        checkpoints = opened.checkpoints_dir
        experiment = experiment or opened.model_choice("acoustic").experiment or "acoustic"
    return read_experiment(find_experiment(checkpoints, experiment)).config
