"""Datasets made to do harm, or just unlucky: checks answer, stay inside, and leave no trace."""

import struct

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import RawDataset, check_datasets
from singwiz.core.findings import has_errors

from .conftest import RATE, sing

NAMES = [
    "../outside", "..\\outside", "/etc/passwd", "C:\\outside", "\\\\server\\share", "a/../../b",
    "nul\0byte", "CON", "aux.wav", "LPT1", "x" * 300, ".", "..", "song:1", "tab\there", " song",
    "song ", "-rf", "~", "$HOME", "%TEMP%", "\u202eevil", "*", "?",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_folder(corpus, tmp_path, name):
    soundfile.write(tmp_path / "outside.wav", sing(300.0), RATE)
    corpus.rows[1]["name"] = name
    before = corpus.write().snapshot()
    dataset = corpus.open()
    wavs = (corpus.root / "wavs").resolve()
    assert all(item.audio.resolve().is_relative_to(wavs) for item in dataset.items)
    assert has_errors(corpus.check())
    assert corpus.snapshot() == before


def test_links_that_go_in_circles_are_no_trap(corpus):
    wavs = corpus.root / "wavs"
    (wavs / "loop.wav").symlink_to(wavs / "loop.wav")
    (wavs / "again").symlink_to(wavs)
    (corpus.root / "ds").symlink_to(corpus.root)
    corpus.rows[1]["name"] = "loop"
    findings = corpus.write().check()
    assert {f.code for f in findings if f.place.item == "loop"} == {"audio-missing"}
    for child in list(wavs.iterdir()):
        child.unlink()
    wavs.rmdir()
    wavs.symlink_to(corpus.root / "wavs")
    assert "wavs-missing" in {finding.code for finding in corpus.check()}


def test_a_voicebank_that_contains_itself_is_read_once(tmp_path):
    bank = tmp_path / "bank"
    bank.mkdir()
    (bank / "again").symlink_to(bank)
    (bank / "oto.ini").write_bytes(b"\xff\xfe\0../../a.wav=a,1e999,nan,,,\n" * 1000)
    dataset = RawDataset.open(bank, name="v", speaker="s", language="ja")
    assert "utau-voicebank" in {finding.code for finding in check_datasets([dataset], None)}


@pytest.mark.parametrize("claim", [2**31 - 100, 2**32 - 100])
def test_two_gigabytes_in_a_header_cost_neither_time_nor_memory(corpus, claim):
    body = struct.pack("<IHHIIHH", 16, 1, 2, 48000, 192000, 4, 16)
    head = b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt " + body
    corpus.wav("song_01").write_bytes(head + b"data" + struct.pack("<I", claim) + bytes(4000))
    codes = {f.code for f in corpus.check() if f.place.item == "song_01"}
    assert codes & {"audio-silent", "item-short", "audio-too-long", "audio-truncated"}


def test_a_folder_that_may_not_be_written_is_only_read(corpus, tmp_path):
    corpus.root.chmod(0o555)
    (corpus.root / "wavs").chmod(0o555)
    try:
        assert corpus.check(memory=tmp_path / "cache") == []
    finally:
        corpus.root.chmod(0o755)
        (corpus.root / "wavs").chmod(0o755)


cell = st.text(
    alphabet=st.one_of(
        st.sampled_from("SPAP kami0123456789.,;-+e/\t\"'#\n\u3000\u200b\0<>|"),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(cell, cell, cell, cell), max_size=4), st.sampled_from(",;\t"))
def test_no_table_ever_breaks_a_check(corpus, rows, separator):
    lines = [separator.join(("name", "ph_seq", "ph_dur", "ph_num"))]
    lines += [separator.join(row) for row in rows]
    lines.append(separator.join(("song_00", *rows[0][1:]))) if rows else None
    corpus.csv.write_text("\n".join(lines), encoding="utf-8", newline="")
    for kind in ("acoustic", "variance", "vocoder"):
        for finding in corpus.check(kind=kind):
            assert finding.message.endswith(".")
            assert finding.hint


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=400), st.integers(0, 60))
def test_no_bytes_of_a_recording_ever_break_a_check(corpus, noise, at):
    data = bytearray(corpus.wav("song_01").read_bytes())
    original = bytes(data)
    data[at : at + len(noise)] = noise
    corpus.wav("song_01").write_bytes(data)
    try:
        for finding in corpus.check():
            assert finding.message.endswith(".")
    finally:
        corpus.wav("song_01").write_bytes(original)
