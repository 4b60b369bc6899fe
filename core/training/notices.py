"""When a training should be ended: rules over the series of its validations.

Both rules look at the last quarter of the validations, so they ask for more patience the longer
a training has run, and neither speaks before there are enough to judge:

*plateau*
    The best score of the last quarter (at least five validations) is not 0.5 % better than the
    best before it.
*overfitting*
    Per loss: in each validation of the last quarter (at least four) the loss was 2 % or more
    above its best, which lies before them, while the mean training loss fell by 2 % or more
    since then. Validations draw the same noise each time, so their losses can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .measurements import Measurement

PLATEAU_PATIENCE = 5
PLATEAU_GAIN = 0.005
OVERFITTING_PATIENCE = 4
OVERFITTING_RISE = 0.02
OVERFITTING_FALL = 0.02

TOTAL = "total_loss"
"""Name of the sum of the losses."""

PARTS = {
    "mel_loss": "Sound",
    "aux_mel_loss": "Auxiliary decoder",
    "dur_loss": "Durations",
    "pitch_loss": "Pitch",
    "var_loss": "Curves",
}
"""What a loss is about."""


@dataclass(frozen=True)
class Notice:
    """Something the user should know about how the training goes.

    Attributes:
        code: ``plateau`` or ``overfitting``.
        part: name of the loss; empty for the whole model.
        since: step after which nothing became better.
        message: the same in plain words.
    """

    code: Literal["plateau", "overfitting"]
    part: str
    since: int
    message: str


@dataclass(frozen=True)
class ValidationRecord:
    """One validation, as kept in ``validation.jsonl``.

    Attributes:
        step: optimizer step.
        validation: mean losses over the validation set.
        training: mean losses of the training batches since the validation before.
        score_name, score: the number that decides which checkpoint is best; the lower, the better.
        items: recordings that the score was measured on.
        measurements: everything that was measured.
        notices: what held at this step.
        against: what else speaks against this checkpoint, in two or three words: whatever its
            score, it is the best only where the same holds for all. Empty if nothing does.
    """

    step: int
    validation: dict[str, float]
    training: dict[str, float]
    score_name: str
    score: float
    items: int
    measurements: tuple[Measurement, ...] = ()
    notices: tuple[Notice, ...] = field(default=())
    against: str = ""

    def comparable(self, other: ValidationRecord) -> bool:
        """True if the scores mean the same."""
        return (self.score_name, self.items) == (other.score_name, other.items)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> ValidationRecord:
        """From what ``dataclasses.asdict`` gave; None where a number was not finite.

        Raises:
            TypeError, KeyError, ValueError: it is nothing of the kind.
        """
        return cls(
            step=int(plain["step"]),
            validation=_numbers(plain["validation"]),
            training=_numbers(plain["training"]),
            score_name=str(plain["score_name"]),
            score=_number(plain["score"]),
            items=int(plain["items"]),
            measurements=tuple(
                Measurement(**{**one, "value": _number(one["value"])})
                for one in plain["measurements"]
            ),
            notices=tuple(Notice(**one) for one in plain["notices"]),
            against=str(plain.get("against", "")),
        )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {str(name): _number(value) for name, value in values.items()}


def find_notices(records: Sequence[ValidationRecord]) -> list[Notice]:
    """What the validations so far say; the newest record comes last."""
    if not records:
        return []
    names = [name for name in records[-1].validation if name != TOTAL]
    notices = [overfitting(records, name) for name in names]
    return [notice for notice in (*notices, plateau(records)) if notice is not None]


def plateau(records: Sequence[ValidationRecord]) -> Notice | None:
    """The notice that nothing becomes better any more, if that is so."""
    series = [one for one in records if one.comparable(records[-1])]
    recent = max(PLATEAU_PATIENCE, math.ceil(len(series) / 4))
    before, last = series[:-recent], series[-recent:]
    scores = [one.score for one in series]
    if not before or not all(math.isfinite(score) and score > 0 for score in scores):
        return None
    best = min(before, key=lambda one: one.score)
    if min(one.score for one in last) < (1 - PLATEAU_GAIN) * best.score:
        return None
    return Notice(
        "plateau",
        "",
        best.step,
        f"The held-out recordings have hardly come out better since step {best.step}, over "
        f"{recent} validations. More steps will not change much; a lower learning rate or more "
        "recordings may.",
    )


def overfitting(records: Sequence[ValidationRecord], name: str) -> Notice | None:
    """The notice that a part of the model learns its recordings by heart, if it does."""
    series = [one for one in records if name in one.validation and name in one.training]
    recent = max(OVERFITTING_PATIENCE, math.ceil(len(series) / 4))
    before, last = series[:-recent], series[-recent:]
    if not before:
        return None
    place = min(range(len(before)), key=lambda i: before[i].validation[name])
    best = before[place]
    then = before[place : place + 2]
    trained_then = sum(one.training[name] for one in then) / len(then)
    trained_now = sum(one.training[name] for one in last) / len(last)
    rose = (
        min(one.validation[name] for one in last)
        >= (1 + OVERFITTING_RISE) * (best.validation[name])
    )
    fell = trained_now <= (1 - OVERFITTING_FALL) * trained_then
    if not (rose and fell and best.validation[name] > 0):
        return None
    part = PARTS.get(name, name)
    return Notice(
        "overfitting",
        name,
        best.step,
        f"{part}: since step {best.step} training recordings come out better and held-out ones "
        "worse. The model learns by heart: stop here and use the best checkpoint, or train with "
        "more recordings or a smaller model.",
    )
