"""The acoustic model as a whole."""

from __future__ import annotations

import pytest
import torch

from singwiz.core.models import build_model
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.sampling import SamplingOptions


class SameNoise(RandomSource):
    """Noise by frame and row, whatever the number of rows and frames around them."""

    def __init__(self, rows: slice = slice(None)) -> None:
        super().__init__()
        self.noise = torch.randn(2, 1, 8, 60, generator=torch.Generator().manual_seed(9))[rows]

    def normal(self, shape, *, device):
        return self.noise[..., : shape[-1]]


@pytest.fixture
def model(config, vocab_size, shuffle_weights):
    """A seeded model in eval mode: ``model("everything", key=value, …)``."""

    def build(template: str, **changes):
        torch.manual_seed(0)
        built = build_model("acoustic", config(template, **changes), vocab_size=vocab_size)
        return shuffle_weights(built).eval()

    return build


def test_padding_does_not_change_the_condition_of_the_frames_before_it(
    model, acoustic_batch, one_sample
) -> None:
    # Mix-LN shifts padded symbols away from zero, and the next convolution sees that.
    voice = model("everything", use_mix_ln=False)
    batch = acoustic_batch([[6, 5, 9, 4], [3, 4]])
    names = ("energy", "breathiness", "voicing", "tension")

    def condition(inputs):
        inputs = dict(inputs)
        del inputs["gt_mel"]
        return voice.fs2(variances={name: inputs.pop(name) for name in names}, **inputs)

    alone = condition(one_sample(batch, 1, 2, 7))
    torch.testing.assert_close(condition(batch)[1:, :7], alone)


@pytest.mark.parametrize("algorithm", ["euler", "rk4"])
def test_a_song_sounds_the_same_alone_and_in_a_batch(
    model, acoustic_batch, one_sample, algorithm
) -> None:
    # Without convolutions in the decoder nothing can leak in from the padding.
    args = {"num_layers": 2, "num_channels": 12, "kernel_size": 1}
    voice = model("acoustic", backbone_args=args)
    batch = acoustic_batch([[6, 5, 9, 4], [3, 4]])
    single = one_sample(batch, 1, 2, 7)
    options = SamplingOptions(algorithm=algorithm, steps=3)
    together = voice(**batch, infer=True, sampling=options, random=SameNoise()).diff_out
    alone = voice(**single, infer=True, sampling=options, random=SameNoise(slice(1, 2))).diff_out
    torch.testing.assert_close(together[1:, :7], alone)


@pytest.mark.parametrize("diffusion_type", ["reflow", "ddpm"])
def test_padded_frames_come_out_as_zeros(model, acoustic_batch, diffusion_type) -> None:
    voice = model("everything", diffusion_type=diffusion_type, diff_speedup=4)
    batch = acoustic_batch([[3, 3], [2, 1]])
    output = voice(**batch, infer=True)
    for mel in (output.aux_out, output.diff_out):
        assert mel.shape == (2, 6, 8)
        assert mel[1, 3:].eq(0).all()
        assert mel[1, :3].abs().min() > 0


@pytest.mark.parametrize("backbone", ["wavenet", "lynxnet", "lynxnet2"])
@pytest.mark.parametrize("diffusion_type", ["reflow", "ddpm"])
def test_a_song_of_one_frame(model, acoustic_batch, backbone, diffusion_type) -> None:
    voice = model(
        "everything",
        diffusion_type=diffusion_type,
        diff_speedup=4,
        backbone_type=backbone,
        backbone_args={"num_layers": 1, "num_channels": 8},
    )
    batch = acoustic_batch([[1]])
    assert voice(**batch, infer=True).diff_out.isfinite().all()
    losses = voice.losses(voice(**batch), gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])
    assert sum(losses.values()).isfinite()


def test_a_mix_of_one_speaker_is_that_speaker(model, acoustic_batch) -> None:
    voice = model("everything")
    batch = acoustic_batch([[3, 4], [2, 5]])
    expected = voice(**batch, infer=True, random=SameNoise()).diff_out
    ids = batch.pop("spk_embed_id")
    table = voice.fs2.spk_embed.weight
    constant = table[ids].unsqueeze(1)
    for mix in (constant, constant.expand(-1, 7, -1)):
        mel = voice(**batch, spk_mix_embed=mix, infer=True, random=SameNoise()).diff_out
        torch.testing.assert_close(mel, expected, atol=1e-4, rtol=1e-4)


def test_key_shift_may_be_given_by_song_or_by_frame(model, acoustic_batch) -> None:
    voice = model("everything")
    batch = acoustic_batch([[3, 4]])
    expected = voice(**batch, infer=True, random=SameNoise(slice(1))).diff_out
    batch["key_shift"] = batch["key_shift"].expand(1, 7)
    torch.testing.assert_close(
        voice(**batch, infer=True, random=SameNoise(slice(1))).diff_out, expected
    )


def test_an_input_that_is_missing_is_named(model, acoustic_batch) -> None:
    voice = model("everything")
    for name in ("languages", "spk_embed_id", "key_shift", "speed", "tension", "gt_mel"):
        batch = acoustic_batch([[3, 4]])
        del batch[name]
        with pytest.raises(ValueError, match=name):
            voice(**batch)


def test_the_auxiliary_decoder_passes_on_a_tenth_of_its_gradient(model, acoustic_batch) -> None:
    batch = acoustic_batch([[3, 4]])
    norms = []
    for share in (1.0, 0.1):
        voice = model("everything")
        voice.aux_decoder.gradient_scale = share
        output = voice(**batch)
        losses = voice.losses(output, gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])
        losses["aux_mel_loss"].backward()
        norms.append(voice.fs2.pitch_embed.weight.grad.norm().item())
    assert norms[1] == pytest.approx(0.1 * norms[0], rel=1e-4)


@pytest.mark.parametrize("flag", ["train_aux_decoder", "train_diffusion"])
def test_a_decoder_that_is_not_trained_has_no_loss(model, config, acoustic_batch, flag) -> None:
    args = {**config("everything")["shallow_diffusion_args"], flag: False}
    voice = model("everything", shallow_diffusion_args=args)
    batch = acoustic_batch([[3, 4]])
    losses = voice.losses(voice(**batch), gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])
    other = {"train_aux_decoder": "mel_loss", "train_diffusion": "aux_mel_loss"}
    assert set(losses) == {other[flag]}
    assert voice(**batch, infer=True).diff_out.isfinite().all()


def test_sampling_may_start_from_the_recording(model, config, acoustic_batch) -> None:
    args = {**config("everything")["shallow_diffusion_args"], "val_gt_start": True}
    voice = model("everything", shallow_diffusion_args=args)
    batch = acoustic_batch([[3, 4]])
    options = SamplingOptions(t_start=1.0)
    mel = voice(**batch, infer=True, sampling=options).diff_out
    torch.testing.assert_close(mel, batch["gt_mel"], atol=1e-5, rtol=1e-5)
    del batch["gt_mel"]
    output = voice(**batch, infer=True, sampling=options)
    torch.testing.assert_close(output.diff_out, output.aux_out, atol=1e-5, rtol=1e-5)


def test_times_are_drawn_where_a_shallow_model_is_trained(model, acoustic_batch) -> None:
    voice = model("everything")
    batch = acoustic_batch([[1]] * 64)
    times = voice(**batch).diff_out[2]
    assert times.min() >= 0.4
    assert times.max() < 1.0
    assert times.max() - times.min() > 0.3


@pytest.mark.parametrize("backbone", ["wavenet", "lynxnet", "lynxnet2"])
def test_a_step_in_bfloat16_gives_nearly_the_same_loss(model, acoustic_batch, backbone) -> None:
    args = {"num_layers": 2, "num_channels": 12}
    voice = model("everything", backbone_type=backbone, backbone_args=args)
    batch = acoustic_batch([[3, 4], [2, 5]])
    losses = []
    for enabled in (False, True):
        torch.manual_seed(1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            output = voice(**batch)
            parts = voice.losses(output, gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])
            losses.append(sum(parts.values()))
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.05)
    losses[1].backward()
