"""Completing songs with a chain of variance models, and the DS file that results.

One model may predict durations and another pitch and curves; each finds what the ones before
it made, in memory and without rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset.ds import numbers, read_ds, write_ds
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .predictions import NOTHING, Plan, check_tags, plan, stepping_stones
from .problems import Problems, in_segment
from .retakes import Retake, retake_mask
from .segment import KEY_OF_TAG, MAX_SEGMENT_SECONDS, TAGS, has, transposed

if TYPE_CHECKING:
    from .variance import VariancePredictor

_DECIMALS = {"ph_dur": 6, "f0_seq": 1}
_CURVE_DECIMALS = 4


@dataclass(frozen=True)
class Song:
    """DS segments, some of whose sequences may be arrays because a model made them.

    Attributes:
        segments: in the order of the song.
        predicted: tags that were predicted and kept, by segment.
    """

    segments: tuple[dict[str, Any], ...]
    predicted: tuple[frozenset[str], ...]

    def count(self) -> dict[str, int]:
        """Tag -> in how many segments it was predicted, in the order of models."""
        counted = Counter(tag for tags in self.predicted for tag in tags)
        return {tag: counted[tag] for tag in TAGS if counted[tag]}

    def plain(self) -> list[dict[str, Any]]:
        """The segments as a DS file has them: sequences as text, rounded.

        Durations have 6 decimals, f0 one, other curves 4; keys keep their order.
        """
        return [
            {key: _text(key, value) for key, value in segment.items()} for segment in self.segments
        ]

    def save(self, path: Path | str) -> Path:
        """Write a DS file; returns its path.

        Raises:
            SingwizError: it cannot be written.
        """
        path = Path(path)
        try:
            write_ds(path, self.plain())
        except OSError as error:
            raise SingwizError(
                "ds-not-writable",
                f"'{path}' cannot be written: {error.strerror or error}.",
                hint="Choose a folder that belongs to you, with free space.",
                exit_code=USAGE_PROBLEM,
            ) from None
        return path


def open_segments(
    ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any], *, key: float = 0.0
) -> list[dict[str, Any]]:
    """The segments of a song, without nulls and transposed.

    Args:
        ds: DS file, its segments, or one segment.
        key: semitones to transpose notes and pitch by.

    Raises:
        SingwizError: the file cannot be read, or there is nothing in it.
    """
    if isinstance(ds, str | Path):
        segments: Iterable[Mapping[str, Any]] = read_ds(Path(ds))
    elif isinstance(ds, Mapping):
        segments = [ds]
    else:
        segments = ds
    opened = []
    for number, segment in enumerate(segments, start=1):
        with in_segment(number):
            opened.append(transposed(segment, key))
    if not opened:
        raise SingwizError(
            "ds-empty",
            "The song has no segments.",
            hint="Export it again from the editor, with the parts selected.",
        )
    return opened


def complete_song(
    predictors: Sequence[VariancePredictor],
    segments: Sequence[Mapping[str, Any]],
    *,
    predict: Collection[str] = (),
    needed: Collection[str] | None = None,
    language: str | None = None,
    speaker: str | None = None,
    expr: float | None = None,
    retakes: Sequence[Retake] = (),
    steps: int | None = None,
    seed: int | None = None,
    reporter: Reporter | None = None,
) -> Song:
    """Predict what segments lack, or what is asked for.

    Args:
        predictors: in the order in which they run; the first that can predict something does.
        segments: as :func:`open_segments` gives them.
        predict: tags to predict even where segments have them.
        needed: tags to predict where segments lack them. None = with ``predict`` none,
            otherwise everything the models can.
        language: replaces ``lang``.
        speaker: replaces ``spk_mix`` and ``ph_spk_mix``.
        expr: replaces ``expr``.
        retakes: parts to predict anew.
        steps: sampling steps.
        seed: of the noise.
        reporter: receives progress.

    Raises:
        SingwizError: the song lacks something, or options do not fit the models; everything is
            checked before a model runs.
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    problems = Problems()
    jobs = plan_song(
        predictors,
        segments,
        predict=predict,
        needed=needed,
        language=language,
        speaker=speaker,
        expr=expr,
        retakes=retakes,
        problems=problems,
    )
    problems.raise_any()
    done, predicted = [], []
    for number, (segment, steps_of) in enumerate(zip(segments, jobs, strict=True), start=1):
        if reporter.cancelled():
            raise Cancelled
        if any(todo.runs for todo in steps_of.plans):
            reporter.progress(
                number - 1, len(segments), f"predicting part {number} of {len(segments)}"
            )
        current = dict(segment)
        for predictor, todo in zip(predictors, steps_of.plans, strict=True):
            if not todo.runs:
                continue
            found = predictor.predict(
                current,
                number,
                todo,
                language=language,
                speaker=speaker,
                expr=expr,
                retakes=retakes,
                steps=steps,
                seed=seed,
            )
            timestep = predictor.reader.timestep
            for tag in TAGS:
                if tag in found and tag in todo.written:
                    _put(current, tag, found[tag], timestep)
        done.append({k: v for k, v in current.items() if k not in steps_of.dropped})
        predicted.append(steps_of.kept)
    return Song(tuple(done), tuple(predicted))


@dataclass(frozen=True)
class SegmentPlan:
    """What happens to one segment.

    Attributes:
        plans: of each model of the chain.
        kept: tags that are predicted and kept.
        dropped: keys that only served the models on the way.
    """

    plans: tuple[Plan, ...]
    kept: frozenset[str]
    dropped: frozenset[str]


def plan_song(
    predictors: Sequence[VariancePredictor],
    segments: Sequence[Mapping[str, Any]],
    *,
    predict: Collection[str],
    needed: Collection[str] | None,
    language: str | None,
    speaker: str | None,
    expr: float | None,
    retakes: Sequence[Retake],
    problems: Problems,
) -> list[SegmentPlan]:
    """Decide what runs on each segment, and check that it can.

    Args:
        predictors: see :func:`complete_song`.
        segments: see :func:`complete_song`.
        predict: see :func:`complete_song`.
        needed: see :func:`complete_song`.
        language: see :func:`complete_song`.
        speaker: see :func:`complete_song`.
        expr: see :func:`complete_song`.
        retakes: see :func:`complete_song`.
        problems: receives what is wrong with segments.

    Raises:
        SingwizError: options are impossible whatever the song.
    """
    tags = [predictor.tags for predictor in predictors]
    check_tags(predict, tags)
    check_tags({part.tag for part in retakes}, tags)
    if expr is not None and not 0.0 <= expr <= 1.0:
        raise SingwizError(
            "expr-range",
            f"An expressiveness of {expr:g} is outside of 0 to 1.",
            hint="Choose a value between 0 (as straight as the notes) and 1 (as trained).",
            exit_code=USAGE_PROBLEM,
        )
    if needed is None:
        needed = () if predict or retakes else {tag for model in tags for tag in model}
    result = []
    for number, segment in enumerate(segments, start=1):
        here = {tag for tag in TAGS if has(segment, tag)}
        again = _retaken(segment, retakes, predictors)
        wanted = {tag for tag in needed if tag not in here} | {*predict} | again
        stones = stepping_stones(here, tags, wanted)
        todo, plans = wanted | stones, []
        available = set(here)
        for predictor in predictors:
            own = todo & {*predictor.tags}
            step = plan(available, predictor.tags, own) if own else NOTHING
            plans.append(step)
            if step.runs:
                with problems.collected():
                    predictor.reader.read(
                        segment,
                        number,
                        load_dur=step.load_dur and ("dur" in here or "dur" not in available),
                        load_pitch=step.load_pitch
                        and ("pitch" in here or "pitch" not in available),
                        language=language,
                        speaker=speaker,
                        expr=expr,
                    )
            todo -= step.written
            available |= step.written
        kept = frozenset().union(*(step.written for step in plans)) - stones
        dropped = frozenset(
            key for tag in stones for key in (KEY_OF_TAG[tag], f"{_short(tag)}_timestep")
        )
        result.append(SegmentPlan(tuple(plans), kept, dropped))
    return result


def _retaken(
    segment: Mapping[str, Any], retakes: Sequence[Retake], predictors: Sequence[VariancePredictor]
) -> set[str]:
    """Tags of which a frame of this segment lies in a retake."""
    if not retakes:
        return set()
    try:
        offset = float(segment.get("offset", 0.0))
        seconds = float(numbers(segment, "note_dur").sum())
    except (TypeError, ValueError, SingwizError):
        return set()  # reading the segment says what is wrong with it
    found = set()
    for tag in {part.tag for part in retakes}:
        grid = next(p.reader.timestep for p in predictors if tag in p.tags)
        length = max(0, int(min(seconds, MAX_SEGMENT_SECONDS) / grid))
        if retake_mask(retakes, tag, offset=offset, length=length, timestep=grid) is not None:
            found.add(tag)
    return found


def _put(segment: dict[str, Any], tag: str, values: np.ndarray[Any, Any], timestep: float) -> None:
    """Write what was predicted into a segment, in the units of DS files."""
    if tag == "dur":
        segment["ph_dur"] = values * timestep
        return
    segment[KEY_OF_TAG[tag]] = 440.0 * 2.0 ** ((values - 69.0) / 12) if tag == "pitch" else values
    segment[f"{_short(tag)}_timestep"] = str(timestep)


def _short(tag: str) -> str:
    return "f0" if tag == "pitch" else tag


def _text(key: str, value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    decimals = _DECIMALS.get(key, _CURVE_DECIMALS)
    return " ".join(f"{number:.{decimals}f}" for number in value.tolist())
