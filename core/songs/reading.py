"""Opening a score file of any kind that can be sung."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import USAGE_PROBLEM, SingwizError
from .lyrics import with_lyrics
from .model import ScoreSong, unreadable

SCORE_SUFFIXES = (".musicxml", ".xml", ".mxl", ".mid", ".midi", ".kar", ".ust", ".ustx")

_MAX_BYTES = 128 * 2**20


def read_score(path: Path, *, part: str = "", lyrics: str = "") -> ScoreSong:
    """Read a score: MusicXML, MIDI, UST or USTX, by the name's ending.

    Args:
        path: the file.
        part: number (from 1) or name of the part or track to sing; by default the one with
            lyrics.
        lyrics: one syllable per note; replaces the lyrics of the score.

    Raises:
        SingwizError: the file cannot be read or holds nothing to sing, or the lyrics do not fit.
    """
    suffix = path.suffix.lower()
    data = _bytes(path)
    try:
        if suffix in (".mid", ".midi", ".kar"):
            from .midi import read_midi

            song = read_midi(data, title=path.stem, part=part)
        elif suffix == ".ust":
            from .utau import read_ust

            song = read_ust(data, title=path.stem)
        elif suffix == ".ustx":
            from .utau import read_ustx

            song = read_ustx(data, title=path.stem, part=part)
        elif suffix in SCORE_SUFFIXES:
            from .musicxml import read_musicxml

            song = read_musicxml(data, title=path.stem, part=part)
        else:
            raise SingwizError(
                "score-kind",
                f"'{path.name}' is no kind of score that can be read.",
                hint=f"Give a file that ends in one of: .ds {' '.join(SCORE_SUFFIXES)}",
                exit_code=USAGE_PROBLEM,
            )
    except SingwizError as error:
        if error.where:
            raise
        raise SingwizError(
            error.code, error.message, hint=error.hint, where=str(path), exit_code=error.exit_code
        ) from error
    return replace(song, notes=with_lyrics(song.notes, lyrics)) if lyrics.strip() else song


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SingwizError(
            "score-missing",
            f"The score '{path.name}' cannot be read: {getattr(error, 'strerror', '') or error}.",
            hint="Check the path.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from None
    if len(data) > _MAX_BYTES:
        raise unreadable("it is larger than any score", str(path))
    return data
