"""Checks of DS files that stand in for columns and curves when variance models are prepared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import SingwizError
from ...findings import Finding, Severity
from ..ds import numbers, read_ds
from ..raw import Item, RawDataset
from .needs import Needs
from .rules import report, some
from .thresholds import Thresholds

CURVES = ("f0_seq", "energy", "breathiness", "voicing", "tension")
_LOUDNESS = ("energy", "breathiness", "voicing")
_NUMBERED = re.compile(r"^(.+)#(\d+)$")
_PAIRS = (("ph_seq", "ph_dur"), ("note_seq", "note_dur"), ("note_seq", "note_slur"))


def check_ds_files(dataset: RawDataset, needs: Needs, limits: Thresholds) -> list[Finding]:
    """All DS files that belong to items; faults are errors where the files will be used."""
    files = dataset.list_ds()
    if not files:
        return []
    worse = Severity.ERROR if needs.kind == "variance" and needs.prefer_ds else None
    reader = _Reader(dataset, files, worse, limits)
    odd_steps: dict[float, list[str]] = {}
    for item in dataset.items:
        segment = reader.segment_of(item)
        if segment is not None:
            step = _check_segment(reader, item, segment)
            # Editors write nine digits, so equal steps differ a little.
            if step and abs(step - needs.frame) > 1e-3 * needs.frame:
                odd_steps.setdefault(round(step, 6), []).append(item.name)
    for step, names in sorted(odd_steps.items()):
        reader.findings.append(
            report(
                "ds-timestep-other",
                f"The curves of {len(names)} DS file(s) have a frame of {step * 1000:.2f} ms "
                f"instead of {needs.frame * 1000:.2f} ms: {some(names, limit=3)}.",
                dataset.place(names[0], file="ds"),
            )
        )
    return reader.findings


class _Reader:
    """Finds the segment of an item, reading every file once and keeping only the last one."""

    def __init__(
        self,
        dataset: RawDataset,
        files: Mapping[str, Path],
        severity: Severity | None,
        limits: Thresholds,
    ) -> None:
        self.dataset = dataset
        self.files = files
        self.severity = severity
        self.limits = limits
        self.findings: list[Finding] = []
        self._last: tuple[str, list[dict[str, Any]] | None] = ("", None)
        self._named = {item.name for item in dataset.items}

    def say(self, code: str, item: Item, file: str, message: str, hint: str | None = None) -> None:
        """Add a finding about a file."""
        place = self.dataset.place(item.name, file=f"ds/{file}")
        self.findings.append(report(code, message, place, severity=self.severity, hint=hint))

    def segment_of(self, item: Item) -> dict[str, Any] | None:
        """The segment that stands in for an item: its own file, or a part of its song's."""
        numbered = _NUMBERED.match(item.name)
        for file in (f"{item.name}.ds", f"{item.name}#0.ds"):
            if file in self.files:
                segments = self._read(item, file)
                if segments and len(segments) > 1 and not self._has_others(item.name):
                    self.say(
                        "ds-segments-unused",
                        item,
                        file,
                        f"'{file}' has {len(segments)} segments, but only the first one is used.",
                    )
                return segments[0] if segments else None
        if numbered and f"{numbered[1]}.ds" in self.files:
            file, index = f"{numbered[1]}.ds", int(numbered[2][:9])
            segments = self._read(item, file)
            if segments is not None and index >= len(segments):
                place = self.dataset.place(item.name, item.line)
                message = (
                    f"'{item.name}' asks for segment {index}, but '{file}' has only "
                    f"{len(segments)}, counted from 0."
                )
                self.findings.append(report("ds-index", message, place))
                return None
            return segments[index] if segments else None
        return None

    def _has_others(self, name: str) -> bool:
        return f"{name}#1" in self._named

    def _read(self, item: Item, file: str) -> list[dict[str, Any]] | None:
        if self._last[0] != file:
            try:
                self._last = (file, read_ds(self.files[file]))
            except SingwizError as error:
                self._last = (file, None)
                self.say("ds-invalid", item, file, error.message, error.hint)
        return self._last[1]


def _check_segment(reader: _Reader, item: Item, segment: Mapping[str, Any]) -> float | None:
    """Report what is wrong with a segment; returns the time step of its pitch curve."""
    file = f"{item.name}.ds"
    lists: dict[str, np.ndarray] = {}
    for key in ("ph_dur", "ph_num", "note_dur", "note_slur", *CURVES):
        if key in segment:
            try:
                lists[key] = numbers(segment, key)
            except SingwizError:
                message = f"'{key}' in the DS file of '{item.name}' is not a list of numbers."
                reader.say("ds-number-invalid", item, file, message)
                return None
    if not _check_lists(reader, item, file, segment, lists):
        return None
    seconds = float(lists["ph_dur"].sum()) if "ph_dur" in lists else item.seconds
    steps = {key: _step(segment, key) for key in CURVES if key in lists}
    good = {step for step in steps.values() if step is not None}
    for key, step in steps.items():
        values = lists[key]
        if step is None:
            hint = None
            if len(good) == 1:
                hint = f"The other curves of the file have {next(iter(good)):g} s."
            message = f"'{key}' in the DS file of '{item.name}' has no usable time step."
            reader.say("ds-timestep", item, file, message, hint)
        elif abs(len(values) * step - seconds) > reader.limits.ds_length:
            message = (
                f"'{key}' in the DS file of '{item.name}' lasts {len(values) * step:.2f} s, its "
                f"phonemes {seconds:.2f} s."
            )
            reader.say("ds-curve-length", item, file, message)
        _check_values(reader, item, file, key, values)
    return steps.get("f0_seq") or next(iter(good), None)


def _check_lists(
    reader: _Reader,
    item: Item,
    file: str,
    segment: Mapping[str, Any],
    lists: Mapping[str, np.ndarray],
) -> bool:
    """Whether phonemes, words and notes of a segment belong together."""
    sizes = {key: len(values) for key, values in lists.items()}
    for key in ("ph_seq", "note_seq"):
        if isinstance(segment.get(key), str):
            sizes[key] = len(segment[key].split())
    for first, second in _PAIRS:
        if first in sizes and second in sizes and sizes[first] != sizes[second]:
            message = (
                f"The DS file of '{item.name}' has {sizes[first]} entries in {first} but "
                f"{sizes[second]} in {second}."
            )
            reader.say("ds-lengths-differ", item, file, message)
            return False
    phonemes = sizes.get("ph_seq", sizes.get("ph_dur"))
    if "ph_num" in lists and phonemes is not None and lists["ph_num"].sum() != phonemes:
        message = (
            f"The words in the DS file of '{item.name}' have {lists['ph_num'].sum():g} phonemes "
            f"by ph_num, but there are {phonemes}."
        )
        reader.say("ds-lengths-differ", item, file, message)
        return False
    if "ph_num" in lists and "note_slur" in lists:
        starts, words = int((lists["note_slur"] == 0).sum()), len(lists["ph_num"])
        if starts != words:
            message = (
                f"In the DS file of '{item.name}' {starts} notes begin a word, but there are "
                f"{words} words."
            )
            reader.say("ds-slur-count", item, file, message)
    return True


def _step(segment: Mapping[str, Any], key: str) -> float | None:
    name = "f0_timestep" if key == "f0_seq" else f"{key}_timestep"
    try:
        step = float(segment[name])
    except (KeyError, TypeError, ValueError):
        return None
    return step if math.isfinite(step) and step > 0 else None


def _check_values(reader: _Reader, item: Item, file: str, key: str, values: np.ndarray) -> None:
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    limit = reader.limits.ds_tension
    wrong = (
        (key == "f0_seq" and low < 0)
        or (key in _LOUDNESS and high > 0)
        or (key == "tension" and max(-low, high) > limit)
    )
    if wrong:
        message = (
            f"'{key}' in the DS file of '{item.name}' goes from {low:g} to {high:g}, outside of "
            "what it can be."
        )
        reader.say("ds-curve-range", item, file, message)
    elif len(values) > 10 and low == high and (key != "f0_seq" or low == 0):
        message = f"'{key}' in the DS file of '{item.name}' is {low:g} from beginning to end."
        reader.say("ds-curve-constant", item, file, message)
