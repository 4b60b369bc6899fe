"""Fixes of the choices in ``singwiz.yaml``: speakers and validation items."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ...config import choose_validation_items
from ...findings import Finding
from ...project import Recordings
from ..audio import AUDIO_SUFFIXES
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


@project_fix(
    "validation-empty",
    "training-empty",
    "validation-large",
    "validation-rule-broad",
    "validation-speaker-missing",
    title="Choose validation items automatically",
    safe=False,
)
def choose_automatically(run: FixRun, findings: Sequence[Finding]) -> None:
    """Forget the rules that the user gave; items are chosen anew from then on."""
    code = findings[0].code
    ruled = [
        entry
        for entry in run.project.state.datasets
        if run.edit.setting(f"datasets.{entry.name}.test_prefixes")
    ]
    if not ruled:
        run.edit.refuse(code, "They are chosen automatically already; there are too few items.")
    for entry in ruled:
        what = f"choose the validation items of '{entry.name}' automatically."
        if run.safe_only:
            why = f"Not done without being asked for: {what}"
            run.edit.refuse(code, why, dataset=entry.name, risky=True)
            continue
        run.edit.set(f"datasets.{entry.name}.test_prefixes", [])
        what = f"The validation items of '{entry.name}' are chosen automatically."
        run.edit.did(code, what, dataset=entry.name, safe=False)


@project_fix("validation-rule-unmatched", title="Correct rules that match nothing", safe=True)
def correct_rules(run: FixRun, findings: Sequence[Finding]) -> None:
    """A rule that differs from a name only in how it is written is corrected; others can go."""
    code = "validation-rule-unmatched"
    names = {finding.place.dataset for finding in findings}
    for entry in run.project.state.datasets:
        key = f"datasets.{entry.name}.test_prefixes"
        if entry.name not in names and "" not in names:
            continue
        items = _sung(run, entry)
        plain = {_plain(item): item for item in items}
        rules: list[str] = []
        for rule in run.edit.setting(key):
            if any(item.startswith(rule) for item in items):
                rules.append(rule)
                continue
            meant = plain.get(_plain(rule))
            if meant is not None:
                what, safe = f"'{rule}' in test_prefixes is corrected to '{meant}'.", True
            else:
                what, safe = f"'{rule}', which matches nothing, goes from test_prefixes.", False
            if not safe and run.safe_only:
                why = f"Not done without being asked for: {what}"
                run.edit.refuse(code, why, dataset=entry.name, risky=True)
                rules.append(rule)
                continue
            rules += [meant] if meant is not None else []
            run.edit.did(code, what, dataset=entry.name, safe=safe)
        if rules != run.edit.setting(key):
            run.edit.set(key, list(dict.fromkeys(rules)))


def _plain(name: str) -> str:
    """A name without extension, differences of case and Unicode form."""
    for suffix in AUDIO_SUFFIXES:
        name = name.removesuffix(suffix)
    return unicodedata.normalize("NFC", name).casefold().strip()


@project_fix(
    "validation-only-phoneme",
    "validation-copy",
    title="Move validation items to training",
    safe=True,
)
def release_items(run: FixRun, findings: Sequence[Finding]) -> None:
    """Items that alone contain a phoneme, or that are learned anyway, go to training."""
    code = findings[0].code
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
