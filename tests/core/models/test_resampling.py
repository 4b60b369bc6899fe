"""The sinc resampler in front of networks. Its numbers are checked by a golden fixture too."""

import numpy as np
import pytest
import torch

from singwiz.core.models.resampling import sinc_resample


def tone(frequency: float, rate: int, seconds: float = 0.3) -> torch.Tensor:
    times = torch.arange(int(rate * seconds), dtype=torch.float64) / rate
    return torch.sin(2 * torch.pi * frequency * times).float()


@pytest.mark.parametrize(("orig", "new"), [(44100, 16000), (48000, 44100), (16000, 44100)])
def test_a_tone_below_the_cut_off_stays_the_same_tone(orig: int, new: int) -> None:
    actual = sinc_resample(tone(1234.5, orig), orig, new)
    inner = slice(new // 20, -new // 20)
    np.testing.assert_allclose(actual[inner], tone(1234.5, new)[: len(actual)][inner], atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_removed() -> None:
    assert sinc_resample(tone(9000, 44100), 44100, 16000)[1000:-1000].abs().max() < 1e-3


@pytest.mark.parametrize("samples", [0, 1, 7, 441, 1000])
def test_the_length_is_rounded_up(samples: int) -> None:
    assert sinc_resample(torch.ones(2, samples), 44100, 16000).shape == (
        2,
        -(-samples * 160 // 441),
    )


def test_rows_do_not_mix_and_equal_rates_change_nothing() -> None:
    rows = torch.stack([tone(300, 16000), tone(500, 16000)])[:, None]
    actual = sinc_resample(rows, 16000, 22050)
    torch.testing.assert_close(actual[1, 0], sinc_resample(rows[1, 0], 16000, 22050))
    assert sinc_resample(rows, 8000, 8000) is rows


def test_a_kernel_made_during_inference_can_be_trained_through() -> None:
    with torch.inference_mode():
        sinc_resample(torch.ones(100), 461, 512)
    waveform = torch.ones(100, requires_grad=True)
    sinc_resample(waveform, 461, 512).sum().backward()
    assert waveform.grad is not None


@pytest.mark.parametrize(
    ("orig", "new", "options"),
    [
        (0, 1, {}),
        (16000, -1, {}),
        (44100.5, 16000, {}),
        (2, 1, {"width": 0}),
        (2, 1, {"rolloff": 2}),
    ],
)
def test_impossible_rates_and_filters_are_refused(orig: int, new: int, options: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        sinc_resample(torch.ones(10), orig, new, **options)
