"""Older DiffSinger configs: names that changed, and keys that were not there yet.

Two questions are answered here. *What is it called today?* (:func:`modernise`, from v1 to
2.4 style). *What did the absence of a key mean when the config was saved?*
(:func:`derive_absent`; meanings that are plain constants are the schema's defaults.)
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..findings import Finding, Place, Severity

PSEUDO_LANGUAGE = "default"
"""Language tag of configs from the time when a voice had exactly one dictionary."""

LEGACY_TYPES: dict[str, Any] = {
    "raw_data_dir": str | list[str],
    "speakers": list[str],
    "test_prefixes": list[str],
    "dictionary": str,
    "g2p_dictionary": str,
    "pitch_extractor": str,
}

RENAMED = {
    "diff_decoder_type": "backbone_type",
    "diff_loss_type": "main_loss_type",
    "pndm_speedup": "diff_speedup",
    "pitch_extractor": "pe",
    "max_tokens": "max_batch_frames",
    "max_sentences": "max_batch_size",
    "max_eval_tokens": "max_val_batch_frames",
    "max_eval_sentences": "max_val_batch_size",
    "lr": "optimizer_args.lr",
    "weight_decay": "optimizer_args.weight_decay",
    "optimizer_adam_beta1": "optimizer_args.beta1",
    "optimizer_adam_beta2": "optimizer_args.beta2",
    "decay_steps": "lr_scheduler_args.step_size",
    "lr_decay_steps": "lr_scheduler_args.step_size",
    "gamma": "lr_scheduler_args.gamma",
    "lr_decay_gamma": "lr_scheduler_args.gamma",
    "warmup_updates": "lr_scheduler_args.warmup_steps",
}
_WAVENET_ARGS = {
    "residual_layers": "num_layers",
    "residual_channels": "num_channels",
    "dilation_cycle_length": "dilation_cycle_length",
}
DROPPED = {
    "f0_embed_type": "only continuous pitch input exists today",
    "interp_uv": "unvoiced pitch is always interpolated",
    "num_pad_tokens": "there is exactly one padding token",
    "ffn_padding": "it is always SAME",
    "save_codes": "code is not copied beside checkpoints",
    "train_set_name": "it is always 'train'",
    "valid_set_name": "it is always 'valid'",
    "wav2spec_eps": "it has no effect today",
    "keep_bins": "it has no effect today",
    "max_frames": "it has no effect today",
    "max_input_tokens": "it has no effect today",
    "use_midi": "acoustic models read no notes today",
    "save_f0": "pitch is always stored",
}
_DATASET_KEYS = ("raw_data_dir", "speakers", "spk_ids", "test_prefixes")
_PREDICTIONS = ("pitch_prediction_args", "variances_prediction_args")

ReplacedBy = tuple[tuple[str, ...], tuple[str, ...]]


def _pairs() -> list[ReplacedBy]:
    """(old keys, new keys) that say the same thing; a file that uses one side silences the other
    side in the files it builds on."""
    pairs: list[ReplacedBy] = [((old,), (new,)) for old, new in RENAMED.items()]
    pairs.append((("raw_data_dir",), ("datasets",)))
    pairs.append((("dictionary", "g2p_dictionary"), ("dictionaries",)))
    pairs.append((tuple(_WAVENET_ARGS), ("backbone_args", "backbone_type")))
    for section in _PREDICTIONS:
        old = tuple(f"{section}.{name}" for name in _WAVENET_ARGS)
        pairs.append((old, (f"{section}.backbone_args", f"{section}.backbone_type")))
    pairs.append(
        (
            ("variances_prediction_args.repeat_bins",),
            ("variances_prediction_args.total_repeat_bins",),
        )
    )
    pairs.append((("ddp_backend",), ("pl_trainer_strategy.process_group_backend", "nccl_p2p")))
    return pairs


_PAIRS = _pairs()


def forget_replaced(base: dict[str, Any], own: Mapping[str, Any]) -> None:
    """Remove from ``base`` what ``own`` says with keys of another DiffSinger generation.

    A config of 2023 that builds on today's bases means its own ``residual_layers``, not the
    ``backbone_args`` it inherits; so the file that is nearer to the user wins.
    """
    if _is_name_list(own.get("datasets")):
        _delete(base, "datasets")
    for old, new in _PAIRS:
        own_old = any(_get(own, key) not in (None, "", []) for key in old)
        own_new = any(_get(own, key) not in (None, "", []) for key in new)
        if own_old and not own_new:
            for key in new:
                _delete(base, key)
        elif own_new and not own_old:
            for key in old:
                _delete(base, key)


def modernise(data: dict[str, Any], *, base_dir: Path) -> tuple[list[Finding], dict[str, Any]]:
    """Rewrite old names in ``data`` in place.

    Args:
        data: merged config.
        base_dir: relative recording folders start here; item names are looked up in them to
            find out which dataset an old global test prefix was meant for.

    Returns:
        Notes on what was changed, and the old keys with their old values.
    """
    findings: list[Finding] = []
    original: dict[str, Any] = {}

    def note(old: str, what: str, *, severity: Severity = Severity.NOTE, hint: str = "") -> None:
        findings.append(
            Finding(
                "config-old-key",
                severity,
                f"'{old}' comes from an older DiffSinger: {what}.",
                hint=hint,
                place=Place(symbol=old),
            )
        )

    def take(old: str) -> Any:
        value = _get(data, old)
        _delete(data, old)
        original[old] = value
        return value

    for old, new in RENAMED.items():
        if _get(data, old) is None:
            continue
        value = take(old)
        if _get(data, new) is None:
            _set(data, new, value)
        note(old, f"today it is '{new}'")
    for section in ("", *(f"{name}." for name in _PREDICTIONS)):
        _wavenet_args(data, section, take, note)
    _datasets(data, base_dir, take, note)
    _dictionaries(data, take, note)
    _strategy(data, take, note)
    if _get(data, "variances_prediction_args.repeat_bins") is not None:
        per_curve = take("variances_prediction_args.repeat_bins")
        names = ("energy", "breathiness", "voicing", "tension")
        curves = sum(bool(data.get(f"predict_{name}")) for name in names)
        if isinstance(per_curve, int):
            _set(data, "variances_prediction_args.total_repeat_bins", per_curve * max(1, curves))
        note(
            "variances_prediction_args.repeat_bins",
            "today the bins of all curves are given together as 'total_repeat_bins'",
        )
    _dropped(data, take, note)
    return findings, original


def derive_absent(data: dict[str, Any]) -> None:
    """Fill in, in place, keys whose absence meant something computed from other keys."""
    timesteps = _number(data.get("timesteps")) or 1000
    k_step = _number(data.get("K_step"))
    if k_step is not None:
        data.setdefault("K_step_infer", data["K_step"])
        k_step_infer = _number(data["K_step_infer"])
        if "T_start" not in data:
            data["T_start"] = 1 - k_step / timesteps
            if k_step_infer is not None:
                data.setdefault("T_start_infer", 1 - k_step_infer / timesteps)
    if "T_start" in data:
        data.setdefault("T_start_infer", data["T_start"])
    speedup = _number(data.get("diff_speedup"))
    if "sampling_steps" not in data and speedup:
        shallow = bool(data.get("use_shallow_diffusion"))
        steps = _number(data.get("K_step_infer")) if shallow else timesteps
        if steps is not None:
            data["sampling_steps"] = max(1, int(steps // speedup))
    if "timesteps" in data:
        data.setdefault("time_scale_factor", data["timesteps"])


# Single conversions ---------------------------------------------------------------------

_Take = Callable[[str], Any]
_Note = Callable[..., None]


def _wavenet_args(data: dict[str, Any], section: str, take: _Take, note: _Note) -> None:
    present = [old for old in _WAVENET_ARGS if _get(data, section + old) is not None]
    if not present:
        return
    backbone = _get(data, f"{section}backbone_type")
    if backbone not in (None, "wavenet"):
        for old in present:
            take(section + old)
            note(section + old, f"it has no effect on the backbone '{backbone}'")
        return
    known = _get(data, f"{section}backbone_args")
    args = dict(known) if isinstance(known, Mapping) else {}
    for old in present:
        args.setdefault(_WAVENET_ARGS[old], take(section + old))
        note(section + old, f"today it is '{section}backbone_args.{_WAVENET_ARGS[old]}'")
    _set(data, f"{section}backbone_args", args)
    if backbone is None:
        _set(data, f"{section}backbone_type", "wavenet")


def _datasets(data: dict[str, Any], base_dir: Path, take: _Take, note: _Note) -> None:
    if _is_name_list(data.get("datasets")):
        names = take("datasets")
        data.setdefault("speakers", names)
    if data.get("datasets") or data.get("raw_data_dir") in (None, "", []):
        for old in _DATASET_KEYS:
            if old in data:
                value = take(old)
                if value not in (None, "", []):
                    note(old, "it has no effect, because recordings are listed under 'datasets'")
        return
    folders = _as_list(take("raw_data_dir"))
    speakers = _as_list(take("speakers") if "speakers" in data else None)
    ids = _as_list(take("spk_ids") if "spk_ids" in data else None)
    rules = [
        str(rule) for rule in _as_list(take("test_prefixes") if "test_prefixes" in data else None)
    ]
    if speakers and len(speakers) != len(folders):
        note(
            "speakers",
            f"it names {len(speakers)} singers for {len(folders)} recording folders",
            severity=Severity.ERROR,
            hint="Give one speaker for each folder, or list the recordings under 'datasets'.",
        )
    entries = [
        {
            "raw_data_dir": folder,
            "speaker": speakers[i] if i < len(speakers) else "",
            "spk_id": ids[i] if i < len(ids) else i,
            "language": PSEUDO_LANGUAGE,
        }
        for i, folder in enumerate(folders)
    ]
    spread = _spread_rules([str(rule) for rule in rules], [str(f) for f in folders], base_dir)
    for entry, prefixes in zip(entries, spread, strict=True):
        entry["test_prefixes"] = prefixes
    data["datasets"] = entries
    note("raw_data_dir", "recordings are listed under 'datasets' today")


def _spread_rules(rules: list[str], folders: list[str], base_dir: Path) -> list[list[str]]:
    """Give each old global rule to the datasets it selected items from.

    ``2:name`` means dataset 2 only. A bare rule goes to every dataset that has an item of that
    exact name, else to every dataset where it begins a name; where that cannot be found out,
    to all.
    """
    spread: list[list[str]] = [[] for _ in folders]
    names = [_item_names(base_dir / folder) if len(folders) > 1 else None for folder in folders]
    for rule in rules:
        number, colon, rest = rule.partition(":")
        if colon and number.isdecimal() and int(number) < len(folders):
            targets, rule = [int(number)], rest
        else:
            exact = [i for i, known in enumerate(names) if known and rule in known]
            begins = [
                i
                for i, known in enumerate(names)
                if known and any(n.startswith(rule) for n in known)
            ]
            unknown = [i for i, known in enumerate(names) if known is None]
            targets = sorted({*(exact or begins), *unknown}) or list(range(len(folders)))
        for target in targets:
            if rule not in spread[target]:
                spread[target].append(rule)
    return spread


def _begins(names: set[str], rule: str) -> bool:
    return any(name.startswith(rule) for name in names)


def _item_names(folder: Path) -> set[str] | None:
    try:
        with (folder / "transcriptions.csv").open(encoding="utf-8-sig", newline="") as handle:
            return {str(row.get("name")) for row in csv.DictReader(handle)}
    except (OSError, UnicodeDecodeError, csv.Error, ValueError):
        return None  # The dataset check reports what is wrong with the file.


def _dictionaries(data: dict[str, Any], take: _Take, note: _Note) -> None:
    for old in ("dictionary", "g2p_dictionary"):
        if old in data:
            value = take(old)
            if value and not data.get("dictionaries"):
                data["dictionaries"] = {PSEUDO_LANGUAGE: value}
                for entry in data.get("datasets") or []:
                    if isinstance(entry, dict) and not entry.get("language"):
                        entry["language"] = PSEUDO_LANGUAGE
                note(old, f"today it is 'dictionaries', here with the language '{PSEUDO_LANGUAGE}'")


def _strategy(data: dict[str, Any], take: _Take, note: _Note) -> None:
    if isinstance(data.get("pl_trainer_strategy"), str):
        name = take("pl_trainer_strategy")
        data["pl_trainer_strategy"] = {"name": name}
        note("pl_trainer_strategy", "today it is a map, and the name stands under 'name'")
    if data.get("ddp_backend") is not None:
        backend = str(take("ddp_backend"))
        _set(data, "pl_trainer_strategy.process_group_backend", backend.removesuffix("_no_p2p"))
        if backend.endswith("_no_p2p"):
            data["nccl_p2p"] = False
        note("ddp_backend", "today it is 'pl_trainer_strategy.process_group_backend'")
    data.pop("ddp_backend", None)


def _dropped(data: dict[str, Any], take: _Take, note: _Note) -> None:
    for old, why in DROPPED.items():
        if old not in data:
            continue
        value = take(old)
        if (old == "f0_embed_type" and value == "discrete") or (
            old == "num_pad_tokens" and value not in (None, 1)
        ):
            note(
                old,
                f"with the value '{value}' its checkpoints cannot be used, because {why}",
                severity=Severity.ERROR,
                hint="Train the voice anew with a current config.",
            )
        else:
            note(old, f"it is ignored, because {why}")
    if _get(data, "augmentation_args.random_time_stretching.domain") is not None:
        take("augmentation_args.random_time_stretching.domain")
        note("augmentation_args.random_time_stretching.domain", "it is always 'log' today")
    args = data.get("binarization_args")
    for name in [n for n in args if n.startswith("with_")] if isinstance(args, dict) else []:
        take(f"binarization_args.{name}")
        note(f"binarization_args.{name}", "it has no effect today")


# Nested maps by dotted key --------------------------------------------------------------


def _get(data: Mapping[str, Any], key: str) -> Any:
    value: Any = data
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        child = data.get(part)
        if not isinstance(child, dict):
            child = data[part] = {}
        data = child
    data[last] = value


def _delete(data: dict[str, Any], key: str) -> None:
    *parents, last = key.split(".")
    for part in parents:
        child = data.get(part)
        if not isinstance(child, dict):
            return
        data = child
    data.pop(last, None)


def _as_list(value: Any) -> list[Any]:
    if value in (None, ""):
        return []
    return list(value) if isinstance(value, list) else [value]


def _is_name_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
