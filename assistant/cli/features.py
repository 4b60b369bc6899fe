"""``singwiz features …``: pitch extractors and separators side by side on your recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, out, print_json, show_table
from .places import ConfigFile, load_own_config, open_project

if TYPE_CHECKING:
    from ...core.config import Config
    from ...core.dataset import RawDataset

app = typer.Typer(
    help="Which pitch extractor and which separator of tone and breath suit your recordings.",
    no_args_is_help=True,
)

ProjectOrFolder = Annotated[
    Path | None,
    typer.Argument(
        metavar="PROJECT or RAW_DIR",
        help="Project, or a folder of recordings without one; not with --config.",
    ),
]
ItemName = Annotated[
    str | None,
    typer.Argument(metavar="[ITEM]", help="One recording; default: a few telling ones."),
]
Clips = Annotated[
    int | None, typer.Option("--clips", min=1, metavar="N", help="How many clips; default: 3.")
]
DatasetName = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="Where ITEM is, if several have it.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PNG",
        help="The picture, or a folder; sounds go beside it. Default: datasets/.features in the "
        "project, or the folder features.",
    ),
]
Device = Annotated[
    str, typer.Option("--device", metavar="NAME", help="Of networks: auto, cpu, cuda, cuda:1 …")
]


@app.command()
def compare(
    project: ProjectOrFolder = None,
    item: ItemName = None,
    output: Output = None,
    clips: Clips = None,
    every: Annotated[
        bool, typer.Option("--all", help="All recordings, whole; this takes its time.")
    ] = False,
    dataset: DatasetName = "",
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Compare pitch extractors: a table, pictures, sounds, and a recommendation."""
    wanted = {"only": "pitch", "clips": clips, "all": every, "dataset": dataset, "device": device}
    result = _run(project, item, config, output, wanted)
    if as_json:
        print_json(result)
        return
    pitch = result["pitch"]
    _show_clips(result)
    show_table(
        (
            "extractor",
            "sung",
            "found",
            "extra",
            "cents",
            "octaves",
            "leaps/min",
            "at limit",
            "speed",
        ),
        [_pitch_row(one) for one in pitch["figures"]],
    )
    heard = pitch["range"]
    if heard["low"] is not None:
        out().print(f"Sung: {heard['low']:.0f} to {heard['high']:.0f} Hz")
    _show_advice("pe", pitch["advice"])
    _show_files(result)


@app.command()
def separation(
    project: ProjectOrFolder = None,
    item: ItemName = None,
    output: Output = None,
    clips: Clips = None,
    dataset: DatasetName = "",
    device: Device = "auto",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Compare separators of tone and breath, which breathiness, voicing and tension need."""
    wanted = {"only": "separation", "clips": clips, "dataset": dataset, "device": device}
    result = _run(project, item, config, output, wanted)
    if as_json:
        print_json(result)
        return
    _show_clips(result)
    show_table(
        ("separator", "tone left", "breath in vowels", "in consonants", "loudness off", "speed"),
        [
            (
                one["name"],
                _decibels(one["leak"]),
                _decibels(one["vowels"]),
                _decibels(one["consonants"]),
                _decibels(one["balance"]),
                f"{one['speed']:.1f}×",
            )
            for one in result["separation"]["figures"]
        ],
    )
    _show_advice("hnsep", result["separation"]["advice"])
    _show_files(result)


def _run(
    project: Path | None,
    item: str | None,
    config: Path | None,
    output: Path | None,
    wanted: dict[str, Any],
) -> dict[str, Any]:
    from .foreground import run_call, run_here

    if project is not None and config is not None and item is None:
        # With --config the only name is that of the recording.
        project, item = None, str(project)
    if item is not None and (wanted["clips"] or wanted.get("all")):
        raise SingwizError(
            "item-and-clips",
            "ITEM names one recording, --clips and --all choose several.",
            hint="Leave one of them out.",
            exit_code=USAGE_PROBLEM,
        )
    if item is None and wanted["dataset"]:
        raise SingwizError(
            "item-missing",
            "--dataset belongs to one recording.",
            hint="Name it after the project: singwiz features compare PROJECT ITEM",
            exit_code=USAGE_PROBLEM,
        )
    wanted["item"] = item
    if project is not None and project.is_dir() and not (project / "singwiz.yaml").exists():
        loaded, datasets = _folder(project)
    else:
        opened = open_project(project, config=config)
        if opened is not None:
            where = str(output.expanduser().absolute()) if output else None
            return run_here(opened, "features", {**wanted, "output": where})
        assert config is not None
        loaded, datasets = _config(config)
    from ...core.jobs.choosing import compare_recordings

    return run_call(
        lambda reporter: compare_recordings(
            loaded,
            datasets,
            wanted,
            (output or Path("features")).expanduser().absolute(),
            base_dir=Path.cwd(),
            reporter=reporter,
        )
    )


def _folder(folder: Path) -> tuple[Config, list[RawDataset]]:
    """A folder of recordings, with the config that most voices have."""
    from ...core.config import load_config
    from ...core.config.loading import presets_dir
    from ...core.dataset import RawDataset

    name = folder.resolve().name
    dataset = RawDataset.open(folder, name=name, speaker="singer", language="default")
    return load_config(presets_dir() / "templates" / "acoustic.yaml"), [dataset]


def _config(file: Path) -> tuple[Config, list[RawDataset]]:
    from ...core.jobs.stages import config_datasets

    config = load_own_config(file)
    return config, config_datasets(config)


def _show_clips(result: Mapping[str, Any]) -> None:
    from ...core.features.telling import REASONS

    shown = result["clips"][:10]
    for clip in shown:
        why = REASONS[clip["why"]]
        out().print(f"{clip['item']} {clip['start']:.1f}–{clip['end']:.1f} s: {why}", style="dim")
    if len(result["clips"]) > len(shown):
        out().print(f"… and {len(result['clips']) - len(shown)} more", style="dim")


def _pitch_row(one: Mapping[str, Any]) -> Sequence[str]:
    return (
        one["name"],
        _percent(one["voiced"]),
        _percent(one["found"]),
        _percent(one["extra"]),
        "–" if one["cents"] is None else f"{one['cents']:.1f}",
        _percent(one["octaves"]),
        f"{one['jumps']:.1f}",
        _percent(one["limits"]),
        f"{one['speed']:.0f}×" if one["speed"] >= 10 else f"{one['speed']:.1f}×",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _decibels(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 1) + 0.0:.1f} dB"


def _show_advice(key: str, advice: Mapping[str, Any]) -> None:
    console = out()
    if advice["name"]:
        console.print(f"Recommended: {key}: {advice['name']}", style="bold")
    console.print(f"  {advice['reason']}")
    for note in advice["notes"]:
        console.print(f"  {note}", style="dim")


def _show_files(result: Mapping[str, Any]) -> None:
    for file in result["files"]:
        out().print(f"{'Picture' if file.endswith('.png') else 'Sound'}: {file}")
