"""Which of a variance model's predictors run on a segment, and what of it is written back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import USAGE_PROBLEM, SingwizError
from .segment import CURVES, TAGS


@dataclass(frozen=True)
class Plan:
    """What happens to one segment.

    Attributes:
        dur: durations are predicted.
        pitch: the pitch is predicted.
        curves: the other curves are predicted, all that the model has at once.
        written: tags that replace or complete what the segment has.
    """

    dur: bool
    pitch: bool
    curves: bool
    written: frozenset[str]

    @property
    def runs(self) -> bool:
        """Whether there is anything to do."""
        return self.dur or self.pitch or self.curves

    @property
    def load_dur(self) -> bool:
        """The segment has to provide ``ph_dur``."""
        return not self.dur and (self.pitch or self.curves)

    @property
    def load_pitch(self) -> bool:
        """The segment has to provide ``f0_seq``."""
        return not self.pitch and self.curves


NOTHING = Plan(dur=False, pitch=False, curves=False, written=frozenset())


def plan(
    available: Collection[str], model: Collection[str], requested: Collection[str] = ()
) -> Plan:
    """Decide what runs.

    Args:
        available: tags the segment provides.
        model: tags the model predicts.
        requested: tags to predict whether or not the segment has them; none = fill in what
            is missing.
    """
    curves = [name for name in CURVES if name in model]
    if not requested:
        missing = [tag for tag in TAGS if tag in model and tag not in available]
        return Plan(
            dur="dur" in missing,
            pitch="pitch" in missing,
            curves=bool({*missing} & {*curves}),
            written=frozenset(missing),
        )
    run_curves = bool(curves) and any(name in requested for name in CURVES)
    run_pitch = "pitch" in model and (
        "pitch" in requested or ("pitch" not in available and run_curves)
    )
    run_dur = "dur" in model and (
        "dur" in requested or ("dur" not in available and (run_pitch or run_curves))
    )
    ran = {"dur": run_dur, "pitch": run_pitch} | dict.fromkeys(curves, run_curves)
    written = frozenset(tag for tag in requested if ran.get(tag))
    return Plan(run_dur, run_pitch, run_curves, written)


def stepping_stones(
    available: Collection[str], models: Sequence[Collection[str]], requested: Collection[str]
) -> frozenset[str]:
    """What has to be predicted on the way to ``requested`` because the segment lacks it.

    Args:
        available: tags the segment provides.
        models: tags that each model of the chain predicts.
        requested: tags to predict.
    """
    can = {tag for model in models for tag in model}
    found: set[str] = set()
    if any(tag in CURVES for tag in requested) and "pitch" not in available:
        found.add("pitch")
    if any(tag != "dur" for tag in requested) and "dur" not in available:
        found.add("dur")
    return frozenset((found & can) - {*requested})


def check_tags(tags: Collection[str], models: Sequence[Collection[str]]) -> None:
    """Refuse tags that nothing predicts.

    Raises:
        SingwizError: unknown tags, or tags that no model of the chain predicts.
    """
    unknown = [tag for tag in tags if tag not in TAGS]
    if unknown:
        raise SingwizError(
            "predict-unknown",
            f"'{unknown[0]}' is nothing that can be predicted.",
            hint=f"Choose from: {', '.join(TAGS)}.",
            exit_code=USAGE_PROBLEM,
        )
    can = {tag for model in models for tag in model}
    lost = [tag for tag in tags if tag not in can]
    if lost:
        there = ", ".join(tag for tag in TAGS if tag in can)
        raise SingwizError(
            "predict-not-trained",
            f"No variance model here predicts {' and '.join(lost)}.",
            hint=f"These can be predicted: {there}."
            if there
            else "Name the experiment of a variance model, or train one.",
            exit_code=USAGE_PROBLEM,
        )
