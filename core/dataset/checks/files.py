"""Checks of the ``wavs`` folder against the list: recordings that nobody labelled."""

from __future__ import annotations

from ...findings import Finding, Severity
from ..audio import AUDIO_SUFFIXES
from ..raw import RawDataset
from .rules import report, some
from .thresholds import Thresholds


def check_orphans(dataset: RawDataset, limits: Thresholds) -> list[Finding]:
    """Recordings without a row; DiffSinger ignores them silently."""
    stems = [file.rpartition(".")[0] for file in dataset.files if file.endswith(AUDIO_SUFFIXES)]
    # Names with the extension typed in are reported as such.
    listed = {
        name.removesuffix(suffix) for name in dataset.listed for suffix in ("", *AUDIO_SUFFIXES)
    }
    orphans = [stem for stem in stems if stem not in listed]
    if not orphans or not dataset.rows:
        return []
    many = len(orphans) > limits.orphan_share * len(stems)
    return [
        report(
            "audio-orphan",
            f"{len(orphans)} recording(s) have no labels: {some(orphans)}.",
            dataset.place(file="wavs"),
            severity=Severity.WARNING if many else None,
        )
    ]


def check_ignored_columns(dataset: RawDataset) -> list[Finding]:
    """A ``languages`` column, which looks as if it did something."""
    if not any(item.cells.get("languages", "").strip() for item in dataset.items):
        return []
    message = "The column 'languages' is kept, but nothing reads it."
    return [report("column-ignored", message, dataset.place(line=1))]
