"""In which order a test is heard, and which answers a question takes.

Everything follows from the seed of the test and the number of an order, so that an order can be
made again when a test goes on tomorrow or when a friend's answers come back.

Length and order are fixed before the first answer; nobody can stop at a lucky moment. The field's
recommendations ask for more than five minutes allow: ITU-R BS.1116-3 and BS.1534-3 want trained
listeners, a training phase and a controlled room, P.800 naive listeners in numbers. These tests
keep blinding, random order, hidden reference, anchors and rejection of inattentive listeners.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SingwizError
from .adaptive import next_pair, round_robin
from .plan import KINDS, TAGS, Kind, Plan

LETTERS = "ABCDEFGHIJKL"
REFERENCE = "R"
"""Letter of the open reference."""
MOST_CONDITIONS = {"ab": 2, "abx": 2, "rank": 12, "mushra": 8, "tag": 8}
LEAST_CONDITIONS = {"ab": 2, "abx": 2, "rank": 3, "mushra": 1, "tag": 1}
USUAL_TRIALS = {"ab": 16, "abx": 16, "rank": 30, "mushra": 8, "tag": 12}
"""About five minutes of listening."""
LEAST_TRIALS = {"ab": 6, "abx": 5, "rank": 6, "mushra": 6, "tag": 1}
"""With fewer, not even equal answers throughout would show anything at the 5 % level."""
USUAL_CLIPS = 8
CATCHES = 2


@dataclass(frozen=True)
class Trial:
    """One question.

    Attributes:
        number: its place, from 0.
        catch: whether the right answer is known and only tests the listener.
        clip: which clip is heard.
        letters: of the sounds, as the listener sees them.
        tokens: their files, in the same order.
        right: letter of the right answer (ABX and catch trials); empty if there is none.
    """

    number: int
    catch: bool
    clip: str
    letters: tuple[str, ...]
    tokens: tuple[str, ...]
    right: str = ""

    @property
    def rated(self) -> tuple[str, ...]:
        """Letters that get a score or can be chosen: not the open reference, not X."""
        return tuple(letter for letter in self.letters if letter not in (REFERENCE, "X"))


def check_size(kind: str, conditions: int, trials: int) -> None:
    """Whether a test makes sense.

    Raises:
        SingwizError: unknown kind, or too few or too many conditions or questions.
    """
    if kind not in KINDS:
        raise SingwizError(
            "listening-kind-unknown",
            f"There is no listening test '{kind}'.",
            hint=f"Choose one of: {', '.join(KINDS)}.",
        )
    least, most = LEAST_CONDITIONS[kind], MOST_CONDITIONS[kind]
    if not least <= conditions <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise SingwizError(
            "listening-conditions-count",
            f"A test of the kind '{kind}' compares {count} conditions, not {conditions}.",
            hint="Use ab for two and rank for three or more.",
        )
    if not LEAST_TRIALS[kind] <= trials <= 100:
        raise SingwizError(
            "listening-trials-count",
            f"A test of the kind '{kind}' has {LEAST_TRIALS[kind]} to 100 questions, not {trials}.",
            hint="Fewer could not show any difference; more nobody hears with fresh ears.",
        )


def catch_positions(plan: Plan, order: int) -> tuple[int, ...]:
    """Where the catch trials are: spread over the test, never first."""
    rng = _random(plan, order, "catches")
    part = plan.length / max(1, plan.catches)
    places = []
    for number in range(plan.catches):
        low = max(1, math.ceil(number * part))
        high = max(low, min(plan.length - 1, math.floor((number + 1) * part) - 1))
        places.append(rng.randint(low, high))
    return (
        tuple(sorted(set(places)))
        if len(set(places)) == len(places)
        else tuple(range(plan.length - plan.catches, plan.length))
    )


def trial_at(
    plan: Plan, order: int, number: int, answers: Sequence[tuple[Trial, Mapping[str, Any]]] = ()
) -> Trial:
    """The question at a place of an order.

    Args:
        plan: the test.
        order: number of the order.
        number: 0 … ``plan.length`` − 1.
        answers: earlier questions with their answers; ranking chooses its pairs by them.

    Raises:
        IndexError: the test has no such question.
    """
    if not 0 <= number < plan.length:
        raise IndexError(number)
    catches = catch_positions(plan, order)
    if number in catches:
        return _catch(plan, order, number, catches.index(number))
    place = number - sum(one < number for one in catches)
    if plan.kind == "rank":
        wins = wins_of(plan, answers)
        rng = _random(plan, order, f"pair-{place}")
        return _pair(plan, order, number, place, next_pair(wins, rng))
    return _MAKERS[plan.kind](plan, order, number, place)


def fixed_trials(plan: Plan, order: int) -> tuple[Trial, ...]:
    """All questions of an order, known beforehand, as a file for friends needs them.

    Pairs of a ranking then go round in turn instead of following the answers.
    """
    catches = catch_positions(plan, order)
    trials = []
    schedule = round_robin(len(plan.candidates), plan.trials, _random(plan, order, "pairs"))
    for number in range(plan.length):
        if plan.kind == "rank" and number not in catches:
            place = number - sum(one < number for one in catches)
            trials.append(_pair(plan, order, number, place, schedule[place]))
        else:
            trials.append(trial_at(plan, order, number))
    return tuple(trials)


def wins_of(plan: Plan, answers: Sequence[tuple[Trial, Mapping[str, Any]]]) -> list[list[int]]:
    """How often each candidate (row) was preferred to each other (column)."""
    index = {one.id: i for i, one in enumerate(plan.candidates)}
    wins = [[0] * len(index) for _ in index]
    for trial, answer in answers:
        if trial.catch:
            continue
        chosen = trial.letters.index(str(answer["choice"]))
        winner, loser = (plan.sound(trial.tokens[i]).condition for i in (chosen, 1 - chosen))
        wins[index[winner]][index[loser]] += 1
    return wins


def check_answer(plan: Plan, trial: Trial, answer: object) -> dict[str, Any]:
    """An answer in the form in which it is kept.

    Args:
        plan: the test.
        trial: the question.
        answer: ``{"choice": "A"}``; for MUSHRA ``{"scores": {letter: 0…100}}``; for tags
            ``{"score": 1…5, "tags": […]}``.

    Raises:
        SingwizError: it does not fit the question.
    """
    if isinstance(answer, Mapping):
        if plan.kind in ("ab", "abx", "rank") and set(answer) == {"choice"}:
            if answer["choice"] in trial.rated:
                return {"choice": answer["choice"]}
        elif plan.kind == "mushra" and set(answer) == {"scores"}:
            scores = answer["scores"]
            if (
                isinstance(scores, Mapping)
                and set(scores) == set(trial.rated)
                and all(_is_score(value, 0, 100) for value in scores.values())
            ):
                return {"scores": {letter: scores[letter] for letter in trial.rated}}
        elif plan.kind == "tag" and set(answer) == {"score", "tags"}:
            tags = answer["tags"]
            if (
                _is_score(answer["score"], 1, 5)
                and isinstance(tags, list | tuple)
                and all(tag in TAGS for tag in tags)
            ):
                return {"score": answer["score"], "tags": [tag for tag in TAGS if tag in tags]}
    raise SingwizError(
        "listening-answer-invalid",
        f"The answer to question {trial.number + 1} does not fit the question.",
        hint="Answer it again.",
    )


def passed(trial: Trial, answer: Mapping[str, Any]) -> bool:
    """Whether the known answer of a catch trial was given."""
    if "choice" in answer:
        return bool(answer["choice"] == trial.right)
    # A sound that stutters and crackles is poor, or somebody did not listen.
    return int(answer["score"]) <= 2 or "clipping" in answer["tags"]


def _is_score(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _random(plan: Plan, order: int, purpose: str) -> random.Random:
    return random.Random(f"{plan.seed}/{order}/{purpose}")


def _clip(plan: Plan, order: int, place: int) -> str:
    """Clips in rounds, each in another order, so that all are heard equally often."""
    rounds, at = divmod(place, len(plan.clips))
    ids = [clip.id for clip in plan.clips]
    _random(plan, order, f"clips-{rounds}").shuffle(ids)
    return ids[at]


def _balanced(plan: Plan, order: int, place: int, sides: int) -> int:
    """0 … sides − 1, each equally often over the test, in random order."""
    line = [i % sides for i in range(plan.trials)]
    _random(plan, order, "sides").shuffle(line)
    return line[place]


def _ab(plan: Plan, order: int, number: int, place: int) -> Trial:
    clip = _clip(plan, order, place)
    first, second = (one.id for one in plan.candidates)
    if _balanced(plan, order, place, 2):
        first, second = second, first
    tokens = (plan.token(clip, first), plan.token(clip, second))
    return Trial(number, False, clip, ("A", "B"), tokens)


def _abx(plan: Plan, order: int, number: int, place: int) -> Trial:
    clip = _clip(plan, order, place)
    first, second = (one.id for one in plan.candidates)
    side = _balanced(plan, order, place, 4)
    if side % 2:
        first, second = second, first
    hidden, right = (first, "A") if side < 2 else (second, "B")
    tokens = (
        plan.token(clip, first),
        plan.token(clip, second),
        plan.token(clip, hidden, twin=True),
    )
    return Trial(number, False, clip, ("A", "B", "X"), tokens, right)


def _pair(plan: Plan, order: int, number: int, place: int, pair: tuple[int, int]) -> Trial:
    clip = _clip(plan, order, place)
    ids = [plan.candidates[i].id for i in pair]
    _random(plan, order, f"side-{place}").shuffle(ids)
    tokens = (plan.token(clip, ids[0]), plan.token(clip, ids[1]))
    return Trial(number, False, clip, ("A", "B"), tokens)


def _mushra(plan: Plan, order: int, number: int, place: int) -> Trial:
    clip = _clip(plan, order, place)
    reference = plan.with_role("reference")
    assert reference is not None
    hidden = plan.token(clip, reference.id, twin=True)
    rated = [hidden] + [
        plan.token(clip, one.id) for one in plan.conditions if one.role != "reference"
    ]
    _random(plan, order, f"letters-{place}").shuffle(rated)
    letters = (REFERENCE, *LETTERS[: len(rated)])
    return Trial(number, False, clip, letters, (plan.token(clip, reference.id), *rated))


def _tag(plan: Plan, order: int, number: int, place: int) -> Trial:
    pairs = [(clip.id, one.id) for clip in plan.clips for one in plan.candidates]
    _random(plan, order, "samples").shuffle(pairs)
    clip, condition = pairs[place]
    return Trial(number, False, clip, ("A",), (plan.token(clip, condition),))


def _catch(plan: Plan, order: int, number: int, which: int) -> Trial:
    broken = [one for one in plan.sounds if one.condition == "broken" and not one.twin]
    bad = broken[which % len(broken)]
    if plan.kind == "tag":
        return Trial(number, True, bad.clip, ("A",), (bad.token,))
    good = plan.token(bad.clip, bad.of)
    rng = _random(plan, order, f"catch-{which}")
    swapped = rng.random() < 0.5
    tokens = (bad.token, good) if swapped else (good, bad.token)
    if plan.kind != "abx":
        return Trial(number, True, bad.clip, ("A", "B"), tokens, "B" if swapped else "A")
    right = rng.choice("AB")
    hidden = plan.sound(tokens["AB".index(right)])
    twin = plan.token(hidden.clip, hidden.condition, twin=True)
    return Trial(number, True, bad.clip, ("A", "B", "X"), (*tokens, twin), right)


_MAKERS = {"ab": _ab, "abx": _abx, "mushra": _mushra, "tag": _tag}


def sizes(kind: Kind, conditions: int, trials: int | None, clips: int | None) -> tuple[int, int]:
    """Questions that count, and clips, for what the user asked.

    MUSHRA asks once per clip, tagging once per clip and condition.
    """
    wanted = trials or USUAL_TRIALS[kind]
    if kind == "mushra":
        return wanted, wanted
    if kind == "tag":
        number = clips or max(1, round(wanted / max(1, conditions)))
        return number * conditions, number
    return wanted, min(wanted, clips or USUAL_CLIPS)
