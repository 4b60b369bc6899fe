"""Fixes of the choices in ``singwiz.yaml``: speakers and validation items."""

from __future__ import annotations

from collections.abc import Sequence

from ...config import choose_validation_items
from ...findings import Finding
from ...project import Recordings
from ..raw import RawDataset
from .registry import FixRun, project_fix


@project_fix("config-speaker-two-ids", title="Let equal names have equal numbers", safe=True)
def one_id_per_speaker(run: FixRun, findings: Sequence[Finding]) -> None:
    """Numbers of a speaker that contradict each other are given automatically instead."""
    _automatic(run, "config-speaker-two-ids", by="speaker")


@project_fix("config-speakers-share-id", title="Let every speaker have its own number", safe=True)
def one_speaker_per_id(run: FixRun, findings: Sequence[Finding]) -> None:
    """A number that several speakers share is given automatically instead."""
    _automatic(run, "config-speakers-share-id", by="spk_id")


def _automatic(run: FixRun, code: str, *, by: str) -> None:
    datasets = run.project.state.datasets
    other = "spk_id" if by == "speaker" else "speaker"
    for value in dict.fromkeys(getattr(entry, by) for entry in datasets):
        group = [entry for entry in datasets if getattr(entry, by) == value]
        if value is None or len({getattr(entry, other) for entry in group}) < 2:
            continue
        for entry in group:
            if run.edit.setting(f"datasets.{entry.name}.spk_id") is not None:
                run.edit.set(f"datasets.{entry.name}.spk_id", None)
                what = f"The number of the speaker '{entry.speaker}' is given automatically."
                run.edit.did(code, what, dataset=entry.name)


@project_fix("validation-only-phoneme", title="Keep items with rare sounds for training", safe=True)
def release_items(run: FixRun, findings: Sequence[Finding]) -> None:
    """Items that alone contain a phoneme go from validation to training."""
    code = "validation-only-phoneme"
    datasets = run.project.state.datasets
    sung = {entry.name: _sung(run, entry) for entry in datasets}
    # What is chosen automatically is written down, so that taking one out does not shuffle all.
    lists = choose_validation_items(datasets, sung, sung=sung)
    chosen = dict(zip(sung, lists, strict=True))
    released: list[tuple[str, str]] = []
    for finding in findings:
        name, item = finding.place.dataset, finding.place.item
        if item not in chosen.get(name, ()):
            why = "It is chosen by the beginning of its name; write full names in test_prefixes."
            if any(item.startswith(rule) for rule in chosen.get(name, ())):
                run.edit.refuse(code, why, dataset=name, item=item)
        elif sum(map(len, chosen.values())) == 1:
            why = "It is the only validation item; choose another one first."
            run.edit.refuse(code, why, dataset=name, item=item)
        else:
            chosen[name].remove(item)
            released.append((name, item))
    if not released:
        return
    for entry in datasets:
        if chosen[entry.name] != entry.test_prefixes:
            run.edit.set(f"datasets.{entry.name}.test_prefixes", chosen[entry.name])
    for name, item in released:
        what = f"'{item}' is kept for training instead of validation."
        run.edit.did(code, what, dataset=name, item=item)


def _sung(run: FixRun, entry: Recordings) -> dict[str, tuple[str, ...]]:
    """The phonemes of every usable item."""
    folder = run.project.raw_folder(entry)
    dataset = RawDataset.open(
        folder, name=entry.name, speaker=entry.speaker, language=entry.language
    )
    return {item.name: item.ph_seq for item in dataset.items}
