"""The experiment folder: what lies beside the checkpoints, and whether a run can go on in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from torch import nn

from ..atomic import atomic_path
from ..checkpoint import latest_checkpoint, load_state_dict
from ..config import changed_keys, load_config, save_config
from ..config.part_rules import package_defaults
from ..errors import SingwizError
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config

CONFIG = "config.yaml"
PHONEMES = "phonemes.json"
MAPS = ("spk_map.json", "lang_map.json", PHONEMES)
NOT_COMPARED = frozenset({"base_config", "work_dir", "exp_name"})


@dataclass(frozen=True)
class Experiment:
    """A checked experiment folder.

    Attributes:
        work_dir: the folder.
        binary_dir: the prepared data it trains on.
        vocab_size: phoneme ids including padding.
        checkpoint: the newest checkpoint, or None at the start.
    """

    work_dir: Path
    binary_dir: Path
    vocab_size: int
    checkpoint: Path | None


def open_experiment(config: Config, work_dir: Path, reporter: Reporter) -> Experiment:
    """Look at the folder and the prepared data; nothing is written yet.

    Raises:
        SingwizError: the data is missing, or its phonemes are not those of the checkpoints.
    """
    binary_dir = Path(config.binary_data_dir).absolute()
    phonemes = binary_dir / PHONEMES
    if not phonemes.is_file():
        raise SingwizError(
            "binary-data-missing",
            f"There is no prepared data in {binary_dir}.",
            hint="Run the preparation (binarize) first.",
            where=str(phonemes),
        )
    checkpoint = latest_checkpoint(work_dir)
    ids = _read_ids(phonemes)
    if checkpoint is not None and (work_dir / PHONEMES).is_file():
        _compare_phonemes(_read_ids(work_dir / PHONEMES), ids, work_dir)
    warn_if_stale(config, binary_dir, reporter)
    return Experiment(work_dir, binary_dir, max(ids.values(), default=0) + 1, checkpoint)


def write_experiment(experiment: Experiment, config: Config, reporter: Reporter) -> None:
    """Put config, dictionaries, maps and phonemes beside the checkpoints.

    The given config is the one that counts; where the folder had another, the keys that differ
    are reported.
    """
    experiment.work_dir.mkdir(parents=True, exist_ok=True)
    config = load_config(config.to_dict(), overrides=package_defaults(config))
    saved = experiment.work_dir / CONFIG
    if saved.is_file():
        _report_differences(saved, config, reporter)
    save_config(config, saved)
    for name in MAPS:
        _copy(experiment.binary_dir / name, experiment.work_dir / name)
    for dictionary in sorted(experiment.binary_dir.glob("dictionary-*.txt")):
        _copy(dictionary, experiment.work_dir / dictionary.name)


def check_resumable(experiment: Experiment, model: nn.Module, category: str) -> None:
    """Make sure that the newest checkpoint fits the network.

    Raises:
        SingwizError: it cannot be read, is of another kind, or has other shapes.
    """
    if experiment.checkpoint is None:
        return
    stored = load_state_dict(experiment.checkpoint, category)
    wanted = model.state_dict()
    differing = sorted(
        name
        for name in wanted.keys() | stored.keys()
        if name not in wanted or name not in stored or wanted[name].shape != stored[name].shape
    )
    if differing:
        shown = ", ".join(differing[:3]) + (" …" if len(differing) > 3 else "")
        raise SingwizError(
            "network-changed",
            f"The config describes another network than the one trained in this folder: "
            f"{len(differing)} weights differ ({shown}).",
            hint="Undo the change of the model's settings, or train under another experiment "
            "name (the old one can be its starting point: finetune_ckpt_path).",
            where=str(experiment.checkpoint),
        )


def _report_differences(saved: Path, config: Config, reporter: Reporter) -> None:
    try:
        old = yaml.safe_load(saved.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        old = None
    if not isinstance(old, Mapping):
        reporter.warning(
            "saved-config-unreadable", f"{saved} cannot be read and is replaced by the config."
        )
        return
    keys = [key for key in changed_keys(old, config.to_dict()) if key not in NOT_COMPARED]
    if keys:
        reporter.warning(
            "config-changed",
            f"The config differs from the one saved in this experiment in: {', '.join(keys)}. "
            "The new values are used and saved.",
        )


def warn_if_stale(config: Config, binary_dir: Path, reporter: Reporter) -> None:
    """Say so if the data was prepared with other settings."""
    manifest = binary_dir / "binarize.json"
    if not manifest.is_file():
        return
    try:
        recorded = json.loads(manifest.read_text(encoding="utf-8")).get("config_hash")
    except (ValueError, AttributeError):
        recorded = None
    if recorded is not None and recorded != config.hash_for("p"):
        reporter.warning(
            "binary-data-stale",
            "The data was prepared with other settings than the config has now. Prepare it "
            "again if the change was meant to take effect.",
        )


def _read_ids(path: Path) -> dict[str, int]:
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
        return {str(symbol): int(number) for symbol, number in ids.items()}
    except (ValueError, AttributeError, TypeError):
        raise SingwizError(
            "phonemes-unreadable",
            "The list of phonemes cannot be read.",
            hint="Prepare the data again.",
            where=str(path),
        ) from None


def _compare_phonemes(trained: dict[str, int], prepared: dict[str, int], work_dir: Path) -> None:
    if trained == prepared:
        return
    changed = sorted(
        symbol
        for symbol in trained.keys() | prepared.keys()
        if trained.get(symbol) != prepared.get(symbol)
    )
    raise SingwizError(
        "phonemes-changed",
        "The data was prepared with other phonemes than this model was trained with "
        f"({', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}).",
        hint="Use the old dictionary, or train under another experiment name.",
        where=str(work_dir),
    )


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
