"""Projects of UTAU (``.ust``) and OpenUTAU (``.ustx``): notes and lyrics, not their tuning."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..dictionary.text_files import decode_text
from .model import (
    DEFAULT_BPM,
    Bars,
    ScoreSong,
    SungNote,
    TempoMap,
    choose_part,
    one_voice,
    unreadable,
)

TICKS = 480
"""Per quarter note, in both formats."""

_RESTS = frozenset(("R", "r", ""))
_MAX_TICKS = 10**9


def read_ust(data: bytes, *, title: str) -> ScoreSong:
    """Read a project of UTAU, whatever its encoding.

    Raises:
        SingwizError: there is nothing to sing in it.
    """
    text = _ust_text(data)
    quarter = 0.0
    tempos: list[tuple[float, float]] = []
    rows: list[tuple[float, float, float, str, int]] = []
    entries = {"TEMPO": ""}
    section = ""

    def finish() -> None:
        nonlocal quarter
        tempo = _number(entries.get("Tempo", ""))
        if tempo is not None and (section == "SETTING" or section.isdecimal()):
            tempos.append((quarter, tempo))
        if not section.isdecimal():
            return
        ticks = _number(entries.get("Length", ""))
        if ticks is None or not 0 <= ticks <= _MAX_TICKS:
            raise unreadable("a note has no length", f"note {int(section)}")
        lyric = entries.get("Lyric", "").strip()
        midi = _number(entries.get("NoteNum", ""))
        if lyric not in _RESTS and ticks > 0:
            if midi is None or not 0 <= midi <= 127:
                raise unreadable("a note has no pitch", f"note {int(section)}")
            rows.append((quarter, quarter + ticks / TICKS, midi, lyric, int(section)))
        quarter += ticks / TICKS

    for line in text.split("\n"):
        header = re.fullmatch(r"\s*\[#(\w+)\]\s*", line)
        if header:
            finish()
            section, entries = header[1], {}
        else:
            key, equals, value = line.partition("=")
            if equals:
                entries[key.strip()] = value
    finish()
    tempo = TempoMap(tempos)
    bars = Bars()
    notes, remarks = one_voice(
        [
            SungNote(
                tempo.seconds(start),
                tempo.seconds(end),
                midi,
                lyric,
                f"note {number} ({bars.place(start)})",
            )
            for start, end, midi, lyric, number in rows
        ]
    )
    return ScoreSong(title, notes, remarks)


def _ust_text(data: bytes) -> str:
    """The text of a UST; old files are Shift-JIS, newer ones name their encoding."""
    named = re.search(rb"^Charset=([\w-]+)", data, re.MULTILINE)
    if named:
        try:
            return data.decode(named[1].decode("ascii")).replace("\r", "").lstrip("\ufeff")
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return decode_text(data).text


def read_ustx(data: bytes, *, title: str, part: str = "") -> ScoreSong:
    """Read a project of OpenUTAU.

    Args:
        data: of the file.
        title: of the song.
        part: number (from 1) or name of the track; by default the one with most notes.

    Raises:
        SingwizError: not such a file, or there is nothing to sing.
    """
    import yaml

    try:
        content = yaml.load(
            decode_text(data).text,
            Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 – both are safe
        )
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise unreadable("it is no OpenUTAU project") from error
    if not isinstance(content, Mapping) or not isinstance(content.get("voice_parts"), list):
        raise unreadable("it is no OpenUTAU project with voice parts")
    resolution = _whole(content.get("resolution", TICKS), "resolution") or TICKS
    tempo = TempoMap(
        (_whole(t.get("position", 0), "position") / resolution, _float(t.get("bpm"), "bpm"))
        for t in _maps(content.get("tempos"))
        or [{"position": 0, "bpm": content.get("bpm", DEFAULT_BPM)}]
    )
    bars = _bars(content)
    parts = [p for p in _maps(content["voice_parts"]) if _maps(p.get("notes"))]
    numbers = sorted({_whole(p.get("track_no", 0), "track_no") for p in parts})
    titles = _maps(content.get("tracks"))
    names = [
        str(titles[k].get("track_name") or "") if 0 <= k < len(titles) else "" for k in numbers
    ]
    chosen = choose_part(part, names)
    sizes = {
        k: sum(len(_maps(p["notes"])) for p in parts if p.get("track_no", 0) == k) for k in numbers
    }
    track = numbers[chosen] if chosen is not None else max(sizes, key=lambda k: sizes[k], default=0)
    rows = []
    for voice in parts:
        if voice.get("track_no", 0) != track:
            continue
        base = _whole(voice.get("position", 0), "position")
        for note in _maps(voice["notes"]):
            start = (base + _whole(note.get("position", 0), "position")) / resolution
            length = _whole(note.get("duration", 0), "duration") / resolution
            tone = _float(note.get("tone"), "tone") + _float(note.get("tuning", 0), "tuning") / 100
            if not 0 <= tone <= 127:
                raise unreadable("a note has no pitch", bars.place(start))
            lyric = str(note.get("lyric", "")).strip()
            if lyric not in _RESTS:
                rows.append((start, start + length, tone, lyric))
    notes, remarks = one_voice(
        [
            SungNote(tempo.seconds(start), tempo.seconds(end), tone, lyric, bars.place(start))
            for start, end, tone, lyric in rows
        ]
    )
    if len(numbers) > 1:
        remarks = (f"Track {numbers.index(track) + 1} of {len(numbers)} is sung.", *remarks)
    return ScoreSong(str(content.get("name") or title), notes, remarks)


def _bars(content: Mapping[str, Any]) -> Bars:
    """Signatures are counted in bars there, ours in quarters."""
    quarter, bar, length = 0.0, 0, 4.0
    changes = []
    for signature in _maps(content.get("time_signatures")):
        position = _whole(signature.get("bar_position", 0), "bar_position")
        beats = _whole(signature.get("beat_per_bar", 4), "beat_per_bar")
        unit = _whole(signature.get("beat_unit", 4), "beat_unit")
        if beats < 1 or unit < 1:
            continue
        quarter += (position - bar) * length
        bar, length = position, beats * 4 / unit
        changes.append((quarter, beats, 4 / unit))
    return Bars(changes)


def _maps(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _float(value: Any, name: str) -> float:
    number = None if isinstance(value, bool) else _number(str(value))
    if number is None:
        raise unreadable(f"'{name}' is no number")
    return number


def _whole(value: Any, name: str) -> int:
    number = _float(value, name)
    if abs(number) > _MAX_TICKS:
        raise unreadable(f"'{name}' is too large")
    return int(number)
