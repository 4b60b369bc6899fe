"""Ten datasets broken in the ways beginners break them: coded findings, no traceback, no trace."""

import numpy as np
import pytest
import soundfile

from singwiz.core.findings import has_errors

from .conftest import PH_DUR, PH_SEQ, sing

DURATIONS = [f"{seconds:g}" for seconds in PH_DUR]


def missing_wav(corpus):
    corpus.wav("song_01").unlink()


def corrupt_wav(corpus):
    corpus.wav("song_01").write_bytes(b"RIFF\x00\x10\x00\x00WAVEfmt garbage" * 40)


def empty_csv(corpus):
    corpus.csv.write_bytes(b"")


def byte_order_mark(corpus):
    corpus.csv.write_bytes(b"\xef\xbb\xbf" + corpus.csv.read_bytes())


def gbk_encoding(corpus):
    corpus.wav("song_01").rename(corpus.wav("月亮代表我的心"))
    corpus.csv.write_bytes(corpus.text().replace("song_01", "月亮代表我的心").encode("gbk"))


def lengths_mismatch(corpus):
    corpus.rows[1]["ph_dur"] = " ".join(DURATIONS[:-1])
    corpus.write()


def negative_duration(corpus):
    corpus.rows[1]["ph_dur"] = " ".join(["-0.2", *DURATIONS[1:]])
    corpus.write()


def not_a_number(corpus):
    corpus.rows[1]["ph_dur"] = " ".join(["NaN", *DURATIONS[1:]])
    corpus.write()


def unknown_phoneme(corpus):
    corpus.rows[1]["ph_seq"] = " ".join(["SP", "xx", *PH_SEQ[2:]])
    corpus.write()


def stereo_48k(corpus):
    samples = sing(250.0, 48000)
    soundfile.write(corpus.wav("song_01"), np.stack([samples, samples], axis=1), 48000)


@pytest.mark.parametrize(
    ("damage", "expected", "blocks", "items_left"),
    [
        (missing_wav, {"audio-missing": 3}, True, 2),
        (corrupt_wav, {"audio-unreadable": None}, True, 3),
        (empty_csv, {"transcriptions-empty": 1}, True, 0),
        (byte_order_mark, {"csv-bom": 1}, False, 3),
        (gbk_encoding, {"csv-encoding": 3}, True, 3),
        (lengths_mismatch, {"lengths-differ": 3}, True, 2),
        (negative_duration, {"duration-negative": 3}, True, 2),
        (not_a_number, {"number-invalid": 3}, True, 2),
        (unknown_phoneme, {"unknown-phoneme": 3}, True, 3),
        (
            stereo_48k,
            {"channels": None, "sample-rate-other": None, "sample-rate-mixed": None},
            False,
            3,
        ),
    ],
)
def test_a_broken_dataset_is_explained_and_left_alone(corpus, damage, expected, blocks, items_left):
    damage(corpus)
    before = corpus.snapshot()
    findings = corpus.check()
    assert {finding.code: finding.place.line for finding in findings} == expected
    assert has_errors(findings) is blocks
    assert len(corpus.open().items) == items_left
    for finding in findings:
        assert finding.message.endswith(".")
        assert finding.hint
        assert finding.place.dataset == "voice"
        assert finding.place.file
        if "song_01" in finding.message:
            assert finding.place.item == "song_01"
    assert corpus.snapshot() == before
