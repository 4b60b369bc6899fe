"""Reading ``transcriptions.csv`` as it comes: encodings, separators, headers, ragged rows.

Everything wrong becomes a finding and reading goes on as far as it makes sense. What the
cells mean is the business of :mod:`.rows`.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..dictionary.text_files import INVISIBLE, ODD_SPACES, decode_text
from ..findings import Finding, Place
from .checks.rules import report, some

FILE_NAME = "transcriptions.csv"
REQUIRED = ("name", "ph_seq", "ph_dur")
OPTIONAL = ("ph_num", "note_seq", "note_dur", "note_slur", "note_glide")

_MAX_BYTES = 512 * 2**20
_MAX_CELL = 2**24
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_ODD = re.compile(f"[{INVISIBLE}{ODD_SPACES}]")

_OTHER_NAMES = {
    "name": {"names", "file", "filename", "item", "itemname", "wav", "wavname", "id", "stem"},
    "ph_seq": {"phseqs", "phonemes", "phoneme", "phones", "phone", "phonemeseq", "phs"},
    "ph_dur": {"phdurs", "durations", "duration", "dur", "durs", "phonemedur", "phdurseq"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it starts in (1-based) and its cells by column name."""

    line: int
    cells: dict[str, str]


@dataclass
class Transcriptions:
    """A read file.

    Attributes:
        columns: header as DiffSinger would need it, misspelt names corrected.
        rows: rows with at least one non-empty cell.
        findings: what is wrong with the file as such.
    """

    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def report(self, code: str, message: str, *, line: int | None = None, hint: str = "") -> None:
        """Add a finding about the file."""
        place = Place(file=FILE_NAME, line=line)
        self.findings.append(report(code, message, place, hint=hint or None))


def read_transcriptions(path: Path, *, required: Sequence[str] = REQUIRED) -> Transcriptions:
    """Read a transcriptions file; never raises for what is in it.

    Args:
        path: of the file.
        required: columns without which no row can be used.
    """
    result = Transcriptions()
    text = _read_text(path, result)
    if text is None:
        return result
    lines = text.split("\n")
    header_line = next((k for k, line in enumerate(lines) if line.strip()), None)
    if header_line is None:
        result.report("transcriptions-empty", f"{FILE_NAME} is empty.", line=1)
        return result
    separator = _separator(lines[header_line], header_line + 1, result)
    table = _table(text, separator, result)
    line, header = next(table, (1, []))
    result.columns = _columns(header, line, result, required)
    if not set(required) <= set(result.columns):
        return result
    for line, cells in table:
        _add_row(result, line, cells)
    if not result.rows:
        result.report("transcriptions-empty", f"{FILE_NAME} has a header but no rows.", line=1)
    return result


def _read_text(path: Path, result: Transcriptions) -> str | None:
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        result.report("transcriptions-unreadable", f"{FILE_NAME} cannot be read: {reason}.")
        return None
    if len(data) > _MAX_BYTES:
        size = _MAX_BYTES // 2**20
        result.report("transcriptions-not-text", f"{FILE_NAME} is larger than {size} MB.")
        return None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        result.report("transcriptions-not-text", f"{FILE_NAME} is a spreadsheet document, not CSV.")
        return None
    decoded = decode_text(data)
    text = decoded.text
    if _looks_binary(text):
        result.report("transcriptions-not-text", f"{FILE_NAME} is not a text file.")
        return None
    if not decoded.is_utf8:
        wrong = _first_line_outside_ascii(text)
        result.report(
            "csv-encoding", f"{FILE_NAME} is saved as {decoded.encoding}, not as UTF-8.", line=wrong
        )
    if decoded.bom:
        result.report("csv-bom", f"{FILE_NAME} starts with an invisible mark (BOM).", line=1)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        result.report("csv-nul", f"{FILE_NAME} contains zero bytes.", line=line)
        # A crash while saving leaves a tail of them; inside a row they spoil that row.
        text = text.rstrip("\0\n") + "\n"
    odd = _ODD.search(text)
    if odd:
        _report_odd_spaces(text, result)
    return text


def _looks_binary(text: str) -> bool:
    head = text[:8192]
    control = sum(char < " " and char not in "\t\n\0" for char in head)
    return bool(head) and (
        control > 0.05 * len(head) or head.count("\0") + head.count("\ufffd") > 0.3 * len(head)
    )


def _first_line_outside_ascii(text: str) -> int:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.isascii():
            return number
    return 1


def _report_odd_spaces(text: str, result: Transcriptions) -> None:
    places = [k for k, line in enumerate(text.split("\n"), start=1) if _ODD.search(line)]
    result.report(
        "odd-spaces",
        f"{len(places)} line(s) of {FILE_NAME} contain invisible or full-width spaces.",
        line=places[0],
    )


def _separator(header: str, line: int, result: Transcriptions) -> str:
    if "," not in header:
        for separator, spoken in _SEPARATORS.items():
            if separator in header:
                result.report(
                    "csv-separator",
                    f"The columns of {FILE_NAME} are separated by {spoken}, not by commas.",
                    line=line,
                )
                return separator
    return ","


def _table(text: str, separator: str, result: Transcriptions) -> Iterator[tuple[int, list[str]]]:
    """Non-empty rows with the line they start in."""
    # Python refuses cells over 128 KiB unless told otherwise; a row can hold a whole concert.
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            result.report("csv-quote", f"The row cannot be read: {error}.", line=start)
            return
        if any(cell.strip() for cell in cells):
            yield start, cells


def _columns(
    header: list[str], line: int, result: Transcriptions, required: Sequence[str]
) -> tuple[str, ...]:
    """Column names with misspelt ones corrected; reports what had to be corrected."""
    columns = [name if name in REQUIRED + OPTIONAL else _ODD.sub("", name) for name in header]
    for wanted in REQUIRED + OPTIONAL:
        if wanted in columns:
            continue
        found = _misspelt(wanted, columns)
        if found is not None:
            result.report(
                "column-name",
                f"The column '{wanted}' is called '{columns[found]}'.",
                line=line,
                hint=f"Rename the column to '{wanted}'.",
            )
            columns[found] = wanted
    missing = [name for name in required if name not in columns]
    if missing:
        there = some([name for name in header if name], limit=8) or "nothing"
        result.report(
            "column-missing",
            f"{FILE_NAME} has no column {some(missing)}; its first line has {there[:300]}.",
            line=line,
        )
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        result.report(
            "column-duplicate", f"The column {some(repeated)} is there more than once.", line=line
        )
    return tuple(columns)


def _misspelt(wanted: str, columns: list[str]) -> int | None:
    plain = wanted.replace("_", "")
    others = _OTHER_NAMES.get(wanted, set())
    forms = [re.sub(r"[^a-z]", "", unicodedata.normalize("NFKC", c).lower()) for c in columns]
    taken = set(REQUIRED + OPTIONAL)
    free = [k for k, column in enumerate(columns) if column not in taken]
    for k in free:
        if forms[k] == plain or forms[k] in others:
            return k
    if wanted in REQUIRED:
        for k in free:
            if len(forms[k]) < 16 and difflib.SequenceMatcher(None, forms[k], plain).ratio() >= 0.8:
                return k
    return None


def _add_row(result: Transcriptions, line: int, cells: list[str]) -> None:
    columns = result.columns
    if any("\n" in cell for cell in cells):
        result.report(
            "csv-quote",
            f"A quotation mark opened in line {line} is not closed in the same line.",
            line=line,
        )
        return
    if any(cell.strip() for cell in cells[len(columns) :]):
        result.report(
            "csv-extra-cells",
            f"Line {line} has {len(cells)} cells, but there are {len(columns)} columns.",
            line=line,
        )
        return
    # Reversed, so that the first of two equal columns wins.
    pairs = reversed(list(zip(columns, cells, strict=False)))
    result.rows.append(Row(line, dict(pairs)))
