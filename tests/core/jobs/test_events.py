"""The diary of a job, also a torn one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from singwiz.core.jobs import EventReader, EventWriter, Pace
from singwiz.core.jobs import events as events_module
from singwiz.core.jobs.events import to_plain


def read(folder: Path) -> list[dict[str, object]]:
    return EventReader(folder / "events.jsonl").refresh()


def test_a_half_written_last_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.log("first")
    reader = EventReader(tmp_path / "events.jsonl")
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('{"seq": 2, "type": "log", "te')
        handle.flush()
        assert [event["text"] for event in reader.refresh()] == ["first"]
        assert reader.refresh() == []
        handle.write('xt": "second"}\n')
    assert [event["text"] for event in reader.refresh()] == ["second"]
    assert [event["text"] for event in reader.events] == ["first", "second"]


def test_a_writer_that_follows_a_killed_one_spoils_only_the_torn_line(tmp_path: Path) -> None:
    EventWriter(tmp_path).log("first")
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('{"seq": 2, "type": "lo')
    EventWriter(tmp_path).log("after the crash")

    events = read(tmp_path)
    assert [event["text"] for event in events] == ["first", "after the crash"]
    assert [event["seq"] for event in events] == [1, 3]


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(
        b'\xff\xfe\n[1]\n"text"\n{"seq": 4}\n\n{"seq": 5, "type": "done"}\n'
    )
    assert [event["seq"] for event in read(tmp_path)] == [5]


def test_there_are_no_events_before_there_is_a_file(tmp_path: Path) -> None:
    assert read(tmp_path) == []


def test_progress_is_thinned_out_but_never_loses_its_end(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    for number in range(5001):
        writer.progress(number, 5000, "working")
    writer.close()

    events = read(tmp_path)
    assert len(events) < 500
    assert events[-1]["done"] == 5000


def test_the_last_progress_before_the_end_of_an_unfinished_job_is_kept(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    for number in range(7):
        writer.progress(number, 5000, "working")
    writer.close()
    assert read(tmp_path)[-1]["done"] == 6


def test_the_stop_file_makes_the_work_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "STOP_POLL_INTERVAL", 0.0)
    writer = EventWriter(tmp_path)
    assert not writer.cancelled()
    (tmp_path / "stop").touch()
    assert writer.cancelled()


def test_a_requested_stop_is_seen_at_once(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    assert not writer.cancelled()
    writer.request_stop()
    assert writer.cancelled()


def test_plain_data_survives_a_round_trip_through_strict_json() -> None:
    value = {
        1: np.float32(0.5),
        "array": np.array([[1, 2], [3, 4]], dtype=np.int64),
        "path": Path("声/a.wav"),
        "bad": [float("nan"), float("inf"), np.float64("nan")],
        "set": {"b", "a"},
        "flag": np.bool_(True),
        "none": None,
    }
    assert json.loads(json.dumps(to_plain(value), allow_nan=False)) == {
        "1": 0.5,
        "array": [[1, 2], [3, 4]],
        "path": str(Path("声/a.wav")),
        "bad": [None, None, None],
        "set": ["a", "b"],
        "flag": True,
        "none": None,
    }


def test_the_pace_of_steady_work_gives_the_remaining_seconds() -> None:
    pace = Pace()
    for second in range(11):
        pace.feed(100.0 + second, 2.0 * second, 60.0, "training")
    assert pace.fraction == pytest.approx(1 / 3)
    assert pace.eta(110.0) == pytest.approx(20.0)
    assert pace.eta(115.0) == pytest.approx(15.0)


def test_the_pace_of_resumed_work_ignores_what_was_done_before() -> None:
    pace = Pace()
    pace.feed(0.0, 1000, 2000)
    pace.feed(10.0, 1010, 2000)
    assert pace.eta(10.0) == pytest.approx(990.0)


def test_the_pace_starts_over_with_every_phase() -> None:
    pace = Pace()
    for second in range(10):
        pace.feed(float(second), second, 10.0, "reading")
    pace.feed(10.0, 0, 500.0, "loudness")
    assert pace.eta(10.0) is None
    pace.feed(20.0, 50, 500.0, "loudness")
    assert pace.eta(20.0) == pytest.approx(90.0)


def test_the_pace_follows_a_machine_that_slows_down() -> None:
    pace = Pace()
    for second in range(600):
        pace.feed(float(second), 10.0 * second, 1e5)
    for second in range(600, 1000):
        pace.feed(float(second), 6000 + (second - 600), 1e5)
    assert pace.eta(999.0) == pytest.approx(1e5 - 6399, rel=0.01)


def test_nothing_is_promised_before_anything_is_known() -> None:
    pace = Pace()
    assert pace.fraction is None
    assert pace.eta(0.0) is None
    pace.feed(0.0, 0, 0, "starting")
    assert pace.fraction is None


def test_validations_are_no_step_time_but_those_to_come_are_added() -> None:
    pace = Pace()
    clock = 0.0
    pace.feed(clock, 0, 1000, "training")
    for step in range(1, 101):
        clock += 1.0
        pace.feed(clock, step, 1000, "training")
    for _ in range(20):  # a validation of 600 s
        clock += 30.0
        pace.feed(clock, 100, 1000, "validation")
    clock += 1.0
    pace.feed(clock, 101, 1000, "training")
    clock += 1.0
    pace.feed(clock, 102, 1000, "training")
    # 898 steps of a second, and nine more validations of ten minutes.
    assert pace.eta(clock) == pytest.approx(898 + 9 * 601, rel=0.01)


def test_the_look_before_the_first_step_is_no_validation_to_come() -> None:
    pace = Pace()
    pace.feed(0.0, 0, 100, "training")
    pace.feed(50.0, 0, 100, "validation")
    for step in range(1, 11):
        pace.feed(50.0 + step, step, 100, "training")
    assert pace.eta(60.0) == pytest.approx(90.0)
