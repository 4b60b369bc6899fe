"""Opening raw datasets: folders, CSV dialects, names, numbers, and files that go with them."""

import unicodedata

import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import RawDataset
from singwiz.core.findings import Finding, Severity

from .conftest import PH_DUR, PH_SEQ, RATE, Corpus, sing


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_a_clean_dataset_opens_without_findings(corpus):
    dataset = corpus.open()
    assert dataset.findings == []
    assert dataset.rows == 3
    assert [item.name for item in dataset.items] == ["song_00", "song_01", "song_02"]
    item = dataset.items[1]
    assert item.line == 3
    assert item.ph_seq == PH_SEQ
    assert item.ph_dur == PH_DUR
    assert item.seconds == pytest.approx(2.5)
    assert item.audio == corpus.wav("song_01")


def test_wav_is_preferred_and_flac_is_the_second_choice(corpus):
    flac = corpus.wav("song_00").with_suffix(".flac")
    soundfile.write(flac, sing(220.0), RATE)
    assert corpus.open().items[0].audio == corpus.wav("song_00")
    corpus.wav("song_00").unlink()
    assert corpus.open().items[0].audio == flac


def test_every_column_is_kept_as_text(corpus):
    for row in corpus.rows:
        row["my_notes"] = '"take 2, better"'
    item = corpus.write().open().items[0]
    assert item.cells["my_notes"] == "take 2, better"


@pytest.mark.parametrize("chosen", ["parent", "child", "csv"])
def test_a_neighbouring_folder_is_recognised(corpus, one_finding, chosen):
    path = {"parent": corpus.root.parent, "child": corpus.root / "wavs", "csv": corpus.csv}[chosen]
    dataset = RawDataset.open(path, name="v", speaker="s", language="ja")
    finding = one_finding(dataset.findings, "raw-folder-wrong")
    assert str(corpus.root) in finding.hint
    assert dataset.items == []


@pytest.mark.parametrize("name", ["transcriptions.txt", "song.lab", "song.TextGrid"])
def test_labels_in_another_form_are_recognised(tmp_path, one_finding, name):
    (tmp_path / name).write_text("0 100 a\n")
    dataset = RawDataset.open(tmp_path, name="v", speaker="s", language="ja")
    assert name in one_finding(dataset.findings, "labels-not-converted").message


def test_folders_that_cannot_be_a_dataset_are_findings_not_exceptions(tmp_path):
    for root in (tmp_path / "none", tmp_path, "\0", "a" * 5000):
        dataset = RawDataset.open(root, name="v", speaker="s", language="ja")
        assert len(dataset.findings) == 1
        assert dataset.findings[0].severity is Severity.ERROR
    (tmp_path / "Transcriptions.CSV").write_text("x")
    dataset = RawDataset.open(tmp_path, name="v", speaker="s", language="ja")
    assert "Transcriptions.CSV" in dataset.findings[0].message


def test_a_dataset_without_wavs_says_so_once(corpus, one_finding):
    (corpus.root / "wavs").rename(corpus.root / "audio")
    dataset = corpus.open()
    one_finding(dataset.findings, "wavs-missing")
    assert codes(dataset.findings) == {"wavs-missing"}
    assert dataset.items == []


@pytest.mark.parametrize(
    ("separator", "spoken"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_another_separator_is_reported_and_read(corpus, one_finding, separator, spoken):
    corpus.csv.write_text(corpus.text().replace(",", separator))
    dataset = corpus.open()
    assert spoken in one_finding(dataset.findings, "csv-separator").message
    assert len(dataset.items) == 3


@pytest.mark.parametrize("encoding", ["gbk", "shift_jis", "utf-16", "utf-16-le"])
def test_another_encoding_is_reported_and_read(corpus, one_finding, encoding):
    name = "春江花月夜" if encoding == "gbk" else "さくらの歌"
    corpus.wav("song_00").rename(corpus.wav(name))
    corpus.rows[0]["name"] = name
    corpus.csv.write_bytes(corpus.text().encode(encoding))
    dataset = corpus.open()
    finding = one_finding(dataset.findings, "csv-encoding")
    assert {"gbk": "GBK", "shift_jis": "Shift-JIS"}.get(encoding, "UTF-16") in finding.message
    assert finding.place.line == 2
    assert [item.name for item in dataset.items] == [name, "song_01", "song_02"]


def test_windows_line_ends_blank_lines_and_quotes_change_nothing(corpus):
    text = corpus.text().replace("song_01", '"song_01"').replace("\n", "\r\n\r\n")
    corpus.csv.write_bytes(text.encode())
    dataset = corpus.open()
    assert dataset.findings == []
    assert [item.line for item in dataset.items] == [3, 5, 7]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("Name,ph_seq,ph_dur", "name"),
        ("name, ph_seq,ph_dur", "ph_seq"),
        ("name,phseq,ph_dur", "ph_seq"),
        ("name,ph_seq,ph_durs", "ph_dur"),
        ("name,phonemes,ph_dur", "ph_seq"),
        ("name,ph_seq,PH DUR", "ph_dur"),
    ],
)
def test_a_misspelt_column_is_reported_and_read(corpus, one_finding, header, wanted):
    corpus.csv.write_text(corpus.text().replace("name,ph_seq,ph_dur", header))
    dataset = corpus.open()
    finding = one_finding(dataset.findings, "column-name")
    assert f"'{wanted}'" in finding.hint
    assert finding.place.line == 1
    assert len(dataset.items) == 3


def test_a_missing_column_and_a_repeated_one_are_reported(corpus, one_finding):
    corpus.csv.write_text("name,ph_seq\nsong_00,a\n")
    assert "'ph_dur'" in one_finding(corpus.open().findings, "column-missing").message
    corpus.csv.write_text("name,ph_seq,ph_dur,name\nsong_00,a,2.5,other\n")
    dataset = corpus.open()
    one_finding(dataset.findings, "column-duplicate")
    assert dataset.items[0].name == "song_00"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "../song_00"}, "name-illegal"),
        ({"name": "/etc/passwd"}, "name-illegal"),
        ({"name": "C:song"}, "name-illegal"),
        ({"name": "sub\\song_00"}, "name-illegal"),
        ({"name": ".."}, "name-illegal"),
        ({"name": "song_00 "}, "name-illegal"),
        ({"name": "CON"}, "name-illegal"),
        ({"name": "so\x07ng"}, "name-illegal"),
        ({"name": "song_\x0000"}, "name-illegal"),
        ({"name": "x" * 300}, "name-illegal"),
        ({"name": "song_01"}, "name-duplicate"),
        ({"name": "song_00.wav"}, "name-extension"),
        ({"name": "Song_00"}, "audio-missing"),
        ({"name": "nowhere"}, "audio-missing"),
        ({"name": ""}, "cell-empty"),
        ({"ph_seq": " "}, "cell-empty"),
        ({"ph_dur": ""}, "cell-empty"),
        ({"ph_dur": "0.1 0.2"}, "lengths-differ"),
        ({"ph_dur": "0.2 0.08 0.5 -0.1 0.5 0.2 0.1 0.5 0.3"}, "duration-negative"),
        ({"ph_dur": "0.2 0.08 nan 0.1 0.5 0.2 0.1 0.5 0.3"}, "number-invalid"),
        ({"ph_dur": "0.2 0.08 inf 0.1 0.5 0.2 0.1 0.5 0.3"}, "number-invalid"),
        ({"ph_dur": "0.2 0.08 1_0 0.1 0.5 0.2 0.1 0.5 0.3"}, "number-invalid"),
        ({"ph_dur": '"0,2 0.08 0.5 0.1 0.5 0.2 0.1 0.5 0.3"'}, "number-invalid"),
        ({"ph_dur": "0,2 0.08 0.5 0.1 0.5 0.2 0.1 0.5 0.3"}, "csv-extra-cells"),
        ({"ph_seq": '"SP k a'}, "csv-quote"),
    ],
)
def test_a_broken_row_is_reported_with_its_line_and_left_out(corpus, change, code):
    corpus.rows.insert(2, corpus.rows[0] | {"name": "song_02"} | change)
    corpus.rows.pop()
    dataset = corpus.write().open()
    found = [finding for finding in dataset.findings if finding.code == code]
    assert found, codes(dataset.findings)
    assert found[0].severity is Severity.ERROR
    assert (found[0].place.file, found[0].place.line) == ("transcriptions.csv", 4)
    assert found[0].place.dataset == "voice"
    assert [item.name for item in dataset.items] == ["song_00", "song_01"]


def test_a_quote_that_swallows_the_rest_is_blamed_on_the_line_it_opens_in(corpus, one_finding):
    corpus.rows[1]["ph_seq"] = '"' + corpus.rows[1]["ph_seq"]
    dataset = corpus.write().open()
    assert one_finding(dataset.findings, "csv-quote").place.line == 3
    assert [item.name for item in dataset.items] == ["song_00"]


def test_names_that_differ_in_case_or_have_an_odd_hash_are_only_warnings(corpus, one_finding):
    for name in ("SONG_00", "take#b"):
        soundfile.write(corpus.wav(name), sing(300.0), RATE)
        corpus.rows.append(corpus.rows[0] | {"name": name})
    dataset = corpus.write().open()
    assert one_finding(dataset.findings, "name-case-duplicate").severity is Severity.WARNING
    assert one_finding(dataset.findings, "name-illegal").severity is Severity.WARNING
    assert len(dataset.items) == 5


@pytest.mark.parametrize("name", ["1", "1.0"])
def test_a_number_that_lost_its_zeros_is_traced_to_the_recording(corpus, one_finding, name):
    corpus.wav("song_00").rename(corpus.wav("00001"))
    corpus.rows[0]["name"] = name
    finding = one_finding(corpus.write().open().findings, "name-mangled")
    assert "'00001'" in finding.hint


def test_a_recording_of_nearly_the_same_name_is_pointed_out(corpus, one_finding):
    corpus.wav("song_00").rename(corpus.root / "wavs" / "song_00.WAV")
    assert "'song_00.WAV'" in one_finding(corpus.open().findings, "audio-missing").message
    corpus.rows[0]["name"] = unicodedata.normalize("NFC", "ポップ")
    decomposed = unicodedata.normalize("NFD", "ポップ") + ".wav"
    (corpus.root / "wavs" / "song_00.WAV").rename(corpus.root / "wavs" / decomposed)
    assert decomposed in one_finding(corpus.write().open().findings, "audio-missing").message


def test_a_recording_in_another_format_is_pointed_out(corpus, one_finding):
    corpus.wav("song_00").rename(corpus.root / "wavs" / "song_00.mp3")
    finding = one_finding(corpus.open().findings, "audio-other-format")
    assert "song_00.mp3" in finding.message


def test_zero_bytes_and_invisible_spaces_are_survived(corpus):
    text = corpus.text().replace("SP k", "SP\u3000k", 1) + "\0\n"
    corpus.csv.write_text(text, encoding="utf-8")
    dataset = corpus.open()
    assert codes(dataset.findings) == {"csv-nul", "odd-spaces"}
    assert len(dataset.items) == 3


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04rest of a zip", bytes(range(256)) * 50, b"\0" * 99]
)
def test_a_file_that_is_no_text_is_named_as_such(corpus, one_finding, content):
    corpus.csv.write_bytes(content)
    one_finding(corpus.open().findings, "transcriptions-not-text")


def test_a_row_as_long_as_a_concert_is_read(corpus):
    corpus.rows[0] |= {"ph_seq": "a " * 60000, "ph_dur": "0.1 " * 60000}
    assert len(corpus.write().open().items[0].ph_seq) == 60000


CELL = st.text(alphabet='ak SP0.1,;"\n\t\r-enaif_/\\:#\u3000\0', max_size=14)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.binary(max_size=200)
    | st.text(max_size=150).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(st.lists(CELL, max_size=5), max_size=6).map(
        lambda rows: "\n".join(["name,ph_seq,ph_dur", *map(",".join, rows)]).encode()
    )
)
@example(content=b'name,ph_seq,ph_dur\na,"' + b"x" * 200)
@example(content=b"name,ph_seq,ph_dur\nsong_00,a,1e999\n")
@example(content=b"name,ph_seq,ph_dur\nsong_00,a a,1e308 1e308\n")
@example(content=b"\xff\xfe\x00")
def test_no_content_of_the_csv_ever_raises(tmp_path, content):
    corpus = Corpus(tmp_path)
    (tmp_path / "wavs").mkdir(exist_ok=True)
    (tmp_path / "wavs" / "song_00.wav").write_bytes(b"broken")
    (tmp_path / "dictionary.txt").write_text("a\ta\n")
    corpus.csv.write_bytes(content)
    findings = corpus.check()
    assert all(isinstance(finding, Finding) and finding.message for finding in findings)
    assert all(
        item.audio and item.audio.parent == tmp_path / "wavs" for item in corpus.open().items
    )
