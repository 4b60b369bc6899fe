"""``dsdict.yaml``: which phonemes there are, which are vowels, and how words are sung.

Types come from the dictionaries' own syllables where those tell, else from a table of usual names;
what was guessed is marked, so that the user can correct it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..atomic import write_text
from ..dictionary import Dictionary, PhonemeKinds, PhonemeSet
from ..dictionary.files import GLOBAL_PHONEMES
from ..dictionary.kinds import ARPABET_LIQUIDS, ARPABET_VOWELS
from ..errors import USAGE_PROBLEM, SingwizError

TYPES = (
    "vowel",
    "semivowel",
    "liquid",
    "nasal",
    "stop",
    "affricate",
    "fricative",
    "aspirate",
)
"""What a phoneme can be. The first is sung on notes, the next two may open one."""

GLIDES = ("semivowel", "liquid")

_VOWEL_LETTERS = "aeiouyəɛɔɑæɪʊʌɐɒøœɨʉɯɤɜ@"
_NAMES = {
    "nasal": "m n ng ny my mw nn gn N",
    "affricate": "ch j jh ts dz zh c q tch",
    "fricative": "f v s sh th dh x hh z S Z fy vy",
    "aspirate": "h hy hw",
}
_GLIDING = {"semivowel": "w y", "liquid": "r l ry ly rr"}
_SILENT = frozenset(("cl", "q", "vf", "gs", "'", "kcl", "tcl", "pcl"))
"""Closures and stops of the voice: dictionaries list them like syllables, yet nothing sounds."""

_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class PhonemeType:
    """What a phoneme is.

    Attributes:
        type: of :data:`TYPES`.
        guessed: True if only its name told, or dictionary and name disagree.
    """

    type: str
    guessed: bool = False


def phoneme_types(
    phonemes: PhonemeSet,
    dictionaries: Mapping[str, Dictionary],
    *,
    corrections: Mapping[str, str] | None = None,
) -> dict[str, PhonemeType]:
    """The type of every phoneme of a voice, by its full name, sorted.

    Args:
        phonemes: of the voice.
        dictionaries: language -> dictionary.
        corrections: full name -> type; stronger than anything else.

    Raises:
        SingwizError: a correction names an unknown phoneme or type.
    """
    corrections = corrections or {}
    check_corrections(corrections, phonemes)
    kinds: dict[str, PhonemeKinds] = {}
    for language, dictionary in dictionaries.items():
        try:
            kinds[language] = PhonemeKinds.of_dictionary(dictionary)
        except SingwizError:
            continue
    simple = {
        language
        for language, dictionary in dictionaries.items()
        if all(len(sung) <= 2 for sung in dictionary.entries.values())
    }
    found: dict[str, PhonemeType] = {}
    only = next(iter(dictionaries)) if len(dictionaries) == 1 else ""
    for name in sorted(phonemes.ids):
        language, slash, short = name.partition("/")
        if not slash:
            language, short = only, name
        if name in corrections:
            found[name] = PhonemeType(corrections[name])
        elif name in GLOBAL_PHONEMES:
            found[name] = PhonemeType("vowel")
        else:
            found[name] = _type_of(short, kinds.get(language), language in simple)
    return found


def check_corrections(corrections: Mapping[str, str], phonemes: PhonemeSet) -> None:
    """Refuse types that do not exist, and types of phonemes that do not.

    Raises:
        SingwizError: there is such a one.
    """
    for name, kind in corrections.items():
        if kind not in TYPES or name not in phonemes.ids:
            raise SingwizError(
                "phoneme-type-unknown",
                f"'{kind}' is no type of phoneme."
                if kind not in TYPES
                else f"The voice has no phoneme '{name}'.",
                hint=f"Types are: {', '.join(TYPES)}."
                if kind not in TYPES
                else "Write phonemes as the table of types lists them.",
                where=name,
                exit_code=USAGE_PROBLEM,
            )


def _type_of(short: str, kinds: PhonemeKinds | None, simple: bool) -> PhonemeType:
    """The type of a phoneme without prefix; ``simple`` languages know no consonant clusters."""
    kind = kinds.kind(short) if kinds else None
    if kind == "vowel":
        return PhonemeType("vowel", guessed=short.lower() in _SILENT)
    if kind == "liquid":
        return PhonemeType("semivowel" if short.lower() in ("w", "y", "j") else "liquid")
    plain = short.lower().rstrip("012")
    if kind is None:
        if plain in ARPABET_VOWELS:
            return PhonemeType("vowel", guessed=True)
        if plain in ARPABET_LIQUIDS:
            return PhonemeType("semivowel" if plain in "wy" else "liquid", guessed=True)
        if plain[:1] in _VOWEL_LETTERS and plain != "y":
            return PhonemeType("vowel", guessed=True)
    if simple:
        # Without clusters a glide never opens a note behind another consonant, as trained.
        for name, members in _GLIDING.items():
            if plain in members.split():
                return PhonemeType(name, guessed=kind is None)
    # A consonant of whatever kind: to the editor they are all alike.
    for name, members in _NAMES.items():
        if short in members.split() or plain in members.split():
            return PhonemeType(name, guessed=kind is None)
    return PhonemeType("stop", guessed=kind is None)


def read_types(path: Path) -> dict[str, str]:
    """A table of types: ``phoneme: type`` per line.

    Raises:
        SingwizError: it is no such table.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("too large")
        # Phonemes like "on", "y" or "null" have to stay words.
        text = path.read_text(encoding="utf-8-sig")
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # makes strings only
        if not isinstance(content, dict):
            raise ValueError("no table")
        return {str(name): str(kind).strip() for name, kind in content.items()}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise SingwizError(
            "phoneme-types-unreadable",
            f"'{path.name}' is no table of phoneme types.",
            hint='Write one phoneme per line, for example: "sh": fricative. Without the file a '
            "new one is made.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from error


def write_types(path: Path, types: Mapping[str, PhonemeType]) -> None:
    """Write the table that :func:`read_types` reads, with remarks on what was guessed."""
    lines = [
        "# What each phoneme is. Vowels are sung on notes, semivowels and liquids may open one,",
        "# everything else is a consonant before or after. Correct what is wrong and export again.",
        f"# Types: {', '.join(TYPES)}",
    ]
    for name, entry in types.items():
        remark = "  # doubtful" if entry.guessed else ""
        lines.append(f"{_quoted(name)}: {entry.type}{remark}")
    write_text(path, "\n".join(lines) + "\n")


def dsdict_text(
    types: Mapping[str, PhonemeType],
    entries: Mapping[str, Sequence[str]],
    replacements: Mapping[str, str] | None = None,
) -> str:
    """The content of a ``dsdict.yaml``; every string is quoted.

    Args:
        types: of all phonemes of the voice.
        entries: what is written on notes -> phonemes by their full names.
        replacements: phonemes of built-in pronunciation models -> full names.
    """
    lines = ["symbols:"]
    lines += [
        f"- {{symbol: {_quoted(name)}, type: {_quoted(entry.type)}}}"
        for name, entry in types.items()
    ]
    lines.append("entries:")
    lines += [
        f"- {{grapheme: {_quoted(word)}, phonemes: [{', '.join(map(_quoted, sung))}]}}"
        for word, sung in entries.items()
    ]
    if replacements:
        lines.append("replacements:")
        lines += [
            f"- {{from: {_quoted(old)}, to: {_quoted(new)}}}" for old, new in replacements.items()
        ]
    return "\n".join(lines) + "\n"


def full_name(phoneme: str, language: str, phonemes: PhonemeSet) -> str:
    """The name of a dictionary's phoneme in the phoneme list of the voice."""
    prefixed = f"{language}/{phoneme}"
    return phoneme if phoneme in phonemes.ids or prefixed not in phonemes.ids else prefixed


def dictionary_entries(
    dictionaries: Iterable[tuple[str, Dictionary]], phonemes: PhonemeSet
) -> dict[str, tuple[str, ...]]:
    """Words of dictionaries with full phoneme names; the first dictionary that has a word wins.

    Silence, breath, and each phoneme by its own name are entries too.
    """
    entries: dict[str, tuple[str, ...]] = {name: (name,) for name in GLOBAL_PHONEMES}
    for language, dictionary in dictionaries:
        for word, sung in dictionary.entries.items():
            names = tuple(full_name(phoneme, language, phonemes) for phoneme in sung)
            if all(name in phonemes.ids for name in names):
                entries.setdefault(word, names)
    for name in sorted(phonemes.ids):
        entries.setdefault(name, (name,))
    return entries


def replacements_of(language: str, dictionary: Dictionary, phonemes: PhonemeSet) -> dict[str, str]:
    """Bare phonemes -> full names, where those differ."""
    named = {p: full_name(p, language, phonemes) for p in sorted(dictionary.phonemes)}
    return {short: name for short, name in named.items() if short != name}


def _quoted(text: str) -> str:
    """A YAML string in double quotes; JSON's are a part of YAML's."""
    return json.dumps(text, ensure_ascii=False)
