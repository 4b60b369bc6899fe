"""The sounds of a test: equally loud, equally long, under names that say nothing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from singwiz.core.errors import SingwizError
from singwiz.core.listening.loudness import (
    CEILING,
    broken,
    faded,
    loudness,
    low_passed,
    match,
)
from singwiz.core.listening.making import Version, write_test
from singwiz.core.listening.plan import Clip
from singwiz.core.listening.store import ListeningTest

from .conftest import RATE, make, tone


def test_versions_of_a_clip_are_equally_loud_and_long(pair: ListeningTest) -> None:
    for clip in pair.plan.clips:
        files = [pair.sound(one.token) for one in pair.plan.sounds if one.clip == clip.id]
        sounds = [soundfile.read(file)[0] for file in files]
        assert len({len(sound) for sound in sounds}) == 1
        meter = pyloudnorm.Meter(RATE)
        levels = [meter.integrated_loudness(sound) for sound in sounds]
        assert max(levels) - min(levels) < 0.2
        assert max(np.abs(sound).max() for sound in sounds) <= CEILING + 1e-3


def test_a_peaky_version_makes_all_of_them_quieter() -> None:
    clicks = np.zeros(RATE, np.float32)
    clicks[:: RATE // 8] = 0.9
    matched, level = match({"a": tone(200, seconds=1), "b": clicks}, RATE)
    assert level < -23.1
    assert max(np.abs(one).max() for one in matched.values()) <= CEILING + 1e-6
    levels = [loudness(one, RATE) for one in matched.values()]
    assert levels[0] == pytest.approx(levels[1], abs=0.3)


def test_edges_are_soft() -> None:
    sound = faded(np.ones(RATE, np.float32), RATE)
    assert abs(sound[0]) < 1e-3 and abs(sound[-1]) < 1e-3 and sound[RATE // 2] == 1


def test_anchors_keep_what_is_below_their_edge() -> None:
    low, high = (np.sin(2 * np.pi * f * np.arange(44100) / 44100) for f in (1000, 6000))
    for sound, kept in ((low, 1.0), (high, 0.0)):
        anchor = low_passed(sound.astype(np.float32), 44100, 3500.0)[2000:-2000]
        assert np.abs(anchor).max() == pytest.approx(kept, abs=0.02)


def test_a_spoiled_copy_has_gaps() -> None:
    bad = broken(tone(200, seconds=1), RATE)
    assert np.mean(bad == 0) > 0.3 and np.abs(bad).max() > 0


def test_nothing_in_names_or_headers_reveals_a_condition(tmp_path: Path) -> None:
    test = make(tmp_path, "abx", "early", "late")
    files = sorted(test.folder.rglob("*.wav"))
    assert len(files) == len(test.plan.sounds)
    assert all(re.fullmatch(r"[0-9a-f]{16}\.wav", file.name) for file in files)
    assert len({file.stat().st_size for file in files}) == 1
    assert len({file.read_bytes()[:44] for file in files}) == 1
    order = [test.plan.sound(file.stem).condition for file in files]
    assert order != sorted(order), "sorted by name they are mixed"


def test_a_silent_version_is_refused_and_nothing_stays_behind(tmp_path: Path) -> None:
    clip = Clip(id="k1", item="song", start=0, end=0.5)
    versions = [
        Version("good", {}, sounds={"k1": tone(200)}),
        Version("mute", {}, sounds={"k1": np.zeros(8000, np.float32)}),
    ]
    with pytest.raises(SingwizError) as caught:
        write_test(tmp_path, "ab", [clip], versions, sample_rate=RATE, trials=6, seed=0)
    assert caught.value.code == "listening-silence" and "mute" in caught.value.message
    assert not list(tmp_path.iterdir())


def test_tests_get_the_next_free_name(tmp_path: Path) -> None:
    assert [make(tmp_path, "ab", "a", "b").plan.id for _ in range(2)] == ["ab-1", "ab-2"]
    assert make(tmp_path, "tag", "a", trials=4).plan.id == "tag-1"
