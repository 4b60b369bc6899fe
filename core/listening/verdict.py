"""What the answers of a test mean, in numbers and in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from .adaptive import answers_by_chance
from .causes import name_stage
from .design import wins_of
from .plan import TAGS, Plan
from .statistics import (
    LEVEL,
    Ranking,
    binomial_p,
    holm,
    mean_interval,
    needed,
    rank,
    wilcoxon_p,
    wilson,
)
from .store import ListeningTest, Session

LEAST_LISTENERS = 6
"""From so many on, listeners are counted beside answers: five cannot show anything."""
REFERENCE_LEAST, REFERENCE_SHARE = 90, 0.15
"""BS.1534-3: who rates the hidden reference below 90 in more than 15 % of the pages is left out;
so is who does it for the mid anchor the other way round."""


@dataclass(frozen=True)
class SessionLine:
    """One listener in the result.

    Attributes:
        listener: name; may be empty.
        via: where it was answered.
        answered, of: questions.
        missed: catch trials with the wrong answer; for MUSHRA pages with a misjudged reference
            or anchor.
        counted: whether the answers are part of the verdict.
        why: why not.
        seconds: in all.
    """

    listener: str
    via: str
    answered: int
    of: int
    missed: int
    counted: bool
    why: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """The result of a test.

    Attributes:
        test, kind: which.
        words: the verdict in one or two sentences.
        shown: whether a difference was shown.
        winner: label of the best condition if it was shown to be the best.
        p: chance of such answers without any difference; None without answers.
        conditions: one record per condition; which keys depends on the kind.
        sessions: listeners.
        notes: what to keep in mind.
        figures: measurements, for comparison with the verdict.
    """

    test: str
    kind: str
    words: str
    shown: bool = False
    winner: str = ""
    p: float | None = None
    conditions: tuple[Mapping[str, Any], ...] = ()
    sessions: tuple[SessionLine, ...] = ()
    notes: tuple[str, ...] = ()
    figures: tuple[Mapping[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass
class _Found:
    """A verdict before it is put together."""

    words: str
    shown: bool = False
    winner: str = ""
    p: float | None = None
    conditions: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(test: ListeningTest, *, everybody: bool = False) -> Outcome:
    """Count the finished sessions of a test.

    Args:
        test: with answers.
        everybody: count listeners who missed catch trials, too.
    """
    plan = test.plan
    sessions = test.sessions()
    lines, counted = [], []
    listened: set[str] = set()
    for session in sessions:
        why = _why_not(test, session, everybody)
        # Who listens again after a first result would only go on until it pleases.
        known_as = session.listener or ("" if session.via != "pack" else session.id)
        if not why and known_as in listened:
            why = "has listened before"
        if not why:
            listened.add(known_as)
        lines.append(
            SessionLine(
                session.listener,
                session.via,
                len(session.answers),
                plan.length,
                _missed(plan, session),
                not why,
                why,
                round(sum(one.seconds for one in session.answers), 1),
            )
        )
        if not why:
            counted.append(session)
    if counted:
        found = _JUDGES[plan.kind](plan, counted)
        if len(counted) > 1 and plan.kind in ("ab", "abx", "rank"):
            found.notes.append(
                "Answers of several listeners are counted together, as if each were independent."
            )
    elif any(line.answered == line.of for line in lines):
        found = _Found("No verdict: nobody who finished passed the catch trials.")
    else:
        found = _Found("No verdict yet: no listener has finished the test.")
    return Outcome(
        plan.id,
        plan.kind,
        found.words,
        found.shown,
        found.winner,
        found.p,
        tuple(found.conditions),
        tuple(lines),
        (*found.notes, *plan.notes),
        plan.figures,
    )


def _why_not(test: ListeningTest, session: Session, everybody: bool) -> str:
    if not test.is_finished(session):
        return "not finished"
    if everybody or not _missed(test.plan, session):
        return ""
    if test.plan.kind == "mushra":
        pages = test.plan.trials
        if _missed(test.plan, session) <= REFERENCE_SHARE * pages:
            return ""
        return "misjudged the hidden reference or the anchor"
    return "missed a catch trial"


def _missed(plan: Plan, session: Session) -> int:
    if plan.kind != "mushra":
        return session.catches_missed()
    return sum(
        scores.get("reference", 100) < REFERENCE_LEAST
        or scores.get("mid-anchor", 0) > REFERENCE_LEAST
        for scores in (_scores_by_role(plan, one) for one in session.answers)
    )


def _scores_by_role(plan: Plan, answered: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for letter, score in answered.answer["scores"].items():
        token = answered.trial.tokens[answered.trial.letters.index(letter)]
        found[plan.condition(plan.sound(token).condition).role] = score
    return found


def chance(p: float) -> str:
    """A p-value as people write it."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


# Two conditions --------------------------------------------------------------------------


def _judge_ab(plan: Plan, sessions: Sequence[Session]) -> _Found:
    first, second = plan.candidates
    votes = [_wins(plan, session) for session in sessions]
    totals = [sum(v[i][1 - i] for v in votes) for i in (0, 1)]
    total = sum(totals)
    p = binomial_p(totals[0], total, one_sided=False)
    best = int(totals[1] > totals[0])
    labels = (first.label, second.label)
    rows = []
    for i in (0, 1):
        low, high = wilson(totals[i], total)
        rows.append({"condition": labels[i], "preferred": totals[i], "of": total,
                     "share": totals[i] / total, "low": low, "high": high})  # fmt: skip
    if p < LEVEL:
        words = f"'{labels[best]}' preferred, {totals[best]} of {total}, {chance(p)}."
        found = _Found(words, True, labels[best], p, rows)
    else:
        words = (
            f"No difference shown: '{labels[best]}' was preferred {totals[best]} of {total} times, "
            f"{chance(p)}."
        ) + _from(total, one_sided=False)
        found = _Found(words, p=p, conditions=rows)
    if len(sessions) >= LEAST_LISTENERS:
        shares = [v[0][1] - v[1][0] for v in votes]
        across = wilcoxon_p(shares, [0] * len(shares), seed=plan.seed)
        found.notes.append(f"Counting listeners instead of answers (Wilcoxon): {chance(across)}.")
    return found


def _judge_abx(plan: Plan, sessions: Sequence[Session]) -> _Found:
    answers = [a for s in sessions for a in s.answers if not a.trial.catch]
    right = sum(one.answer["choice"] == one.trial.right for one in answers)
    total = len(answers)
    p = binomial_p(right, total, one_sided=True)
    low, high = wilson(right, total)
    labels = " and ".join(f"'{one.label}'" for one in plan.candidates)
    rows = [{"condition": labels, "right": right, "of": total, "share": right / total,
             "low": low, "high": high}]  # fmt: skip
    if p < LEVEL:
        words = f"A difference between {labels} was heard: {right} of {total} right, {chance(p)}."
        return _Found(words, True, "", p, rows)
    words = f"No difference shown between {labels}: {right} of {total} right, {chance(p)}."
    return _Found(words + _from(total, one_sided=True), p=p, conditions=rows)


def _from(total: int, *, one_sided: bool) -> str:
    """How many answers would have shown something."""
    least = needed(total, one_sided=one_sided)
    what = "right answers" if one_sided else "equal answers"
    return f" It takes {least} {what} of {total} to show one." if least else ""


def _wins(plan: Plan, session: Session) -> list[list[int]]:
    return wins_of(plan, [(one.trial, one.answer) for one in session.answers])


# Ranking ---------------------------------------------------------------------------------


def _judge_rank(plan: Plan, sessions: Sequence[Session]) -> _Found:
    per_session = [np.array(_wins(plan, session)) for session in sessions]
    wins = np.sum(per_session, axis=0)
    found = rank(wins, by_chance=_by_chance(plan, sessions, per_session), seed=plan.seed)
    labels = [one.label for one in plan.candidates]
    rows = [
        {
            "condition": labels[i],
            "place": place,
            "preferred": found.wins[i],
            "of": found.games[i],
            "strength": found.strengths[i],
            "low": found.low[i],
            "high": found.high[i],
        }
        for place, i in enumerate(found.order, 1)
    ]
    words, winner = _rank_words(found, labels)
    return _Found(words, found.equal_p < LEVEL, winner, found.equal_p, rows)


def _rank_words(found: Ranking, labels: Sequence[str]) -> tuple[str, str]:
    order = " > ".join(labels[i] for i in found.order)
    if found.equal_p >= LEVEL:
        return f"No difference shown ({chance(found.equal_p)}); the order so far: {order}.", ""
    if len(found.leaders) == 1:
        best = labels[found.leaders[0]]
        words = f"'{best}' is the best, {chance(found.equal_p)}. Order: {order}."
        return words, best
    group = " and ".join(f"'{labels[i]}'" for i in found.leaders)
    behind = [labels[i] for i in found.order if i not in found.leaders]
    words = f"There are differences, {chance(found.equal_p)}. "
    if behind:
        words += f"No difference shown between {group}; worse than the first: {', '.join(behind)}."
    else:
        words += f"But which one is the best of {group} was not shown. Order: {order}."
    return words, ""


def _by_chance(plan: Plan, sessions: Sequence[Session], wins: Sequence[Any]) -> Any:
    """Tests like these ones, answered by listeners who hear no difference."""
    generator = np.random.default_rng(plan.seed)
    draws, size = 1000, len(plan.candidates)
    adaptive = answers_by_chance(size, plan.trials, draws, generator)
    total = np.zeros_like(adaptive)
    for session, own in zip(sessions, wins, strict=True):
        if session.via != "pack":
            total += adaptive[generator.permutation(draws)]
            continue
        games = np.triu(own + own.T, 1)
        drawn = generator.binomial(games, 0.5, (draws, size, size))
        total += drawn + np.swapaxes(games - drawn, -1, -2)
    return total


# Scores ----------------------------------------------------------------------------------


def _judge_mushra(plan: Plan, sessions: Sequence[Session]) -> _Found:
    scores: dict[str, dict[Any, float]] = defaultdict(dict)
    for session in sessions:
        for one in session.answers:
            for letter, score in one.answer["scores"].items():
                token = one.trial.tokens[one.trial.letters.index(letter)]
                condition = plan.sound(token).condition
                scores[condition][session.id, one.trial.clip] = float(score)
    found = _compare_scores(plan, scores, unit="points")
    for row in found.conditions:
        values = list(scores[row.pop("id")].values())
        row["median"] = float(np.median(values))
    return found


def _judge_tag(plan: Plan, sessions: Sequence[Session]) -> _Found:
    scores: dict[str, dict[Any, float]] = defaultdict(dict)
    tags: dict[str, dict[str, int]] = {one.id: dict.fromkeys(TAGS, 0) for one in plan.candidates}
    for session in sessions:
        for one in session.answers:
            if one.trial.catch:
                continue
            condition = plan.sound(one.trial.tokens[0]).condition
            scores[condition][session.id, one.trial.clip] = float(one.answer["score"])
            for tag in one.answer["tags"]:
                tags[condition][tag] += 1
    found = _compare_scores(plan, scores, unit="of 5")
    for row in found.conditions:
        own, total = tags[row["id"]], len(scores[row.pop("id")])
        row["tags"] = {
            tag: {"count": count, "of": total, "low": wilson(count, total)[0],
                  "high": wilson(count, total)[1]}
            for tag, count in own.items() if count
        }  # fmt: skip
        worst = max(own, key=lambda tag: own[tag])
        if own[worst]:
            noted, label = own[worst], row["condition"]
            found.words += f" Most often noted for '{label}': {worst} in {noted} of {total}."
    return found


def _compare_scores(plan: Plan, scores: Mapping[str, Mapping[Any, float]], *, unit: str) -> _Found:
    """Means with intervals, Wilcoxon tests of all pairs of candidates, and the stages."""
    rated = [one for one in plan.conditions if one.id in scores]
    means = {one.id: float(np.mean(list(scores[one.id].values()))) for one in rated}
    rated.sort(key=lambda one: -means[one.id])
    rows = []
    for one in rated:
        low, high = mean_interval(list(scores[one.id].values()), seed=plan.seed)
        rows.append({"id": one.id, "condition": one.label, "role": one.role,
                     "mean": means[one.id], "low": low, "high": high,
                     "ratings": len(scores[one.id])})  # fmt: skip
    contenders = [one for one in rated if one.role == "candidate"]
    best = contenders[0]
    if len(contenders) == 1:
        words = f"'{best.label}': {means[best.id]:.1f} {unit} on average."
        found = _Found(words, conditions=rows)
    else:
        pairs = list(combinations(contenders, 2))
        raw = [_paired_p(scores[a.id], scores[b.id], plan.seed) for a, b in pairs]
        adjusted = holm(raw)
        to_best = {b.id: p for (a, b), p in zip(pairs, adjusted, strict=True) if a is best}
        p = max(to_best.values())
        second = contenders[1]
        high, low = means[best.id], means[second.id]
        if p < LEVEL:
            words = (
                f"'{best.label}' is rated best, {high:.1f} against {low:.1f} {unit} for "
                f"'{second.label}', {chance(p)}."
            )
            found = _Found(words, True, best.label, p, rows)
        else:
            alike = " and ".join(
                f"'{one.label}'" for one in contenders if to_best.get(one.id, 1.0) >= LEVEL
            )
            words = (
                f"No difference shown between {alike}: {high:.1f} against {low:.1f} {unit} for "
                f"'{second.label}', {chance(p)}."
            )
            heard = min(len(scores[one.id]) for one in contenders)
            if len(pairs) * 2.0 ** (1 - heard) >= LEVEL:
                # Holm's factor times the p-value of scores that all point the same way.
                words += (
                    f" {heard} ratings of each are too few to show one between "
                    f"{len(contenders)}: make a longer test, or let more people listen."
                )
            found = _Found(words, min(adjusted) < LEVEL, "", p, rows)
    if plan.stages:
        found.words += " " + name_stage(plan, scores)
    return found


def _paired_p(first: Mapping[Any, float], second: Mapping[Any, float], seed: int) -> float:
    shared = [key for key in first if key in second]
    return wilcoxon_p([first[k] for k in shared], [second[k] for k in shared], seed=seed)


_JUDGES = {
    "ab": _judge_ab,
    "abx": _judge_abx,
    "rank": _judge_rank,
    "mushra": _judge_mushra,
    "tag": _judge_tag,
}
