"""Tests from the sounds of validations that training has kept: nothing is rendered again.

Training writes ``validation/<step>/<n>_pred.wav`` beside ``<n>_gt.wav``, the recording through the
same vocoder, and the same sounds to TensorBoard as ``diff_<n>`` and ``gt_<n>`` (vocoders:
``HIFI_<n>_``, ``gt_<n>_``). Folders trained with DiffSinger have only TensorBoard's.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .clips import SECONDS
from .companions import compare, loudness_range, mean_figures
from .making import Version
from .plan import Clip

if TYPE_CHECKING:
    from ..config import Config

Array = NDArray[np.float32]
Sounds = dict[int, Callable[[], tuple[Array, int]]]
"""Item number -> what reads its samples and their rate."""

_FILE = re.compile(r"(\d{1,6})_(pred|gt)\.wav")
_TAG = re.compile(r"(diff|HIFI|gt)_(\d{1,6})_?")
_MOST_SECONDS = 600.0


@dataclass
class Logged:
    """The sounds of an experiment's validations.

    Attributes:
        folder: the experiment.
        steps: optimizer step -> sounds of the model.
        recordings: sounds of the recordings.
    """

    folder: Path
    steps: dict[int, Sounds] = field(default_factory=dict)
    recordings: Sounds = field(default_factory=dict)

    def items(self, steps: Sequence[int]) -> list[int]:
        """The items that were played at all of these steps."""
        shared = set.intersection(*(set(self.steps.get(step, {})) for step in steps))
        return sorted(shared)


def read_logged(folder: Path) -> Logged:
    """Find the sounds of an experiment; files count before TensorBoard's copies.

    Raises:
        SingwizError: there are none.
    """
    found = Logged(folder)
    _read_events(folder, found)
    _read_files(folder / "validation", found)
    found.steps = {step: found.steps[step] for step in sorted(found.steps) if found.steps[step]}
    if not found.steps:
        raise SingwizError(
            "listening-nothing-logged",
            f"The training '{folder.name}' has kept no sounds.",
            hint="Let it reach a validation with val_with_vocoder on, or make the test without "
            "--logged: then the checkpoints sing anew.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    return found


def choose_steps(logged: Logged, wanted: Sequence[int], most: int) -> list[int]:
    """The steps to compare: those that were asked for, or the newest ones.

    Raises:
        SingwizError: nothing was kept of one, or there are too few.
    """
    missing = [step for step in wanted if step not in logged.steps]
    if missing:
        known = ", ".join(str(step) for step in logged.steps)
        raise SingwizError(
            "listening-step-not-logged",
            f"No sounds were kept at step {missing[0]}.",
            hint=f"There are sounds of these steps: {known}.",
            where=str(logged.folder),
            exit_code=USAGE_PROBLEM,
        )
    return list(wanted) or list(logged.steps)[-most:]


def logged_versions(
    logged: Logged,
    steps: Sequence[int],
    *,
    wanted: int,
    with_recording: bool,
    config: Config | None,
    reporter: Reporter,
) -> tuple[list[Clip], list[Version], int]:
    """Cut the kept sounds into clips.

    Args:
        logged: where from.
        steps: one condition each.
        wanted: clips.
        with_recording: add the recording as reference, before the others.
        config: of the model, for figures; None leaves them out.
        reporter: receives progress.

    Returns:
        Clips, versions and their sample rate.

    Raises:
        SingwizError: the steps share no sound, or one cannot be read.
    """
    numbers = logged.items(steps)
    if with_recording:
        numbers = [number for number in numbers if number in logged.recordings]
    if not numbers:
        raise SingwizError(
            "listening-nothing-shared",
            "These validations played different recordings, so there is nothing to compare.",
            hint="Choose other steps.",
            where=str(logged.folder),
        )
    sounds: dict[tuple[int | None, int], Array] = {}
    rates = set()
    sources: list[int | None] = [*([None] if with_recording else []), *steps]
    total = len(sources) * len(numbers)
    for done, (source, number) in enumerate((s, n) for s in sources for n in numbers):
        if reporter.cancelled():
            raise Cancelled
        reporter.progress(done, total, "reading sounds")
        kept = logged.recordings if source is None else logged.steps[source]
        sounds[source, number], rate = kept[number]()
        rates.add(rate)
    reporter.progress(total, total, "reading sounds")
    if len(rates) > 1:
        raise SingwizError(
            "listening-rates-differ",
            "The kept sounds have different sample rates.",
            hint="Choose steps of one training.",
            where=str(logged.folder),
        )
    rate = rates.pop()
    clips = _clips(numbers, sounds, rate, wanted)
    versions = []
    for source in sources:
        label = "recording, through the vocoder" if source is None else f"step {source}"
        made = {"source": "recording" if source is None else "logged", "step": source,
                "experiment": logged.folder.name}  # fmt: skip
        version = Version(label, made, "reference" if source is None else "candidate")
        for clip in clips:
            version.sounds[clip.id] = _cut(sounds[source, int(clip.item)], clip, rate)
        versions.append(version)
    _measure(versions, clips, logged, rate, config)
    return clips, versions, rate


def _clips(
    numbers: Sequence[int], sounds: Mapping[Any, Array], rate: int, wanted: int
) -> list[Clip]:
    """Stretches in which somebody sings, the loudest of every item first."""
    lengths = {
        number: min(len(one) for (_, own), one in sounds.items() if own == number)
        for number in numbers
    }
    low, high = SECONDS
    # Rather shorter clips than the same ones again and again.
    seconds = min(high, max(low, sum(lengths.values()) / rate / wanted))
    ranked: list[tuple[int, int, float, float]] = []
    for number in numbers:
        some = next(one for (_, own), one in sounds.items() if own == number)
        count = max(1, round(lengths[number] / rate / seconds))
        size = lengths[number] // count
        parts = [some[i * size : (i + 1) * size].astype(float) for i in range(count)]
        power = [float(np.square(part).mean()) if size else 0.0 for part in parts]
        order = sorted((i for i in range(count) if power[i] > 0), key=lambda i: -power[i])
        ranked += [
            (rank, number, i * size / rate, (i + 1) * size / rate) for rank, i in enumerate(order)
        ]
    return [
        Clip(
            id=f"k{place}",
            item=str(number),
            start=round(start, 3),
            end=round(end, 3),
            why=("kept by a validation",),
        )
        for place, (_, number, start, end) in enumerate(sorted(ranked)[:wanted], 1)
    ]


def _cut(samples: Array, clip: Clip, rate: int) -> Array:
    length = round((clip.end - clip.start) * rate)
    part = samples[round(clip.start * rate) :][:length]
    return np.pad(part, (0, length - len(part))).astype(np.float32)


def _measure(
    versions: Sequence[Version],
    clips: Sequence[Clip],
    logged: Logged,
    rate: int,
    config: Config | None,
) -> None:
    """Figures against the recordings, where there are recordings."""
    if config is None or config.audio_sample_rate != rate:
        return
    from ..features.pitch import pitch_extractor

    try:
        extractor = pitch_extractor(config)
    except SingwizError:
        return  # this machine lacks the extractor that prepared the data
    truths = {
        clip.id: _cut(logged.recordings[int(clip.item)]()[0], clip, rate)
        for clip in clips
        if int(clip.item) in logged.recordings
    }
    for version in versions:
        figures: list[dict[str, float | None]] = []
        for clip in clips:
            sound = version.sounds[clip.id]
            found: dict[str, float | None] = {"loudness_range": loudness_range(sound, rate)}
            if version.role == "candidate" and clip.id in truths:
                found |= dict(compare(sound, truths[clip.id], config, extractor))
            figures.append(found)
        version.figures = mean_figures(figures)


def _read_files(folder: Path, found: Logged) -> None:
    for path in sorted(folder.glob("*/*.wav")) if folder.is_dir() else ():
        match = _FILE.fullmatch(path.name)
        if match is None or not path.parent.name.isdecimal():
            continue
        number, step = int(match[1]), int(path.parent.name)
        sounds = found.recordings if match[2] == "gt" else found.steps.setdefault(step, {})
        sounds[number] = lambda path=path: read_audio(path, None)  # type: ignore[misc]


def _read_events(folder: Path, found: Logged) -> None:
    """What TensorBoard kept; a damaged file ends where it is damaged."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    for path in sorted(folder.rglob("events.out.tfevents.*")):
        if not path.is_file():
            continue
        try:
            for event in EventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    _take_value(value, int(event.step), found)
        except Exception:  # noqa: S112 - whatever a damaged file makes the reader raise
            continue


def _take_value(value: Any, step: int, found: Logged) -> None:
    match = _TAG.fullmatch(value.tag)
    if match is None or step < 0:
        return
    data = bytes(value.audio.encoded_audio_string)
    if not data and value.tensor.string_val:
        data = bytes(value.tensor.string_val[0])
    if not data:
        return
    number = int(match[2])
    sounds = found.recordings if match[1] == "gt" else found.steps.setdefault(step, {})
    sounds[number] = lambda: _decode(data, value.tag)


def _decode(data: bytes, tag: str) -> tuple[Array, int]:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if not 0 < sound.frames <= _MOST_SECONDS * sound.samplerate:
                raise ValueError("impossible length")
            samples = sound.read(dtype="float32", always_2d=True).mean(axis=1)
            if not np.isfinite(samples).all():
                raise ValueError("values that are no numbers")
            return samples.astype(np.float32), int(sound.samplerate)
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise SingwizError(
            "listening-log-damaged",
            f"The sound '{tag}' in TensorBoard's log cannot be read.",
            hint="Choose other steps, or let the checkpoints sing anew.",
        ) from error
