"""Fixes of dictionaries, made in a copy that the project keeps; the original stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...dictionary.files import read_dictionary, resolve_dictionary
from ...dictionary.text_files import INVISIBLE, ODD_SPACES, decode_text
from ...errors import SingwizError
from ...findings import Finding
from .registry import FixRun, project_fix

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_ODD_SPACE = re.compile(f"[{ODD_SPACES}]")
_COMMENT = ("#", "//", ";")

_CODES = (
    "dictionary-encoding",
    "dictionary-bom",
    "dictionary-line",
    "dictionary-whitespace",
    "dictionary-duplicate",
)


@dataclass
class _Clean:
    """A dictionary's lines after cleaning, and what had to be done."""

    lines: list[str]
    done: dict[str, list[str]]
    risky: list[str]


@project_fix(*_CODES, title="Clean a copy of the dictionary", safe=True)
def clean_dictionary(run: FixRun, findings: Sequence[Finding]) -> None:
    """UTF-8 without BOM, one TAB, plain spaces, no line twice; in a copy inside the project."""
    code = findings[0].code
    files = {finding.place.file for finding in findings}
    for language, path in _dictionaries(run):
        if path.name not in files:
            continue
        try:
            text = _text(run, language, path)
            _, problems = read_dictionary(path, language)
        except (SingwizError, OSError) as error:
            run.edit.refuse(code, f"'{path.name}' cannot be read: {error}.")
            continue
        if code not in {problem.code for problem in problems}:
            continue
        clean = _clean(text, code)
        for what in clean.risky:
            if run.safe_only:
                why = f"Not done without being asked for: {what}"
                run.edit.refuse(code, why, item="", risky=True)
        if clean.risky and not run.safe_only:
            clean = _clean(text, code, risky=True)
        if code in ("dictionary-encoding", "dictionary-bom"):
            if "\ufffd" in text:
                run.edit.refuse(code, "Some bytes make no sense; save it as UTF-8 in an editor.")
                continue
            clean.done[code] = ["saved as UTF-8 without a mark in front"]
        if code in clean.done:
            run.edit.write_dictionary(language, "".join(f"{line}\n" for line in clean.lines))
            what = "; ".join(clean.done[code][:5])
            run.edit.did(code, f"In a copy of '{path.name}': {what}.", safe=not clean.risky)


def _dictionaries(run: FixRun) -> Iterator[tuple[str, Path]]:
    for language, name in run.project.state.dictionaries.items():
        try:
            yield language, resolve_dictionary(name, base=run.project.root)
        except SingwizError:
            continue  # a missing dictionary has a finding of its own


def _text(run: FixRun, language: str, path: Path) -> str:
    """The dictionary with the edits of this run so far."""
    written = run.edit.written_dictionary(language)
    return written if written is not None else decode_text(path.read_bytes()).text


def _clean(text: str, code: str, *, risky: bool = False) -> _Clean:
    """Apply one rule to every line; blank lines go along with it."""
    clean = _Clean([], {}, [])
    seen: dict[str, tuple[str, ...]] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line: str | None = raw
        if code == "dictionary-whitespace":
            line = _plain(raw)
            if line != raw:
                clean.done.setdefault(code, []).append(f"plain spaces in line {number}")
        elif code == "dictionary-line" and raw.strip():
            line = _mended(raw, number, clean, risky)
        elif code == "dictionary-duplicate":
            syllable, tab, rest = raw.partition("\t")
            entry = tuple(rest.split())
            if tab and seen.setdefault(syllable.strip(), entry) == entry:
                if syllable.strip() in clean.done.get("entries", ()):
                    clean.done.setdefault(code, []).append(f"line {number} dropped, a repetition")
                    line = None
                clean.done.setdefault("entries", []).append(syllable.strip())
        if line is not None and _INVISIBLE.sub("", line).strip():
            clean.lines.append(line)
    return clean


def _plain(raw: str) -> str:
    line = _ODD_SPACE.sub(" ", _INVISIBLE.sub("", raw))
    syllable, tab, rest = line.partition("\t")
    if not tab or "\t" in rest.strip():
        return line.rstrip()
    return f"{syllable.strip()}\t{' '.join(rest.split())}"


def _mended(raw: str, number: int, clean: _Clean, risky: bool) -> str | None:
    """A line that is not 'syllable TAB phonemes', made into one if it is clear what is meant."""
    line = _ODD_SPACE.sub(" ", _INVISIBLE.sub("", raw)).strip()
    fields = [field for field in line.split("\t") if field.strip()]
    done = clean.done.setdefault("dictionary-line", []) if _is_wrong(line) else []
    if not _is_wrong(line):
        return raw
    if len(fields) > 1 and not line.startswith("\t"):
        done.append(f"one TAB in line {number}")
        return f"{fields[0].strip()}\t{' '.join(' '.join(fields[1:]).split())}"
    tokens = line.split()
    if line.startswith(_COMMENT):
        what, new = f"drop line {number}, a comment", None
    elif len(tokens) > 1:
        what, new = (
            f"read line {number} as '{tokens[0]}' = '{' '.join(tokens[1:])}'",
            (f"{tokens[0]}\t{' '.join(tokens[1:])}"),
        )
    else:
        what, new = f"drop line {number} ('{line[:20]}'), which has no phonemes", None
    clean.risky.append(f"{what}.")
    if not risky:
        if not done:
            clean.done.pop("dictionary-line", None)
        return raw
    done.append(what)
    return new


def _is_wrong(line: str) -> bool:
    fields = line.split("\t")
    return len(fields) != 2 or not fields[0].strip() or not fields[1].split()
