"""Making the binary dataset of the acoustic model.

This module runs the work and writes the files; what has to be done is decided in
:mod:`.acoustic_plan`, and the features of one item are computed in :mod:`.acoustic_item`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from ... import __version__
from ..config import Config, assign_speaker_ids
from ..dictionary import Dictionary, PhonemeSet
from ..errors import Cancelled, SingwizError
from ..plots.charts import draw_phoneme_counts
from ..reporting import Reporter
from .acoustic_item import Job, Recipe, Result, Task
from .acoustic_plan import (
    NAMED,
    Source,
    check_coverage,
    check_extractors,
    checked_config,
    plan_tasks,
    read_dictionaries,
    read_items,
    recipe_from_config,
    split_sources,
)
from .augmentation import ORIGINAL, shifted_speakers
from .engine import Engine, choose_workers, run_in_order
from .feature_cache import FeatureCache, audio_digest, entry_key
from .report import BinarizeReport
from .staging import staged
from .storage import BinaryWriter

_COST = {"parselmouth": 0.004, "harvest": 0.14, "world": 0.03, "mel": 0.002}
"""Rough CPU seconds per second of audio, to decide on the number of processes."""


def binarize_acoustic(
    config: Config,
    *,
    output_dir: Path | None = None,
    workers: int | None = None,
    base_dir: Path | None = None,
    reporter: Reporter | None = None,
    engine: Engine = "local",
    dask_address: str | None = None,
    cache_dir: Path | Literal["auto"] | None = "auto",
    max_failed: int = 0,
    leave_out: Collection[tuple[str, str]] = (),
) -> BinarizeReport:
    """Compute the features of all recordings and write the binary dataset.

    A previous dataset in the folder stays untouched until the new one is complete, also when
    the work fails or is cancelled. The result does not depend on the number of workers.

    Args:
        config: of an acoustic model.
        output_dir: folder to write; default ``config.binary_data_dir``.
        workers: processes; 0 = none besides this one; None takes
            ``binarization_args.num_workers`` and, if that is 0, what suits the amount of work.
        base_dir: where relative paths of the config start; default the working directory.
        reporter: receives progress in items.
        engine: ``local``, or ``dask`` for a cluster whose machines see the same files.
        dask_address: scheduler of the cluster; None starts a local one.
        cache_dir: where features are remembered between runs; ``auto`` is
            ``.cache/<name of output_dir>`` beside ``output_dir``, None remembers nothing.
        max_failed: how many broken items are tolerated; they are listed as skipped.
        leave_out: ``(raw_data_dir, item)`` of recordings to do without.

    Raises:
        SingwizError: settings, dictionary or recordings have problems, or writing failed.
        Cancelled: the reporter asked to stop.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    base = (base_dir or Path.cwd()).absolute()
    target = (base / (output_dir or config.binary_data_dir)).resolve()
    recipe = recipe_from_config(config)
    check_extractors(recipe)
    config = checked_config(config, target, base)
    report = BinarizeReport("acoustic", str(target), config.hash_for("p"))
    dictionaries = read_dictionaries(config, base)
    phoneme_set = PhonemeSet.build(
        dictionaries,
        extra_phonemes=config.extra_phonemes,
        merged_phoneme_groups=config.merged_phoneme_groups,
    )
    sources = read_items(config, base, report, max_failed, leave_out)
    check_coverage(phoneme_set, sources, report)
    split = split_sources(config, sources, report)
    tasks = plan_tasks(config, phoneme_set, sources, split)
    _check_space(target, recipe, sources, tasks)
    cache = _cache_folder(cache_dir, target)
    if cache is not None:
        tasks = _with_cache_keys(tasks, recipe)
    known = FeatureCache(cache) if cache is not None else None
    is_known = [
        known is not None and all(known.has(key) for key in task.cache_keys) for task in tasks
    ]
    report.cached = sum(is_known)
    unknown = [task for task, hit in zip(tasks, is_known, strict=True) if not hit]
    if workers is None:
        workers = config.binarization_args.num_workers or choose_workers(
            _cpu_seconds(recipe, sources, unknown)
        )
    report.workers = min(workers, len(unknown))
    reporter.log(
        f"| {len(tasks)} items ({report.cached} known from an earlier run), "
        f"workers: {report.workers or 'none, in this process'}"
    )

    spk_ids = assign_speaker_ids(config.datasets)
    spk_map = {
        entry.speaker: spk_id for entry, spk_id in zip(config.datasets, spk_ids, strict=True)
    }
    with staged(target) as folder:
        _write_maps(folder, config, spk_map, phoneme_set, dictionaries)
        draw_phoneme_counts(
            report.phonemes,
            folder / "phoneme_distribution.png",
            title="Phonemes in the recordings",
        )
        computed = run_in_order(
            Job(recipe, cache),
            unknown,
            workers=report.workers,
            engine=engine if unknown else "local",
            dask_address=dask_address,
        )
        with closing(computed):
            results = _merge(tasks, is_known, computed, Job(recipe, cache))
            _store(results, tasks, sources, set(split.valid), folder, report, reporter, max_failed)
        report.wall_seconds = round(time.monotonic() - started, 3)
        report.files = sorted([*(file.name for file in folder.iterdir()), "binarize.json"])
        manifest = {
            **report.to_dict(),
            "singwiz": __version__,
            "dictionaries": {name: entry.sha256 for name, entry in dictionaries.items()},
            "pe": recipe.pe,
            "hnsep": recipe.hnsep if recipe.separates else None,
        }
        (folder / "binarize.json").write_text(
            json.dumps(manifest, ensure_ascii=False, indent=2), encoding="utf-8"
        )
    if known is not None:
        known.keep_only(key for task in tasks for key in task.cache_keys)
    for line in report.lines():
        reporter.log(line)
    reporter.artifact("image", target / "phoneme_distribution.png", "phoneme distribution")
    reporter.artifact("report", target / "binarize.json", "binarization report")
    return report


# Cost ----------------------------------------------------------------------------------


def _check_space(
    target: Path, recipe: Recipe, sources: dict[str, Source], tasks: Sequence[Task]
) -> None:
    seconds = sum(sources[task.key].item.seconds * len(task.variants) for task in tasks)
    needed = int(seconds / recipe.dt * (recipe.num_mels * 4 + 12 + 4 * len(recipe.curves)))
    existing = next(folder for folder in (target, *target.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise SingwizError(
            "disk-full",
            f"The prepared data needs about {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB "
            "are free.",
            hint="Free some space, or choose a folder on another disk.",
            where=str(target),
        )


def _cpu_seconds(recipe: Recipe, sources: dict[str, Source], tasks: Sequence[Task]) -> float:
    each = _COST[recipe.pe] + _COST["mel"]
    once = _COST["world"] if recipe.separates else 0.0
    return sum(
        sources[task.key].item.seconds * (each * len(task.variants) + once) for task in tasks
    )


def _cache_folder(cache_dir: Path | Literal["auto"] | None, target: Path) -> Path | None:
    if cache_dir == "auto":
        return target.parent / ".cache" / target.name
    return cache_dir


def _with_cache_keys(tasks: Sequence[Task], recipe: Recipe) -> list[Task]:
    packages = {"parselmouth": "praat-parselmouth", "harvest": "pyworld-prebuilt"}
    settings = asdict(recipe) | {
        "versions": [metadata.version("soxr"), metadata.version(packages[recipe.pe])]
    }
    result = []
    for task in tasks:
        digest = audio_digest(task.audio)
        keys = []
        for variant in task.variants:
            extra: dict[str, Any] = {"key_shift": variant.key_shift, "speed": variant.speed}
            if recipe.separates and variant == ORIGINAL:
                extra["seed"] = task.name
            keys.append(entry_key(digest, settings | extra | {"curves": variant == ORIGINAL}))
        result.append(replace(task, cache_keys=tuple(keys)))
    return result


# Writing -------------------------------------------------------------------------------


def _write_maps(
    folder: Path,
    config: Config,
    spk_map: dict[str, int],
    phoneme_set: PhonemeSet,
    dictionaries: dict[str, Dictionary],
) -> None:
    maps = {
        "spk_map.json": spk_map,
        "lang_map.json": dict(phoneme_set.lang_map),
        "phonemes.json": phoneme_set.dump(),
    }
    added = shifted_speakers(config.augmentation_args, spk_map, max_spk_id=max(spk_map.values()))
    if added:
        maps["spk_map_shifted.json"] = added
    for name, content in maps.items():
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / name).write_text(text, encoding="utf-8")
    for language, dictionary in dictionaries.items():
        shutil.copyfile(dictionary.path, folder / f"dictionary-{language}.txt")


def _merge(
    tasks: Sequence[Task], is_known: Sequence[bool], computed: Iterator[Result], job: Job
) -> Iterator[Result]:
    """Results in the order of the tasks: known ones are read here, others come from workers."""
    for task, hit in zip(tasks, is_known, strict=True):
        yield job(task) if hit else next(computed)


def _store(
    results: Iterator[Result],
    tasks: Sequence[Task],
    sources: dict[str, Source],
    valid: set[str],
    folder: Path,
    report: BinarizeReport,
    reporter: Reporter,
    max_failed: int,
) -> None:
    failed: list[tuple[str, str]] = []
    with BinaryWriter(folder, "valid") as valid_file, BinaryWriter(folder, "train") as train_file:
        for done, task in enumerate(tasks):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(done, len(tasks), task.name)
            result = next(results)
            source = sources[task.key]
            if result.failure or result.skipped:
                reason = result.failure or result.skipped
                report.skipped.append({"item": task.name, "reason": reason})
                code = "item-failed" if result.failure else "item-skipped"
                reporter.warning(code, f"'{task.name}' is left out: {reason}", task.name)
                if result.details:
                    reporter.log(result.details)
                if result.failure:
                    failed.append((task.name, reason))
                continue
            _warn_about_length(source, result, report, reporter)
            meta: dict[str, object] = {"ph_dur": len(task.ph_dur)}
            if task.key in valid:
                meta |= {
                    "names": task.name,
                    "ph_texts": " ".join(source.item.ph_seq),
                    "spk_names": source.speaker,
                }
            split, file = ("valid", valid_file) if task.key in valid else ("train", train_file)
            for index, (fields, seconds) in enumerate(
                zip(result.items, result.seconds, strict=True)
            ):
                file.add(fields, length=len(fields["mel"]), meta=meta)
                report.add(split, source.speaker, seconds)
                if split == "train" and index == 0:
                    report.add("train_original", source.speaker, seconds)
        written = {"Validation": len(valid_file), "Training": len(train_file)}
    reporter.progress(len(tasks), len(tasks), "")
    if len(failed) > max_failed:
        listed = "; ".join(f"'{name}': {reason}" for name, reason in failed[:NAMED])
        more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
        raise SingwizError(
            "items-failed",
            f"{len(failed)} item(s) could not be prepared: {listed}{more}",
            hint="Mend or remove these items; what was prepared before is unchanged.",
            where=failed[0][0],
        )
    for name, count in written.items():
        if not count:
            raise SingwizError(
                f"{name.lower()}-empty",
                f"{name} set is empty: all of its items were skipped.",
                hint="Look at the reasons in the log; is the pitch range right for this voice?",
            )


def _warn_about_length(
    source: Source, result: Result, report: BinarizeReport, reporter: Reporter
) -> None:
    labelled = source.item.seconds
    if abs(labelled - result.audio_seconds) > max(0.05, 0.01 * result.audio_seconds):
        message = (
            f"The labels of '{source.item.name}' last {labelled:.2f} s, its recording "
            f"{result.audio_seconds:.2f} s."
        )
        report.warnings.append(message)
        reporter.warning("label-length", message, source.item.name)
