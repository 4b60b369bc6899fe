"""Tests and answers on disk: resumed in the middle, never counted twice, never believed blindly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.listening.store import (
    ANSWERS,
    KEY,
    ListeningTest,
    list_tests,
    open_test,
)
from singwiz.core.project import Project

from .conftest import listen, make, prefers


@pytest.fixture
def test(tmp_path: Path) -> ListeningTest:
    return make(tmp_path / "voice" / "listening", "ab", "early", "late")


def refusal(action: object) -> str:
    with pytest.raises(SingwizError) as caught:
        action()  # type: ignore[operator]
    return caught.value.code


def test_a_test_goes_on_where_it_was_left(test: ListeningTest) -> None:
    session = test.begin(listener="Anna")
    asked = []
    for _ in range(3):
        trial = test.next_trial(session)
        assert trial is not None
        asked.append(trial)
        session = test.answer(session, trial, {"choice": "A"})

    again = ListeningTest.open(test.folder)
    resumed = again.unfinished(listener="Anna")
    assert resumed is not None and [one.trial for one in resumed.answers] == asked
    following = again.next_trial(resumed)
    assert following is not None and following.number == 3
    assert again.unfinished(listener="Ben") is None


def test_a_killed_listener_loses_no_answer(test: ListeningTest) -> None:
    root = test.folder.parent.parent
    root.mkdir(exist_ok=True)
    Project.create(root)
    command = [sys.executable, "-m", "singwiz", "listen", "run", str(root)]
    environment = {**os.environ, "PATH": ""}  # no player: the paths are shown instead
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdin is not None
    process.stdin.write(b"1\n2\n1\n")
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while len(_answered(test)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(10)

    rest = "1\n" * (test.plan.length - 3)
    done = subprocess.run(
        [*command, "--json"], input=rest, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "Going on at question 4." in done.stdout
    (session,) = test.finished()
    assert [one.answer["choice"] for one in session.answers][:3] == ["A", "B", "A"]


def _answered(test: ListeningTest) -> list[object]:
    sessions = test.sessions()
    return list(sessions[0].answers) if sessions else []


def test_a_line_cut_off_by_a_power_failure_is_asked_again(test: ListeningTest) -> None:
    session = test.begin()
    for _ in range(2):
        trial = test.next_trial(session)
        assert trial is not None
        session = test.answer(session, trial, {"choice": "B"})
    file = test.folder / ANSWERS
    file.write_bytes(file.read_bytes()[:-40])

    resumed = test.unfinished()
    assert resumed is not None and len(resumed.answers) == 1
    trial = test.next_trial(resumed)
    assert trial is not None
    test.answer(resumed, trial, {"choice": "A"})
    assert [one.answer["choice"] for one in test.sessions()[0].answers] == ["B", "A"]


def test_a_question_answered_in_another_window_is_not_answered_again(test: ListeningTest) -> None:
    session = test.begin()
    trial = test.next_trial(session)
    assert trial is not None
    test.answer(session, trial, {"choice": "A"})
    assert refusal(lambda: test.answer(session, trial, {"choice": "B"})) == (
        "listening-already-answered"
    )
    assert [one.answer["choice"] for one in test.sessions()[0].answers] == ["A"]


def test_lines_that_nobody_could_have_answered_are_left_out(test: ListeningTest) -> None:
    session = listen(test, prefers(test, "late"), listener="Anna")
    begin = json.loads((test.folder / ANSWERS).read_text().splitlines()[0])
    hostile = [
        "not json",
        "[" * 5000,
        "42",
        json.dumps(begin | {"session": "../../etc/passwd"}),
        json.dumps(begin | {"session": "f" * 16, "digest": "0" * 64}),
        json.dumps(
            {"type": "answer", "session": session.id, "trial": 0, "sounds": [], "answer": 1}
        ),
        json.dumps({"type": "answer", "session": "e" * 16, "trial": 0}),
    ]
    with (test.folder / ANSWERS).open("a") as file:
        file.write("\n".join(hostile) + "\n")
    (only,) = test.sessions()
    assert only.id == session.id and len(only.answers) == test.plan.length


def test_a_changed_key_makes_the_test_useless_and_says_so(test: ListeningTest) -> None:
    key = test.folder / KEY
    text = key.read_text()
    swapped = text.replace("condition: c1", "condition: cX").replace(
        "condition: c2", "condition: c1"
    )
    key.write_text(swapped.replace("condition: cX", "condition: c2"))
    assert refusal(lambda: ListeningTest.open(test.folder)) == "listening-test-changed"
    key.write_text("{")
    assert refusal(lambda: ListeningTest.open(test.folder)) == "listening-test-damaged"
    key.write_text(text.replace("kind: ab", "kind: !!python/object:os.system x"))
    assert refusal(lambda: ListeningTest.open(test.folder)) == "listening-test-damaged"
    assert list_tests(test.folder.parent) == []


def test_a_changed_sound_stops_the_test(test: ListeningTest) -> None:
    sound = test.sound(test.plan.sounds[0].token)
    sound.write_bytes(sound.read_bytes() + b"\0")
    assert refusal(test.begin) == "listening-sound-changed"
    assert test.sessions() == []


def test_the_newest_test_is_meant_when_none_is_named(test: ListeningTest) -> None:
    folder = test.folder.parent
    assert open_test(folder).plan.id == open_test(folder, "ab-1").plan.id == "ab-1"
    for name in ("ab-9", "../ab-1", ".."):
        assert refusal(lambda name=name: open_test(folder, name)) == "listening-test-not-found"
    assert refusal(lambda: open_test(folder / "empty")) == "listening-test-not-found"
