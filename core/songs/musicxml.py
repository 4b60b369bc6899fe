"""MusicXML, plain (``.musicxml``, ``.xml``) and packed (``.mxl``)."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections import Counter
from typing import Any
from xml.etree import ElementTree

from .model import Bars, ScoreSong, SungNote, TempoMap, choose_part, one_voice, unreadable

_MAX_BYTES = 64 * 2**20
_CONTAINER = "META-INF/container.xml"


def read_musicxml(data: bytes, *, title: str, part: str = "") -> ScoreSong:
    """Read a score; repeats are played out, the k-th time with the k-th verse.

    Args:
        data: of the file.
        title: of the song, unless the score has one.
        part: number (from 1) or name; by default the one with most lyrics.

    Raises:
        SingwizError: not such a file, or there is nothing to sing.
    """
    xml = _unpacked(data)
    # Entities have no place in scores; expanding them is an old way of blowing up parsers.
    if b"<!ENTITY" in xml.replace(b"\0", b""):
        raise unreadable("it defines XML entities")
    try:
        score = _parsed(xml)
        parts = list(score.parts)
    except Exception as error:  # whatever a damaged file makes the parser raise
        raise unreadable(f"it is no MusicXML ({str(error)[:120]})") from error
    names = [str(one.partName or "") for one in parts]
    chosen = choose_part(part, names)
    remarks: list[str] = []
    if chosen is None and parts:
        counts = [_lyric_count(one) for one in parts]
        chosen = counts.index(max(counts))
        if len(parts) > 1:
            remarks.append(f"Part {chosen + 1} ({names[chosen]}) of {len(parts)} is sung.")
    if chosen is None:
        raise unreadable("it has no parts")
    measures = _played(parts[chosen], remarks)
    rows, tempos, signatures, skipped = _rows(measures, _tempos(parts))
    tempo, bars = TempoMap(tempos), Bars(signatures)
    notes, cut = one_voice(
        [
            SungNote(
                tempo.seconds(row["start"]),
                tempo.seconds(row["end"]),
                row["midi"],
                row["lyric"],
                bars.place(row["start"]),
                row["syllabic"],
            )
            for row in rows
        ]
    )
    if skipped:
        remarks.append(f"{skipped} grace notes were left out.")
    written = score.metadata.title if score.metadata is not None else None
    return ScoreSong(str(written or title), notes, (*remarks, *cut))


def _parsed(xml: bytes) -> Any:
    from music21.musicxml.xmlToM21 import MusicXMLImporter

    importer = MusicXMLImporter()
    importer.xmlText = xml
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bars that are a little too full, and the like
        importer.parseXMLText()
    return importer.stream


def _unpacked(data: bytes) -> bytes:
    """The XML text, out of its container where it has one."""
    if len(data) > _MAX_BYTES:
        raise unreadable("it is larger than any score")
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            name = next(
                (n for n in names if n.endswith((".musicxml", ".xml")) and n != _CONTAINER), ""
            )
            if _CONTAINER in names and archive.getinfo(_CONTAINER).file_size < 2**16:
                root = ElementTree.fromstring(archive.read(_CONTAINER))  # noqa: S314
                named = [e.get("full-path", "") for e in root.iter() if e.get("full-path")]
                name = next((n for n in named if n in names), name)
            if not name:
                raise unreadable("the archive holds no score")
            if archive.getinfo(name).file_size > _MAX_BYTES:
                raise unreadable("it is larger than any score")
            return archive.read(name)
    except (zipfile.BadZipFile, ElementTree.ParseError, OSError, RuntimeError, ValueError) as error:
        raise unreadable("the archive is damaged") from error


def _lyric_count(part: Any) -> int:
    return sum(bool(note.lyrics) for note in part.recurse().notes)


def _played(part: Any, remarks: list[str]) -> list[tuple[float, Any]]:
    """The measures of a part as they are played, with the quarters at which they begin."""
    try:
        part = part.toSoundingPitch()
    except Exception:  # a score that contradicts itself is sung as written
        remarks.append("The part's transposition makes no sense; it is sung as written.")
    try:
        expanded = part.expandRepeats()
    except Exception:  # repeats that do not match
        remarks.append("The repeats of the score make no sense; it is sung once through.")
        expanded = part
    return [
        (float(expanded.elementOffset(measure)), measure)
        for measure in expanded.getElementsByClass("Measure")
    ]


def _tempos(parts: list[Any]) -> dict[int, list[tuple[float, float]]]:
    """Number of a measure -> quarter in it and quarters per minute, from any part."""
    found: dict[int, list[tuple[float, float]]] = {}
    for part in parts:
        for measure in part.getElementsByClass("Measure"):
            for mark in measure.recurse().getElementsByClass("MetronomeMark"):
                bpm = mark.getQuarterBPM()
                if bpm and math.isfinite(bpm):
                    offset = float(mark.getOffsetInHierarchy(measure))
                    found.setdefault(measure.number, []).append((offset, float(bpm)))
    return found


def _rows(
    measures: list[tuple[float, Any]], tempos: dict[int, list[tuple[float, float]]]
) -> tuple[list[dict[str, Any]], list[tuple[float, float]], list[tuple[float, int, float]], int]:
    """Notes in quarters, tempo changes, signatures, and the number of grace notes."""
    rows: list[dict[str, Any]] = []
    changes: list[tuple[float, float]] = []
    signatures: list[tuple[float, int, float]] = []
    times: Counter[int] = Counter()
    skipped = 0
    for start, measure in measures:
        times[measure.number] += 1
        changes += [(start + offset, bpm) for offset, bpm in tempos.get(measure.number, ())]
        for signature in measure.getElementsByClass("TimeSignature"):
            beat = 4.0 / signature.denominator
            signatures.append((start, int(signature.numerator), beat))
        for note in measure.flatten().notes:
            if note.duration.isGrace or note.quarterLength <= 0:
                skipped += 1
                continue
            if not note.pitches or "Harmony" in note.classes:  # drums and chord symbols
                continue
            begin = start + float(note.getOffsetInHierarchy(measure))
            _add(rows, note, begin, times[measure.number])
    return rows, changes, signatures, skipped


def _add(rows: list[dict[str, Any]], note: Any, begin: float, verse: int) -> None:
    """Append a note, or lengthen the one that it is tied to."""
    midi = float(max(pitch.ps for pitch in note.pitches))
    end = begin + float(note.quarterLength)
    tied = note.tie is not None and note.tie.type in ("stop", "continue")
    last = next((row for row in reversed(rows) if row["midi"] == midi), None)
    if tied and last is not None and abs(last["end"] - begin) < 1e-6:
        last["end"] = end
        return
    lyrics = [lyric for lyric in note.lyrics if lyric.rawText is not None or lyric.text]
    lyric = None
    if lyrics:
        # Verses are counted from 1; where the score has fewer than times, the last is sung.
        own = [one for one in lyrics if one.number == verse]
        lyric = own[0] if own else lyrics[-1] if verse > len(lyrics) else lyrics[0]
    rows.append(
        {
            "start": begin,
            "end": end,
            "midi": midi,
            "lyric": (lyric.text or "").strip() if lyric is not None else "",
            "syllabic": _syllabic(lyric),
        }
    )


def _syllabic(lyric: Any) -> str:
    kind = lyric.syllabic if lyric is not None else "single"
    return kind if kind in ("begin", "middle", "end") else "single"
