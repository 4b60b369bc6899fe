"""The files of a binary dataset: items, maps, pictures and the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ... import __version__
from ..config import Config, assign_speaker_ids
from ..dataset.note_names import note_name
from ..dictionary import Dictionary, PhonemeSet
from ..errors import Cancelled, SingwizError
from ..reporting import Reporter
from .augmentation import shifted_speakers
from .plan import NAMED, Source
from .report import BinarizeReport
from .storage import BinaryWriter
from .task import Recipe, Result, Task


def check_space(
    target: Path, recipe: Recipe, sources: Mapping[str, Source], tasks: Sequence[Task]
) -> None:
    """Refuse to begin what cannot be written to the end.

    Raises:
        SingwizError: the disk is too full.
    """
    seconds = sum(sources[task.key].item.seconds * len(task.variants) for task in tasks)
    needed = int(seconds / recipe.dt * (recipe.num_mels * 4 + 24 + 4 * len(recipe.curves)))
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


def write_maps(
    folder: Path,
    config: Config,
    phoneme_set: PhonemeSet,
    dictionaries: Mapping[str, Dictionary],
    reporter: Reporter,
) -> None:
    """Who is which number: speakers, languages, phonemes; and the dictionaries."""
    ids = assign_speaker_ids(config.datasets)
    spk_map = {entry.speaker: number for entry, number in zip(config.datasets, ids, strict=True)}
    maps = {
        "spk_map.json": spk_map,
        "lang_map.json": dict(phoneme_set.lang_map),
        "phonemes.json": phoneme_set.dump(),
    }
    reporter.log(f"| spk_map:  {spk_map}")
    reporter.log(f"| lang_map:  {maps['lang_map.json']}")
    if config.kind == "acoustic":
        added = shifted_speakers(config.augmentation_args, spk_map, max_spk_id=max(ids))
        if added:
            maps["spk_map_shifted.json"] = added
    for name, content in maps.items():
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / name).write_text(text, encoding="utf-8")
    for language, dictionary in dictionaries.items():
        shutil.copyfile(dictionary.path, folder / f"dictionary-{language}.txt")


def store(
    results: Iterator[Result],
    tasks: Sequence[Task],
    sources: Mapping[str, Source],
    valid: set[str],
    folder: Path,
    report: BinarizeReport,
    reporter: Reporter,
    max_failed: int,
) -> None:
    """Write what was computed, in the order of the tasks.

    Raises:
        SingwizError: too many items failed, or nothing is left of a split.
        Cancelled: the reporter asked to stop.
    """
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
            # Names of training items are for messages: which recording broke a training.
            meta: dict[str, object] = {"ph_dur": len(task.ph_dur), "names": task.name}
            if task.key in valid:
                meta |= {
                    "ph_texts": " ".join(source.item.ph_seq),
                    "spk_names": source.speaker,
                }
            split, file = ("valid", valid_file) if task.key in valid else ("train", train_file)
            for index, (fields, length, seconds) in enumerate(
                zip(result.items, result.lengths, result.seconds, strict=True)
            ):
                file.add(fields, length=length, meta=meta)
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


def draw_distributions(folder: Path, report: BinarizeReport, previous: Path) -> list[str]:
    """Draw how often phonemes, notes and ornaments are sung; returns the files' names.

    Args:
        folder: where to.
        report: the counts.
        previous: the dataset that is replaced; pictures of the same counts are taken from it.
    """
    wanted: dict[str, tuple[str, Mapping[str, int]]] = {
        "phoneme": ("Phonemes in the recordings", report.phonemes)
    }
    if report.notes:
        span = range(min(report.notes), max(report.notes) + 1)
        notes = {note_name(midi): report.notes.get(midi, 0) for midi in span}
        wanted["midi"] = ("Notes in the recordings", notes)
    if report.glides:
        wanted["glide"] = ("Ornaments in the recordings", report.glides)
    drawn = _drawn_before(previous)
    names = []
    for kind, (title, counts) in wanted.items():
        path = folder / f"{kind}_distribution.jpg"
        names.append(path.name)
        if drawn.get(_COUNTED[kind]) == _as_json(getattr(report, _COUNTED[kind])):
            try:
                shutil.copyfile(previous / path.name, path)
                continue
            except OSError:
                pass  # then it is drawn anew
        from ..plots.charts import draw_counts, draw_phoneme_counts

        draw = draw_phoneme_counts if kind == "phoneme" else draw_counts
        draw(counts, path, title=title)
    return names


_COUNTED = {"phoneme": "phonemes", "midi": "notes", "glide": "glides"}
"""Kind of a picture -> field of the report."""


def _as_json(counts: object) -> object:
    return json.loads(json.dumps(counts))


def _drawn_before(previous: Path) -> dict[str, object]:
    try:
        manifest = json.loads((previous / "binarize.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    same = isinstance(manifest, dict) and manifest.get("singwiz") == __version__
    return manifest if same else {}


def write_manifest(
    folder: Path, report: BinarizeReport, recipe: Recipe, dictionaries: Mapping[str, Dictionary]
) -> None:
    """Write ``binarize.json``: how the dataset was made and what is in it."""
    report.files = sorted([*(file.name for file in folder.iterdir()), "binarize.json"])
    manifest = {
        **report.to_dict(),
        "singwiz": __version__,
        "dictionaries": {name: entry.sha256 for name, entry in dictionaries.items()},
        "pe": recipe.pe,
        "pe_weights": recipe.pe_digest or None,
        "hnsep": recipe.hnsep if recipe.separates else None,
        "hnsep_weights": recipe.hnsep_digest or None,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (folder / "binarize.json").write_text(text, encoding="utf-8")


def _warn_about_length(
    source: Source, result: Result, report: BinarizeReport, reporter: Reporter
) -> None:
    labelled, heard = source.item.seconds, result.audio_seconds
    if heard is None:
        return
    if abs(labelled - heard) > max(0.05, 0.01 * heard):
        message = (
            f"The labels of '{source.item.name}' last {labelled:.2f} s, its recording "
            f"{heard:.2f} s."
        )
        report.warnings.append(message)
        reporter.warning("label-length", message, source.item.name)
