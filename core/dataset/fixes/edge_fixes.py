"""Fixes of the ends of recordings, so that labels and sound begin and end together in silence."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import SingwizError
from ...findings import Finding
from ..audio import open_audio
from ..measure import level
from .audio_fixes import sound_file
from .edits import DatasetEdit
from .recipe import AudioRecipe, recorded_seconds
from .registry import FixRun, dataset_fix
from .table import TableRow
from .timeline import Timeline, read_timeline, write_timeline

_QUIET = -40.0
"""dBFS; what is softer may be labelled silence."""

_EDGE = (0.1, 0.5)
"""s of silence around a phrase."""

_LEAST_SILENCE = 0.02
"""s; a pause has to keep about two frames."""

_SHIFT_ADVICE = re.compile(r"(\d+\.\d+) s (later|earlier)")

_DS_WOULD_NOT_FIT = "Its DS file would not fit any more."

_MISPLACED = ("label-shifted", "label-misaligned")


def _shift(finding: Finding) -> float:
    """Seconds by which the check advises to move all labels; 0 if it does not say."""
    advice = _SHIFT_ADVICE.search(finding.hint)
    if advice is None:
        return 0.0
    return float(advice[1]) * (1 if advice[2] == "later" else -1)


@dataset_fix(
    "label-shifted",
    title="Move all labels of a recording",
    safe=False,
    acts_on=lambda finding: bool(_shift(finding)),
)
def move_labels(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """The silence in front takes up the shift, that at the end ends with the recording."""
    code = "label-shifted"
    for finding in findings:
        shift = _shift(finding)
        for row in edit.find(finding.place.item, finding.place.line):
            timeline, item = read_timeline(edit, row), edit.item(row)
            file = sound_file(run, edit, item, code)
            if timeline is None or file is None:
                continue
            if f"{item}.ds" in edit.ds_files:
                edit.refuse(code, _DS_WOULD_NOT_FIT, item=item)
                continue
            way = f"{abs(shift):.2f} s {'later' if shift > 0 else 'earlier'}"
            if not run.may(edit, code, f"move all labels of '{item}' {way}.", item=item):
                continue
            try:
                seconds = recorded_seconds(edit.audio(file))
            except SingwizError as error:
                edit.refuse(code, error.message, item=item)
                continue
            if _moved(timeline, shift, seconds):
                write_timeline(edit, row, timeline)
                edit.did(code, f"All labels of '{item}' are {way}.", item=item, safe=False)
            else:
                why = "The silence at the edges is too short for that; move the labels by hand."
                edit.refuse(code, why, item=item)


def _moved(timeline: Timeline, shift: float, seconds: float) -> bool:
    """Move the sung labels of a recording of ``seconds``; False if there is no room."""
    if timeline.first == "SP":
        timeline.stretch_start(shift)
    elif shift > 0:
        timeline.add_silence(shift, at_start=True)
    if timeline.last == "SP":
        timeline.stretch_end(seconds - timeline.seconds)
    room = min(timeline.ph_dur[0], timeline.ph_dur[-1]) >= _LEAST_SILENCE
    return room and timeline.first == "SP" and timeline.seconds <= seconds + 1e-6


@dataset_fix("label-audio-length", title="Let labels and recording end together", safe=True)
def match_ends(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Where the difference is silence at the end, the last SP takes it up."""
    for row in run.rows(edit, findings):
        timeline, item = read_timeline(edit, row), edit.item(row)
        file = sound_file(run, edit, item, "label-audio-length")
        if timeline is None or file is None:
            continue
        try:
            seconds = recorded_seconds(edit.audio(file))
            excess = timeline.seconds - seconds
            if not _differs(run, excess, seconds) or timeline.seconds >= 500 * seconds:
                continue
            if f"{item}.ds" in edit.ds_files:
                edit.refuse("label-audio-length", _DS_WOULD_NOT_FIT, item=item)
            elif excess > 0:
                _shorten_labels(run, edit, row, timeline, seconds)
            else:
                _cover_rest(run, edit, row, timeline, seconds)
        except SingwizError as error:
            edit.refuse("label-audio-length", error.message, item=item)


def _differs(run: FixRun, excess: float, seconds: float) -> bool:
    limits = run.limits
    return abs(excess) > max(limits.length_difference, limits.length_difference_share * seconds)


def _shorten_labels(
    run: FixRun, edit: DatasetEdit, row: TableRow, timeline: Timeline, seconds: float
) -> None:
    """The labels end after the recording."""
    item = edit.item(row)
    begins = timeline.seconds - timeline.ph_dur[-1]
    remains = seconds - begins
    if timeline.last not in ("SP", "AP") or remains < -run.limits.length_difference:
        why = (
            "The recording ends before the last sung label; labels and recording seem to be of "
            "different takes."
        )
        edit.refuse("label-audio-length", why, item=item)
        return
    file = edit.audio_file(item) or ""
    quiet = _is_quiet(edit.audio(file), begins, seconds)
    quiet = quiet and not run.is_doubtful(edit, item, _MISPLACED)
    what = f"let the last {timeline.last} of '{item}' end with the recording."
    if not quiet and not run.may(edit, "label-audio-length", what, item=item):
        return
    wanted = max(remains, _EDGE[0])
    timeline.stretch_end(wanted - timeline.ph_dur[-1])
    missing = timeline.seconds - seconds
    if missing > 0.001:
        edit.set_audio(file, edit.audio(file).with_silence(after=missing))
    write_timeline(edit, row, timeline)
    what = f"The last {timeline.last} of '{item}' ends with the recording ({wanted:.2f} s long)."
    edit.did("label-audio-length", what, item=item, safe=quiet)


def _cover_rest(
    run: FixRun, edit: DatasetEdit, row: TableRow, timeline: Timeline, seconds: float
) -> None:
    """The recording goes on after the labels."""
    item = edit.item(row)
    file = edit.audio_file(item) or ""
    begins = timeline.seconds
    if _is_quiet(edit.audio(file), begins, seconds):
        safe = not run.is_doubtful(edit, item, _MISPLACED)
        what = f"label the silence at the end of '{item}' as SP."
        if not safe and not run.may(edit, "label-audio-length", what, item=item):
            return
        if timeline.last == "SP":
            timeline.stretch_end(seconds - begins)
        else:
            timeline.add_silence(seconds - begins, at_start=False)
        write_timeline(edit, row, timeline)
        what = f"The last {seconds - begins:.2f} s of '{item}' are silent and labelled SP."
        edit.did("label-audio-length", what, item=item, safe=safe)
        return
    what = f"cut off the last {seconds - begins:.2f} s of '{item}', which are not labelled."
    if run.may(edit, "label-audio-length", what, item=item):
        recipe = edit.audio(file)
        edit.set_audio(file, _cut_end(recipe, begins))
        what = f"The last {seconds - begins:.2f} s of '{item}', not labelled, are cut off."
        edit.did("label-audio-length", what, item=item, safe=False)


def _cut_end(recipe: AudioRecipe, seconds: float) -> AudioRecipe:
    """The first ``seconds`` of what a recipe makes."""
    inner = seconds - recipe.before
    return replace(recipe, end=recipe.start + max(inner, 0.0), after=0.0)


@dataset_fix("edge-label", title="Add silence at the edges", safe=True)
def add_edges(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Digital silence with the label SP where a phrase begins or ends with a sung phoneme."""
    for row in run.rows(edit, findings):
        timeline, item = read_timeline(edit, row), edit.item(row)
        file = sound_file(run, edit, item, "edge-label")
        if timeline is None or file is None:
            continue
        start = timeline.first not in ("SP", "AP")
        end = timeline.last not in ("SP", "AP")
        if not start and not end:
            continue
        try:
            seconds = recorded_seconds(edit.audio(file))
        except SingwizError as error:
            edit.refuse("edge-label", error.message, item=item)
            continue
        excess = timeline.seconds - seconds
        if f"{item}.ds" in edit.ds_files:
            edit.refuse("edge-label", _DS_WOULD_NOT_FIT, item=item)
            continue
        if end and _differs(run, excess, seconds):
            edit.refuse("edge-label", "Labels and recording have to end together first.", item=item)
            continue
        recipe, sides = edit.audio(file), []
        if start:
            silence = _edge_seconds(item, "start")
            timeline.add_silence(silence, at_start=True)
            recipe = recipe.with_silence(before=silence)
            seconds += silence
            sides.append("begins")
        if end:
            timeline.add_silence(_edge_seconds(item, "end"), at_start=False)
            recipe = recipe.with_silence(after=max(timeline.seconds - seconds, 0.0))
            sides.append("ends")
        edit.set_audio(file, recipe)
        write_timeline(edit, row, timeline)
        what = f"'{item}' {' and '.join(sides)} with silence, labelled SP."
        edit.did("edge-label", what, item=item)


def _edge_seconds(item: str, side: str) -> float:
    """Between 0.1 and 0.5 s, different for every item, the same every time."""
    share = zlib.crc32(f"{item}:{side}".encode()) / 2**32
    return round(_EDGE[0] + share * (_EDGE[1] - _EDGE[0]), 3)


@dataset_fix("edge-silence-long", title="Cut long silence at the edges", safe=False)
def cut_edges(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Half a second of the silence stays, in labels and recording."""
    keep = _EDGE[1]
    for row in run.rows(edit, findings):
        timeline, item = read_timeline(edit, row), edit.item(row)
        file = sound_file(run, edit, item, "edge-silence-long")
        if timeline is None or file is None:
            continue
        if f"{item}.ds" in edit.ds_files:
            edit.refuse("edge-silence-long", _DS_WOULD_NOT_FIT, item=item)
            continue
        recipe = edit.audio(file)
        if recipe.before or recipe.after or len(timeline.ph_seq) < 2:
            continue
        try:
            seconds = recorded_seconds(recipe)
        except SingwizError:
            continue
        first = timeline.ph_dur[0] - keep if timeline.first == "SP" else 0.0
        last = timeline.ph_dur[-1] - keep if timeline.last == "SP" else 0.0
        first, last = (cut if cut > keep else 0.0 for cut in (first, last))
        if not first and not last:
            continue
        if abs(timeline.seconds - seconds) > run.limits.length_difference:
            why = "Labels and recording have to end together first."
            edit.refuse("edge-silence-long", why, item=item)
            continue
        if run.may(edit, "edge-silence-long", f"cut {first + last:.1f} s of silence.", item=item):
            timeline.stretch_start(-first)
            timeline.stretch_end(-last)
            edit.set_audio(file, recipe.cut(start=first, end=seconds - last if last else None))
            write_timeline(edit, row, timeline)
            what = f"{first + last:.1f} s of silence are cut from the edges of '{item}'."
            edit.did("edge-silence-long", what, item=item, safe=False)


def _is_quiet(recipe: AudioRecipe, start: float, end: float) -> bool:
    """Whether a recording is silent from ``start`` to ``end`` (s of what the recipe makes)."""
    shift = recipe.start - recipe.before
    with open_audio(recipe.source) as sound:
        rate = sound.samplerate
        first = max(math.floor((start + shift) * rate), 0)
        last = min(math.ceil((end + shift) * rate), sound.frames)
        if last - first < 0.01 * rate:
            return True
        sound.seek(first)
        samples = sound.read(last - first, dtype="float32", always_2d=True)
    # In windows, so that a short sound is not drowned by long silence around it.
    width = max(int(0.05 * rate), 1)
    whole = len(samples) // width * width
    parts = [samples[whole:]] if len(samples) > whole else []
    powers = [float(np.mean(np.square(part))) for part in parts]
    if whole:
        framed = samples[:whole].reshape(-1, width * samples.shape[1])
        powers += np.mean(np.square(framed), axis=1).tolist()
    return max(map(level, powers)) + 20 * math.log10(recipe.gain) < _QUIET
