"""Opening label files: which format it is, in which encoding, and with a limit on size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...dictionary.text_files import decode_text
from ...errors import SingwizError
from .audacity import read_audacity
from .lab import Unit, read_lab
from .model import Tier, invalid
from .textgrid import read_textgrid
from .v1 import looks_like_v1

FORMATS = {"lab": ".lab", "audacity": ".txt", "textgrid": ".TextGrid"}
"""Formats with one file per recording, and the suffix of the files."""

_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class LabelFile:
    """A read file.

    Attributes:
        path: where it is.
        format: ``lab``, ``audacity`` or ``textgrid``.
        tiers: at least one; formats without tiers have exactly one.
    """

    path: Path
    format: str
    tiers: tuple[Tier, ...]

    def phones(self, name: str = "") -> Tier:
        """The tier with the phonemes: the one of that name, else the likeliest.

        Raises:
            SingwizError: there is none of that name.
        """
        if name:
            for tier in self.tiers:
                if tier.name.casefold() == name.casefold():
                    return tier
            names = ", ".join(f"'{tier.name}'" for tier in self.tiers)
            raise SingwizError(
                "labels-tier-missing",
                f"'{self.path.name}' has no tier '{name}'.",
                hint=f"It has: {names}.",
                where=str(self.path),
            )
        for tier in self.tiers:
            if tier.name.casefold().strip() in _PHONE_TIERS:
                return tier
        # Phonemes are shorter than words, so there are more of them.
        return max(self.tiers, key=lambda tier: len(tier.labels))

    def words(self, name: str = "") -> Tier | None:
        """The tier with spoken words: the one of that name, else one called so, else None."""
        wanted = {name.casefold()} if name else _WORD_TIERS
        return next((t for t in self.tiers if t.name.casefold().strip() in wanted), None)


_PHONE_TIERS = {"phones", "phone", "phonemes", "phoneme", "ph", "segments", "phn", "音素"}
_WORD_TIERS = {"words", "word", "syllables", "syllable", "pinyin", "lyrics", "单词", "文字"}


def read_text(path: Path) -> str:
    """The content of a text file in any of the usual encodings.

    Raises:
        SingwizError: it cannot be read, is too large, or is not text.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SingwizError(
            "labels-unreadable",
            f"'{path.name}' cannot be read: {getattr(error, 'strerror', '') or error}.",
            hint="Check that it is a file and that you may read it.",
            where=str(path),
        ) from None
    if len(data) > _MAX_BYTES:
        raise SingwizError(
            "labels-unreadable",
            f"'{path.name}' is larger than {_MAX_BYTES // 2**20} MB, no label file is.",
            hint="Check that the right file was chosen.",
            where=str(path),
        )
    return decode_text(data).text


def recognise(path: Path, text: str) -> str:
    """The format of a file by name and content.

    Returns:
        ``lab``, ``audacity``, ``textgrid``, ``v1``, or nothing if it holds no labels.
    """
    suffix = path.suffix.lower()
    head = text.lstrip()[:40]
    if suffix == ".textgrid" or head.startswith(('File type = "oo', '"ooTextFile', "ooBinary")):
        return "textgrid"
    if suffix not in (".lab", ".txt", ".label", ".phn"):
        return ""
    if looks_like_v1(text):
        return "v1"
    first = next((line for line in text.split("\n") if line.strip()), "")
    fields = first.split("\t")
    if len(fields) >= 2 and suffix != ".lab" and all(_is_time(field) for field in fields[:2]):
        return "audacity"
    fields = first.split()
    if len(fields) >= 3 and all(_is_time(field) for field in fields[:2]):
        return "lab"
    return ""


def read_label_file(
    path: Path, *, format: str = "", unit: Unit | None = None, seconds: float | None = None
) -> LabelFile:
    """Read a file of labels with times.

    Args:
        path: the file.
        format: ``lab``, ``audacity`` or ``textgrid``; found out if empty.
        unit: of the times of ``.lab`` files; found out if None.
        seconds: length of the recording, which helps to find the unit.

    Raises:
        SingwizError: unreadable, of another format, or damaged; ``where`` has the line.
    """
    text = read_text(path)
    format = format or recognise(path, text)
    try:
        if format == "lab":
            tiers = [read_lab(text, unit=unit, seconds=seconds)]
        elif format == "audacity":
            tiers = [read_audacity(text)]
        elif format == "textgrid":
            tiers = read_textgrid(text)
        else:
            raise invalid("there are no times in this file")
        if not any(tier.labels for tier in tiers):
            raise invalid("there are no labels in this file")
    except SingwizError as error:
        line = error.where.removeprefix("line ")
        error.where = f"{path}:{line}" if line else str(path)
        raise
    return LabelFile(path, format, tuple(tiers))


def _is_time(token: str) -> bool:
    try:
        float(token.strip().replace(",", "."))
    except ValueError:
        return False
    return True
