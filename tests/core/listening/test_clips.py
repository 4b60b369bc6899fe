"""Clips are those parts of recordings that tell differences."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from singwiz.core.listening.clips import SECONDS, Material, choose_clips

CLASSES = {"a": "vowel", "k": "unvoiced", "n": "voiced", "ry": "voiced", "SP": "pause"}


def material(name: str, ph_seq: str, ph_dur: str, pitch: float = 220.0) -> Material:
    durations = [float(value) for value in ph_dur.split()]
    frames = int(sum(durations) / 0.01)
    return Material(name, "voice", ph_seq.split(), durations, CLASSES, np.full(frames, pitch), 0.01)


PLAIN = [material(f"plain{n}", "SP k a n a SP", "0.3 0.1 0.9 0.1 0.9 0.3") for n in range(4)]
COUNTS = Counter({"a": 900, "k": 400, "n": 400, "SP": 200, "ry": 2})


def chosen(*materials: Material, wanted: int = 5) -> dict[str, str]:
    clips = choose_clips(materials, COUNTS, wanted, seed=0)
    return {clip.item: clip.why[0] for clip in clips}


def test_edges_of_the_range_rare_sounds_long_notes_and_fast_consonants_are_found() -> None:
    found = chosen(
        *PLAIN,
        material("high", "SP k a n a SP", "0.3 0.1 0.9 0.1 0.9 0.3", 880.0),
        material("low", "SP k a n a SP", "0.3 0.1 0.9 0.1 0.9 0.3", 82.0),
        material("rare", "SP ry a n a SP", "0.3 0.1 0.9 0.1 0.9 0.3"),
        material("long", "SP k a SP", "0.2 0.1 2.5 0.2"),
        material("fast", "k a n a k a n a k a n a k a n a", " ".join(["0.1 0.2"] * 8)),
    )
    assert found["high"] == "high notes, up to 880 Hz"
    assert found["low"] == "low notes, down to 82 Hz"
    assert found["rare"].startswith("rare sounds: ry")
    assert found["long"] == "a long note of 2.5 s"
    assert found["fast"].endswith("consonants per second")


def test_long_recordings_are_cut_at_phoneme_borders_into_clips_that_do_not_overlap() -> None:
    one = material("song", " ".join(["SP k a n a"] * 8), " ".join(["0.3 0.1 0.9 0.1 0.9"] * 8))
    clips = sorted(choose_clips([one], COUNTS, 3, seed=1), key=lambda clip: clip.start)
    assert len(clips) == 3
    borders = np.round(np.concatenate([[0], np.cumsum(one.ph_dur)]), 3)
    for clip in clips:
        assert SECONDS[0] <= clip.end - clip.start <= SECONDS[1]
        assert clip.start in borders and clip.end in borders
    assert all(a.end <= b.start for a, b in pairwise(clips))


def test_silence_is_no_clip_and_less_is_given_than_asked_for() -> None:
    silent = material("silent", "SP SP", "1 1", 0.0)
    assert set(chosen(silent, PLAIN[0], wanted=9)) == {"plain0"}
