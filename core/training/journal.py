"""The validations of an experiment on disk, and which of its checkpoints is the best.

``validation.jsonl`` has one line per checkpoint, ``best.json`` names the best. Reading either
needs no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..checkpoint import CHECKPOINT_NAME, latest_checkpoint, list_checkpoints
from .notices import Notice, ValidationRecord, find_notices

VALIDATIONS = "validation.jsonl"
BEST = "best.json"


@dataclass(frozen=True)
class BestCheckpoint:
    """The checkpoint that did best on held-out recordings.

    Attributes:
        step: optimizer step.
        checkpoint: the file.
        score_name, score: what was compared; the lower, the better.
        why: in words.
    """

    step: int
    checkpoint: Path
    score_name: str
    score: float
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for job records and ``--json``."""
        return {**asdict(self), "checkpoint": str(self.checkpoint)}


class Journal:
    """Keeps the validations of an experiment folder.

    Args:
        work_dir: the folder; need not exist yet.
    """

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.records = read_validations(work_dir)

    def begin(self, step: int) -> None:
        """Forget what lies after ``step``: training goes on, or starts anew, from there."""
        kept = [one for one in self.records if one.step <= step]
        if len(kept) < len(self.records):
            self.records = kept
            self._write()
            self.mark_best()

    def add(self, record: ValidationRecord) -> tuple[Notice, ...]:
        """Keep a validation.

        Returns:
            The notices that did not hold at the validation before.
        """
        before = [one for one in self.records if one.step < record.step]
        notices = tuple(find_notices([*before, record]))
        self.records = [*before, replace(record, notices=notices)]
        self._write()
        known = {(n.code, n.part) for n in before[-1].notices} if before else set()
        return tuple(n for n in notices if (n.code, n.part) not in known)

    def _write(self) -> None:
        lines = [json.dumps(_plain(asdict(one)), ensure_ascii=False) for one in self.records]
        write_text(self.work_dir / VALIDATIONS, "".join(f"{line}\n" for line in lines))

    @property
    def best(self) -> ValidationRecord | None:
        """The best validation whose checkpoint exists, or is about to be written."""
        if not self.records:
            return None
        newest = self.records[-1]
        saved = {step for step, _ in list_checkpoints(self.work_dir)}
        candidates = [
            one
            for one in self.records
            if one.comparable(newest)
            and math.isfinite(one.score)
            and (one is newest or one.step in saved)
        ]
        return min(candidates, key=lambda one: (bool(one.against), one.score), default=None)

    def protected(self) -> set[int]:
        """Steps whose checkpoints must not be deleted."""
        best = self.best
        return set() if best is None else {best.step}

    def mark_best(self) -> None:
        """Write ``best.json``; the checkpoint has to be there by now."""
        best = self.best
        if best is None:
            return
        checkpoint = latest_checkpoint(self.work_dir, best.step)
        if checkpoint is None:
            return
        compared = [one for one in self.records if one.comparable(best)]
        measured = {one.name: one.label for one in best.measurements}
        what = measured.get(best.score_name, best.score_name.replace("_", " "))
        content = {
            "step": best.step,
            "checkpoint": checkpoint.name,
            "score_name": best.score_name,
            "score": best.score,
            "why": f"lowest {what} of {len(compared)} validations on {best.items} held-out "
            f"recordings{_reservation(best, compared)}",
        }
        write_text(self.work_dir / BEST, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _reservation(best: ValidationRecord, compared: Sequence[ValidationRecord]) -> str:
    """What besides the score decided, as the end of a sentence."""
    if best.against:
        return f"; still {best.against}"
    against = next((one.against for one in compared if one.against), "")
    return f"; those that are {against} do not count" if against else ""


def read_validations(work_dir: Path) -> list[ValidationRecord]:
    """The validations of an experiment, oldest first; lines that make no sense are left out."""
    try:
        lines = (work_dir / VALIDATIONS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    records = {}
    for line in lines:
        try:
            record = ValidationRecord.from_dict(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        records[record.step] = record
    return [records[step] for step in sorted(records)]


def read_best(work_dir: Path) -> BestCheckpoint | None:
    """The best checkpoint of an experiment; None if none is marked, or it was deleted since."""
    try:
        content = json.loads((work_dir / BEST).read_text(encoding="utf-8"))
        name = str(content["checkpoint"])
        best = BestCheckpoint(
            step=int(content["step"]),
            checkpoint=work_dir / name,
            score_name=str(content["score_name"]),
            score=float(content["score"]),
            why=str(content["why"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # The name comes from a file: it must not lead out of the folder.
    if not CHECKPOINT_NAME.fullmatch(name) or not best.checkpoint.is_file():
        return None
    return best


def _plain(value: Any) -> Any:
    """Without numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
