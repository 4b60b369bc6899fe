"""Checkpoints that a user wants to keep, whatever training would delete; no torch."""

from __future__ import annotations

import json
from pathlib import Path

from ..atomic import write_text

KEPT = "keep.json"
"""List of steps in an experiment folder."""


def read_kept(work_dir: Path) -> frozenset[int]:
    """Steps whose checkpoints are to stay; none if the file is missing or makes no sense."""
    try:
        steps = json.loads((work_dir / KEPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(steps, list):
        return frozenset()
    return frozenset(one for one in steps if isinstance(one, int) and not isinstance(one, bool))


def keep(work_dir: Path, step: int) -> None:
    """Let the checkpoint of a step stay."""
    _write(work_dir, read_kept(work_dir) | {step})


def release(work_dir: Path, step: int) -> None:
    """Let training delete the checkpoint of a step when its turn comes."""
    _write(work_dir, read_kept(work_dir) - {step})


def _write(work_dir: Path, steps: frozenset[int]) -> None:
    write_text(work_dir / KEPT, json.dumps(sorted(steps)) + "\n")
