"""Filling in what variance models need: words and notes, as edits to look at before applying.

Pitch comes from outside (:mod:`singwiz.core.features.notes`). Cells that have something in them
are left alone unless they are to be replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..dictionary.kinds import PhonemeKinds
from ..errors import SingwizError
from .fixes.edits import DatasetEdit
from .fixes.table import TableRow
from .labels.sequence import seconds_text
from .note_names import note_name, parse_note
from .notes import Note, align_to_words, remove_short_slurs
from .words import phonemes_per_word, word_durations

SHORTEST_NOTE = 0.05
"""s; shorter notes of a word are slips of a curve, not of a singer."""


def fill_words(
    edit: DatasetEdit, kinds: Mapping[str, PhonemeKinds], *, replace: bool = False
) -> int:
    """Write ``ph_num`` where it is missing.

    Args:
        edit: of the dataset.
        kinds: language -> vowels and consonants.
        replace: count rows anew that have it.

    Returns:
        Number of rows changed; the edit says why others were not.
    """
    changed = 0
    for row in edit.rows:
        old = edit.cell(row, "ph_num").split()
        if old and not replace:
            continue
        try:
            ph_seq = edit.cell(row, "ph_seq").split()
            sizes = phonemes_per_word(ph_seq, kinds, edit.recordings.language)
        except SingwizError as error:
            edit.refuse("", error.message, item=edit.item(row))
            continue
        if [str(size) for size in sizes] != old:
            edit.set(row, "ph_num", sizes)
            edit.did("", f"'{edit.item(row)}' has {len(sizes)} words.", item=edit.item(row))
            changed += 1
    return changed


def fill_notes(
    edit: DatasetEdit,
    estimate: Callable[[TableRow, tuple[int, ...]], tuple[Note, ...]],
    *,
    replace: bool = False,
) -> int:
    """Write one rough note per word where notes are missing.

    Args:
        edit: of the dataset.
        estimate: row and its phonemes per word -> one note per word.
        replace: estimate notes anew that are there.

    Returns:
        Number of rows changed; the edit says why others were not.
    """
    changed = 0
    for row in edit.rows:
        if edit.cell(row, "note_seq").strip() and not replace:
            continue
        name = edit.item(row)
        try:
            notes = estimate(row, _words(edit, row))
        except SingwizError as error:
            edit.refuse("", error.message, item=name)
            continue
        write_notes(edit, row, notes)
        sung = sum(note.midi is not None for note in notes)
        edit.did("", f"'{name}' gets {sung} rough notes.", item=name)
        changed += 1
    return changed


def change_notes(
    edit: DatasetEdit,
    change: Callable[[TableRow, tuple[Note, ...]], tuple[Note, ...]],
    what: str,
) -> int:
    """Pass the notes of every row through a function.

    Args:
        edit: of the dataset.
        change: row and its notes -> new notes.
        what: a few words on what it does.

    Returns:
        Number of rows changed; the edit says why others were not.
    """
    changed = 0
    for row in edit.rows:
        if not edit.cell(row, "note_seq").strip():
            continue
        try:
            old = read_notes(edit, row)
            new = change(row, old)
        except SingwizError as error:
            edit.refuse("", error.message, item=edit.item(row))
            continue
        before = [edit.cell(row, column) for column in ("note_seq", "note_dur")]
        if [note_name(n.midi) for n in new] == before[0].split() and (
            seconds_text([n.seconds for n in new]) == before[1]
        ):
            continue
        write_notes(edit, row, new)
        edit.did("", f"'{edit.item(row)}': {what}.", item=edit.item(row))
        changed += 1
    return changed


def align_notes(edit: DatasetEdit) -> int:
    """Cut and stretch notes so that words and notes begin together."""

    def align(row: TableRow, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        durations = word_durations(_durations(edit, row), _words(edit, row))
        return align_to_words(notes, durations)

    return change_notes(edit, align, "notes begin with their words")


def merge_short_notes(edit: DatasetEdit, shortest: float = SHORTEST_NOTE) -> int:
    """Merge notes of a word that are shorter than ``shortest`` (s) into their neighbours."""
    return change_notes(
        edit, lambda _, notes: remove_short_slurs(notes, shortest), "short notes merged"
    )


def read_notes(edit: DatasetEdit, row: TableRow) -> tuple[Note, ...]:
    """The notes of a row.

    Raises:
        SingwizError: they cannot be read.
    """
    names = edit.cell(row, "note_seq").split()
    durations = _numbers(edit.cell(row, "note_dur"))
    slurs = edit.cell(row, "note_slur").split()
    if len(names) != len(durations) or (slurs and len(slurs) != len(names)):
        raise SingwizError(
            "notes-do-not-fit",
            f"It has {len(names)} notes, {len(durations)} lengths and {len(slurs)} slurs.",
            hint="Correct note_seq and note_dur first.",
        )
    return tuple(
        Note(parse_note(name), seconds, bool(slurs) and slurs[k] == "1")
        for k, (name, seconds) in enumerate(zip(names, durations, strict=True))
    )


def write_notes(edit: DatasetEdit, row: TableRow, notes: Sequence[Note]) -> None:
    """Put notes into a row; glides survive only if their number stays the same."""
    edit.set(row, "note_seq", [note_name(note.midi) for note in notes])
    edit.set(row, "note_dur", seconds_text([note.seconds for note in notes]))
    edit.set(row, "note_slur", [int(note.slur) for note in notes])
    glides = edit.cell(row, "note_glide").split()
    if glides and len(glides) != len(notes):
        edit.set(row, "note_glide", "")


def _words(edit: DatasetEdit, row: TableRow) -> tuple[int, ...]:
    ph_seq = edit.cell(row, "ph_seq").split()
    try:
        sizes = tuple(int(token) for token in edit.cell(row, "ph_num").split())
    except ValueError:
        sizes = ()
    if not sizes or sum(sizes) != len(ph_seq) or min(sizes) < 1:
        raise SingwizError(
            "words-missing",
            "Its phonemes are not grouped into words (ph_num).",
            hint="Fill in the words first: singwiz labels words PROJECT",
        )
    if len(_durations(edit, row)) != len(ph_seq):
        raise SingwizError(
            "lengths-differ",
            "It has not as many durations as phonemes.",
            hint="Correct ph_dur first.",
        )
    return sizes


def _durations(edit: DatasetEdit, row: TableRow) -> list[float]:
    return _numbers(edit.cell(row, "ph_dur"))


def _numbers(cell: str) -> list[float]:
    try:
        values = [float(token) for token in cell.split()]
    except ValueError:
        values = [-1.0]
    if any(not 0 <= value < 1e6 for value in values):
        raise SingwizError(
            "number-invalid",
            "Its durations are not all numbers of seconds.",
            hint="Correct that row first.",
        )
    return values
