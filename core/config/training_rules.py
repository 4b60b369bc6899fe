"""Rules about files a config needs, and about training."""

from __future__ import annotations

from pathlib import Path

from ..assets import AssetKind, is_usual, network_file
from ..errors import SingwizError
from ..models.vocoder.config import MEL_KEYS
from ..vocoder_checkpoint import find_vocoder, read_vocoder_config
from .rule import ERROR, WARNING, Findings, Rule, say, switched_curves
from .schema import Config

_WIDE = 512
"""Channels from which training on a CPU is a matter of days."""


def _files(config: Config, base: Path) -> Findings:
    separated = bool(set(switched_curves(config)) - {"energy"})
    networks: tuple[tuple[bool, str, str, str, AssetKind], ...] = (
        (True, "rmvpe", "pe", "pitch extractor", "pitch"),
        (separated, "vr", "hnsep", "separator", "separator"),
    )
    for used, choice, key, name, kind in networks:
        path = getattr(config, f"{key}_ckpt")
        wanted = used and getattr(config, key) == choice
        if wanted and network_file(path, base, kind) is None:
            yield say(
                "config-file-missing",
                ERROR,
                f"{key}_ckpt",
                f"The {name} '{choice}' needs the file '{path}', which does not exist.",
                f"Get it with: singwiz assets get {choice}. Or correct the path, or choose "
                + ("pe: parselmouth." if key == "pe" else "hnsep: world."),
            )
    if config.kind == "acoustic" and config.vocoder_ckpt:
        named = config.vocoder_ckpt
        found = network_file(named, base, "vocoder")
        # Nobody chose a usual name; until that vocoder is fetched there is the preview.
        if found is not None or not is_usual("vocoder", named):
            yield from _vocoder(config, found or base / named)


def _start(config: Config, base: Path) -> Findings:
    path = config.finetune_ckpt_path
    if not config.finetune_enabled:
        return
    vocoder = config.kind == "vocoder"
    if vocoder:
        # A fetched one stands in for the name in everybody's configs, never for one's own file.
        there = bool(path) and network_file(str(path), base, "vocoder-base") is not None
    else:
        there = bool(path) and (base / str(path)).is_file()
    if not there:
        yield say(
            "config-file-missing",
            ERROR,
            "finetune_ckpt_path",
            f"The {'vocoder' if vocoder else 'voice'} to start from, '{path or ''}', does not "
            "exist.",
            "Correct finetune_ckpt_path, or set finetune_enabled to false."
            + (" The community's: singwiz assets get pc-nsf-hifigan-base." if vocoder else ""),
        )


def _vocoder(config: Config, path: Path) -> Findings:
    if not path.exists():
        yield say(
            "config-vocoder-missing",
            WARNING,
            "vocoder_ckpt",
            f"The vocoder '{config.vocoder_ckpt}' does not exist; you will hear the preview "
            "vocoder.",
            "Correct the path to hear the real sound.",
        )
        return
    try:
        other = read_vocoder_config(find_vocoder(path))
    except SingwizError:
        yield say(
            "config-vocoder-config",
            ERROR,
            "vocoder_ckpt",
            f"Beside the vocoder there is no readable config.json in '{path.parent}'.",
            "Put the config.json that came with the vocoder beside it.",
        )
        return
    for name, key in MEL_KEYS.items():
        mine, theirs = getattr(config, key), other.get(name)
        if theirs is not None and mine != theirs:
            yield say(
                "config-vocoder-mismatch",
                ERROR,
                key,
                f"'{key}' is {mine:g}, but the vocoder was made for {theirs}.",
                f"Set {key} to {theirs}, or use a vocoder that fits.",
            )


def _precision(config: Config, base: Path) -> Findings:
    if config.pl_trainer_accelerator == "cpu" and config.pl_trainer_precision.startswith("16"):
        yield say(
            "config-half-on-cpu",
            ERROR,
            "pl_trainer_precision",
            "A CPU cannot train in 16 bits.",
            "Set pl_trainer_precision: 32-true.",
        )


def _training(config: Config, base: Path) -> Findings:
    if config.pl_trainer_accelerator == "cpu":
        if "muon" in config.optimizer_args.optimizer_cls.lower():
            yield say(
                "config-muon-on-cpu",
                WARNING,
                "optimizer_args.optimizer_cls",
                "The Muon optimizer makes every step on a CPU several times as expensive.",
                "Use torch.optim.AdamW.",
            )
        width = config.backbone_args.num_channels or 0
        if config.kind == "acoustic" and width >= _WIDE:
            yield say(
                "config-large-on-cpu",
                WARNING,
                "backbone_args.num_channels",
                f"A model {width} channels wide takes seconds for every step on a CPU; "
                f"{config.max_updates} steps take days.",
                "Choose the small preset, or train on a GPU.",
            )


def _checkpoints(config: Config, base: Path) -> Findings:
    if config.permanent_ckpt_start > 0 and 0 < config.permanent_ckpt_interval < 10:
        yield say(
            "config-permanent-off",
            WARNING,
            "permanent_ckpt_interval",
            "With an interval below 10 no checkpoint is kept for good.",
            "Use at least 10, or set permanent_ckpt_start to 0.",
        )
    if config.val_check_interval > config.max_updates:
        yield say(
            "config-never-validates",
            WARNING,
            "val_check_interval",
            f"The first validation would be at step {config.val_check_interval}, after the end "
            f"of training at {config.max_updates}.",
            "Lower val_check_interval.",
        )


COMMON_RULES: tuple[Rule, ...] = (_start, _precision, _checkpoints)
"""Rules that hold for every kind of model."""

RULES: tuple[Rule, ...] = (_files, _training, *COMMON_RULES)
