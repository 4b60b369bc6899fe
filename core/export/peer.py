"""An experiment as others keep it: a folder that openvpi/DiffSinger and DiffTrainer load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from ..atomic import atomic_path, write_text
from ..checkpoint import latest_checkpoint, read_checkpoint
from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from ..synthesis.experiment import Experiment, read_dictionaries
from .dsconfig import write_yaml


def export_checkpoint(
    experiment: Experiment,
    folder: Path,
    *,
    steps: int | None = None,
    weights_only: bool = False,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Copy what is needed to sing with, convert or go on training a model elsewhere.

    Args:
        experiment: what to copy.
        folder: made if needed; the name of it is the experiment's name there.
        steps: of which checkpoint; the largest if None.
        weights_only: without the state of the optimizer: smaller, but training begins anew.
        reporter: receives progress.

    Returns:
        ``folder``, ``files`` (name -> bytes) and ``checkpoint``.

    Raises:
        SingwizError: there is no checkpoint, or no dictionary, which DiffSinger needs.
    """
    reporter = reporter or Reporter()
    checkpoint = latest_checkpoint(experiment.folder, steps)
    if checkpoint is None:
        raise SingwizError(
            "checkpoint-missing",
            "The experiment folder has no such checkpoint.",
            hint="Train the model first, or choose another folder or step.",
            where=str(experiment.folder),
            exit_code=USAGE_PROBLEM,
        )
    if folder.exists() and folder.samefile(experiment.folder):
        raise SingwizError(
            "export-onto-itself",
            "The experiment cannot be exported into its own folder.",
            hint="Choose another folder with -o.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    dictionaries = read_dictionaries(experiment.folder, experiment.config)
    folder.mkdir(parents=True, exist_ok=True)
    reporter.progress(0, 1, f"copying {checkpoint.name}")
    names = [checkpoint.name, "config.yaml", "spk_map.json", "lang_map.json", "phonemes.json"]
    if weights_only:
        import torch

        content = read_checkpoint(checkpoint, experiment.config.kind)
        slim = {"category": content["category"], "state_dict": content["state_dict"]}
        with atomic_path(folder / checkpoint.name) as temporary:
            torch.save(slim, temporary)
    else:
        shutil.copyfile(checkpoint, folder / checkpoint.name)
    for language, dictionary in dictionaries.items():
        names.append(f"dictionary-{language}.txt")
        shutil.copyfile(dictionary.path, folder / names[-1])
    write_yaml(folder / "config.yaml", shareable(experiment.config.to_dict(), dictionaries))
    phonemes = experiment.phonemes
    spk_map = dict(experiment.spk_map) or {"default": 0}
    for name, numbers in (
        ("spk_map.json", spk_map),
        ("lang_map.json", phonemes.lang_map),
        ("phonemes.json", phonemes.dump()),
    ):
        write_text(folder / name, json.dumps(numbers, ensure_ascii=False))
    reporter.progress(1, 1, "checkpoint")
    return {
        "folder": str(folder),
        "checkpoint": str(checkpoint),
        "files": {name: (folder / name).stat().st_size for name in sorted(names)},
    }


def shareable(config: Mapping[str, Any], dictionaries: Mapping[str, Any]) -> dict[str, Any]:
    """A config without paths of this machine, which are nobody's business and lead nowhere."""
    result = dict(config)
    result["dictionaries"] = {name: f"dictionary-{name}.txt" for name in dictionaries}
    result["datasets"] = [
        {**entry, "raw_data_dir": f"data/{_last(entry.get('raw_data_dir', ''))}/raw"}
        for entry in config.get("datasets") or ()
    ]
    for key, value in result.items():
        is_path = key.endswith(("_ckpt", "_ckpt_path", "_dir"))
        if is_path and isinstance(value, str) and _is_absolute(value):
            result[key] = _last(value)
    return result


def _is_absolute(path: str) -> bool:
    return PurePath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def _last(path: str) -> str:
    return PureWindowsPath(path).name or "data"
