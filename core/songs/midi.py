"""Standard MIDI files, with lyrics as events or without."""

from __future__ import annotations

import io
from bisect import bisect_left
from typing import Any

from ..dictionary.text_files import decode_text
from .model import Bars, ScoreSong, SungNote, TempoMap, choose_part, one_voice, unreadable

_NEAR = 1 / 8
"""Quarters by which a lyric may miss its note."""

_LEGATO = 0.08
"""Share of a note that editors cut from its end without meaning a rest."""


def read_midi(data: bytes, *, title: str, part: str = "") -> ScoreSong:
    """Read a MIDI file.

    Args:
        data: of the file.
        title: of the song.
        part: number (from 1) or name of the track; by default the one with most lyrics, else
            with most notes.

    Raises:
        SingwizError: not a MIDI file, or there is nothing to sing.
    """
    import mido

    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # whatever a damaged file makes the parser raise
        raise unreadable(f"it is no MIDI file ({error})") from error
    if file.ticks_per_beat <= 0 or file.type == 2:
        raise unreadable("its time is not counted in beats")
    tracks = [_track(track, file.ticks_per_beat) for track in file.tracks]
    tempos = [change for track in tracks for change in track["tempos"]]
    bars = Bars(change for track in tracks for change in track["signatures"])
    lyrics = _lyrics(tracks)
    sung = [track for track in tracks if track["notes"]]
    chosen = choose_part(part, [track["name"] for track in sung])
    if chosen is None and sung:
        times = [time for time, _ in lyrics]
        chosen = max(
            range(len(sung)),
            key=lambda k: (
                len(sung[k]["lyrics"]),
                sum(_has_near(times, start) for start, _, _ in sung[k]["notes"]),
                len(sung[k]["notes"]),
            ),
        )
    notes = sung[chosen]["notes"] if chosen is not None else []
    tempo = TempoMap(tempos)
    words = _assign(notes, lyrics)
    result, remarks = one_voice(
        [
            SungNote(
                tempo.seconds(start),
                tempo.seconds(end),
                float(pitch),
                words.get(k, ""),
                bars.place(start),
            )
            for k, (start, end, pitch) in enumerate(notes)
        ]
    )
    if len(sung) > 1 and chosen is not None:
        name = sung[chosen]["name"]
        remarks = (
            f"Track {chosen + 1}{f' ({name})' if name else ''} of {len(sung)} is sung.",
            *remarks,
        )
    return ScoreSong(title, _joined(result), remarks)


def _track(track: Any, ticks: int) -> dict[str, Any]:
    """Notes (start, end, pitch), lyrics, tempos and signatures of a track, in quarters."""
    now = 0
    found: dict[str, Any] = {"name": "", "notes": [], "lyrics": [], "texts": []}
    found |= {"tempos": [], "signatures": []}
    open_notes: dict[tuple[int, int], float] = {}
    for message in track:
        now += message.time
        at = now / ticks
        if message.type in ("note_on", "note_off"):
            voice = (message.channel, message.note)
            if voice in open_notes:
                found["notes"].append((open_notes.pop(voice), at, message.note))
            if message.type == "note_on" and message.velocity > 0:
                open_notes[voice] = at
        elif message.type == "lyrics":
            found["lyrics"].append((at, _text(message.text)))
        elif message.type == "text":
            found["texts"].append((at, _text(message.text)))
        elif message.type == "set_tempo" and message.tempo > 0:
            found["tempos"].append((at, 60e6 / message.tempo))
        elif message.type == "time_signature":
            found["signatures"].append((at, message.numerator, 4 / message.denominator))
        elif message.type == "track_name":
            found["name"] = _text(message.name).strip()
    found["notes"].sort()
    return found


def _text(text: str) -> str:
    """MIDI does not say how text is encoded, and the parser reads it as Latin-1."""
    try:
        return decode_text(text.encode("latin-1")).text
    except UnicodeEncodeError:
        return text


def _lyrics(tracks: list[dict[str, Any]]) -> list[tuple[float, str]]:
    """Lyric events of all tracks; karaoke files write them as plain text."""
    for kind in ("lyrics", "texts"):
        events = [event for track in tracks for event in track[kind]]
        clean = [(at, text.strip().lstrip("\\/").strip()) for at, text in events]
        clean = sorted((at, text) for at, text in clean if text and not text.startswith("@"))
        starts = {round(start, 3) for track in tracks for start, _, _ in track["notes"]}
        if kind == "lyrics" and clean:
            return clean
        matched = sum(round(at, 3) in starts for at, _ in clean)
        if clean and matched > len(clean) / 2:
            return clean
    return []


def _assign(
    notes: list[tuple[float, float, int]], lyrics: list[tuple[float, str]]
) -> dict[int, str]:
    """Each lyric to the note that begins with it."""
    starts = [start for start, _, _ in notes]
    words: dict[int, str] = {}
    for at, text in lyrics:
        k = bisect_left(starts, at)
        near = [n for n in (k - 1, k) if 0 <= n < len(starts) and abs(starts[n] - at) <= _NEAR]
        if near:
            words.setdefault(min(near, key=lambda n: abs(starts[n] - at)), text)
    return words


def _has_near(times: list[float], start: float) -> bool:
    k = bisect_left(times, start - _NEAR)
    return k < len(times) and times[k] <= start + _NEAR


def _joined(notes: tuple[SungNote, ...]) -> tuple[SungNote, ...]:
    """Notes whose small gaps to the next one are closed."""
    from dataclasses import replace

    closed = list(notes)
    for k, note in enumerate(notes[:-1]):
        gap = notes[k + 1].start - note.end
        if 0 < gap <= _LEGATO * (notes[k + 1].start - note.start):
            closed[k] = replace(note, end=notes[k + 1].start)
    return tuple(closed)
