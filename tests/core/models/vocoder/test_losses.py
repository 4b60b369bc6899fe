"""Losses: limits, independence of rows, and the mel they compare."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from singwiz.core.features.mel import mel_filterbank, mel_spectrogram
from singwiz.core.models.vocoder import losses
from singwiz.core.models.vocoder.mel import HifiGanMelSpectrogram, MelSpectrogram

BANK = {"sample_rate": 16000, "fft_size": 512, "num_mels": 40, "fmin": 40.0, "fmax": 8000.0}


def small_mel() -> MelSpectrogram:
    filters = torch.from_numpy(mel_filterbank(**BANK).copy())
    return MelSpectrogram(filters, fft_size=512, win_size=512, hop_size=128)


def sound(rows: int = 1, samples: int = 4000) -> torch.Tensor:
    return 0.3 * torch.randn(rows, 1, samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("key_shift", "speed"), [(0, 1), (5, 1), (-3.5, 1), (0, 1.5), (4, 0.75)])
def test_the_torch_mel_is_the_mel_that_datasets_are_made_of(key_shift: float, speed: float):
    wave = sound()
    expected = mel_spectrogram(
        wave[0, 0].numpy(), hop_size=128, win_size=512, key_shift=key_shift, speed=speed, **BANK
    )
    actual = small_mel()(wave, key_shift=key_shift, speed=speed)
    assert actual.shape[1:] == expected.T.shape
    assert np.abs(actual[0].numpy() - expected.T).max() < 2e-3


def test_short_sound_is_followed_by_silence():
    assert small_mel()(sound(samples=100)).shape == (1, 40, 4)


def test_gradients_flow_through_the_mel_even_of_silence():
    for kind in (MelSpectrogram, HifiGanMelSpectrogram):
        filters = torch.from_numpy(mel_filterbank(**BANK).copy())
        mel = kind(filters, fft_size=512, win_size=512, hop_size=128)
        for wave in (sound(), torch.zeros(1, 1, 2000)):
            wave.requires_grad_()
            mel(wave).sum().backward()
            assert wave.grad is not None and torch.isfinite(wave.grad).all()


def test_the_mel_leaves_nothing_in_checkpoints():
    assert small_mel().state_dict() == {}
    with pytest.raises(ValueError, match="do not fit"):
        MelSpectrogram(torch.zeros(4, 100), fft_size=512, win_size=512, hop_size=128)
    with pytest.raises(ValueError, match="hop_size <= win_size"):
        MelSpectrogram(torch.zeros(4, 257), fft_size=512, win_size=1024, hop_size=128)


def test_judges_that_are_never_wrong_cost_nothing_and_fool_nobody():
    real, fake = [torch.ones(2, 5)], [torch.zeros(3, 5)]
    assert [float(x) for x in losses.discriminator_loss(real, fake)] == [0, 0]
    assert float(losses.adversarial_loss(fake)) == 1
    joint = torch.cat([fake[0], real[0]])
    assert [float(x) for x in losses.joint_discriminator_loss([joint], 3)] == [0, 0, 0]


def test_the_joint_loss_is_half_of_the_sum_for_equal_counts():
    real, fake = torch.randn(4, 6), torch.randn(4, 6)
    true, false = losses.discriminator_loss([real], [fake])
    joint, joint_fake, joint_real = losses.joint_discriminator_loss([torch.cat([fake, real])], 4)
    torch.testing.assert_close(joint, (true + false) / 2)
    torch.testing.assert_close(torch.stack([joint_real, joint_fake]), torch.stack([true, false]))


def test_feature_matching_compares_only_rows_that_both_have():
    real = [[torch.randn(2, 3, 4)]]
    more = [[torch.cat([real[0][0], 100 * torch.ones(3, 3, 4)])]]
    assert float(losses.feature_matching_loss(real, more)) == 0
    assert float(losses.feature_matching_loss(real, [[real[0][0] + 0.5]])) == pytest.approx(1)


def test_equal_sounds_have_no_distance():
    wave = sound(2)
    stft = losses.MultiResolutionStft([512, 256, 512], [128, 64, 128], [512, 256, 512])
    convergence, magnitude = stft(wave, wave)
    assert float(convergence) == float(magnitude) == 0
    assert float(losses.log_stft_distance(wave, wave)) == 0
    assert (
        0
        < float(losses.log_stft_distance(wave, 0.5 * wave))
        == pytest.approx(np.log10(2), abs=1e-3)
    )


def test_a_resolution_named_twice_counts_twice():
    fake, real = sound(), sound().flip(-1)
    twice = losses.MultiResolutionStft([512, 256, 512], [128, 64, 128], [512, 256, 512])
    parts = [twice.resolution(fake, real, *s) for s in ((512, 128, 512), (256, 64, 256))]
    expected = (2 * parts[0][0] + parts[1][0]) / 3
    torch.testing.assert_close(twice(fake, real)[0], expected)
    assert len(twice.counts) == 2


def test_weights_come_from_the_config_with_its_older_name():
    for config, weight in (({}, 45), ({"lab_aux_loss": 10}, 10), ({"lab_aux_melloss": 0}, 0)):
        criterion = losses.VocoderCriterion(config, small_mel())
        loss, logs = criterion.auxiliary(sound(), 0.5 * sound())
        assert float(loss) == pytest.approx(weight * np.log(2), rel=1e-3)
        assert set(logs) == {"aux_mel_loss"}
    with pytest.raises(ValueError, match="use_stftloss needs loss_fft_sizes"):
        losses.VocoderCriterion({"use_stftloss": True}, small_mel())


def test_the_log_names_follow_the_families():
    judged = {"mrd": ([torch.rand(2, 3)], [[torch.rand(2, 3)]])}
    criterion = losses.VocoderCriterion({}, small_mel())
    assert set(criterion.discriminator(judged, judged)[1]) == {"DmrdlossT", "DmrdlossF"}
    assert set(criterion.generator(judged, judged)[1]) == {"Gmrdloss", "Gmrd_feature_loss"}
