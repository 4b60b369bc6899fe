"""What every config rule is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..findings import Finding, Place, Severity
from .schema import Config

CURVES = ("energy", "breathiness", "voicing", "tension")
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

Findings = Iterator[Finding]
Rule = Callable[[Config, Path], Findings]
"""Looks at one matter; the path is where relative paths of the config start."""


def say(code: str, severity: Severity, key: str, message: str, hint: str) -> Finding:
    """A finding about a config key."""
    return Finding(code, severity, message, hint=hint, place=Place(symbol=key))


def switched_curves(config: Config) -> list[str]:
    """The curves that an acoustic model takes or a variance model predicts."""
    pattern = "use_{}_embed" if config.kind == "acoustic" else "predict_{}"
    return [curve for curve in CURVES if getattr(config, pattern.format(curve))]
