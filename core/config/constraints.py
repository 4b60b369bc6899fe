"""What in a config does not fit together, and what to do about it.

Each rule looks at one matter and yields findings that name the key and the cure. Types are
not checked here (loading refuses what a key cannot be), nor anything that needs the
recordings themselves. This file holds the rules that follow from the schema alone.
"""

from __future__ import annotations

from pathlib import Path

from ..findings import Finding, Severity
from . import data_rules, model_rules, part_rules, training_rules, vocoder_rules
from .explanations import similar_keys
from .rule import CURVES, ERROR, NOTE, WARNING, Findings, Rule, say
from .schema import Config
from .section import Section, meta_of


def check_config(config: Config, *, base_dir: Path | None = None) -> list[Finding]:
    """Everything worth saying about a config, errors first.

    Args:
        config: the config.
        base_dir: where relative paths in it start; None = the working directory.
    """
    base = base_dir or Path.cwd()
    found = list(config.loading_findings)
    for rule in _RULES[config.kind]:
        found.extend(rule(config, base))
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _ranges(config: Config, base: Path) -> Findings:
    kind = config.kind
    yield from _section_ranges(config, "", kind, part_rules.foreign_argument_maps(config))


def _section_ranges(section: Section, prefix: str, kind: str, passed: frozenset[str]) -> Findings:
    for name, field in type(section).model_fields.items():
        meta, value, key = meta_of(field), getattr(section, name), prefix + name
        if kind not in meta.kinds or key in passed:
            continue
        entries = value if isinstance(value, list) else [value]
        if entries and isinstance(entries[0], Section):
            for index, entry in enumerate(entries):
                number = f".{index}" if isinstance(value, list) else ""
                yield from _section_ranges(entry, f"{key}{number}.", kind, passed)
        elif (
            meta.choices
            and value is not None
            and value not in meta.choices
            and value not in (choices := meta.all_choices())
        ):
            known = ", ".join(str(choice) for choice in choices)
            yield say(
                "config-unknown-choice",
                ERROR,
                key,
                f"'{key}' is '{value}', which does not exist.",
                f"Choose one of: {known}.",
            )
        elif isinstance(value, int | float) and (
            (meta.low is not None and value < meta.low)
            or (meta.high is not None and value > meta.high)
            or value != value
        ):
            limits = [f"at least {meta.low:g}"] if meta.low is not None else []
            limits += [f"at most {meta.high:g}"] if meta.high is not None else []
            yield say(
                "config-out-of-range",
                ERROR,
                key,
                f"'{key}' is {value:g}, which cannot be used.",
                f"It has to be {' and '.join(limits) or 'a number'}.",
            )


def _unknown(config: Config, base: Path) -> Findings:
    for key in config.unknown_keys():
        near = similar_keys(key)
        if near and not key.startswith(("lambda_", "use_", "predict_")):
            yield say(
                "config-similar-key",
                WARNING,
                key,
                f"'{key}' has no effect; it looks like '{near[0]}'.",
                "Correct the name, or remove the line.",
            )
        else:
            yield say(
                "config-unused-key",
                NOTE,
                key,
                f"'{key}' is kept, but nothing here uses it.",
                "Leave it if another program needs it.",
            )


def _ordered(config: Config, base: Path) -> Findings:
    pairs = [("f0_min", "f0_max"), ("fmin", "fmax")] if config.kind != "variance" else []
    if config.kind == "vocoder" and config.key_aug:
        pairs.append(("aug_min", "aug_max"))
    if config.kind == "variance":
        pairs = [(f"{curve}_db_min", f"{curve}_db_max") for curve in CURVES[:3]]
        pairs += [("f0_min", "f0_max"), ("tension_logit_min", "tension_logit_max")]
    for low, high in pairs:
        if getattr(config, low) >= getattr(config, high):
            yield say(
                "config-range-empty",
                ERROR,
                low,
                f"'{low}' ({getattr(config, low):g}) is not below '{high}' "
                f"({getattr(config, high):g}).",
                f"Lower '{low}' or raise '{high}'.",
            )
    if config.win_size > config.fft_size:
        yield say(
            "config-window-too-long",
            ERROR,
            "win_size",
            f"'win_size' ({config.win_size}) is longer than 'fft_size' ({config.fft_size}).",
            "Make fft_size at least as large as win_size.",
        )
    if config.kind != "variance" and config.fmax > config.audio_sample_rate / 2:
        yield say(
            "config-fmax-too-high",
            ERROR,
            "fmax",
            f"'fmax' ({config.fmax:g} Hz) is more than recordings of "
            f"{config.audio_sample_rate} Hz can hold.",
            "Use at most half of audio_sample_rate.",
        )


_COMMON: tuple[Rule, ...] = (
    _ranges,
    _unknown,
    _ordered,
    *data_rules.RULES,
    *model_rules.RULES,
    *part_rules.RULES,
    *training_rules.RULES,
)
_RULES: dict[str, tuple[Rule, ...]] = {
    "acoustic": (*_COMMON, *data_rules.ACOUSTIC_RULES, *model_rules.ACOUSTIC_RULES),
    "variance": _COMMON,
    "vocoder": (_ranges, _unknown, _ordered, *vocoder_rules.RULES, *training_rules.COMMON_RULES),
}
