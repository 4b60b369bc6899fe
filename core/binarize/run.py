"""Making a binary dataset, for an acoustic or a variance model.

This module runs the work; what has to be done is decided in :mod:`.plan`, features of one item
are computed in :mod:`.item`, and files are written in :mod:`.writing`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..config import Config
from ..dictionary import PhonemeSet
from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .engine import Engine, choose_workers, run_in_order
from .feature_cache import FeatureCache, file_digest
from .item import Job
from .layers import layer_keys
from .pickled import write_pickled
from .plan import (
    Source,
    check_coverage,
    checked_config,
    count_labels,
    plan_tasks,
    read_dictionaries,
    read_items,
    recipe_from_config,
    split_sources,
)
from .report import BinarizeReport
from .staging import staged
from .storage import PICKLED_SUFFIX, read_metadata
from .task import Recipe, Result, Task
from .writing import check_space, draw_distributions, store, write_manifest, write_maps

_COST = {"parselmouth": 0.004, "harvest": 0.14, "swift-f0": 0.03, "world": 0.02, "mel": 0.002}
"""Rough CPU seconds per second of audio, to decide on the number of processes."""

_LONG = 300.0
"""Seconds of network time on a CPU from which the user is told how long it will take."""


def binarize(
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
    pickled_meta: bool = False,
) -> BinarizeReport:
    """Compute the features of all recordings and write the binary dataset.

    A previous dataset in the folder stays untouched until the new one is complete, also when
    the work fails or is cancelled. The result does not depend on the number of workers. What was
    computed before a run was interrupted is not computed again.

    Args:
        config: of an acoustic or a variance model.
        output_dir: folder to write; default ``config.binary_data_dir``.
        workers: processes; 0 = none besides this one; None takes
            ``binarization_args.num_workers`` and, if that is 0, what suits the amount of work.
            Neural networks always run in this process: each copy would need the memory anew.
        base_dir: where relative paths of the config start; default the working directory.
        reporter: receives progress in items.
        engine: ``local``, or ``dask`` for a cluster whose machines see the same files.
        dask_address: scheduler of the cluster; None starts a local one.
        cache_dir: where features are remembered between runs; ``auto`` is ``.cache/features``
            beside ``output_dir``, shared by all datasets there; None remembers nothing.
        max_failed: how many broken items are tolerated; they are listed as skipped.
        leave_out: ``(raw_data_dir, item)`` of recordings to do without.
        pickled_meta: write the metadata once more in the form that DiffSinger's trainer reads.

    Raises:
        SingwizError: settings, dictionary or recordings have problems, or writing failed.
        Cancelled: the reporter asked to stop.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    if config.kind not in ("acoustic", "variance"):
        raise SingwizError(
            "model-not-supported",
            f"Recordings are prepared for acoustic and variance models here, not '{config.kind}'.",
            hint="Use --model acoustic or --model variance.",
            exit_code=USAGE_PROBLEM,
        )
    base = (base_dir or Path.cwd()).absolute()
    target = (base / (output_dir or config.binary_data_dir)).resolve()
    config = checked_config(config, target, base)
    recipe = recipe_from_config(config, base)
    report = BinarizeReport(config.kind, str(target), config.hash_for("p"))
    dictionaries = read_dictionaries(config, base)
    phoneme_set = PhonemeSet.build(
        dictionaries,
        extra_phonemes=config.extra_phonemes,
        merged_phoneme_groups=config.merged_phoneme_groups,
    )
    sources = read_items(config, recipe, base, report, max_failed, leave_out)
    check_coverage(phoneme_set, sources, report)
    summaries = count_labels(recipe, sources, report)
    split = split_sources(config, sources, report)
    tasks = plan_tasks(config, phoneme_set, sources, split)
    check_space(target, recipe, sources, tasks)
    cache = _cache(cache_dir, target)
    if cache is not None:
        tasks = [replace(task, digest=_digest(task)) for task in tasks]
        cache.claim(target, _all_keys(tasks, recipe))
    is_known = [_is_known(task, recipe, cache) for task in tasks]
    report.cached = sum(
        hit for task, hit in zip(tasks, is_known, strict=True) if task.audio is not None
    )
    unknown = [task for task, hit in zip(tasks, is_known, strict=True) if not hit]
    report.workers = _workers(workers, config, recipe, sources, unknown, engine, reporter)
    reporter.log(
        f"| {len(tasks)} items ({report.cached} known from an earlier run), "
        f"workers: {report.workers or 'none, in this process'}"
    )

    job = Job(recipe, cache.folder if cache else None)
    with staged(target) as folder:
        write_maps(folder, config, phoneme_set, dictionaries, reporter)
        for line in summaries:
            reporter.log(line)
        computed = run_in_order(
            job,
            unknown,
            workers=report.workers,
            engine=engine if unknown else "local",
            dask_address=dask_address,
        )
        with closing(computed):
            results = _merge(tasks, is_known, computed, job)
            store(results, tasks, sources, set(split.valid), folder, report, reporter, max_failed)
        for name in ("train", "valid") if pickled_meta else ():
            write_pickled(folder / (name + PICKLED_SUFFIX), read_metadata(folder, name))
        pictures = draw_distributions(folder, report, target)
        report.wall_seconds = round(time.monotonic() - started, 3)
        write_manifest(folder, report, recipe, dictionaries)
    if cache is not None:
        cache.settle(target, _all_keys(tasks, recipe))
    for line in report.lines():
        reporter.log(line)
    for name in pictures:
        reporter.artifact("image", target / name, name.partition(".")[0].replace("_", " "))
    reporter.artifact("report", target / "binarize.json", "binarization report")
    return report


def _cache(cache_dir: Path | Literal["auto"] | None, target: Path) -> FeatureCache | None:
    if cache_dir == "auto":
        return FeatureCache(target.parent / ".cache" / "features")
    return FeatureCache(cache_dir) if cache_dir is not None else None


def _digest(task: Task) -> str:
    try:
        return file_digest(task.audio) if task.audio is not None else ""
    except OSError:
        return ""  # preparing the item tells what is wrong with its recording


def _all_keys(tasks: Sequence[Task], recipe: Recipe) -> set[str]:
    return {key for task in tasks for key in layer_keys(task, recipe)}


def _is_known(task: Task, recipe: Recipe, cache: FeatureCache | None) -> bool:
    if cache is None or (task.audio is not None and not task.digest):
        return False
    return all(cache.has(key) for key in layer_keys(task, recipe))


def _workers(
    wanted: int | None,
    config: Config,
    recipe: Recipe,
    sources: dict[str, Source],
    unknown: Sequence[Task],
    engine: Engine,
    reporter: Reporter,
) -> int:
    once = sum(sources[task.key].item.seconds for task in unknown)
    copies = sum(sources[task.key].item.seconds * len(task.variants) for task in unknown)
    if engine == "local" and recipe.networks:
        slow = _network_seconds(recipe, once, copies)
        if recipe.device == "cpu" and slow > _LONG:
            reporter.warning(
                "networks-on-cpu",
                f"Without a graphics card {' and '.join(recipe.networks)} will take about "
                f"{slow / 60:.0f} minutes; parselmouth and world take a fraction of that.",
            )
        return 0
    if wanted is None:
        separation = _COST.get(recipe.hnsep, 0.0) * once if recipe.separates else 0.0
        wanted = config.binarization_args.num_workers or choose_workers(
            separation + (_COST.get(recipe.pe, 0.0) + _COST["mel"]) * copies
        )
    return min(wanted, len(unknown))


def _network_seconds(recipe: Recipe, once: float, copies: float) -> float:
    """How long the networks take; ``once`` and ``copies`` are seconds of audio."""
    from ..features import rmvpe, vr

    used = recipe.networks
    pitch = rmvpe.seconds_per_second(recipe.device) * copies if "rmvpe" in used else 0.0
    separation = vr.seconds_per_second(recipe.device) * once if "vr" in used else 0.0
    return pitch + separation


def _merge(
    tasks: Sequence[Task], is_known: Sequence[bool], computed: Iterator[Result], job: Job
) -> Iterator[Result]:
    """Results in the order of the tasks: known ones are read here, others come from workers."""
    for task, hit in zip(tasks, is_known, strict=True):
        yield job(task) if hit else next(computed)
