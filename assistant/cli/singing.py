"""``singwiz render``, ``predict``, ``score`` and ``vocode``: everything a finished voice does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, out, print_json
from .places import ConfigFile, Experiment, load_own_config, open_project
from .work import Device

if TYPE_CHECKING:
    from ...core.reporting import Reporter

SONG_SUFFIXES = (".ds", ".musicxml", ".xml", ".mxl", ".mid", ".midi", ".kar", ".ust", ".ustx")

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PROJECT] [SONG…]",
        help="Project and songs: .ds, .musicxml, .mid, .ust, .ustx, or a folder of them. Without "
        "a project, name experiments.",
    ),
]
Variance = Annotated[
    list[str] | None,
    typer.Option(
        "--variance",
        metavar="NAME",
        help="Experiment of a variance model; several run in this order. Default: the project's.",
    ),
]
Predict = Annotated[
    list[str] | None,
    typer.Option(
        "--predict",
        metavar="TAG",
        help="Predict dur, pitch, energy, breathiness, voicing or tension anew (repeatable).",
    ),
]
Retake = Annotated[
    list[str] | None,
    typer.Option(
        "--retake", metavar="TAG:FROM-TO", help="Predict these seconds anew, e.g. pitch:12-14.5."
    ),
]
Speaker = Annotated[
    str,
    typer.Option("--speaker", "--spk", metavar="NAME", help="Singer, or a mix: anna:0.3|ben:0.7"),
]
Language = Annotated[str, typer.Option("--language", "--lang", metavar="TAG")]
Key = Annotated[float, typer.Option("--key", help="Semitones to transpose by.")]
Expr = Annotated[
    float | None,
    typer.Option("--expr", min=0.0, max=1.0, help="How lively a predicted pitch is, 0 to 1."),
]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, help="Sampling steps; default: the config's.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same song; default: random.")]
Num = Annotated[int, typer.Option("--num", min=1, metavar="N", help="How often each song.")]
Title = Annotated[str, typer.Option("--title", help="Name of the files; default: the song's.")]
Checkpoint = Annotated[
    int | None, typer.Option("--ckpt", min=0, metavar="STEPS", help="Default: the newest.")
]
Part = Annotated[
    str,
    typer.Option("--part", metavar="NAME", help="Of a score: part or track, by name or number."),
]
Lyrics = Annotated[
    str,
    typer.Option(
        "--lyrics",
        metavar="TEXT",
        help="For a score: one syllable per note, or a .txt file with them.",
    ),
]
DictionaryName = Annotated[
    str, typer.Option("--dictionary", metavar="NAME|FILE", help="For the lyrics of scores.")
]
Vowels = Annotated[
    str,
    typer.Option("--vowels", metavar="'A B'", help="Of scores: vowels the dictionary hides."),
]
Consonants = Annotated[
    str, typer.Option("--consonants", metavar="'K S'", help="Of scores: consonants likewise.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(render)
    app.command()(predict)
    app.command()(score)
    app.command()(vocode)
    # The names that DiffSinger's scripts have for the same work.
    infer = typer.Typer(help="As DiffSinger calls render and predict.", no_args_is_help=True)
    infer.command("acoustic")(render)
    infer.command("variance")(predict)
    app.add_typer(infer, name="infer", hidden=True)


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
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Sing songs or a recording's labels, and write WAV and spectrogram.

    What a song lacks – durations, pitch, curves – is predicted by variance models.
    """
    from .foreground import run_call, run_here

    project, songs = _project_and_songs(paths or [], item=item)
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
        "output": _absolute(output),
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
        "ds_out": _absolute(ds_out),
        **_score_params(part, lyrics, dictionary, vowels, consonants),
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

    project, songs = _project_and_songs(paths or [])
    if project is None and not variance:
        raise SingwizError(
            "who-predicts",
            "Name who predicts: a project folder, or an experiment with --exp.",
            hint="For example: singwiz predict my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    params: dict[str, Any] = {
        "song": songs,
        "output": _absolute(output),
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
        **_score_params(part, lyrics, dictionary, vowels, consonants),
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

    project, songs = _project_and_songs(paths or [])
    opened = open_project(project) if project is not None else None
    params: dict[str, Any] = {
        "song": songs,
        "output": _absolute(output),
        "language": language,
        **_score_params(part, lyrics, dictionary, vowels, consonants),
    }
    result = run_call(lambda reporter: score_to_ds(params, project=opened, reporter=reporter))
    if as_json:
        print_json(result)
        return
    for path in result["ds"]:
        out().print(f"Song: {path}", style="bold")


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
            mels, config=loaded, output=target, device=device, reporter=reporter
        )
    )
    if as_json:
        print_json(result)
        return
    out().print(f"Sound: {result['wav']}", style="bold")


def _vocoder_config(project: Path | None, experiment: str, config: Path | None) -> Any:
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


def _project_and_songs(paths: list[Path], *, item: str = "") -> tuple[Path | None, list[str]]:
    """Which of the arguments is the project, and which the songs and folders of songs."""
    projects: list[Path] = []
    songs: list[Path] = []
    for path in (path.expanduser().absolute() for path in paths):
        (songs if _is_song(path) or _holds_songs(path) else projects).append(path)
    if bool(songs) == bool(item) or len(projects) > 1:
        raise SingwizError(
            "what-to-sing",
            "Name what to sing: songs, or a recording with --item.",
            hint="For example: singwiz render my-voice song.ds; songs end in one of "
            f"{' '.join(SONG_SUFFIXES)}.",
            exit_code=USAGE_PROBLEM,
        )
    return (projects[0] if projects else None), [str(song) for song in songs]


def _is_song(path: Path) -> bool:
    return path.suffix.lower() in SONG_SUFFIXES


def _holds_songs(path: Path) -> bool:
    from ...core.project import FILE_NAME

    if not path.is_dir() or (path / FILE_NAME).exists():
        return False
    return any(map(_is_song, path.iterdir()))


def _absolute(path: Path | None) -> str | None:
    return str(path.expanduser().absolute()) if path else None


def _score_params(
    part: str, lyrics: str, dictionary: str, vowels: str, consonants: str
) -> dict[str, str]:
    from .places import dictionary_path

    return {
        "part": part,
        "lyrics": lyrics,
        "dictionary": dictionary_path(dictionary) if dictionary else "",
        "vowels": vowels,
        "consonants": consonants,
    }
