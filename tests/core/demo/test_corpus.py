"""The demo corpus: exact labels, full coverage, determinism, and that it is singing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset.ds import read_ds
from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.demo.melody import SYLLABLES, demo_song
from singwiz.core.dictionary import PhonemeSet, compare, read_dictionary
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.features.pitch import Parselmouth
from singwiz.core.reporting import Reporter


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    return make_corpus(tmp_path_factory.mktemp("demo corpus"), items=3, seconds=3.0)


def rows(corpus: DemoCorpus) -> list[dict[str, str]]:
    with (corpus.raw_data_dir / "transcriptions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sound_of(corpus: DemoCorpus, name: str) -> np.ndarray:
    return soundfile.read(corpus.raw_data_dir / "wavs" / f"{name}.wav", dtype="float32")[0]


def test_labels_add_up_to_the_audio(corpus: DemoCorpus):
    for row in rows(corpus):
        seconds = sum(map(float, row["ph_dur"].split()))
        assert len(sound_of(corpus, row["name"])) == round(seconds * 44100) == 3 * 44100
        assert len(row["ph_dur"].split()) == len(row["ph_seq"].split())
        assert sum(map(int, row["ph_num"].split())) == len(row["ph_seq"].split())
        assert sum(map(float, row["note_dur"].split())) == pytest.approx(seconds)
        assert len(row["ph_num"].split()) == len(row["note_seq"].split())


def test_two_items_cover_the_dictionary(corpus: DemoCorpus):
    dictionary, findings = read_dictionary(corpus.dictionary, corpus.language)
    assert not [f for f in findings if f.severity.value == "error"]
    phonemes = PhonemeSet.build({corpus.language: dictionary})
    found = compare(
        phonemes, [(r["name"], corpus.language, r["ph_seq"].split()) for r in rows(corpus)[:2]]
    )
    assert not found.unexpected
    assert not found.missing


def test_many_seeds_cover_the_dictionary_with_two_items():
    from singwiz.core.demo.melody import Composer

    wanted = {p for spelled in SYLLABLES.values() for p in spelled} | {"SP", "AP"}
    for seed in range(50):
        composer = Composer(np.random.default_rng(seed))
        sung = {p for _ in range(2) for p in composer.phrase(4.0).ph_seq}
        assert sung == wanted


def test_vowels_have_the_labelled_pitch_and_other_sounds_are_what_they_claim(corpus: DemoCorpus):
    for row in rows(corpus):
        sound = sound_of(corpus, row["name"])
        f0, unvoiced = Parselmouth(65, 1100).extract(
            sound, 44100, hop_size=512, length=len(sound) // 512
        )
        start = 0.0
        level = {}
        for symbol, length in zip(
            row["ph_seq"].split(), map(float, row["ph_dur"].split()), strict=True
        ):
            middle = slice(int((start + 0.3 * length) * 44100), int((start + 0.7 * length) * 44100))
            inner = slice(
                int((start + 0.3 * length) * 86.13) + 1, int((start + 0.7 * length) * 86.13)
            )
            level.setdefault(symbol, []).append(float(np.std(sound[middle])))
            if symbol in "aiueo" and length > 0.2:
                assert unvoiced[inner].mean() < 0.3
                assert 100 < np.median(f0[inner]) < 550
            if symbol in ("s", "AP", "SP"):
                assert unvoiced[inner].mean() > 0.7
            start += length
        assert max(level["SP"]) < 0.001 < max(level["AP"]) < max(level["a"])
        assert np.abs(sound).max() < 0.99


def test_the_same_seed_gives_the_same_files(tmp_path: Path):
    first = make_corpus(tmp_path / "a", items=1, seconds=1.5, seed=3)
    second = make_corpus(tmp_path / "b", items=1, seconds=1.5, seed=3)
    other = make_corpus(tmp_path / "c", items=1, seconds=1.5, seed=4)
    for name in ("raw/transcriptions.csv", "raw/wavs/demo_000.wav", "song.ds"):
        here = (tmp_path / "a" / name).read_bytes()
        assert here == (tmp_path / "b" / name).read_bytes()
        assert here != (tmp_path / "c" / name).read_bytes()
    assert first.song.name == second.song.name == other.song.name
    assert "not sung by anybody" in (tmp_path / "a" / "README.txt").read_text(encoding="utf-8")


def test_the_song_is_a_complete_ds_file_with_a_new_melody(corpus: DemoCorpus):
    segments = read_ds(corpus.song)
    assert len(segments) == len(demo_song()) == 2
    for segment in segments:
        lengths = [float(x) for x in segment["ph_dur"].split()]
        assert len(lengths) == len(segment["ph_seq"].split())
        assert sum(map(int, segment["ph_num"].split())) == len(lengths)
        curve = np.array(segment["f0_seq"].split(), float)
        assert (len(curve) - 1) * float(segment["f0_timestep"]) == pytest.approx(sum(lengths))
        assert curve.min() > 100
        notes = " ".join(n for n in segment["note_seq"].split() if n != "rest")
        assert all(notes not in row["note_seq"] for row in rows(corpus))
    assert segments[1]["offset"] == pytest.approx(
        sum(float(x) for x in segments[0]["ph_dur"].split())
    )


def test_impossible_sizes_and_stopping(tmp_path: Path):
    for wrong in ({"items": 0}, {"seconds": 0.1}, {"sample_rate": 8000}):
        with pytest.raises(SingwizError) as caught:
            make_corpus(tmp_path / "x", **wrong)
        assert caught.value.exit_code == 2

    class Stopped(Reporter):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        make_corpus(tmp_path / "x", items=1, reporter=Stopped())


def test_other_sample_rates(tmp_path: Path):
    corpus = make_corpus(tmp_path / "x", items=1, seconds=1.5, sample_rate=24000)
    assert len(sound_of(corpus, "demo_000")) == 36000
