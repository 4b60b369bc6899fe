"""``singwiz dictionary map/extra/merge/trim/migrate/expand``: settling a mismatch.

Every command is one change of a project, recorded in its journal: 'singwiz undo' takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import SingwizError
from .fixes import DryRun, show_changes
from .output import Json, print_json
from .places import ProjectFolder

if TYPE_CHECKING:
    from ...core.dictionary import Mismatch, Suggestion
    from ...core.jobs.matching import Matching

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="A phoneme, as in the labels.")]
Symbols = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SYMBOL]...", help="Which ones; default: all that are suggested."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``singwiz dictionary``."""
    app.command("map")(map_symbol)
    for command in (extra, merge, trim, migrate, expand):
        app.command()(command)


def map_symbol(
    project: ProjectFolder,
    old: Annotated[str, typer.Argument(metavar="OLD", help="Symbol in the labels.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is called from now on.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Rename a symbol in all labels and DS files."""
    _settle(project, lambda now: [_cure(old, "rename", new)], dry_run, as_json)


def extra(
    project: ProjectFolder, symbol: Symbol, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Let the voice learn a symbol that no syllable contains (extra_phonemes)."""
    _settle(project, lambda now: [_cure(symbol, "add-extra", symbol)], dry_run, as_json)


def merge(
    project: ProjectFolder,
    first: Annotated[str, typer.Argument(metavar="A", help="A phoneme.")],
    second: Annotated[str, typer.Argument(metavar="B", help="One that counts as the same.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let two phonemes be one to the voice (merged_phoneme_groups)."""
    _settle(project, lambda now: [_cure(first, "merge", second)], dry_run, as_json)


def trim(
    project: ProjectFolder, symbols: Symbols = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Use a copy of the dictionary without phonemes that are never sung."""
    _settle(
        project, lambda now: _chosen(now.mismatch, ("trim", "remove-extra"), symbols), dry_run,
        as_json,
    )  # fmt: skip


def migrate(
    project: ProjectFolder,
    to: Annotated[
        str, typer.Option("--to", metavar="NAME", help="Shipped dictionary to convert to.")
    ] = "opencpop-extension",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Convert Mandarin labels made with the older opencpop dictionary.

    If the project still uses the older dictionary, it uses the new one from then on.
    """
    _settle(project, lambda now: _migration(now, to), dry_run, as_json)


def expand(
    project: ProjectFolder, symbols: Symbols = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Write syllables in the labels as their phonemes; the vowel gets most of the time."""
    _settle(project, lambda now: _chosen(now.mismatch, ("expand",), symbols), dry_run, as_json)


def _settle(
    folder: Path, choose: Callable[[Matching], Sequence[Suggestion]], dry_run: bool, as_json: bool
) -> None:
    from ...core.jobs.matching import match
    from ...core.project import Project
    from .foreground import run_here

    project = Project.open(folder)
    cures = choose(match(project))
    params = {"cures": [asdict(cure) for cure in cures], "dry_run": dry_run}
    result = run_here(project, "fix", params)
    if as_json:
        print_json({key: result[key] for key in ("dry_run", "applied", "plan")})
    else:
        show_changes(result, undo_with=f"singwiz undo '{folder}'")


def _cure(symbol: str, action: str, target: str) -> Suggestion:
    from ...core.dictionary import Suggestion

    if not symbol.strip() or not target.strip() or len(symbol.split() + target.split()) != 2:
        raise SingwizError(
            "symbol-unusable",
            f"'{symbol}' and '{target}' have to be single phonemes.",
            hint="Phonemes are separated by spaces, so none can contain one.",
        )
    return Suggestion(symbol, action, target, "")


def _chosen(
    mismatch: Mismatch, actions: Sequence[str], symbols: Sequence[str] | None
) -> list[Suggestion]:
    """The suggestions with these actions, one per symbol."""
    offered = {
        cure.symbol: cure for cure in reversed(mismatch.suggestions) if cure.action in actions
    }
    for symbol in symbols or ():
        if symbol not in offered:
            known = " ".join(sorted(offered)) or "none"
            raise SingwizError(
                "cure-unfit",
                f"That is not what '{symbol}' needs.",
                hint=f"It can be done for: {known}. 'singwiz dictionary diff' shows them all.",
            )
    return [cure for symbol, cure in sorted(offered.items()) if not symbols or symbol in symbols]


def _migration(now: Matching, to: str) -> list[Suggestion]:
    from ...core.dictionary import read_dictionary, resolve_dictionary

    older = read_dictionary(resolve_dictionary("opencpop"), "zh")[0].sha256
    dictionaries = now.phonemes.dictionaries
    using = next((lang for lang, one in dictionaries.items() if one.sha256 == older), "")
    language = using or next((lang for lang in ("zh", *dictionaries) if lang in dictionaries), "")
    symbol = f"{language}/i" if now.phonemes.multi else "i"
    cures = [_cure(symbol, "migrate-labels", to)]
    if using:
        cures.append(_cure(symbol, "change-dictionary", to))
    return cures
