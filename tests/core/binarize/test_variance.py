import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.binarize import BinarizeReport, BinaryDataset, binarize, read_metadata
from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.reporting import Reporter

from .conftest import DURATIONS, NOTES, SYMBOLS, sung

DT = 512 / 44100
SECONDS = 0.75
FRAMES = round(SECONDS / DT)
MakeCorpus = Callable[..., Any]
NAMES = ("energy", "breathiness", "voicing", "tension")
CURVES = {f"predict_{name}": True for name in NAMES}
IN_ORDER = {"num_workers": 0, "shuffle": False}


def prepare(corpus: Any, config: Config | None = None, **options: Any) -> BinarizeReport:
    options = {"base_dir": corpus.folder, "workers": 0, "cache_dir": None, **options}
    return binarize(config or corpus.variance(), **options)


def stored(corpus: Any, split: str = "train", kind: str = "variance") -> list[dict[str, Any]]:
    dataset = BinaryDataset(corpus.folder / "binary" / kind / split)
    items = list(dataset)
    dataset.close()
    return items


def write_ds(corpus: Any, name: str, *segments: dict[str, Any]) -> None:
    folder = corpus.raw / "ds"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.ds").write_text(json.dumps(segments), encoding="utf-8")


def segment(f0: float = 330.0, timestep: float = 0.005, **more: Any) -> dict[str, Any]:
    count = round(SECONDS / timestep) + 1
    return {
        "ph_seq": " ".join(SYMBOLS),
        "ph_dur": " ".join(map(str, DURATIONS)),
        "f0_seq": " ".join([str(f0)] * count),
        "f0_timestep": str(timestep),
        **NOTES,
        **more,
    }


def rows(corpus: Any, header: str, *lines: str) -> None:
    text = "\n".join([header, *lines]) + "\n"
    (corpus.raw / "transcriptions.csv").write_text(text, encoding="utf-8")


class Log(Reporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_items_have_the_fields_and_types_that_variance_training_reads(
    make_corpus: MakeCorpus,
) -> None:
    corpus = make_corpus(3, **NOTES)
    report = prepare(corpus, corpus.variance(**CURVES))
    assert report.kind == "variance"
    assert report.counts == {"train": 2, "train_original": 2, "valid": 1}
    item = stored(corpus)[0]
    shapes = {name: (np.asarray(v).dtype.str[1:], np.shape(v)) for name, v in item.items()}
    phonemes, notes, frames = (5,), (4,), (FRAMES,)
    assert shapes == {
        "spk_id": ("i8", ()),
        "languages": ("i8", phonemes),
        "tokens": ("i8", phonemes),
        "ph_dur": ("i8", phonemes),
        "midi": ("i8", phonemes),
        "ph2word": ("i8", phonemes),
        "mel2ph": ("i8", frames),
        "note_midi": ("f4", notes),
        "note_rest": ("b1", notes),
        "note_dur": ("i8", notes),
        "mel2note": ("i8", frames),
        "base_pitch": ("f4", frames),
        "pitch": ("f4", frames),
        "uv": ("b1", frames),
        **dict.fromkeys(NAMES, ("f4", frames)),
    }
    meta = read_metadata(corpus.folder / "binary" / "variance", "train")
    assert meta["lengths"] == [FRAMES, FRAMES]
    assert meta["ph_dur"] == [5, 5]
    assert meta["note_midi"] == [4, 4]


def test_durations_words_and_notes_are_those_of_the_labels(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2, **NOTES)
    prepare(corpus)
    item = stored(corpus)[0]
    ends = np.cumsum(DURATIONS)
    assert item["ph_dur"].tolist() == np.diff(np.ceil(ends / DT), prepend=0).tolist()
    assert item["ph2word"].tolist() == [1, 2, 2, 3, 4]
    owners = 1 + np.searchsorted(np.ceil(ends / DT), np.arange(FRAMES), side="right")
    assert item["mel2ph"].tolist() == np.minimum(owners, 5).tolist()
    # A rest has the pitch of its nearest note.
    assert item["note_midi"].tolist() == pytest.approx([57, 57, 57.8, 57.8])
    assert item["note_rest"].tolist() == [True, False, False, True]
    note_ends = np.ceil(np.cumsum([0.1, 0.35, 0.2, 0.1]) / DT)
    assert item["note_dur"].tolist() == np.diff(note_ends, prepend=0).tolist()
    assert (
        item["mel2note"].tolist()
        == np.minimum(1 + np.searchsorted(note_ends, np.arange(FRAMES), side="right"), 4).tolist()
    )


def test_pitch_is_in_semitones_and_phonemes_have_their_mean(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2, **NOTES)
    prepare(corpus)
    item = stored(corpus)[0]
    # The second recording is sung at 220 Hz.
    assert np.median(item["pitch"]) == pytest.approx(57, abs=0.05)
    for number in range(1, 6):
        inside = item["pitch"][item["mel2ph"] == number]
        assert item["midi"][number - 1] == round(float(inside.mean()))
    steps = item["note_midi"][item["mel2note"] - 1]
    taps = np.sin(np.pi * np.arange(5) / 4)
    padded = np.pad(steps, 2, mode="edge")
    expected = np.convolve(padded, taps / taps.sum(), "valid")
    np.testing.assert_allclose(item["base_pitch"], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("keys", "absent", "present"),
    [
        ({"predict_pitch": False}, {"mel2ph", "pitch", "uv", "note_midi"}, {"midi", "ph2word"}),
        ({"predict_dur": False}, {"midi", "ph2word"}, {"pitch", "note_midi", "mel2ph"}),
        (
            {"predict_dur": False, "predict_pitch": False, "predict_energy": True},
            {"midi", "note_midi", "base_pitch"},
            {"pitch", "uv", "mel2ph", "energy"},
        ),
    ],
)
def test_what_is_not_learned_is_not_stored(
    make_corpus: MakeCorpus, keys: dict[str, bool], absent: set[str], present: set[str]
) -> None:
    corpus = make_corpus(2, **NOTES)
    prepare(corpus, corpus.variance(**keys))
    names = set(stored(corpus)[0])
    assert not names & absent
    assert present | {"ph_dur", "tokens", "languages", "spk_id"} <= names


def test_columns_are_only_needed_for_what_is_learned(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2)
    config = corpus.variance(predict_dur=False, predict_pitch=False, predict_energy=True)
    assert prepare(corpus, config).counts["train"] == 1
    with pytest.raises(SingwizError) as caught:
        prepare(corpus)
    assert "Missing required attribute ph_num of item 'item0'." in caught.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ph_num": "1 2 1"}, "Sum of ph_num does not equal length of ph_seq in 'item1'."),
        ({"ph_num": "1 2 1.5 0.5"}, "no count"),
        ({"note_dur": "0.1 0.6"}, "Lengths of note_seq and note_dur mismatch in 'item1'."),
        ({"note_dur": "0.1 -0.35 0.2 0.1"}, "Negative note_dur found in 'item1'."),
        ({"note_dur": "0.1 inf 0.2 0.1"}, "note_dur of 'item1' has 'inf'"),
        ({"note_seq": "rest H3 A3 rest"}, "'H3' is not a note name"),
        ({"note_seq": "rest rest rest rest"}, "All notes are rest in 'item1'."),
    ],
)
def test_labels_that_make_no_sense_are_named(
    make_corpus: MakeCorpus, changes: dict[str, str], message: str
) -> None:
    corpus = make_corpus(1, **NOTES)
    corpus.add("item1", **{**NOTES, **changes})
    with pytest.raises(SingwizError) as caught:
        prepare(corpus)
    assert message in caught.value.message
    assert caught.value.code == "recordings-broken"


def test_broken_labels_are_left_out_where_that_is_tolerated(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2, **NOTES)
    corpus.add("item2", **{**NOTES, "note_seq": "rest rest rest rest"})
    report = prepare(corpus, max_failed=1)
    assert report.counts["train"] == 1
    assert report.skipped == [{"item": "item2", "reason": "All notes are rest in 'item2'."}]


def test_ornaments_are_numbers_in_the_order_of_the_config(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1, **NOTES, note_glide="none up none none")
    corpus.add("item1", **NOTES, note_glide="none down up none")
    config = corpus.variance(use_glide_embed=True, glide_types=["up", "down"])
    report = prepare(corpus, config)
    assert stored(corpus)[0]["note_glide"].tolist() == [0, 2, 1, 0]
    assert report.glides == {"none": 5, "up": 2, "down": 1}
    with pytest.raises(SingwizError, match=r"Missing glide types in dataset: \[shake\]"):
        prepare(corpus, corpus.variance(use_glide_embed=True, glide_types=["up", "down", "shake"]))
    with pytest.raises(SingwizError, match="Invalid glide type found in 'item1': down"):
        prepare(corpus, corpus.variance(use_glide_embed=True, glide_types=["up"]))


def test_without_the_column_no_note_has_an_ornament(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1, **NOTES, note_glide="none up none none")
    corpus.add("item1", **NOTES, note_glide="")
    prepare(corpus, corpus.variance(use_glide_embed=True, glide_types=["up"]))
    assert stored(corpus)[0]["note_glide"].tolist() == [0, 0, 0, 0]


def test_notes_are_counted_and_drawn(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2, **NOTES)
    log = Log()
    report = prepare(corpus, reporter=log)
    assert report.notes == {57: 2, 58: 2}
    folder = corpus.folder / "binary" / "variance"
    assert {"midi_distribution.jpg", "phoneme_distribution.jpg"} <= set(report.files)
    assert (folder / "midi_distribution.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    title = log.lines.index("===== MIDI Pitch Distribution Summary =====")
    assert log.lines[title + 1] == "57: 2, 58: 2"
    assert "===== Phoneme Distribution Summary =====" in log.lines
    prepare(corpus, corpus.variance(predict_pitch=False))
    assert not (folder / "midi_distribution.jpg").exists()


def test_labels_shorter_or_longer_than_the_recording_are_cut_or_held(
    make_corpus: MakeCorpus,
) -> None:
    corpus = make_corpus(1, **NOTES)
    corpus.add("long", sung(0.75), **NOTES, ph_dur=(0.1, 0.25, 0.1, 0.2, 0.6))
    corpus.add("short", sung(0.75), **NOTES, ph_dur=(0.1, 0.25, 0.1, 0.02, 0.01))
    report = prepare(corpus, corpus.variance(binarization_args=IN_ORDER))
    longer, shorter = stored(corpus)
    assert len(longer["pitch"]) == round(1.25 / DT)
    assert len(shorter["pitch"]) == round(0.48 / DT)
    assert longer["uv"][FRAMES + 2 :].all()
    assert np.ptp(longer["pitch"][FRAMES + 2 :]) == 0
    assert [text.partition(" last")[0] for text in report.warnings] == [
        "The labels of 'long'",
        "The labels of 'short'",
    ]


# DS files -------------------------------------------------------------------------------


def test_ds_values_win_over_columns_and_recordings(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1, **NOTES)
    corpus.add("item1", **NOTES)
    tension = {"tension": "1.5 1.5 1.5", "tension_timestep": 0.3}
    write_ds(corpus, "item1", segment(440.0, note_seq="rest C4 D4 rest", **tension))
    config = corpus.variance(
        predict_tension=True, predict_energy=True, binarization_args={"prefer_ds": True}
    )
    prepare(corpus, config)
    item = stored(corpus)[0]
    np.testing.assert_allclose(item["pitch"], 69, atol=1e-5)
    assert item["note_midi"].tolist() == [60, 60, 62, 62]
    np.testing.assert_allclose(item["tension"], 1.5)
    # Energy is in neither, so it was measured.
    assert np.ptp(item["energy"]) > 3
    prepare(corpus, corpus.variance(predict_tension=True))
    assert np.median(stored(corpus)[0]["pitch"]) == pytest.approx(57, abs=0.1)


def test_with_ds_files_a_list_of_names_is_enough(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(0)
    rows(corpus, "name", "song", "song#1", "song#2", "other#0", "plain#note")
    write_ds(corpus, "song", segment(220.0), segment(440.0), segment(880.0))
    write_ds(corpus, "song#2", segment(110.0))
    write_ds(corpus, "other#0", segment(330.0))
    write_ds(corpus, "plain#note", segment(660.0))
    corpus.rows = ["song"]
    config = corpus.variance(binarization_args={**IN_ORDER, "prefer_ds": True})
    report = prepare(corpus, config)
    assert report.counts == {"valid": 1, "train": 4, "train_original": 4}
    hertz = [440 * 2 ** ((np.median(item["pitch"]) - 69) / 12) for item in stored(corpus)]
    # Sorted by name: other#0, plain#note, song#1, song#2.
    assert hertz == pytest.approx([330, 660, 440, 110], rel=1e-4)
    assert report.warnings == []


def test_gaps_of_a_ds_pitch_are_filled_before_it_is_resampled(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1, **NOTES)
    count = round(SECONDS / 0.005) + 1
    values = [220.0 if (k // 10) % 2 else 0.0 for k in range(count)]
    given = segment(f0_seq=" ".join(map(str, values)))
    corpus.add("item1", **NOTES)
    write_ds(corpus, "item1", given)
    prepare(corpus, corpus.variance(binarization_args={"prefer_ds": True}))
    item = stored(corpus)[0]
    np.testing.assert_allclose(item["pitch"], 57, atol=1e-4)
    assert 0.3 < item["uv"].mean() < 0.7


def test_items_that_nothing_tells_about_are_named(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1, **NOTES)
    rows(
        corpus,
        "name",
        *("item0", "song", "song#5", "nof0", "nowhere", "bad"),
    )
    write_ds(corpus, "item0", segment())
    write_ds(corpus, "song", segment())
    without = segment()
    del without["f0_seq"]
    write_ds(corpus, "nof0", without)
    write_ds(corpus, "bad", segment(f0_timestep="zero"))
    config = corpus.variance(predict_breathiness=True, binarization_args={"prefer_ds": True})
    with pytest.raises(SingwizError) as caught:
        prepare(corpus, config)
    for text in (
        "DS file 'song.ds' has 1 segments, index 5 requested",
        "'f0_seq' of item 'nof0' is neither in its DS file nor extractable (no audio).",
        "'nowhere' has no ph_seq.",
    ):
        assert text in caught.value.message
    rows(corpus, "name", "item0", "song")
    with pytest.raises(SingwizError, match="curve 'breathiness' of item 'song' is neither"):
        prepare(corpus, config)


# Shared with the acoustic model -----------------------------------------------------------


def test_both_models_share_pitch_and_loudness(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3, **NOTES)
    acoustic = corpus.config(**{f"use_{name}_embed": True for name in NAMES})
    prepare(corpus, acoustic, cache_dir="auto")
    report = prepare(corpus, corpus.variance(**CURVES), cache_dir="auto")
    assert report.cached == 3
    mine, theirs = stored(corpus)[0], stored(corpus, kind="acoustic")[0]
    pitch = 69 + 12 * np.log2(theirs["f0"] / 440)
    np.testing.assert_allclose(mine["pitch"][: len(pitch)], pitch, atol=1e-4)
    for name in NAMES:
        np.testing.assert_allclose(mine[name][: len(pitch) - 3], theirs[name][:-3], atol=1e-4)
    # The second of them did not throw away what the first one needs.
    assert prepare(corpus, acoustic, cache_dir="auto").cached == 3


def test_workers_and_remembered_features_change_nothing(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus = make_corpus(3, **NOTES)
    config = corpus.variance(**CURVES)
    for name, options in {
        "0": {"workers": 0},
        "1": {"workers": 1},
        "2": {"workers": 2, "cache_dir": tmp_path / "cache"},
        "again": {"workers": 0, "cache_dir": tmp_path / "cache"},
    }.items():
        prepare(corpus, config, output_dir=tmp_path / name, **options)
    first = {split: (tmp_path / "0" / split).read_bytes() for split in ("train.data", "valid.data")}
    for name in ("1", "2", "again"):
        for split, content in first.items():
            assert (tmp_path / name / split).read_bytes() == content
