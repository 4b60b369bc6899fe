"""The files by which OpenUTAU finds and shows a singer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import USAGE_PROBLEM, SingwizError

_CLASS = "OpenUtau.Core.DiffSinger."
PHONEMIZERS = {
    "zh": ("DiffSingerChinesePhonemizer", "ni"),
    "ja": ("DiffSingerJapanesePhonemizer", "ka"),
    "en": ("DiffSingerEnglishPhonemizer", "hh"),
    "ko": ("DiffSingerKoreanPhonemizer", "가"),
}
"""Language -> the class that reads lyrics of it, and a word that a dictionary for it has."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
MAX_IMAGE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Character:
    """Who the singer is to the people who use the voice.

    Attributes:
        name: any letters.
        author: of the voicebank.
        voice: who sang.
        web: address of a page.
        version: of the voicebank.
        image: picture file to take along.
        licence: text of the terms of use.
        phonemizer: class name; by the languages if empty.
    """

    name: str
    author: str = ""
    voice: str = ""
    web: str = ""
    version: str = ""
    image: Path | None = None
    licence: str = ""
    phonemizer: str = ""


def folder_name(name: str) -> str:
    """A name of plain letters for a folder; the name itself is shown by OpenUTAU."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^0-9A-Za-z._-]+", "_", plain).strip("._")
    return plain or "singer"


def check_character(character: Character) -> None:
    """Refuse what the files cannot hold.

    Raises:
        SingwizError: no name, a line break in a field, or a picture that is none.
    """
    for key in ("name", "author", "voice", "web", "version"):
        value = getattr(character, key)
        if (key == "name" and not value.strip()) or any(sign in value for sign in "\r\n"):
            raise SingwizError(
                "export-character",
                f"The {key} of the singer has to be one line of text.",
                hint=f"Give one with --{key}.",
                exit_code=USAGE_PROBLEM,
            )
    image = character.image
    if image is None:
        return
    good = image.suffix.lower() in IMAGE_SUFFIXES and image.is_file()
    if not good or image.stat().st_size > MAX_IMAGE_BYTES:
        raise SingwizError(
            "export-image",
            f"The picture '{image.name}' cannot be used.",
            hint=f"Choose a file of at most 32 MB that ends in {', '.join(IMAGE_SUFFIXES)}.",
            where=str(image),
            exit_code=USAGE_PROBLEM,
        )


def phonemizer_of(languages: Mapping[str, Any]) -> str:
    """The class for a voice: of its language if it has one that its dictionary fits.

    Args:
        languages: language -> words of its dictionary.
    """
    name = "DiffSingerPhonemizer"
    if len(languages) == 1:
        ((language, words),) = languages.items()
        special, word = PHONEMIZERS.get(language, ("", ""))
        if special and word in words:
            name = special
    return _CLASS + name


def character_txt(character: Character, image: str) -> str:
    """``character.txt``, by which a singer is found."""
    fields = {
        "name": character.name,
        "image": image,
        "author": character.author,
        "voice": character.voice,
        "web": character.web,
        "version": character.version,
    }
    return "".join(f"{key}={value}\n" for key, value in fields.items() if value)


def character_yaml(
    character: Character, image: str, phonemizer: str, speakers: Sequence[str]
) -> dict[str, Any]:
    """``character.yaml``.

    Args:
        character: who.
        image: picture file in the folder, or "".
        phonemizer: full class name.
        speakers: as listed in every dsconfig, in their order.
    """
    content: dict[str, Any] = {
        "name": character.name,
        "singer_type": "diffsinger",
        "text_file_encoding": "utf-8",
        "portrait_opacity": 0.67,
        "default_phonemizer": phonemizer,
    }
    if image:
        content |= {"image": image, "portrait": image}
    for key in ("author", "voice", "web", "version"):
        if getattr(character, key):
            content[key] = getattr(character, key)
    content["subbanks"] = subbanks(speakers)
    return content


def subbanks(speakers: Sequence[str]) -> list[dict[str, Any]]:
    """Voice colours. Numbers make the first speaker first in the alphabet: the default."""
    rows = [
        (f"{number:02d}: {speaker.rpartition('/')[2]}", speaker)
        for number, speaker in enumerate(speakers, start=1)
    ]
    return [
        {"color": colour, "prefix": "", "suffix": suffix, "tone_ranges": ["C1-B7"]}
        for colour, suffix in rows or [("", "")]
    ]
