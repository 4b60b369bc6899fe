"""RMVPE and VR as networks: options, spectrograms, decoding, folding.

Their numbers are checked by golden fixtures.
"""

import runpy
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import nn

from singwiz.core.models import build_model
from singwiz.core.models.extractors import vr_audio
from singwiz.core.models.extractors.folding import fold_batch_norms
from singwiz.core.models.extractors.rmvpe_decoding import decode, viterbi_path
from singwiz.core.models.extractors.rmvpe_mel import (
    frame_count,
    log_mel,
    mel_basis,
    pad_mel,
    pad_waveform,
)

SEEDED = runpy.run_path(str(Path(__file__).parents[2] / "golden" / "seeded_weights.py"))
SMALL_RMVPE = {"n_blocks": 1, "en_de_layers": 2, "inter_layers": 1, "en_out_channels": 2}
SMALL_VR = {"n_fft": 128, "hop_length": 32, "n_out": 8, "n_out_lstm": 8, "is_mono": True}


def seeded(category: str, config: dict) -> nn.Module:
    network = build_model(category, config).eval()
    SEEDED["seed_module"](network)
    return network


@pytest.mark.parametrize(
    ("options", "multiple", "names", "classifier"),
    [
        ({}, 4, ("fc.0.gru.weight_ih_l0", "fc.1.weight"), 512),
        ({"n_gru": 2}, 4, ("fc.0.gru.weight_ih_l1_reverse", "fc.1.bias"), 512),
        ({"n_gru": 0}, 4, ("fc.0.weight",), 384),
        ({"kernel_size": [1, 2]}, 1, ("cnn.weight",), 512),
        ({"in_channels": 2, "n_blocks": 2}, 4, ("unet.tf.layers.1.conv.0.weight",), 512),
    ],
    ids=str,
)
def test_options_of_rmvpe_change_what_they_say(options, multiple, names, classifier) -> None:
    network = seeded("rmvpe", SMALL_RMVPE | options)
    state = network.state_dict()
    assert set(names) <= state.keys()
    classifiers = [value.shape for name, value in state.items() if name.startswith("fc.")]
    assert (360, classifier) in classifiers
    assert network.time_multiple == multiple
    shape = (2, 2, 128, 8) if options.get("in_channels") == 2 else (2, 128, 8)
    hidden = network(torch.randn(shape))
    assert hidden.shape == (2, 8, 360)
    assert (hidden > 0).all() and (hidden < 1).all()


@pytest.mark.parametrize(
    ("category", "config"),
    [
        ("rmvpe", {"kernel_size": (3, 2)}),
        ("rmvpe", {"en_de_layers": 8}),
        ("rmvpe", {"n_gru": -1}),
        ("vr", {"n_fft": 1000}),
        ("vr", {"n_out": 6}),
        ("vr", {"n_fft": 128, "hop_length": 129}),
        ("vr", {"n_out_lstm": 0}),
    ],
    ids=str,
)
def test_sizes_that_make_no_network_are_refused(category: str, config: dict) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        build_model(category, config)


def test_the_unused_timbre_filter_has_no_influence() -> None:
    network = seeded("rmvpe", SMALL_RMVPE)
    mel = torch.randn(1, 128, 8)
    before = network(mel)
    for parameter in network.unet.tf.parameters():
        parameter.data.fill_(torch.nan)
    torch.testing.assert_close(network(mel), before, rtol=0, atol=0)


def test_mel_bins_are_those_of_librosa() -> None:
    expected = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=128, fmin=30, fmax=8000, htk=True)
    np.testing.assert_allclose(mel_basis(), expected, atol=1e-7)


def test_mel_frames_are_centred_and_as_many_as_counted() -> None:
    click = torch.zeros(1, 16000)
    click[0, 4800] = 1
    mel = log_mel(click)
    assert mel.shape == (1, 128, frame_count(16000)) == (1, 128, 101)
    assert mel[0].mean(0).argmax() == 30


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 4960, 4961, 16000])
def test_padding_gives_whole_groups_of_32_frames(samples: int) -> None:
    padded = pad_waveform(torch.ones(1, samples))
    frames = log_mel(padded).shape[-1]
    assert frames % 32 == 0
    assert 0 <= frames - frame_count(samples) <= 32
    assert padded.sum() == samples


def test_a_mel_is_mirrored_to_32_frames_if_it_is_long_enough() -> None:
    mel = torch.arange(40.0).expand(1, 128, 40)
    assert pad_mel(mel)[0, 0, 40:43].tolist() == [38, 37, 36]
    with pytest.raises(ValueError, match="too few"):
        pad_mel(mel[..., :16])


def peak(position: float, classes: int = 360) -> torch.Tensor:
    return torch.exp(-((torch.arange(classes) - position) ** 2) / 3.0)


def test_decoding_finds_pitches_between_classes_and_at_the_edges() -> None:
    hidden = torch.stack([peak(100.0), peak(100.25), peak(0.0), peak(359.0), 0.02 * peak(50.0)])
    f0 = decode(hidden)
    cents = 1200 * torch.log2(f0[:2] / 10)
    np.testing.assert_allclose(cents, [1997.379 + 2000, 1997.379 + 2005], atol=0.5)
    assert 31.7 < f0[2] < 32.5
    assert 1980 < f0[3] < 2006
    assert f0[4] == 0
    assert decode(hidden, threshold=0.01)[4] > 0


def test_a_viterbi_path_passes_over_an_octave_error() -> None:
    positions = [200.0] * 5 + [260.0] + [200.0] * 5
    hidden = torch.stack([peak(position) + 0.2 * peak(200.0) for position in positions])
    path = viterbi_path(hidden.numpy())
    assert path.tolist() == [200] * 11
    f0 = decode(hidden, centre=torch.from_numpy(path))
    np.testing.assert_allclose(f0, f0[0], rtol=1e-4)
    assert decode(hidden)[5] > 1.9 * f0[5]
    assert viterbi_path(np.zeros((0, 360))).shape == (0,)
    assert viterbi_path(np.zeros((3, 360))).shape == (3,)


@pytest.mark.parametrize("category", ["rmvpe", "vr"])
def test_folding_changes_nothing_but_rounding(category: str) -> None:
    network = seeded(category, SMALL_RMVPE if category == "rmvpe" else SMALL_VR)
    given = torch.randn(1, 128, 32)
    if category == "vr":
        given = torch.randn(1, 1, 65, 32, dtype=torch.complex64)
    with torch.inference_mode():
        before = network(given)
        norms = sum(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())
        fold_batch_norms(network)
        torch.testing.assert_close(network(given), before, rtol=1e-4, atol=2e-5)
    left = sum(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())
    # A norm before a zero-padded convolution cannot be folded without changing the borders.
    assert left == (1 if category == "rmvpe" else 0) < norms
    with pytest.raises(ValueError, match="evaluation"):
        fold_batch_norms(nn.Sequential())


@pytest.mark.parametrize("mono", [True, False])
@pytest.mark.parametrize("complex_", [True, False])
@pytest.mark.parametrize("fixed_length", [True, False])
def test_masks_have_the_shape_of_the_spectrum_and_never_amplify(
    mono: bool, complex_: bool, fixed_length: bool
) -> None:
    options = {"is_mono": mono, "is_complex": complex_, "fixed_length": fixed_length}
    network = seeded("vr", SMALL_VR | options)
    spectrum = 9 * torch.randn(2, 1 if mono else 2, 65, 32, dtype=torch.complex64)
    mask = network(spectrum)
    assert mask.shape == spectrum.shape
    assert mask.is_complex() == complex_
    assert (mask.abs() <= 1).all()
    # The network does not see the highest frequency, which is masked like its neighbour.
    torch.testing.assert_close(mask[:, :, -1], mask[:, :, -2])


def test_without_fixed_length_a_mask_does_not_depend_on_what_is_far_behind() -> None:
    """Stretching corner to corner moves every pixel when the end moves; the other way must not."""
    spectrum = torch.randn(1, 1, 65, 256, dtype=torch.complex64)
    changes = {}
    for fixed_length in (True, False):
        network = seeded("vr", SMALL_VR | {"fixed_length": fixed_length})
        for part in network.modules():
            if isinstance(part, nn.LSTM):  # which remembers, and is not meant here
                for weight in part.parameters():
                    weight.data.zero_()
        with torch.inference_mode():
            whole, begin = network(spectrum), network(spectrum[..., :224])
        changes[fixed_length] = (whole[..., :32] - begin[..., :32]).abs().max().item()
    assert changes[False] < 1e-5 < 100 * changes[False] + 1e-4 < changes[True]


@pytest.mark.parametrize("samples", [0, 1, 31, 32, 1000, 5003])
def test_a_spectrum_leads_back_to_its_waveform(samples: int) -> None:
    waveform = torch.randn(1, 2, samples)
    padded, left = vr_audio.pad_to_frames(waveform, hop_size=32)
    spectrum = vr_audio.spectrum(padded, fft_size=128, hop_size=32)
    assert spectrum.shape[-1] % 32 == 0
    assert left % 32 == 0
    back = vr_audio.waveform(spectrum, fft_size=128, hop_size=32)
    torch.testing.assert_close(back[..., left : left + samples], waveform, rtol=0, atol=1e-5)
