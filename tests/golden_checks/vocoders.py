"""Checks of fixtures about vocoders: generators, discriminators, losses."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from singwiz.core.features.mel import mel_filterbank
from singwiz.core.models import build_discriminators, build_model
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.vocoder import losses
from singwiz.core.models.vocoder.discriminators import (
    MultiPeriodDiscriminator,
    MultiScaleDiscriminator,
)
from singwiz.core.models.vocoder.excitation import carried_phase
from singwiz.core.models.vocoder.fast_discriminators import FastMPD, FastMRD
from singwiz.core.models.vocoder.mel import HifiGanMelSpectrogram, MelSpectrogram
from singwiz.core.models.vocoder.mrd import MultiResolutionDiscriminator
from singwiz.core.models.vocoder.norms import fold_weight_norm
from singwiz.core.synthesis.neural import NeuralVocoder, natural_log_mel

if TYPE_CHECKING:
    from test_golden import Fixture


class StoredDraws(RandomSource):
    """Gives the draws of a fixture, in the order a generator asks for them."""

    def __init__(self, fixture: Fixture, rows: int | None = None) -> None:
        super().__init__()
        names = ("noise", "pre_noise")
        self.starts = fixture.tensor("rand_ini") if "rand_ini" in fixture.arrays else None
        self.noise = [fixture.tensor(name)[:rows] for name in names if name in fixture.arrays]

    def uniform(self, size: int, *, device: torch.device) -> Tensor:
        assert self.starts is not None
        return self.starts.reshape(size).clone()

    def normal(self, shape: Any, *, device: torch.device) -> Tensor:
        return self.noise.pop(0).reshape(*shape)


def near(fixture: Fixture, name: str, actual: Any, tolerance: str | None = None) -> None:
    """Compare with array ``name``, within its absolute and relative tolerance."""
    if name not in fixture.arrays:
        return
    fixture.unchecked.discard(f"array {name}")
    expected = fixture.arrays[name]
    values = actual.detach().numpy() if isinstance(actual, Tensor) else np.asarray(actual)
    limit = fixture.data["tolerances"][tolerance or name]
    if values.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {values.shape}, not {expected.shape}")
    elif not np.allclose(values, expected, rtol=limit.get("rtol", 0), atol=limit.get("atol", 0)):
        worst = np.abs(values - expected).max()
        fixture.failures.append(f"{name}: off by {worst:.3g}")


def near_mel(fixture: Fixture, name: str, actual: Tensor) -> None:
    """Compare natural-log mels.

    Near their floor they show how a CPU's float32 FFT rounds: the same library gives other last
    digits on another CPU. So 1e-7 is also allowed before the logarithm.
    """
    fixture.unchecked.discard(f"array {name}")
    expected = fixture.arrays[name]
    allowed = fixture.data["tolerances"][name]["atol"] + 1e-7 / np.exp(expected)
    if actual.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {tuple(actual.shape)}, not {expected.shape}")
    elif not (np.abs(actual.numpy() - expected) <= allowed).all():
        fixture.failures.append(f"{name}: off by {np.abs(actual.numpy() - expected).max():.3g}")


@torch.no_grad()
def check_nsf(fixture: Fixture) -> None:
    """Excitation, sound and folded weights of an NSF-HiFiGAN generator."""
    config = fixture.data["config"]
    generator: Any = build_model("vocoder", config)
    fixture.check_state_dict(generator, fixture.data["state_dict"]["weight_normed"])
    fixture.seed(generator)
    generator.eval()
    mel, f0 = fixture.tensor("mel"), fixture.tensor("f0")
    if "sines" in fixture.arrays:
        hop = generator.structure.excitation_hop
        draws = StoredDraws(fixture)
        starts = draws.uniform(9, device=f0.device)
        starts[0] = 0
        carry = carried_phase(f0 / config["sampling_rate"] * hop)
        near(fixture, "sines", generator.m_source.sines(f0, hop, starts, carry, draws))
    near(fixture, "source", generator.excite(f0, random=StoredDraws(fixture)))
    near(fixture, "wav", generator(mel, f0, random=StoredDraws(fixture)))

    folded = fold_weight_norm(generator)
    fixture.check_state_dict(folded, fixture.data["state_dict"]["folded"])
    near(fixture, "wav", folded(mel, f0, random=StoredDraws(fixture)))

    vocoder = NeuralVocoder(folded, label="fixture")
    first = f0[0].numpy()
    for name, log_mel, base in (
        ("wav_from_ln", mel[0].T.numpy(), "e"),
        ("wav_from_log10", fixture.arrays["mel_log10"][0], "10"),
    ):
        draws = StoredDraws(fixture, rows=1)
        sound = vocoder.synthesise(natural_log_mel(log_mel, base), first, random=draws)
        near(fixture, name, sound, "wav")


@torch.no_grad()
def check_hifigan(fixture: Fixture) -> None:
    """Sound and mel of the original HiFi-GAN."""
    config = fixture.data["config"]
    generator = build_model("vocoder", {**config["generator"], "excitation": "none"})
    fixture.check_state_dict(generator)
    fixture.seed(generator)
    near(fixture, "wav", generator.eval()(fixture.tensor("mel_in")))
    mel = config["mel"]
    spectrogram = HifiGanMelSpectrogram(
        filters(mel["sampling_rate"], mel["n_fft"], mel["num_mels"], mel["fmin"], mel["fmax"]),
        fft_size=mel["n_fft"],
        win_size=mel["win_size"],
        hop_size=mel["hop_size"],
    )
    near_mel(fixture, "mel", spectrogram(fixture.tensor("audio")))


def filters(rate: int, fft: int, mels: int, fmin: float, fmax: float | None) -> Tensor:
    bank = mel_filterbank(
        sample_rate=rate, fft_size=fft, num_mels=mels, fmin=fmin, fmax=fmax or rate / 2
    )
    return torch.from_numpy(bank.copy())


DISCRIMINATORS = {
    "mpd": MultiPeriodDiscriminator,
    "mrd": MultiResolutionDiscriminator,
    "fast_mpd": FastMPD,
    "fast_mrd": FastMRD,
}


@torch.no_grad()
def check_discriminator(fixture: Fixture) -> None:
    """Scores and feature maps of a discriminator."""
    module = DISCRIMINATORS[fixture.kind](**fixture.data["config"])
    fixture.check_state_dict(module)
    seed_discriminator(fixture, module)
    wave = fixture.tensor("wav")
    check_judgement(fixture, "", module.eval()(wave))
    if "nolast_fmap_stats" in fixture.arrays:
        _, maps = module(wave, infer_last_layer=False)
        check_maps(fixture, "nolast_fmap_stats", maps)


@torch.no_grad()
def check_msd(fixture: Fixture) -> None:
    """The multi-scale discriminator, whose spectral norms move in training mode."""
    assert fixture.data["config"]["num_scales"] == 3
    module: Any = MultiScaleDiscriminator()
    fixture.check_state_dict(module)
    seed_discriminator(fixture, module)
    module.train()
    check_judgement(fixture, "first_", module(fixture.tensor("wav")))
    check_judgement(fixture, "second_", module(fixture.tensor("wav2")))
    module.eval()
    check_judgement(fixture, "eval_", module(fixture.tensor("wav")))
    first = module.discriminators[0]
    norms = [conv.spectral_norm().item() for conv in (*first.convs, first.conv_post)]
    near(fixture, "sigma_after", norms, "score")


def seed_discriminator(fixture: Fixture, module: nn.Module) -> None:
    fixture.data["keep"] = ("window", "freq_coords")
    fixture.seed(module)


def check_judgement(fixture: Fixture, prefix: str, judged: losses.Judgement) -> None:
    scores, maps = judged
    for i, score in enumerate(scores):
        near(fixture, f"{prefix}score_{i}", score, "score")
    check_maps(fixture, f"{prefix}fmap_stats", maps)


def check_maps(fixture: Fixture, name: str, maps: list[list[Tensor]]) -> None:
    """Sum, absolute sum, first, middle and last value of each map."""
    rows = []
    numbered = ((i, j, value) for i, part in enumerate(maps) for j, value in enumerate(part))
    for i, j, value in numbered:
        flat = value.detach().double().flatten()
        sums = [flat.sum(), flat.abs().sum()]
        picked = [flat[0], flat[len(flat) // 2], flat[-1]]
        rows.append([i, j, *(float(number) for number in sums + picked)])
    expected = fixture.arrays[name]
    fixture.unchecked.discard(f"array {name}")
    limit = fixture.data["tolerances"]["fmap_stats"]
    actual = np.array(rows)
    if actual.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {actual.shape}, not {expected.shape}")
        return
    allowed = limit["atol"] + limit["rtol"] * np.abs(expected)
    allowed[:, 2] = 1e-4 * expected[:, 3] + limit["rtol"] * np.abs(expected[:, 2])
    wrong = np.argwhere(~(np.abs(actual - expected) <= allowed))
    fixture.failures += [
        f"{name}[{row}, {column}]: {actual[row, column]}, not {expected[row, column]}"
        for row, column in wrong
    ]


@torch.no_grad()
def check_losses(fixture: Fixture) -> None:
    """Every loss of vocoder training."""
    config = fixture.data["config"]
    mel = MelSpectrogram(
        filters(
            config["audio_sample_rate"],
            config["fft_size"],
            config["audio_num_mel_bins"],
            config["fmin"],
            config["fmax_for_loss"],
        ),
        fft_size=config["fft_size"],
        win_size=config["win_size"],
        hop_size=config["hop_size"],
    )
    criterion = losses.VocoderCriterion(config, mel)
    real, fake = (stored_judgements(fixture, kind) for kind in ("real", "fake"))
    wave, generated = fixture.tensor("wav_real"), fixture.tensor("wav_fake")

    def scalars(found: Mapping[str, Tensor]) -> None:
        for name, value in found.items():
            near(fixture, name, value, "scalars")

    d_loss, d_logs = criterion.discriminator(real, fake)
    g_loss, g_logs = criterion.generator(real, fake)
    aux_loss, aux_logs = criterion.auxiliary(generated, wave)
    scalars({"d_loss": d_loss, "g_loss": g_loss, "aux_loss": aux_loss})
    scalars({f"log_{name}": value for name, value in (d_logs | g_logs | aux_logs).items()})
    doubled = torch.cat([generated, wave + 1])
    scalars({"aux_loss_truncated": criterion.auxiliary(doubled, wave)[0]})
    near_mel(fixture, "logmel_real", mel(wave))
    if criterion.stft is not None:
        convergence, magnitude = criterion.stft(generated, wave)
        scalars({"stft_sc": convergence, "stft_mag": magnitude})
        names = ("loss_fft_sizes", "loss_hop_sizes", "loss_win_lengths")
        sizes = zip(*(config[name] for name in names), strict=True)
        rows = [torch.stack(criterion.stft.resolution(generated, wave, *size)) for size in sizes]
        near(fixture, "stft_per_resolution", torch.stack(rows))
    scalars({"pc_wav": losses.pitch_control_loss(generated, wave)})

    # The fast variant's spectrogram discriminator has the place of the scales.
    judged = {
        family.replace("msd", "mrd"): (
            [torch.cat(pair) for pair in zip(fake[family][0], real[family][0], strict=True)],
            [],
        )
        for family in real
    }
    rows_of_fake = len(fake["msd"][0][0])
    joint, joint_logs = criterion.joint_discriminator(judged, rows_of_fake)
    scalars({"d2_loss": joint} | {f"log2_{name}": value for name, value in joint_logs.items()})


def stored_judgements(fixture: Fixture, kind: str) -> dict[str, losses.Judgement]:
    """Scores and maps under ``<kind>_<family>_score_<i>`` and ``…_fmap_<i>_<j>``."""

    def numbered(pattern: str) -> Iterable[Tensor]:
        for i in itertools.count():
            if pattern.format(i) not in fixture.arrays:
                return
            yield fixture.tensor(pattern.format(i))

    result = {}
    for family in ("msd", "mpd"):
        scores = list(numbered(f"{kind}_{family}_score_{{}}"))
        maps = [list(numbered(f"{kind}_{family}_fmap_{i}_{{}}")) for i in range(len(scores))]
        result[family] = (scores, maps)
    return result


COMMUNITY = {
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
}
"""The 44.1 kHz vocoder everybody uses."""


def nsf(name: str) -> nn.Module:
    return build_model("vocoder", {**COMMUNITY, "mini_nsf": name.endswith("mini")})


def discriminator(name: str) -> nn.Module:
    """``<name>_default``, or ``mpd_<period>_<period>…``."""
    family, _, rest = name.removesuffix("_default").partition("_3_")
    config: dict[str, Any] = {"discriminators": [family]}
    if rest:
        config["discriminator_periods"] = [3, *(int(period) for period in rest.split("_"))]
    (module,) = build_discriminators(config).values()
    return module


LISTINGS = {
    "nsf_hifigan_": nsf,
    **dict.fromkeys(("msd", "mpd_", "mrd_", "fast_mpd_", "fast_mrd_"), discriminator),
}

CHECKS = {
    "nsf_hifigan": check_nsf,
    "nsf_hifigan_mini": check_nsf,
    "hifigan": check_hifigan,
    "mpd": check_discriminator,
    "msd": check_msd,
    "mrd": check_discriminator,
    "fast_mpd": check_discriminator,
    "fast_mrd": check_discriminator,
    "voc_losses": check_losses,
}
