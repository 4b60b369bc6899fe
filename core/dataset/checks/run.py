"""Running every check over the datasets of a voice, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...dictionary.mismatch import Mismatch, compare
from ...dictionary.phonemes import PhonemeSet
from ...errors import USAGE_PROBLEM, SingwizError
from ...findings import Finding
from ...reporting import Reporter
from ..raw import RawDataset
from .ds_files import check_ds_files
from .files import check_ignored_columns, check_orphans
from .labels import check_labels
from .needs import KINDS, Needs
from .notes import check_columns, check_glides, check_notes, check_word_forms
from .phonemes import (
    check_coverage,
    check_known,
    check_language,
    check_mandarin,
    check_training_coverage,
    kinds_in,
)
from .thresholds import Thresholds

if TYPE_CHECKING:
    from .listening import PitchTracker


def label_sequences(
    datasets: Sequence[RawDataset],
) -> Iterator[tuple[str, str, tuple[str, ...], tuple[float, ...]]]:
    """Item name, language, ``ph_seq`` and ``ph_dur`` (s) of every usable item, for ``compare``."""
    for dataset in datasets:
        for item in dataset.items:
            yield item.name, dataset.language, item.ph_seq, item.ph_dur


def check_datasets(
    datasets: Sequence[RawDataset],
    phoneme_set: PhonemeSet | None,
    *,
    kind: str = "acoustic",
    sample_rate: int = 44100,
    needs: Needs | None = None,
    thresholds: Mapping[str, float] | Thresholds | None = None,
    workers: int = 1,
    audio: bool = True,
    validation_items: Mapping[str, Collection[str]] | None = None,
    tracker: PitchTracker | None = None,
    memory: Path | None = None,
    reporter: Reporter | None = None,
) -> list[Finding]:
    """Everything that can be said about the recordings of a voice.

    Args:
        datasets: opened raw datasets; their own findings are included.
        phoneme_set: of the voice; None skips the checks of phonemes.
        kind: model to be trained. ``variance`` makes faults in note columns errors,
            ``vocoder`` skips what is said about labels, phonemes and their lengths.
        sample_rate: of the voice, Hz.
        needs: more about the model; replaces ``kind`` and ``sample_rate``.
        thresholds: limits to move, by name.
        workers: recordings decoded at the same time.
        audio: False leaves the recordings closed and checks labels and names only.
        validation_items: dataset name -> items kept for validation, where already chosen.
        tracker: real pitch tracker for what the quick look finds suspicious, and for the range
            of the voice; None trusts the quick look and says nothing about the range.
        memory: folder that remembers what was heard, so that the next check only listens to
            what changed; None remembers nothing.
        reporter: receives progress (items heard) and may cancel.

    Raises:
        SingwizError: unknown kind or limit.
        Cancelled: the user stopped.
    """
    needs = needs or Needs(kind=kind, sample_rate=sample_rate)
    if needs.kind not in KINDS:
        raise SingwizError(
            "kind-unknown",
            f"There are no checks for a model of kind '{needs.kind}'.",
            hint=f"Use one of: {', '.join(KINDS)}.",
            exit_code=USAGE_PROBLEM,
        )
    limits = Thresholds.of(thresholds)
    reporter = reporter or Reporter()
    findings: list[Finding] = []
    for dataset in datasets:
        findings += dataset.findings
        findings += check_orphans(dataset, limits)
        if needs.kind != "vocoder":
            findings += check_labels(dataset, limits, needs)
            findings += check_ignored_columns(dataset)
            findings += _check_variance(dataset, needs, limits)
    if needs.kind == "variance":
        findings += check_glides(datasets, needs)
    if phoneme_set is not None and needs.kind != "vocoder":
        findings += phoneme_set.findings
        if any(dataset.items for dataset in datasets):
            findings += _check_phonemes(datasets, phoneme_set, validation_items or {}, limits)
    if audio:
        from .hearing import check_by_ear

        findings += check_by_ear(
            datasets,
            needs,
            limits,
            unusable={f.place.dataset for f in findings if f.code == "duration-unit"},
            workers=workers,
            tracker=tracker,
            memory=memory,
            reporter=reporter,
        )
    from ..fixes import with_fixes

    return with_fixes(findings)


def _check_variance(dataset: RawDataset, needs: Needs, limits: Thresholds) -> list[Finding]:
    findings = check_columns(dataset, needs) if needs.kind == "variance" else []
    for item in dataset.items:
        if len(item.cells) > 3:
            findings += check_notes(dataset, item, needs, limits)
    return findings + check_ds_files(dataset, needs, limits)


def _check_phonemes(
    datasets: Sequence[RawDataset],
    phoneme_set: PhonemeSet,
    validation_items: Mapping[str, Collection[str]],
    limits: Thresholds,
) -> list[Finding]:
    mismatch: Mismatch = compare(phoneme_set, label_sequences(datasets))
    findings = check_mandarin(datasets, mismatch)
    # One cause, one finding: what another dictionary explains is not listed symbol by symbol.
    explained = {finding.code for finding in findings}
    for dataset in datasets:
        findings += check_known(dataset, phoneme_set, mismatch, explained=bool(explained))
        findings += check_language(dataset, phoneme_set, limits)
        findings += check_word_forms(dataset, kinds_in(dataset, phoneme_set), limits)
    findings += check_coverage(mismatch, limits, explained=bool(explained))
    findings += check_training_coverage(datasets, phoneme_set, validation_items)
    return findings
