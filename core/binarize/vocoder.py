"""Making the binary dataset of a vocoder: whole recordings with mel and pitch, without labels."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from ... import __version__
from ..config import Config, assign_speaker_ids
from ..dataset import RawDataset
from ..dataset.audio import AUDIO_SUFFIXES, probe_audio
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..models.registry import find_part, is_foreign
from ..reporting import Reporter
from .engine import Engine, choose_workers, run_in_order
from .feature_cache import FeatureCache, entry_key, file_digest
from .report import BinarizeReport
from .split import split_items
from .staging import staged
from .storage import BinaryWriter, read_metadata
from .vocoder_item import PITCH_IDS, VocoderJob, VocoderRecipe, VocoderResult, VocoderTask

_COST = {"parselmouth": 0.004, "harvest": 0.14}
"""Rough CPU seconds per second of audio."""

_NAMED = 5


def binarize_vocoder(
    config: Config,
    *,
    output_dir: Path | None = None,
    workers: int | None = None,
    base_dir: Path | None = None,
    reporter: Reporter | None = None,
    engine: Engine = "local",
    dask_address: str | None = None,
    cache_dir: Path | Literal["auto"] | None = "auto",
    max_failed: int | None = None,
    leave_out: Collection[tuple[str, str]] = (),
) -> BinarizeReport:
    """Read all recordings, measure mel and pitch, and write the binary dataset.

    Recordings that cannot be used are left out and listed. What was kept for validation before
    is kept again, so that results of several runs compare.

    Args:
        config: of a vocoder: recordings come from ``datasets`` and ``data_input_path``.
        output_dir: folder to write; default ``config.binary_data_dir``, else ``binary`` in
            ``config.DataIndexPath``.
        workers: processes; 0 = none besides this one; None decides by the amount of work.
        base_dir: where relative paths of the config start; default the working directory.
        reporter: receives progress in recordings.
        engine: ``local``, or ``dask`` for a cluster whose machines see the same files.
        dask_address: scheduler of the cluster; None starts a local one.
        cache_dir: where features are remembered; None remembers nothing.
        max_failed: how many recordings may be unusable; None = any number, as long as some are
            left.
        leave_out: ``(raw_data_dir, item)`` of recordings to do without.

    Raises:
        SingwizError: there are no recordings, too many are unusable, or writing failed.
        Cancelled: the reporter asked to stop.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    base = (base_dir or Path.cwd()).absolute()
    target = (base / (output_dir or binary_folder(config))).resolve()
    recipe = _with_network(VocoderRecipe.of(config), base)
    recipe.extractor()  # refuses one that cannot run
    report = BinarizeReport("vocoder", str(target), config.hash_for("p"))
    tasks, held_out = _collect(config, base, target, report, set(leave_out))
    seconds = sum(_seconds(task.audio) for task in tasks)
    _check_space(target, recipe, seconds)
    cache = None
    if cache_dir is not None:
        auto = target.parent / ".cache" / "features"
        cache = FeatureCache(auto if cache_dir == "auto" else cache_dir)
        tasks = _with_cache_keys(tasks, recipe)
        cache.claim(target, [task.cache_key for task in tasks])
        report.cached = sum(cache.has(task.cache_key) for task in tasks)
    if workers is None and recipe.pe == "rmvpe":
        workers = 0  # its network is large, and computes with all cores as it is
    elif workers is None:
        cost = _COST.get(recipe.pe, 0.05) + 0.004
        workers = config.binarization_args.num_workers or choose_workers(cost * seconds)
    report.workers = min(workers, len(tasks))
    reporter.log(f"| {len(tasks)} recordings ({report.cached} known from an earlier run)")
    with staged(target) as folder:
        results = run_in_order(
            VocoderJob(recipe, cache.folder if cache else None),
            tasks,
            workers=report.workers,
            engine=engine,
            dask_address=dask_address,
        )
        with closing(results):
            _store(results, tasks, held_out, folder, config, report, reporter, max_failed)
        report.wall_seconds = round(time.monotonic() - started, 3)
        report.files = sorted([*(file.name for file in folder.iterdir()), "binarize.json"])
        manifest = {**report.to_dict(), "singwiz": __version__, "pe": recipe.pe}
        text = json.dumps(manifest, ensure_ascii=False, indent=2)
        (folder / "binarize.json").write_text(text, encoding="utf-8")
    if cache is not None:
        cache.settle(target, [task.cache_key for task in tasks])
    for line in report.lines():
        reporter.log(line)
    reporter.artifact("report", target / "binarize.json", "binarization report")
    return report


def binary_folder(config: Config) -> Path:
    """The folder of the binary dataset that a config means; relative unless it says otherwise."""
    return Path(config.binary_data_dir or Path(config.DataIndexPath) / "binary")


def highest_f0(config: Config) -> float:
    """Hz that the excitation of a vocoder can carry: half of its own sample rate."""
    rates = config.model_args.upsample_rates
    rate = float(config.audio_sample_rate)
    if config.model_args.mini_nsf and config.gan_recipe != "hifigan":
        rate /= math.prod(rates[2:])
    return rate / 2


# Which recordings ----------------------------------------------------------------------


def _collect(
    config: Config,
    base: Path,
    target: Path,
    report: BinarizeReport,
    leave_out: set[tuple[str, str]],
) -> tuple[list[VocoderTask], set[str]]:
    """All recordings in a fixed order, and the names of those kept for validation."""
    tasks: list[VocoderTask] = []
    keys: list[str] = []
    spk_ids = assign_speaker_ids(config.datasets)
    unwanted = {(base / folder, item) for folder, item in leave_out}
    for ds_id, (entry, spk_id) in enumerate(zip(config.datasets, spk_ids, strict=True)):
        root = base / entry.raw_data_dir
        dataset = RawDataset.open(
            root, name=root.name, speaker=entry.speaker, language=entry.language
        )
        report.items_per_dataset[str(entry.raw_data_dir)] = len(dataset.items)
        for item in dataset.items:
            if (root, item.name) in unwanted or item.audio is None:
                why = "there is no recording" if item.audio is None else "left out on request"
                report.skipped.append({"item": item.name, "reason": why})
                continue
            name = item.name if len(config.datasets) == 1 else f"{ds_id}:{item.name}"
            tasks.append(VocoderTask(name, item.audio, entry.speaker, spk_id))
            keys.append(f"{ds_id}:{item.name}")
    rules = [
        f"{ds_id}:{rule}"
        for ds_id, entry in enumerate(config.datasets)
        for rule in entry.test_prefixes
    ]
    held_out: set[str] = set()
    if rules:
        split = split_items(keys, rules)
        chosen = set(split.valid)
        held_out = {task.name for task, key in zip(tasks, keys, strict=True) if key in chosen}
        if split.unmatched:
            report.warnings.append(
                f"These rules in test_prefixes match no recording: {', '.join(split.unmatched)}"
            )
    loose = _loose_files(config, base, report)
    tasks += loose
    free = loose if rules else tasks
    held_out |= _held_out_files(config, base, target, free, already=len(held_out))
    if not tasks:
        raise SingwizError(
            "no-recordings",
            "There are no recordings to prepare.",
            hint="List folders of sound under 'data_input_path', or labelled ones under "
            "'datasets'.",
            exit_code=USAGE_PROBLEM,
        )
    tasks.sort(key=lambda task: (task.name not in held_out, task.name))
    return tasks, held_out


def _loose_files(config: Config, base: Path, report: BinarizeReport) -> list[VocoderTask]:
    """Sound files below the folders of ``data_input_path``; HiFi-GAN's lists may choose."""
    wanted: set[str] | None = None
    if config.input_training_file:
        wanted = _listed(base / config.input_training_file)
        if config.input_validation_file:
            wanted |= _listed(base / config.input_validation_file)
    tasks = []
    for number, folder in enumerate(config.data_input_path):
        root = base / Path(folder).expanduser()
        if not root.is_dir():
            raise SingwizError(
                "raw-not-found",
                f"The folder of sound '{root}' does not exist.",
                hint="Correct data_input_path.",
                where="data_input_path",
                exit_code=USAGE_PROBLEM,
            )
        files = sorted(
            path
            for path in root.rglob("*")
            if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()
        )
        report.items_per_dataset[folder] = len(files)
        for path in files:
            # The suffix stays: a.wav and a.flac are two recordings.
            name = path.relative_to(root).as_posix()
            if wanted is not None and path.stem not in wanted:
                continue
            if len(config.data_input_path) > 1:
                name = f"{number}:{name}"
            tasks.append(VocoderTask(name, path))
    return tasks


def _listed(path: Path) -> set[str]:
    """Names in a list of HiFi-GAN: what stands before the first ``|`` of each line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SingwizError(
            "list-unreadable",
            f"The list '{path.name}' cannot be read: {error}.",
            hint="Correct input_training_file and input_validation_file.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from None
    names = (line.split("|", 1)[0].strip() for line in lines)
    return {Path(name).name.removesuffix(".wav") for name in names if name}


def _held_out_files(
    config: Config, base: Path, target: Path, tasks: Sequence[VocoderTask], *, already: int
) -> set[str]:
    """Recordings kept for validation that no rule names: the listed ones, or ``val_num``.

    Those of the previous dataset stay; others are drawn by a hash of seed and name, so adding
    recordings changes as little as possible.
    """
    if config.input_validation_file:
        listed = _listed(base / config.input_validation_file)
        return {task.name for task in tasks if task.audio.stem in listed}
    count = min(config.val_num, len(tasks) - (0 if already else 1))
    if count < 1:
        return set()
    try:
        before = set(read_metadata(target, "valid").get("names", []))
    except SingwizError:
        before = set()

    def order(task: VocoderTask) -> tuple[bool, str]:
        text = f"{config.seed}:{task.name}"
        return task.name not in before, hashlib.sha256(text.encode()).hexdigest()

    return {task.name for task in sorted(tasks, key=order)[:count]}


def _with_network(recipe: VocoderRecipe, base: Path) -> VocoderRecipe:
    """The recipe with the absolute path of the pitch network, if it has one."""
    from ..assets import network_file

    found = network_file(recipe.pe_ckpt, base, "pitch") if recipe.pe == "rmvpe" else None
    return replace(recipe, pe_ckpt=str(found or base / recipe.pe_ckpt))


def _seconds(audio: Path) -> float:
    try:
        return probe_audio(audio).seconds
    except SingwizError:
        return 0.0  # reading it will say what is wrong


def _check_space(target: Path, recipe: VocoderRecipe, seconds: float) -> None:
    per_frame = recipe.hop_size * 4 + recipe.audio_num_mel_bins * 4 + 5
    needed = int(seconds * recipe.audio_sample_rate / recipe.hop_size * per_frame)
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


def _with_cache_keys(tasks: Sequence[VocoderTask], recipe: VocoderRecipe) -> list[VocoderTask]:
    packages = {"parselmouth": "praat-parselmouth", "harvest": "pyworld-prebuilt"}
    settings = asdict(recipe) | {"kind": "vocoder", "pe_ckpt": ""}
    if recipe.pe in packages:
        settings["version"] = metadata.version(packages[recipe.pe])
    elif recipe.pe == "rmvpe":
        settings["weights"] = file_digest(Path(recipe.pe_ckpt))
    elif is_foreign("pitch_extractor", recipe.pe):
        settings["version"] = find_part("pitch_extractor", recipe.pe).version
    return [
        replace(task, cache_key=entry_key(file_digest(task.audio), settings))
        if task.audio.is_file()
        else task
        for task in tasks
    ]


# Writing -------------------------------------------------------------------------------


def _store(
    results: Iterator[VocoderResult],
    tasks: Sequence[VocoderTask],
    held_out: set[str],
    folder: Path,
    config: Config,
    report: BinarizeReport,
    reporter: Reporter,
    max_failed: int | None,
) -> None:
    failed: list[tuple[str, str]] = []
    short: list[str] = []
    high: list[str] = []
    limit = highest_f0(config)
    with BinaryWriter(folder, "valid") as valid, BinaryWriter(folder, "train") as train:
        for done, (task, result) in enumerate(zip(tasks, results, strict=True)):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(done, len(tasks), task.name)
            if result.fields is None:
                failed.append((task.name, result.failure))
                report.skipped.append({"item": task.name, "reason": result.failure})
                reporter.warning(
                    "item-failed", f"'{task.name}' is left out: {result.failure}", task.name
                )
                if result.details:
                    reporter.log(result.details)
                continue
            fields = result.fields
            frames, top = len(fields["mel"]), float(fields["f0"].max(initial=0.0))
            split, file = ("valid", valid) if task.name in held_out else ("train", train)
            if split == "train" and frames < config.crop_mel_frames:
                short.append(task.name)
            if top >= limit:
                high.append(task.name)
            file.add(
                {**fields, "spk_id": task.spk_id, "pe": PITCH_IDS.get(config.pe, 0)},
                length=frames,
                meta={
                    "names": task.name,
                    "max_f0": top,
                    "voiced": round(float(1 - np.mean(fields["uv"])), 4),
                },
            )
            report.add(split, task.speaker or "unknown", result.seconds)
            if split == "train":
                report.add("train_original", task.speaker or "unknown", result.seconds)
        written = {"training": len(train), "validation": len(valid)}
    reporter.progress(len(tasks), len(tasks), "")
    _tell(report, reporter, short, high, config.crop_mel_frames, limit)
    if max_failed is not None and len(failed) > max_failed:
        raise _too_many(failed)
    for name, count in written.items():
        if not count:
            reasons = _too_many(failed).message + " " if failed else ""
            raise SingwizError(
                f"{name}-empty",
                f"{reasons}No recording is left for {name}.",
                hint="Keep some recordings for validation with 'test_prefixes' or 'val_num', and "
                "look at the reasons above for those that were left out.",
            )


def _too_many(failed: Sequence[tuple[str, str]]) -> SingwizError:
    listed = "; ".join(f"'{name}': {reason}" for name, reason in failed[:_NAMED])
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return SingwizError(
        "items-failed",
        f"{len(failed)} recording(s) could not be prepared: {listed}{more}",
        hint="Mend or remove them; what was prepared before is unchanged.",
        where=failed[0][0],
    )


def _tell(
    report: BinarizeReport,
    reporter: Reporter,
    short: Sequence[str],
    high: Sequence[str],
    crop: int,
    limit: float,
) -> None:
    """Say which recordings training will pass over as the config is now."""
    for code, names, why in (
        ("items-short", short, f"shorter than a clip of {crop} frames"),
        ("items-high", high, f"sung above {limit:.0f} Hz, more than this vocoder can carry"),
    ):
        if names:
            shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
            message = f"{len(names)} recording(s) will not be trained on, {why}: {shown}"
            report.warnings.append(message)
            reporter.warning(code, message)
