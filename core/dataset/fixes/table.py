"""The rows of transcriptions.csv for changing them: nothing that was in the file gets lost.

Unlike the reader of :mod:`..transcriptions`, which only hands out usable rows, this keeps
every cell of every row, known column or not. Writing gives UTF-8, commas and ``\\n``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...dictionary.text_files import decode_text
from ...errors import SingwizError
from ..transcriptions import FILE_NAME, OPTIONAL, REQUIRED, read_transcriptions

ORDER = REQUIRED + OPTIONAL
"""Known columns, in the order in which DiffSinger's tools write them."""

_MAX_BYTES = 512 * 2**20
_MAX_CELL = 2**24


@dataclass(eq=False)
class TableRow:
    """One row: the line it started in (1-based; 0 for new rows) and all its cells in order."""

    line: int
    values: list[str]


@dataclass
class Table:
    """A whole file.

    Attributes:
        header: column names as they will be written.
        columns: what the columns mean, misspelt names corrected; as long as ``header``.
        rows: all rows, broken ones included.
        data: the bytes as read; empty if there was no file.
        text: the same, decoded.
    """

    header: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[TableRow] = field(default_factory=list)
    data: bytes = b""
    text: str = ""
    _read_as: tuple[object, ...] = ()
    _named: dict[str, list[TableRow]] | None = None

    def index(self, column: str) -> int | None:
        """Position of a column; of two equal ones the first counts."""
        return self.columns.index(column) if column in self.columns else None

    def get(self, row: TableRow, column: str) -> str:
        """A cell; empty if the row or the table has none."""
        k = self.index(column)
        return row.values[k] if k is not None and k < len(row.values) else ""

    def set(self, row: TableRow, column: str, value: str) -> None:
        """Change a cell; a new column is made where it belongs."""
        k = self.index(column)
        if k is None:
            k = self._add_column(column)
        values = row.values + [""] * (k + 1 - len(row.values))
        values[k] = value
        self.replace(row, values)

    def replace(self, row: TableRow, values: list[str]) -> None:
        """Change all cells of a row."""
        old = self.get(row, "name")
        row.values = values
        new = self.get(row, "name")
        if self._named is not None and old != new:
            self._forget(row, old)
            self._named.setdefault(new, []).append(row)

    def named(self, name: str) -> list[TableRow]:
        """The rows of this name, in file order except for renamed ones."""
        if self._named is None:
            self._named = {}
            for row in self.rows:
                self._named.setdefault(self.get(row, "name"), []).append(row)
        return self._named.get(name, [])

    def names(self) -> Iterable[str]:
        """All names that rows have."""
        self.named("")
        return self._named or ()

    def append(self, row: TableRow) -> None:
        """Add a row at the end."""
        self.rows.append(row)
        if self._named is not None:
            self._named.setdefault(self.get(row, "name"), []).append(row)

    def remove(self, row: TableRow) -> None:
        """Take a row out."""
        self.rows.remove(row)
        if self._named is not None:
            self._forget(row, self.get(row, "name"))

    def _forget(self, row: TableRow, name: str) -> None:
        rows = [other for other in self.named(name) if other is not row]
        if self._named is not None:
            self._named[name] = rows
            if not rows:
                del self._named[name]

    def _add_column(self, column: str) -> int:
        k = len(self.columns)
        if column in ORDER:
            later = ORDER[ORDER.index(column) + 1 :]
            k = min((i for i, name in enumerate(self.columns) if name in later), default=k)
            earlier = ORDER[: ORDER.index(column)]
            k = max((i + 1 for i, n in enumerate(self.columns) if n in earlier), default=k)
        self.columns.insert(k, column)
        self.header.insert(k, column)
        for row in self.rows:
            if len(row.values) > k or any(row.values[k:]):
                row.values.insert(k, "")
        return k

    def content(self) -> bytes:
        """The file to write: the bytes as read if nothing was changed."""
        if not self.header or self._read_as == self._state():
            return self.data
        lines = io.StringIO(newline="")
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(row.values for row in self.rows)
        return lines.getvalue().encode("utf-8")

    def must_be_rewritten(self) -> None:
        """Write the file anew even if no cell changes (encoding, separator)."""
        self._read_as = ()

    def _state(self) -> tuple[object, ...]:
        return (tuple(self.header), tuple(tuple(row.values) for row in self.rows))


def read_table(path: Path) -> Table:
    """Read a transcriptions file with everything in it; an empty table if there is none.

    Raises:
        SingwizError: not a text file, or its quotation marks cannot be made sense of.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return Table()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise _unusable(path, f"cannot be read: {reason}") from None
    read = read_transcriptions(path)
    for finding in read.findings:
        if finding.code in ("transcriptions-not-text", "transcriptions-unreadable"):
            raise _unusable(path, "is not a text file that could be changed")
    text = decode_text(data).text
    table = Table(data=data, text=text)
    header_line = next((line for line in text.split("\n") if line.strip()), "")
    separator = ","
    if "," not in header_line:
        separator = next((sign for sign in ";\t|" if sign in header_line), ",")
    csv.field_size_limit(_MAX_CELL)
    # A crash while saving leaves a tail of zero bytes; the reader ignores it as well.
    body = text.rstrip("\0\n") + "\n"
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise _unusable(path, f"cannot be understood in line {line} ({error})") from None
        if not any(value.strip() for value in values):
            continue
        if table.header:
            table.rows.append(TableRow(line, values))
        else:
            table.header = values
    corrected: Sequence[str] = read.columns
    table.columns = list(corrected if len(corrected) == len(table.header) else table.header)
    table._read_as = table._state()
    return table


def _unusable(path: Path, what: str) -> SingwizError:
    return SingwizError(
        "transcriptions-unusable",
        f"The file {FILE_NAME} {what}.",
        hint="Open it in a text editor, correct that place and save it as UTF-8.",
        where=str(path),
    )
