"""Where a voice loses its sound: recording, copy-synthesis, acoustic model, full chain.

Each stage adds one model. The first that listeners rate worse than the one before is where to
work: training the acoustic model longer cures no vocoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .plan import Plan
from .statistics import LEVEL, holm, wilcoxon_p

STAGE_SOURCES = ("recording", "copy", "voice", "chain")
"""From the recording to the full chain."""

BLAMED = {
    "copy": "the vocoder",
    "voice": "the acoustic model",
    "chain": "the variance models, which make timing, pitch and curves",
}


def name_stage(plan: Plan, scores: Mapping[str, Mapping[Any, float]]) -> str:
    """The first stage that is shown to sound worse than the one before, in a sentence.

    Args:
        plan: with ``stages``.
        scores: condition -> {page: score}, the higher the better.
    """
    stages = [one for one in plan.stages if scores.get(one)]
    steps = list(pairwise(stages))
    if not steps:
        return ""
    drops, chances = [], []
    for before, after in steps:
        shared = [key for key in scores[before] if key in scores[after]]
        earlier = np.array([scores[before][key] for key in shared])
        later = np.array([scores[after][key] for key in shared])
        drops.append(float((earlier - later).mean()) if shared else 0.0)
        chances.append(wilcoxon_p(earlier, later, seed=plan.seed))
    adjusted = holm(chances)
    bad = [i for i, drop in enumerate(drops) if drop > 0 and adjusted[i] < LEVEL]
    if not bad:
        return "No stage was shown to sound worse than the one before."
    first, worst = bad[0], max(bad, key=lambda i: drops[i])
    stage, lost = _blamed(plan, steps[first][1]), drops[first]
    if worst == first:
        return f"The first bad stage is {stage} (−{lost:.1f})."
    other, most = _blamed(plan, steps[worst][1]), drops[worst]
    return f"The first bad stage is {stage} (−{lost:.1f}); most is lost in {other} (−{most:.1f})."


def _blamed(plan: Plan, condition: str) -> str:
    made = plan.condition(condition).made
    return BLAMED.get(str(made.get("source", "")), plan.condition(condition).label)
