"""Checks of DS files that stand in for columns and curves when variance models are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import SingwizError
from ...findings import Finding, Severity
from ..ds import numbers
from ..raw import Item, RawDataset
from ..segments import CURVES, DsFolder, Segment, timestep_of
from .needs import Needs
from .rules import report, some
from .thresholds import Thresholds

_LOUDNESS = ("energy", "breathiness", "voicing")
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
    """Finds the segments of items, and collects what is wrong with them."""

    def __init__(
        self,
        dataset: RawDataset,
        files: Mapping[str, Path],
        severity: Severity | None,
        limits: Thresholds,
    ) -> None:
        self.dataset = dataset
        self.folder = DsFolder(files)
        self.severity = severity
        self.limits = limits
        self.findings: list[Finding] = []
        self._broken: set[str] = set()
        self._named = {item.name for item in dataset.items}

    def say(self, code: str, item: Item, file: str, message: str, hint: str | None = None) -> None:
        """Add a finding about a file."""
        place = self.dataset.place(item.name, file=f"ds/{file}")
        self.findings.append(report(code, message, place, severity=self.severity, hint=hint))

    def segment_of(self, item: Item) -> Segment | None:
        """The segment that stands in for an item: its own file, or a part of its song's."""
        place = self.folder.locate(item.name)
        if place is None:
            return None
        file, index = place
        try:
            segments = self.folder.read(file)
        except SingwizError as error:
            if file not in self._broken:
                self._broken.add(file)
                self.say("ds-invalid", item, file, error.message, error.hint)
            return None
        if index >= len(segments):
            message = (
                f"'{item.name}' asks for segment {index}, but '{file}' has only "
                f"{len(segments)}, counted from 0."
            )
            place_of_row = self.dataset.place(item.name, item.line)
            self.findings.append(report("ds-index", message, place_of_row))
            return None
        own = file in (f"{item.name}.ds", f"{item.name}#0.ds")
        if own and len(segments) > 1 and f"{item.name}#1" not in self._named:
            self.say(
                "ds-segments-unused",
                item,
                file,
                f"'{file}' has {len(segments)} segments, but only the first one is used.",
            )
        return segments[index]


def _check_segment(reader: _Reader, item: Item, segment: Segment) -> float | None:
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
    steps = {key: timestep_of(segment, key) for key in CURVES if key in lists}
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
    segment: Segment,
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
