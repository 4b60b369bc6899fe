"""Fixes of names and of the files they stand for: renamed, found again, converted, dropped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ...errors import SingwizError
from ...findings import Finding, Place
from ..audio import AUDIO_SUFFIXES, probe_audio
from ..measure import measure
from ..raw import OTHER_AUDIO
from ..rows import check_name
from .edits import DatasetEdit
from .recipe import AudioRecipe
from .registry import FixRun, dataset_fix
from .table import TableRow

_UNUSABLE = re.compile(r"[:/\\\x00-\x1f\x7f]+")
_OPEN_HASH = re.compile(r"#(?!\d+\Z)")
_NUMBER = re.compile(r"\d+(\.0+)?\Z|\d(\.\d+)?[eE]\+?\d+\Z")
_LONGEST = 120


@dataset_fix("name-duplicate", title="Drop repeated rows", safe=True)
def drop_repeated_rows(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Of equal rows one stays; of different ones the first, if that is asked for."""
    first: dict[str, TableRow] = {}
    wanted = {finding.place.item for finding in findings}
    for row in edit.rows:
        name = edit.item(row)
        if first.setdefault(name, row) is row or (wanted != {""} and name not in wanted):
            continue
        if _same(row, first[name]):
            edit.drop(row)
            edit.did("name-duplicate", f"The second, equal row of '{name}' is dropped.", item=name)
            continue
        what = f"keep the first row of '{name}' and drop line {row.line}, which says something else"
        if run.may(edit, "name-duplicate", f"{what}.", item=name):
            edit.drop(row)
            what = f"Line {row.line}, the second row of '{name}', is dropped."
            edit.did("name-duplicate", what, item=name, safe=False)


def _same(row: TableRow, other: TableRow) -> bool:
    ours, theirs = ([v.split() for v in r.values if v.strip()] for r in (row, other))
    return ours == theirs


@dataset_fix("name-case-duplicate", title="Rename one of two names", safe=False)
def rename_case_twins(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """The later of two names that differ only in case gets a number."""
    seen: dict[str, str] = {}
    wanted = {finding.place.item for finding in findings}
    for row in edit.rows:
        name = edit.item(row)
        twin = seen.setdefault(name.casefold(), name)
        if twin == name or name not in wanted:
            continue
        new = edit.free_name(name)
        if run.may(edit, "name-case-duplicate", f"rename '{name}' to '{new}'.", item=name):
            edit.rename(row, new)
            what = f"'{name}' is renamed to '{new}', because there is '{twin}'."
            edit.did("name-case-duplicate", what, item=name, safe=False)


@dataset_fix("name-extension", title="Take the extension out of the name", safe=True)
def strip_extension(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """``song.wav`` becomes ``song`` where the file ``song.wav`` exists."""
    for row in run.rows(edit, findings):
        name = edit.item(row)
        if name in edit.audio_files and name.lower().endswith(AUDIO_SUFFIXES):
            stem = Path(name).stem
            _rename_row(edit, row, stem, "name-extension", f"'{name}' becomes '{stem}'.")


@dataset_fix("name-mangled", title="Restore names from the files", safe=True)
def restore_names(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """``1`` becomes ``00001`` again if that is the only recording it can mean."""
    by_number: dict[int, list[str]] = {}
    for stem in _unclaimed_stems(edit):
        by_number.setdefault(int(stem), []).append(stem)
    for row in run.rows(edit, findings):
        name = edit.item(row)
        if edit.audio_file(name) or not _NUMBER.match(name):
            continue
        matches = by_number.get(_whole_number(name), [])
        if len(matches) == 1:
            what = f"'{name}' is called '{matches[0]}' again, like its recording."
            _rename_row(edit, row, matches[0], "name-mangled", what)
        elif matches:
            why = f"It could be any of {', '.join(matches[:4])}."
            edit.refuse("name-mangled", why, item=name)


def _unclaimed_stems(edit: DatasetEdit) -> list[str]:
    """Stems of recordings that are numbers, and that no row names."""
    stems = {Path(file).stem for file in edit.audio_files if file.endswith(AUDIO_SUFFIXES)}
    # Numbers of a thousand digits are no file of a spreadsheet user, and slow to read.
    return sorted(s for s in stems if s.isdecimal() and len(s) < 30 and not edit.find(s))


def _whole_number(name: str) -> int:
    """What a spreadsheet's number says; -1 if it is no whole number."""
    try:
        number = float(name)
    except ValueError:
        return -1
    return int(number) if number.is_integer() else -1


@dataset_fix("name-illegal", title="Give unusable names usable ones", safe=True)
def legal_names(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Row, recording and DS file get a name that every system can use."""
    wanted = {finding.place.line for finding in findings}
    for row in edit.rows:
        name = edit.item(row)
        if not name.strip() or (row.line not in wanted and None not in wanted):
            continue
        if not check_name(name, Place(item=name)):
            continue
        legal = _legal(name)
        stripped = name.strip()
        if stripped != name and edit.audio_file(stripped) and not edit.find(stripped):
            new = stripped
        else:
            new = edit.free_name(legal)
        source = _in_subfolder(edit, name)
        edit.rename(row, new)
        if source is not None:
            edit.set_audio(new + source.suffix, AudioRecipe(source))
        shown = repr(name[:60])
        edit.did("name-illegal", f"{shown} is renamed to '{new}', file included.", item=new)


def _legal(name: str) -> str:
    legal = _OPEN_HASH.sub("_", _UNUSABLE.sub("_", name.strip()))[:_LONGEST].strip(" .")
    if not legal.strip("_"):
        return "item"
    # What remains is a name that Windows keeps for itself.
    return legal if not check_name(legal, Place(item=legal)) else f"{legal.replace('.', '_')}_"


def _in_subfolder(edit: DatasetEdit, name: str) -> Path | None:
    """The recording of a name such as ``take1/song``, if it lies inside ``wavs``."""
    parts = name.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") or set(part) & set(":\\\0") for part in parts):
        return None
    wavs = edit.base / "wavs"
    for suffix in AUDIO_SUFFIXES:
        path = wavs.joinpath(*parts[:-1], parts[-1] + suffix)
        try:
            if path.is_file() and path.resolve().is_relative_to(wavs.resolve()):
                return path
        except (OSError, RuntimeError, ValueError):
            continue
    return None


@dataset_fix("audio-missing", title="Find the recording, or drop the row", safe=True)
def find_recordings(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """A file whose name differs in case, accents or extension is renamed, else the row goes."""
    if not edit.audio_files:
        edit.refuse("audio-missing", "There are no recordings at all; is it the right folder?")
        return
    claimed = {edit.audio_file(edit.item(row)) for row in edit.rows}
    free: dict[str, list[str]] = {}
    for file in edit.audio_files:
        if file not in claimed:
            free.setdefault(_loose(file), []).append(file)
    for row in run.rows(edit, findings):
        name = edit.item(row)
        if edit.audio_file(name) is not None or not name.strip():
            continue
        files = [file for s in AUDIO_SUFFIXES for file in free.get(_loose(name + s), ())]
        if len(files) == 1:
            new = name + Path(files[0]).suffix.lower()
            try:
                edit.rename_audio(files[0], new)
            except SingwizError as error:
                edit.refuse("audio-missing", error.message, item=name)
                continue
            edit.did("audio-missing", f"'{files[0]}' is used as '{new}'.", item=name)
        elif files:
            edit.refuse("audio-missing", f"It could be any of {', '.join(files[:4])}.", item=name)
        elif run.may(edit, "audio-missing", f"drop the row of '{name}'.", item=name):
            edit.drop(row)
            what = f"The row of '{name}' is dropped: it has no recording."
            edit.did("audio-missing", what, item=name, safe=False)


@dataset_fix("audio-other-format", title="Convert to WAV", safe=True)
def convert(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """MP3, OGG, AIFF and whatever else can be decoded becomes WAV."""
    by_name: dict[str, list[str]] = {}
    for file in edit.audio_files:
        by_name.setdefault(_loose(file), []).append(file)
    for row in run.rows(edit, findings):
        name = edit.item(row)
        if edit.audio_file(name) is not None:
            continue
        others = [file for s in OTHER_AUDIO for file in by_name.get(_loose(name + s), ())]
        if not others:
            continue
        recipe = edit.audio(others[0])
        try:
            probe_audio(recipe.source)
            edit.set_audio(f"{name}.wav", recipe)
        except SingwizError:
            why = f"'{others[0]}' cannot be decoded here; convert it with an audio editor."
            edit.refuse("audio-other-format", why, item=name)
            continue
        edit.did("audio-other-format", f"'{others[0]}' is converted to WAV.", item=name)


@dataset_fix("audio-identical", title="Keep one of identical recordings", safe=True)
def drop_identical(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """With equal labels too, the later item is a copy; with other labels one has to choose."""
    first: dict[str, TableRow] = {}
    for row in edit.rows:
        file = edit.audio_file(edit.item(row))
        if file is None or len(edit.find(edit.item(row))) > 1:
            continue
        measures = measure(edit.audio(file).source)
        if measures.error is not None or not measures.finite:
            continue
        twin = first.setdefault(measures.fingerprint, row)
        if twin is row:
            continue
        name, kept = edit.item(row), edit.item(twin)
        same = all(
            edit.cell(row, column).split() == edit.cell(twin, column).split()
            for column in edit.columns
            if column != "name"
        )
        what = f"drop '{name}', the same recording as '{kept}' with other labels."
        if same or run.may(edit, "audio-identical", what, item=name):
            edit.drop(row)
            what = f"'{name}' is dropped: it is the same recording as '{kept}'."
            edit.did("audio-identical", what, item=name, safe=same)


@dataset_fix(
    "audio-silent",
    "audio-unreadable",
    "audio-empty",
    "audio-truncated",
    "audio-not-finite",
    title="Leave out unusable recordings",
    safe=False,
)
def leave_out(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Rows whose recording is damaged or silent are dropped."""
    for finding in findings:
        if not finding.place.item:
            continue
        for row in edit.find(finding.place.item):
            name = edit.item(row)
            file = edit.audio_file(name)
            measures = measure(edit.audio(file).source) if file else None
            if measures is None or (
                measures.error is None and measures.finite and measures.rms >= run.limits.silence
            ):
                continue
            if run.may(edit, finding.code, f"drop '{name}'.", item=name):
                edit.drop(row)
                what = f"'{name}' is dropped: its recording cannot be used."
                edit.did(finding.code, what, item=name, safe=False)


def _rename_row(edit: DatasetEdit, row: TableRow, name: str, code: str, what: str) -> None:
    """Correct the name in a row; its recording has that name already."""
    old = edit.item(row)
    if edit.find(name):
        edit.refuse(code, f"There already is a row named '{name}'.", item=old)
        return
    edit.set(row, "name", name)
    edit.did(code, what, item=name)


def _loose(file: str) -> str:
    """File name without differences of case and Unicode form."""
    return unicodedata.normalize("NFC", file).casefold()
