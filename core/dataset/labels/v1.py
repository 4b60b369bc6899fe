"""``transcriptions.txt`` of the first DiffSinger versions: one recording per line, ``|`` between.

The fields are name, text, phonemes, notes and their lengths per phoneme, phoneme durations, and
slurs. Today's table keeps name, phonemes and durations; the notes were per phoneme and do not
fit today's notes per word.
"""

from __future__ import annotations

from dataclasses import dataclass

FILE_NAME = "transcriptions.txt"
_FIELDS = 7


@dataclass(frozen=True, slots=True)
class V1Row:
    """One recording: line of the file from 1, name, lyrics, phonemes and durations as written."""

    line: int
    name: str
    text: str
    ph_seq: str
    ph_dur: str


def read_v1(text: str) -> tuple[list[V1Row], list[tuple[int, str]]]:
    """Read all lines.

    Returns:
        The rows, and for every line that is none its number and what is wrong with it.
    """
    rows: list[V1Row] = []
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != _FIELDS:
            wrong.append((number, f"it has {len(fields)} fields instead of {_FIELDS}"))
        elif not fields[0]:
            wrong.append((number, "it has no name"))
        else:
            rows.append(V1Row(number, fields[0], fields[1], fields[2], fields[5]))
    return rows, wrong


def looks_like_v1(text: str) -> bool:
    """Whether the first line that is not empty has the seven fields."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return first.count("|") == _FIELDS - 1
