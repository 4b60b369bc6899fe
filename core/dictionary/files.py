"""Dictionary files: finding them, reading them, and saying what is wrong with them.

One line per syllable: ``syllable TAB phoneme phoneme …``. Not for phoneme ids, which depend
on all dictionaries of a voice together (:mod:`.phonemes`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from ..errors import USAGE_PROBLEM, SingwizError
from ..findings import Finding, Place
from .rules import DICTIONARY_RULES
from .text_files import INVISIBLE, ODD_SPACES, decode_text

GLOBAL_PHONEMES = ("AP", "SP")
"""Breath and silence: part of every phoneme set, in no dictionary."""

LANGUAGE_TAG = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")

_MAX_BYTES = 64 * 2**20
_MAX_FINDINGS_PER_RULE = 50
_SPECIAL = re.compile(r"[@#&|<>]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_STRAY_SPACE = re.compile(f"[{INVISIBLE}{ODD_SPACES}]|^ | $|  | \t|\t ")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A read dictionary.

    Attributes:
        language: key in the config's ``dictionaries``.
        path: the file it was read from.
        entries: syllable -> phonemes; the first line wins where a syllable is repeated.
        phonemes: every phoneme of every line that DiffSinger would accept, so that ids agree
            with checkpoints trained elsewhere.
        sha256: of the file's bytes, hexadecimal.
    """

    language: str
    path: Path
    entries: dict[str, tuple[str, ...]]
    phonemes: frozenset[str]
    sha256: str


def shipped_dir() -> Path:
    """The folder of the preset dictionaries inside the installed package."""
    return Path(str(resources.files(__name__.partition(".")[0]) / "dictionaries"))


def list_dictionaries() -> list[str]:
    """Names of the shipped dictionaries, sorted."""
    return sorted(path.stem for path in shipped_dir().glob("*.txt"))


def resolve_dictionary(name_or_path: str, *, base: Path | None = None) -> Path:
    """The file behind a shipped name or a path.

    A path may be absolute, or relative to ``base`` (default: the working directory). A path
    that does not exist but ends in the file name of a shipped dictionary means that one,
    because DiffSinger configs name them ``dictionaries/<name>.txt``.

    Raises:
        SingwizError: there is no such dictionary.
    """
    shipped = set(list_dictionaries())
    if name_or_path in shipped:
        return shipped_dir() / f"{name_or_path}.txt"
    try:
        path = Path(name_or_path).expanduser()
        candidates = [base / path, path] if base is not None else [path]
        for candidate in candidates:
            if name_or_path and candidate.is_file():
                return candidate.absolute()
    except (OSError, ValueError, RuntimeError):
        path = Path("invalid")
    if path.suffix == ".txt" and path.stem in shipped:
        return shipped_dir() / path.name
    names = ", ".join(sorted(shipped))
    raise SingwizError(
        "dictionary-not-found",
        f"There is no dictionary '{name_or_path}'.",
        hint=f"Give the path of a dictionary file, or the name of a shipped one: {names}.",
        exit_code=USAGE_PROBLEM,
    )


def read_dictionary(path: Path, language: str) -> tuple[Dictionary, list[Finding]]:
    """Read a dictionary file and check every line.

    Args:
        path: the file; any encoding is read, anything but UTF-8 is reported.
        language: tag of the language, e.g. ``ja``.

    Returns:
        The dictionary made of the usable lines, and what is wrong, in the order of lines.

    Raises:
        SingwizError: the file cannot be read at all.
    """
    data = _read_bytes(Path(path))
    reader = _Reader(Path(path))
    if not LANGUAGE_TAG.match(language):
        reader.report("language-tag", f"'{language}' cannot be used as a language name.")
    decoded = decode_text(data)
    if not decoded.is_utf8:
        reader.report(
            "dictionary-encoding", f"The dictionary is saved as {decoded.encoding}, not as UTF-8."
        )
    if decoded.bom:
        reader.report("dictionary-bom", "The file starts with an invisible byte order mark.", 1)
    for number, line in enumerate(decoded.text.split("\n"), start=1):
        reader.line(number, line)
    reader.finish()
    dictionary = Dictionary(
        language=language,
        path=Path(path),
        entries=reader.entries,
        phonemes=frozenset(reader.phonemes),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return dictionary, _limited(reader.findings)


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise SingwizError(
            "dictionary-not-found",
            f"There is no dictionary file '{path}'.",
            hint="Check the path, or choose a shipped dictionary.",
            exit_code=USAGE_PROBLEM,
        ) from None
    except (OSError, ValueError) as error:
        raise SingwizError(
            "dictionary-unreadable",
            f"The dictionary '{path}' cannot be read: {error}.",
            hint="Check that it is a text file and that you may read it.",
            exit_code=USAGE_PROBLEM,
        ) from None
    if len(data) > _MAX_BYTES:
        raise SingwizError(
            "dictionary-too-large",
            f"'{path.name}' is larger than {_MAX_BYTES // 2**20} MB, no dictionary is.",
            hint="Check that the right file was chosen.",
            where=str(path),
        )
    return data


@dataclass
class _Reader:
    """Collects entries, phonemes and findings line by line."""

    path: Path
    entries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    phonemes: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    first_line: dict[str, int] = field(default_factory=dict)
    non_ascii: list[int] = field(default_factory=list)

    def report(self, code: str, message: str, line: int | None = None, symbol: str = "") -> None:
        place = Place(file=self.path.name, line=line, symbol=symbol)
        self.findings.append(DICTIONARY_RULES[code].finding(message, place))

    def line(self, number: int, raw: str) -> None:
        # DiffSinger strips the line, splits at TABs and wants exactly two fields.
        visible = _INVISIBLE.sub("", raw)
        fields = visible.strip().split("\t")
        if not visible.strip():
            return
        syllable = fields[0].strip()
        phonemes = tuple(fields[1].split()) if len(fields) > 1 else ()
        if len(fields) != 2 or not syllable or not phonemes:
            self.report("dictionary-line", _what_is_wrong(fields), number, syllable)
            return
        if _STRAY_SPACE.search(raw.rstrip("\n")):
            self.report(
                "dictionary-whitespace",
                f"The line of '{syllable}' has extra spaces or invisible characters.",
                number,
                syllable,
            )
        if not (syllable + "".join(phonemes)).isascii():
            self.non_ascii.append(number)
        self._check_syllable(number, syllable)
        usable = self._check_phonemes(number, syllable, phonemes)
        self.phonemes.update(usable)
        if len(usable) == len(phonemes):
            self._enter(number, syllable, phonemes)

    def _check_syllable(self, number: int, syllable: str) -> None:
        if "/" in syllable:
            self.report(
                "dictionary-slash-syllable",
                f"The syllable '{syllable}' contains '/'.",
                number,
                syllable,
            )
        if syllable in (*GLOBAL_PHONEMES, "<PAD>"):
            self.report(
                "dictionary-reserved",
                f"'{syllable}' cannot be a syllable.",
                number,
                syllable,
            )
        elif _SPECIAL.search(syllable):
            self.report(
                "dictionary-special-character",
                f"The syllable '{syllable}' contains one of @ # & | < >.",
                number,
                syllable,
            )
        if syllable == "-" or syllable.startswith("+"):
            self.report(
                "dictionary-slur-mark",
                f"The syllable '{syllable}' is read as a slur by editors.",
                number,
                syllable,
            )
        if syllable.startswith("."):
            self.report(
                "dictionary-leading-dot",
                f"The syllable '{syllable}' starts with a dot.",
                number,
                syllable,
            )

    def _check_phonemes(
        self, number: int, syllable: str, phonemes: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Report, and return those that DiffSinger would accept."""
        usable = []
        for phoneme in phonemes:
            if "/" in phoneme:
                self.report(
                    "dictionary-slash-phoneme",
                    f"The phoneme '{phoneme}' of '{syllable}' contains the reserved '/'.",
                    number,
                    phoneme,
                )
                continue
            usable.append(phoneme)
            if phoneme in self.phonemes:
                continue
            if phoneme == "<PAD>":
                self.report(
                    "dictionary-reserved", f"'{phoneme}' cannot be a phoneme.", number, phoneme
                )
            elif phoneme in GLOBAL_PHONEMES:
                self.report(
                    "dictionary-global-phoneme",
                    f"'{syllable}' lists {phoneme}, which every voice has anyway.",
                    number,
                    phoneme,
                )
            elif phoneme in ("-", "+"):
                self.report(
                    "dictionary-slur-mark",
                    f"The phoneme '{phoneme}' of '{syllable}' is an editor's slur mark.",
                    number,
                    phoneme,
                )
            elif _SPECIAL.search(phoneme):
                self.report(
                    "dictionary-special-character",
                    f"The phoneme '{phoneme}' of '{syllable}' contains one of @ # & | < >.",
                    number,
                    phoneme,
                )
        return tuple(usable)

    def _enter(self, number: int, syllable: str, phonemes: tuple[str, ...]) -> None:
        known = self.entries.setdefault(syllable, phonemes)
        first = self.first_line.setdefault(syllable, number)
        if first == number:
            return
        if known == phonemes:
            self.report(
                "dictionary-duplicate",
                f"'{syllable}' is listed twice, in lines {first} and {number}.",
                number,
                syllable,
            )
        else:
            self.report(
                "dictionary-conflict",
                f"'{syllable}' is '{' '.join(known)}' in line {first} "
                f"but '{' '.join(phonemes)}' in line {number}.",
                number,
                syllable,
            )

    def finish(self) -> None:
        """Findings about the dictionary as a whole."""
        if not self.phonemes:
            self.report("dictionary-empty", f"'{self.path.name}' has no usable entry.")
        if self.non_ascii:
            self.report(
                "dictionary-non-ascii",
                f"{len(self.non_ascii)} line(s) use characters outside plain Latin letters.",
                self.non_ascii[0],
            )
        same_look = _variants(self.phonemes, lambda name: unicodedata.normalize("NFKC", name))
        for group in same_look:
            self.report(
                "dictionary-look-alike",
                f"The phonemes {_quoted(group)} look the same but are stored differently.",
                symbol=group[0],
            )
        same_letters = _variants(self.phonemes, str.casefold)
        if same_letters:
            self.report(
                "dictionary-case",
                "Some phonemes differ only in upper and lower case: "
                + "; ".join(_quoted(group) for group in same_letters[:5])
                + ".",
            )


def _what_is_wrong(fields: list[str]) -> str:
    if len(fields) > 2:
        return f"The line of '{fields[0]}' has {len(fields) - 1} TABs instead of one."
    text = fields[0]
    if len(fields) == 1 and text.startswith(("#", "//", ";")):
        return "This looks like a comment; dictionary files cannot have comments."
    if len(fields) == 1 and len(text.split()) > 1:
        return f"'{text[:40]}' has spaces where a TAB should separate syllable and phonemes."
    return f"'{text[:40]}' has no phonemes."


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _variants(names: Iterable[str], form: Callable[[str], str]) -> list[list[str]]:
    """Groups of different names that share a form, sorted."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(form(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _limited(findings: list[Finding]) -> list[Finding]:
    """At most so many findings per rule: a wrong file has the same fault in every line."""
    seen: dict[str, int] = {}
    kept = []
    for finding in findings:
        seen[finding.code] = seen.get(finding.code, 0) + 1
        if seen[finding.code] <= _MAX_FINDINGS_PER_RULE:
            kept.append(finding)
    for code, count in seen.items():
        if count > _MAX_FINDINGS_PER_RULE:
            last = next(finding for finding in reversed(kept) if finding.code == code)
            kept.append(
                DICTIONARY_RULES[code].finding(
                    f"{count - _MAX_FINDINGS_PER_RULE} more lines have the same problem.",
                    Place(file=last.place.file),
                )
            )
    return kept
