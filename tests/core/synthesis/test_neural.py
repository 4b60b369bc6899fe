"""Neural vocoders: chunks, batches, seeds, limits of F0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from singwiz.core.models import build_model
from singwiz.core.models.vocoder.norms import fold_weight_norm
from singwiz.core.synthesis.neural import NeuralVocoder, label_of, natural_log_mel

SMALL = {
    "resblock": "1",
    "upsample_rates": [4, 4, 2, 2],
    "upsample_kernel_sizes": [8, 8, 4, 4],
    "upsample_initial_channel": 32,
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "num_mels": 8,
    "sampling_rate": 16000,
    "hop_size": 64,
}
SHAPES: dict[str, dict[str, Any]] = {
    "small": {},
    "block 2": {"resblock": "2", "resblock_dilation_sizes": [[1, 2], [3, 12]]},
    "few stages": {"upsample_rates": [32, 2], "upsample_kernel_sizes": [64, 4]},
    "short kernels": {"upsample_kernel_sizes": [4, 6, 2, 4]},
}


def vocoder(excitation: str = "nsf", *, chunk: int = 512, seed: int = 0, **changes: Any):
    torch.manual_seed(0)
    generator = build_model("vocoder", {**SMALL, **changes, "excitation": excitation})
    for name, value in generator.named_parameters():  # loud enough to see every leak
        if name.endswith("weight_g"):
            value.data *= 2
    folded = fold_weight_norm(generator.eval())
    return NeuralVocoder(folded, label="test", chunk_frames=chunk, seed=seed)


def song(frames: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mel = rng.normal(-2, 2, (frames, 8)).astype(np.float32)
    return mel, (200 + 40 * np.sin(np.arange(frames) / 5)).astype(np.float32)


@pytest.mark.parametrize("excitation", ["nsf", "mini", "none"])
@pytest.mark.parametrize("shape", SHAPES)
def test_chunks_join_to_what_one_piece_gives(shape: str, excitation: str):
    changes = {**SHAPES[shape], "noise_sigma": 0.3}
    mel, f0 = song(97)
    whole = vocoder(excitation, **changes).synthesise(mel, f0)
    parts = vocoder(excitation, chunk=16, **changes).synthesise(mel, f0)
    assert whole.shape == (97 * 64,)
    assert np.abs(whole).max() > 0.05
    np.testing.assert_allclose(parts, whole, atol=2e-5)


def test_the_context_is_not_larger_than_it_has_to_be():
    """One frame fewer on each side is heard: the count is the network's reach, not a guess."""
    generator = vocoder("none").generator
    mel = torch.zeros(1, 8, 101)
    with torch.no_grad():
        still = generator.filter(mel)
        mel[0, :, 50] = 5.0
        reached = (generator.filter(mel) - still)[0, 0].abs().reshape(101, 64).amax(1) > 0
    reach = max(50 - int(reached.nonzero()[0]), int(reached.nonzero()[-1]) - 50)
    assert reach <= generator.structure.context_frames <= reach + 2


def test_a_seed_repeats_a_sound_and_another_gives_another():
    mel, f0 = song(20)
    first, same, other = (vocoder(seed=seed).synthesise(mel, f0) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    torch.manual_seed(5)  # global random numbers do not matter
    assert np.array_equal(vocoder(seed=1).synthesise(mel, f0), first)


def test_half_precision_around_it_does_not_touch_the_sound():
    mel, f0 = song(20)
    expected = vocoder().synthesise(mel, f0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(vocoder().synthesise(mel, f0), expected)


def test_a_batch_gives_what_its_rows_give():
    mel, f0 = song(30)
    sings = vocoder("mini")
    batch = sings.synthesise_batch(np.stack([mel, mel[::-1]]), np.stack([f0, f0[::-1]]))
    np.testing.assert_allclose(batch[0], sings.synthesise(mel, f0), atol=1e-5)
    np.testing.assert_allclose(batch[1], sings.synthesise(mel[::-1], f0[::-1]), atol=1e-5)


def test_notes_above_the_mini_excitation_are_sung_at_its_limit():
    mel, _ = song(10)
    sings = vocoder("mini")
    high = np.full(10, 3000, np.float32)
    limit = np.full(10, 0.499 * 4000, np.float32)
    assert np.array_equal(sings.synthesise(mel, high), sings.synthesise(mel, limit))


def test_broken_pitch_values_do_not_spread():
    mel, f0 = song(40)
    for excitation in ("nsf", "mini"):
        broken = f0.copy()
        broken[5], broken[6], broken[7] = np.nan, np.inf, -50
        assert np.isfinite(vocoder(excitation).synthesise(mel, broken)).all()


def test_nothing_gives_nothing_and_wrong_shapes_are_named():
    sings = vocoder()
    assert sings.synthesise(np.zeros((0, 8), np.float32), np.zeros(0, np.float32)).shape == (0,)
    with pytest.raises(ValueError, match="vocoder of 8 bands"):
        sings.synthesise(np.zeros((4, 9), np.float32), np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        sings.synthesise(np.zeros((4, 8), np.float32), np.zeros(5, np.float32))


def test_a_file_becomes_a_vocoder_named_after_its_folder(tmp_path: Path):
    folder = tmp_path / "my_hifigan_2025"
    folder.mkdir()
    saved = build_model("vocoder", {**SMALL, "mini_nsf": True})
    torch.save({"generator": saved.state_dict()}, folder / "model.ckpt")
    config = {**SMALL, "mini_nsf": True, "pc_aug": True}
    (folder / "config.json").write_text(json.dumps(config))
    loaded = NeuralVocoder.load(folder / "model.ckpt")
    assert (loaded.label, loaded.is_preview) == ("my_hifigan_2025", False)
    assert (loaded.sample_rate, loaded.hop_size, loaded.num_mels) == (16000, 64, 8)
    assert loaded.pitch_controllable
    assert label_of(Path("x/g_00001000")) == "g_00001000"


def test_mels_of_both_bases_become_natural_logarithms():
    mel = np.array([[-2.0, 0.5]], np.float32)
    assert natural_log_mel(mel, "e") is mel
    for base in (10, "10"):
        np.testing.assert_allclose(natural_log_mel(mel, base), mel * 2.30259, rtol=1e-6)
    with pytest.raises(ValueError, match="mel_base is 2"):
        natural_log_mel(mel, 2)
