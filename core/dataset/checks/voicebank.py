"""Recognising UTAU voicebanks where a singing corpus is expected, and saying what they lack."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import SingwizError
from ...findings import Finding, Place
from .rules import report, some
from .thresholds import Thresholds

if TYPE_CHECKING:
    from ..raw import Item, RawDataset
    from .listening import Listening

_QUIET_SHARE = 5.0
_FEWEST = 10


def check_voicebank(root: Path, children: Sequence[Path], place: Place) -> list[Finding]:
    """What is in a voicebank folder; empty if it is none.

    Args:
        root: the chosen folder.
        children: what is in it.
        place: of the findings.

    Raises:
        OSError: a folder in it cannot be read.
    """
    from ..labels.utau import OTO_FILE, read_voicebank

    folders = [child for child in children if child.is_dir()]
    near = [
        path
        for folder in (root, *folders)
        for path in (children if folder is root else folder.iterdir())
        if path.name.lower() == OTO_FILE
    ]
    if not near:
        return []
    try:
        bank = read_voicebank(root)
    except SingwizError as error:
        message = f"'{root.name}' is an UTAU voicebank whose {OTO_FILE} cannot be read."
        return [report("utau-voicebank", message, place, hint=error.hint)]
    first, *more = bank.explain()
    findings = [report("utau-voicebank", first, place, hint=" ".join([*more, _CURE]))]
    entries = [entry for own in bank.entries.values() for entry in own]
    crossed = [entry.alias for entry in entries if entry.overlap > entry.preutterance > 0]
    if crossed:
        message = f"In {OTO_FILE} the overlap of {some(crossed)} is longer than the preutterance."
        findings.append(report("utau-oto", message, Place(place.dataset, file=str(near[0]))))
    return findings


def samples_of(dataset: RawDataset) -> list[Item]:
    """The samples of a voicebank as items without labels; empty if the folder is none."""
    from ..labels.utau import read_voicebank
    from ..raw import Item

    if not any(finding.code == "utau-voicebank" for finding in dataset.findings):
        return []
    try:
        bank = read_voicebank(dataset.root)
        return [
            Item(path.stem, entries[0].line, (), (), {}, path) for path, entries in bank.samples()
        ]
    except (SingwizError, OSError):
        return []


def check_samples(
    dataset: RawDataset, heard: Sequence[tuple[Item, Listening]], limits: Thresholds
) -> list[Finding]:
    """Noise and pitch of the samples of a voicebank, one finding each.

    Args:
        heard: samples and what was heard in them, by a pitch tracker if there is one.
    """
    from .pitch import note_name

    findings = []
    noise = [float(np.percentile(one.level, _QUIET_SHARE)) for _, one in heard if len(one.level)]
    if noise and statistics.median(noise) > limits.noise_floor:
        message = f"Behind the samples there is noise of {statistics.median(noise):.0f} dBFS."
        findings.append(report("pause-noisy", message, dataset.place(file=str(dataset.root))))
    sung = [
        (item.name, float(np.median(one.f0[one.f0 > 0])))
        for item, one in heard
        if (one.f0 > 0).sum() >= _FEWEST
    ]
    if not sung:
        return findings
    middle = statistics.median(hertz for _, hertz in sung)
    steps = {name: 12 * float(np.log2(hertz / middle)) for name, hertz in sung}
    away = {name: step for name, step in steps.items() if abs(step) > limits.sample_pitch}
    if away:
        nearest, farthest = (f"{pick(map(abs, away.values())):.0f}" for pick in (min, max))
        range_ = nearest if nearest == farthest else f"{nearest} to {farthest}"
        message = (
            f"Most samples are at {note_name(middle)}, but {some(list(away), limit=8)} are "
            f"{range_} semitones away."
        )
        findings.append(report("utau-pitch", message, dataset.place(file=str(dataset.root))))
    return findings


_CURE = "Make a dataset of it with 'singwiz import'."
