"""All checks of some recordings in one go, with or without a project around them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SingwizError
from ..findings import Finding, Place, Severity, count_by_severity
from ..project import ModelKind, Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import RawDataset
    from ..dataset.checks import Needs, Thresholds
    from ..dictionary import Dictionary, PhonemeSet


_PAIR: tuple[ModelKind, ModelKind] = ("acoustic", "variance")


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
    project: Project | None = None,
    config: Config | None = None,
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
        project: what the recordings belong to; its config, its folders, and what was made
            earlier are checked as well.
        config: of the model, without a project; replaces ``kind`` and ``sample_rate``.

    Returns:
        ``findings`` (list of :meth:`Finding.to_dict`), ``summary`` (errors, warnings, notes,
        items, seconds), and ``mismatch`` (:meth:`Mismatch.to_dict`, None without a usable
        dictionary).
    """
    from ..dataset import check_datasets, label_sequences
    from ..dataset.checks import Needs, Thresholds
    from ..dataset.fixes import with_fixes
    from ..dictionary import compare
    from ..features.pitch_scan import scan_tracker

    limits = Thresholds.of(thresholds)
    findings: list[Finding] = []
    if project is not None:
        found, config = _project_config(project, kind, datasets)
        findings += found
    needs = needs_of(config) if config else Needs(kind=kind, sample_rate=sample_rate)
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
        needs=needs,
        thresholds=limits,
        workers=workers or min(4, os.cpu_count() or 1),
        validation_items=validation_items,
        tracker=scan_tracker(),
        memory=memory,
        reporter=reporter,
    )
    not_in_seconds = {f.place.dataset for f in findings if f.code == "duration-unit"}
    timed = [dataset for dataset in datasets if dataset.name not in not_in_seconds]
    findings += _check_whole(datasets, timed, kind, project, config, limits)
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


def needs_of(config: Config) -> Needs:
    """What the model of a config needs of its recordings."""
    from ..dataset.checks import Needs

    variance = config.kind == "variance"
    glides = variance and config.use_glide_embed
    return Needs(
        kind=config.kind,
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        f0_min=config.f0_min,
        f0_max=config.f0_max,
        predict_dur=variance and config.predict_dur,
        predict_pitch=variance and config.predict_pitch,
        glide_types=tuple(config.glide_types) if glides else (),
        prefer_ds=variance and config.binarization_args.prefer_ds,
    )


_ABOUT_SIZE = frozenset({"config-large-on-cpu", "config-muon-on-cpu"})


def _project_config(
    project: Project, kind: ModelKind, datasets: Sequence[RawDataset]
) -> tuple[list[Finding], Config | None]:
    """What is wrong with the config that the project would use, and that config, if any."""
    from ..config import check_config, list_presets
    from ..config.checks import check_pair

    if not list_presets(kind) and not project.config_path(kind).exists():
        return [], None
    has_items = any(dataset.items for dataset in datasets)
    try:
        config = current_config(project, kind, datasets)
    except SingwizError as error:
        # Without recordings or dictionary there is no config yet; those have their own findings.
        incomplete = not has_items or error.code.startswith("dictionary-")
        return ([] if incomplete else [_as_finding(error)]), None
    findings = [
        finding
        for finding in check_config(config, base_dir=project.root)
        if has_items or finding.code != "config-no-validation"
    ]
    if kind not in project.state.models and not project.config_path(kind).exists():
        # Nobody has chosen a size yet, and what the wizard will propose suits the machine.
        findings = [finding for finding in findings if finding.code not in _ABOUT_SIZE]
    both = all(project.config_path(one).exists() for one in _PAIR)
    if both and kind in _PAIR:
        with contextlib.suppress(SingwizError):  # checking the other model says what is wrong
            acoustic, variance = (
                config if one == kind else current_config(project, one, datasets) for one in _PAIR
            )
            findings += check_pair(acoustic, variance)
    return findings, config


def current_config(project: Project, kind: ModelKind, datasets: Sequence[RawDataset]) -> Config:
    """The config that a stage would use, without writing it."""
    from ..config import load_config
    from .configuring import edited_by_hand, planned_config

    if edited_by_hand(project, kind):
        return load_config(project.config_path(kind))
    return planned_config(project, kind, datasets=datasets)


def _check_whole(
    datasets: Sequence[RawDataset],
    timed: Sequence[RawDataset],
    kind: ModelKind,
    project: Project | None,
    config: Config | None,
    limits: Thresholds,
) -> list[Finding]:
    """Checks of the voice as a whole, its project and the machine.

    Args:
        timed: those of the datasets whose labels are in seconds.
    """
    from . import corpus_checks, environment, prepared_checks
    from .catalogue import say

    findings: list[Finding] = []
    if project is not None or config is not None:
        findings += corpus_checks.check_amounts(timed, limits)
    if config is not None and kind != "vocoder":
        rules = [entry.test_prefixes for entry in config.datasets]
        if len(rules) == len(datasets) and any(rules):
            findings += corpus_checks.check_validation(datasets, rules, limits)
        findings += environment.check_batch_length(config, timed)
    if project is None:
        return findings
    if not project.state.consent:
        message = "Nobody has confirmed that the singer agrees to this voice."
        findings.append(say("consent-missing", message))
    findings += environment.check_paths(project, datasets, limits)
    if config is not None:
        findings += environment.check_resources(project, kind, config, timed, limits)
        findings += environment.check_earlier_work(project, kind, config)
        findings += prepared_checks.check_prepared(project.binary_dir(kind))
    return findings


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
