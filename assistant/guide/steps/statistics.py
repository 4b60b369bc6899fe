"""What is in the recordings, as tables and pictures: a part of the check step.

The numbers come from a job of the stage ``profile``, which runs beside the check; here it is
started, and what it found is laid out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core.dataset.note_names import note_name
from ..desk import Desk, is_file
from ..store import signature
from ..view import Action, Block, Image, Reply, Table, Text
from ..watch import JobWatch
from ..words import say
from .work import is_newer

STAGE = "profile"
START = "statistics"
"""Id of the action that starts counting."""
SCHEMA = 1
"""Form of ``profile.json`` that is understood here."""
CHARTS = ("pitch", "coverage", "phonemes", "recordings")
"""Pictures of a dataset, in the order in which they are shown."""
MOST_DATASETS = 6
"""Datasets shown; the pictures of the others are in the folder."""
_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 24


def at_work(desk: Desk) -> JobWatch | None:
    """The running job, or None."""
    watch = desk.watch(STAGE)
    return watch if watch is not None and watch.running else None


def unfinished(desk: Desk) -> JobWatch | None:
    """The newest job unless it ended well."""
    watch = desk.watch(STAGE)
    return watch if watch is not None and watch.status.state != "done" else None


def action(desk: Desk) -> Action:
    """The button that starts the job, or stops it."""
    if at_work(desk):
        return Action("stop", say("check.do.stop"))
    return Action(
        START, say("check.do.renew_statistics" if _known(desk) else "check.do.statistics")
    )


def start(desk: Desk) -> Reply:
    """Start the job unless another face just did."""
    from ....core.jobs import start_job

    with desk.edit() as project:
        if at_work(desk):
            return Reply(True, say("job.already-running"))
        start_job(project, STAGE, {})
    return Reply(True, _say("started"))


def stop(watch: JobWatch) -> Reply:
    """Ask the job to stop."""
    watch.job.stop()
    return Reply(True, _say("stopping"))


def blocks(desk: Desk, recordings: Iterable[Path]) -> list[Block]:
    """What was found last, whoever started it; empty if there is nothing.

    Args:
        desk: where it is remembered.
        recordings: files and folders; if one is newer, the numbers are out of date.
    """
    known = _known(desk)
    if known is None:
        return []
    outdated = any(is_newer(path, known.made) for path in recordings)
    heading = Text(_say("outdated"), "warning") if outdated else Text(_say("title"))
    return [heading, *known.blocks]


def recordings(desk: Desk) -> tuple[tuple[str, str], ...]:
    """Dataset and item of every recording that was counted."""
    known = _known(desk)
    return known.recordings if known else ()


@dataclass(frozen=True, slots=True)
class _Known:
    """A profile, laid out; ``made`` in seconds since the epoch."""

    made: float
    blocks: tuple[Block, ...]
    recordings: tuple[tuple[str, str], ...]


def _known(desk: Desk) -> _Known | None:
    file = desk.opened.dataset_dir(".profile") / "profile.json"
    seen = signature(file)
    if seen is None:
        return None
    return desk.remembered("statistics", seen, lambda: _read(file, seen[0] / 1e9))


def _read(file: Path, made: float) -> _Known | None:
    try:
        profile = json.loads(file.read_text(encoding="utf-8"))
        if profile["schema"] != SCHEMA:
            return None
        blocks: list[Block] = []
        for dataset in profile["datasets"][:MOST_DATASETS]:
            blocks.append(_overview(dataset))
            blocks.append(_phonemes(dataset, int(profile["band"])))
            blocks += _pictures(dataset["name"], file.parent)
        recordings = tuple(
            (str(dataset["name"]), str(one["item"]))
            for dataset in profile["datasets"]
            for one in dataset["recordings"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # somebody edited it; counting again writes it anew
    return _Known(made, tuple(blocks), recordings)


def _overview(dataset: Mapping[str, Any]) -> Table:
    """From, middle, to, and how what lies between is spread."""
    recordings = dataset["recordings"]
    lengths = sorted(float(one["seconds"]) for one in recordings)
    levels = sorted(float(one["loudness"]) for one in recordings)
    rows: list[tuple[str, ...]] = []
    if dataset["lowest"] is not None:
        low, middle, high = (round(dataset[key]) for key in ("lowest", "median", "highest"))
        seconds = dataset["pitch"]
        heights = [float(seconds.get(str(midi), 0.0)) for midi in range(low, high + 1)]
        notes = (note_name(low), note_name(middle), note_name(high))
        rows.append((_say("pitch"), *notes, sparkline(heights)))
    if lengths:
        rows.append(
            (_say("length"), *(f"{one:.1f} s" for one in _three(lengths)), _spread(lengths))
        )
        rows.append((_say("loudness"), *(f"{one:.0f} dB" for one in _three(levels)),
                     _spread(levels)))  # fmt: skip
    title = _say(
        "overview",
        name=dataset["name"],
        count=len(recordings),
        minutes=round(float(dataset["seconds"]) / 60, 1),
        sung=round(float(dataset["sung"]) / 60, 1),
    )
    if dataset["unreadable"]:
        title += " " + _say("unreadable", count=len(dataset["unreadable"]))
    columns = ("what", "from", "middle", "to", "spread")
    return Table(title, tuple(_say(f"column-{name}") for name in columns), tuple(rows))


def _phonemes(dataset: Mapping[str, Any], band: int) -> Table:
    """How often every phoneme is sung, in all and at every height."""
    bands = [f"{note_name(low)}–{note_name(low + band - 1)}" for low in dataset["bands"]]
    rows = []
    for symbol, facts in dataset["phonemes"].items():
        rest = symbol.rpartition("/")[2] in ("SP", "AP")
        coverage = [str(count) if count else "" if rest else "–" for count in facts["coverage"]]
        rows.append((symbol, str(facts["count"]), f"{facts['seconds']:.1f} s", *coverage))
    columns = (_say("column-phoneme"), _say("column-count"), _say("column-seconds"), *bands)
    return Table(_say("phonemes", name=dataset["name"]), columns, tuple(rows))


def _pictures(name: str, folder: Path) -> list[Block]:
    paths = ((chart, folder / f"{name}-{chart}.png") for chart in CHARTS)
    return [
        Image(path, _say(f"picture.{chart}", name=name), version=version(path))
        for chart, path in paths
        if is_file(path)
    ]


def version(path: Path) -> int:
    """Another number for another content of a file."""
    seen = signature(path)
    return seen[0] if seen else 0


def sparkline(heights: Sequence[float]) -> str:
    """Bars of eight heights; neighbours are joined if there are many."""
    group = max(1, math.ceil(len(heights) / _COLUMNS))
    joined = [sum(heights[i : i + group]) for i in range(0, len(heights), group)]
    top = max(joined, default=0.0)
    if top <= 0:
        return ""
    return "".join(
        _BARS[max(0, math.ceil(height / top * len(_BARS)) - 1)] if height > 0 else " "
        for height in joined
    )


def _spread(values: Sequence[float]) -> str:
    """A histogram of sorted values."""
    low, width = values[0], values[-1] - values[0]
    if width <= 0:
        return ""
    heights = [0.0] * (_COLUMNS // 2)
    for value in values:
        heights[min(int((value - low) / width * len(heights)), len(heights) - 1)] += 1
    return sparkline(heights)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return values[0], values[len(values) // 2], values[-1]


def _say(key: str, **values: object) -> str:
    return say(f"check.statistics.{key}", **values)
