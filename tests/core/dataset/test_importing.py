"""Recordings with labels of other programs become a dataset; the originals stay as they are."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import RawDataset, probe_audio
from singwiz.core.dataset.importing import ImportOptions, ImportReport, import_folder
from singwiz.core.dataset.labels import Label, Tier
from singwiz.core.dataset.labels.kana import to_romaji
from singwiz.core.dataset.labels.textgrid import write_textgrid
from singwiz.core.dataset.labels.utau import OtoEntry, read_oto, read_voicebank, sample_labels
from singwiz.core.dictionary import (
    Dictionary,
    PhonemeKinds,
    read_dictionary,
    resolve_dictionary,
)
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.reporting import Reporter

RATE = 16000
LAB = "0 5000000 pau\n5000000 6000000 k\n6000000 12000000 a\n12000000 15000000 br\n"


def sound(path: Path, seconds: float = 1.5, *, channels: int = 1, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).standard_normal((round(seconds * RATE), channels))
    soundfile.write(path, 0.05 * noise, RATE, **options)
    return path


def text(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def snapshot(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def source(tmp_path):
    """A folder that must be the same after whatever a test does with it."""
    folder = tmp_path / "my songs 歌"
    folder.mkdir()
    yield folder
    # Tests call :func:`bring`, which compares.


def bring(source: Path, target: Path, **options) -> tuple[ImportReport, RawDataset]:
    before = snapshot(source)
    report = import_folder(source, target, ImportOptions(**options))
    assert snapshot(source) == before
    dataset = RawDataset.open(target, name="voice", speaker="aoi", language="ja")
    assert dataset.findings == [] and len(dataset.items) == report.items
    return report, dataset


def refused(source: Path, target: Path, **options) -> SingwizError:
    with pytest.raises(SingwizError) as caught:
        import_folder(source, target, ImportOptions(**options))
    assert caught.value.hint
    assert not target.exists() or target.is_relative_to(source)
    return caught.value


def test_hts_labels_beside_their_recordings(source, tmp_path):
    wav = sound(source / "song 1.wav", subtype="PCM_24")
    text(source / "song 1.lab", LAB)
    text(source / "song 1.txt", "the lyrics of song 1\n")
    sound(source / "extra.wav")
    report, dataset = bring(source, tmp_path / "new")
    (item,) = dataset.items
    assert (item.name, item.ph_seq) == ("song_1", ("SP", "k", "a", "AP"))
    assert item.ph_dur == (0.5, 0.1, 0.6, 0.3)
    assert item.audio.read_bytes() == wav.read_bytes()
    assert report.replaced == {"pau": 1, "br": 1} and report.symbols["SP"] == 1
    assert report.unlabelled == ["extra.wav"]
    assert report.renamed == {"song_1": "song 1"}
    assert report.seconds == pytest.approx(1.5)
    origin = json.loads((tmp_path / "new" / "origin.json").read_text())
    assert origin["items"]["song_1"] == {"audio": "song 1.wav", "labels": "song 1.lab"}


def test_labels_in_another_folder_and_recordings_in_other_formats(source, tmp_path):
    sound(source / "audio" / "a.WAV", format="WAV")
    sound(source / "audio" / "b.flac")
    sound(source / "audio" / "c.ogg", channels=2)
    for name in "abc":
        text(source / "mono_label" / f"{name}.lab", LAB)
    report, dataset = bring(source, tmp_path / "new")
    names = sorted(item.audio.name for item in dataset.items)
    assert names == ["a.wav", "b.flac", "c.wav"] and report.skipped == {}
    elsewhere = tmp_path / "labels"
    text(elsewhere / "a.lab", LAB)
    report, _ = bring(source / "audio", tmp_path / "other", labels=elsewhere)
    assert report.items == 1 and report.unlabelled == ["b.flac", "c.ogg"]


def test_textgrids_with_words_fill_ph_num(source, tmp_path):
    sound(source / "a.wav")
    phones = [(0.2, 0.3, "T"), (0.3, 0.4, "R"), (0.4, 0.9, "AY1"), (0.9, 1.0, "D")]
    tiers = [
        Tier((Label(0.2, 1.0, "tried"),), "words", 1.5),
        Tier(tuple(Label(*phone) for phone in phones), "phones", 1.5),
    ]
    text(source / "a.TextGrid", write_textgrid(tiers))
    english, _ = read_dictionary(resolve_dictionary("english-arpabet"), "en")
    symbols = {"T": "t", "R": "r", "AY1": "ay", "D": "d"}
    kinds = PhonemeKinds.of_dictionary(english)
    _, dataset = bring(source, tmp_path / "new", symbols=symbols, kinds=kinds, language="en")
    (item,) = dataset.items
    assert item.ph_seq == ("SP", "t", "r", "ay", "d", "SP")
    assert item.ph_dur == (0.2, 0.1, 0.1, 0.5, 0.1, 0.5)
    assert item.cells["ph_num"] == "2 3 1"
    error = refused(source, tmp_path / "none", tier="notes")
    assert "has no tier 'notes'" in error.message


def test_audacity_points_mark_beginnings(source, tmp_path):
    sound(source / "a.wav")
    text(source / "a.txt", "0.0\t0.0\tpau\n0.5\t0.5\tk\n0.6\t0.6\ta\n")
    report, dataset = bring(source, tmp_path / "new")
    assert report.format == "audacity"
    assert dataset.items[0].ph_dur == (0.5, 0.1, 0.9)


def test_labels_that_end_early_with_silence_stay_early(source, tmp_path):
    sound(source / "a.wav", 2.0)
    text(source / "a.lab", LAB.replace("br", "pau"))
    _, dataset = bring(source, tmp_path / "new")
    assert dataset.items[0].seconds == pytest.approx(1.5)


def test_v1_lists(source, tmp_path):
    sound(source / "wavs" / "2001.wav")
    lines = "2001|词|SP k a|rest C4 C4|0.5 1 1|0.5 0.1 0.9|0 0 0\nlost|x|a|C4|1|1|0\nbroken\n"
    text(source / "transcriptions.txt", lines)
    kinds = PhonemeKinds.of_lists(["a"], ["k"])
    report, dataset = bring(source, tmp_path / "new", kinds=kinds)
    assert dataset.items[0].cells["ph_dur"] == "0.5 0.1 0.9"
    assert dataset.items[0].cells["ph_num"] == "2 1"
    assert set(report.skipped) == {"transcriptions.txt:2", "transcriptions.txt:3"}


def test_ds_files_bring_their_notes_and_songs_are_cut(source, tmp_path):
    sound(source / "song.wav", 6.0)
    sound(source / "phrase.wav", 1.5)
    segment = {"ph_seq": "pau k a", "ph_dur": "0.5 0.1 0.9", "ph_num": "2 1", "note_seq": "rest C4"}
    segment |= {"note_dur": "0.6 0.9", "note_slur": "0 0", "f0_seq": "1 2", "f0_timestep": "0.01"}
    song = [{**segment, "offset": 1.0}, {"ph_seq": "a", "offset": 3}, {**segment, "offset": 4.25}]
    text(source / "song.ds", json.dumps([*song, {**segment, "offset": 60}]))
    text(source / "phrase.ds", json.dumps({**segment, "offset": 33.0}))
    report, dataset = bring(source, tmp_path / "new")
    items = {item.name: item for item in dataset.items}
    assert set(items) == {"phrase", "song_000", "song_002"}
    assert all(item.cells["note_seq"] == "rest C4" for item in items.values())
    assert all(item.ph_seq == ("SP", "k", "a") for item in items.values())
    whole, _ = soundfile.read(source / "song.wav", dtype="int16")
    part, _ = soundfile.read(items["song_002"].audio, dtype="int16")
    assert np.array_equal(part, whole[round(4.25 * RATE) : round(5.75 * RATE)])
    kept = json.loads((tmp_path / "new" / "ds" / "song_000.ds").read_text())
    assert kept[0]["ph_seq"] == "SP k a" and kept[0]["f0_seq"] == "1 2" and kept[0]["offset"] == 0
    assert set(report.skipped) == {"song.ds#1", "song.ds#3"}


def test_bad_files_are_skipped_and_named(source, tmp_path):
    sound(source / "good.wav")
    text(source / "good.lab", LAB)
    sound(source / "bad.wav")
    text(source / "bad.lab", "0 1 a\nx 2 b\n")
    sound(source / "lyrics.wav")
    text(source / "lyrics.lab", "just words\n")
    text(source / "deaf.wav", b"RIFF no sound")
    text(source / "deaf.lab", LAB)
    text(source / "lost.lab", LAB)
    sound(source / "one" / "twin.wav")
    sound(source / "two" / "twin.wav")
    text(source / "twin.lab", LAB)
    report, _ = bring(source, tmp_path / "new")
    assert report.items == 1
    assert set(report.skipped) == {"bad.lab", "lyrics.lab", "deaf.lab", "lost.lab", "twin.lab"}
    assert report.skipped["bad.lab"].startswith("line 2:")
    assert "several recordings" in report.skipped["twin.lab"]


def test_names_are_made_safe_and_unique(source, tmp_path):
    for folder in ("x", "y"):
        sound(source / folder / "CON.wav")
        text(source / folder / "CON.lab", LAB)
    sound(source / ("n" * 200 + ".wav"))
    text(source / ("n" * 200 + ".lab"), LAB)
    sound(source / "a:b #c.wav")
    text(source / "a:b #c.lab", LAB)
    _, dataset = bring(source, tmp_path / "new")
    names = {item.name for item in dataset.items}
    assert {"item_CON", "item_CON_2", "n" * 120} < names
    assert not any(sign in name for name in names for sign in ":# ")


def test_links_are_not_followed_in_circles(source, tmp_path):
    sound(source / "a.wav")
    text(source / "a.lab", LAB)
    (source / "loop").symlink_to(source)
    report, _ = bring(source, tmp_path / "new")
    assert report.items == 1


def test_unusable_sources_and_targets_are_refused(source, tmp_path):
    assert refused(tmp_path / "nowhere", tmp_path / "new").code == "source-missing"
    assert refused(source, tmp_path / "new").code == "no-labels"
    sound(source / "a.wav")
    assert "1 recordings" in refused(source, tmp_path / "new").message
    text(source / "b.lab", LAB)
    assert refused(source, tmp_path / "new").code == "nothing-usable"
    text(source / "a.lab", LAB)
    assert refused(source, source / "new").code == "target-among-originals"
    assert refused(source, tmp_path / "new", format="midi").code == "format-unknown"
    text(source / "transcriptions.csv", "name,ph_seq,ph_dur\n")
    assert refused(source, tmp_path / "new").code == "already-a-dataset"
    report, _ = bring(source, tmp_path / "new", format="lab")
    assert report.items == 1
    (tmp_path / "locked").mkdir(mode=0o500)
    text(tmp_path / "file", "x")
    assert refused(source, tmp_path / "file" / "new", format="lab").code == "target-not-writable"


def test_nothing_remains_of_a_stopped_import(source, tmp_path):
    sound(source / "a.wav")
    text(source / "a.lab", LAB)

    class Stop(Reporter):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        import_folder(source, tmp_path / "new", reporter=Stop())
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=200), st.sampled_from(["a.lab", "a.TextGrid", "a.txt", "a.ds", "oto.ini"])
)
def test_no_label_file_crashes_an_import(tmp_path_factory, data, name):
    folder = tmp_path_factory.mktemp("import")
    sound(folder / "in" / "a.wav", 0.1)
    text(folder / "in" / name, data)
    try:
        import_folder(folder / "in", folder / "out")
    except SingwizError as error:
        assert error.message and not (folder / "out").exists()


# UTAU


@pytest.fixture(scope="module")
def romaji() -> Dictionary:
    return read_dictionary(resolve_dictionary("japanese-romaji"), "ja")[0]


def test_oto_lines_are_read_and_bad_ones_named():
    entries, wrong = read_oto(
        "_ka.wav=- か,100,80,-400,60,20\n;comment\n\na.wav=,,,,,\nb.wav=b,x,0,0,0,0\n"
        "../x.wav=x,0,0,0,0,0\nnothing\nc.wav=c,1,2,3\nd.wav=d,e,1,2,3,4,5\n"
    )
    assert entries[0] == OtoEntry("_ka.wav", "- か", 0.1, 0.08, -0.4, 0.06, 0.02, 1)
    assert entries[0].onset == pytest.approx(0.16) and entries[0].end(2.0) == 0.5
    assert (entries[1].alias, entries[1].end(1.5)) == ("a", 1.5)
    assert entries[2].alias == "d,e"
    assert [number for number, _ in wrong] == [5, 6, 7, 8]


@given(st.text(alphabet="abc.wav=,-0123 \nか/\\", max_size=120))
def test_no_text_crashes_the_reader_of_oto_files(content):
    entries, _ = read_oto(content)
    for entry in entries:
        assert "/" not in entry.file and "\\" not in entry.file
        assert entry.offset <= entry.end(10.0) or entry.end(10.0) <= 10.0


KANA = {"か": "ka", "キャ": "kya", "しゃ": "sha", "ヴィ": "vi", "ん": "N", "でゅ": "dyu"}
KANA |= {"つぁ": "tsa", "ふ": "fu", "ガ": "ga", "xx": "xx", "": "", "ゃゃ": "ゃゃ"}


@pytest.mark.parametrize(("kana", "romaji_name"), list(KANA.items()))
def test_kana_are_spelt_as_the_dictionary_has_them(kana, romaji_name, romaji):
    assert to_romaji(kana) == romaji_name
    assert romaji_name in romaji.entries or kana in ("xx", "", "ゃゃ")


def test_a_syllable_is_labelled_from_its_oto_line(romaji):
    entry = OtoEntry("ka.wav", "か", 0.2, 0.2, -0.8, 0.1, 0.05, 1)
    labels = sample_labels([entry], 2.0, romaji)
    assert [(round(x.start, 3), round(x.end, 3), x.text) for x in labels] == [
        (0.2, 0.3, "k"),
        (0.3, 1.0, "a"),
    ]


def test_a_string_of_syllables_is_labelled_as_a_chain(romaji):
    entries = [
        OtoEntry("_akasa.wav", "- あ", 0.4, 0.1, -0.5, 0.1, 0.0, 1),
        OtoEntry("_akasa.wav", "a か_C4", 0.8, 0.3, -0.5, 0.2, 0.1, 2),
        OtoEntry("_akasa.wav", "か2", 0.81, 0.3, -0.5, 0.2, 0.1, 3),
        OtoEntry("_akasa.wav", "a さ", 1.3, 0.3, -0.5, 0.2, 0.1, 4),
        OtoEntry("_akasa.wav", "a R", 1.7, 0.3, -0.5, 0.2, 0.1, 5),
    ]
    labels = sample_labels(entries, 3.0, romaji)
    assert [(round(x.start, 3), round(x.end, 3), x.text) for x in labels] == [
        (0.4, 0.9, "a"),
        (0.9, 1.0, "k"),
        (1.0, 1.4, "a"),
        (1.4, 1.5, "s"),
        (1.5, 1.8, "a"),
    ]
    with pytest.raises(SingwizError) as caught:
        sample_labels([OtoEntry("q.wav", "qwx", 0, 0, 0, 0, 0, 7)], 1.0, romaji)
    assert caught.value.where == "oto.ini:7"


def voicebank(root: Path) -> None:
    for name, vowel in (("ka", 0.3), ("a", 0.2)):
        time = np.arange(round(1.2 * RATE)) / RATE
        wave = 0.3 * np.sin(2 * np.pi * 220 * time) * (time > vowel) * (time < 1.0)
        path = sound(root / f"{name}.wav")
        soundfile.write(path, wave, RATE)
    sound(root / "extra.wav")
    lines = "ka.wav=か,200,200,-500,100,50\na.wav=あ,250,100,-400,50,10\nno.wav=の,0,0,0,0,0\nbad\n"
    text(root / "oto.ini", lines.encode("cp932"))
    text(root / "character.txt", "name=テスト\n".encode("cp932"))


def test_voicebanks_are_recognised_and_explained(source, tmp_path):
    voicebank(source / "bank")
    bank = read_voicebank(source)
    assert (bank.name, bank.aliases) == ("テスト", 3)
    assert bank.missing == ("bank/no.wav",) and bank.unlisted == ("bank/extra.wav",)
    assert len(bank.wrong) == 1 and bank.connected() == 0
    said = " ".join(bank.explain())
    assert "3 sounds in 3 samples" in said and "no melodies" in said
    error = refused(source, tmp_path / "new")
    assert error.code == "utau-needs-dictionary" and "no melodies" in error.message


def test_voicebanks_get_rough_labels_that_follow_the_sound(source, tmp_path, romaji):
    voicebank(source / "bank")
    report, dataset = bring(source, tmp_path / "new", dictionary=romaji)
    items = {item.name: item for item in dataset.items}
    assert items["ka"].ph_seq == ("SP", "k", "a", "SP")
    assert items["ka"].ph_dur == pytest.approx((0.2, 0.1, 0.7, 0.2), abs=0.011)
    assert items["a"].ph_seq == ("SP", "a", "SP")
    assert items["a"].ph_dur == pytest.approx((0.2, 0.8, 0.2), abs=0.011)
    for item in items.values():
        assert item.seconds == pytest.approx(probe_audio(item.audio).seconds, abs=1e-5)
    assert report.unlabelled == ["bank/extra.wav"]
    assert set(report.skipped) == {"bank/no.wav", "bank/oto.ini:4"}
