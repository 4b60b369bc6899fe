"""Checks of prepared data: values that are not numbers, dead curves, a separator that failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset.checks.label_frames import VOWEL, kind_of
from ..errors import SingwizError
from ..findings import Finding
from .catalogue import say

_MOST_ITEMS = 200
_CURVES = ("energy", "breathiness", "voicing", "tension")
_FEWEST_FRAMES = 50
_BREATHY = 6.0
_FEWEST_VOWELS = 20


def check_prepared(folder: Path) -> list[Finding]:
    """Look at the features of up to 200 items, spread evenly over the training data."""
    from ..binarize.storage import BinaryDataset

    try:
        data = BinaryDataset(folder / "train")
    except SingwizError:
        return []  # nothing prepared, or unfinished, which has a finding of its own
    vowels = _vowel_ids(folder / "phonemes.json")
    findings: list[Finding] = []
    try:
        count = len(data)
        for index in range(0, count, max(1, -(-count // _MOST_ITEMS))):
            names = data.metadata.get("names") or []
            name = str(names[index]) if index < len(names) else str(index)
            findings += _check_item(data[index], name, vowels, folder)
    except (OSError, KeyError, ValueError):
        message = f"The prepared data in '{folder.name}' cannot be read."
        findings.append(say("binary-incomplete", message, file=str(folder)))
    finally:
        data.close()
    return findings


def _vowel_ids(phonemes: Path) -> frozenset[int]:
    try:
        ids = json.loads(phonemes.read_text(encoding="utf-8"))
        return frozenset(int(number) for name, number in ids.items() if kind_of(name) == VOWEL)
    except (OSError, ValueError, AttributeError, TypeError):
        return frozenset()


def _check_item(
    fields: Mapping[str, Any], name: str, vowels: frozenset[int], folder: Path
) -> list[Finding]:
    file = str(folder)
    for key, value in fields.items():
        array = np.asarray(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            message = f"'{key}' of '{name}' contains values that are not numbers."
            return [say("curve-not-finite", message, item=name, symbol=key, file=file)]
    findings = []
    for key in _CURVES:
        curve = fields.get(key)
        if curve is not None and len(curve) >= _FEWEST_FRAMES and float(np.ptp(curve)) == 0.0:
            message = f"'{key}' of '{name}' is {float(curve[0]):g} from beginning to end."
            findings.append(say("curve-constant", message, item=name, symbol=key, file=file))
    if not findings and {"breathiness", "voicing", "mel2ph", "tokens"} <= set(fields):
        tokens = np.concatenate(([0], np.asarray(fields["tokens"])))
        sung = np.isin(tokens[np.asarray(fields["mel2ph"])], list(vowels))
        if sung.sum() >= _FEWEST_VOWELS:
            difference = np.asarray(fields["breathiness"]) - np.asarray(fields["voicing"])
            excess = float(np.median(difference[sung]))
            if excess > _BREATHY:
                message = f"In the vowels of '{name}' breath is {excess:.0f} dB above the voice."
                findings.append(say("curve-breathy", message, item=name, file=file))
    return findings
