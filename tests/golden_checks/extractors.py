"""Checks of fixtures about the pitch network RMVPE, the separator VR and their resampler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from singwiz.core.models.resampling import sinc_resample

if TYPE_CHECKING:
    from test_golden import Fixture


def compare(fixture: Fixture, name: str, actual: Any, limit: dict[str, float]) -> None:
    """Compare with the stored array ``name`` within absolute and relative limits per element."""
    fixture.unchecked.discard(f"array {name}")
    expected, found = fixture.arrays[name], np.asarray(actual)
    if found.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {found.shape}, not {expected.shape}")
    elif expected.dtype == bool:
        if not np.array_equal(found, expected):
            fixture.failures.append(f"{name}: differs in {(found != expected).sum()} places")
    elif not np.allclose(found, expected, rtol=limit.get("rtol", 0), atol=limit.get("atol", 0)):
        fixture.failures.append(f"{name}: off by {np.abs(found - expected).max():.3g}")


def check_resample(fixture: Fixture) -> None:
    """The same waveform between several pairs of rates."""
    waveform = fixture.tensor("wav")
    for name in fixture.data["outputs"]:
        if match := re.fullmatch(r"resampled_(\d+)_(\d+)_w(\d+)", name):
            orig, new, width = map(int, match.groups())
            rolloff = fixture.data["config"]["rolloff"]
            actual = sinc_resample(waveform, orig, new, width=width, rolloff=rolloff)
            compare(fixture, name, actual, fixture.data["tolerances"]["resampled"])


CHECKS = {"resample": check_resample}
