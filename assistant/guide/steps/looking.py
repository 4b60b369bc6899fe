"""One recording to look at and to hear: a part of the check step.

Offered as soon as the statistics know which recordings there are; those with findings come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..desk import Desk, inside, is_file
from ..view import Action, Audio, Block, Choice, Image, Question, Reply
from ..watch import JobWatch
from ..words import help_text, label, say
from . import statistics
from .statistics import version

STEP = "check"
STAGE = "picture"
QUESTION = "look_at"
ACTION = "look"
MOST_CHOICES = 300
"""More nobody scrolls through; the command line takes any name."""


def unfinished(desk: Desk) -> JobWatch | None:
    """The newest job unless it ended well."""
    watch = desk.watch(STAGE)
    return watch if watch is not None and watch.status.state != "done" else None


def question(desk: Desk, check: JobWatch | None) -> list[Question]:
    """Which recording to show; empty if none are known.

    Args:
        desk: where the statistics and the last answer are.
        check: the check whose findings decide on the order.
    """
    recordings = statistics.recordings(desk)
    key = (id(recordings), check.job.id if check else "", check.status.state if check else "")
    # The recordings are part of what is remembered, so that their id stays theirs.
    _, choices = desk.remembered("look-at", key, lambda: (recordings, _choices(recordings, check)))
    if not choices:
        return []
    chosen = desk.answer_of(STEP, QUESTION, "")
    if chosen not in {choice.value for choice in choices}:
        chosen = choices[0].value
    return [
        Question(
            QUESTION,
            label(STEP, QUESTION),
            "choice",
            chosen,
            help=help_text(STEP, QUESTION),
            choices=choices,
        )
    ]


def _choices(recordings: Sequence[tuple[str, str]], check: JobWatch | None) -> tuple[Choice, ...]:
    found = Counter(
        (str(one.get("dataset", "")), str(one.get("item", "")))
        for one in (check.entries("findings") if check else [])
    )
    several = len({dataset for dataset, _ in recordings}) > 1
    order = sorted(range(len(recordings)), key=lambda i: (-found[recordings[i]], i))
    choices = []
    for dataset, item in (recordings[i] for i in order[:MOST_CHOICES]):
        count = found[dataset, item]
        name = f"{item} ({dataset})" if several else item
        if count:
            name = say(f"{STEP}.looking.with-findings", name=name, count=count)
        choices.append(Choice(f"{dataset}/{item}", name))
    return tuple(choices)


def action(asked: Sequence[Question]) -> list[Action]:
    """The button, if there is something to show."""
    return [Action(ACTION, say(f"{STEP}.do.{ACTION}"))] if asked else []


def start(desk: Desk, asked: Sequence[Question]) -> Reply:
    """Draw and cut the chosen recording."""
    from ....core.jobs import start_job

    if not asked:
        return Reply(False, say("refused.action"))
    dataset, _, item = str(asked[0].value).partition("/")
    start_job(desk.opened, STAGE, {"item": item, "dataset": dataset})
    return Reply(True, say(f"{STEP}.looking.started", name=item))


def blocks(desk: Desk) -> list[Block]:
    """Picture and sound of the recording that was shown last."""
    desk.watch(STAGE)  # brings the newest up to date
    done = [watch for watch in desk.history(STAGE) if watch.status.state == "done"]
    if not done:
        return []
    result = done[-1].result
    name = str(result.get("item", ""))
    picture, sound = (Path(str(result.get(key, ""))) for key in ("picture", "wav"))
    root = desk.opened.root
    shown: list[Block] = []
    if is_file(picture) and inside(picture, root):
        shown.append(Image(picture, name, version=version(picture)))
    if is_file(sound) and inside(sound, root):
        shown.append(Audio(sound, name, version=version(sound)))
    return shown
