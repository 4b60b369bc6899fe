"""Clips: where they are cut, that draws repeat, and what is never drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from singwiz.core.binarize.vocoder_item import VocoderRecipe
from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.training.vocoder.clips import FLOOR, ClipPlan, Clips, ClipSettings
from singwiz.core.training.vocoder.records import (
    BinaryRecords,
    IndexedRecords,
    open_records,
    usable,
)

MakeConfig = Callable[..., Config]


def make_clips(config: Config, folder: Path, **options: object) -> Clips:
    records = BinaryRecords(folder, "train", **options)  # type: ignore[arg-type]
    settings = ClipSettings.of(config.to_dict())
    return Clips(records, settings, VocoderRecipe.of(config), seed=3, max_f0=2000)


def test_a_clip_is_the_same_whenever_it_is_asked_for(vocoder: MakeConfig, prepared: Path) -> None:
    clips = make_clips(vocoder(key_aug=True), prepared)
    first, again, other = clips[0, 1, 2], clips[0, 1, 2], clips[1, 1, 2]
    assert np.array_equal(first.audio, again.audio)
    assert not np.array_equal(first.audio, other.audio)


def test_reading_pieces_from_the_file_gives_what_memory_gives(
    vocoder: MakeConfig, prepared: Path
) -> None:
    held = make_clips(vocoder(), prepared, in_memory=True)
    read = make_clips(vocoder(), prepared, in_memory=False)
    for ticket in ((0, 0, 0), (2, 1, 3)):
        assert np.array_equal(held[ticket].audio, read[ticket].audio)
        assert np.array_equal(held[ticket].mel, read[ticket].mel)


def test_clips_reach_the_very_end_of_a_recording(vocoder: MakeConfig, prepared: Path) -> None:
    records = BinaryRecords(prepared, "train")
    frames = records.lengths[0] - 1  # two places: 0 and 1
    config = vocoder(crop_mel_frames=frames, volume_aug=False)
    clips = make_clips(config, prepared)
    starts = {float(clips[0, place, 0].f0[0]) for place in range(20)}
    assert starts == {float(value) for value in records.read(0, "f0", 0, 2)}


def test_mels_never_fall_below_the_floor_of_use(vocoder: MakeConfig, prepared: Path) -> None:
    quiet = make_clips(vocoder(volume_aug=False), prepared)
    assert min(quiet[0, place, 0].mel.min() for place in range(20)) >= np.float32(FLOOR)


def test_faster_clips_are_higher_and_their_pitch_says_so(
    vocoder: MakeConfig, prepared: Path
) -> None:
    speed = {"key_aug": True, "key_aug_prob": 1.0, "aug_min": 1.5, "aug_max": 1.5}
    plain = make_clips(vocoder(volume_aug=False), prepared)
    fast = make_clips(vocoder(volume_aug=False, **speed), prepared)
    before = np.median(np.concatenate([plain[0, p, 1].f0 for p in range(30)]))
    after = np.median(np.concatenate([fast[0, p, 1].f0 for p in range(30)]))
    assert after / before == pytest.approx(1.5, rel=0.05)
    assert fast[0, 0, 1].audio.shape == plain[0, 0, 1].audio.shape


def test_louder_clips_never_clip(vocoder: MakeConfig, prepared: Path) -> None:
    loud = make_clips(vocoder(volume_aug_prob=1.0), prepared)
    peaks = [np.abs(loud[0, place, 0].audio).max() for place in range(40)]
    assert max(peaks) <= 1
    assert max(peaks) > 2 * min(peaks)


@pytest.mark.parametrize(("items", "batch", "ranks"), [(7, 2, 1), (7, 2, 2), (2, 5, 1), (3, 4, 2)])
def test_an_epoch_covers_every_recording_on_equally_busy_ranks(
    items: int, batch: int, ranks: int
) -> None:
    plan = ClipPlan(list(range(10, 10 + items)), batch, seed=1)
    shares = [plan.epoch(4, rank=rank, world_size=ranks) for rank in range(ranks)]
    assert len({tuple(map(len, share)) for share in shares}) == 1
    tickets = [ticket for share in shares for part in share for ticket in part]
    assert len(set(tickets)) == len(tickets), "no clip twice"
    seen = Counter(index for _, _, index in tickets)
    assert seen.keys() == set(range(10, 10 + items))
    assert len(shares[0][0]) == batch, "the first batch is full"


def test_recordings_that_do_not_fit_are_told_apart(prepared: Path) -> None:
    records = BinaryRecords(prepared, "train")
    longest = max(records.lengths)
    kept, others = usable(records, frames=longest, max_f0=2000)
    assert [records.lengths[index] for index in kept] == [longest]
    assert len(others["short"]) == len(records.names) - 1
    kept, others = usable(records, frames=4, max_f0=200)
    assert len(kept) + len(others["high"]) == len(records.names)
    assert others["high"]


def test_records_of_singingvocoders_are_read_by_their_index(prepared: Path, tmp_path: Path) -> None:
    ours = BinaryRecords(prepared, "train")
    for index in range(2):
        fields = {name: ours.read(index, name) for name in ("audio", "mel", "f0")}
        uv = np.zeros(len(fields["f0"]), bool)
        np.savez(tmp_path / f"r{index}.npz", **fields, uv=uv, pe=1)
    (tmp_path / "train").write_text("r0.npz\n\nr1.npz\n")
    records = open_records(tmp_path / "none", tmp_path / "train", "train")
    assert isinstance(records, IndexedRecords)
    assert records.names == ["r0", "r1"]
    assert records.lengths == ours.lengths[:2]
    assert np.array_equal(records.read(1, "audio", 5, 50), ours.read(1, "audio", 5, 50))


def test_a_hostile_record_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", audio=np.array([{"a": 1}], object), mel=1, f0=1)
    (tmp_path / "train").write_text("r.npz\n")
    with pytest.raises(SingwizError) as caught:
        IndexedRecords(tmp_path / "train")
    assert caught.value.code == "record-unreadable"
    (tmp_path / "train").write_text("lost.npz\n")
    with pytest.raises(SingwizError, match=r"lost\.npz"):
        IndexedRecords(tmp_path / "train")
