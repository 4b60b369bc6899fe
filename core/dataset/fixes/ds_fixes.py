"""Fixes of DS files and of rows that name their segments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import SingwizError
from ...findings import Finding
from ..ds import numbers
from .edits import DatasetEdit
from .recipe import recorded_seconds
from .registry import FixRun, dataset_fix
from .table import TableRow

CURVES = ("f0_seq", "energy", "breathiness", "voicing", "tension", "gender", "velocity", "expr")
"""Parameters that can be one value per frame; as text they need a time step."""

_LABELS = ("ph_seq", "ph_dur", "ph_num", "note_seq", "note_dur", "note_slur", "note_glide")
_INDEX = re.compile(r"(.+)#(\d+)\Z")


@dataset_fix("ds-timestep", title="Add the missing time step of a curve", safe=True)
def add_timestep(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """A curve without time step gets that of the other curves, if they all have the same."""
    wanted = {_file_name(finding) for finding in findings}
    for file in edit.ds_files:
        if file not in wanted and "" not in wanted:
            continue
        try:
            segments = edit.read_ds(file)
        except SingwizError as error:
            edit.refuse("ds-timestep", error.message, item=file)
            continue
        steps = {step for segment in segments for step in _steps(segment)}
        missing = [
            (segment, curve)
            for segment in segments
            for curve in CURVES
            if isinstance(segment.get(curve), str) and not _is_step(segment.get(_step_key(curve)))
        ]
        if not missing:
            continue
        if len(steps) != 1:
            known = ", ".join(sorted(steps)) or "none"
            edit.refuse("ds-timestep", f"The other curves do not agree on one: {known}.", item=file)
            continue
        step = steps.pop()
        for segment, curve in missing:
            segment[_step_key(curve)] = step
        edit.write_ds(file, segments)
        curves = ", ".join(dict.fromkeys(curve for _, curve in missing))
        edit.did("ds-timestep", f"{curves} of '{file}' get the time step {step} s.", item=file)


def _file_name(finding: Finding) -> str:
    return finding.place.file.rpartition("/")[2] if finding.place.file.endswith(".ds") else ""


def _step_key(curve: str) -> str:
    return "f0_timestep" if curve == "f0_seq" else f"{curve}_timestep"


def _steps(segment: dict[str, Any]) -> list[str]:
    """The usable time steps of a segment's curves, as text."""
    return [str(v) for key, v in segment.items() if key.endswith("_timestep") and _is_step(v)]


def _is_step(value: object) -> bool:
    try:
        return 0 < float(str(value)) < 1
    except ValueError:
        return False


@dataset_fix("ds-segments-unused", title="Give every segment a row of its own", safe=False)
def expand_segments(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """``song`` becomes ``song#0``, ``song#1`` …, each with its part of the recording."""
    for row in run.rows(edit, findings):
        item = edit.item(row)
        if f"{item}.ds" not in edit.ds_files or _INDEX.match(item):
            continue
        try:
            segments = edit.read_ds(f"{item}.ds")
        except SingwizError as error:
            edit.refuse("ds-segments-unused", error.message, item=item)
            continue
        if len(segments) > 1 and run.may(
            edit, "ds-segments-unused", f"cut '{item}' into its segments.", item=item
        ):
            _expand(edit, row, segments)


def _expand(edit: DatasetEdit, row: TableRow, segments: Sequence[dict[str, Any]]) -> None:
    item = edit.item(row)
    file = edit.audio_file(item)
    code = "ds-segments-unused"
    try:
        parts = [_span(segment) for segment in segments]
        seconds = recorded_seconds(edit.audio(file)) if file else 0.0
    except SingwizError as error:
        edit.refuse(code, error.message, item=item)
        return
    if file is None or max(end for _, end in parts) > seconds + 0.1:
        why = "The recording is shorter than the segments, so it cannot be cut into them."
        edit.refuse(code, why, item=item)
        return
    names = [f"{item}#{k}" for k in range(len(segments))]
    if any(edit.find(name) for name in names):
        edit.refuse(code, "Some of its segments have rows already.", item=item)
        return
    recipe, suffix = edit.audio(file), file.removeprefix(item)
    for name, segment, (start, end) in zip(names, segments, parts, strict=True):
        cells = {key: str(segment[key]) for key in _LABELS if isinstance(segment.get(key), str)}
        others = {c: edit.cell(row, c) for c in edit.columns if c not in (*_LABELS, "name")}
        edit.add_row({"name": name} | others | cells)
        edit.set_audio(name + suffix, recipe.cut(start=start, end=end))
    # The DS file stays: the new rows are its segments.
    edit.table.remove(row)
    edit.remove_audio(file)
    what = f"'{item}' is cut into its {len(segments)} segments, '{names[0]}' to '{names[-1]}'."
    edit.did(code, what, item=item, safe=False)


def _span(segment: dict[str, Any]) -> tuple[float, float]:
    """Start and end of a segment in the song, s."""
    offset = float(numbers(segment, "offset")[0]) if "offset" in segment else 0.0
    if "ph_seq" not in segment:
        raise SingwizError("ds-key-missing", "A segment has no phonemes.")
    return max(offset, 0.0), offset + float(np.sum(numbers(segment, "ph_dur")))


@dataset_fix("ds-index", title="Drop rows of segments that do not exist", safe=False)
def drop_missing_segments(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """``song#7`` goes if ``song.ds`` has fewer segments."""
    for row in run.rows(edit, findings):
        item = edit.item(row)
        match = _INDEX.match(item)
        if match is None or f"{item}.ds" in edit.ds_files:
            continue
        try:
            count = len(edit.read_ds(f"{match[1]}.ds")) if f"{match[1]}.ds" in edit.ds_files else 0
        except SingwizError:
            continue
        if not 0 < count <= int(match[2]):
            continue
        if run.may(edit, "ds-index", f"drop '{item}'.", item=item):
            edit.drop(row)
            what = f"'{item}' is dropped: '{match[1]}.ds' has {count} segment(s)."
            edit.did("ds-index", what, item=item, safe=False)
