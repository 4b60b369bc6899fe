"""Checks of a project's surroundings: folders, disk, machine, and what was made earlier."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import yaml

from ..errors import SingwizError
from ..findings import Finding, Severity
from ..project import ModelKind, Project
from .catalogue import say

if TYPE_CHECKING:
    from ..config import Config, Hardware
    from ..dataset import RawDataset
    from ..dataset.checks import Thresholds

_CLOUDS = (
    "onedrive",
    "dropbox",
    "google drive",
    "googledrive",
    "my drive",
    "icloud drive",
    "mobile documents",
    "nextcloud",
    "owncloud",
    "pcloud",
    "creative cloud files",
)
_LONGEST_INSIDE = len("/checkpoints/acoustic/validation/100000/0123456789.wav")
_NOT_COMPARED = frozenset({"base_config", "work_dir", "exp_name"})
_MOST_SHOWN = 5
_ROOM = 1.5
"""Batches so many times larger than recommended may still fit."""


def check_paths(
    project: Project, datasets: Sequence[RawDataset], limits: Thresholds
) -> list[Finding]:
    """Folders that cannot be written, move about, or make trouble on other systems."""
    findings = []
    for folder in (project.root, *_written_folders(project)):
        problem = _not_writable(folder)
        if problem:
            message = f"'{folder}' cannot be written: {problem}."
            findings.append(say("path-not-writable", message, file=str(folder)))
    for recordings in project.state.datasets:
        if not Path(recordings.raw_data_dir).expanduser().is_absolute():
            message = f"The folder of '{recordings.name}' is '{recordings.raw_data_dir}'."
            findings.append(say("path-relative", message, dataset=recordings.name))
    recorded = [str(item.audio) for dataset in datasets for item in dataset.items if item.audio]
    longest = max(recorded, key=len, default="")
    deepest = len(str(project.root)) + _LONGEST_INSIDE
    if max(len(longest), deepest) > limits.path_length:
        where = longest if len(longest) > deepest else str(project.root)
        message = f"Paths get up to {max(len(longest), deepest)} characters long: '{where[:60]}…'."
        # Elsewhere it only matters once the project is taken to Windows.
        severity = Severity.WARNING if os.name == "nt" else Severity.NOTE
        findings.append(say("path-long", message, file=where, severity=severity))
    cloud = _cloud_of(project.root)
    if cloud:
        message = f"The project lies in a synchronised folder ({cloud})."
        findings.append(say("path-cloud", message, file=str(project.root)))
    return findings


def _written_folders(project: Project) -> list[Path]:
    return [
        project.dataset_dir(""),
        project.binary_dir("acoustic").parent,
        project.checkpoints_dir,
        project.renders_dir,
        project.jobs_dir,
    ]


def _not_writable(folder: Path) -> str:
    """Why nothing can be written into a folder; empty if it can."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not existing.is_dir():
            return f"'{existing.name}' is a file"
        return "" if os.access(existing, os.W_OK | os.X_OK) else "it is protected"
    except OSError as error:
        return error.strerror or str(error)


def _cloud_of(root: Path) -> str:
    for part in PurePath(root).parts:
        plain = part.casefold()
        for cloud in _CLOUDS:
            if plain == cloud or plain.startswith((f"{cloud} - ", f"{cloud}-")):
                return part
    return ""


def check_resources(
    project: Project,
    kind: ModelKind,
    config: Config,
    datasets: Sequence[RawDataset],
    limits: Thresholds,
) -> list[Finding]:
    """Disk, processor and graphics card against what the config asks of them."""
    from ..config import detect_hardware, list_hardware

    findings = []
    needed = prepared_bytes(config, datasets)
    try:
        free = shutil.disk_usage(project.root).free
    except OSError:
        free = None
    made = (project.binary_dir(kind) / "train.data").exists()
    if free is not None and not made and free < limits.disk_factor * needed:
        message = (
            f"Prepared data will take about {_gigabytes(needed)}, and {_gigabytes(free)} are free."
        )
        findings.append(say("disk-space-low", message, file=str(project.root)))
    cores = os.cpu_count() or 1
    workers = config.binarization_args.num_workers
    for key, count in (
        ("binarization_args.num_workers", workers),
        ("ds_workers", config.ds_workers),
    ):
        if count > cores:
            message = f"'{key}' is {count}, but this machine has {cores} processor cores."
            findings.append(say("workers-many", message, symbol=key))
    networks = [name for name in (config.pe, config.hnsep) if name in ("rmvpe", "vr")]
    if workers > 1 and networks:
        message = f"{workers} workers would each load '{networks[0]}' into the graphics card."
        findings.append(say("workers-gpu", message, symbol="binarization_args.num_workers"))
    own = detect_hardware()
    machine = next((one for one in list_hardware() if one.id == own), None)
    return findings + (check_batches(kind, config, machine) if machine else [])


def check_batches(kind: ModelKind, config: Config, machine: Hardware) -> list[Finding]:
    """Batches that are made for more memory than a machine's graphics card has."""
    fitting = machine.values_for(kind).get("max_batch_frames")
    if not machine.memory or config.pl_trainer_accelerator == "cpu" or fitting is None:
        return []
    if config.max_batch_frames <= _ROOM * float(fitting.value):
        return []
    message = (
        f"'max_batch_frames' is {config.max_batch_frames}; for a graphics card of "
        f"{machine.memory:g} GB {fitting.value} is right."
    )
    return [say("batch-memory", message, symbol="max_batch_frames")]


def prepared_bytes(config: Config, datasets: Sequence[RawDataset]) -> float:
    """About how much the prepared data will take: spectrogram, sound, labels, pitch, curves."""
    seconds = sum(item.seconds for dataset in datasets for item in dataset.items)
    copies = 1.0
    if config.kind == "acoustic":
        augmentation = config.augmentation_args
        for one in (augmentation.random_pitch_shifting, augmentation.random_time_stretching):
            copies += one.scale if one.enabled else 0.0
        fixed = augmentation.fixed_pitch_shifting
        copies += fixed.scale * len(fixed.targets) if fixed.enabled else 0.0
    frames = seconds * config.audio_sample_rate / config.hop_size * copies
    bands = config.audio_num_mel_bins if config.kind != "variance" else 0
    sound = config.hop_size if config.kind == "vocoder" else 0
    return frames * (4.0 * (bands + sound) + 12.0 + 16.0)


def check_batch_length(config: Config, datasets: Sequence[RawDataset]) -> list[Finding]:
    """Recordings that do not fit into a batch."""
    frames = config.audio_sample_rate / config.hop_size
    for dataset in datasets:
        for item in dataset.items:
            length = item.seconds * frames
            # Labels in milliseconds have a finding of their own.
            if config.max_batch_frames < length < 1e6:
                message = (
                    f"'{item.name}' has {length:.0f} frames, more than a batch of "
                    f"{config.max_batch_frames} (max_batch_frames)."
                )
                return [say("batch-too-small", message, dataset=dataset.name, item=item.name)]
    return []


def check_earlier_work(project: Project, kind: ModelKind, config: Config) -> list[Finding]:
    """Prepared data and a trained voice made with other settings than there are now."""
    findings = []
    folder = project.binary_dir(kind)
    unfinished = [
        prefix
        for prefix in ("train", "valid")
        if (folder / f"{prefix}.data").exists() and not (folder / f"{prefix}.meta.json").exists()
    ]
    if unfinished:
        message = f"The prepared data in '{folder.name}' is unfinished ({unfinished[0]})."
        findings.append(say("binary-incomplete", message, file=str(folder)))
    recorded = _manifest_hash(folder / "binarize.json")
    if recorded is not None and recorded != config.hash_for("p"):
        message = "The recordings were prepared with other settings than the config has now."
        findings.append(say("binary-stale", message, file=str(folder)))
    return findings + _check_saved_config(project.experiment_dir(kind), config)


def _manifest_hash(manifest: Path) -> str | None:
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    recorded = content.get("config_hash") if isinstance(content, dict) else None
    return recorded if isinstance(recorded, str) else None


def _check_saved_config(folder: Path, config: Config) -> list[Finding]:
    from ..config import changed_keys

    try:
        saved = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return []
    if not isinstance(saved, dict):
        return []
    try:
        keys = [key for key in changed_keys(saved, config.to_dict()) if key not in _NOT_COMPARED]
    except (SingwizError, TypeError, AttributeError):
        return []
    if not keys:
        return []
    shown = ", ".join(keys[:_MOST_SHOWN]) + (" …" if len(keys) > _MOST_SHOWN else "")
    message = f"The voice in '{folder.name}' was trained with other settings: {shown}."
    return [say("saved-config-differs", message, file=str(folder / "config.yaml"))]


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 5e7 else f"{count / 1e6:.1f} MB"
