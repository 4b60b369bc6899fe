"""Scanning for pitch: the neural tracker and its stand-in hear the same on any grid."""

import numpy as np
import pytest

from singwiz.core.features import pitch_scan
from singwiz.core.features.pitch_scan import PraatTracker, SwiftTracker, scan_tracker

TRACKERS = [SwiftTracker(), PraatTracker()]


def song(rate: int) -> np.ndarray:
    """1 s of A3, 0.5 s of silence, 1 s of E4 with vibrato."""
    rng = np.random.default_rng(0)
    time = np.arange(rate) / rate
    first = 2 * np.pi * 220.0 * time
    second = 2 * np.pi * 329.63 * (time + 0.0004 * np.sin(2 * np.pi * 5 * time))
    parts = [
        sum(0.1 / k**0.8 * np.sin(k * p + k * k) for k in range(1, 25)) for p in (first, second)
    ]
    silence = 1e-5 * rng.standard_normal(rate // 2)
    return np.concatenate((parts[0], silence, parts[1])).astype(np.float32)


@pytest.mark.parametrize("tracker", TRACKERS, ids=lambda tracker: tracker.label)
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_tracker_hears_what_is_sung_when(tracker, rate):
    found = tracker.track(song(rate), rate, frame=0.02)
    assert found.dtype == np.float32
    assert len(found) == 125
    assert np.abs(1200 * np.log2(found[4:46] / 220.0)).max() < 40
    assert not (found[54:71] > 0).any()
    assert abs(1200 * np.log2(np.median(found[80:120]) / 329.63)) < 25


def test_both_trackers_agree():
    swift, praat = (tracker.track(song(44100), 44100, frame=0.01) for tracker in TRACKERS)
    both = (swift > 0) & (praat > 0)
    assert ((swift > 0) == (praat > 0)).mean() > 0.93
    assert np.median(np.abs(1200 * np.log2(swift[both] / praat[both]))) < 10


@pytest.mark.parametrize("tracker", TRACKERS, ids=lambda tracker: tracker.label)
def test_hardly_any_sound_is_no_problem(tracker):
    for count in (0, 1, 50, 900):
        found = tracker.track(np.zeros(count, np.float32), 44100, frame=0.02)
        assert len(found) == -(-count // 882)
        assert not found.any()


def test_without_the_neural_tracker_praat_stands_in(monkeypatch):
    assert isinstance(scan_tracker(), SwiftTracker)
    monkeypatch.setattr(pitch_scan.util, "find_spec", lambda name: None)
    assert isinstance(scan_tracker(), PraatTracker)
