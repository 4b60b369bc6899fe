"""DS files beside recordings: which segment is meant, and what can be wrong with it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset.checks import Needs
from singwiz.core.findings import Severity

from .conftest import PH_DUR, PH_SEQ

FRAME = 512 / 44100
LENGTH = sum(PH_DUR)
OTHER_STEP = "ds-timestep-other"


def segment(**more):
    frames = round(sum(PH_DUR) / FRAME)
    return {
        "ph_seq": " ".join(PH_SEQ),
        "ph_dur": " ".join(map(str, PH_DUR)),
        "f0_seq": " ".join(str(220 + k % 9) for k in range(frames)),
        "f0_timestep": str(FRAME),
        **more,
    }


def write(corpus, content, name="song_00"):
    (corpus.root / "ds").mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (corpus.root / "ds" / f"{name}.ds").write_text(text, encoding="utf-8")


def codes(corpus, **options):
    return [finding.code for finding in corpus.check(audio=False, **options)]


def test_a_right_ds_file_is_left_alone(corpus):
    write(corpus, [segment()])
    assert codes(corpus) == []
    write(corpus, segment(f0_timestep=0.011609977))
    assert codes(corpus) == [], "editors write nine digits, and a single segment without a list"


def test_segments_are_found_by_number(corpus):
    for index, row in enumerate(corpus.rows[:2]):
        corpus.wav(row["name"]).rename(corpus.wav(f"song#{index}"))
        row["name"] = f"song#{index}"
    corpus.write()
    write(corpus, [segment(), segment()], "song")
    assert codes(corpus) == []
    write(corpus, [segment()], "song")
    assert codes(corpus) == ["ds-index"]
    write(corpus, [segment(f0_timestep=0)], "song#1")
    assert codes(corpus) == ["ds-timestep"], "a file of its own comes first"


def test_faults_count_as_errors_only_where_ds_files_will_be_used(corpus):
    write(corpus, [segment(energy="1 2 3")])
    assert {finding.severity for finding in corpus.check(audio=False)} == {Severity.WARNING}
    needs = Needs(kind="variance", predict_dur=False, predict_pitch=False, prefer_ds=True)
    assert {f.severity for f in corpus.check(audio=False, needs=needs)} == {Severity.ERROR}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"tension": "0.1 20 0.3", "tension_timestep": LENGTH / 3}, {"ds-curve-range"}),
        ({"tension": "0.1 2 0.3", "tension_timestep": FRAME}, {"ds-curve-length"}),
        ({"voicing": "-20 -30", "voicing_timestep": LENGTH / 2}, set()),
        ({"f0_seq": "220 -1 9", "f0_timestep": LENGTH / 3}, {"ds-curve-range", OTHER_STEP}),
        ({"ph_num": "9"}, set()),
        ({"ph_num": "4 4"}, {"ds-lengths-differ"}),
        ({"note_seq": "A4", "note_dur": "1 1"}, {"ds-lengths-differ"}),
        ({"f0_timestep": None}, {"ds-timestep"}),
        ({"f0_timestep": "often"}, {"ds-timestep"}),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(corpus, more, expected):
    write(corpus, [segment(**more)])
    assert set(codes(corpus)) == expected


def test_the_time_step_of_the_other_curves_is_advised(corpus):
    broken = segment(energy="-10 -20 " * 108, energy_timestep=FRAME)
    del broken["f0_timestep"]
    write(corpus, [broken])
    (finding,) = corpus.check(audio=False)
    assert f"{FRAME:g} s" in finding.hint


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["ph_seq", "ph_dur", "ph_num", "note_seq", "note_dur", "note_slur", "f0_seq", "f0_timestep",
     "energy", "energy_timestep", "tension"]
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.dictionaries(keys, junk, max_size=6), max_size=3) | junk | st.text(max_size=40))
def test_no_ds_file_ever_breaks_a_check(corpus, content):
    write(corpus, json.dumps(content) if not isinstance(content, str) else content)
    for finding in corpus.check(audio=False):
        assert finding.message.endswith(".")
