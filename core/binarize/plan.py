"""What a binarization has to do: config, dictionaries and labels become tasks.

Everything a user can get wrong in settings or labels is refused here, before any recording is
opened. The work itself is started in :mod:`.run`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..config import Config, assign_speaker_ids, check_config
from ..config.section import meta_of
from ..dataset.raw import Item, RawDataset
from ..dictionary import Dictionary, PhonemeSet, compare, read_dictionary, resolve_dictionary
from ..errors import SingwizError
from ..findings import Severity
from .augmentation import ORIGINAL, Variant, plan_augmentation
from .feature_cache import file_digest
from .layers import extractor_of, separator_of
from .notes import count_glides, count_notes, read_curves, read_notes, summary
from .report import BinarizeReport
from .split import Split, split_items
from .task import CURVES, Notes, Recipe, Task

SEED = 1234
"""Of augmentation and of the order of the training items."""

NAMED = 5
"""How many broken items an error message names; the log has all of them."""


@dataclass(frozen=True, eq=False)
class Source:
    """One item with what its dataset says about it, and what only variance models need."""

    key: str
    item: Item
    speaker: str
    spk_id: int
    language: str
    notes: Notes = field(default_factory=Notes)
    given: dict[str, tuple[NDArray[np.float32], float]] = field(default_factory=dict)


def recipe_from_config(config: Config, base: Path) -> Recipe:
    """What decides the features of a recording.

    Args:
        config: of an acoustic or a variance model.
        base: where relative paths start.

    Raises:
        SingwizError: an extractor is unknown or cannot run.
    """
    acoustic = config.kind == "acoustic"
    pattern = "use_{}_embed" if acoustic else "predict_{}"
    recipe = Recipe(
        kind="acoustic" if acoustic else "variance",
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        win_size=config.win_size,
        fft_size=config.fft_size,
        num_mels=config.audio_num_mel_bins if acoustic else 0,
        fmin=config.fmin if acoustic else 0.0,
        fmax=config.fmax if acoustic else 0.0,
        pe=config.pe,
        f0_min=config.f0_min,
        f0_max=config.f0_max,
        hnsep=config.hnsep,
        curves=tuple(
            (name, float(getattr(config, f"{name}_smooth_width")))
            for name in CURVES
            if getattr(config, pattern.format(name))
        ),
    )
    if not acoustic:
        recipe = replace(
            recipe,
            predict_dur=config.predict_dur,
            predict_pitch=config.predict_pitch,
            glide_types=tuple(config.glide_types) if config.use_glide_embed else None,
            midi_smooth_width=float(config.midi_smooth_width),
        )
    return _with_networks(recipe, config, base)


def _with_networks(recipe: Recipe, config: Config, base: Path) -> Recipe:
    """Refuse extractors that cannot run, before the first recording is opened."""
    used = recipe.networks
    if recipe.pe in used:
        path, digest = _weights(base, config.pe_ckpt)
        recipe = replace(recipe, pe_ckpt=path, pe_digest=digest)
    if recipe.hnsep in used:
        path, digest = _weights(base, config.hnsep_ckpt)
        recipe = replace(recipe, hnsep_ckpt=path, hnsep_digest=digest)
    if recipe.networks:
        from torch import cuda  # only a network is worth waiting for this

        recipe = replace(recipe, device="cuda" if cuda.is_available() else "cpu")
    extractor_of(recipe)
    if recipe.separates:
        separator_of(recipe)
    return recipe


def _weights(base: Path, name: str) -> tuple[str, str]:
    """Absolute path of a network's weights, and a hash of them and of their settings."""
    path = base / name
    files = [file for file in (path, path.with_name("config.yaml")) if file.is_file()]
    return str(path), "-".join(map(file_digest, files))


def checked_config(config: Config, target: Path, base: Path) -> Config:
    """The config as it will be used, after its checks.

    Mistakes that only matter for training do not keep anybody from preparing recordings.

    Args:
        config: of any model.
        target: absolute path of the folder to write.
        base: where relative paths start.

    Raises:
        SingwizError: with the first key at fault.
    """
    used = config.model_copy(update={"binary_data_dir": str(target)})
    errors = [
        finding
        for finding in check_config(used, base_dir=base)
        if finding.severity is Severity.ERROR and _matters(finding.place.symbol)
    ]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise SingwizError(
            first.code, first.message + more, hint=first.hint, where=first.place.symbol
        )
    return used


def _matters(key: str) -> bool:
    root = key.partition(".")[0]
    if root in ("num_spk", "num_lang"):
        return True
    field = Config.model_fields.get(root)
    return field is not None and "p" in meta_of(field).stage


def read_dictionaries(config: Config, base: Path) -> dict[str, Dictionary]:
    """The dictionaries by language.

    Raises:
        SingwizError: one is missing, or has errors.
    """
    result = {}
    for language, name in config.dictionaries.items():
        path = resolve_dictionary(str(name), base=base)
        result[language], findings = read_dictionary(path, language)
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        if errors:
            raise SingwizError(
                "dictionary-invalid",
                f"The dictionary of '{language}' has {len(errors)} problem(s); the first: "
                f"{errors[0].message}",
                hint=errors[0].hint,
                where=str(errors[0].place) or str(path),
            )
    return result


def read_items(
    config: Config,
    recipe: Recipe,
    base: Path,
    report: BinarizeReport,
    max_failed: int,
    leave_out: Collection[tuple[str, str]] = (),
) -> dict[str, Source]:
    """All usable items by key, sorted by key; fills ``items_per_dataset`` and ``skipped``.

    ``leave_out`` holds ``(raw_data_dir, item)`` of what the user does not want.

    Raises:
        SingwizError: more than ``max_failed`` items are broken, or a whole dataset is.
    """
    sources = {}
    problems: list[_Problem] = []
    spk_ids = assign_speaker_ids(config.datasets)
    variance = recipe.kind == "variance"
    for ds_id, (entry, spk_id) in enumerate(zip(config.datasets, spk_ids, strict=True)):
        root = base / entry.raw_data_dir
        dataset = RawDataset.open(
            root,
            name=root.name,
            speaker=entry.speaker,
            language=entry.language,
            prefer_ds=variance and config.binarization_args.prefer_ds,
        )
        problems += [
            _Problem(found.place.item, found.message, found.hint, str(found.place))
            for found in dataset.findings
            if found.severity is Severity.ERROR
        ]
        report.items_per_dataset[str(entry.raw_data_dir)] = len(dataset.items)
        unwanted = {name for folder, name in leave_out if base / folder == root}
        for item in dataset.items:
            key = f"{ds_id}:{item.name}"
            if item.name in unwanted:
                report.skipped.append({"item": item.name, "reason": "left out on request"})
                continue
            source = Source(key, item, entry.speaker, spk_id, entry.language)
            try:
                if variance:
                    labels, given = read_notes(item, recipe), read_curves(item, recipe)
                    source = replace(source, notes=labels, given=given)
            except SingwizError as error:
                place = str(dataset.place(item.name, item.line))
                problems.append(_Problem(item.name, error.message, error.hint, place))
                continue
            sources[key] = source
    broken = {problem.item for problem in problems if problem.item}
    if problems and (len(broken) > max_failed or any(not problem.item for problem in problems)):
        first = "; ".join(problem.message for problem in problems[:NAMED])
        raise SingwizError(
            "recordings-broken",
            f"{len(problems)} problem(s) in the recordings: {first}",
            hint=problems[0].hint or "Run the check and mend what it lists.",
            where=problems[0].where,
        )
    reasons: dict[str, list[str]] = {}
    for problem in problems:
        reasons.setdefault(problem.item, []).append(problem.message)
    report.skipped += [
        {"item": item, "reason": " ".join(messages)} for item, messages in reasons.items()
    ]
    return dict(sorted(sources.items()))


@dataclass(frozen=True)
class _Problem:
    item: str
    message: str
    hint: str
    where: str


def check_coverage(
    phoneme_set: PhonemeSet, sources: dict[str, Source], report: BinarizeReport
) -> None:
    """Refuse labels that do not fit the dictionaries; fills ``phonemes``.

    Raises:
        SingwizError: with the three-line report of what is unexpected and what is missing.
    """
    mismatch = compare(
        phoneme_set,
        ((source.item.name, source.language, source.item.ph_seq) for source in sources.values()),
    )
    if mismatch.unexpected or mismatch.missing:
        raise SingwizError(
            "phoneme-mismatch",
            mismatch.report(),
            hint="Compare labels and dictionary: (+) is sung but not in the dictionary, "
            "(-) is in the dictionary but never sung.",
        )
    report.phonemes = dict(mismatch.counts)


def count_labels(recipe: Recipe, sources: dict[str, Source], report: BinarizeReport) -> list[str]:
    """Fill ``notes`` and ``glides`` of the report; returns the summaries to be shown.

    Raises:
        SingwizError: nobody sings one of the ornaments.
    """
    lines = summary("Phoneme Distribution Summary", report.phonemes)
    labels = [source.notes for source in sources.values()]
    if recipe.predict_pitch:
        report.notes = count_notes(labels)
        lines += summary("MIDI Pitch Distribution Summary", report.notes)
        if recipe.glide_types is not None:
            report.glides = count_glides(labels, recipe.glide_types)
            lines += summary("Glide Type Distribution Summary", report.glides)
    return lines


def split_sources(config: Config, sources: dict[str, Source], report: BinarizeReport) -> Split:
    """Training and validation items by the datasets' ``test_prefixes``.

    Raises:
        SingwizError: nothing is left for one of the two.
    """
    rules = [
        f"{ds_id}:{rule}"
        for ds_id, entry in enumerate(config.datasets)
        for rule in entry.test_prefixes or ()
    ]
    split = split_items(sources, rules)
    if split.unmatched:
        report.warnings.append(
            "The following rules in test_prefixes have no matching names in the dataset: "
            + ", ".join(split.unmatched)
        )
    return split


def plan_tasks(
    config: Config, phoneme_set: PhonemeSet, sources: dict[str, Source], split: Split
) -> list[Task]:
    """One task per item: validation first, then training with its augmented copies."""
    train = list(split.train)
    if config.binarization_args.shuffle:
        random.Random(SEED).shuffle(train)
    acoustic = config.kind == "acoustic"
    copies: list[list[Variant]] = [[] for _ in train]
    if acoustic:
        copies = plan_augmentation(
            config.augmentation_args,
            [sources[key].spk_id for key in train],
            max_spk_id=max(assign_speaker_ids(config.datasets)),
            seed=SEED,
        )
    plan: list[tuple[str, list[Variant]]] = [(key, []) for key in split.valid]
    plan += zip(train, copies, strict=True)
    tasks = []
    for key, variants in plan:
        source = sources[key]
        ph_seq = source.item.ph_seq
        tasks.append(
            Task(
                key=key,
                name=source.item.name,
                audio=source.item.audio,
                tokens=tuple(phoneme_set.encode_sequence(ph_seq, source.language)),
                languages=tuple(phoneme_set.language_ids(ph_seq, source.language)),
                ph_dur=tuple(source.item.ph_dur),
                spk_id=source.spk_id,
                variants=(ORIGINAL, *variants),
                with_key_shift=acoustic and config.use_key_shift_embed,
                with_speed=acoustic and config.use_speed_embed,
                notes=source.notes,
                given=source.given,
            )
        )
    return tasks
