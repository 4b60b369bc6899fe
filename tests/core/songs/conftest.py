"""Small scores of every kind, written by the tests themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.core.dictionary import read_dictionary
from singwiz.core.songs import Pronouncer

JAPANESE = "a\ta\ni\ti\nka\tk a\nsa\ts a\nkya\tky a\nte\tt e\nto\tt o\nN\tN\ncl\tcl\ne\te\no\to\n"
ENGLISH = "away\tax w ey\nhello\thh ax l ow\nday\td ey\na\tax\n"


def pronouncer(folder: Path, text: str = JAPANESE, language: str = "ja", **lists) -> Pronouncer:
    path = folder / f"dictionary-{language}.txt"
    path.write_text(text, encoding="utf-8")
    return Pronouncer.of(read_dictionary(path, language)[0], **lists)


@pytest.fixture
def japanese(tmp_path: Path) -> Pronouncer:
    return pronouncer(tmp_path, consonants="cl")


@pytest.fixture
def english(tmp_path: Path) -> Pronouncer:
    return pronouncer(tmp_path, ENGLISH, "en", vowels="ax ey ow", consonants="hh w l d")


def xml_note(
    pitch: str = "C4",
    quarters: float = 1.0,
    lyric: str = "",
    *,
    tie: str = "",
    syllabic: str = "single",
    verses: dict[int, str] | None = None,
    more: str = "",
) -> str:
    """One ``<note>``; ``rest`` is a pitch; 4 divisions per quarter."""
    sound = "<rest/>"
    if pitch != "rest":
        alter = "<alter>1</alter>" if "#" in pitch else ""
        sound = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    words = {1: lyric} if lyric else verses or {}
    lyrics = "".join(
        f"<lyric number='{n}'><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>"
        for n, text in words.items()
    )
    ties = "".join(f"<tie type='{kind}'/>" for kind in tie.split())
    return (
        f"<note>{more}{sound}<duration>{int(quarters * 4)}</duration>{ties}"
        f"<voice>1</voice>{lyrics}</note>"
    )


def musicxml(*measures: str, head: str = "") -> bytes:
    """A score of one part; the first measure gets divisions, 4/4 and 120 bpm."""
    body = ""
    for number, measure in enumerate(measures, start=1):
        start = ""
        if number == 1:
            start = (
                "<attributes><divisions>4</divisions><time><beats>4</beats>"
                "<beat-type>4</beat-type></time></attributes>"
                "<direction><direction-type><metronome><beat-unit>quarter</beat-unit>"
                "<per-minute>120</per-minute></metronome></direction-type>"
                "<sound tempo='120'/></direction>"
            )
        body += f"<measure number='{number}'>{start}{measure}</measure>"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"{head}<score-partwise version='3.1'><part-list><score-part id='P1'>"
        "<part-name>Voice</part-name></score-part></part-list>"
        f"<part id='P1'>{body}</part></score-partwise>"
    ).encode()
