"""Fixes of transcriptions.csv as a file: encoding, separators, header, spaces, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...dictionary.text_files import INVISIBLE, ODD_SPACES, decode_text
from ...findings import Finding
from ..audio import AUDIO_SUFFIXES
from ..transcriptions import FILE_NAME
from .edits import DatasetEdit
from .registry import FixRun, dataset_fix

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_ODD_SPACE = re.compile(f"[{ODD_SPACES}]")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\Z")
_NUMBERS = ("ph_dur", "note_dur")


@dataset_fix("csv-encoding", title="Save as UTF-8", safe=True)
def save_as_utf8(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Decode the old encoding, write UTF-8; not if letters would be lost."""
    decoded = decode_text(edit.table.data)
    if decoded.is_utf8:
        return
    if "\ufffd" in decoded.text:
        why = f"Some bytes make no sense as {decoded.encoding}; save it as UTF-8 in an editor."
        edit.refuse("csv-encoding", why)
        return
    edit.table.must_be_rewritten()
    edit.did("csv-encoding", f"{FILE_NAME} is saved as UTF-8 instead of {decoded.encoding}.")


@dataset_fix("csv-bom", title="Remove the byte order mark", safe=True)
def remove_bom(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Write the file without the invisible mark."""
    if decode_text(edit.table.data).bom:
        edit.table.must_be_rewritten()
        edit.did("csv-bom", f"{FILE_NAME} is saved without the invisible mark at its start.")


@dataset_fix("csv-nul", title="Remove zero bytes", safe=True)
def remove_zeros(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Zero bytes carry nothing; a row that they spoilt is reported once they are gone."""
    if "\0" not in edit.table.text:
        return
    for row in edit.rows:
        edit.table.replace(row, [value.replace("\0", "") for value in row.values])
    edit.table.must_be_rewritten()
    edit.did("csv-nul", f"The zero bytes in {FILE_NAME} are removed.")


@dataset_fix("csv-separator", title="Separate the columns by commas", safe=True)
def use_commas(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Write commas; cells that contain some get quotation marks."""
    first = next((line for line in edit.table.text.split("\n") if line.strip()), "")
    if "," not in first and len(edit.columns) > 1:
        edit.table.must_be_rewritten()
        edit.did("csv-separator", f"The columns of {FILE_NAME} are separated by commas.")


@dataset_fix("column-name", title="Correct the names of columns", safe=True)
def correct_header(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Write the names that the reader took the misspelt ones for."""
    header = edit.table.header
    for k, (written, meant) in enumerate(zip(header, edit.columns, strict=True)):
        if written != meant:
            header[k] = meant
            edit.did("column-name", f"The column '{written}' is renamed to '{meant}'.")


@dataset_fix("odd-spaces", title="Replace odd spaces by plain ones", safe=True)
def plain_spaces(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Full-width and non-breaking spaces become plain, invisible characters go."""
    count = 0
    header = [_plain(name).strip() if _plain(name) != name else name for name in edit.table.header]
    if header != edit.table.header:
        edit.table.header[:] = header
        count += 1
    name_column = edit.table.index("name")
    for row in edit.rows:
        cleaned = [_plain(value) for value in row.values]
        if cleaned == row.values:
            continue
        count += 1
        if name_column is not None and name_column < len(cleaned):
            name = row.values[name_column]
            if cleaned[name_column] != name:
                cleaned[name_column] = _cleaned_name(edit, name)
        edit.table.replace(row, cleaned)
    if count:
        edit.did("odd-spaces", f"Invisible and full-width spaces are replaced in {count} line(s).")


def _cleaned_name(edit: DatasetEdit, name: str) -> str:
    """A name without odd spaces; its recording is renamed with it."""
    new = _plain(name).strip()
    rows = edit.find(name)
    if not new or edit.find(new) or len(rows) != 1:
        edit.refuse("odd-spaces", f"Without them there would be two items '{new}'.", item=name)
        return name
    if edit.audio_file(name) is None or any(new + s in edit.audio_files for s in AUDIO_SUFFIXES):
        return new
    edit.rename(rows[0], new)
    return new


def _plain(text: str) -> str:
    return _ODD_SPACE.sub(" ", _INVISIBLE.sub("", text))


def _has_comma_hint(finding: Finding) -> bool:
    return "comma" in finding.hint


@dataset_fix("number-invalid", title="Write decimal points", safe=True, acts_on=_has_comma_hint)
def decimal_points(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """``0,12`` becomes ``0.12``; any other bad number stays."""
    for row in run.rows(edit, findings):
        item = edit.item(row)
        for column in _NUMBERS:
            tokens = edit.cell(row, column).split()
            mended = [t.replace(",", ".") if _DECIMAL_COMMA.match(t) else t for t in tokens]
            if mended != tokens:
                edit.set(row, column, mended)
                edit.did("number-invalid", f"Decimal points in {column} of '{item}'.", item=item)
        tokens = edit.cell(row, "ph_dur").split()
        if any(not _is_number(token) for token in tokens):
            why = "Something else than a number stands there; only you can know what it should be."
            edit.refuse("number-invalid", why, item=item)


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True
