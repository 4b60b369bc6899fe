"""Running every check over the datasets of a voice, with progress and a way to stop."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...dictionary.mismatch import compare
from ...dictionary.phonemes import PhonemeSet
from ...errors import USAGE_PROBLEM, Cancelled, SingwizError
from ...findings import Finding
from ...reporting import Reporter
from ..raw import Item, RawDataset
from .files import check_orphans
from .labels import check_labels
from .phonemes import check_coverage, check_known, check_language, check_training_coverage
from .thresholds import Thresholds

KINDS = ("acoustic", "variance", "vocoder")
"""Model kinds whose needs the checks know; a vocoder learns from sound alone."""

_REPORT_EVERY = 0.1


def label_sequences(
    datasets: Sequence[RawDataset],
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Item name, language and ``ph_seq`` of every usable item, for ``dictionary.compare``."""
    for dataset in datasets:
        for item in dataset.items:
            yield item.name, dataset.language, item.ph_seq


def check_datasets(
    datasets: Sequence[RawDataset],
    phoneme_set: PhonemeSet | None,
    *,
    kind: str = "acoustic",
    sample_rate: int = 44100,
    thresholds: Mapping[str, float] | Thresholds | None = None,
    workers: int = 1,
    audio: bool = True,
    validation_items: Mapping[str, Collection[str]] | None = None,
    reporter: Reporter | None = None,
) -> list[Finding]:
    """Everything that can be said about the recordings of a voice.

    Args:
        datasets: opened raw datasets; their own findings are included.
        phoneme_set: of the voice; None skips the checks of phonemes.
        kind: model to be trained. ``variance`` makes faults in note columns errors,
            ``vocoder`` skips what is said about labels, phonemes and their lengths.
        sample_rate: of the voice, Hz.
        thresholds: limits to move, by name.
        workers: recordings decoded at the same time.
        audio: False leaves the recordings closed and checks labels and names only.
        validation_items: dataset name -> items kept for validation, where already chosen.
        reporter: receives progress (items heard) and may cancel.

    Raises:
        SingwizError: unknown kind or limit.
        Cancelled: the user stopped.
    """
    if kind not in KINDS:
        raise SingwizError(
            "kind-unknown",
            f"There are no checks for a model of kind '{kind}'.",
            hint=f"Use one of: {', '.join(KINDS)}.",
            exit_code=USAGE_PROBLEM,
        )
    limits = Thresholds.of(thresholds)
    reporter = reporter or Reporter()
    findings: list[Finding] = []
    for dataset in datasets:
        findings += dataset.findings
        findings += check_orphans(dataset, limits)
        if kind != "vocoder":
            findings += check_labels(dataset, limits, kind)
    if phoneme_set is not None and kind != "vocoder":
        findings += phoneme_set.findings
        if any(dataset.items for dataset in datasets):
            findings += _check_phonemes(datasets, phoneme_set, validation_items or {}, limits)
    if audio:
        findings += _check_audio(datasets, kind, sample_rate, limits, workers, reporter)
    return findings


def _check_phonemes(
    datasets: Sequence[RawDataset],
    phoneme_set: PhonemeSet,
    validation_items: Mapping[str, Collection[str]],
    limits: Thresholds,
) -> list[Finding]:
    mismatch = compare(phoneme_set, label_sequences(datasets))
    findings: list[Finding] = []
    for dataset in datasets:
        findings += check_known(dataset, phoneme_set, mismatch)
        findings += check_language(dataset, phoneme_set, limits)
    findings += check_coverage(mismatch, limits)
    findings += check_training_coverage(datasets, phoneme_set, validation_items)
    return findings


def _check_audio(
    datasets: Sequence[RawDataset],
    kind: str,
    sample_rate: int,
    limits: Thresholds,
    workers: int,
    reporter: Reporter,
) -> list[Finding]:
    from ..measure import Measures, measure_all
    from .sound import check_label_length, check_sound

    total = sum(len(dataset.items) for dataset in datasets)
    done, reported = 0, 0.0
    findings: list[Finding] = []
    for dataset in datasets:
        heard: list[tuple[Item, Measures]] = []
        items = [item for item in dataset.items if item.audio is not None]
        paths = [item.audio for item in items if item.audio is not None]
        measured = measure_all(paths, workers=workers)
        for item, measures in zip(items, measured, strict=True):
            if reporter.cancelled():
                raise Cancelled
            heard.append((item, measures))
            done += 1
            if time.monotonic() - reported > _REPORT_EVERY or done == total:
                reporter.progress(done, total, f"Listening to {item.name}")
                reported = time.monotonic()
        if kind != "vocoder":
            findings += check_label_length(dataset, heard, limits)
        findings += check_sound(dataset, heard, sample_rate, limits)
    return findings
