"""``singwiz vocoder …``: hear vocoders side by side, and trust those that are programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, out, print_json, show_table
from .places import ProjectFolder
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
