"""Listening tests on disk: ``listening/<test id>/`` with its key, its sounds and its answers.

``test.yaml`` is written once. ``answers.jsonl`` only grows, one line per event, each forced to the
disk: whatever dies, at most the last line is lost, and a test goes on where it was left. The file
may hold answers of several listeners; those that came back from friends are checked first.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, SingwizError
from .design import Trial, check_answer, fixed_trials, passed, trial_at
from .plan import KINDS, Plan

KEY = "test.yaml"
ANSWERS = "answers.jsonl"
SOUNDS = "sounds"
SCHEMA = 1
MAX_BYTES = 64 * 2**20
MAX_NAME = 60


@dataclass(frozen=True)
class Answered:
    """A question with its answer.

    Attributes:
        trial: the question.
        answer: as :func:`.design.check_answer` gives it.
        seconds: from the question to the answer.
    """

    trial: Trial
    answer: Mapping[str, Any]
    seconds: float


@dataclass
class Session:
    """One listener's way through a test.

    Attributes:
        id: random name.
        listener: what the listener is called; may be empty.
        order: number of the order in which questions come.
        via: ``cli``, ``guide`` or ``pack``.
        started: ISO time.
        answers: so far, in order.
    """

    id: str
    listener: str
    order: int
    via: str
    started: str
    answers: list[Answered] = field(default_factory=list)

    def catches_missed(self) -> int:
        """How many catch trials got the wrong answer."""
        return sum(not passed(a.trial, a.answer) for a in self.answers if a.trial.catch)


class ListeningTest:
    """A test in its folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan

    @classmethod
    def create(cls, folder: Path, plan: Plan) -> ListeningTest:
        """Write the key of a test whose sounds are there already.

        Raises:
            SingwizError: the folder cannot be written.
        """
        text = yaml.safe_dump(
            {"digest": plan.digest, **plan.model_dump(mode="json", by_alias=True)},
            allow_unicode=True,
            sort_keys=False,
        )
        try:
            write_text(folder / KEY, text)
        except OSError as error:
            raise _not_writable(folder, error) from None
        return cls(folder, plan)

    @classmethod
    def open(cls, folder: Path) -> ListeningTest:
        """Read a test.

        Raises:
            SingwizError: there is none, or its key is damaged or was changed.
        """
        file = folder / KEY
        try:
            text = _read_text(file)
            content = yaml.safe_load(text)
            digest = content.pop("digest")
            plan = Plan.model_validate(content)
        except FileNotFoundError:
            raise SingwizError(
                "listening-test-not-found",
                f"There is no listening test '{folder.name}'.",
                hint="See what there is with: singwiz listen list PROJECT",
                where=str(folder),
                exit_code=USAGE_PROBLEM,
            ) from None
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError,
                RecursionError) as error:  # fmt: skip
            reason = ""
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                reason = f": {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
            raise SingwizError(
                "listening-test-damaged",
                f"The key of the listening test '{folder.name}' cannot be read{reason}.",
                hint="Make the test again.",
                where=str(file),
            ) from None
        if digest != plan.digest or folder.name != plan.id:
            raise SingwizError(
                "listening-test-changed",
                f"The key of the listening test '{folder.name}' was changed after it was made, "
                "so its answers mean nothing any more.",
                hint="Restore test.yaml, or make the test again.",
                where=str(file),
            )
        return cls(folder, plan)

    def sound(self, token: str) -> Path:
        """The file of a sound."""
        return self.folder / SOUNDS / f"{self.plan.sound(token).token}.wav"

    def check_sounds(self) -> None:
        """Whether all sounds are there and what they were.

        Raises:
            SingwizError: one is missing or was changed.
        """
        for one in self.plan.sounds:
            path = self.sound(one.token)
            if not path.is_file() or file_hash(path) != one.sha256:
                raise SingwizError(
                    "listening-sound-changed",
                    "A sound of this listening test is missing or was changed.",
                    hint="Make the test again.",
                    where=str(path),
                )

    # Answers --------------------------------------------------------------------------

    def sessions(self) -> list[Session]:
        """All sessions, oldest first; lines that make no sense are left out.

        Raises:
            SingwizError: the file cannot be read.
        """
        found: dict[str, Session] = {}
        for line in self._lines():
            session = found.get(str(line.get("session", "")))
            if line.get("type") == "begin" and session is None:
                begun = _begun(line, self.plan)
                if begun is not None:
                    found[begun.id] = begun
            elif line.get("type") == "answer" and session is not None:
                self._take(session, line)
        return list(found.values())

    def finished(self) -> list[Session]:
        """Sessions with an answer to every question."""
        return [one for one in self.sessions() if self.is_finished(one)]

    def is_finished(self, session: Session) -> bool:
        """Whether every question has an answer."""
        return len(session.answers) == self.plan.length

    def begin(self, *, listener: str = "", via: str = "cli", order: int | None = None) -> Session:
        """Start a session.

        Raises:
            SingwizError: sounds are missing, or the folder cannot be written.
        """
        self.check_sounds()
        session = Session(
            id=secrets.token_hex(8),
            listener=clean_name(listener),
            order=secrets.randbelow(2**31) if order is None else order,
            via=via,
            started=now(),
        )
        self._append([_begin_line(self.plan, session)])
        return session

    def unfinished(self, *, listener: str | None = None) -> Session | None:
        """The newest session of this machine that was left in the middle; None if there is none.

        Args:
            listener: only of this one.
        """
        for session in reversed(self.sessions()):
            mine = listener is None or session.listener == clean_name(listener)
            if mine and session.via != "pack" and not self.is_finished(session):
                return session
        return None

    def next_trial(self, session: Session) -> Trial | None:
        """The next question; None after the last."""
        number = len(session.answers)
        if number >= self.plan.length:
            return None
        return trial_at(self.plan, session.order, number, _pairs(session))

    def answer(
        self, session: Session, trial: Trial, answer: object, *, seconds: float = 0.0
    ) -> Session:
        """Keep an answer.

        Args:
            session: whose.
            trial: the question it belongs to.
            answer: see :func:`.design.check_answer`.
            seconds: how long it took.

        Returns:
            The session as it is on disk now.

        Raises:
            SingwizError: the answer does not fit, the question was answered meanwhile, or the
                folder cannot be written.
        """
        checked = check_answer(self.plan, trial, answer)
        current = next((one for one in self.sessions() if one.id == session.id), None)
        if current is None or len(current.answers) != trial.number:
            raise SingwizError(
                "listening-already-answered",
                "This question was answered already, maybe in another window.",
                hint="Go on with the question that is shown now.",
            )
        answered = Answered(trial, checked, _seconds(seconds))
        self._append([_answer_line(session, answered)])
        current.answers.append(answered)
        return current

    def merge(self, results: Sequence[Mapping[str, Any]]) -> list[Session]:
        """Take in what friends sent back; all of it or nothing.

        Raises:
            SingwizError: a result belongs to another test, is incomplete, contradicts the order
                it claims, or is here already.
        """
        known = self.sessions()
        added: list[Session] = []
        for result in results:
            session = self._checked(result)
            twin = next((one for one in (*known, *added) if _same(one, session)), None)
            if twin is not None:
                raise SingwizError(
                    "listening-result-duplicate",
                    f"These answers are here already (of '{twin.listener}')."
                    if twin.listener
                    else "These answers are here already.",
                    hint="Leave the file out; every listener counts once.",
                )
            added.append(session)
        lines: list[dict[str, Any]] = []
        for session in added:
            lines.append(_begin_line(self.plan, session))
            lines += [_answer_line(session, one) for one in session.answers]
        if lines:
            self._append(lines)
        return added

    def _checked(self, result: Mapping[str, Any]) -> Session:
        """A friend's result, if it can be what this test asked for."""
        if result.get("test") != self.plan.id or result.get("digest") != self.plan.digest:
            raise SingwizError(
                "listening-result-foreign",
                f"This result is not of the test '{self.plan.id}'.",
                hint="Merge it into the project that the test was made in.",
            )
        session = _begun({**result, "via": "pack"}, self.plan)
        answers = result.get("answers")
        if session is None or not isinstance(answers, list):
            raise _broken_result("it lacks something")
        if len(answers) != self.plan.length:
            raise _broken_result(f"it has {len(answers)} of {self.plan.length} answers")
        for trial, entry in zip(fixed_trials(self.plan, session.order), answers, strict=True):
            if not isinstance(entry, Mapping) or entry.get("sounds") != list(trial.tokens):
                raise _broken_result("its questions are not those of the test")
            try:
                answer = check_answer(self.plan, trial, entry.get("answer"))
            except (SingwizError, TypeError):
                raise _broken_result(f"answer {trial.number + 1} makes no sense") from None
            session.answers.append(Answered(trial, answer, _seconds(entry.get("seconds"))))
        return session

    def _take(self, session: Session, line: Mapping[str, Any]) -> None:
        number = len(session.answers)
        if line.get("trial") != number or number >= self.plan.length:
            return
        try:
            if session.via == "pack":
                trial = fixed_trials(self.plan, session.order)[number]
            else:
                trial = trial_at(self.plan, session.order, number, _pairs(session))
            if line.get("sounds") != list(trial.tokens):
                return
            answer = check_answer(self.plan, trial, line.get("answer"))
        except (SingwizError, TypeError):
            return
        session.answers.append(Answered(trial, answer, _seconds(line.get("seconds"))))

    def _lines(self) -> list[dict[str, Any]]:
        try:
            text = _read_text(self.folder / ANSWERS, errors="replace")
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise SingwizError(
                "listening-answers-unreadable",
                f"The answers of '{self.plan.id}' cannot be read: {error}.",
                hint="Restore the file from a backup, or move it away to start anew.",
                where=str(self.folder / ANSWERS),
            ) from None
        found = []
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue  # the line during which the power went
            if isinstance(entry, dict):
                found.append(entry)
        return found

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        path = self.folder / ANSWERS
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        try:
            with path.open("ab+") as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    if file.read(1) != b"\n":
                        data = b"\n" + data
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _not_writable(self.folder, error) from None


def list_tests(folder: Path) -> list[ListeningTest]:
    """The tests in ``listening/`` that can be opened, newest first."""
    found = []
    for path in folder.glob(f"*/{KEY}") if folder.is_dir() else ():
        try:
            found.append(ListeningTest.open(path.parent))
        except SingwizError:
            continue
    return sorted(found, key=lambda one: (one.plan.created, one.plan.id), reverse=True)


def open_test(folder: Path, name: str = "") -> ListeningTest:
    """A test by its id; the newest without one.

    Raises:
        SingwizError: there is no such test, or it is damaged.
    """
    if name and Path(name).name == name and name not in (".", ".."):
        return ListeningTest.open(folder / name)
    tests = list_tests(folder) if not name else []
    if not tests:
        raise SingwizError(
            "listening-test-not-found",
            f"There is no listening test '{name}'." if name else "There is no listening test yet.",
            hint="Make one with: singwiz listen new PROJECT",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    return tests[0]


def new_id(folder: Path, kind: str) -> str:
    """A free name for a test that says nothing about its conditions, e.g. ``ab-3``."""
    assert kind in KINDS
    number = 1
    while (folder / f"{kind}-{number}").exists():
        number += 1
    return f"{kind}-{number}"


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def clean_name(name: str) -> str:
    """A listener's name as it is kept: one short line."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MAX_NAME]


def now() -> str:
    """The time as it is kept."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _pairs(session: Session) -> list[tuple[Trial, Mapping[str, Any]]]:
    return [(one.trial, one.answer) for one in session.answers]


def _begin_line(plan: Plan, session: Session) -> dict[str, Any]:
    return {
        "type": "begin",
        "schema": SCHEMA,
        "test": plan.id,
        "digest": plan.digest,
        "session": session.id,
        "listener": session.listener,
        "order": session.order,
        "via": session.via,
        "started": session.started,
    }


def _answer_line(session: Session, one: Answered) -> dict[str, Any]:
    return {
        "type": "answer",
        "session": session.id,
        "trial": one.trial.number,
        "catch": one.trial.catch,
        "clip": one.trial.clip,
        "sounds": list(one.trial.tokens),
        "answer": dict(one.answer),
        "seconds": one.seconds,
        "time": now(),
    }


def _begun(line: Mapping[str, Any], plan: Plan) -> Session | None:
    """The session that a line or a friend's file begins; None if it cannot be one."""
    session, order, listener = line.get("session"), line.get("order"), line.get("listener")
    good = (
        line.get("schema") == SCHEMA
        and line.get("digest") == plan.digest
        and isinstance(session, str)
        and len(session) == 16
        and set(session) <= set("0123456789abcdef")
        and isinstance(order, int)
        and not isinstance(order, bool)
        and 0 <= order < 2**31
        and isinstance(listener, str)
    )
    if not good:
        return None
    assert isinstance(session, str) and isinstance(order, int) and isinstance(listener, str)
    started = str(line.get("started", ""))[:40]
    return Session(session, clean_name(listener), order, str(line.get("via", ""))[:8], started)


def _same(first: Session, second: Session) -> bool:
    """Whether two sessions are one: the same name, or the same answers in the same times."""
    if first.id == second.id:
        return True
    given, other = (
        [(one.trial, dict(one.answer), one.seconds) for one in session.answers]
        for session in (first, second)
    )
    return first.order == second.order and given == other


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return 0.0
    return round(float(value), 1)


def _read_text(path: Path, errors: str = "strict") -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is too large")
    return path.read_text(encoding="utf-8", errors=errors)


def _broken_result(reason: str) -> SingwizError:
    return SingwizError(
        "listening-result-invalid",
        f"This is no complete result of a listening test: {reason}.",
        hint="Ask for the file that the page offers after the last question, unchanged.",
    )


def _not_writable(folder: Path, error: OSError) -> SingwizError:
    return SingwizError(
        "listening-not-writable",
        f"'{folder}' cannot be written: {error.strerror or error}.",
        hint="Choose a project in a folder that belongs to you, with free space.",
        exit_code=USAGE_PROBLEM,
    )
