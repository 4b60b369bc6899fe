"""Checks of fixtures about features: the mel spectrogram that all vocoders share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from singwiz.core.features.mel import mel_filterbank, mel_spectrogram

if TYPE_CHECKING:
    from test_golden import Fixture


def check_mel(fixture: Fixture) -> None:
    """Mels at several key shifts and speeds, and the filter bank."""
    config, tolerances = fixture.data["config"], fixture.data["tolerances"]
    bank = {
        "sample_rate": config["sr"],
        "fft_size": config["n_fft"],
        "num_mels": config["n_mels"],
        "fmin": config["fmin"],
        "fmax": config["fmax"],
    }
    frames = {"hop_size": config["hop_length"], "win_size": config["win_size"]}
    for name in fixture.data["outputs"]:
        if match := re.fullmatch(r"mel_k(-?[\d.]+)_s([\d.]+)", name):
            actual = mel_spectrogram(
                fixture.arrays["wav"],
                **bank,
                **frames,
                key_shift=float(match[1]),
                speed=float(match[2]),
            ).T
            limit = tolerances["mel"]
        elif name == "mel_basis_rowsum":
            actual = mel_filterbank(**bank).astype(np.float64).sum(axis=1)
            limit = tolerances[name]
        else:
            continue
        expected = fixture.arrays[name]
        fixture.unchecked.discard(f"array {name}")
        if actual.shape != expected.shape or not np.allclose(
            actual, expected, rtol=limit.get("rtol", 0), atol=limit.get("atol", 0)
        ):
            fixture.failures.append(f"{name}: differs")


CHECKS = {"nvstft": check_mel}
