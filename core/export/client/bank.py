"""Reading a voicebank folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import MAX_BYTES, Settings, read_settings, read_yaml
from .problems import BankProblem, Remark, warning
from .sessions import GraphSession

Array = NDArray[np.float32]

GLIDES = ("semivowel", "liquid")
_FIELD = re.compile(r"\s*([A-Za-z_]+)\s*[=:]\s*(.*)")


@dataclass(frozen=True)
class Colour:
    """A subbank: a voice colour of the editor and the speaker behind it.

    Attributes:
        name: of the colour.
        suffix: the speaker, as ``speakers`` lists it.
        has_tones: True if ``tone_ranges`` is given.
    """

    name: str
    suffix: str
    has_tones: bool


@dataclass(frozen=True)
class DsDict:
    """A ``dsdict`` file.

    Attributes:
        where: its name.
        types: phoneme -> type.
        entries: word -> phonemes.
    """

    where: str
    types: Mapping[str, str]
    entries: Mapping[str, tuple[str, ...]]

    def is_vowel(self, symbol: str) -> bool:
        """True for phonemes that are sung on notes; silence and breath count."""
        return symbol in ("SP", "AP") or self.types.get(symbol) == "vowel"

    def is_glide(self, symbol: str) -> bool:
        """True for phonemes that may open a note before its vowel."""
        return self.types.get(symbol) in GLIDES


@dataclass
class Module:
    """One folder with a dsconfig.

    Attributes:
        name: ``""`` for the acoustic module, else ``dsdur``, ``dspitch`` or ``dsvariance``.
        folder: where it is.
        settings: its dsconfig.
        phonemes: symbol -> id.
        languages: language -> id.
        embeddings: float32 ``[S, H]`` of ``settings.speakers``; None without speakers.
    """

    name: str
    folder: Path
    settings: Settings
    phonemes: Mapping[str, int]
    languages: Mapping[str, int]
    embeddings: Array | None
    _sessions: dict[str, GraphSession] = field(default_factory=dict)

    @classmethod
    def read(cls, bank: Path, name: str) -> Module:
        """Read everything but graphs and dictionaries.

        Raises:
            BankProblem: something is missing or wrong.
        """
        folder = bank / name
        at = f"{name}/" if name else ""
        settings = read_settings(folder / "dsconfig.yaml", f"{at}dsconfig.yaml")
        graphs = {
            "": ("acoustic",),
            "dsdur": ("linguistic", "dur"),
            "dspitch": ("linguistic", "pitch"),
            "dsvariance": ("linguistic", "variance"),
        }[name]
        needed = (*graphs, "phonemes", *(() if name else ("vocoder",)))
        empty = [key for key in needed if not settings[key]]
        if empty:
            raise BankProblem("E_CONFIG", f"{', '.join(empty)} must not be empty.", settings.where)
        phonemes = read_phonemes(folder / settings["phonemes"], at + settings["phonemes"])
        languages: Mapping[str, int] = {}
        if settings["use_lang_id"]:
            if not settings["languages"]:
                raise BankProblem(
                    "E_LANGUAGES", "use_lang_id is true, but no languages are named.",
                    settings.where,
                )  # fmt: skip
            file = settings["languages"]
            languages = read_numbers(folder / file, at + file, "E_LANGUAGES")
        embeddings = None
        if settings.speakers is not None:
            if not settings.speakers:
                raise BankProblem("E_CONFIG", "'speakers' is empty.", settings.where)
            size = int(settings["hidden_size"])
            embeddings = np.stack(
                [
                    read_embedding(folder / f"{one}.emb", f"{at}{one}.emb", size)
                    for one in settings.speakers
                ]
            )
        return cls(name, folder, settings, phonemes, languages, embeddings)

    def session(self, graph: str) -> GraphSession:
        """A graph, loaded when it is first needed.

        Raises:
            BankProblem: it is missing or cannot be loaded.
        """
        if graph not in self._sessions:
            file = self.settings[graph]
            at = f"{self.name}/" if self.name else ""
            self._sessions[graph] = GraphSession.open(self.folder / file, at + file)
        return self._sessions[graph]

    def tokens(self, symbols: tuple[str, ...]) -> NDArray[np.int64]:
        """Ids ``[1, N]``.

        Raises:
            BankProblem: a phoneme is not in this module's list.
        """
        for symbol in symbols:
            if symbol not in self.phonemes:
                at = f"{self.name}/" if self.name else ""
                raise BankProblem(
                    "E_PHONEME",
                    f"The phoneme '{symbol}' is not in this list.",
                    at + self.settings["phonemes"],
                )
        return np.array([[self.phonemes[symbol] for symbol in symbols]], np.int64)

    def language_ids(self, symbols: tuple[str, ...]) -> NDArray[np.int64]:
        """Language ids ``[1, N]``: of what stands before a slash, else 0."""
        rows = [self.languages.get(s.partition("/")[0], 0) if "/" in s else 0 for s in symbols]
        return np.array([rows], np.int64)

    def speaker(self, suffix: str) -> int:
        """Row of a speaker; the first if the suffix is not listed."""
        listed = self.settings.speakers or ()
        return listed.index(suffix) if suffix in listed else 0

    def dictionary(self, language: str = "") -> DsDict:
        """``dsdict-<language>.yaml`` if there is one, else ``dsdict.yaml``.

        Raises:
            BankProblem: it is missing or cannot be read.
        """
        names = [f"dsdict-{language}.yaml"] if language else []
        for name in [*names, "dsdict.yaml"]:
            if (self.folder / name).is_file() or name == "dsdict.yaml":
                return read_dsdict(self.folder / name, f"{self.name}/{name}".lstrip("/"))
        raise AssertionError


@dataclass
class Bank:
    """A voicebank.

    Attributes:
        folder: where it is.
        title: name of the singer.
        colours: subbanks.
        acoustic: the acoustic module.
        dur: of durations; None if there is none.
        pitch: likewise.
        variance: likewise.
        vocoder: settings of the vocoder; None if it is a package that is not there.
        vocoder_folder: where the vocoder is, or None.
        remarks: what does not fail but is wrong.
    """

    folder: Path
    title: str
    colours: tuple[Colour, ...]
    acoustic: Module
    dur: Module | None
    pitch: Module | None
    variance: Module | None
    vocoder: Settings | None
    vocoder_folder: Path | None
    remarks: tuple[Remark, ...] = ()

    @classmethod
    def open(cls, folder: Path, *, packages: Path | None = None) -> Bank:
        """Read a voicebank.

        Args:
            folder: the one with ``character.txt``.
            packages: OpenUTAU's ``Dependencies`` folder with vocoders.

        Raises:
            BankProblem: the first thing that is missing or wrong.
        """
        title, colours, remarks = read_character(folder)
        acoustic = Module.read(folder, "")
        modules: dict[str, Module | None] = {}
        for name in ("dsdur", "dspitch", "dsvariance"):
            there = (folder / name).is_dir()
            modules[name] = Module.read(folder, name) if there else None
        home: Path | None = folder / "dsvocoder"
        if not (folder / "dsvocoder" / "vocoder.yaml").is_file():
            home = None
            if packages is not None:
                home = packages / acoustic.settings["vocoder"]
        vocoder = None
        if home is not None:
            vocoder = read_settings(home / "vocoder.yaml", f"{home.name}/vocoder.yaml")
        return cls(
            folder,
            title,
            colours,
            acoustic,
            modules["dsdur"],
            modules["dspitch"],
            modules["dsvariance"],
            vocoder,
            home,
            remarks,
        )

    @property
    def modules(self) -> tuple[Module, ...]:
        """All modules that are there, the acoustic one first."""
        found = (self.acoustic, self.dur, self.pitch, self.variance)
        return tuple(module for module in found if module is not None)

    @property
    def default_colour(self) -> str:
        """The alphabetically first colour: what is sung without a choice."""
        return min(colour.name for colour in self.colours)

    def suffix(self, colour: str) -> str:
        """The speaker of a colour."""
        return next((c.suffix for c in self.colours if c.name == colour), "")

    @cached_property
    def vocoder_session(self) -> GraphSession | None:
        """The vocoder's graph."""
        if self.vocoder is None or self.vocoder_folder is None:
            return None
        file = self.vocoder["model"]
        return GraphSession.open(self.vocoder_folder / file, f"{self.vocoder_folder.name}/{file}")

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages with a dictionary of their own; one empty name if there are none."""
        if self.dur is None:
            return ("",)
        files = sorted(self.dur.folder.glob("dsdict-*.yaml"))
        return tuple(file.stem.removeprefix("dsdict-") for file in files) or ("",)


def read_character(folder: Path) -> tuple[str, tuple[Colour, ...], tuple[Remark, ...]]:
    """Name, colours and warnings of ``character.txt`` and ``character.yaml``.

    Raises:
        BankProblem: the singer would not be found.
    """
    text_file = folder / "character.txt"
    if not text_file.is_file():
        raise BankProblem("E_CHARACTER", "The voice would not be found.", "character.txt")
    settings: Any = {}
    if (folder / "character.yaml").is_file():
        settings = read_yaml(folder / "character.yaml", "character.yaml", "E_CHARACTER") or {}
    if not isinstance(settings, dict):
        raise BankProblem("E_CHARACTER", "This is no list of settings.", "character.yaml")
    kind = settings.get("singer_type")
    if (kind or "diffsinger") != "diffsinger":
        raise BankProblem(
            "E_CHARACTER", f"singer_type is '{kind}', not 'diffsinger'.", "character.yaml"
        )
    encoding = str(settings.get("text_file_encoding") or "shift_jis")
    remarks = []
    try:
        data = text_file.read_bytes()[:MAX_BYTES]
        text = data.decode(encoding)
        if encoding != "utf-8" and not data.isascii():
            remarks.append(
                warning(
                    "W_ENCODING",
                    f"Names are read as {encoding} and may turn into other signs.",
                    "character.txt",
                    "Write 'text_file_encoding: utf-8' into character.yaml.",
                )
            )
    except (LookupError, UnicodeDecodeError):
        text = data.decode("utf-8", "replace")
        remarks.append(
            warning(
                "W_ENCODING",
                f"The file is not written in {encoding}.",
                "character.txt",
                "Save it as UTF-8, and write 'text_file_encoding: utf-8' into character.yaml.",
            )
        )
    matches = map(_FIELD.match, text.splitlines())
    fields = {match[1]: match[2] for match in matches if match}
    title = str(settings.get("name") or fields.get("name") or "")
    if not title:
        raise BankProblem("E_CHARACTER", "The singer has no name.", "character.txt")
    for key in ("image", "portrait"):
        if settings.get(key) and not (folder / str(settings[key])).is_file():
            raise BankProblem(
                "E_CHARACTER", f"The {key} '{settings[key]}' is not there.", "character.yaml"
            )
    return title, _colours(settings), tuple(remarks)


def _colours(settings: Mapping[str, Any]) -> tuple[Colour, ...]:
    rows = settings.get("subbanks") or [{}]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BankProblem("E_CHARACTER", "'subbanks' is not a list.", "character.yaml")
    return tuple(
        Colour(
            str(row.get("color") or ""), str(row.get("suffix") or ""), bool(row.get("tone_ranges"))
        )
        for row in rows
    )


def read_numbers(path: Path, where: str, code: str) -> dict[str, int]:
    """A JSON object of names and numbers.

    Raises:
        BankProblem: it is missing or something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict) or not all(
            type(number) is int and 0 <= number < 2**31 for number in content.values()
        ):
            raise ValueError("it does not list names and numbers")
        return content
    except FileNotFoundError:
        raise BankProblem(code, "This file is missing.", where) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BankProblem(code, f"This file cannot be read: {error}.", where) from error


def read_phonemes(path: Path, where: str) -> dict[str, int]:
    """A phoneme list, JSON or text.

    Raises:
        BankProblem: it is missing or damaged, or has no SP.
    """
    if path.suffix == ".json":
        phonemes = read_numbers(path, where, "E_PHONEMES")
    else:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            raise BankProblem("E_PHONEMES", "This file is missing.", where) from None
        except (OSError, ValueError) as error:
            raise BankProblem("E_PHONEMES", "This file cannot be read.", where) from error
        phonemes = {line: number for number, line in enumerate(lines)}
    if "SP" not in phonemes:
        raise BankProblem("E_PHONEMES", "The phoneme SP is missing.", where)
    return phonemes


def read_embedding(path: Path, where: str, size: int) -> Array:
    """An ``.emb`` file, float32 ``[H]``.

    Raises:
        BankProblem: it is missing or has another size.
    """
    try:
        found = path.stat().st_size
        data = path.read_bytes() if found == 4 * size else b""
    except OSError:
        raise BankProblem("E_EMB", "This file is missing.", where) from None
    if not data:
        raise BankProblem(
            "E_EMB", f"It has {found} bytes; hidden_size {size} needs {4 * size}.", where
        )
    values: Array = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise BankProblem("E_EMB", "It holds no usable numbers.", where)
    return values


def read_dsdict(path: Path, where: str) -> DsDict:
    """A ``dsdict`` file. Phonemes of entries that have no type are dropped, as in OpenUTAU.

    Raises:
        BankProblem: it is missing or cannot be read.
    """
    content = read_yaml(path, where, "E_DSDICT")
    try:
        types = {row["symbol"]: row["type"] for row in content["symbols"]}
        types = {**types, "SP": "vowel", "AP": "vowel"}
        entries = {
            row["grapheme"]: tuple(p for p in row["phonemes"] if p in types)
            for row in content.get("entries") or ()
        }
        strings = [*types, *types.values(), *entries]
        odd = next((value for value in strings if not isinstance(value, str)), None)
        if odd is not None or len(strings) != len(types) * 2 + len(entries):
            raise BankProblem("E_DSDICT", f"{odd!r} is no text: put it into quotes.", where)
    except (KeyError, TypeError, AttributeError) as error:
        raise BankProblem(
            "E_DSDICT", "It does not list symbols with types and entries with phonemes.", where
        ) from error
    return DsDict(where, types, entries)
