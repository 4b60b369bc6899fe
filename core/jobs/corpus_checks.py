"""Checks of the recordings of a voice as a whole: how much there is, and what is held back."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import SingwizError
from ..findings import Finding
from .catalogue import say

if TYPE_CHECKING:
    from ..binarize.split import Split
    from ..dataset import Item, RawDataset
    from ..dataset.checks import Thresholds

_PART = re.compile(r"^(.+?)[\s_#.-]+\d+$")
_SHOWN = 3


def check_amounts(datasets: Sequence[RawDataset], limits: Thresholds) -> list[Finding]:
    """How much every speaker sings."""
    by_speaker: dict[str, float] = defaultdict(float)
    for dataset in datasets:
        by_speaker[dataset.speaker] += sum(item.seconds for item in dataset.items)
    total = sum(by_speaker.values())
    # Labels in another unit make years of it; that has a finding of its own.
    if not total or total > 1e7:
        return []
    findings = []
    if total < limits.total_min:
        findings.append(
            say(
                "recordings-little",
                f"There are {_minutes(total)} of recordings; a voice needs about "
                f"{_minutes(limits.total_min)}.",
            )
        )
    for speaker, seconds in by_speaker.items():
        if len(by_speaker) > 1 and seconds < limits.speaker_min:
            message = f"'{speaker}' has only {_minutes(seconds)} of recordings."
            findings.append(say("speaker-little", message, symbol=speaker))
    most, least = (pick(by_speaker, key=by_speaker.__getitem__) for pick in (max, min))
    if by_speaker[most] > limits.speaker_ratio * by_speaker[least]:
        message = (
            f"'{most}' has {_minutes(by_speaker[most])} of recordings, '{least}' only "
            f"{_minutes(by_speaker[least])}."
        )
        findings.append(say("speakers-unbalanced", message, symbol=least))
    return findings


def check_validation(
    datasets: Sequence[RawDataset], rules: Sequence[Sequence[str]], limits: Thresholds
) -> list[Finding]:
    """What the rules in ``test_prefixes`` keep back.

    Args:
        rules: of every dataset, given or chosen.
    """
    from ..binarize.split import split_items

    names = {
        f"{number}:{item.name}": (dataset, item)
        for number, dataset in enumerate(datasets)
        for item in dataset.items
    }
    if not names:
        return []
    flat = [f"{number}:{rule}" for number, own in enumerate(rules) for rule in own]
    try:
        split = split_items(names, flat)
    except SingwizError as error:
        return [say(error.code, error.message, hint=error.hint)]
    findings = _check_rules(datasets, rules, split, limits)
    kept = len(split.valid)
    if kept > limits.validation_items or (
        kept > limits.validation_share * len(names) and kept > len(datasets)
    ):
        message = f"{kept} of {len(names)} recordings are kept for validation."
        findings.append(say("validation-large", message))
    for kind, of in (("speaker", lambda d: d.speaker), ("language", lambda d: d.language)):
        every = {of(dataset) for dataset in datasets if dataset.items}
        for name in sorted(every - {of(names[key][0]) for key in split.valid}):
            message = f"No recording of the {kind} '{name}' is kept for validation."
            findings.append(say("validation-speaker-missing", message, symbol=name))
    return findings + _check_leaks(names, split)


def _check_rules(
    datasets: Sequence[RawDataset],
    rules: Sequence[Sequence[str]],
    split: Split,
    limits: Thresholds,
) -> list[Finding]:
    findings = []
    for flat in split.unmatched:
        number, _, rule = flat.partition(":")
        dataset = datasets[int(number)]
        near = difflib.get_close_matches(rule, [item.name for item in dataset.items], n=1)
        hint = f"Did you mean '{near[0]}'?" if near else None
        message = f"No recording of '{dataset.name}' begins with '{rule}' (test_prefixes)."
        findings.append(say("validation-rule-unmatched", message, dataset=dataset.name, hint=hint))
    for dataset, own in zip(datasets, rules, strict=True):
        every = {item.name for item in dataset.items}
        for rule in dict.fromkeys(own):
            taken = 1 if rule in every else sum(name.startswith(rule) for name in every)
            if taken > limits.validation_rule_items:
                message = f"'{rule}' in test_prefixes takes {taken} recordings."
                findings.append(say("validation-rule-broad", message, dataset=dataset.name))
    return findings


def _check_leaks(names: Mapping[str, tuple[RawDataset, Item]], split: Split) -> list[Finding]:
    """Kept recordings whose song, or whose very labels, are learned."""
    learned_songs: set[tuple[str, str]] = set()
    learned_labels: dict[tuple[object, ...], str] = {}
    for key in split.train:
        dataset, item = names[key]
        learned_songs.add((dataset.name, _song(item.name)))
        learned_labels[_labels(item)] = item.name
    # Where all names begin alike, the beginning names the collection and not a song.
    songs: dict[str, set[str]] = defaultdict(set)
    for dataset, item in names.values():
        songs[dataset.name].add(_song(item.name))
    findings = []
    leaks = []
    for key in split.valid:
        dataset, item = names[key]
        twin = learned_labels.get(_labels(item))
        name = item.name
        if twin is not None:
            message = f"'{name}' is kept for validation, but '{twin}' has the same labels."
            findings.append(say("validation-copy", message, dataset=dataset.name, item=name))
        elif (
            _song(name)
            and len(songs[dataset.name]) > 1
            and (dataset.name, _song(name)) in learned_songs
        ):
            leaks.append((dataset.name, name))
    if leaks:
        shown = ", ".join(f"'{name}'" for _, name in leaks[:_SHOWN])
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        message = f"Other parts of the songs of {shown}{more} are learned."
        findings.append(say("validation-leak", message, dataset=leaks[0][0], item=leaks[0][1]))
    return findings


def _song(name: str) -> str:
    """What parts of one song have in common: ``song_01`` -> ``song``; empty if there is no part."""
    found = _PART.match(name)
    return found[1] if found else ""


def _labels(item: Item) -> tuple[object, ...]:
    return (item.ph_seq, item.ph_dur)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
