import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singwiz.core.features.durations import frames_from_seconds, mel2ph_from_frames

DT = 512 / 44100


def test_boundaries_are_rounded_not_durations() -> None:
    frames = frames_from_seconds([0.05, 0.02, 0, 0.1], DT)
    assert frames.tolist() == [5, 2, 0, 8]
    assert frames.dtype == np.int64
    assert mel2ph_from_frames(frames, 15).tolist() == [1] * 5 + [2] * 2 + [4] * 8


@pytest.mark.parametrize(("units", "expected"), [(2, 2), (3, 4), (4, 4), (5, 6)])
def test_exact_frame_times_round_half_to_even(units: int, expected: int) -> None:
    assert frames_from_seconds([units * 0.25], 0.25).tolist() == [expected]


def test_owners_are_extended_or_cut_to_the_length() -> None:
    frames = np.array([2, 3])
    assert mel2ph_from_frames(frames, 7).tolist() == [1, 1, 2, 2, 2, 2, 2]
    assert mel2ph_from_frames(frames, 3).tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("ph_dur", "message"),
    [
        ([0.1, -0.1], "negative"),
        ([float("nan")], "finite"),
        ([float("inf")], "finite"),
        ([0.0, 0.0], "nothing"),
        ([], "nothing"),
    ],
)
def test_impossible_durations_are_refused(ph_dur: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frames_from_seconds(ph_dur, DT)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=40).filter(lambda d: sum(d) > 0.1))
def test_a_frame_belongs_to_the_phoneme_that_sounds_then(ph_dur: list[float]) -> None:
    frames = frames_from_seconds(ph_dur, DT)
    total = sum(ph_dur)
    assert (frames >= 0).all()
    assert abs(frames.sum() - total / DT) < 1.01
    ends = np.cumsum(ph_dur)
    borders = np.cumsum(frames) * DT
    assert (borders - ends > -1e-3).all()
    assert (borders - ends < DT + 1e-3).all()
