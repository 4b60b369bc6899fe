"""``singwiz speakers``: what a checkpoint knows of its singers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .output import Json, out, print_json

app = typer.Typer(help="Take singers out of a checkpoint.", no_args_is_help=True)


@app.callback()
def speakers() -> None:
    """Take singers out of a checkpoint."""


@app.command()
def drop(
    ckpt: Annotated[Path, typer.Argument(metavar="CKPT", help="Acoustic or variance checkpoint.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    dropped: Annotated[
        str, typer.Option("--drop", metavar="A,B", help="Singers to take out: names or ids.")
    ] = "",
    retained: Annotated[
        str, typer.Option("--retain", metavar="A,B", help="Or those to keep, instead.")
    ] = "",
    fill: Annotated[
        Literal["zeros", "random", "mean", "cyclic"],
        typer.Option("--fill", help="What takes their place; cyclic: the kept ones in turn."),
    ] = "zeros",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT if it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a copy of a checkpoint without some of its singers' embeddings.

    Ids and shapes stay, so the copy can be fine-tuned and sung with like the original. Names are
    looked up in spk_map.json beside the checkpoint.
    """
    from ...core.checkpoint_speakers import drop_speakers

    result = drop_speakers(
        ckpt.expanduser(),
        output.expanduser(),
        drop=dropped.split(",") if dropped else None,
        retain=retained.split(",") if retained else None,
        fill=fill,
        overwrite=overwrite,
    )
    if as_json:
        print_json(
            {
                "output": str(result.output),
                "dropped": list(result.dropped),
                "retained": list(result.retained),
                "fill": result.fill,
            }
        )
        return

    def listed(ids: tuple[int, ...]) -> str:
        return ", ".join(result.names.get(number, str(number)) for number in ids) or "nobody"

    out().print(f"Dropped: {listed(result.dropped)} ({result.fill})")
    out().print(f"Kept: {listed(result.retained)}")
    out().print(f"Written: {result.output}", style="bold")
