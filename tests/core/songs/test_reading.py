"""MusicXML, MIDI, UST and USTX: the same notes at the same seconds, and broken files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import yaml

from singwiz.core.errors import SingwizError
from singwiz.core.songs import read_score

from .conftest import musicxml, xml_note


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def times(song) -> list[tuple[float, float, float, str]]:
    return [(round(n.start, 4), round(n.end, 4), n.midi, n.lyric) for n in song.notes]


TEMPO_60 = "<direction><direction-type/><sound tempo='60'/></direction>"


def test_musicxml_gives_seconds_ties_tempo_changes_and_places(tmp_path: Path):
    data = musicxml(
        xml_note("rest", 1) + xml_note("C4", 1, "か") + xml_note("C#4", 2, "さ", tie="start"),
        xml_note("C#4", 1, tie="stop") + TEMPO_60 + xml_note("E4", 2) + xml_note("F4", 1, "い"),
    )
    song = read_score(written(tmp_path, "song.musicxml", data))
    assert times(song) == [
        (0.5, 1.0, 60, "か"),
        (1.0, 2.5, 61, "さ"),
        (2.5, 4.5, 64, ""),
        (4.5, 5.5, 65, "い"),
    ]
    assert song.notes[0].place == "bar 1, beat 2"
    assert song.notes[3].place == "bar 2, beat 4"


def test_packed_musicxml_is_unpacked(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            "<container><rootfiles><rootfile full-path='inner/a.xml'/></rootfiles></container>",
        )
        archive.writestr("other.xml", "<nothing/>")
        archive.writestr("inner/a.xml", musicxml(xml_note("C4", 4, "a")))
    assert times(read_score(written(tmp_path, "a.mxl", buffer.getvalue()))) == [(0.0, 2.0, 60, "a")]


def test_repeats_are_played_with_the_next_verse(tmp_path: Path):
    bar = "<barline location='right'><repeat direction='backward'/></barline>"
    data = musicxml(xml_note("C4", 4, verses={1: "か", 2: "さ"}) + bar, xml_note("D4", 4, "い"))
    assert times(read_score(written(tmp_path, "r.xml", data))) == [
        (0.0, 2.0, 60, "か"),
        (2.0, 4.0, 60, "さ"),
        (4.0, 6.0, 62, "い"),
    ]


def test_grace_notes_and_second_notes_of_chords_are_left_out_and_said(tmp_path: Path):
    grace = "<note><grace/><pitch><step>A</step><octave>4</octave></pitch><voice>1</voice></note>"
    chord = xml_note("E4", 4, more="<chord/>")
    song = read_score(written(tmp_path, "g.xml", musicxml(grace + xml_note("C4", 4, "a") + chord)))
    assert times(song) == [(0.0, 2.0, 64, "a")]
    assert song.remarks == ("1 grace notes were left out.",)


def midi(*, lyrics: bool = True, name: str = "vocal") -> bytes:
    import mido

    file = mido.MidiFile(ticks_per_beat=480)
    conductor, piano, voice = mido.MidiTrack(), mido.MidiTrack(), mido.MidiTrack()
    conductor.append(mido.MetaMessage("set_tempo", tempo=500_000))
    conductor.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=960))
    piano.append(mido.Message("note_on", note=40, velocity=9))
    piano.append(mido.Message("note_off", note=40, time=480))
    voice.append(mido.MetaMessage("track_name", name=name))
    for note, text in ((60, "か"), (62, "さ"), (64, "い")):
        if lyrics:
            voice.append(
                mido.MetaMessage("lyrics", text=text.encode("shift-jis").decode("latin-1"))
            )
        voice.append(mido.Message("note_on", note=note, velocity=80))
        voice.append(mido.Message("note_on", note=note, velocity=0, time=456))  # 95 % of a quarter
        voice.append(mido.Message("note_off", note=1, time=24))
    file.tracks += [conductor, piano, voice]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def test_midi_gives_the_track_with_lyrics_in_any_encoding(tmp_path: Path):
    song = read_score(written(tmp_path, "s.mid", midi()))
    assert times(song) == [
        (0.0, 0.5, 60, "か"),
        (0.5, 1.0, 62, "さ"),
        (1.0, 1.95, 64, "い"),
    ]
    assert song.remarks == ("Track 2 (vocal) of 2 is sung.",)


def test_lyrics_may_come_beside_the_score_and_parts_may_be_chosen(tmp_path: Path):
    path = written(tmp_path, "s.mid", midi(lyrics=False))
    assert [n.lyric for n in read_score(path, lyrics="きゃ - さ").notes] == ["きゃ", "-", "さ"]
    assert [n.lyric for n in read_score(path, lyrics="きゃーか さ").notes] == ["きゃー", "か", "さ"]
    assert [n.lyric for n in read_score(path, lyrics="hel-lo day").notes] == ["hel", "lo", "day"]
    with pytest.raises(SingwizError, match="2 syllables, but the score has 3 notes"):
        read_score(path, lyrics="あい")
    assert [n.midi for n in read_score(path, part="1").notes] == [40]
    assert len(read_score(path, part="vocal").notes) == 3
    with pytest.raises(SingwizError) as caught:
        read_score(path, part="choir")
    assert caught.value.code == "score-part-missing"
    assert "2 vocal" in caught.value.hint


UST = """[#VERSION]
UST Version1.2
[#SETTING]
Tempo=120,00
Tracks=1
[#0000]
Length=480
Lyric=R
NoteNum=60
[#0001]
Length=480
Lyric=か
NoteNum=60
[#0002]
Length=960
Lyric=a さ
NoteNum=62
Tempo=60
[#TRACKEND]
"""


@pytest.mark.parametrize("encoding", ["shift-jis", "utf-8", "utf-8-sig"])
def test_ust_is_read_in_any_encoding_with_tempo_changes(tmp_path: Path, encoding: str):
    song = read_score(written(tmp_path, "s.ust", UST.replace("\n", "\r\n").encode(encoding)))
    assert times(song) == [(0.5, 1.0, 60, "か"), (1.0, 3.0, 62, "a さ")]
    assert song.notes[1].place == "note 2 (bar 1, beat 3)"


def ustx(**changes) -> bytes:
    note = {"duration": 480, "tone": 60, "lyric": "か", "pitch": {"data": []}}
    content = {
        "name": "My song",
        "ustx_version": "0.7",
        "resolution": 480,
        "time_signatures": [{"bar_position": 0, "beat_per_bar": 3, "beat_unit": 4}],
        "tempos": [{"position": 0, "bpm": 120}, {"position": 960, "bpm": 60}],
        "tracks": [{"track_name": "Lead"}, {"track_name": "Choir"}],
        "voice_parts": [
            {
                "track_no": 0,
                "position": 480,
                "notes": [
                    note | {"position": 0},
                    note | {"position": 480, "tone": 62, "lyric": "+"},
                ],
            },
            {"track_no": 1, "position": 0, "notes": [note | {"position": 0, "tone": 50}]},
        ],
        "wave_parts": [],
    }
    return yaml.safe_dump(content | changes, allow_unicode=True).encode()


def test_ustx_gives_the_chosen_track_with_tempo_changes(tmp_path: Path):
    path = written(tmp_path, "s.ustx", ustx())
    song = read_score(path)
    assert song.title == "My song"
    assert times(song) == [(0.5, 1.0, 60, "か"), (1.0, 2.0, 62, "+")]
    assert song.notes[1].place == "bar 1, beat 3"
    assert [n.midi for n in read_score(path, part="Choir").notes] == [50]


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.xml", b"<score", "score-unreadable"),
        ("a.xml", b"", "score-unreadable"),
        ("a.xml", b"<html></html>", "score-unreadable"),
        ("a.xml", musicxml(xml_note(), head=BOMB.decode()), "score-unreadable"),
        ("a.xml", musicxml(xml_note("rest", 4)), "score-no-notes"),
        ("a.mxl", b"PK\x03\x04nonsense", "score-unreadable"),
        ("a.mid", b"MThd", "score-unreadable"),
        ("a.mid", b"\x00" * 99, "score-unreadable"),
        ("a.ust", b"", "score-no-notes"),
        ("a.ust", UST.replace("NoteNum=62", "NoteNum=x").encode(), "score-unreadable"),
        ("a.ust", UST.replace("Length=960", "Length=-5").encode(), "score-unreadable"),
        ("a.ust", UST.replace("Tempo=60", "Tempo=0").encode(), "score-unreadable"),
        ("a.ustx", b"!!python/object/apply:os.system ['true']", "score-unreadable"),
        ("a.ustx", b"[1, 2", "score-unreadable"),
        ("a.ustx", ustx(voice_parts=[]), "score-no-notes"),
        ("a.ustx", ustx(tempos=[{"position": 0, "bpm": "fast"}]), "score-unreadable"),
        ("a.doc", b"", "score-kind"),
    ],
)
def test_broken_files_give_coded_errors(tmp_path: Path, name: str, data: bytes, code: str):
    with pytest.raises(SingwizError) as caught:
        read_score(written(tmp_path, name, data))
    assert caught.value.code == code
    assert caught.value.hint
    assert caught.value.where
    assert caught.value.exit_code == 2


def test_a_missing_score_is_named(tmp_path: Path):
    with pytest.raises(SingwizError) as caught:
        read_score(tmp_path / "none.ust")
    assert caught.value.code == "score-missing"
