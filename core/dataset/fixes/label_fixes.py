"""Fixes of what the labels say: units, phonemes without length, notes, names of silence."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ...dictionary.suggestions import BREATH_NAMES, SILENCE_NAMES
from ...errors import SingwizError
from ...findings import Finding
from .edits import DatasetEdit
from .recipe import recorded_seconds
from .registry import FixRun, dataset_fix
from .table import TableRow
from .timeline import read_timeline, write_timeline

_HTK_MEDIAN = 50000.0
"""A median duration above this is in units of 100 ns, below it in milliseconds."""

_TIME_COLUMNS = ("ph_dur", "note_dur")


@dataset_fix("duration-unit", title="Convert the durations to seconds", safe=True)
def convert_units(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Milliseconds or 100 ns units become seconds, if that then fits the recordings."""
    medians = {}
    for row in edit.rows:
        timeline = read_timeline(edit, row)
        if timeline is None:
            continue
        whole = all(value >= 100 and value == round(value) for value in timeline.ph_dur)
        median = statistics.median(timeline.ph_dur)
        if median > run.limits.unit_median or whole:
            medians[id(row)] = median
    if not medians:
        return
    factor = 1e7 if statistics.median(medians.values()) > _HTK_MEDIAN else 1e3
    rows = [row for row in edit.rows if id(row) in medians]
    fits = _fit(edit, rows, factor)
    unit = "100 ns units" if factor == 1e7 else "milliseconds"
    if not fits and not run.may(edit, "duration-unit", f"divide all durations by {factor:.0f}."):
        return
    for row in rows:
        for column in _TIME_COLUMNS:
            tokens = edit.cell(row, column).split()
            try:
                edit.set(row, column, [_decimal(float(token) / factor) for token in tokens])
            except ValueError:
                continue
    what = f"The durations of {len(rows)} item(s) are converted from {unit} to seconds."
    edit.did("duration-unit", what, safe=fits)


def _decimal(seconds: float) -> str:
    """Seven digits, because 100 ns is the finest unit labels come in."""
    return f"{seconds:.7f}".rstrip("0").rstrip(".") or "0"


def _fit(edit: DatasetEdit, rows: Sequence[TableRow], factor: float) -> bool:
    """Whether most recordings are as long as their labels in the new unit."""
    ratios = []
    for row in rows:
        timeline, file = read_timeline(edit, row), edit.audio_file(edit.item(row))
        if timeline is None or file is None:
            continue
        try:
            ratios.append(timeline.seconds / factor / recorded_seconds(edit.audio(file)))
        except (SingwizError, ZeroDivisionError):
            continue
    return bool(ratios) and 0.8 < statistics.median(ratios) < 1.25


@dataset_fix("duration-zero", title="Merge phonemes without length", safe=True)
def merge_empty(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """A pause of no length, or a doubled phoneme, goes; other sounds go if that is asked for."""
    for row in run.rows(edit, findings):
        timeline, item = read_timeline(edit, row), edit.item(row)
        if timeline is None:
            continue
        removed: list[str] = []
        safe = True
        for k in reversed(range(len(timeline.ph_seq))):
            if timeline.ph_dur[k] >= run.limits.zero_duration:
                continue
            symbol = timeline.ph_seq[k]
            beside = timeline.ph_seq[max(k - 1, 0) : k] + timeline.ph_seq[k + 1 : k + 2]
            idle = symbol in beside or symbol.rpartition("/")[2] in ("SP", "AP")
            what = f"remove '{symbol}', which has no length, from '{item}'."
            if not idle and not run.may(edit, "duration-zero", what, item=item):
                continue
            if timeline.remove(k):
                removed.append(symbol)
                safe = safe and idle
            else:
                why = f"'{symbol}' is a word with a note of its own; lengthen it in an editor."
                edit.refuse("duration-zero", why, item=item)
        if removed:
            write_timeline(edit, row, timeline)
            names = " ".join(reversed(removed))
            what = f"{names} without length is merged with its neighbours in '{item}'."
            edit.did("duration-zero", what, item=item, safe=safe)


@dataset_fix("note-length", title="Let the last rest end with the phonemes", safe=True)
def scale_last_rest(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """The last note takes up the difference if it is a rest and stays longer than nothing."""
    for row in run.rows(edit, findings):
        timeline, item = read_timeline(edit, row), edit.item(row)
        if timeline is None or not timeline.note_seq:
            continue
        difference = timeline.seconds - sum(timeline.note_dur)
        if abs(difference) < 1e-4:
            continue
        if timeline.note_seq[-1] != "rest" or timeline.note_dur[-1] + difference < 0.01:
            why = "The difference is not in a rest at the end; align the notes with the words."
            edit.refuse("note-length", why, item=item)
            continue
        timeline.note_dur[-1] += difference
        write_timeline(edit, row, timeline)
        how = "longer" if difference > 0 else "shorter"
        what = f"The last rest of '{item}' becomes {abs(difference):.3f} s {how}."
        edit.did("note-length", what, item=item)


def _alias(symbol: str) -> str | None:
    """What another program's name for silence or breath is called here."""
    bare = symbol.rpartition("/")[2].strip("<>[]()").casefold()
    if bare in SILENCE_NAMES:
        return "SP"
    return "AP" if bare in BREATH_NAMES else None


def _is_alias(finding: Finding) -> bool:
    return _alias(finding.place.symbol) is not None


@dataset_fix(
    "unknown-phoneme", title="Rename silence to SP and breath to AP", safe=True, acts_on=_is_alias
)
def rename_aliases(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Well-known names of silence and breath are replaced in rows and DS files."""
    names = {f.place.symbol: alias for f in findings if (alias := _alias(f.place.symbol))}
    for finding in findings:
        if finding.place.symbol not in names:
            why = "Choose what it should be in the dictionary step, or with 'singwiz dictionary'."
            edit.refuse("unknown-phoneme", why, item=finding.place.item)
    counts = rename_symbols_everywhere(edit, names)
    for old, count in counts.items():
        if count:
            what = f"'{old}' is renamed to '{names[old]}', {count} time(s)."
            edit.did("unknown-phoneme", what)


def rename_symbols_everywhere(edit: DatasetEdit, names: dict[str, str]) -> dict[str, int]:
    """Rename symbols exactly as written in all rows and DS files; how often each was found."""
    counts = dict.fromkeys(names, 0)

    def renamed(text: str) -> list[str]:
        tokens = text.split()
        for token in tokens:
            if token in counts:
                counts[token] += 1
        return [names.get(token, token) for token in tokens]

    for row in edit.rows:
        cell = edit.cell(row, "ph_seq")
        new = renamed(cell)
        if new != cell.split():
            edit.set(row, "ph_seq", new)
    for file in edit.ds_files:
        try:
            segments = edit.read_ds(file)
        except SingwizError:
            continue  # the check says what is wrong with it
        changed = False
        for segment in segments:
            text = segment.get("ph_seq")
            if isinstance(text, str) and (new := renamed(text)) != text.split():
                segment["ph_seq"] = " ".join(new)
                changed = True
        if changed:
            edit.write_ds(file, segments)
    return counts
