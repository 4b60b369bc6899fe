"""All checks of some recordings in one go, with or without a project around them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SingwizError
from ..findings import Finding, Place, Severity, count_by_severity
from ..project import ModelKind
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..dataset import RawDataset
    from ..dictionary import Dictionary, PhonemeSet


def check_recordings(
    datasets: Sequence[RawDataset],
    dictionaries: Mapping[str, str],
    *,
    base: Path,
    kind: ModelKind = "acoustic",
    sample_rate: int = 44100,
    extra_phonemes: Iterable[str] = (),
    merged_phoneme_groups: Iterable[Iterable[str]] = (),
    thresholds: Mapping[str, float] | None = None,
    workers: int | None = None,
    validation_items: Mapping[str, Collection[str]] | None = None,
    memory: Path | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Check recordings and dictionaries, and compare them with each other.

    Args:
        dictionaries: language -> path, or name of a shipped dictionary.
        base: relative dictionary paths start here.
        sample_rate: Hz that the model will work at.
        workers: recordings decoded at the same time; None = by the machine.
        validation_items: dataset name -> items that training will not see, where known.
        memory: folder that remembers what was heard, so that checking again is quick.

    Returns:
        ``findings`` (list of :meth:`Finding.to_dict`), ``summary`` (errors, warnings, notes,
        items, seconds), and ``mismatch`` (:meth:`Mismatch.to_dict`, None without a usable
        dictionary).
    """
    from ..dataset import check_datasets, label_sequences
    from ..dataset.fixes import with_fixes
    from ..dictionary import compare

    findings: list[Finding] = []
    phoneme_set = None
    if kind != "vocoder":  # a vocoder hears no phonemes
        phoneme_set = _phoneme_set(
            sorted({dataset.language for dataset in datasets}),
            dictionaries,
            base,
            extra_phonemes,
            merged_phoneme_groups,
            findings,
        )
    findings += check_datasets(
        datasets,
        phoneme_set,
        kind=kind,
        sample_rate=sample_rate,
        thresholds=thresholds,
        workers=workers or min(4, os.cpu_count() or 1),
        validation_items=validation_items,
        memory=memory,
        reporter=reporter,
    )
    mismatch = None
    if phoneme_set is not None:
        mismatch = compare(phoneme_set, label_sequences(datasets))
    counts = count_by_severity(findings)
    items = [item for dataset in datasets for item in dataset.items]
    return {
        "findings": [finding.to_dict() for finding in with_fixes(findings)],
        "summary": {
            "errors": counts["error"],
            "warnings": counts["warning"],
            "notes": counts["note"],
            "items": len(items),
            "seconds": round(sum(item.seconds for item in items), 3),
        },
        "mismatch": mismatch.to_dict() if mismatch else None,
    }


def _phoneme_set(
    languages: Sequence[str],
    dictionaries: Mapping[str, str],
    base: Path,
    extra_phonemes: Iterable[str],
    merged_phoneme_groups: Iterable[Iterable[str]],
    findings: list[Finding],
) -> PhonemeSet | None:
    """The phoneme set, or None with the reason added to ``findings``."""
    from ..dictionary import PhonemeSet, read_dictionary, resolve_dictionary

    read: dict[str, Dictionary] = {}
    complete = True
    for language in languages:
        if language not in dictionaries:
            complete = False
            findings.append(
                Finding(
                    "dictionary-not-chosen",
                    Severity.ERROR,
                    f"No dictionary is chosen for the language '{language}', so the labels "
                    "cannot be compared with one.",
                    "Name it with --dictionary, or choose one in the wizard's dictionary step.",
                )
            )
    for language, name in dictionaries.items():
        try:
            path = resolve_dictionary(name, base=base)
            read[language], problems = read_dictionary(path, language)
            findings += problems
        except SingwizError as error:
            complete = False
            findings.append(_as_finding(error))
    if not complete or not read:
        return None
    try:
        return PhonemeSet.build(
            read,
            extra_phonemes=extra_phonemes,
            merged_phoneme_groups=[list(group) for group in merged_phoneme_groups],
        )
    except SingwizError as error:
        findings.append(_as_finding(error))
        return None


def _as_finding(error: SingwizError) -> Finding:
    return Finding(error.code, Severity.ERROR, error.message, error.hint, Place(file=error.where))
