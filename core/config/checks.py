"""Checks that need more than one config: an acoustic and a variance model of one voice."""

from __future__ import annotations

from pathlib import Path

from ..findings import Finding, Place
from .catalogue import CONFIG_RULES
from .rule import CURVES
from .schema import Config

_SHARED = ("audio_sample_rate", "hop_size", "fft_size", "win_size")


def check_pair(acoustic: Config, variance: Config) -> list[Finding]:
    """What keeps an acoustic and a variance model from working together, one finding per key."""
    findings = []
    for curve in CURVES:
        reads = bool(getattr(acoustic, f"use_{curve}_embed"))
        predicts = bool(getattr(variance, f"predict_{curve}"))
        if reads and not predicts:
            what = f"The acoustic model reads {curve}, but the variance model does not predict it."
            findings.append(_say(f"predict_{curve}", what))
        elif predicts and not reads:
            what = f"The variance model predicts {curve}, but the acoustic model ignores it."
            findings.append(_say(f"use_{curve}_embed", what))
        key = f"{curve}_smooth_width"
        if reads and predicts and getattr(acoustic, key) != getattr(variance, key):
            findings.append(_differ(acoustic, variance, key))
    shared = list(_SHARED)
    if variance.predict_pitch:
        shared.append("pe")
    if any(getattr(variance, f"predict_{curve}") for curve in CURVES[1:]):
        shared.append("hnsep")
    findings += [
        _differ(acoustic, variance, key)
        for key in shared
        if getattr(acoustic, key) != getattr(variance, key)
    ]
    mine, theirs = (
        {language: Path(path).name for language, path in config.dictionaries.items()}
        for config in (acoustic, variance)
    )
    if mine != theirs:
        findings.append(_say("dictionaries", "The two models use different dictionaries."))
    return findings


def _differ(acoustic: Config, variance: Config, key: str) -> Finding:
    values = f"{getattr(acoustic, key)} and {getattr(variance, key)}"
    return _say(key, f"'{key}' differs between acoustic and variance model: {values}.")


def _say(key: str, message: str) -> Finding:
    return CONFIG_RULES["config-models-disagree"].finding(message, Place(symbol=key))
