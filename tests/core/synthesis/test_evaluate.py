"""Items as songs, and figures of renderings against recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from singwiz.core.dataset.audio import write_audio
from singwiz.core.dataset.raw import Item
from singwiz.core.errors import SingwizError
from singwiz.core.synthesis.evaluate import (
    PhonemeMeans,
    compare_with_recording,
    phoneme_mean_baseline,
    recording_mel,
)
from singwiz.core.synthesis.items import recording_of, segment_from_item
from singwiz.core.synthesis.preview import PreviewVocoder
from singwiz.core.synthesis.rendering import Rendering, SegmentRendering
from singwiz.core.synthesis.score import ScoreReader

from .conftest import acoustic_config, vowel
from .test_score import MONO


def item_in(folder: Path) -> Item:
    sound = np.concatenate([np.zeros(8820), vowel(np.full(44100, 261.6)), np.zeros(8820)])
    path = folder / "wavs" / "la.wav"
    write_audio(path, sound.astype(np.float32), 44100)
    return Item("la", 2, ("SP", "a", "SP"), (0.2, 1.0, 0.2), {}, path)


def test_an_item_becomes_a_song_with_its_own_pitch_and_curves(tmp_path: Path):
    config = acoustic_config(use_energy_embed=True, use_tension_embed=True, hnsep="world")
    segment = segment_from_item(item_in(tmp_path), config, language="demo")
    part = ScoreReader(config, MONO, {}).read(segment, 1)
    assert part.ph_seq == ("SP", "a", "SP")
    assert np.median(part.f0) == pytest.approx(261.6, rel=0.002)
    assert part.curves["energy"][60] > part.curves["energy"][3] + 20
    assert np.isfinite(part.curves["tension"]).all()


def test_silence_and_missing_recordings_are_refused(tmp_path: Path):
    config = acoustic_config()
    path = tmp_path / "quiet.wav"
    write_audio(path, np.zeros(44100, np.float32), 44100)
    with pytest.raises(SingwizError, match="No pitch"):
        segment_from_item(Item("quiet", 2, ("SP",), (1.0,), {}, path), config)
    with pytest.raises(SingwizError, match="no recording"):
        segment_from_item(Item("gone", 2, ("SP",), (1.0,), {}, None), config)


def test_a_copy_of_the_recording_scores_well_and_a_wrong_one_does_not(tmp_path: Path):
    config = acoustic_config()
    item = item_in(tmp_path)
    part = ScoreReader(config, MONO, {}).read(segment_from_item(item, config), 1)
    mel = recording_mel(recording_of(item, config), config)
    frames = np.diff(np.minimum(np.cumsum(part.frames), len(mel)), prepend=0)

    def rendered(audio: np.ndarray) -> Rendering:
        segment = SegmentRendering(0.0, part.ph_seq, frames, mel, part.f0)
        return Rendering(audio, 44100, 512, (segment,), True, {"total": 1.0})

    tokens = np.asarray(part.tokens)
    means = PhonemeMeans.fit([{"tokens": tokens, "mel2ph": part.mel2ph[: len(mel)], "mel": mel}])
    copy = rendered(PreviewVocoder().synthesise(mel, part.f0[: len(mel)]))
    good = compare_with_recording(copy, item, config, means=means, tokens=tokens)
    assert good.f0_cents < 5
    assert good.voicing_agreement > 0.9
    assert good.mel_l1 == pytest.approx(0.0, abs=1e-6)
    assert good.baseline_l1 > 0.05
    sharp = rendered(vowel(np.full(len(mel) * 512, 277.2)))
    bad = compare_with_recording(sharp, item, config)
    assert bad.f0_cents == pytest.approx(100, abs=5)
    assert bad.voicing_agreement < 0.9
    assert bad.to_dict()["baseline_l1"] is None


def test_phoneme_means_are_the_means_of_each_phoneme():
    train = [
        {"tokens": [1, 2], "mel2ph": [1, 1, 2], "mel": [[0.0], [2.0], [10.0]]},
        {"tokens": [2], "mel2ph": [1, 0], "mel": [[20.0], [999.0]]},
    ]
    means = PhonemeMeans.fit(train)
    assert means.means[1] == 1.0
    assert means.means[2] == 15.0
    held_out = {
        "tokens": np.array([2, 1]),
        "mel2ph": np.array([1, 2]),
        "mel": np.array([[14.0], [4.0]], np.float32),
    }
    assert phoneme_mean_baseline(train, held_out) == pytest.approx(2.0)
    unseen = means.predict(np.array([9]), np.array([1]))
    assert np.isfinite(unseen).all()
    with pytest.raises(SingwizError):
        PhonemeMeans.fit([])
