"""``singwiz new`` and ``singwiz check``: recordings into a project, and what is wrong with them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import INPUT_PROBLEM, USAGE_PROBLEM, SingwizError
from .mismatches import show_mismatch
from .output import Json, duration, err, out, print_json, show_findings
from .places import ConfigFile, Model, Workers, dictionary_path, language_of, load_own_config

if TYPE_CHECKING:
    from ...core.project import Project
    from ...core.reporting import Reporter


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(new)
    app.command()(check)


def new(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Folder to create.")],
    raw: Annotated[
        list[Path],
        typer.Option(
            "--raw",
            metavar="DIR",
            help="Folder with transcriptions.csv and wavs/. May be given several times.",
        ),
    ],
    speaker: Annotated[
        list[str] | None,
        typer.Option(
            "--speaker",
            metavar="NAME",
            help="Singer; one for all folders, or one per --raw. Default: the folder's name.",
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            metavar="TAG",
            help="Language, e.g. ja; one for all folders, or one per --raw. "
            "Default: guessed from the dictionary's name.",
        ),
    ] = None,
    dictionary: Annotated[
        list[str] | None,
        typer.Option(
            "--dictionary",
            metavar="FILE or NAME",
            help="Dictionary: a file or a shipped one; one for all folders, or one per --raw.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", metavar="NAME", help="Size of the model; default: what suits this machine."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Make a project from folders of recordings. The recordings are not touched."""
    from ...core.project import Project

    speakers = _per_folder("--speaker", speaker, raw)
    dictionaries = _per_folder("--dictionary", dictionary, raw)
    languages = _per_folder("--language", language, raw)
    existed = project.exists()
    made = Project.create(project)
    try:
        for folder, name, tag, words in zip(raw, speakers, languages, dictionaries, strict=True):
            tag = language_of(tag, words)
            made.add_recordings(folder, speaker=name, language=tag)
            if words:
                _choose_dictionary(made, tag, dictionary_path(words))
        made.model_choice("acoustic").preset = _preset(preset)
        made.save()
    except SingwizError:
        # A project that is half made would only be in the way of the next attempt.
        (made.root / "singwiz.yaml").unlink(missing_ok=True)
        if not existed:
            made.root.rmdir()
        raise
    if as_json:
        print_json(project_data(made))
        return
    console = out()
    console.print(f"Project {made.root}", style="bold")
    for recordings in made.state.datasets:
        console.print(
            f"  {recordings.name}: singer {recordings.speaker}, language {recordings.language}, "
            f"{recordings.raw_data_dir}"
        )
    missing = {entry.language for entry in made.state.datasets} - set(made.state.dictionaries)
    if missing:
        console.print(
            f"No dictionary yet for: {', '.join(sorted(missing))}. Add one to {made.root}/"
            "singwiz.yaml, or choose it in the wizard's dictionary step."
        )
    console.print(f"Next: singwiz check '{project}'")


def _per_folder(option: str, values: list[str] | None, raw: list[Path]) -> list[str]:
    given = values or [""]
    if len(given) == 1:
        return given * len(raw)
    if len(given) != len(raw):
        raise SingwizError(
            "one-per-folder",
            f"{option} was given {len(given)} times, but there are {len(raw)} --raw folders.",
            hint=f"Give {option} once, or once per --raw in the same order.",
            exit_code=USAGE_PROBLEM,
        )
    return given


def _preset(wanted: str) -> str:
    from ...core.config.presets import find_preset, recommended_preset

    return find_preset("acoustic", wanted).id if wanted else recommended_preset("acoustic")


def _choose_dictionary(project: Project, language: str, path: str) -> None:
    before = project.state.dictionaries.setdefault(language, path)
    if before != path:
        raise SingwizError(
            "two-dictionaries",
            f"Two dictionaries were given for the language '{language}': {before} and {path}.",
            hint="A language has one dictionary; use another --language for one of the folders.",
            exit_code=USAGE_PROBLEM,
        )


def project_data(project: Project) -> dict[str, Any]:
    """A project as ``--json`` prints it."""
    return {"root": str(project.root), **project.state.model_dump(mode="json", by_alias=True)}


def check(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PROJECT or RAW_DIR", help="Project, or a folder of recordings without one."
        ),
    ] = None,
    dictionary: Annotated[
        str, typer.Option("--dictionary", metavar="FILE or NAME", help="For a RAW_DIR.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", metavar="TAG", help="For a RAW_DIR, e.g. ja.")
    ] = "",
    model: Model = "acoustic",
    workers: Workers = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Check recordings, labels and dictionary. Exit code 1 if there are errors."""
    from .foreground import run_call, run_here
    from .places import open_project

    is_raw = path is not None and path.is_dir() and not (path / "singwiz.yaml").exists()
    if not is_raw and (dictionary or language):
        raise SingwizError(
            "option-for-raw-only",
            "--dictionary and --language are for a folder of recordings; a project and a config "
            "have their own.",
            hint="Leave them out, or name the folder that holds transcriptions.csv.",
            exit_code=USAGE_PROBLEM,
        )
    if is_raw and config is None:
        assert path is not None
        folder = path
        result = run_call(
            lambda reporter: _check_folder(folder, dictionary, language, model, workers, reporter)
        )
    else:
        project = open_project(path, config=config)
        if project is not None:
            result = run_here(project, "check", {"model": model, "workers": workers})
        else:
            assert config is not None
            file = config
            result = run_call(lambda reporter: _check_config(file, model, workers, reporter))
    if as_json:
        print_json(result)
    else:
        _show(result, project="" if is_raw or config is not None else str(path))
    if result["summary"]["errors"]:
        raise typer.Exit(INPUT_PROBLEM)


def _check_folder(
    folder: Path,
    dictionary: str,
    language: str,
    model: Any,
    workers: int | None,
    reporter: Reporter,
) -> dict[str, Any]:
    from ...core.dataset import RawDataset
    from ...core.jobs.checking import check_recordings

    tag = language_of(language, dictionary)
    return check_recordings(
        [RawDataset.open(folder, name=folder.resolve().name, speaker="singer", language=tag)],
        {tag: dictionary_path(dictionary)} if dictionary else {},
        base=Path.cwd(),
        kind=model,
        workers=workers,
        reporter=reporter,
    )


def _check_config(
    file: Path, model: Any, workers: int | None, reporter: Reporter
) -> dict[str, Any]:
    from ...core.jobs.checking import check_recordings
    from ...core.jobs.stages import config_datasets

    config = load_own_config(file)
    return check_recordings(
        config_datasets(config),
        config.dictionaries,
        base=Path.cwd(),
        kind=model,
        sample_rate=config.audio_sample_rate,
        extra_phonemes=config.extra_phonemes,
        merged_phoneme_groups=config.merged_phoneme_groups,
        config=config,
        workers=workers,
        reporter=reporter,
    )


def _show(result: Mapping[str, Any], *, project: str = "") -> None:
    console = out()
    show_findings(result["findings"], console)
    mismatch = result["mismatch"]
    if mismatch and (mismatch["unexpected"] or mismatch["missing"]):
        show_mismatch(mismatch, project=project)
    summary = result["summary"]
    console.print(
        f"{summary['items']} recordings, {duration(summary['seconds'])}: "
        f"{summary['errors']} errors, {summary['warnings']} warnings, {summary['notes']} notes",
        style="bold",
    )
    fixable = sum(1 for finding in result["findings"] if finding["fix"])
    if fixable and project:
        console.print(
            f"Findings with a fix: {fixable}. See what it would change: "
            f"singwiz fix {shlex.quote(project)} --dry-run"
        )
    if result["mismatch"] is None:
        err().print("The labels were not compared with a dictionary.", style="dim")
