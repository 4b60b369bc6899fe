"""The checks of labels, sound and phonemes: each fires on its fault and only on that."""

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset import check_datasets
from singwiz.core.dataset.checks import CHECKS, Thresholds
from singwiz.core.dictionary import PhonemeSet, read_dictionary
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.findings import Severity
from singwiz.core.reporting import Reporter

from .conftest import PH_DUR, PH_SEQ, RATE, sing


def change_sound(corpus, name, change, rate=RATE, subtype="PCM_16"):
    soundfile.write(corpus.wav(name), change(sing(220.0, rate)), rate, subtype=subtype)


def relabel(corpus, row, pairs):
    corpus.rows[row]["ph_seq"] = " ".join(symbol for symbol, _ in pairs)
    corpus.rows[row]["ph_dur"] = " ".join(f"{seconds:g}" for _, seconds in pairs)
    return corpus.write()


def labels():
    return list(zip(PH_SEQ, PH_DUR, strict=True))


def test_a_clean_corpus_has_nothing_to_complain_about(corpus):
    assert corpus.check() == []


def test_every_check_explains_itself():
    for code, rule in CHECKS.items():
        assert rule.code == code
        assert rule.title
        assert rule.cure.endswith(".") or code == "column-missing"


@pytest.mark.parametrize(
    ("excess", "severity"), [(0.03, None), (0.46, "warning"), (-0.46, "warning"), (0.6, "error")]
)
def test_labels_must_end_with_the_recording(corpus, one_finding, excess, severity):
    if excess > 0:
        relabel(corpus, 1, [*labels()[:-1], ("SP", 0.3 + excess)])
    else:
        silence = np.zeros(int(-excess * RATE))
        change_sound(corpus, "song_01", lambda x: np.concatenate((x, silence)))
    findings = corpus.check()
    if severity is None:
        assert findings == []
        return
    finding = one_finding(findings, "label-audio-length")
    side = "after" if excess > 0 else "before the end of"
    assert (
        finding.message == f"The labels of 'song_01' end {abs(excess):.2f} s {side} the recording."
    )
    assert (str(finding.severity), finding.place.line) == (severity, 3)
    assert finding.place.end - finding.place.start == pytest.approx(abs(excess), abs=1e-3)


def test_zero_length_short_and_long_phonemes_are_reported(corpus, one_finding):
    relabel(corpus, 0, [("SP", 0.2), ("k", 0), ("a", 1.9), ("m", 0.01), ("i", 0.29), ("SP", 0.1)])
    findings = corpus.check(thresholds={"long_phoneme": 1.5})
    zero = one_finding(findings, "duration-zero")
    assert (zero.place.symbol, zero.place.start) == ("k", 0.2)
    assert "song_00" in one_finding(findings, "duration-short").message
    long = one_finding(findings, "duration-long")
    assert (long.place.symbol, long.place.start, long.place.end) == ("a", 0.2, 2.1)


def test_a_long_pause_counts_inside_but_not_at_the_edges(corpus, one_finding):
    limits = {"long_pause": 0.4, "long_breath": 0.3}
    relabel(corpus, 0, [("SP", 0.5), ("a", 0.8), ("SP", 0.7), ("SP", 0.5)])
    finding = one_finding(corpus.check(thresholds=limits), "duration-long")
    assert finding.place.start == pytest.approx(1.3)
    relabel(corpus, 0, [("SP", 0.5), ("a", 1.3), ("AP", 0.7)])
    finding = one_finding(corpus.check(thresholds=limits), "duration-long")
    assert "breath" in finding.message


@pytest.mark.parametrize(("factor", "unit"), [(1000, "milliseconds"), (10_000_000, "100 ns")])
def test_durations_in_another_unit_are_recognised(corpus, factor, unit):
    for row in corpus.rows:
        row["ph_dur"] = " ".join(str(round(seconds * factor)) for seconds in PH_DUR)
    findings = corpus.write().check()
    assert [finding.code for finding in findings] == ["duration-unit"]
    assert unit in findings[0].message
    assert str(factor) in findings[0].hint


def test_labels_should_begin_and_end_with_silence(corpus, one_finding):
    relabel(corpus, 2, [("k", 0.28), *labels()[2:]])
    finding = one_finding(corpus.check(), "edge-label")
    assert (finding.place.item, finding.severity) == ("song_02", Severity.WARNING)
    assert "begins with 'k'" in finding.message
    assert "ends" not in finding.message


def test_note_columns_are_errors_only_for_the_model_that_reads_them(corpus):
    for row, note in zip(corpus.rows, ("A3", "B3+21", "C#4+18"), strict=True):
        row["ph_num"] = "2 2 1 2 1 1"
        row["note_seq"] = f"rest {note} {note} rest {note} rest"
        row["note_dur"] = "0.28 0.6 0.52 0.3 0.5 0.3"
    assert corpus.write().check(kind="variance") == []
    corpus.rows[0]["ph_num"] = "2 2 1 2 1"
    corpus.rows[1]["note_dur"] = "1.25"
    corpus.rows[2]["ph_num"] = "2 2 1 2 1 0.5"
    expected = [("song_00", "lengths-differ"), ("song_01", "lengths-differ"),
                ("song_02", "number-invalid")]  # fmt: skip
    for kind, severity in (("acoustic", Severity.WARNING), ("variance", Severity.ERROR)):
        findings = corpus.write().check(kind=kind)
        assert [(finding.place.item, finding.code) for finding in findings] == expected
        assert {finding.severity for finding in findings} == {severity}


def burst(samples):
    samples[50000:50004] = 1.0
    return samples


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (burst, "level-clipped"),
        (lambda x: 0.2 * x, "level-low"),
        (lambda x: 0.1 * x, "level-outlier"),
        (lambda x: x + 0.02, "level-offset"),
        (lambda x: x[12500:], "edge-cut"),
        (lambda x: 0.0 * x, "audio-silent"),
    ],
)
def test_faults_of_the_sound_are_heard(corpus, change, code):
    change_sound(corpus, "song_01", change)
    found = {finding.code: finding for finding in corpus.check()}
    assert code in found
    assert found[code].place.item == "song_01"
    assert found[code].place.file == "wavs/song_01.wav"


def test_clipping_is_placed_in_time(corpus, one_finding):
    change_sound(corpus, "song_01", burst)
    assert one_finding(corpus.check(), "level-clipped").place.start == pytest.approx(50000 / RATE)


def test_channels_are_judged_by_how_alike_they_are(corpus, one_finding):
    change_sound(corpus, "song_00", lambda x: np.stack([x, x], axis=1))
    findings = corpus.check()
    assert [finding.code for finding in findings] == ["channels"]
    change_sound(corpus, "song_01", lambda x: np.stack([x, np.roll(x, 60)], axis=1))
    findings = corpus.check()
    assert "2 recording(s)" in one_finding(findings, "channels").message
    assert one_finding(findings, "channels-differ").place.item == "song_01"


@pytest.mark.parametrize(
    ("rate", "code", "severity"),
    [
        (48000, "sample-rate-other", Severity.NOTE),
        (32000, "sample-rate-low", Severity.WARNING),
        (22050, "sample-rate-low", Severity.ERROR),
    ],
)
def test_sample_rates_are_compared_with_the_voice(corpus, one_finding, rate, code, severity):
    soundfile.write(corpus.wav("song_00"), sing(220.0, rate), rate)
    findings = corpus.check()
    finding = one_finding(findings, code)
    assert (finding.severity, finding.place.item) == (severity, "song_00")
    one_finding(findings, "sample-rate-mixed")


def test_the_same_recording_under_two_names_is_noticed_whatever_the_format(corpus, one_finding):
    samples, _ = soundfile.read(corpus.wav("song_00"), dtype="int16")
    corpus.wav("song_02").unlink()
    soundfile.write(corpus.wav("song_02").with_suffix(".flac"), samples, RATE)
    message = one_finding(corpus.check(), "audio-identical").message
    assert "'song_00', 'song_02'" in message


def test_too_short_and_too_long_recordings_are_reported(corpus):
    for limits, code, severity in (
        ({"item_min": 3}, "item-short", Severity.WARNING),
        ({"item_min": 9, "item_min_error": 3}, "item-short", Severity.ERROR),
        ({"item_max": 2.2}, "item-long", Severity.WARNING),
        ({"item_max": 2.2, "item_max_error": 2.4}, "item-long", Severity.ERROR),
    ):
        findings = corpus.check(thresholds=limits)
        assert [(f.code, f.severity) for f in findings] == [(code, severity)] * 3


def test_recordings_without_labels_are_a_note_or_a_warning(corpus, one_finding):
    soundfile.write(corpus.wav("extra"), sing(300.0), RATE)
    assert one_finding(corpus.check(), "audio-orphan").severity is Severity.WARNING
    found = one_finding(corpus.check(thresholds={"orphan_share": 0.5}), "audio-orphan")
    assert found.severity is Severity.NOTE


def test_an_unknown_phoneme_is_placed_and_counted_once(corpus, one_finding):
    for row in (0, 1):
        relabel(corpus, row, [("sil", 0.2), *labels()[1:]])
    finding = one_finding(corpus.check(), "unknown-phoneme")
    assert (
        finding.message
        == "'sil' is not in the dictionary; it is used 2 times, in 'song_00', 'song_01'."
    )
    assert "'SP'" in finding.hint
    assert (finding.place.line, finding.place.start, finding.place.end) == (2, 0.0, 0.2)


def test_a_syllable_among_the_phonemes_is_told_apart(corpus, one_finding):
    relabel(corpus, 0, [("SP", 0.2), ("ka", 0.58), *labels()[3:]])
    finding = one_finding(corpus.check(), "syllable-in-labels")
    assert "'k a'" in finding.hint


def test_a_prefix_of_a_language_that_does_not_exist_is_reported(corpus, one_finding):
    relabel(corpus, 0, [("SP", 0.2), ("ko/k", 0.08), *labels()[2:]])
    assert "'ko/k'" in one_finding(corpus.check(), "language-prefix").message


def test_phonemes_never_or_rarely_sung_are_reported(corpus, one_finding):
    (corpus.root / "dictionary.txt").write_text("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\nha\th a\n")
    findings = corpus.check(thresholds={"rare_count": 7, "very_rare_count": 4})
    missing = one_finding(findings, "missing-phoneme")
    assert (missing.place.symbol, missing.severity) == ("h", Severity.ERROR)
    rare = [finding.message for finding in findings if finding.code == "rare-phoneme"]
    assert "'k' (3)" in rare[0]
    assert "'a'" in rare[1]


def test_missing_breaths_get_advice_of_their_own(corpus, one_finding):
    for row in range(3):
        relabel(
            corpus, row, [(symbol.replace("AP", "SP"), seconds) for symbol, seconds in labels()]
        )
    finding = one_finding(corpus.check(), "missing-phoneme")
    assert finding.place.symbol == "AP"
    assert "merged_phoneme_groups" in finding.hint


def test_a_phoneme_only_in_validation_items_is_an_error(corpus, one_finding):
    for row in (1, 2):
        relabel(corpus, row, [("s" if s == "k" else s, seconds) for s, seconds in labels()])
    assert corpus.check() == []
    findings = corpus.check(validation_items={"voice": ["song_00"]})
    assert one_finding(findings, "validation-only-phoneme").place.symbol == "k"


def test_labels_of_another_language_are_recognised(corpus, one_finding, tmp_path):
    (tmp_path / "zh.txt").write_text("a\ta\nir\tir\n")
    languages = {
        "zh": read_dictionary(tmp_path / "zh.txt", "zh")[0],
        "ja": read_dictionary(corpus.root / "dictionary.txt", "ja")[0],
    }
    dataset = corpus.open()
    dataset.language = "zh"
    findings = check_datasets([dataset], PhonemeSet.build(languages), audio=False)
    assert "'ja'" in one_finding(findings, "language-wrong").hint
    dataset.language = "ko"
    findings = check_datasets([dataset], PhonemeSet.build(languages), audio=False)
    assert one_finding(findings, "language-unknown").severity is Severity.ERROR


def test_a_vocoder_learns_from_sound_alone(corpus):
    for row in range(3):
        relabel(corpus, row, [("xx", 0.2), ("ko/k", 0.0)])
    assert corpus.check(kind="vocoder") == []
    change_sound(corpus, "song_01", lambda x: x + 0.02)
    assert [finding.code for finding in corpus.check(kind="vocoder")] == ["level-offset"]


def test_several_workers_hear_the_same_as_one(corpus):
    change_sound(corpus, "song_01", burst)
    corpus.wav("song_02").write_bytes(b"damaged")
    assert corpus.check(workers=2) == corpus.check()


def test_progress_reaches_the_end_and_stopping_stops(corpus):
    class Listener(Reporter):
        def __init__(self, stop_after):
            self.stop_after = stop_after
            self.asked = 0
            self.seen = []

        def progress(self, done, total, label=""):
            self.seen.append((done, total))

        def cancelled(self):
            self.asked += 1
            return self.asked > self.stop_after

    patient = Listener(99)
    corpus.check(reporter=patient)
    assert patient.seen[-1] == (3, 3)
    for workers in (1, 2):
        with pytest.raises(Cancelled):
            corpus.check(reporter=Listener(1), workers=workers)


def test_limits_are_moved_by_name_and_misspelt_ones_refused(corpus):
    assert Thresholds.of({"item_max": 3}).item_max == 3
    with pytest.raises(SingwizError) as caught:
        corpus.check(thresholds={"item_maxx": 3})
    assert "item_max" in caught.value.hint
    for bad in ("3", True, float("nan")):
        with pytest.raises(SingwizError):
            Thresholds.of({"item_max": bad})
    with pytest.raises(SingwizError):
        corpus.check(kind="piano")


def test_recordings_stay_closed_when_only_labels_are_checked(corpus):
    corpus.wav("song_00").write_bytes(b"damaged")
    assert corpus.check(audio=False) == []
