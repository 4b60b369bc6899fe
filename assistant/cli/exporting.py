"""``singwiz export`` and ``singwiz voicebank …``: out of the house, and listening to what left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...core.errors import INPUT_PROBLEM
from .output import Json, duration, err, out, print_json, show_table
from .places import Experiment
from .song_options import Checkpoint, Language, Lyrics, Part, Speaker, absolute

app = typer.Typer(help="Exported voicebanks: check them, sing with them.", no_args_is_help=True)

Target = Literal["openutau", "onnx", "diffsinger"]
_MODEL_HELP = "its experiment; 'none' = without. Default: the project's."


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.command()(export)
    parent.add_typer(app, name="voicebank")


def export(
    project: Annotated[
        Path | None, typer.Argument(metavar="[PROJECT]", help="Project folder, unless --exp.")
    ] = None,
    to: Annotated[
        Target,
        typer.Option(
            "--to",
            help="openutau: a voicebank folder. onnx: the graphs as DiffSinger's exporter writes "
            "them. diffsinger: checkpoints for openvpi/DiffSinger and DiffTrainer.",
        ),
    ] = "openutau",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", "--out", metavar="DIR", help="Where to put it."),
    ] = None,
    experiment: Experiment = "",
    acoustic: Annotated[
        str, typer.Option("--acoustic", metavar="NAME", help=f"What sings: {_MODEL_HELP}")
    ] = "",
    duration_model: Annotated[
        str, typer.Option("--duration", metavar="NAME", help=f"Durations: {_MODEL_HELP}")
    ] = "",
    pitch: Annotated[
        str, typer.Option("--pitch", metavar="NAME", help=f"Pitch: {_MODEL_HELP}")
    ] = "",
    variance: Annotated[
        str, typer.Option("--variance", metavar="NAME", help=f"Curves: {_MODEL_HELP}")
    ] = "",
    vocoder: Annotated[
        str,
        typer.Option(
            "--vocoder",
            metavar="FILE|none|PACKAGE",
            help="To take along: a checkpoint, or an OpenUTAU vocoder's folder. 'none' takes none "
            "along; another word names the package that people have to install.",
        ),
    ] = "",
    ckpt: Checkpoint = None,
    name: Annotated[
        str, typer.Option("--name", help="Of the singer (or of an ONNX vocoder).")
    ] = "",
    author: Annotated[str, typer.Option("--author", help="Who made the voicebank.")] = "",
    voice: Annotated[str, typer.Option("--voice", help="Who sang.")] = "",
    web: Annotated[str, typer.Option("--web", help="Address of a page about the voice.")] = "",
    bank_version: Annotated[str, typer.Option("--bank-version", help="Of the voicebank.")] = "",
    image: Annotated[
        Path | None, typer.Option("--image", metavar="FILE", help="Picture of the singer.")
    ] = None,
    licence: Annotated[
        str,
        typer.Option("--license", metavar="TEXT|FILE.txt", help="Terms of use of the voice."),
    ] = "",
    phonemizer: Annotated[
        str,
        typer.Option("--phonemizer", metavar="CLASS", help="OpenUTAU's default for this voice."),
    ] = "",
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="PHONEME=TYPE", help="Correct the type of a phoneme."),
    ] = None,
    archive: Annotated[bool, typer.Option("--zip", help="Also pack it for OpenUTAU.")] = False,
    export_spk: Annotated[
        list[str] | None,
        typer.Option(
            "--export-spk",
            metavar="NAME|ALIAS=MIX",
            help="A singer or a mix to offer (repeatable): anna, or duo=anna:0.3|ben:0.7",
        ),
    ] = None,
    freeze_spk: Annotated[
        str, typer.Option("--freeze-spk", metavar="NAME|ALIAS=MIX", help="The only singer.")
    ] = "",
    freeze_gender: Annotated[
        float | None, typer.Option("--freeze-gender", min=-1.0, max=1.0, help="Fix the gender.")
    ] = None,
    freeze_velocity: Annotated[
        bool, typer.Option("--freeze-velocity", help="Fix the speed of consonants.")
    ] = False,
    freeze_expr: Annotated[
        bool, typer.Option("--freeze-expr", help="Fix full expressiveness of predicted pitch.")
    ] = False,
    freeze_glide: Annotated[
        bool, typer.Option("--freeze-glide", help="No glides (always so for OpenUTAU).")
    ] = False,
    weights_only: Annotated[
        bool,
        typer.Option("--weights-only", help="diffsinger: without what going on training needs."),
    ] = False,
    consent: Annotated[
        bool,
        typer.Option("--consent", help="The singers agree to this voice; a project knows it."),
    ] = False,
    allow_incomplete: Annotated[
        bool,
        typer.Option("--allow-incomplete", help="Export without models that OpenUTAU needs."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Keep a voicebank that does not pass its checks.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Export the voice: for OpenUTAU, as ONNX graphs, or as checkpoints for DiffSinger."""
    from .foreground import run_call, run_here

    params: dict[str, Any] = {
        "to": to,
        "output": absolute(output),
        "experiment": experiment,
        "acoustic": acoustic,
        "duration": duration_model,
        "pitch": pitch,
        "variance": variance,
        "vocoder": _vocoder(vocoder),
        "ckpt": ckpt,
        "name": name,
        "author": author,
        "voice": voice,
        "web": web,
        "version": bank_version,
        "image": absolute(image),
        "license": _text_or_file(licence),
        "phonemizer": phonemizer,
        "types": types,
        "zip": archive,
        "export_spk": export_spk,
        "freeze_spk": freeze_spk,
        "freeze_gender": freeze_gender,
        "freeze_velocity": freeze_velocity,
        "freeze_expr": freeze_expr,
        "freeze_glide": freeze_glide,
        "weights_only": weights_only,
        "consent": consent,
        "allow_incomplete": allow_incomplete,
        "force": force,
    }
    if project is not None:
        from .places import open_project

        opened = open_project(project)
        assert opened is not None
        result = run_here(opened, "export", params)
    else:
        from ...core.jobs.exporting import export_experiments

        result = run_call(lambda reporter: export_experiments(params, reporter))
    if as_json:
        print_json(result)
    elif "report" in result:
        show_bank(result)
    else:
        show_plain(result)


def _vocoder(name: str) -> str:
    """A vocoder that exists as an absolute path, anything else as it is."""
    path = Path(name).expanduser()
    return str(path.absolute()) if name and path.exists() else name


def _text_or_file(text: str) -> str:
    path = Path(text).expanduser()
    return str(path.absolute()) if text.lower().endswith((".txt", ".md")) else text


def show_bank(result: dict[str, Any]) -> None:
    """What lies where, how exact it is, and what was checked."""
    console = out()
    worst = max(result["errors"].values(), default=0.0)
    console.print(
        f"{len(result['errors'])} outputs compared with torch, largest difference {worst:.1e}"
    )
    show_report(result["report"])
    guessed = result["guessed_types"]
    if guessed:
        shown = ", ".join(f"{name}={kind}" for name, kind in list(guessed.items())[:12])
        more = f" and {len(guessed) - 12} more" if len(guessed) > 12 else ""
        console.print(
            f"Doubtful types of phonemes: {shown}{more}. Wrong vowels shift notes: look at "
            f"{result['types_file']} and export again.",
            style="yellow",
        )
    size = result["bytes"] / 2**20
    console.print(f"Report:    {result['report_file']}")
    console.print(f"Voicebank: {result['folder']} ({size:.1f} MB)", style="bold")
    if result["archive"]:
        console.print(f"Zip:       {result['archive']}", style="bold")


def show_report(report: dict[str, Any]) -> None:
    """Errors, warnings and test songs of a voicebank."""
    console = out()
    for remark in report["remarks"]:
        style = "red" if remark["severity"] == "error" else "yellow"
        console.print(f"{remark['severity']}[{remark['code']}]", style=style, end=" ")
        console.print(f"{remark['where']}: {remark['message']}")
        if remark["hint"]:
            console.print(f"  {remark['hint']}", style="dim")
    if report["renders"]:
        rows = [
            (one["speaker"] or "-", one["language"] or "-", f"{one['seconds']:.1f} s",
             "sound" if one["sound"] else "spectrogram only", " ".join(one["lyrics"]))
            for one in report["renders"]
        ]  # fmt: skip
        show_table(("Sung by", "Language", "Length", "Checked", "Words"), rows)
    errors = sum(remark["severity"] == "error" for remark in report["remarks"])
    if errors:
        console.print(f"{errors} errors: OpenUTAU would fail.", style="bold red")
    else:
        console.print("The voicebank passes.", style="bold green")


def show_plain(result: dict[str, Any]) -> None:
    """What was written for each experiment."""
    console = out()
    for one in [*result["exports"], *([result["vocoder"]] if "vocoder" in result else [])]:
        for name, error in one.get("errors", {}).items():
            console.print(f"  {name}: differs from torch by {error:.1e}")
        console.print(f"{one['folder']}: {', '.join(one['files'])}", style="bold")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with character.txt.")],
    packages: Annotated[
        Path | None,
        typer.Option(
            "--packages", metavar="DIR", help="OpenUTAU's folder 'Dependencies' with vocoders."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a voicebank, anybody's, and let every singer sing a little in every language."""
    from ...core.jobs.exporting import check_voicebank
    from .foreground import run_call

    result = run_call(
        lambda reporter: check_voicebank(
            folder.expanduser().absolute(), packages=packages, reporter=reporter
        )
    )
    if as_json:
        print_json(result)
    else:
        show_report(result)
    if not result["passed"]:
        raise typer.Exit(INPUT_PROBLEM)


@app.command()
def sing(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with character.txt.")],
    song: Annotated[Path, typer.Argument(metavar="SONG", help=".ustx, .ust, .mid or .musicxml")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", "--out", metavar="OUT.wav", help="Default: beside SONG."),
    ] = None,
    speaker: Speaker = "",
    language: Language = "",
    part: Part = "",
    lyrics: Lyrics = "",
    flat: Annotated[
        bool, typer.Option("--flat", help="Sing the notes without predicted pitch.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Sampling steps; default: OpenUTAU's.")
    ] = None,
    packages: Annotated[
        Path | None,
        typer.Option(
            "--packages", metavar="DIR", help="OpenUTAU's folder 'Dependencies' with vocoders."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sing a song with a voicebank, the way OpenUTAU renders it."""
    from ...core.jobs.exporting import sing_voicebank
    from .foreground import run_call

    target = (output or song.with_suffix(".wav")).expanduser().absolute()
    if target.is_dir():
        target /= f"{song.stem}.wav"
    params = {
        "speaker": speaker,
        "language": language,
        "part": part,
        "lyrics": lyrics,
        "flat": flat,
        "steps": steps,
        "packages": absolute(packages),
    }
    result = run_call(
        lambda reporter: sing_voicebank(
            folder.expanduser().absolute(), song, params, output=target, reporter=reporter
        )
    )
    if as_json:
        print_json(result)
        return
    stages = ", ".join(f"{stage} {duration(s)}" for stage, s in result["timings"].items())
    err().print(stages, style="dim")
    out().print(f"{duration(result['seconds'])} of singing, real-time factor {result['rtf']:.2f}")
    out().print(f"Sound: {result['wav']}", style="bold")
