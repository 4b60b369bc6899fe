"""What the acoustic binarizer has to do: config, dictionaries and labels become tasks.

Everything a user can get wrong in settings or labels is refused here, before any recording is
opened. The work itself is started in :mod:`.acoustic`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..config import Config, assign_speaker_ids, check_config
from ..config.section import meta_of
from ..dataset.raw import Item, RawDataset
from ..dictionary import Dictionary, PhonemeSet, compare, read_dictionary, resolve_dictionary
from ..errors import SingwizError
from ..features.pitch import pitch_extractor
from ..features.separation import separator
from ..findings import Severity
from .acoustic_item import CURVES, Recipe, Task
from .augmentation import ORIGINAL, Variant, plan_augmentation
from .report import BinarizeReport
from .split import Split, split_items

SEED = 1234
"""Of augmentation and of the order of the training items."""

NAMED = 5
"""How many broken items an error message names; the log has all of them."""


@dataclass(frozen=True)
class Source:
    """One item with what its dataset says about it."""

    key: str
    item: Item
    speaker: str
    spk_id: int
    language: str


def recipe_from_config(config: Config) -> Recipe:
    """What decides the features of a recording."""
    wanted = tuple(
        (name, float(getattr(config, f"{name}_smooth_width")))
        for name in CURVES
        if getattr(config, f"use_{name}_embed")
    )
    return Recipe(
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        win_size=config.win_size,
        fft_size=config.fft_size,
        num_mels=config.audio_num_mel_bins,
        fmin=config.fmin,
        fmax=config.fmax,
        pe=config.pe,
        f0_min=config.f0_min,
        f0_max=config.f0_max,
        hnsep=config.hnsep,
        pe_ckpt=config.pe_ckpt,
        hnsep_ckpt=config.hnsep_ckpt,
        curves=wanted,
    )


def check_extractors(recipe: Recipe) -> None:
    """Refuse extractors that cannot run before the first recording is opened.

    Raises:
        SingwizError: unknown, or not part of this version.
    """
    pitch_extractor(recipe)
    if recipe.separates:
        separator(recipe)


def checked_config(config: Config, target: Path, base: Path) -> Config:
    """The config as it will be used, after its checks.

    Mistakes that only matter for training do not keep anybody from preparing recordings.

    Args:
        config: of an acoustic model.
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
    errors = []
    spk_ids = assign_speaker_ids(config.datasets)
    for ds_id, (entry, spk_id) in enumerate(zip(config.datasets, spk_ids, strict=True)):
        root = base / entry.raw_data_dir
        dataset = RawDataset.open(
            root, name=root.name, speaker=entry.speaker, language=entry.language
        )
        errors += [found for found in dataset.findings if found.severity is Severity.ERROR]
        report.items_per_dataset[str(entry.raw_data_dir)] = len(dataset.items)
        unwanted = {name for folder, name in leave_out if base / folder == root}
        for item in dataset.items:
            key = f"{ds_id}:{item.name}"
            if item.name in unwanted:
                report.skipped.append({"item": item.name, "reason": "left out on request"})
                continue
            sources[key] = Source(key, item, entry.speaker, spk_id, entry.language)
    broken = {finding.place.item for finding in errors if finding.place.item}
    if errors and (len(broken) > max_failed or any(not found.place.item for found in errors)):
        first = "; ".join(found.message for found in errors[:NAMED])
        raise SingwizError(
            "recordings-broken",
            f"{len(errors)} problem(s) in the recordings: {first}",
            hint=errors[0].hint or "Run the check and mend what it lists.",
            where=str(errors[0].place),
        )
    report.skipped += [{"item": found.place.item, "reason": found.message} for found in errors]
    return dict(sorted(sources.items()))


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
        assert source.item.audio is not None, "items without a recording are findings"
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
                with_key_shift=config.use_key_shift_embed,
                with_speed=config.use_speed_embed,
            )
        )
    return tasks
