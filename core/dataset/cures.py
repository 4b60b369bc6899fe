"""Cures of the mismatch desk put into an edit: labels in tables and DS files, and the choices.

What a cure means is worked out in :mod:`singwiz.core.dictionary.desk`; here it meets the rows
of a project. Nothing is written: the edit becomes a plan that can be looked at, applied as one
step, and undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..dictionary.desk import CHOICE_ACTIONS, LABEL_ACTIONS, Choices, changed_choices, relabel
from ..dictionary.mismatch import Mismatch
from ..dictionary.phonemes import PhonemeSet
from ..dictionary.relabel import Relabelled
from ..dictionary.suggestions import Suggestion
from ..errors import SingwizError
from .fixes.edits import DatasetEdit, ProjectEdit
from .fixes.table import TableRow
from .labels.sequence import seconds_text


def add_cures(
    edit: ProjectEdit,
    cures: Iterable[Suggestion],
    phoneme_set: PhonemeSet,
    mismatch: Mismatch,
) -> None:
    """Put cures into an edit, label cures first.

    Args:
        edit: of the project.
        cures: chosen suggestions; those only people can carry out are refused.
        phoneme_set: of the voice as it is.
        mismatch: of that set with the labels.

    Raises:
        SingwizError: a cure does not fit, or a file of the project cannot be used.
    """
    chosen = list(cures)
    for cure in chosen:
        if cure.action in LABEL_ACTIONS:
            for recordings in edit.project.state.datasets:
                _relabel_dataset(edit.dataset(recordings.name), cure, phoneme_set)
        elif cure.action not in CHOICE_ACTIONS:
            edit.refuse("", f"'{cure.symbol}': {cure.advice} Only you can do that.")
    _change_choices(edit, chosen, phoneme_set, mismatch)


def _relabel_dataset(edit: DatasetEdit, cure: Suggestion, phoneme_set: PhonemeSet) -> None:
    language = edit.recordings.language
    for row in edit.rows:
        count = _relabel_row(edit, row, cure, language, phoneme_set)
        if count:
            what = f"{_said(cure)} in '{edit.item(row)}', {count} time(s)."
            edit.did("", what, item=edit.item(row))
    for file in edit.ds_files:
        try:
            segments = edit.read_ds(file)
        except SingwizError as error:
            edit.refuse("", error.message, item=file.removesuffix(".ds"))
            continue
        counts = [_relabel_segment(s, cure, language, phoneme_set) for s in segments]
        if any(counts):
            edit.write_ds(file, segments)
            edit.did("", f"{_said(cure)} in '{file}', {sum(counts)} time(s).")


def _relabel_row(
    edit: DatasetEdit, row: TableRow, cure: Suggestion, language: str, phoneme_set: PhonemeSet
) -> int:
    old = {column: edit.cell(row, column) for column in ("ph_seq", "ph_dur", "ph_num")}
    new, count, why = _relabelled(old, cure, language, phoneme_set)
    if why:
        edit.refuse("", why, item=edit.item(row))
    for column, text in new.items():
        edit.set(row, column, text)
    return count


def _relabel_segment(
    segment: dict[str, Any], cure: Suggestion, language: str, phoneme_set: PhonemeSet
) -> int:
    old = {
        key: segment[key]
        for key in ("ph_seq", "ph_dur", "ph_num")
        if isinstance(segment.get(key), str)
    }
    own = segment.get("lang")
    spoken = own if isinstance(own, str) and own else language
    new, count, _ = _relabelled(old, cure, spoken, phoneme_set)
    segment.update(new)
    return count


def _relabelled(
    cells: Mapping[str, str], cure: Suggestion, language: str, phoneme_set: PhonemeSet
) -> tuple[dict[str, str], int, str]:
    """Changed cells, number of changed phonemes, and why nothing could be done, if so."""
    ph_seq = cells.get("ph_seq", "").split()
    if not ph_seq:
        return {}, 0, ""
    result = relabel(cure, ph_seq, language, phoneme_set)
    if not result.changed:
        return {}, 0, ""
    new = {"ph_seq": " ".join(result.ph_seq)}
    if len(result.ph_seq) == len(ph_seq):
        return new, len(result.changed), ""
    try:
        if cells.get("ph_dur", "").strip():
            durations = [float(token) for token in cells["ph_dur"].split()]
            new["ph_dur"] = _durations(cells["ph_dur"], result, durations)
        if cells.get("ph_num", "").strip():
            sizes = [int(token) for token in cells["ph_num"].split()]
            new["ph_num"] = " ".join(map(str, result.ph_num(sizes)))
    except ValueError:
        why = "its phonemes, durations and words do not belong together; correct that first"
        return {}, 0, why
    return new, len(result.changed), ""


def _durations(cell: str, result: Relabelled, durations: Sequence[float]) -> str:
    """The new cell; durations of phonemes that stay are kept as they were written."""
    tokens = cell.split()
    new = result.ph_dur(durations)
    alone = [result.owners.count(owner) == 1 for owner in result.owners]
    return " ".join(
        tokens[owner] if single else seconds_text([seconds])
        for owner, single, seconds in zip(result.owners, alone, new, strict=True)
    )


def _change_choices(
    edit: ProjectEdit,
    cures: Sequence[Suggestion],
    phoneme_set: PhonemeSet,
    mismatch: Mismatch,
) -> None:
    before = Choices(
        dict(edit.setting("dictionaries")),
        tuple(edit.setting("extra_phonemes")),
        tuple(tuple(group) for group in edit.setting("merged_phoneme_groups")),
    )
    after = changed_choices(cures, before, phoneme_set, mismatch)
    for language, name in after.dictionaries.items():
        if before.dictionaries.get(language) != name:
            edit.set(f"dictionaries.{language}", name)
            edit.did("", f"dictionary of '{language}': {name}")
    if after.extra_phonemes != before.extra_phonemes:
        edit.set("extra_phonemes", list(after.extra_phonemes))
        edit.did("", f"extra_phonemes: {', '.join(after.extra_phonemes) or 'none'}")
    if after.merged_phoneme_groups != before.merged_phoneme_groups:
        edit.set("merged_phoneme_groups", [list(group) for group in after.merged_phoneme_groups])
        edit.did("", "merged: " + "; ".join(" = ".join(g) for g in after.merged_phoneme_groups))
    for language, text in after.trimmed.items():
        edit.write_dictionary(language, text)
        edit.did("", f"a copy of the dictionary of '{language}' with what is sung")


def _said(cure: Suggestion) -> str:
    if cure.action == "migrate-labels":
        return f"labels converted to {cure.target}"
    return f"'{cure.symbol}' -> '{cure.target}'"
