"""What a binarization has to tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class BinarizeReport:
    """The outcome of a binarization.

    Attributes:
        kind: model kind.
        output_dir: folder of the binary dataset.
        config_hash: over all settings that decide the content.
        counts: items per split; ``train`` includes augmented copies, ``train_original`` does not.
        seconds: audio per split, same keys as ``counts``.
        seconds_per_speaker: per split, speaker name -> seconds.
        items_per_dataset: raw_data_dir -> items.
        phonemes: symbol -> occurrences.
        notes: MIDI number -> notes; empty unless pitch is learned.
        glides: ornament -> notes; empty unless they are learned.
        skipped: ``{item, reason}`` of items that were left out.
        warnings: sentences.
        cached: recordings whose features were known from an earlier run.
        workers: processes used; 0 = none besides the calling one.
        wall_seconds: time it took.
        files: names in ``output_dir``.
    """

    kind: str
    output_dir: str
    config_hash: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    seconds_per_speaker: dict[str, dict[str, float]] = field(default_factory=dict)
    items_per_dataset: dict[str, int] = field(default_factory=dict)
    phonemes: dict[str, int] = field(default_factory=dict)
    notes: dict[int, int] = field(default_factory=dict)
    glides: dict[str, int] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cached: int = 0
    workers: int = 0
    wall_seconds: float = 0.0
    files: list[str] = field(default_factory=list)

    def add(self, split: str, speaker: str, seconds: float) -> None:
        """Count one written item."""
        self.counts[split] = self.counts.get(split, 0) + 1
        self.seconds[split] = self.seconds.get(split, 0.0) + seconds
        per_speaker = self.seconds_per_speaker.setdefault(split, {})
        per_speaker[speaker] = per_speaker.get(speaker, 0.0) + seconds

    def lines(self) -> list[str]:
        """Durations as DiffSinger prints them."""
        result = []

        def both(split: str, label: str, note: str = "", ratio: str = "") -> None:
            total = self.seconds.get(split, 0.0)
            shares = self.seconds_per_speaker.get(split, {})
            each = ", ".join(f"{name}={seconds:.2f}s" for name, seconds in shares.items())
            result.append(f"| {label} total duration{note}: {total:.2f}s{ratio}")
            result.append(f"| {label} respective duration{note}: {each}")

        both("valid", "valid")
        if self.counts.get("train") == self.counts.get("train_original"):
            both("train", "train")
        else:
            both("train_original", "train", " (before augmentation)")
            times = self.seconds["train"] / max(self.seconds["train_original"], 1e-9)
            both("train", "train", " (after augmentation)", f" ({times:.2f}x)")
        return result

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``binarize.json``, ``--json`` and job results."""
        return asdict(self)
