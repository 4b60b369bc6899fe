"""Which predictors run: filling in, asking for, and what has to be predicted on the way."""

from __future__ import annotations

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.predictions import check_tags, plan, stepping_stones

FULL = ("dur", "pitch", "energy", "breathiness")


@pytest.mark.parametrize(
    ("available", "requested", "runs", "written", "loads"),
    [
        # Filling in
        ((), (), "dpc", {*FULL}, ""),
        (("dur",), (), "pc", {"pitch", "energy", "breathiness"}, "d"),
        (("dur", "pitch", "energy"), (), "c", {"breathiness"}, "dp"),
        (("pitch", "energy", "breathiness"), (), "d", {"dur"}, ""),
        (("dur", *FULL), (), "", set(), ""),
        # Asking
        (("dur", *FULL), ("dur",), "d", {"dur"}, ""),
        (("dur", *FULL), ("pitch",), "p", {"pitch"}, "d"),
        (("dur", *FULL), ("energy",), "c", {"energy"}, "dp"),
        ((), ("pitch",), "dp", {"pitch"}, ""),
        ((), ("energy",), "dpc", {"energy"}, ""),
        (("dur",), ("energy",), "pc", {"energy"}, "d"),
    ],
)
def test_what_runs_is_what_is_missing_or_asked_for(available, requested, runs, written, loads):
    made = plan(available, FULL, requested)
    assert (made.dur, made.pitch, made.curves) == tuple(letter in runs for letter in "dpc")
    assert made.written == written
    assert (made.load_dur, made.load_pitch) == ("d" in loads, "p" in loads)
    assert made.runs == bool(runs)


def test_a_model_does_only_what_it_can():
    assert not plan((), ("pitch",), ("dur",)).runs
    assert plan((), ("dur",)).written == {"dur"}
    curves_only = plan((), ("tension",))
    assert curves_only.load_dur
    assert curves_only.load_pitch


def test_stepping_stones_are_what_the_way_needs_and_nobody_asked_for():
    chain = [("dur",), ("pitch", "energy")]
    assert stepping_stones((), chain, {"energy"}) == {"dur", "pitch"}
    assert stepping_stones((), chain, {"pitch", "dur"}) == frozenset()
    assert stepping_stones(("dur",), chain, {"pitch"}) == frozenset()
    assert stepping_stones((), [("energy",)], {"energy"}) == frozenset()


def test_what_nothing_predicts_is_refused():
    with pytest.raises(SingwizError, match="nothing that can be predicted"):
        check_tags(["pich"], [FULL])
    with pytest.raises(SingwizError) as caught:
        check_tags(["tension"], [FULL])
    assert "dur, pitch, energy, breathiness" in caught.value.hint
    with pytest.raises(SingwizError, match="No variance model"):
        check_tags(["dur"], [])
