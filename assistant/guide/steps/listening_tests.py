"""Blind listening tests: a part of the listen step.

While somebody listens, the step shows the question and nothing else. Every answer is on disk at
once; which question comes next is worked out from there, so either face goes on where the other
one stopped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ..desk import Desk, is_file
from ..store import signature
from ..view import Action, Block, Choice, Question, Reply, Table, Text, Versions
from ..watch import JobWatch
from ..words import has, help_text, label, say
from .train import TrainStep
from .vocoder_files import heard_through, usable

if TYPE_CHECKING:
    from ....core.listening.design import Trial
    from ....core.listening.store import ListeningTest, Session
    from ....core.listening.verdict import Outcome

STEP = "listen"
STAGE = "listen"
NOTHING = "nothing"
COMPARISONS = (NOTHING, "ab", "abx", "vocoders", "rank", "causes", "tag")
ACTIONS = ("make_test", "listen_test", "pause_test", "pack_test", "merge_test")
OPEN = "listening-open"
"""Key of the desk's draft: the test and session that this guide is in, what was typed so far."""
MOST_RANKED = 5
_VOTE, _SCORE, _TAG = "vote_", "score_", "tag_"

_train = TrainStep()


# Making a test ---------------------------------------------------------------------------


def questions(desk: Desk) -> list[Question]:
    """What to compare; nothing at first."""
    compare = _compare(desk)
    asked = [
        _ask(
            "compare",
            "choice",
            compare,
            choices=tuple(Choice(one, say(f"listen.test.compare.{one}")) for one in COMPARISONS),
        )
    ]
    if compare in ("ab", "abx", "vocoders"):
        choices = _choices(desk, compare)
        chosen = _pair(desk, compare)
        asked += [
            _ask(name, "choice", value, choices=choices)
            for name, value in zip(("first", "second"), chosen, strict=True)
        ]
    if compare in ("ab", "abx", "vocoders", "rank"):
        usual = 30 if compare == "rank" else 16
        asked.append(
            _ask("trials", "number", desk.answer_of(STEP, "trials", usual),
                 minimum=6, maximum=100, integer=True, advanced=True)
        )  # fmt: skip
    if _newest(desk) is not None:
        asked += [
            _ask("listener", "text", desk.answer_of(STEP, "listener", ""), advanced=True),
            _ask("sent_back", "path", desk.answer_of(STEP, "sent_back", ""), pick="file",
                 advanced=True),
        ]  # fmt: skip
    return asked


def actions(desk: Desk) -> list[Action]:
    """Buttons beside those of singing."""
    found = []
    if _compare(desk) != NOTHING:
        found.append(_button("make_test", reason=_refusal(desk)))
    test = _newest(desk)
    if test is not None:
        session = _unfinished(desk, test)
        if session is not None:
            words = say("listen.do.go_on_test", number=len(session.answers) + 1,
                        count=test.plan.length)  # fmt: skip
            found.append(Action("listen_test", words))
        else:
            found.append(_button("listen_test"))
        found.append(_button("pack_test"))
        if desk.answer_of(STEP, "sent_back", ""):
            found.append(_button("merge_test"))
    return found


def watch(desk: Desk) -> JobWatch | None:
    """The newest making of a test."""
    return desk.watch(STAGE)


def act(desk: Desk, action: str) -> Reply:
    """Make a test, listen, stop listening, write it for friends, take in their answers."""
    if action == "make_test":
        return _make(desk)
    if action == "pause_test":
        desk.draft.pop(OPEN, None)
        return Reply(True, say("listen.test.paused"))
    test = _newest(desk)
    if test is None:
        return Reply(False, say("refused.action"))
    if action == "pack_test":
        from ....core.listening.pack import write_pack

        path = write_pack(test, test.folder / f"{test.plan.id}.html")
        return Reply(True, say("listen.test.packed", file=path))
    if action == "merge_test":
        from ....core.listening.pack import read_result

        file = desk.answer_of(STEP, "sent_back", "")
        added = test.merge([read_result(Path(file))])
        desk.save_answer(STEP, "sent_back", "")
        return Reply(True, say("listen.test.merged", name=added[0].listener or "–"))
    listener = desk.answer_of(STEP, "listener", "")
    session = test.unfinished(listener=listener) or test.begin(listener=listener, via="guide")
    _open(desk, test, session)
    return Reply(True)


def _make(desk: Desk) -> Reply:
    from ....core.jobs import start_job

    at_work = watch(desk)
    if at_work is not None and at_work.running:
        return Reply(True, say("job.already-running"))
    start_job(desk.opened, STAGE, _params(desk))
    return Reply(True, say("listen.test.started"))


def _params(desk: Desk) -> dict[str, Any]:
    compare = _compare(desk)
    params: dict[str, Any] = {"kind": {"vocoders": "ab", "causes": "mushra"}.get(compare, compare)}
    if compare in ("ab", "abx"):
        params["conditions"] = [f"@{step}" for step in _pair(desk, compare)]
    elif compare == "vocoders":
        names = {one.value: one.label for one in _choices(desk, compare)}
        params["conditions"] = [
            f"{names[file].replace(',', ' ').replace('=', ' ')}=copy,vocoder={file}"
            for file in _pair(desk, compare)
        ]
    elif compare == "rank":
        newest = [step for step, _ in _train.checkpoints(desk)][-MOST_RANKED:]
        params["conditions"] = [f"@{step}" for step in newest]
    elif compare == "causes":
        params["causes"] = True
    if compare in ("ab", "abx", "vocoders", "rank"):
        params["trials"] = desk.answer_of(STEP, "trials", 30 if compare == "rank" else 16)
    return params


def _refusal(desk: Desk) -> str:
    """Why the test cannot be made now; empty if it can."""
    compare = _compare(desk)
    checkpoints = _train.checkpoints(desk)
    if not checkpoints:
        return say("listen.no-checkpoint")
    if compare in ("ab", "abx", "vocoders"):
        first, second = _pair(desk, compare)
        if first == second:
            return say(f"listen.test.one-{'vocoder' if compare == 'vocoders' else 'checkpoint'}")
    if compare == "rank" and len(checkpoints) < 3:
        return say("listen.test.few-checkpoints", count=len(checkpoints))
    return ""


def _compare(desk: Desk) -> str:
    chosen = desk.answer_of(STEP, "compare", NOTHING)
    return chosen if chosen in COMPARISONS else NOTHING


def _choices(desk: Desk, compare: str) -> tuple[Choice, ...]:
    if compare == "vocoders":
        return tuple(Choice(one.file, one.name, one.about) for one in usable(desk, ""))
    return tuple(
        Choice(str(step), say("listen.test.step", steps=step))
        for step, _ in reversed(_train.checkpoints(desk))
    )


def _pair(desk: Desk, compare: str) -> tuple[str, str]:
    """The two that are compared: as chosen, else the newest two, or the project's and another."""
    values = [choice.value for choice in _choices(desk, compare)]
    if compare == "vocoders":
        own = heard_through(desk)
        values = [own, *(value for value in values if value != own)]
    chosen = []
    for name in ("first", "second"):
        value = desk.answer_of(STEP, name, "")
        left = [one for one in values if one not in chosen]
        chosen.append(value if value in values else (left or values or [""])[0])
    return chosen[0], chosen[1]


# Listening -------------------------------------------------------------------------------


def is_open(desk: Desk) -> bool:
    """Whether a question is on the screen."""
    return _asked(desk) is not None


def trial_questions(desk: Desk) -> list[Question]:
    """What has to be typed about the sounds of this question."""
    asked = _asked(desk)
    if asked is None:
        return []
    test, trial = asked
    typed = desk.draft[OPEN]["typed"]
    if test.plan.kind == "mushra":
        return [
            Question(
                f"{_SCORE}{letter}",
                say("listen.test.score", letter=letter),
                "number",
                typed.get(f"{_SCORE}{letter}"),
                minimum=0,
                maximum=100,
                integer=True,
            )
            for letter in trial.rated
        ]
    if test.plan.kind == "tag":
        from ....core.listening.plan import TAGS

        grades = tuple(
            Choice(str(score), say(f"listen.test.grade.{score}")) for score in (5, 4, 3, 2, 1)
        )
        return [
            _ask("grade", "choice", typed.get("grade", ""), choices=grades),
            *(
                Question(
                    f"{_TAG}{tag}",
                    say(f"listen.test.tag.{tag}"),
                    "toggle",
                    typed.get(f"{_TAG}{tag}", False),
                )
                for tag in TAGS
            ),
        ]
    return []


def trial_actions(desk: Desk) -> list[Action]:
    """One button per answer, or one that hands in what was typed; and one to go on later."""
    asked = _asked(desk)
    if asked is None:
        return []
    test, trial = asked
    pause = _button("pause_test")
    if test.plan.kind in ("mushra", "tag"):
        reason = "" if _typed_answer(desk, test, trial) else say("listen.test.unrated")
        return [_button("answer_test", reason=reason, primary=True), pause]
    key = "is" if test.plan.kind == "abx" else "prefer"
    return [
        *(
            # Not primary: the key that does "the main thing" must not answer.
            Action(f"{_VOTE}{letter}", say(f"listen.test.{key}", letter=letter))
            for letter in trial.rated
        ),
        pause,
    ]


def take(desk: Desk, values: dict[str, Any]) -> None:
    """Remember what was typed until the question is answered."""
    if OPEN in desk.draft:
        desk.draft[OPEN]["typed"].update(values)


def vote(desk: Desk, action: str) -> Reply:
    """Answer the question on the screen and go on to the next one."""
    asked = _asked(desk)
    if asked is None:
        return Reply(False, say("refused.action"))
    test, trial = asked
    if action.startswith(_VOTE):
        answer: dict[str, Any] | None = {"choice": action.removeprefix(_VOTE)}
    else:
        answer = _typed_answer(desk, test, trial)
    if answer is None:
        return Reply(False, say("listen.test.unrated"))
    state = desk.draft[OPEN]
    session = _session(desk, test, state["session"])
    if session is None:
        return Reply(False, say("refused.action"))
    try:
        session = test.answer(session, trial, answer, seconds=time.monotonic() - state["since"])
    except SingwizError:
        # The other face was faster; what is on the screen now is the next question.
        state |= {"typed": {}, "since": time.monotonic()}
        raise
    if test.is_finished(session):
        desk.draft.pop(OPEN, None)
        return Reply(True, say("listen.test.finished"))
    _open(desk, test, session)
    return Reply(True)


def trial_blocks(desk: Desk) -> list[Block]:
    """The question and its sounds."""
    asked = _asked(desk)
    if asked is None:
        return []
    test, trial = asked
    kind = test.plan.kind
    head = say("listen.test.question", number=trial.number + 1, count=test.plan.length)
    return [
        Text(f"**{head}** {say(f'listen.test.asks.{kind}')}"),
        Versions(
            tuple(
                (letter, test.sound(token))
                for letter, token in zip(trial.letters, trial.tokens, strict=True)
            ),
            f"{desk.draft[OPEN]['session']}-{trial.number}",
            say("listen.test.keys"),
        ),
    ]


def _typed_answer(desk: Desk, test: ListeningTest, trial: Trial) -> dict[str, Any] | None:
    typed = desk.draft[OPEN]["typed"]
    if test.plan.kind == "mushra":
        scores = {letter: typed.get(f"{_SCORE}{letter}") for letter in trial.rated}
        return None if None in scores.values() else {"scores": scores}
    if not typed.get("grade"):
        return None
    tags = [name.removeprefix(_TAG) for name, on in typed.items() if name.startswith(_TAG) and on]
    return {"score": int(typed["grade"]), "tags": tags}


def _open(desk: Desk, test: ListeningTest, session: Session) -> None:
    desk.draft[OPEN] = {
        "test": test.plan.id,
        "session": session.id,
        "typed": {},
        "since": time.monotonic(),
    }


def _asked(desk: Desk) -> tuple[ListeningTest, Trial] | None:
    """The test and the question on the screen; None if nobody listens now."""
    state = desk.draft.get(OPEN)
    if state is None:
        return None
    folder = desk.opened.listening_dir / state["test"]
    seen = signature(folder / "answers.jsonl")
    key = ("asked", str(folder), state["session"], seen)
    return desk.remembered("listening-asked", key, lambda: _find_asked(folder, state["session"]))


def _find_asked(folder: Path, session_id: str) -> tuple[ListeningTest, Trial] | None:
    from ....core.listening.store import ListeningTest

    try:
        test = ListeningTest.open(folder)
        session = next((one for one in test.sessions() if one.id == session_id), None)
    except SingwizError:
        return None
    trial = test.next_trial(session) if session is not None else None
    return (test, trial) if trial is not None else None


# What came out ---------------------------------------------------------------------------


def blocks(desk: Desk) -> list[Block]:
    """The verdict of the newest test, once somebody has finished it."""
    test = _newest(desk)
    if test is None:
        return []
    seen = (str(test.folder), signature(test.folder / "answers.jsonl"))
    if seen[1] is None:
        return [Text(say("listen.test.made", name=test.plan.id, count=test.plan.length))]
    # Ranking simulates thousands of tests: too long for a face that asks every second.
    outcome: Outcome | None = desk.background.result(
        "listening-verdict", seen, lambda: _judge(test)
    )
    if outcome is None:
        return [Text(say("listen.test.counting"))]
    if not any(one.answered == one.of for one in outcome.sessions):
        return [Text(say("listen.test.made", name=test.plan.id, count=test.plan.length))]
    return _outcome_blocks(outcome)


def _judge(test: ListeningTest) -> Outcome:
    from ....core.listening.verdict import judge

    return judge(test)


def _outcome_blocks(outcome: Outcome) -> list[Block]:
    from ....core.listening.tables import condition_table, figure_table, session_table

    shown: list[Block] = [
        Text(
            say("listen.test.verdict", test=outcome.test, words=outcome.words),
            "good" if outcome.shown else "plain",
        )
    ]
    tables = (condition_table(outcome), session_table(outcome), figure_table(outcome))
    shown += [Table(one.title, one.columns, one.rows) for one in tables if one is not None]
    shown += [Text(note) for note in outcome.notes]
    return shown


def _newest(desk: Desk) -> ListeningTest | None:
    folder = desk.opened.listening_dir
    job = watch(desk)
    key = (signature(folder), job.job.id if job else "", job.status.state if job else "")
    return desk.remembered("listening-tests", key, lambda: _find_newest(folder))


def _find_newest(folder: Path) -> ListeningTest | None:
    from ....core.listening.store import list_tests

    tests: Sequence[ListeningTest] = list_tests(folder)
    return tests[0] if tests else None


def _unfinished(desk: Desk, test: ListeningTest) -> Session | None:
    listener = desk.answer_of(STEP, "listener", "")
    key = (str(test.folder), listener, signature(test.folder / "answers.jsonl"))
    return desk.remembered("listening-unfinished", key, lambda: test.unfinished(listener=listener))


def _session(desk: Desk, test: ListeningTest, session_id: str) -> Session | None:
    return next((one for one in test.sessions() if one.id == session_id), None)


def refusals(values: dict[str, Any]) -> dict[str, str]:
    """Answers that make no sense, by question."""
    file = values.get("sent_back", "")
    return {"sent_back": say("listen.no-song", file=file)} if file and not is_file(file) else {}


def _ask(name: str, kind: Any, value: Any, **more: Any) -> Question:
    return Question(name, label(STEP, name), kind, value, help=help_text(STEP, name), **more)


def _button(action: str, *, reason: str = "", primary: bool = False) -> Action:
    assert has(f"{STEP}.do.{action}")
    return Action(action, say(f"{STEP}.do.{action}"), primary, not reason, reason)
