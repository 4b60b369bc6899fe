"""Which altered copies of training items are made: transposed, stretched, or both.

Only the plan is made here; :mod:`.acoustic_item` carries it out. The numbers of copies and the
distributions of shifts and speeds are DiffSinger's; the draws are seeded, so that preparing
the same recordings again gives the same copies.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True)
class Variant:
    """One way an item is written.

    Attributes:
        key_shift: semitones.
        speed: factor; 2 is twice as fast.
        spk_id: the id of a singer that only exists transposed; None keeps the item's own.
    """

    key_shift: float = 0.0
    speed: float = 1.0
    spk_id: int | None = None


ORIGINAL = Variant()


class _Range(Protocol):
    enabled: bool
    range: list[float]
    scale: float


class _Targets(Protocol):
    enabled: bool
    targets: list[float]
    scale: float


class AugmentationSettings(Protocol):
    """``augmentation_args`` of a config."""

    @property
    def random_pitch_shifting(self) -> _Range:
        """Shifts drawn from a range."""

    @property
    def fixed_pitch_shifting(self) -> _Targets:
        """Shifts by listed amounts, each a new speaker."""

    @property
    def random_time_stretching(self) -> _Range:
        """Speeds drawn from a range."""


def plan_augmentation(
    settings: AugmentationSettings, spk_ids: Sequence[int], *, max_spk_id: int, seed: int = 1234
) -> list[list[Variant]]:
    """Draw the copies of every training item.

    Args:
        settings: free of contradictions, as the checks of a config see to it.
        spk_ids: speaker id per training item, in order.
        max_spk_id: highest id in use.
        seed: of the draws.

    Returns:
        The variants of every item besides the original, in the order of ``spk_ids``.
    """
    rng = random.Random(seed)
    count = len(spk_ids)
    planned: list[tuple[int, Variant]] = []
    total = 0.0
    pitch = settings.random_pitch_shifting
    if pitch.enabled:
        low, high = pitch.range
        for _ in range(int(pitch.scale * count)):
            u = rng.uniform(-1, 1)
            shift = low * -u if u < 0 else high * u
            planned.append((rng.randrange(count), Variant(key_shift=shift)))
        total += pitch.scale
    fixed = settings.fixed_pitch_shifting
    if fixed.enabled:
        for index, target in enumerate(fixed.targets):
            for _ in range(int(fixed.scale * count)):
                item = rng.randrange(count)
                spk_id = spk_ids[item] + (index + 1) * (max_spk_id + 1)
                planned.append((item, Variant(key_shift=float(target), spk_id=spk_id)))
        total += fixed.scale * len(fixed.targets)
    time = settings.random_time_stretching
    if time.enabled:
        slowest, fastest = time.range

        def speed() -> float:
            return float(slowest * (fastest / slowest) ** rng.random())

        shifted = len(planned)
        copies = int(total * time.scale / (1 + total) * count) if shifted else 0
        mutated = int(total * time.scale / (1 + time.scale) * count) if shifted else 0
        planned += [
            (rng.randrange(count), Variant(speed=speed()))
            for _ in range(int(time.scale / (1 + total) * count))
        ]
        for _ in range(copies):
            item, variant = planned[rng.randrange(shifted)]
            planned.append((item, replace(variant, speed=speed())))
        for _ in range(mutated):
            index = rng.randrange(shifted)
            item, variant = planned[index]
            planned[index] = (item, replace(variant, speed=speed()))
    result: list[list[Variant]] = [[] for _ in range(count)]
    for item, variant in planned:
        result[item].append(variant)
    return result


def shifted_speakers(
    settings: AugmentationSettings, spk_map: dict[str, int], *, max_spk_id: int
) -> dict[str, int]:
    """Names and ids of the speakers that fixed pitch shifting adds, e.g. ``aoi_shift-5``."""
    fixed = settings.fixed_pitch_shifting
    if not fixed.enabled:
        return {}
    return {
        f"{name}_shift{target:+g}": spk_id + (index + 1) * (max_spk_id + 1)
        for index, target in enumerate(fixed.targets)
        for name, spk_id in spk_map.items()
    }
