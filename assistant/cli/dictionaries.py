"""``singwiz dictionary …``: shipped and own dictionaries, and how they fit some labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import INPUT_PROBLEM
from .output import Json, err, out, print_json, show_findings
from .places import language_of

if TYPE_CHECKING:
    from ...core.dictionary import Dictionary
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
    """Names of the dictionaries that come with singwiz."""
    from ...core.dictionary import list_dictionaries

    names = list_dictionaries()
    if as_json:
        print_json({"dictionaries": names})
    else:
        for name in names:
            out().print(name)


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
    name: Name,
    raw_dir: Annotated[
        Path, typer.Argument(metavar="RAW_DIR", help="Folder with transcriptions.csv.")
    ],
    language: Language = "",
    as_json: Json = False,
) -> None:
    """Compare a dictionary with labels: unexpected (+) and missing (-) phonemes.

    Exit code 1 if labels have phonemes that the dictionary lacks.
    """
    from ...core.dataset import RawDataset, label_sequences
    from ...core.dictionary import PhonemeSet, compare
    from .recordings import show_mismatch

    dictionary, findings = _read(name, language)
    dataset = RawDataset.open(
        raw_dir, name=raw_dir.resolve().name, speaker="singer", language=dictionary.language
    )
    show_findings([finding.to_dict() for finding in (*findings, *dataset.findings)], err())
    mismatch = compare(
        PhonemeSet.build({dictionary.language: dictionary}), label_sequences([dataset])
    )
    if as_json:
        print_json(mismatch.to_dict())
    elif mismatch.ok:
        out().print("Labels and dictionary have the same phonemes.")
    else:
        show_mismatch(mismatch.to_dict())
    if mismatch.unexpected or not dataset.items:
        raise typer.Exit(INPUT_PROBLEM)
