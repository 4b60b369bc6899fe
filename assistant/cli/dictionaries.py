"""``singwiz dictionary …``: shipped and own dictionaries, and how they fit some labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import INPUT_PROBLEM, USAGE_PROBLEM, SingwizError
from . import desk
from .mismatches import show_mismatch
from .output import Json, err, out, print_json, show_findings, show_table
from .places import language_of

if TYPE_CHECKING:
    from ...core.dictionary import Dictionary, Mismatch
    from ...core.findings import Finding

app = typer.Typer(help="Dictionaries: which phonemes a syllable is made of.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="DICTIONARY", help="A file, or the name of a shipped one.")
]
Language = Annotated[
    str, typer.Option("--language", metavar="TAG", help="Default: guessed from the name.")
]


def _read(name: str, language: str) -> tuple[Dictionary, list[Finding]]:
    from ...core.dictionary import read_dictionary, resolve_dictionary

    return read_dictionary(resolve_dictionary(name, base=Path.cwd()), language_of(language, name))


@app.command("list")
def list_shipped(as_json: Json = False) -> None:
    """The dictionaries that come with singwiz."""
    from ...core.dictionary import list_dictionaries

    shipped = {name: _read(name, "")[0] for name in list_dictionaries()}
    if as_json:
        sizes = {
            name: {"language": one.language, "entries": len(one.entries),
                   "phonemes": len(one.phonemes)}
            for name, one in shipped.items()
        }  # fmt: skip
        print_json({"dictionaries": list(shipped), "details": sizes})
        return
    rows = [
        (name, one.language, str(len(one.entries)), str(len(one.phonemes)))
        for name, one in shipped.items()
    ]
    show_table(("Name", "Language", "Syllables", "Phonemes"), rows)


@app.command()
def show(name: Name, language: Language = "", as_json: Json = False) -> None:
    """The phonemes and syllables of a dictionary."""
    dictionary, findings = _read(name, language)
    if as_json:
        print_json(
            {
                "path": dictionary.path,
                "language": dictionary.language,
                "phonemes": dictionary.phonemes,
                "entries": dictionary.entries,
                "sha256": dictionary.sha256,
            }
        )
        return
    show_findings([finding.to_dict() for finding in findings], err())
    console = out()
    console.print(f"{dictionary.path} ({dictionary.language})", style="bold")
    console.print(f"{len(dictionary.phonemes)} phonemes: {' '.join(sorted(dictionary.phonemes))}")
    for syllable, phonemes in dictionary.entries.items():
        typer.echo(f"{syllable}\t{' '.join(phonemes)}")  # rich would expand the TAB


@app.command()
def check(name: Name, language: Language = "", as_json: Json = False) -> None:
    """What is wrong with a dictionary file. Exit code 1 if there are errors."""
    from ...core.findings import count_by_severity, has_errors

    dictionary, findings = _read(name, language)
    counts = count_by_severity(findings)
    data = [finding.to_dict() for finding in findings]
    if as_json:
        summary = {
            "errors": counts["error"],
            "warnings": counts["warning"],
            "notes": counts["note"],
            "entries": len(dictionary.entries),
            "phonemes": len(dictionary.phonemes),
        }
        print_json({"findings": data, "summary": summary})
    else:
        show_findings(data, out())
        out().print(
            f"{len(dictionary.entries)} syllables, {len(dictionary.phonemes)} phonemes: "
            f"{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes",
            style="bold",
        )
    if has_errors(findings):
        raise typer.Exit(INPUT_PROBLEM)


@app.command()
def diff(
    name: Annotated[
        str,
        typer.Argument(
            metavar="PROJECT or DICTIONARY",
            help="A project; or a dictionary (file or shipped name), followed by RAW_DIR.",
        ),
    ],
    raw_dir: Annotated[
        Path | None, typer.Argument(metavar="[RAW_DIR]", help="Folder with transcriptions.csv.")
    ] = None,
    language: Language = "",
    as_json: Json = False,
) -> None:
    """Compare labels with a dictionary: unexpected (+) and missing (-) phonemes.

    Each with how often and where it is sung, and what could be done. Exit code 1 if labels have
    phonemes that the dictionary lacks.
    """
    mismatch, items, project = (
        _of_project(Path(name), language)
        if raw_dir is None
        else _of_folder(name, raw_dir, language)
    )
    if as_json:
        print_json(mismatch.to_dict())
    elif mismatch.ok:
        out().print("Labels and dictionary have the same phonemes.")
    else:
        show_mismatch(mismatch.to_dict(), project=project)
    if mismatch.unexpected or not items:
        raise typer.Exit(INPUT_PROBLEM)


def _of_project(folder: Path, language: str) -> tuple[Mismatch, int, str]:
    from ...core.jobs.matching import match
    from ...core.project import Project

    if language or not (folder / "singwiz.yaml").exists():
        raise SingwizError(
            "diff-of-what",
            f"'{folder}' is no project, so the labels to compare it with are missing."
            if not language
            else "--language is for a dictionary and a folder; a project has its own.",
            hint="Give a project, or a dictionary and a folder of recordings.",
            exit_code=USAGE_PROBLEM,
        )
    found = match(Project.open(folder))
    show_findings([finding.to_dict() for finding in found.findings], err())
    return found.mismatch, len(found.mismatch.uses), str(folder)


def _of_folder(name: str, raw_dir: Path, language: str) -> tuple[Mismatch, int, str]:
    from ...core.dataset import RawDataset, label_sequences
    from ...core.dictionary import PhonemeSet, compare

    dictionary, findings = _read(name, language)
    dataset = RawDataset.open(
        raw_dir, name=raw_dir.resolve().name, speaker="singer", language=dictionary.language
    )
    show_findings([finding.to_dict() for finding in (*findings, *dataset.findings)], err())
    phonemes = PhonemeSet.build({dictionary.language: dictionary})
    return compare(phonemes, label_sequences([dataset])), len(dataset.items), ""


desk.register(app)
