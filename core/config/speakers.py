"""Which number every singer gets inside a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class HasSpeaker(Protocol):
    """Anything that names a speaker: a config's dataset entry or a project's recordings."""

    @property
    def speaker(self) -> str: ...

    @property
    def spk_id(self) -> int | None: ...


def assign_speaker_ids(datasets: Iterable[HasSpeaker]) -> list[int]:
    """The speaker id of every dataset, in order.

    Explicit ids stay. The others get, in order, the smallest numbers that are not taken;
    datasets that name the same speaker share one number, also with a dataset whose number is
    explicit. Contradictions among explicit ids are left as they are: ``check_config`` reports
    them.
    """
    datasets = list(datasets)
    taken = {dataset.spk_id for dataset in datasets if dataset.spk_id is not None}
    by_name: dict[str, int] = {}
    for dataset in datasets:
        if dataset.spk_id is not None and dataset.speaker:
            by_name.setdefault(dataset.speaker, dataset.spk_id)
    ids: list[int] = []
    for dataset in datasets:
        number = dataset.spk_id
        if number is None and dataset.speaker:
            number = by_name.get(dataset.speaker)
        if number is None:
            number = next(n for n in range(len(taken) + 1) if n not in taken)
            taken.add(number)
            if dataset.speaker:
                by_name[dataset.speaker] = number
        ids.append(number)
    return ids
