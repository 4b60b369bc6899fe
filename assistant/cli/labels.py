"""``singwiz labels``: labels out to other programs and back, words and notes filled in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ...core.errors import INPUT_PROBLEM, USAGE_PROBLEM, SingwizError
from .bring import (
    Consonants,
    DatasetName,
    DictionaryName,
    Vowels,
    dataset_names,
    kinds_of,
    open_folder,
    show_skipped,
)
from .fixes import DryRun, show_changes
from .output import Json, out, print_json
from .places import ProjectFolder

if TYPE_CHECKING:
    from ...core.dataset import RawDataset
    from ...core.dataset.fixes import DatasetEdit, ProjectEdit
    from ...core.dictionary import PhonemeKinds
    from ...core.project import Project

app = typer.Typer(
    help="Labels out to other programs and back; words and notes.", no_args_is_help=True
)

LabelFormat = Literal["lab", "audacity", "textgrid"]


@app.command("export")
def export(
    source: Annotated[
        Path, typer.Argument(metavar="PROJECT or RAW_DIR", help="Whose labels to write.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to.")],
    format: Annotated[
        LabelFormat, typer.Option("--format", help="Which program shall open them.")
    ] = "textgrid",
    dataset: DatasetName = "",
    as_json: Json = False,
) -> None:
    """Write one label file per recording, to be corrected in Praat, Audacity or elsewhere."""
    from ...core.dataset.exchange import export_labels
    from ...core.project import FILE_NAME, Project

    written: list[Path] = []
    if (source / FILE_NAME).exists():
        project = Project.open(source)
        names = dataset_names(project, dataset)
        for name in names:
            folder = output / name if len(names) > 1 else output
            written += export_labels(_open_dataset(project, name), folder, format)
    else:
        written = export_labels(open_folder(source), output, format)
    if as_json:
        print_json({"files": written, "format": format})
    else:
        out().print(f"{len(written)} files in {output}", style="bold")
        out().print(f"When corrected: singwiz labels import PROJECT '{output}'")


@app.command("import")
def import_labels(
    project: ProjectFolder,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="With the corrected label files.")
    ],
    dataset: DatasetName = "",
    format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Read only lab, audacity or textgrid.")
    ] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Bring corrected labels back. What was not corrected stays as it is, to the last digit."""
    from ...core.dataset.exchange import apply_corrections, read_corrections
    from ...core.dataset.fixes import ProjectEdit
    from ...core.dataset.labels import FORMATS
    from ...core.project import Project

    if format and format not in FORMATS:
        raise SingwizError(
            "format-unknown",
            f"There is no form of labels called '{format}'.",
            hint=f"Use one of: {', '.join(FORMATS)}.",
            exit_code=USAGE_PROBLEM,
        )
    opened = Project.open(project)
    edit = ProjectEdit(opened)
    results: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    names = dataset_names(opened, dataset)
    for name in names:
        own = folder / name if len(names) > 1 and (folder / name).is_dir() else folder
        found = read_corrections(_open_dataset(opened, name), own, format=format)
        language = edit.dataset(name).recordings.language
        kinds = _project_kinds(opened, language, "", "", "")
        apply_corrections(edit.dataset(name), found, kinds=kinds, language=language)
        results[name] = found.to_dict()
        skipped |= found.skipped
    _finish(opened, edit, "Corrected labels", dry_run, as_json, {"datasets": results})
    if not as_json:
        show_skipped(skipped)


@app.command("words")
def words(
    project: ProjectFolder,
    dataset: DatasetName = "",
    dictionary: DictionaryName = "",
    vowels: Vowels = "",
    consonants: Consonants = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Count anew where there is a ph_num.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fill in ph_num, the phonemes per word, which duration and pitch models need."""
    from ...core.dataset.filling import fill_words
    from ...core.dataset.fixes import ProjectEdit
    from ...core.project import Project

    opened = Project.open(project)
    edit = ProjectEdit(opened)
    changed = 0
    for name in dataset_names(opened, dataset):
        one = edit.dataset(name)
        language = one.recordings.language
        kinds = _project_kinds(opened, language, dictionary, vowels, consonants, needed=True)
        assert kinds is not None
        changed += fill_words(one, {language: kinds}, replace=replace)
    _finish(opened, edit, "Words filled in", dry_run, as_json, {"rows": changed})


@app.command("notes")
def notes(
    project: ProjectFolder,
    dataset: DatasetName = "",
    how: Annotated[
        Literal["estimate", "cents", "align", "merge"],
        typer.Option(
            "--how",
            help="estimate: rough notes from the pitch; cents: notes to where they are sung; "
            "align: notes to words; merge: very short notes into their neighbours.",
        ),
    ] = "estimate",
    pitch: Annotated[
        str,
        typer.Option("--pitch", metavar="NAME", help="parselmouth, swift-f0, harvest or rmvpe."),
    ] = "parselmouth",
    lowest: Annotated[float, typer.Option("--lowest", help="Hz.")] = 65.0,
    highest: Annotated[float, typer.Option("--highest", help="Hz.")] = 1100.0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Estimate anew where there are notes.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fill in or tidy note_seq and note_dur, which pitch models need. Refine them by ear."""
    from ...core.dataset.fixes import ProjectEdit
    from ...core.project import Project

    opened = Project.open(project)
    edit = ProjectEdit(opened)
    changed = 0
    for name in dataset_names(opened, dataset):
        one = edit.dataset(name)
        changed += _change_notes(opened, one, how, pitch, lowest, highest, replace)
    _finish(opened, edit, f"Notes: {how}", dry_run, as_json, {"rows": changed})


def _change_notes(
    project: Project,
    edit: DatasetEdit,
    how: str,
    pitch: str,
    lowest: float,
    highest: float,
    replace: bool,
) -> int:
    from types import SimpleNamespace

    from ...core.dataset.filling import align_notes, merge_short_notes
    from ...core.features.notes import add_corrected_cents, add_estimated_notes
    from ...core.features.pitch import pitch_extractor
    from .foreground import ConsoleReporter

    if how == "align":
        return align_notes(edit)
    if how == "merge":
        return merge_short_notes(edit)
    extractor = pitch_extractor(
        SimpleNamespace(
            pe=pitch, f0_min=lowest, f0_max=highest, pe_ckpt="checkpoints/rmvpe/model.pt"
        ),
        base_dir=project.root,
    )
    dataset = _open_dataset(project, edit.name)
    with ConsoleReporter() as reporter:
        if how == "cents":
            return add_corrected_cents(edit, dataset, extractor, reporter=reporter)
        return add_estimated_notes(edit, dataset, extractor, replace=replace, reporter=reporter)


def _open_dataset(project: Project, name: str) -> RawDataset:
    from ...core.dataset import RawDataset

    entry = next(entry for entry in project.state.datasets if entry.name == name)
    return RawDataset.open(
        project.raw_folder(entry), name=name, speaker=entry.speaker, language=entry.language
    )


def _project_kinds(
    project: Project,
    language: str,
    dictionary: str,
    vowels: str,
    consonants: str,
    *,
    needed: bool = False,
) -> PhonemeKinds | None:
    """Vowels and consonants of a language of the project; None if its dictionary does not tell."""
    from ...core.dictionary import read_dictionary, resolve_dictionary

    chosen = dictionary or project.state.dictionaries.get(language, "")
    try:
        if not chosen and not vowels:
            raise SingwizError(
                "dictionary-missing",
                f"There is no dictionary for '{language}' to tell vowels from consonants.",
                hint="Give --dictionary, or --vowels and --consonants.",
            )
        base = Path.cwd() if dictionary else project.root
        path = resolve_dictionary(chosen, base=base) if chosen else None
        read = read_dictionary(path, language)[0] if path else None
        return kinds_of(read, language, vowels, consonants)
    except SingwizError:
        if needed:
            raise
        return None


def _finish(
    project: Project,
    edit: ProjectEdit,
    title: str,
    dry_run: bool,
    as_json: bool,
    facts: dict[str, Any],
) -> None:
    """Apply what was collected unless it is a dry run, and show it."""
    from ...core.dataset.fixes import apply_plan
    from ...core.jobs.fixing import describe

    plan = edit.plan(title)
    applied = [apply_plan(project, plan)] if plan and not dry_run else []
    result = {
        **facts,
        "dry_run": dry_run,
        "applied": [describe(entry) for entry in applied],
        "plan": plan.to_dict(),
    }
    if as_json:
        print_json(result)
    else:
        show_changes(result, undo_with=f"singwiz undo '{project.root}'")
    if plan.refused and not plan:
        raise typer.Exit(INPUT_PROBLEM)
