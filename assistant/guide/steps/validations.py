"""What the held-out recordings say about a training: a part of the step about training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..desk import Desk
from ..store import signature
from ..view import Block, Chart, Table, Text
from ..watch import thin_out
from ..words import say

if TYPE_CHECKING:
    from ....core.training.journal import BestCheckpoint
    from ....core.training.measurements import Measurement
    from ....core.training.notices import ValidationRecord


def records(desk: Desk, folder: Path) -> list[ValidationRecord]:
    """The validations of an experiment, oldest first."""
    from ....core.training.journal import VALIDATIONS, read_validations

    seen = signature(folder / VALIDATIONS)
    key = f"validations-{folder}"
    return desk.remembered(key, seen, lambda: read_validations(folder) if seen else [])


def best(desk: Desk, folder: Path) -> BestCheckpoint | None:
    """The checkpoint that did best; None if none is marked, or it is gone."""
    from ....core.training.journal import BEST, read_best

    seen = (signature(folder / BEST), signature(folder))
    return desk.remembered(f"best-{folder}", seen, lambda: read_best(folder))


def blocks(desk: Desk, folder: Path) -> list[Block]:
    """Notices, the best checkpoint, figures beside those of a simple rule, and their course."""
    series = records(desk, folder)
    if not series:
        return []
    shown: list[Block] = [Text(one.message, "warning") for one in series[-1].notices]
    found = best(desk, folder)
    if found is not None:
        shown.append(Text(say("train.best", steps=found.step, why=found.why), "good"))
    of_best = next((one for one in series if found is not None and one.step == found.step), None)
    table = _table(series[-1], of_best)
    if table is not None:
        shown.append(table)
    course = _course(series)
    if course is not None:
        shown.append(course)
    return shown


def _table(newest: ValidationRecord, best_one: ValidationRecord | None) -> Table | None:
    """Newest figures, those of the best checkpoint if it is another, and the simple rule's."""
    if not newest.measurements:
        return None
    columns = [say("train.column-measured"), say("train.column-at", steps=newest.step)]
    other: dict[str, Measurement] = {}
    if best_one is not None and best_one.step != newest.step:
        other = {one.name: one for one in best_one.measurements}
        columns.append(say("train.column-best", steps=best_one.step))
    compared = any(one.baseline is not None for one in newest.measurements)
    if compared:
        columns.append(say("train.column-baseline"))
    rows = []
    for one in newest.measurements:
        row = [f"{one.label} ({one.unit})" if one.unit else one.label, _figure(one.value)]
        if other:
            row.append(_figure(other[one.name].value) if one.name in other else "–")
        if compared:
            row.append("–" if one.baseline is None else _figure(one.baseline))
        rows.append(tuple(row))
    title = say("train.validation", items=newest.items)
    return Table(title, tuple(columns), tuple(rows))


def _course(series: Sequence[ValidationRecord]) -> Chart | None:
    """How the figure that decides on the best checkpoint went; one point makes no curve."""
    newest = series[-1]
    points = [
        (float(one.step), one.score)
        for one in series
        if one.comparable(newest) and math.isfinite(one.score)
    ]
    if len(points) < 2:
        return None
    labels = {one.name: one.label for one in newest.measurements}
    if newest.score_name not in labels:
        return None  # a loss, which has a chart of its own
    label = labels[newest.score_name]
    return Chart(say("train.chart-score"), {label: thin_out(points)}, y_label=label)


def course_of(desk: Desk, folder: Path, name: str, title: str) -> Chart | None:
    """How one of the measured figures went; one point makes no curve.

    Args:
        desk: the project.
        folder: the experiment.
        name: of the measurement.
        title: of the chart.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for record in records(desk, folder):
        for one in record.measurements:
            if one.name == name and math.isfinite(one.value):
                points.setdefault(one.label, []).append((float(record.step), one.value))
    if not any(len(course) > 1 for course in points.values()):
        return None
    return Chart(title, {label: thin_out(course) for label, course in points.items()})


def _figure(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
