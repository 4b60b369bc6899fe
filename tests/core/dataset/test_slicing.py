"""Cutting at rests: lengths, exact labels, exact sound, and what cannot be cut."""

from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import RawDataset, probe_audio
from singwiz.core.dataset.slicing import SliceLimits, piece_cells, plan_pieces, slice_dataset
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.reporting import Reporter

RATE = 8000


def spans(ph_seq: str, ph_dur: list[float], **limits: float) -> list[tuple[float, float]]:
    pieces = plan_pieces(ph_seq.split(), ph_dur, SliceLimits(**limits))
    return [(round(piece.start, 6), round(piece.end, 6)) for piece in pieces]


def test_a_song_is_cut_in_its_rests_and_keeps_some_of_them():
    ph_seq = "SP a SP a SP a SP"
    assert spans(ph_seq, [3, 8, 1, 9, 0.5, 6, 2]) == [(2.6, 11.4), (11.6, 21.25), (21.25, 27.9)]


def test_breaths_stay_with_the_phrase_they_begin():
    ph_seq = ["SP", "a", "SP", "AP", "a", "AP", "a", "SP"]
    pieces = plan_pieces(ph_seq, [1, 10, 1, 0.5, 10, 0.3, 10, 1])
    assert [(piece.first, piece.last) for piece in pieces] == [(0, 2), (2, 4), (5, 7)]
    assert [(round(p.start, 6), round(p.end, 6)) for p in pieces] == [
        (0.6, 11.4),
        (11.6, 22.5),
        (22.5, 33.2),
    ]


def test_short_phrases_stay_together_and_long_ones_are_cut_at_the_longest_rest():
    assert spans("SP a SP a SP", [0.3, 3, 0.2, 3, 0.3]) == [(0, 6.8)]
    assert spans("a SP a SP a SP a", [5, 0.2, 5, 0.9, 5, 0.2, 5]) == [(0, 10.6), (10.7, 21.3)]


def test_a_song_without_rests_stays_in_one_piece():
    assert spans("a k a", [20, 1, 20]) == [(0, 41)]
    assert spans("SP AP SP", [20, 1, 20]) == []


def test_other_names_of_silence_are_known():
    assert len(spans("pau a sil a br a pau", [1, 9, 1, 9, 1, 9, 1])) == 3


def test_impossible_limits_are_refused():
    for limits in ({"shortest": 6}, {"wanted_max": 4}, {"longest": 10}, {"rest": 3}):
        with pytest.raises(SingwizError) as caught:
            SliceLimits(**limits)
        assert caught.value.code == "slice-limits"


durations = st.integers(1, 9_000_000).map(lambda us: us / 1e6)
songs = st.lists(
    st.tuples(st.sampled_from(["SP", "AP", "a", "k", "a"]), durations), min_size=1, max_size=40
)


@settings(deadline=None)
@given(songs)
def test_every_sung_phoneme_is_in_exactly_one_piece_whole(song):
    ph_seq, ph_dur = [s for s, _ in song], [d for _, d in song]
    ends = list(accumulate(ph_dur))
    found: list[int] = []
    for piece in plan_pieces(ph_seq, ph_dur):
        assert piece.seconds > 0
        for k in range(piece.first, piece.last + 1):
            if ph_seq[k] in ("a", "k"):
                found.append(k)
                assert piece.start - 1e-9 <= ends[k] - ph_dur[k] <= ends[k] <= piece.end + 1e-9
        row = piece_cells({"ph_seq": ""}, ph_seq, ph_dur, piece)
        seconds = [float(token) for token in row["ph_dur"].split()]
        assert len(seconds) == len(row["ph_seq"].split())
        assert sum(seconds) == pytest.approx(piece.seconds, abs=2e-6)
    assert found == [k for k, symbol in enumerate(ph_seq) if symbol in ("a", "k")]


def test_words_and_notes_are_cut_with_the_phonemes():
    ph_seq = ["SP", "k", "a", "SP", "k", "a", "SP"]
    ph_dur = [1, 0.5, 9, 2, 0.5, 9, 1]
    cells = {
        "name": "song",
        "ph_num": "2 1 2 1 1",
        "note_seq": "rest C4 D4 rest E4 rest",
        "note_dur": "1.5 4 5 2.5 9 1",
        "note_slur": "0 0 1 0 0 0",
        "lyrics": "la la",
    }
    first, second = (piece_cells(cells, ph_seq, ph_dur, p) for p in plan_pieces(ph_seq, ph_dur))
    assert first == {
        "lyrics": "la la",
        "ph_seq": "SP k a SP",
        "ph_dur": "0.4 0.5 9 0.4",
        "ph_num": "2 1 1",
        "note_seq": "rest C4 D4 rest",
        "note_dur": "0.9 4 5 0.4",
        "note_slur": "0 0 1 0",
    }
    assert (second["ph_num"], second["note_seq"]) == ("2 1 1", "rest E4 rest")
    assert second["note_dur"] == "0.9 9 0.4"


def test_columns_that_do_not_fit_are_left_out_of_pieces():
    ph_seq, ph_dur = ["SP", "a", "SP", "a", "SP"], [1, 9, 1, 9, 1]
    cells = {"ph_num": "1 1", "note_seq": "C4 D4", "note_dur": "1 1"}
    row = piece_cells(cells, ph_seq, ph_dur, plan_pieces(ph_seq, ph_dur)[0])
    assert set(row) == {"ph_seq", "ph_dur"}


# Whole datasets


def make(root: Path, rows: dict[str, tuple[str, str]], *, seconds: dict[str, float] | None = None):
    """Songs of noise in 24 bits with these labels."""
    (root / "wavs").mkdir(parents=True)
    lines = ["name,ph_seq,ph_dur"]
    for name, (ph_seq, ph_dur) in rows.items():
        length = (seconds or {}).get(name, sum(map(float, ph_dur.split())))
        noise = np.random.default_rng(len(name)).standard_normal(round(length * RATE)) * 0.05
        soundfile.write(root / "wavs" / f"{name}.wav", noise, RATE, subtype="PCM_24")
        lines.append(f"{name},{ph_seq},{ph_dur}")
    (root / "transcriptions.csv").write_text("\n".join(lines) + "\n")
    return RawDataset.open(root, name="voice", speaker="aoi", language="ja")


def test_pieces_have_the_sound_and_the_labels_of_their_place_bit_by_bit(tmp_path):
    song = make(tmp_path / "raw", {"song": ("SP a SP a SP", "1 7.0003 1.5 7 1")})
    before = (tmp_path / "raw" / "transcriptions.csv").read_bytes()
    report = slice_dataset(song, tmp_path / "cut")
    cut = RawDataset.open(tmp_path / "cut", name="voice", speaker="aoi", language="ja")
    assert cut.findings == [] and report.items == 2 and report.cut == 1
    whole, _ = soundfile.read(tmp_path / "raw" / "wavs" / "song.wav", dtype="int32")
    at = 0
    for item in cut.items:
        info = probe_audio(item.audio)
        assert info.subtype == "PCM_24"
        assert item.seconds == pytest.approx(info.seconds, abs=1e-6)
        samples, _ = soundfile.read(item.audio, dtype="int32")
        start = next(
            k for k in range(at, len(whole)) if np.array_equal(whole[k : k + 50], samples[:50])
        )
        assert np.array_equal(whole[start : start + len(samples)], samples)
        at = start + len(samples)
    assert [item.name for item in cut.items] == ["song_000", "song_001"]
    assert report.dropped == pytest.approx(0.6 + 0.7 + 0.6, abs=1e-3)
    assert (tmp_path / "raw" / "transcriptions.csv").read_bytes() == before


def test_short_recordings_are_copied_as_they_are(tmp_path):
    song = make(tmp_path / "raw", {"short": ("SP a SP", "0.2 5 0.2"), "long": ("a SP a", "9 1 9")})
    report = slice_dataset(song, tmp_path / "cut")
    assert set(report.lengths) == {"short", "long_000", "long_001"}
    copied = tmp_path / "cut" / "wavs" / "short.wav"
    assert copied.read_bytes() == (tmp_path / "raw" / "wavs" / "short.wav").read_bytes()


def test_phrases_after_the_end_of_the_recording_are_left_out_and_named(tmp_path):
    song = make(
        tmp_path / "raw",
        {"bad": ("SP a SP a SP", "1 9 1 9 1"), "rest": ("SP a SP", "1 9 4")},
        seconds={"bad": 15.0, "rest": 9.99},
    )
    report = slice_dataset(song, tmp_path / "cut")
    assert set(report.lengths) == {"bad_000", "rest_000"}
    assert "1 of 2 pieces lie beyond the end" in report.skipped["bad"]
    cut = RawDataset.open(tmp_path / "cut", name="v", speaker="s", language="ja")
    assert {item.name: item.ph_seq[-1] for item in cut.items} == {"bad_000": "SP", "rest_000": "a"}
    for item in cut.items:
        assert item.seconds == pytest.approx(probe_audio(item.audio).seconds, abs=1e-6)


def test_silent_broken_and_odd_items_are_reported(tmp_path):
    song = make(
        tmp_path / "raw",
        {"silent": ("SP", "9"), "tiny": ("a", "1"), "endless": ("a", "25"), "odd": ("a b", "1")},
    )
    report = slice_dataset(song, tmp_path / "cut")
    assert report.short == ["tiny"] and report.long == ["endless"]
    assert set(report.skipped) == {"silent", "odd"}
    assert report.to_dict()["items"] == 2


def test_nothing_remains_of_a_slicing_that_cannot_be_finished(tmp_path):
    song = make(tmp_path / "raw", {"song": ("SP a SP", "1 9 1"), "other": ("a", "9")})

    class Impatient(Reporter):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 1

    with pytest.raises(Cancelled):
        slice_dataset(song, tmp_path / "cut", reporter=Impatient())
    for target, code in (
        (tmp_path / "raw" / "cut", "target-among-originals"),
        (tmp_path / "raw", "target-among-originals"),
    ):
        with pytest.raises(SingwizError) as caught:
            slice_dataset(song, target)
        assert caught.value.code == code
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep.txt").write_text("mine")
    with pytest.raises(SingwizError) as caught:
        slice_dataset(song, tmp_path / "full")
    assert caught.value.code == "target-not-empty"
    silent = make(tmp_path / "silent", {"a": ("SP", "3")})
    with pytest.raises(SingwizError) as caught:
        slice_dataset(silent, tmp_path / "none")
    assert caught.value.code == "nothing-usable"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "raw", "silent"]
    assert (tmp_path / "full" / "keep.txt").read_text() == "mine"
