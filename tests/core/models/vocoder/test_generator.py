"""Generators: structure, excitation, noise, folding, learning."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from singwiz.core.features.pitch import Parselmouth
from singwiz.core.models import build_model
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.vocoder.config import GeneratorConfig, generator_keys
from singwiz.core.models.vocoder.excitation import HarmonicSource, carried_phase, mini_source
from singwiz.core.models.vocoder.norms import SpectralNormConv1d, fold_weight_norm

HIFIGAN = {
    "V1": {
        "resblock": "1",
        "upsample_rates": [8, 8, 2, 2],
        "upsample_kernel_sizes": [16, 16, 4, 4],
        "upsample_initial_channel": 512,
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    },
    "V2": {"upsample_initial_channel": 128},
    "V3": {
        "resblock": "2",
        "upsample_rates": [8, 8, 4],
        "upsample_kernel_sizes": [16, 16, 8],
        "upsample_initial_channel": 256,
        "resblock_kernel_sizes": [3, 5, 7],
        "resblock_dilation_sizes": [[1, 2], [2, 6], [3, 12]],
    },
}


def seeded(number: int = 0) -> RandomSource:
    return RandomSource(torch.Generator().manual_seed(number))


@pytest.mark.parametrize("excitation", ["nsf", "mini", "none"])
def test_a_frame_gives_hop_samples(small: dict[str, Any], excitation: str):
    generator = build_model("vocoder", {**small, "excitation": excitation})
    sound = generator(torch.randn(2, 8, 7), torch.full((2, 7), 200.0))
    assert sound.shape == (2, 1, 7 * 64)
    assert sound.abs().max() <= 1


@pytest.mark.parametrize(("version", "millions"), [("V1", 13.92), ("V2", 0.92), ("V3", 1.46)])
def test_hifigan_versions_have_the_published_sizes(version: str, millions: float):
    config = {**HIFIGAN["V1"], **HIFIGAN[version], "num_mels": 80, "hop_size": 256}
    generator = build_model("vocoder", {**config, "excitation": "none"})
    fold = sum(v.numel() for n, v in generator.named_parameters() if not n.endswith("weight_g"))
    assert fold / 1e6 == pytest.approx(millions, rel=0.01)


def test_a_training_config_describes_the_same_network(small: dict[str, Any]):
    audio = {
        "audio_sample_rate": small.pop("sampling_rate"),
        "audio_num_mel_bins": small.pop("num_mels"),
        "fft_size": small.pop("n_fft"),
        "win_size": small.pop("win_size"),
        "hop_size": small.pop("hop_size"),
        "fmin": small.pop("fmin"),
        "fmax": small.pop("fmax"),
        "pc_aug": True,
    }
    training = {**audio, "model_args": {**small, "mini_nsf": True, "noise_sigma": 0.1}}
    structure = GeneratorConfig.read(training)
    assert (structure.excitation, structure.noise_sigma) == ("mini", 0.1)
    assert (structure.num_mels, structure.hop_size, structure.excitation_rate) == (8, 64, 4000)
    assert generator_keys(training)["pc_aug"] is True


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resblock": "3"}, "resblock is '3'; choose '1' or '2'"),
        ({"resblock": True}, "resblock is True"),
        ({"upsample_rates": None}, "lacks 'upsample_rates'"),
        ({"upsample_rates": "4422"}, "upsample_rates must be a list of whole numbers"),
        ({"upsample_rates": [4, 4, 4]}, "upsample_kernel_sizes has 4 entries"),
        ({"upsample_rates": [4, 4, 4, 2]}, "upsample_rates multiply to 128, but hop_size is 64"),
        ({"upsample_kernel_sizes": [8, 8, 4, 1]}, "does not fit the rate 2; use 4"),
        ({"upsample_kernel_sizes": [7, 8, 4, 4]}, "does not fit the rate 4; use 8"),
        ({"upsample_initial_channel": 40}, "use a multiple of 16"),
        ({"upsample_initial_channel": 32.5}, "must be a whole number"),
        ({"num_mels": -1}, "num_mels must be positive"),
        ({"resblock_kernel_sizes": [3]}, "resblock_dilation_sizes has 2 entries"),
        ({"resblock_kernel_sizes": [3, 6]}, "odd numbers"),
        ({"resblock_dilation_sizes": [[1, 3], [1, 3]]}, "needs 3 dilations"),
        ({"resblock_dilation_sizes": [1, 3]}, "must be a list of whole numbers"),
        ({"noise_sigma": "loud"}, "noise_sigma must be a number"),
        ({"excitation": "saw"}, "choose nsf, mini or none"),
        ({"sampling_rate": None}, "lacks 'sampling_rate'"),
        (
            {"upsample_rates": [4, 4, 4, 1], "upsample_kernel_sizes": [8, 8, 8, 3]},
            "put an even rate last",
        ),
        (
            {"mini_nsf": True, "upsample_rates": [64], "upsample_kernel_sizes": [128]},
            "at least two upsample_rates",
        ),
        ({"model_args": 3}, "model_args must map"),
    ],
)
def test_a_config_that_fits_no_network_names_key_and_cure(
    small: dict[str, Any], changes: dict[str, Any], message: str
):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        build_model("vocoder", {**small, **changes})


def test_a_missing_melody_is_an_error_only_with_an_excitation(small: dict[str, Any]):
    with pytest.raises(ValueError, match="needs f0"):
        build_model("vocoder", small)(torch.randn(1, 8, 4))
    build_model("vocoder", {**small, "excitation": "none"})(torch.randn(1, 8, 4))


def test_the_phase_of_a_long_note_does_not_drift():
    """Against the same sum in double precision."""
    f0 = torch.full((1, 40_000), 441.37)
    turns = f0 / 44100 * 512
    exact = np.concatenate([[0.0], np.cumsum(turns[0].double().numpy())[:-1]])
    error = carried_phase(turns)[0].double().numpy() - exact
    assert np.abs(error - np.round(error)).max() < 2e-2  # float32 alone loses whole turns


def test_sines_follow_the_melody_and_stop_where_it_is_unvoiced():
    source = HarmonicSource(16000)
    f0 = torch.cat([torch.full((1, 100), 250.0), torch.zeros(1, 100)], dim=1)
    starts = torch.zeros(9)
    waves = source.sines(f0, 64, starts, carried_phase(f0 / 16000 * 64), seeded())
    spectrum = np.abs(np.fft.rfft(waves[0, :6400, 0].numpy() * np.hanning(6400)))
    assert spectrum.argmax() * 16000 / 6400 == pytest.approx(250, abs=3)
    spectrum = np.abs(np.fft.rfft(waves[0, :6400, 8].numpy() * np.hanning(6400)))
    assert spectrum.argmax() * 16000 / 6400 == pytest.approx(9 * 250, abs=3)
    assert waves[0, 6400:].std() == pytest.approx(0.1 / 3, rel=0.05)


def test_excitation_in_blocks_is_the_excitation_at_once(small: dict[str, Any]):
    generator = build_model("vocoder", small)
    f0 = 200 + 50 * torch.rand(1, 41)
    whole = generator.excite(f0, random=seeded())
    parts = generator.excite(f0, random=seeded(), block=8)
    assert torch.equal(whole, parts)


def test_the_mini_sine_glides_to_the_next_note():
    f0 = torch.linspace(100, 400, 100)[None]
    wave = mini_source(f0, 64, 16000)[0, 0].double().numpy()
    # The instantaneous frequency, from the analytic signal, is the interpolated melody.
    from scipy.signal import hilbert

    frequency = np.diff(np.unwrap(np.angle(hilbert(wave)))) * 16000 / (2 * np.pi)
    wanted = np.interp(np.arange(len(wave) - 1) / 64, np.arange(100), f0[0].numpy())
    assert np.abs(frequency - wanted)[600:-600].max() < 8


def test_noise_of_noise_sigma_can_be_left_out_when_singing(small: dict[str, Any]):
    generator = build_model("vocoder", {**small, "mini_nsf": True, "noise_sigma": 0.5}).eval()
    mel, f0 = torch.randn(1, 8, 5), torch.full((1, 5), 200.0)
    assert not torch.equal(generator(mel, f0), generator(mel, f0))
    generator.inference_noise = False
    assert torch.equal(generator(mel, f0), generator(mel, f0))
    generator.train()
    assert not torch.equal(generator(mel, f0), generator(mel, f0))


def test_nsf_generators_begin_with_small_random_biases(small: dict[str, Any]):
    torch.manual_seed(0)
    generator = build_model("vocoder", {**small, "mini_nsf": True})
    drawn = [generator.ups[0].bias, generator.resblocks[0].convs1[0].bias]
    assert all(0.004 < bias.std() < 0.03 for bias in drawn)
    assert generator.source_conv.weight.abs().max() < 0.05
    # Torch's own beginning is left where the models in use have it.
    assert generator.conv_pre.bias.abs().max() > 0.03
    plain = build_model("vocoder", {**small, "excitation": "none"})
    assert plain.ups[0].bias.abs().max() > 0.03


@torch.no_grad()
def test_folding_changes_names_but_not_the_sound(small: dict[str, Any]):
    # Wide enough for the layout that folded convolutions prefer on a CPU.
    config = {**small, "upsample_initial_channel": 256}
    for excitation in ("nsf", "mini", "none"):
        generator = build_model("vocoder", {**config, "excitation": excitation}).eval()
        mel, f0 = torch.randn(2, 8, 9), torch.full((2, 9), 150.0)
        before = generator(mel, f0, random=seeded())
        folded = fold_weight_norm(copy.deepcopy(generator))
        assert not any("weight_g" in name for name in folded.state_dict())
        after = folded(mel, f0, random=seeded())
        torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(fold_weight_norm(folded)(mel, f0, random=seeded()), after)


def test_every_parameter_learns(small: dict[str, Any]):
    for excitation in ("nsf", "mini", "none"):
        torch.manual_seed(1)
        generator = build_model("vocoder", {**small, "excitation": excitation})
        before = copy.deepcopy(generator.state_dict())
        optimizer = torch.optim.AdamW(generator.parameters(), lr=1e-3)
        mel, f0 = torch.randn(2, 8, 6), torch.full((2, 6), 200.0)
        for _ in range(3):
            optimizer.zero_grad()
            (generator(mel, f0) - 0.1).square().mean().backward()
            optimizer.step()
        still = [n for n, v in generator.state_dict().items() if torch.equal(v, before[n])]
        assert still == []


def test_a_network_that_has_run_can_be_copied(small: dict[str, Any]):
    generator = build_model("vocoder", small)
    generator(torch.randn(1, 8, 4), torch.full((1, 4), 200.0)).sum().backward()
    assert list(copy.deepcopy(generator).state_dict()) == list(generator.state_dict())


def test_spectral_norm_approaches_the_largest_singular_value():
    torch.manual_seed(0)
    conv = SpectralNormConv1d(8, 16, 5, padding=2)
    for _ in range(200):
        conv(torch.randn(1, 8, 20))
    exact = torch.linalg.matrix_norm(conv.weight_orig.flatten(1), 2)
    torch.testing.assert_close(conv.eval().spectral_norm(), exact, atol=0, rtol=1e-4)
    before = conv.weight_u.clone()
    conv(torch.randn(1, 8, 20))
    assert torch.equal(conv.weight_u, before)
    # The same numbers as torch's, which checkpoints were trained with.
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = torch.nn.utils.spectral_norm(torch.nn.Conv1d(8, 16, 5, padding=2))
    other.load_state_dict(conv.state_dict())
    x = torch.randn(2, 8, 20)
    torch.testing.assert_close(conv.train()(x), other.train()(x))
    torch.testing.assert_close(conv.weight_v, other.weight_v)


@pytest.mark.parametrize("excitation", ["nsf", "mini"])
def test_with_the_pitch_first_an_untrained_generator_sings_what_it_is_given(
    small: dict[str, Any], excitation: str
):
    # Long frames, as those of singing are: their rate lies among the pitches.
    rates = {"upsample_rates": [8, 8, 2], "upsample_kernel_sizes": [16, 16, 4], "hop_size": 128}
    mel = (2 * torch.randn(1, 8, 1, generator=torch.Generator().manual_seed(0)) - 5).repeat(
        1, 1, 60
    )
    f0 = 200 * 2 ** torch.linspace(0, 1, 60)[None]

    def right(pitch_first: bool) -> float:
        torch.manual_seed(0)
        generator = build_model("vocoder", {**small, **rates, "excitation": excitation})
        if pitch_first:
            generator.put_pitch_first()
        sound = generator(mel, f0, random=seeded()).detach()[0, 0].numpy()
        found, silent = Parselmouth(65, 800).extract(sound, 16000, hop_size=128, length=60)
        cents = 1200 * np.abs(np.log2(found / f0[0].numpy()))
        return float(np.mean((cents < 50) & ~silent))

    assert right(True) > 0.9
    assert right(False) < 0.5


def test_filters_between_frames_stay_smooth_while_the_rest_is_trained(small: dict[str, Any]):
    generator = build_model("vocoder", {**small, "upsample_rates": [8, 8], "excitation": "none",
        "upsample_kernel_sizes": [16, 12]})  # fmt: skip
    generator.put_pitch_first()
    assert {n for n, p in generator.named_parameters() if not p.requires_grad} == {
        f"ups.{i}.weight_v" for i in range(2)
    }
    for up in generator.ups:
        steady = up(torch.ones(1, up.in_channels, 12)).detach()[..., 16:-16]
        assert torch.allclose(steady, steady[..., :1].expand_as(steady), atol=1e-5)
