"""The variance model as a whole."""

from __future__ import annotations

import pytest
import torch

from singwiz.core.models import build_model
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.regulators import fit_to_words, owners_from_durations
from singwiz.core.models.repeat_bins import RepeatBins

CURVES = ("energy", "breathiness", "voicing", "tension")


@pytest.fixture
def model(config, vocab_size, shuffle_weights):
    """A seeded model in eval mode: ``model(key=value, …)``."""

    def build(**changes):
        torch.manual_seed(0)
        built = build_model("variance", config("variance", **changes), vocab_size=vocab_size)
        return shuffle_weights(built).eval()

    return build


def seeded() -> RandomSource:
    return RandomSource(torch.Generator().manual_seed(2))


def predict(model, batch, **changes):
    return model(**{**batch, **changes}, infer=True, random=seeded())


@pytest.mark.parametrize("arch", ["resnet", "fs2"])
def test_padding_does_not_change_durations(model, config, variance_batch, one_sample, arch) -> None:
    # The predictor's first convolution sees what is at padded phonemes: give it no neighbours.
    args = {**config("variance")["dur_prediction_args"], "arch": arch, "kernel_size": 1}
    timing = model(dur_prediction_args=args)
    names = ("txt_tokens", "ph2word", "midi", "ph_dur", "mel2ph")
    batch = {name: variance_batch[name] for name in names}
    single = one_sample(batch, 1, 3, 7)

    def durations(inputs):
        del inputs["mel2ph"]
        more = {"languages": None, "word_dur": None, "ph_speaker": None, "infer": False}
        return timing.fs2(**inputs, **more)[1]

    alone, both = durations(single), durations(batch)
    torch.testing.assert_close(both[1:, :3], alone)
    assert both[1, 3] == 0


def test_durations_without_an_architecture_are_of_the_old_kind(model, config) -> None:
    args = dict(config("variance")["dur_prediction_args"])
    del args["arch"]
    names = set(model(dur_prediction_args=args).fs2.dur_predictor.state_dict())
    args["arch"] = "fs2"
    assert names == set(model(dur_prediction_args=args).fs2.dur_predictor.state_dict())
    assert "conv.0.3.weight" in names
    assert "res_conv.weight" not in names


def test_durations_are_clamped_only_outside_of_training(model, variance_batch) -> None:
    timing = model()
    with torch.no_grad():
        timing.fs2.dur_predictor.linear.bias.fill_(-3.0)
    assert timing(**variance_batch).dur_pred.min() < -0.5
    assert predict(timing, variance_batch).dur_pred.min() == 0


def test_frames_follow_from_predicted_durations_when_none_are_given(model, variance_batch) -> None:
    voice = model()
    drop = dict.fromkeys(("mel2ph", "ph_dur", "pitch", "pitch_retake", "variance_retake"), None)
    output = predict(voice, variance_batch, **drop)
    word_dur, ph2word = variance_batch["word_dur"], variance_batch["ph2word"]
    mel2ph = owners_from_durations(fit_to_words(output.dur_pred, ph2word, word_dur))
    frames = variance_batch["base_pitch"].shape[1]
    assert output.pitch_pred.shape == (2, frames)
    # Giving the same frames explicitly changes nothing.
    mel2ph = torch.nn.functional.pad(mel2ph, (0, frames - mel2ph.shape[1]))
    again = predict(voice, variance_batch, **{**drop, "mel2ph": mel2ph})
    torch.testing.assert_close(again.pitch_pred, output.pitch_pred)


def test_only_what_is_asked_for_is_predicted(model, variance_batch) -> None:
    only_energy = {f"predict_{name}": name == "energy" for name in ("dur", "pitch", *CURVES)}
    output = predict(model(**only_energy), variance_batch)
    assert output.dur_pred is None
    assert output.pitch_pred is None
    assert list(output.variances_pred) == ["energy"]
    with pytest.raises(ValueError, match="nothing"):
        model(**{**only_energy, "predict_energy": False})


@pytest.mark.parametrize("diffusion_type", ["reflow", "ddpm"])
def test_curves_stay_inside_their_limits(model, variance_batch, diffusion_type) -> None:
    voice = model(diffusion_type=diffusion_type, diff_speedup=4)
    with torch.no_grad():
        for core in (voice.pitch_predictor, voice.variance_predictor):
            core.backbone.output_projection.weight.mul_(100)
    output = predict(voice, variance_batch)
    assert output.pitch_pred.abs().max() <= 12
    for name, curve in output.variances_pred.items():
        low, high = (-10, 10) if name == "tension" else (-96, 0)
        assert curve.min() >= low
        assert curve.max() <= high


@pytest.mark.parametrize("melody", [True, False])
def test_full_expressiveness_is_the_default(model, variance_batch, melody) -> None:
    voice = model(use_melody_encoder=melody)
    batch = {**variance_batch, "pitch_retake": None}
    default = predict(voice, batch).pitch_pred
    full = predict(voice, batch, pitch_expr=torch.ones(2, 1)).pitch_pred
    half = predict(voice, batch, pitch_expr=torch.full((2, 1), 0.5)).pitch_pred
    torch.testing.assert_close(full, default)
    assert not torch.allclose(half, default)


@pytest.mark.parametrize("melody", [True, False])
def test_what_is_to_be_retaken_is_hidden_from_the_model(model, variance_batch, melody) -> None:
    voice = model(use_melody_encoder=melody)
    output = predict(voice, variance_batch)
    retake = variance_batch["pitch_retake"]
    hidden = variance_batch["pitch"] + retake * 5.0
    # Curves do depend on the pitch that is given, so only the pitch predictor is compared.
    torch.testing.assert_close(
        predict(voice, variance_batch, pitch=hidden).pitch_pred, output.pitch_pred
    )
    known = variance_batch["pitch"] + ~retake * 5.0
    assert not torch.allclose(
        predict(voice, variance_batch, pitch=known).pitch_pred, output.pitch_pred
    )
    loud = variance_batch["energy"] + variance_batch["variance_retake"]["energy"] * 20
    torch.testing.assert_close(
        predict(voice, variance_batch, energy=loud).variances_pred, output.variances_pred
    )


def test_without_a_melody_encoder_known_pitch_is_no_target(model, variance_batch) -> None:
    voice = model(use_melody_encoder=False)
    retake = variance_batch["pitch_retake"]
    seen = []
    voice.pitch_predictor.register_forward_pre_hook(lambda module, args: seen.append(args[1]))
    voice(**variance_batch)
    delta = (variance_batch["pitch"] - variance_batch["base_pitch"]) * retake
    torch.testing.assert_close(seen[0], delta.unsqueeze(-1).expand_as(seen[0]))


def test_notes_outside_of_midi_are_taken_as_the_nearest(model, variance_batch) -> None:
    voice = model()
    low, high = (predict(voice, variance_batch, midi=torch.full((2, 4), m)) for m in (-7, 0))
    torch.testing.assert_close(low.dur_pred, high.dur_pred)


def test_a_song_of_one_frame(model) -> None:
    one = torch.ones(1, 1, dtype=torch.int64)
    frame = torch.full((1, 1), 60.0)
    batch = {
        **dict.fromkeys(("txt_tokens", "ph2word", "ph_dur", "word_dur", "mel2ph"), one),
        **dict.fromkeys(("note_dur", "mel2note"), one),
        **dict.fromkeys(("note_midi", "base_pitch", "pitch"), frame),
        **dict.fromkeys(CURVES, frame - 90),
        "midi": 60 * one,
        "note_rest": torch.tensor([[False]]),
    }
    voice = model()
    assert predict(voice, batch).pitch_pred.shape == (1, 1)
    losses = voice.losses(voice(**batch), ph_dur=one, ph2word=one, mel2ph=one)
    assert set(losses) == {"dur_loss", "pitch_loss", "var_loss"}
    assert sum(losses.values()).isfinite()


def test_speaker_mixes_replace_the_speaker(model, variance_batch) -> None:
    voice = model(use_spk_id=True, num_spk=2)
    expected = predict(voice, variance_batch)
    batch = dict(variance_batch)
    mix = voice.spk_embed.weight[batch.pop("spk_id")].unsqueeze(1)
    with pytest.raises(ValueError, match="spk_id"):
        predict(voice, batch)
    mixed = predict(voice, batch, spk_mix_embed=mix, ph_spk_mix_embed=mix)
    torch.testing.assert_close(mixed.pitch_pred, expected.pitch_pred)
    torch.testing.assert_close(mixed.dur_pred, expected.dur_pred)


@pytest.mark.parametrize("names", [("energy",), ("energy", "tension")])
def test_curves_survive_the_way_through_their_bins(config, names) -> None:
    bins = RepeatBins.for_variances(config("variance"), names)
    assert bins.num_bins == 16 // len(names)
    curves = [torch.tensor([[-200.0, -50.0, 3.0]]) for _ in names]
    spec = bins.encode(curves)
    assert spec.shape == ((1, 3, 16) if len(names) == 1 else (1, 2, 3, 8))
    decoded = bins.decode(spec)
    assert decoded[0].tolist() == [[-96.0, -50.0, 0.0]]
    if len(names) == 2:
        assert decoded[1].tolist() == [[-10.0, -10.0, 3.0]]


def test_bins_that_cannot_be_shared_are_refused(model) -> None:
    with pytest.raises(ValueError, match="total_repeat_bins"):
        model(variances_prediction_args={"total_repeat_bins": 18})
