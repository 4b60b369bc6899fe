"""``singwiz vocoder …``: hear vocoders side by side, export one's own, trust programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, out, print_json, show_table
from .places import Experiment, ProjectFolder
from .song_options import TrustVocoder, vocoder_path
from .work import Device

if TYPE_CHECKING:
    from typing import Any

app = typer.Typer(help="Vocoders: what turns spectrograms into sound.", no_args_is_help=True)


@app.command()
def compare(
    project: ProjectFolder,
    item: Annotated[
        str, typer.Argument(metavar="[ITEM]", help="A recording; default: one of good length.")
    ] = "",
    vocoder: Annotated[
        list[str] | None,
        typer.Option(
            "--vocoder",
            metavar="FILE",
            help="A vocoder's file or folder, or 'preview'; give it once per vocoder. "
            "Default: preview and the project's vocoder.",
        ),
    ] = None,
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="Where ITEM is, if several have it.")
    ] = "",
    device: Device = "auto",
    trust_vocoder: TrustVocoder = False,
    as_json: Json = False,
) -> None:
    """Send a recording through vocoders: hear, see and measure what each changes."""
    from .foreground import run_here
    from .places import open_project

    opened = open_project(project)
    assert opened is not None
    params = {
        "item": item,
        "dataset": dataset,
        "vocoders": [vocoder_path(name) for name in vocoder or []],
        "device": device,
        "trust_vocoder": trust_vocoder,
    }
    result = run_here(opened, "vocoders", params)
    if as_json:
        print_json(result)
    else:
        show_copies(result)


def show_copies(result: dict[str, Any]) -> None:
    """Figures of each vocoder, and where the sounds are."""

    def number(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    rows = [
        (
            copy["vocoder"],
            number(copy["figures"]["mel_l1"], 3),
            number(copy["figures"]["f0_cents"], 1),
            number(100 * copy["figures"]["voicing_agreement"], 0) + " %",
            number(copy["figures"]["rtf"], 2),
            Path(copy["wav"]).name,
        )
        for copy in result["copies"]
    ]
    console = out()
    console.print(f"{result['item']} through {len(rows)} vocoders", style="bold")
    names = ("Vocoder", "Mel error", "Pitch, cents", "Voicing", "Time factor", "Sound")
    show_table(names, rows)
    console.print(f"Recording:   {result['recording']}")
    console.print(f"Spectrogram: {result['spectrogram']}")


@app.command()
def export(
    project: Annotated[
        Path | None,
        typer.Argument(metavar="[PROJECT]", help="Project folder; else name the experiment."),
    ] = None,
    experiment: Experiment = "",
    ckpt: Annotated[
        int | None, typer.Option("--ckpt", min=0, metavar="STEP", help="Default: the newest.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder for model.ckpt, config.json."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a vocoder to sing with out of a training, as DiffSinger and OpenUTAU tools read it.

    Training does this by itself after every validation: see exported/best and exported/last in
    the experiment's folder.
    """
    from .foreground import run_call, run_here
    from .places import open_project

    params = {
        "experiment": experiment,
        "ckpt": ckpt,
        "output": str(output.expanduser().absolute()) if output else None,
    }
    if project is not None:
        opened = open_project(project)
        assert opened is not None
        result = run_here(opened, "export-vocoder", params)
    elif experiment:
        from ...core.jobs.stages import export_experiment

        folder = Path.cwd() / "checkpoints" / experiment
        result = run_call(lambda reporter: export_experiment(folder, params, reporter=reporter))
    else:
        raise SingwizError(
            "project-or-experiment",
            "Name a project folder, or an experiment with --exp.",
            hint="For example: singwiz vocoder export my-voice",
            exit_code=USAGE_PROBLEM,
        )
    if as_json:
        print_json(result)
        return
    out().print(f"Vocoder of step {result['step']}: {result['vocoder']}", style="bold")
    if project is not None:
        out().print(f"Next: singwiz config set '{project}' vocoder_ckpt='{result['vocoder']}'")


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TorchScript (DDSP) vocoder.")],
) -> None:
    """Let singwiz run the program in a DDSP vocoder. Do so only if you know who made it."""
    from ...core.synthesis.ddsp import is_torchscript
    from ...core.trust import fingerprint
    from ...core.trust import trust as remember

    if not file.is_file() or not is_torchscript(file):
        raise SingwizError(
            "vocoder-no-program",
            f"'{file}' is no TorchScript vocoder; other vocoders need no trust.",
            hint="Give the .jit file of a DDSP vocoder.",
            where=str(file),
            exit_code=USAGE_PROBLEM,
        )
    content = file.read_bytes()
    remember(content, file.name)
    out().print(f"Trusted: {file.name} (SHA-256 {fingerprint(content)})")
