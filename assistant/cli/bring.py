"""``singwiz import`` and ``singwiz slice``: bringing recordings, whatever their labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, err, out, print_json
from .places import dictionary_path, language_of

if TYPE_CHECKING:
    from ...core.dataset import RawDataset
    from ...core.dataset.importing import ImportOptions, ImportReport
    from ...core.dataset.slicing import SliceReport
    from ...core.dictionary import Dictionary, PhonemeKinds
    from ...core.project import Project

SHOWN = 10
"""Skipped files that are listed; ``--json`` has them all."""

Shortest = Annotated[float, typer.Option("--shortest", help="s; avoid shorter pieces.")]
WantedMin = Annotated[float, typer.Option("--from", help="s; pieces should last this long …")]
WantedMax = Annotated[float, typer.Option("--to", help="… to this long.")]
Longest = Annotated[float, typer.Option("--longest", help="s; report longer pieces.")]
Rest = Annotated[float, typer.Option("--rest", help="s of silence kept at a cut.")]
DatasetName = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="Of the project; default: all.")
]
DictionaryName = Annotated[
    str,
    typer.Option("--dictionary", metavar="FILE or NAME", help="A file or a shipped dictionary."),
]
Vowels = Annotated[
    str, typer.Option("--vowels", metavar="'A B'", help="Vowels the dictionary does not tell.")
]
Consonants = Annotated[
    str, typer.Option("--consonants", metavar="'A B'", help="Consonants likewise, e.g. cl.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)
    app.command("slice")(slice_)


# Import -----------------------------------------------------------------------------------


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder with recordings and labels.")
    ],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="PROJECT", help="Project to add them to; made if needed."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Make a folder instead."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="DIR", help="Where the labels are, if elsewhere."),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="lab, textgrid, audacity, ds, v1 or utau; default: found out.",
        ),
    ] = "",
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol",
            metavar="OLD=NEW",
            help="Rename a phoneme. Names of silence and breath (pau, sil, br …) are known.",
        ),
    ] = None,
    arpabet: Annotated[
        bool,
        typer.Option("--arpabet", help="AA1, B … become aa, b … as in english-arpabet."),
    ] = False,
    tier: Annotated[
        str, typer.Option("--tier", metavar="NAME", help="TextGrid tier with the phonemes.")
    ] = "",
    words_tier: Annotated[
        str, typer.Option("--words-tier", metavar="NAME", help="Tier with the spoken words.")
    ] = "",
    unit: Annotated[
        str, typer.Option("--unit", metavar="UNIT", help="Of .lab times: 100ns, ms or s.")
    ] = "",
    dictionary: DictionaryName = "",
    language: Annotated[
        str, typer.Option("--language", metavar="TAG", help="Default: by the dictionary.")
    ] = "",
    vowels: Vowels = "",
    consonants: Consonants = "",
    speaker: Annotated[str, typer.Option("--speaker", metavar="NAME", help="The singer.")] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Of the dataset.")] = "",
    cut: Annotated[
        bool, typer.Option("--slice", help="Cut long recordings at rests on the way.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a dataset of recordings with labels of other programs. Originals are not touched."""
    from ...core.dataset.bringing import import_and_cut, import_into_project
    from ...core.dataset.slicing import SliceLimits
    from ...core.dictionary import fitting_dictionaries
    from .foreground import ConsoleReporter

    if (into is None) == (output is None):
        raise SingwizError(
            "target-missing",
            "Give either a project or an output folder.",
            hint="For example: singwiz import my-songs --into my-voice, or -o a-new-folder",
            exit_code=USAGE_PROBLEM,
        )
    tag = language_of(language, dictionary)
    options = _options(labels, format, symbol or [], arpabet, tier, words_tier, unit, tag)
    options = _with_dictionary(options, dictionary, tag, vowels, consonants)
    limits = SliceLimits() if cut else None
    project = None
    with ConsoleReporter() as reporter:
        if output is not None:
            report, pieces = import_and_cut(
                source, output, options, limits=limits, reporter=reporter
            )
        else:
            assert into is not None
            project = _project_or_new(into)
            report, pieces, recordings = import_into_project(
                project,
                source,
                options,
                speaker=speaker,
                name=name,
                limits=limits,
                reporter=reporter,
            )
    if project is not None and dictionary and tag not in project.state.dictionaries:
        project.state.dictionaries[tag] = dictionary_path(dictionary)
        project.save()
    fits = fitting_dictionaries(report.symbols)
    if as_json:
        print_json(
            {
                **report.to_dict(),
                "slices": pieces.to_dict() if pieces else None,
                "project": str(project.root) if project else None,
                "dataset": recordings.name if project else None,
                "dictionaries": [
                    {"name": fit.name, "known": round(fit.known, 4), "unexpected": fit.unexpected}
                    for fit in fits
                ],
            }
        )
        return
    _show_import(report)
    if pieces is not None:
        _show_slices(pieces)
    best = [fit for fit in fits if fit.known > fits[0].known - 0.001]
    if not dictionary and best[0].known > 0.9 and len(best) <= 3:
        names = " or ".join(fit.name for fit in best)
        out().print(f"The phonemes are those of the dictionary {names} ({best[0].known:.1%}).")
    if project is not None:
        out().print(f"Next: singwiz check '{into}'")


def _options(
    labels: Path | None,
    format: str,
    symbols: list[str],
    arpabet: bool,
    tier: str,
    words_tier: str,
    unit: str,
    language: str,
) -> ImportOptions:
    from ...core.dataset.importing import ImportOptions
    from ...core.dataset.labels import ARPABET_SYMBOLS, SILENCE_SYMBOLS

    names = dict(SILENCE_SYMBOLS)
    if arpabet:
        names |= ARPABET_SYMBOLS
    for entry in symbols:
        old, equals, new = entry.partition("=")
        if not equals or not old or len(new.split()) != 1 or new != new.strip():
            raise SingwizError(
                "symbol-invalid",
                f"'{entry}' does not say what to rename to what.",
                hint="For example: --symbol q=cl",
                exit_code=USAGE_PROBLEM,
            )
        names[old] = new
    if unit not in ("", "100ns", "ms", "s"):
        raise SingwizError(
            "unit-unknown",
            f"There is no unit '{unit}'.",
            hint="Use 100ns, ms or s.",
            exit_code=USAGE_PROBLEM,
        )
    return ImportOptions(
        format=format,
        labels=labels,
        symbols=names,
        tier=tier,
        words_tier=words_tier,
        unit=unit or None,  # type: ignore[arg-type]
        language=language,
    )


def _with_dictionary(
    options: ImportOptions, name: str, language: str, vowels: str, consonants: str
) -> ImportOptions:
    """With what a dictionary, or lists of vowels and consonants, tell about words."""
    from dataclasses import replace

    if not name and not vowels:
        return options
    dictionary = _dictionary(name, language) if name else None
    try:
        kinds = kinds_of(dictionary, language, vowels, consonants)
    except SingwizError as error:
        err().print(f"ph_num stays empty: {error.message} {error.hint}", style="yellow")
        kinds = None
    return replace(options, dictionary=dictionary, kinds=kinds)


def _dictionary(name: str, language: str) -> Dictionary:
    from ...core.dictionary import read_dictionary, resolve_dictionary

    return read_dictionary(resolve_dictionary(name, base=Path.cwd()), language)[0]


def kinds_of(
    dictionary: Dictionary | None, language: str, vowels: str, consonants: str
) -> PhonemeKinds:
    """Vowels and consonants from a dictionary, from lists, or from both.

    Raises:
        SingwizError: they contradict each other, or do not tell.
    """
    from ...core.dictionary import PhonemeKinds

    if dictionary is None:
        return PhonemeKinds.of_lists(vowels.split(), consonants.split(), language=language)
    return PhonemeKinds.of_dictionary(
        dictionary, vowels=vowels.split(), consonants=consonants.split()
    )


def _project_or_new(folder: Path) -> Project:
    from ...core.project import FILE_NAME, Project

    if (folder.expanduser() / FILE_NAME).exists():
        return Project.open(folder)
    return Project.create(folder)


def _show_import(report: ImportReport) -> None:
    console = out()
    for remark in report.remarks[:SHOWN]:
        console.print(remark)
    if len(report.remarks) > SHOWN:
        console.print(f"… and {len(report.remarks) - SHOWN} more remarks")
    console.print(
        f"{report.items} recordings, {duration(report.seconds)}, from {report.format} labels: "
        f"{report.target}",
        style="bold",
    )
    if report.replaced:
        said = ", ".join(f"{old} ×{count}" for old, count in report.replaced.most_common())
        console.print(f"Renamed: {said}")
    if report.filled:
        console.print(f"{report.filled} stretches without label became SP.")
    if report.unlabelled:
        console.print(f"{len(report.unlabelled)} recordings have no labels and were left out.")
    show_skipped(report.skipped)


def show_skipped(skipped: Mapping[str, str]) -> None:
    """Files that were left out, and why, on stderr."""
    console = err()
    for file, why in list(skipped.items())[:SHOWN]:
        console.print(f"left out: {file}: {why}", style="yellow")
    if len(skipped) > SHOWN:
        console.print(f"left out: … and {len(skipped) - SHOWN} more", style="yellow")


# Slice ------------------------------------------------------------------------------------


def slice_(
    source: Annotated[
        Path,
        typer.Argument(metavar="PROJECT or RAW_DIR", help="A project, or a folder with -o."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Folder to make of a RAW_DIR."),
    ] = None,
    dataset: DatasetName = "",
    shortest: Shortest = 2.0,
    wanted_min: WantedMin = 5.0,
    wanted_max: WantedMax = 15.0,
    longest: Longest = 20.0,
    rest: Rest = 0.4,
    as_json: Json = False,
) -> None:
    """Cut long recordings at rests into pieces for training. Originals are not touched."""
    from ...core.dataset.bringing import slice_in_project
    from ...core.dataset.slicing import SliceLimits, slice_dataset
    from ...core.project import FILE_NAME, Project
    from .foreground import ConsoleReporter

    limits = SliceLimits(shortest, wanted_min, wanted_max, longest, rest)
    is_project = (source / FILE_NAME).exists()
    if is_project == (output is not None):
        raise SingwizError(
            "target-missing",
            f"'{source}' is a project and keeps its pieces itself."
            if is_project
            else f"'{source}' is not a project, so an output folder is needed.",
            hint="singwiz slice PROJECT, or singwiz slice RAW_DIR -o FOLDER",
            exit_code=USAGE_PROBLEM,
        )
    reports: list[SliceReport] = []
    untouched: list[str] = []
    with ConsoleReporter() as reporter:
        if output is not None:
            raw = open_folder(source)
            reports.append(slice_dataset(raw, output, limits=limits, reporter=reporter))
        else:
            project = Project.open(source)
            for name in dataset_names(project, dataset):
                made = slice_in_project(project, name, limits=limits, reporter=reporter)
                if made is None:
                    untouched.append(name)
                else:
                    reports.append(made)
    if as_json:
        slices = [report.to_dict() for report in reports]
        print_json({"slices": slices, "nothing_to_cut": untouched})
        return
    for report in reports:
        _show_slices(report)
    for name in untouched:
        out().print(f"{name}: no recording is too long, nothing to cut.")
    if is_project and reports:
        out().print(f"The project uses the pieces now; to go back: singwiz undo '{source}'")


def _show_slices(report: SliceReport) -> None:
    console = out()
    lengths = sorted(report.lengths.values())
    console.print(
        f"{report.items} pieces, {duration(report.seconds)}, {lengths[0]:.1f} to "
        f"{lengths[-1]:.1f} s: {report.target}",
        style="bold",
    )
    console.print(f"{report.cut} recordings were cut, {duration(report.dropped)} left out.")
    for names, what in ((report.short, "shorter"), (report.long, "longer")):
        if names:
            shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
            console.print(f"{len(names)} are {what} than is good for training: {shown}")
    show_skipped(report.skipped)


def open_folder(folder: Path, *, language: str = "default") -> RawDataset:
    """A folder as a dataset.

    Raises:
        SingwizError: nothing in it can be used.
    """
    from ...core.dataset import RawDataset
    from .output import show_findings

    dataset = RawDataset.open(
        folder, name=folder.resolve().name, speaker="singer", language=language
    )
    if not dataset.items:
        show_findings([finding.to_dict() for finding in dataset.findings], err())
        raise SingwizError(
            "nothing-usable",
            f"'{folder}' has no usable recordings.",
            hint="See what singwiz check says about it.",
        )
    return dataset


def dataset_names(project: Project, wanted: str) -> list[str]:
    """Names of the datasets meant: the wanted one, or all.

    Raises:
        SingwizError: there is none.
    """
    names = [entry.name for entry in project.state.datasets]
    if wanted and wanted not in names:
        raise SingwizError(
            "dataset-unknown",
            f"The project has no recordings named '{wanted}'.",
            hint=f"It has: {', '.join(names) or 'none yet'}.",
            exit_code=USAGE_PROBLEM,
        )
    if not names:
        raise SingwizError(
            "dataset-unknown",
            "The project has no recordings yet.",
            hint="Add some: singwiz import SOURCE --into PROJECT",
            exit_code=USAGE_PROBLEM,
        )
    return [wanted] if wanted else names
