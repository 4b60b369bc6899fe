"""From conditions and recordings to the sounds of a test.

Every condition sings the same clips with the same seed; loudness, length, rate and edges are made
equal, so that only what is asked about differs.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..atomic import write_bytes
from ..errors import SingwizError
from . import loudness
from .design import CATCHES, LEAST_TRIALS, check_size, sizes
from .plan import Clip, Condition, Kind, Plan, Role, Sound
from .store import SOUNDS, ListeningTest, new_id, now

Array = NDArray[np.float32]

SEED_RANGE = 2**31


@dataclass
class Version:
    """One condition with its sounds.

    Attributes:
        label: what it is called.
        made: how, as plain data.
        role: ``candidate``, or ``reference`` for a recording that others are compared with.
        sounds: clip id -> float32 samples.
        figures: means of :mod:`.companions` over the clips.
    """

    label: str
    made: Mapping[str, Any]
    role: Role = "candidate"
    sounds: dict[str, Array] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


def write_test(
    folder: Path,
    kind: Kind,
    clips: Sequence[Clip],
    versions: Sequence[Version],
    *,
    sample_rate: int,
    trials: int,
    seed: int,
    stages: bool = False,
    notes: Sequence[str] = (),
) -> ListeningTest:
    """Match the versions of every clip, add what tests the listener, and write all of it.

    Args:
        folder: ``listening/`` of the project.
        kind: of the test.
        clips: at least one.
        versions: each with a sound for every clip, all at ``sample_rate``; with MUSHRA one of
            them is the reference.
        sample_rate: Hz.
        trials: questions that count.
        seed: of orders and dither.
        stages: whether the versions are stages from the recording on, in this order.
        notes: what the listener should know of the result.

    Raises:
        SingwizError: the test makes no sense, a version is silent, or nothing can be written.
    """
    candidates = sum(one.role == "candidate" for one in versions)
    check_size(kind, candidates, trials)
    if kind == "mushra" and all(one.role != "reference" for one in versions):
        raise SingwizError(
            "listening-no-reference",
            "A MUSHRA test needs recordings to compare with.",
            hint="Choose another kind, e.g. rank.",
        )
    identifier = new_id(folder, kind)
    target = folder / identifier
    conditions, names = _conditions(kind, versions)
    generator = np.random.default_rng(seed)
    sounds: list[Sound] = []
    said = list(notes)
    try:
        for number, clip in enumerate(clips):
            variants = _variants(kind, clip, number, versions, names, sample_rate)
            for which, samples in variants.items():
                if loudness.loudness(samples, sample_rate) <= loudness.QUIETEST:
                    raise SingwizError(
                        "listening-silence",
                        f"'{_label(conditions, which[0])}' is silent in '{clip.item}'.",
                        hint="Train it longer, or leave it out of the test.",
                    )
            matched, level = loudness.match(
                {"/".join(key): one for key, one in variants.items()}, sample_rate
            )
            if level < loudness.TARGET - 0.05:
                said.append(
                    f"Clip {clip.id} is played at {level:.1f} LUFS: its peaks allow no more."
                )
            for condition, of in variants:
                samples = matched[f"{condition}/{of}"]
                copies = 2 if _has_twin(kind, condition, conditions) else 1
                for twin in range(copies):
                    token, digest = _write(target / SOUNDS, samples, sample_rate, generator)
                    sounds.append(
                        Sound(
                            token=token, clip=clip.id, condition=condition, of=of,
                            twin=bool(twin), sha256=digest,
                        )
                    )  # fmt: skip
        plan = Plan(
            schema=1,
            id=identifier,
            kind=kind,
            created=now(),
            seed=seed,
            trials=trials,
            # MUSHRA has its known answers on every page: hidden reference and anchors.
            catches=0 if kind == "mushra" else CATCHES,
            conditions=tuple(conditions),
            clips=tuple(clips),
            sounds=tuple(sounds),
            loudness=loudness.TARGET,
            stages=tuple(names) if stages else (),
            notes=tuple(said),
            figures=tuple(
                {"condition": one.label, **one.figures} for one in versions if one.figures
            ),
        )
        return ListeningTest.create(target, plan)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise SingwizError(
            "listening-not-writable",
            f"The listening test could not be written: {error.strerror or error}.",
            hint="Choose a project in a folder that belongs to you, with free space.",
            where=str(target),
        ) from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def length_of(
    kind: Kind, candidates: int, *, trials: int | None, clips: int | None, possible: int
) -> tuple[int, int]:
    """Questions and clips of a test, with no more clips than are possible.

    Raises:
        SingwizError: the test would be too short to show anything.
    """
    questions, number = sizes(kind, candidates, trials, clips)
    check_size(kind, candidates, questions)
    if number > possible:
        number = possible
        if kind in ("mushra", "tag"):
            questions = number * (candidates if kind == "tag" else 1)
        if questions < LEAST_TRIALS[kind]:
            raise SingwizError(
                "listening-too-few-clips",
                f"There are only {possible} different pieces of singing to listen to; a test of "
                f"the kind '{kind}' needs {LEAST_TRIALS[kind]}.",
                hint="Keep more recordings for validation, or choose ab, abx or rank.",
            )
    return questions, number


def _conditions(kind: Kind, versions: Sequence[Version]) -> tuple[list[Condition], list[str]]:
    labels = [one.label for one in versions]
    conditions, names = [], []
    for number, one in enumerate(versions, 1):
        label = one.label
        if labels.count(label) > 1:
            label = f"{label} ({number})"
        names.append(f"c{number}")
        conditions.append(
            Condition(id=f"c{number}", label=label[:120], role=one.role, made=dict(one.made))
        )
    if kind == "mushra":
        conditions.append(Condition(id="low-anchor", label="anchor, 3.5 kHz", role="low-anchor"))
        conditions.append(Condition(id="mid-anchor", label="anchor, 7 kHz", role="mid-anchor"))
    else:
        conditions.append(Condition(id="broken", label="spoiled on purpose", role="broken"))
    return conditions, names


def _label(conditions: Sequence[Condition], identifier: str) -> str:
    return next(one.label for one in conditions if one.id == identifier)


def _variants(
    kind: Kind,
    clip: Clip,
    number: int,
    versions: Sequence[Version],
    names: Sequence[str],
    sample_rate: int,
) -> dict[tuple[str, str], Array]:
    """(condition, made of) -> the sound of one clip."""
    found = {(name, ""): one.sounds[clip.id] for name, one in zip(names, versions, strict=True)}
    if kind == "mushra":
        reference = next(
            name for name, one in zip(names, versions, strict=True) if one.role == "reference"
        )
        for role, cutoff in (
            ("low-anchor", loudness.LOW_ANCHOR),
            ("mid-anchor", loudness.MID_ANCHOR),
        ):
            found[role, reference] = loudness.low_passed(found[reference, ""], sample_rate, cutoff)
    elif number < CATCHES:
        base = names[number % len(names)]
        found["broken", base] = loudness.broken(found[base, ""], sample_rate)
    return found


def _has_twin(kind: Kind, condition: str, conditions: Sequence[Condition]) -> bool:
    if kind == "abx":
        return True
    role = next(one.role for one in conditions if one.id == condition)
    return kind == "mushra" and role == "reference"


def _write(
    folder: Path, samples: Array, sample_rate: int, generator: np.random.Generator
) -> tuple[str, str]:
    """Write one sound under a name that says nothing; returns the name and the hash."""
    token = secrets.token_hex(8)
    data = io.BytesIO()
    soundfile.write(
        data, loudness.dithered(samples, generator), sample_rate, format="WAV", subtype="PCM_16"
    )
    content = data.getvalue()
    write_bytes(folder / f"{token}.wav", content)
    return token, hashlib.sha256(content).hexdigest()
