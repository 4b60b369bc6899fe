from collections import Counter

import pytest

from singwiz.core.binarize.augmentation import Variant, plan_augmentation, shifted_speakers
from singwiz.core.config.data_keys import AugmentationArgs


def settings(**sections: dict[str, object]) -> AugmentationArgs:
    return AugmentationArgs.model_validate(
        {name: {"enabled": True, **section} for name, section in sections.items()}
    )


PITCH = {"range": [-5.0, 7.0], "scale": 0.75}
TIME = {"range": [0.5, 2.0], "scale": 0.75}


def test_counts_of_pitch_and_time_together() -> None:
    plan = plan_augmentation(
        settings(random_pitch_shifting=PITCH, random_time_stretching=TIME),
        [0] * 1000,
        max_spk_id=0,
    )
    variants = [variant for item in plan for variant in item]
    kinds = Counter((bool(v.key_shift), v.speed != 1) for v in variants)
    assert len(variants) == 750 + 428 + 321
    assert kinds[False, True] == 428
    # Of the 750 shifted ones up to 321 were also stretched in place; draws may repeat.
    assert 750 - 321 <= kinds[True, False] < 750
    assert kinds[True, True] == 750 + 321 - kinds[True, False]


def test_shifts_and_speeds_fill_their_ranges() -> None:
    plan = plan_augmentation(
        settings(random_pitch_shifting=PITCH, random_time_stretching=TIME),
        [0] * 1000,
        max_spk_id=0,
    )
    shifts = [v.key_shift for item in plan for v in item if v.key_shift]
    speeds = [v.speed for item in plan for v in item if v.speed != 1]
    assert -5 <= min(shifts) < -4.8
    assert 6.8 < max(shifts) <= 7
    assert 0.45 < sum(shift > 0 for shift in shifts) / len(shifts) < 0.55
    assert 0.5 <= min(speeds) < 0.52
    assert 1.95 < max(speeds) <= 2
    # Speeds are drawn evenly in octaves: half of them are slower.
    assert 0.45 < sum(speed < 1 for speed in speeds) / len(speeds) < 0.55


def test_time_alone_stretches_only_originals() -> None:
    plan = plan_augmentation(settings(random_time_stretching=TIME), [0] * 100, max_spk_id=0)
    variants = [variant for item in plan for variant in item]
    assert len(variants) == 75
    assert all(v.key_shift == 0 and v.speed != 1 for v in variants)


def test_fixed_shifts_become_speakers() -> None:
    fixed = settings(fixed_pitch_shifting={"targets": [-5.0, 4.0], "scale": 0.5})
    plan = plan_augmentation(fixed, [0, 2] * 50, max_spk_id=2)
    variants = [(item % 2, variant) for item, found in enumerate(plan) for variant in found]
    assert len(variants) == 100
    for odd, variant in variants:
        step = 1 if variant.key_shift == -5 else 2
        assert variant.spk_id == (2 if odd else 0) + step * 3
    assert shifted_speakers(fixed, {"aoi": 0, "ren": 2}, max_spk_id=2) == {
        "aoi_shift-5": 3,
        "ren_shift-5": 5,
        "aoi_shift+4": 6,
        "ren_shift+4": 8,
    }


def test_the_plan_is_the_same_every_time_and_depends_on_the_seed() -> None:
    both = settings(random_pitch_shifting=PITCH, random_time_stretching=TIME)
    plans = [plan_augmentation(both, [0] * 20, max_spk_id=0, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


@pytest.mark.parametrize("count", [0, 1])
def test_without_augmentation_there_are_no_copies(count: int) -> None:
    assert plan_augmentation(AugmentationArgs(), [0] * count, max_spk_id=0) == [[]] * count


def test_a_variant_is_the_original_unless_told_otherwise() -> None:
    assert Variant() == Variant(0.0, 1.0, None)
