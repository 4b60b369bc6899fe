"""Every fix cures its finding, once, and says what it did; what cannot be fixed says why."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from singwiz.core.config import choose_validation_items
from singwiz.core.dataset import read_audio, read_ds, write_ds
from singwiz.core.dataset.checks import CHECKS
from singwiz.core.dataset.fixes import (
    FIXES,
    apply_plan,
    history,
    plan_fixes,
    undo,
    with_fixes,
)
from singwiz.core.dictionary.rules import DICTIONARY_RULES
from singwiz.core.errors import SingwizError
from singwiz.core.findings import Finding, Place, Severity

from ..conftest import PH_DUR, PH_SEQ, RATE, sing

DURATIONS = [f"{seconds:g}" for seconds in PH_DUR]


def edit_row(corpus, k, **cells):
    corpus.rows[k].update(cells)
    corpus.write()


# Damages, by the code of the fix that cures them and whether that is safe ---------------------


def gbk(corpus):
    corpus.wav("song_01").rename(corpus.wav("月亮代表我的心"))
    corpus.csv.write_bytes(corpus.text().replace("song_01", "月亮代表我的心").encode("gbk"))


def bom(corpus):
    corpus.csv.write_bytes(b"\xef\xbb\xbf" + corpus.csv.read_bytes())


def zero_bytes(corpus):
    corpus.csv.write_bytes(corpus.csv.read_bytes() + b"\0" * 64)


def semicolons(corpus):
    corpus.csv.write_text(corpus.text().replace(",", ";"))


def misspelt(corpus):
    corpus.csv.write_text(corpus.text().replace("ph_seq", "PhSeq").replace("ph_dur", "ph durs"))


def full_width_spaces(corpus):
    edit_row(corpus, 1, ph_seq="\u3000".join(PH_SEQ), ph_dur="\u200b" + " ".join(DURATIONS))


def odd_name(corpus):
    corpus.wav("song_01").rename(corpus.wav("song\u00a001"))
    edit_row(corpus, 1, name="song\u00a001")


def decimal_commas(corpus):
    cell = '"' + " ".join(DURATIONS).replace(".", ",") + '"'
    edit_row(corpus, 1, ph_dur=cell)


def repeated_row(corpus):
    corpus.rows.append(dict(corpus.rows[1]))
    corpus.write()


def contradicting_row(corpus):
    corpus.rows.append({**corpus.rows[1], "ph_seq": " ".join(["SP"] * 9)})
    corpus.write()


def case_twins(corpus):
    soundfile.write(corpus.wav("SONG_01"), sing(333.0), RATE)
    corpus.rows.append({**corpus.rows[1], "name": "SONG_01"})
    corpus.write()


def extension_in_name(corpus):
    edit_row(corpus, 1, name="song_01.wav")


def spreadsheet_numbers(corpus):
    for k in range(3):
        corpus.wav(f"song_{k:02d}").rename(corpus.wav(f"{k + 1:05d}"))
        corpus.rows[k]["name"] = f"{k + 1}.0"
    corpus.write()


def colon_in_name(corpus):
    corpus.wav("song_01").rename(corpus.wav("take:1"))
    edit_row(corpus, 1, name="take:1")


def name_in_subfolder(corpus):
    folder = corpus.root / "wavs" / "take1"
    folder.mkdir()
    corpus.wav("song_01").rename(folder / "song_01.wav")
    edit_row(corpus, 1, name="take1/song_01")


def open_hash(corpus):
    corpus.wav("song_01").rename(corpus.wav("song#b"))
    edit_row(corpus, 1, name="song#b")


def upper_case_extension(corpus):
    corpus.wav("song_01").rename(corpus.root / "wavs" / "Song_01.WAV")


def decomposed_file_name(corpus):
    corpus.wav("song_01").rename(corpus.wav(unicodedata.normalize("NFD", "café")))
    edit_row(corpus, 1, name=unicodedata.normalize("NFC", "café"))


def lost_recording(corpus):
    corpus.wav("song_01").unlink()


def ogg(corpus):
    samples, rate = read_audio(corpus.wav("song_01"), None)
    soundfile.write(corpus.root / "wavs" / "song_01.ogg", samples, rate)
    corpus.wav("song_01").unlink()


def copied_recording(corpus):
    corpus.wav("copy").write_bytes(corpus.wav("song_01").read_bytes())
    corpus.rows.append({**corpus.rows[1], "name": "copy"})
    corpus.write()


def copied_with_other_labels(corpus):
    copied_recording(corpus)
    edit_row(corpus, 3, ph_seq=" ".join(["SP", "s", *PH_SEQ[2:]]))


def silent(corpus):
    soundfile.write(corpus.wav("song_01"), np.zeros(int(2.5 * RATE)), RATE)


def damaged(corpus):
    corpus.wav("song_01").write_bytes(b"RIFF\0\x10\0\0WAVEfmt garbage" * 40)


def empty(corpus):
    corpus.wav("song_01").write_bytes(b"")


def not_finite(corpus):
    samples = sing(250.0)
    samples[1000] = np.nan
    soundfile.write(corpus.wav("song_01"), samples, RATE, subtype="FLOAT")


def milliseconds(corpus):
    for row in corpus.rows:
        row["ph_dur"] = " ".join(str(round(1000 * seconds)) for seconds in PH_DUR)
    corpus.write()


def htk_units(corpus):
    for row in corpus.rows:
        row["ph_dur"] = " ".join(str(round(1e7 * seconds)) for seconds in PH_DUR)
    corpus.write()


def empty_pause(corpus):
    edit_row(
        corpus,
        1,
        ph_seq=" ".join([*PH_SEQ[:3], "SP", *PH_SEQ[3:]]),
        ph_dur=" ".join([*DURATIONS[:3], "0", *DURATIONS[3:]]),
    )


def empty_consonant(corpus):
    edit_row(corpus, 1, ph_dur=" ".join([*DURATIONS[:3], "0", "0.62", *DURATIONS[5:]]))


def other_silence_names(corpus):
    edit_row(corpus, 1, ph_seq=" ".join(PH_SEQ).replace("SP", "pau").replace("AP", "br"))
    (corpus.root / "ds").mkdir()
    segment = {"ph_seq": "pau a SP", "ph_dur": "0.1 0.2 0.3", "mine": [1]}
    write_ds(corpus.root / "ds" / "song_01.ds", [segment])


def stereo(corpus):
    samples = sing(220.0)
    soundfile.write(corpus.wav("song_00"), np.stack([samples, samples], axis=1), RATE)


def different_channels(corpus):
    samples = sing(250.0)
    other = 0.1 * np.random.default_rng(1).standard_normal(len(samples))
    soundfile.write(corpus.wav("song_01"), np.stack([other, samples], axis=1), RATE)


def quiet(corpus):
    for k in range(3):
        soundfile.write(corpus.wav(f"song_{k:02d}"), 0.1 * sing(220.0 + 30 * k), RATE)


def labels_too_long(corpus):
    edit_row(corpus, 1, ph_dur=" ".join([*DURATIONS[:-1], "2.9"]))


def labels_far_too_long(corpus):
    samples = sing(250.0)[: int(2.2 * RATE)]
    soundfile.write(corpus.wav("song_01"), samples, RATE)


def silent_tail(corpus):
    samples = np.concatenate([sing(250.0), np.zeros(RATE, np.float32)])
    soundfile.write(corpus.wav("song_01"), samples, RATE)


def sounding_tail(corpus):
    samples = np.concatenate([sing(250.0), sing(250.0)])
    soundfile.write(corpus.wav("song_01"), samples, RATE)


def no_silence_at_the_edges(corpus):
    samples = sing(250.0)[int(0.2 * RATE) : int(2.2 * RATE)]
    soundfile.write(corpus.wav("song_01"), samples, RATE)
    edit_row(corpus, 1, ph_seq=" ".join(PH_SEQ[1:-1]), ph_dur=" ".join(DURATIONS[1:-1]))


def dictionary_text(text):
    def damage(corpus):
        data = text.encode("utf-8") if isinstance(text, str) else text
        (corpus.root / "dictionary.txt").write_bytes(data)

    return damage


SAFE = {
    "csv-encoding": [gbk],
    "csv-bom": [bom],
    "csv-nul": [zero_bytes],
    "csv-separator": [semicolons],
    "column-name": [misspelt],
    "odd-spaces": [full_width_spaces, odd_name],
    "number-invalid": [decimal_commas],
    "name-duplicate": [repeated_row],
    "name-extension": [extension_in_name],
    "name-mangled": [spreadsheet_numbers],
    "name-illegal": [colon_in_name, name_in_subfolder, open_hash],
    "audio-missing": [upper_case_extension, decomposed_file_name],
    "audio-other-format": [ogg],
    "audio-identical": [copied_recording],
    "duration-unit": [milliseconds, htk_units],
    "duration-zero": [empty_pause],
    "unknown-phoneme": [other_silence_names],
    "channels": [stereo],
    "label-audio-length": [labels_too_long, labels_far_too_long, silent_tail],
    "edge-label": [no_silence_at_the_edges],
    "dictionary-bom": [dictionary_text("\ufeffa\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\n")],
    "dictionary-encoding": [
        dictionary_text("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\n你好我们\ta i\n".encode("gbk"))
    ],
    "dictionary-whitespace": [
        dictionary_text("a\ta\ni \ti\nka\tk  a\nmi\tm\u3000i\nsa\ts a\u200b\n")
    ],
    "dictionary-duplicate": [dictionary_text("a\ta\ni\ti\nka\tk a\nmi\tm i\na\ta\nsa\ts a\n")],
    "dictionary-line": [dictionary_text("a\ta\ni\ti\nka\tk\ta\nmi\tm i\nsa\ts a\n")],
}

RISKY = {
    "name-duplicate": [contradicting_row],
    "name-case-duplicate": [case_twins],
    "audio-missing": [lost_recording],
    "audio-identical": [copied_with_other_labels],
    "audio-silent": [silent],
    "audio-unreadable": [damaged],
    "audio-empty": [empty],
    "audio-not-finite": [not_finite],
    "duration-zero": [empty_consonant],
    "channels-differ": [different_channels],
    "level-low": [quiet],
    "label-audio-length": [sounding_tail],
    "dictionary-line": [dictionary_text("# mine\na\ta\ni\ti\nka k a\nmi\tm i\nsa\ts a\nlost\n")],
}


def cases(damages):
    return [
        pytest.param(code, damage, id=f"{code}-{damage.__name__}")
        for code, group in damages.items()
        for damage in group
    ]


@pytest.mark.parametrize(("code", "damage"), cases(SAFE))
def test_a_safe_fix_cures_its_finding_and_can_be_undone(studio, files, code, damage):
    damage(studio.corpus)
    before = files(studio.project.root)
    assert code in studio.codes()
    plan = studio.fix(code)
    assert plan.codes == (code,)
    assert all(step.safe and step.what.endswith(".") for step in plan.steps)
    assert plan.diff()
    assert code not in studio.codes()
    undo(studio.project)
    assert files(studio.project.root) == before
    assert code in studio.codes()


@pytest.mark.parametrize(("code", "damage"), cases(SAFE))
def test_fixing_twice_changes_nothing(studio, code, damage):
    damage(studio.corpus)
    findings = studio.check()
    apply_plan(studio.project, plan_fixes(studio.project, findings, only=[code]))
    assert not plan_fixes(studio.project, findings, only=[code])  # the old findings, once more
    assert not studio.plan(code)


@pytest.mark.parametrize(("code", "damage"), cases(RISKY))
def test_a_risky_fix_waits_to_be_asked_for(studio, files, code, damage):
    damage(studio.corpus)
    before = files(studio.project.root)
    cautious = studio.plan(code)
    assert not cautious
    assert [refusal.risky for refusal in cautious.refused if refusal.code == code]
    plan = studio.fix(code, safe_only=False)
    assert any(not step.safe for step in plan.steps)
    assert code not in studio.codes()
    assert not plan_fixes(studio.project, studio.check(), only=[code], safe_only=False)
    undo(studio.project)
    assert files(studio.project.root) == before


def test_every_fix_belongs_to_a_check():
    known = CHECKS.keys() | DICTIONARY_RULES.keys()
    for code, fix in FIXES.items():
        assert code in known or code.startswith(("config-", "validation-", "training-")), code
        assert fix.code == code and fix.title


def test_every_safe_fix_has_a_case_here():
    elsewhere = {
        "note-length",
        "ds-timestep",
        "config-speaker-two-ids",
        "config-speakers-share-id",
        "validation-only-phoneme",
        "validation-copy",
        "validation-rule-unmatched",
    }
    assert {code for code, fix in FIXES.items() if fix.safe} == SAFE.keys() | elsewhere


# What the cures look like -------------------------------------------------------------------


def test_names_and_labels_survive_another_encoding(studio):
    gbk(studio.corpus)
    studio.fix("csv-encoding")
    assert "月亮代表我的心" in studio.rows()
    written = (studio.project.dataset_dir("voice") / "transcriptions.csv").read_bytes()
    assert "月亮代表我的心".encode() in written


def test_mangled_names_get_their_zeros_back(studio):
    spreadsheet_numbers(studio.corpus)
    studio.fix("name-mangled")
    assert sorted(studio.rows()) == ["00001", "00002", "00003"]


def test_an_ambiguous_number_is_not_guessed(studio):
    spreadsheet_numbers(studio.corpus)
    soundfile.write(studio.corpus.wav("0001"), sing(400.0), RATE)
    plan = studio.plan("name-mangled")
    assert [refusal.item for refusal in plan.refused] == ["1.0"]
    assert "0001" in plan.refused[0].why


def test_recordings_in_subfolders_come_up(studio):
    name_in_subfolder(studio.corpus)
    studio.fix("name-illegal")
    assert "take1_song_01" in studio.rows()


def test_units_become_seconds(studio):
    htk_units(studio.corpus)
    studio.fix("duration-unit")
    assert studio.rows()["song_00"]["ph_dur"].split() == DURATIONS


def test_units_that_do_not_fit_the_recordings_are_not_converted(studio):
    milliseconds(studio.corpus)
    for k in range(3):
        soundfile.write(studio.corpus.wav(f"song_{k:02d}"), sing(200.0)[: RATE // 2], RATE)
    assert not studio.plan("duration-unit")
    assert studio.plan("duration-unit", safe_only=False)


def test_a_merged_pause_keeps_words_and_times(studio):
    empty_pause(studio.corpus)
    for row in studio.corpus.rows:
        row["ph_num"] = "2 1 1 1 1 2 1"
    edit_row(studio.corpus, 1, ph_num="2 3 1 1 2 1")
    studio.fix("duration-zero")
    row = studio.rows()["song_01"]
    assert row["ph_seq"].split() == list(PH_SEQ)
    assert row["ph_dur"].split() == DURATIONS
    assert row["ph_num"] == "2 2 1 1 2 1"


def test_silence_and_breath_are_renamed_in_ds_files_too(studio):
    other_silence_names(studio.corpus)
    studio.fix("unknown-phoneme")
    assert studio.rows()["song_01"]["ph_seq"].split() == list(PH_SEQ)
    segments = read_ds(studio.open().list_ds()["song_01.ds"])
    assert segments == [{"ph_seq": "SP a SP", "ph_dur": "0.1 0.2 0.3", "mine": [1]}]


def test_an_unknown_sound_is_no_silence(studio):
    edit_row(studio.corpus, 1, ph_seq=" ".join(["SP", "xx", *PH_SEQ[2:]]))
    finding = next(f for f in with_fixes(studio.check()) if f.code == "unknown-phoneme")
    assert finding.fix is None
    assert not studio.plan("unknown-phoneme")


def test_the_louder_channel_is_the_voice(studio):
    different_channels(studio.corpus)
    studio.fix("channels-differ", safe_only=False)
    made, _ = soundfile.read(studio.open().recording("song_01.wav"), dtype="float32")
    np.testing.assert_allclose(made, sing(250.0), atol=1e-4)


def test_one_gain_keeps_loud_and_soft_apart(studio):
    quiet(studio.corpus)
    soundfile.write(studio.corpus.wav("song_02"), 0.05 * sing(280.0), RATE)
    studio.fix("level-low", safe_only=False)
    peaks = [
        np.abs(read_audio(studio.open().recording(f"song_{k:02d}.wav"), None)[0]).max()
        for k in range(3)
    ]
    assert max(peaks) == pytest.approx(10 ** (-1 / 20), rel=1e-3)
    assert peaks[0] / peaks[2] == pytest.approx(2.0, rel=1e-2)


def test_one_gain_cannot_help_if_one_recording_is_loud(studio):
    quiet(studio.corpus)
    soundfile.write(studio.corpus.wav("song_02"), 3 * sing(280.0), RATE)
    plan = studio.plan("level-low", safe_only=False)
    assert not plan
    assert "one gain" in plan.refused[0].why


@pytest.mark.parametrize("damage", [labels_too_long, labels_far_too_long, silent_tail])
def test_labels_and_recording_end_together_after_fixing(studio, damage):
    damage(studio.corpus)
    studio.fix("label-audio-length")
    item = next(item for item in studio.open().items if item.name == "song_01")
    assert item.seconds == pytest.approx(soundfile.info(item.audio).duration, abs=1e-3)
    assert item.ph_seq == PH_SEQ


def test_labels_of_another_take_are_not_bent_to_fit(studio):
    soundfile.write(studio.corpus.wav("song_01"), sing(250.0)[:RATE], RATE)
    plan = studio.plan("label-audio-length", safe_only=False)
    assert not plan
    assert "different takes" in plan.refused[0].why


def test_a_rest_above_the_last_pause_follows_it(studio):
    notes = {"note_seq": "rest C4 rest", "note_dur": "0.2 2 0.3", "ph_num": "2 1 1 1 1 2 1"}
    for row in studio.corpus.rows:
        row.update(notes)
    silent_tail(studio.corpus)
    studio.corpus.write()
    studio.fix("label-audio-length")
    row = studio.rows()["song_01"]
    assert row["note_dur"] == "0.2 2 1.3"
    assert row["ph_dur"].split()[-1] == "1.3"


def test_edges_get_silence_with_word_and_rest(studio):
    for row in studio.corpus.rows:
        row.update({"ph_num": "2 1 1 1 1 2 1", "note_seq": "rest C4 rest", "note_dur": "0.2 2 0.3"})
    no_silence_at_the_edges(studio.corpus)
    edit_row(studio.corpus, 1, ph_num="1 1 1 1 1 2", note_seq="C4 D4", note_dur="1 1")
    studio.fix("edge-label")
    item = next(item for item in studio.open().items if item.name == "song_01")
    assert item.ph_seq == ("SP", *PH_SEQ[1:-1], "SP")
    assert all(0.1 <= item.ph_dur[k] <= 0.5 for k in (0, -1))
    assert item.cells["ph_num"] == "1 1 1 1 1 1 2 1"
    assert item.cells["note_seq"] == "rest C4 D4 rest"
    samples, rate = soundfile.read(item.audio, dtype="int16")
    assert item.seconds == pytest.approx(len(samples) / rate, abs=1e-3)
    assert not samples[: int(item.ph_dur[0] * rate) - 1].any()
    assert not samples[-int(item.ph_dur[-1] * rate) + 2 :].any()


@pytest.mark.parametrize(
    ("way", "first", "last"), [("0.10 s later", "0.3", "0.2"), ("0.10 s earlier", "0.1", "0.4")]
)
def test_shifted_labels_move_into_the_silence_around_them(studio, way, first, last):
    place = Place(dataset="voice", item="song_01", line=3)
    hint = f"Move them all {way}, and cut or lengthen the edges."
    finding = Finding("label-shifted", Severity.WARNING, "", hint, place)
    assert not plan_fixes(studio.project, [finding])
    apply_plan(studio.project, plan_fixes(studio.project, [finding], safe_only=False))
    assert studio.rows()["song_01"]["ph_dur"].split() == [first, *DURATIONS[1:-1], last]


def test_labels_are_not_moved_beyond_the_recording(studio):
    place = Place(dataset="voice", item="song_01", line=3)
    finding = Finding("label-shifted", Severity.WARNING, "", "Move them 0.30 s later.", place)
    plan = plan_fixes(studio.project, [finding], safe_only=False)
    assert not plan
    assert "too short" in plan.refused[0].why


def test_long_silence_is_cut_to_half_a_second(studio):
    samples = np.concatenate([np.zeros(3 * RATE), sing(250.0), np.zeros(2 * RATE)])
    soundfile.write(studio.corpus.wav("song_01"), samples, RATE)
    edit_row(studio.corpus, 1, ph_dur=" ".join(["3.2", *DURATIONS[1:-1], "2.3"]))
    place = Place(dataset="voice", item="song_01", file="transcriptions.csv", line=3)
    finding = Finding("edge-silence-long", Severity.WARNING, "", place=place)
    assert not plan_fixes(studio.project, [finding])
    apply_plan(studio.project, plan_fixes(studio.project, [finding], safe_only=False))
    item = next(item for item in studio.open().items if item.name == "song_01")
    assert (item.ph_dur[0], item.ph_dur[-1]) == (0.5, 0.5)
    assert item.seconds == pytest.approx(soundfile.info(item.audio).duration, abs=1e-3)
    made, _ = read_audio(item.audio, None)
    begins = round(0.5 * RATE)
    np.testing.assert_allclose(made[begins : begins + RATE], sing(250.0)[8820:][:RATE], atol=1e-4)


def test_the_last_rest_follows_the_phonemes(studio):
    notes = {"note_seq": "rest C4 rest", "note_dur": "0.2 2 0.1", "ph_num": "2 1 1 1 1 2 1"}
    for row in studio.corpus.rows:
        row.update(notes)
    studio.corpus.write()
    edit_row(studio.corpus, 2, note_seq="rest C4 C4")
    place = Place(dataset="voice", file="transcriptions.csv")
    finding = Finding("note-length", Severity.WARNING, "", place=place)
    plan = plan_fixes(studio.project, [finding])
    assert [refusal.item for refusal in plan.refused] == ["song_02"]
    apply_plan(studio.project, plan)
    assert studio.rows()["song_00"]["note_dur"] == "0.2 2 0.3"
    assert not plan_fixes(studio.project, [finding])


def test_a_curve_gets_the_time_step_of_the_others(studio):
    (studio.corpus.root / "ds").mkdir()
    curve = " ".join(["-20"] * 100)
    segment = {"ph_seq": "SP a", "ph_dur": "0.2 0.3", "f0_seq": curve, "f0_timestep": "0.005"}
    write_ds(studio.corpus.root / "ds" / "song_00.ds", [{**segment, "energy": curve}])
    mixed = {**segment, "tension": curve, "tension_timestep": 0.01, "voicing": curve}
    write_ds(studio.corpus.root / "ds" / "song_01.ds", [mixed])
    finding = Finding("ds-timestep", Severity.WARNING, "", place=Place(dataset="voice"))
    plan = plan_fixes(studio.project, [finding])
    assert [refusal.item for refusal in plan.refused] == ["song_01.ds"]
    apply_plan(studio.project, plan)
    files = studio.open().list_ds()
    assert read_ds(files["song_00.ds"])[0]["energy_timestep"] == "0.005"
    assert files["song_01.ds"].parent == studio.corpus.root / "ds"
    assert not plan_fixes(studio.project, [finding])


def test_segments_get_rows_of_their_own(studio):
    (studio.corpus.root / "ds").mkdir()
    segments = [
        {"offset": 0.0, "ph_seq": "SP k a", "ph_dur": "0.2 0.08 0.5"},
        {"offset": 0.78, "ph_seq": "m i AP", "ph_dur": "0.1 0.52 0.2"},
    ]
    write_ds(studio.corpus.root / "ds" / "song_01.ds", segments)
    place = Place(dataset="voice", item="song_01")
    finding = Finding("ds-segments-unused", Severity.WARNING, "", place=place)
    assert not plan_fixes(studio.project, [finding])
    apply_plan(studio.project, plan_fixes(studio.project, [finding], safe_only=False))
    items = {item.name: item for item in studio.open().items}
    assert set(items) == {"song_00", "song_02", "song_01#0", "song_01#1"}
    assert items["song_01#1"].ph_seq == ("m", "i", "AP")
    assert soundfile.info(items["song_01#1"].audio).duration == pytest.approx(0.82, abs=1e-4)
    assert list(studio.open().list_ds()) == ["song_01.ds"]


def test_a_row_of_a_segment_that_does_not_exist_goes(studio):
    (studio.corpus.root / "ds").mkdir()
    write_ds(studio.corpus.root / "ds" / "song.ds", [{"ph_seq": "SP"}])
    studio.corpus.wav("song_01").rename(studio.corpus.wav("song#4"))
    edit_row(studio.corpus, 1, name="song#4")
    place = Place(dataset="voice", item="song#4")
    finding = Finding("ds-index", Severity.ERROR, "", place=place)
    assert not plan_fixes(studio.project, [finding])
    plan = plan_fixes(studio.project, [finding], safe_only=False)
    apply_plan(studio.project, plan)
    assert sorted(studio.rows()) == ["song_00", "song_02"]


def test_speakers_that_share_a_number_get_their_own(studio, tmp_path):
    other = studio.project.add_recordings(studio.corpus.root, speaker="ben", language="ja")
    studio.project.state.datasets[0].spk_id = other.spk_id = 3
    studio.project.save()
    finding = Finding("config-speakers-share-id", Severity.ERROR, "")
    apply_plan(studio.project, plan_fixes(studio.project, [finding]))
    assert [entry.spk_id for entry in studio.project.state.datasets] == [None, None]
    assert not plan_fixes(studio.project, [finding])
    undo(studio.project)
    assert [entry.spk_id for entry in studio.project.state.datasets] == [3, 3]


def test_one_speaker_with_two_numbers_gets_one(studio):
    other = studio.project.add_recordings(studio.corpus.root, speaker="aoi", language="ja")
    studio.project.state.datasets[0].spk_id, other.spk_id = 0, 1
    studio.project.save()
    finding = Finding("config-speaker-two-ids", Severity.ERROR, "")
    apply_plan(studio.project, plan_fixes(studio.project, [finding]))
    assert [entry.spk_id for entry in studio.project.state.datasets] == [None, None]


def held_out(project, name, item):
    place = Place(dataset=name, item=item, symbol="k")
    return Finding("validation-only-phoneme", Severity.ERROR, "", place=place)


def test_an_item_with_a_sound_of_its_own_goes_to_training(studio):
    studio.project.state.datasets[0].test_prefixes = ["song_01", "song_02"]
    studio.project.save()
    finding = held_out(studio.project, "voice", "song_01")
    apply_plan(studio.project, plan_fixes(studio.project, [finding]))
    assert studio.project.state.datasets[0].test_prefixes == ["song_02"]
    assert not plan_fixes(studio.project, [finding])
    last = plan_fixes(studio.project, [held_out(studio.project, "voice", "song_02")])
    assert not last
    assert "only validation item" in last.refused[0].why


def test_what_was_chosen_automatically_is_written_down_before_one_is_taken_out(studio):
    for k in range(3, 20):
        name = f"song_{k:02d}"
        studio.corpus.rows.append({**studio.corpus.rows[0], "name": name})
        studio.corpus.wav(name).write_bytes(studio.corpus.wav("song_00").read_bytes())
    studio.corpus.write()
    sung = {"voice": {item.name: item.ph_seq for item in studio.open().items}}
    (chosen,) = choose_validation_items(studio.project.state.datasets, sung, sung=sung)
    assert len(chosen) == 2
    finding = held_out(studio.project, "voice", chosen[0])
    apply_plan(studio.project, plan_fixes(studio.project, [finding]))
    assert studio.project.state.datasets[0].test_prefixes == chosen[1:]


def test_rules_are_corrected_if_it_is_clear_what_they_mean(studio):
    studio.project.state.datasets[0].test_prefixes = ["SONG_01.wav", "song_02", "gone"]
    studio.project.save()
    place = Place(dataset="voice")
    finding = Finding("validation-rule-unmatched", Severity.WARNING, "", place=place)
    plan = plan_fixes(studio.project, [finding])
    assert [refusal.risky for refusal in plan.refused] == [True]
    apply_plan(studio.project, plan)
    assert studio.project.state.datasets[0].test_prefixes == ["song_01", "song_02", "gone"]
    apply_plan(studio.project, plan_fixes(studio.project, [finding], safe_only=False))
    assert studio.project.state.datasets[0].test_prefixes == ["song_01", "song_02"]
    assert not plan_fixes(studio.project, [finding], safe_only=False)


def test_validation_items_are_chosen_anew_only_if_asked(studio):
    finding = Finding("validation-large", Severity.WARNING, "")
    assert "automatically already" in plan_fixes(studio.project, [finding]).refused[0].why
    studio.project.state.datasets[0].test_prefixes = ["song"]
    studio.project.save()
    assert not plan_fixes(studio.project, [finding])
    apply_plan(studio.project, plan_fixes(studio.project, [finding], safe_only=False))
    assert studio.project.state.datasets[0].test_prefixes == []


def test_one_finding_can_be_fixed_alone(studio):
    damage = [*PH_SEQ[:3], "SP", *PH_SEQ[3:]], [*DURATIONS[:3], "0", *DURATIONS[3:]]
    for k in (0, 1):
        edit_row(studio.corpus, k, ph_seq=" ".join(damage[0]), ph_dur=" ".join(damage[1]))
    findings = [f for f in studio.check() if f.place.item == "song_01"]
    plan = plan_fixes(studio.project, findings)
    assert {step.item for step in plan.steps} == {"song_01"}


def test_findings_as_stored_by_a_job_can_be_fixed(studio):
    bom(studio.corpus)
    stored = [finding.to_dict() for finding in studio.check()]
    assert plan_fixes(studio.project, stored).codes == ("csv-bom",)


def test_all_safe_fixes_at_once_are_one_step_of_history(studio):
    for damage in (stereo, full_width_spaces, semicolons):
        damage(studio.corpus)
    plan = studio.fix()
    assert set(plan.codes) >= {"csv-separator", "odd-spaces", "channels"}
    assert len(history(studio.project)) == 1
    assert history(studio.project)[0].codes == plan.codes


def test_only_what_can_be_fixed_is_marked(studio):
    decimal_commas(studio.corpus)
    lost_recording(studio.corpus)
    marked = {f.code: f.fix for f in with_fixes(studio.check())}
    assert marked["number-invalid"] == "number-invalid"
    broken = replace(studio.check()[0], code="number-invalid", hint="", fix=None)
    assert with_fixes([broken])[0].fix is None
    rare = Finding("rare-phoneme", Severity.WARNING, "")
    assert with_fixes([rare]) == [rare]


def test_an_unknown_fix_is_an_answer(studio):
    with pytest.raises(SingwizError) as error:
        plan_fixes(studio.project, [], only=["no-such-fix"])
    assert error.value.code == "fix-unknown"


def test_a_file_that_is_no_table_is_explained_in_the_plan(studio):
    studio.corpus.csv.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    place = Place(dataset="voice", file="transcriptions.csv")
    plan = plan_fixes(studio.project, [Finding("csv-bom", Severity.WARNING, "", place=place)])
    assert not plan
    assert plan.refused[0].code == "csv-bom"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", "a" * 300, "con", "x\ty"]
)
def test_hostile_names_become_harmless_ones(studio, name):
    edit_row(studio.corpus, 1, name=name)
    plan = studio.fix("name-illegal")
    inside = studio.project.root.resolve()
    for change in plan.changes:
        assert (inside / change.path).resolve().is_relative_to(inside / "datasets")
    assert "name-illegal" not in studio.codes()
