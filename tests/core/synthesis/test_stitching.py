"""Segments on one time line: gaps, overlaps, disorder."""

from __future__ import annotations

import numpy as np

from singwiz.core.synthesis.stitching import stitch


def ones(count: int, value: float = 1.0) -> np.ndarray:
    return np.full(count, value, np.float32)


def test_gaps_and_the_lead_in_are_silent():
    song = stitch([(0.2, ones(3)), (0.8, ones(2, 2.0))], 10)
    assert song.tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 2, 2]


def test_overlaps_fade_linearly_with_both_ends_included():
    song = stitch([(0.0, ones(6)), (0.2, ones(5, 2.0))], 10)
    assert np.allclose(song, [1, 1, 1, 4 / 3, 5 / 3, 2, 2], atol=1e-6)


def test_an_overlap_of_one_sample_keeps_the_old_sample():
    assert stitch([(0.0, ones(2)), (0.1, ones(2, 3.0))], 10).tolist() == [1, 1, 3]


def test_order_of_segments_does_not_matter():
    parts = [(0.5, ones(4)), (0.0, ones(7, 0.5))]
    assert np.array_equal(stitch(parts, 10), stitch(parts[::-1], 10))


def test_a_segment_inside_another_keeps_the_longer_tail_without_a_jump():
    song = stitch([(0.0, ones(100)), (2.0, ones(21, 2.0))], 10)
    assert len(song) == 100
    assert song[30] == 2.0
    assert song[99] == 1.0
    assert np.abs(np.diff(song)).max() < 0.11


def test_nothing_gives_nothing():
    assert stitch([], 10).shape == (0,)
