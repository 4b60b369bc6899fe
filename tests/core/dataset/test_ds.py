"""DS files: what is accepted, what comes back, what is refused."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset import numbers, read_ds, write_ds
from singwiz.core.errors import SingwizError


def test_segments_come_back_as_written_with_unknown_keys(tmp_path):
    path = tmp_path / "歌.ds"
    segments = [
        {"offset": 0.5, "text": "春 江", "ph_seq": "SP ch un", "ph_dur": "0.1 0.05 0.3"},
        {"offset": 2, "my_own_key": {"a": [1, 2]}},
    ]
    write_ds(path, segments)
    assert read_ds(path) == segments
    assert "春 江" in path.read_text(encoding="utf-8")


def test_a_single_object_is_a_list_of_one_and_null_means_absent(tmp_path):
    path = tmp_path / "song.ds"
    path.write_text('\ufeff{"offset": 1, "f0_seq": null}', encoding="utf-8")
    assert read_ds(path) == [{"offset": 1}]


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("[]", "ds-empty", ""),
        ("3", "ds-invalid", ""),
        ("[1]", "ds-invalid", ""),
        ('[\n{"a": 1},\n{"b" 2}]', "ds-invalid", ":3"),
        ("[" * 100000, "ds-invalid", ""),
        ("", "ds-invalid", ":1"),
    ],
)
def test_what_is_not_a_song_is_refused_with_its_place(tmp_path, content, code, where):
    path = tmp_path / "song.ds"
    path.write_text(content)
    with pytest.raises(SingwizError) as caught:
        read_ds(path)
    assert caught.value.code == code
    assert caught.value.where.endswith(where or "song.ds")


def test_a_missing_song_is_an_error(tmp_path):
    with pytest.raises(SingwizError) as caught:
        read_ds(tmp_path / "none.ds")
    assert caught.value.code == "ds-unreadable"


def test_sequences_and_scalars_are_numbers():
    segment = {"ph_dur": "0.1  0.25", "f0_timestep": "0.005", "gender": -0.5, "energy": [1, 2]}
    np.testing.assert_array_equal(numbers(segment, "ph_dur"), [0.1, 0.25])
    np.testing.assert_array_equal(numbers(segment, "f0_timestep"), [0.005])
    np.testing.assert_array_equal(numbers(segment, "gender"), [-0.5])
    np.testing.assert_array_equal(numbers(segment, "energy"), [1, 2])
    assert numbers(segment, "ph_dur").dtype == np.float64
    assert len(numbers({"x": ""}, "x")) == 0


@pytest.mark.parametrize("value", ["0.1 x", "nan", "inf", True, {"a": 1}, [[1]], "0,1"])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(SingwizError) as caught:
        numbers({"ph_dur": value}, "ph_dur")
    assert caught.value.code == "ds-number-invalid"


def test_an_absent_key_is_named():
    with pytest.raises(SingwizError, match="f0_seq"):
        numbers({}, "f0_seq")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["ph_seq", "ph_dur", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
@example(content=b'{"a": ' + b"9" * 5000 + b"}")
@example(content=b'{"ph_dur": ' + b"9" * 400 + b"}")
@example(content=b"\xff\xfe[")
def test_no_content_breaks_anything_but_with_a_clear_error(tmp_path, content):
    path = tmp_path / "song.ds"
    path.write_bytes(content)
    try:
        for segment in read_ds(path):
            for key in segment:
                assert np.isfinite(numbers(segment, key)).all()
    except SingwizError as error:
        assert error.code.startswith("ds-")
