"""What is counted, what is heard, and what need not be heard again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from singwiz.core.dataset.raw import RawDataset
from singwiz.core.errors import Cancelled
from singwiz.core.plots.profile import BAND, dataset_profile
from singwiz.core.reporting import Reporter

from .conftest import PHONEME, KnownPitch, open_dataset, sing

A3, A4 = 57, 69


def test_phonemes_are_counted_and_their_time_added(dataset: RawDataset) -> None:
    (profile,) = dataset_profile([dataset], tracker=KnownPitch()).datasets
    assert {symbol: one.count for symbol, one in profile.phonemes.items()} == {
        "SP": 4,
        "a": 3,
        "k": 2,
        "i": 1,
    }
    assert profile.phonemes["a"].seconds == pytest.approx(3 * PHONEME)
    assert profile.seconds == pytest.approx(10 * PHONEME)
    assert [one.item for one in profile.recordings] == ["low", "high"]


def test_only_what_is_sung_counts_for_pitch(dataset: RawDataset) -> None:
    (profile,) = dataset_profile([dataset], tracker=KnownPitch()).datasets
    assert profile.pitch[A3] == pytest.approx(2 * PHONEME, abs=0.05)
    assert profile.pitch[A4] == pytest.approx(2 * PHONEME, abs=0.05)
    assert profile.sung == pytest.approx(4 * PHONEME, abs=0.1)
    assert (profile.lowest, profile.highest) == (pytest.approx(A3), pytest.approx(A4))


def test_coverage_says_who_is_sung_where_and_consonants_have_the_pitch_around_them(
    dataset: RawDataset,
) -> None:
    (profile,) = dataset_profile([dataset], tracker=KnownPitch()).datasets
    low, high = A3 // BAND, A4 // BAND
    assert profile.phonemes["a"].bands == {low: 2, high: 1}
    assert profile.phonemes["i"].bands == {high: 1}
    assert profile.phonemes["k"].bands == {low: 2}
    assert profile.phonemes["SP"].bands == {}
    assert profile.bands == tuple(range(low, high + 1))
    plain = json.loads(json.dumps(dataset_profile([dataset], tracker=KnownPitch()).to_dict()))
    (one,) = plain["datasets"]
    assert one["bands"][0] == A3
    assert one["phonemes"]["k"]["coverage"] == [2, 0, 0, 0, 0]


def test_labels_longer_than_the_sound_are_no_crash(tmp_path: Path) -> None:
    row = sing(tmp_path, "short", "SP a SP", 220.0)
    longer = row.replace("SP a SP", "SP a SP a a k").replace("0.2 0.2 0.2", "0.2 0.2 0.001 3 9 9")
    (profile,) = dataset_profile([open_dataset(tmp_path, [longer])], tracker=KnownPitch()).datasets
    assert profile.phonemes["a"].count == 3
    assert profile.phonemes["k"].bands == {}


def test_a_recording_that_cannot_be_read_is_named_and_the_others_count(
    dataset: RawDataset,
) -> None:
    (dataset.root / "wavs" / "low.wav").write_bytes(b"RIFF, but nothing else")
    (profile,) = dataset_profile([dataset], tracker=KnownPitch()).datasets
    assert profile.unreadable == ("low",)
    assert [one.item for one in profile.recordings] == ["high"]
    assert profile.phonemes["k"].count == 2, "the labels are still there"


def test_nothing_sung_is_a_profile_without_pitch(tmp_path: Path) -> None:
    dataset = open_dataset(tmp_path, [sing(tmp_path, "quiet", "SP k SP", 220.0)])
    (profile,) = dataset_profile([dataset], tracker=KnownPitch()).datasets
    assert (profile.lowest, profile.median, profile.highest) == (None, None, None)
    assert profile.bands == ()
    assert profile.sung == 0


def test_a_second_look_hears_only_what_changed(dataset: RawDataset, tmp_path: Path) -> None:
    tracker, cache = KnownPitch(), tmp_path / "cache"
    first = dataset_profile([dataset], tracker=tracker, cache=cache)
    assert tracker.heard == 2
    again = dataset_profile([dataset], tracker=tracker, cache=cache)
    assert tracker.heard == 2
    assert again == first
    sing(dataset.root, "low", "SP k a k a SP", 440.0)
    wav = dataset.root / "wavs" / "low.wav"
    os.utime(wav, ns=(1, 1))  # the same size, and maybe the same tick of the clock
    changed = dataset_profile([dataset], tracker=tracker, cache=cache)
    assert tracker.heard == 3
    assert changed.datasets[0].lowest == pytest.approx(A4)


def test_workers_change_nothing(dataset: RawDataset) -> None:
    alone = dataset_profile([dataset], tracker=KnownPitch(), workers=1)
    assert dataset_profile([dataset], tracker=KnownPitch(), workers=3) == alone


def test_it_can_be_stopped_and_goes_on_later(dataset: RawDataset, tmp_path: Path) -> None:
    class Impatient(Reporter):
        done = 0.0

        def progress(self, done: float, total: float, label: str = "") -> None:
            self.done = done

        def cancelled(self) -> bool:
            return self.done >= 1

    tracker = KnownPitch()
    with pytest.raises(Cancelled):
        dataset_profile(
            [dataset], tracker=tracker, workers=1, reporter=Impatient(), cache=tmp_path / "c"
        )
    assert tracker.heard == 1
    dataset_profile([dataset], tracker=tracker, workers=1, cache=tmp_path / "c")
    assert tracker.heard == 2
