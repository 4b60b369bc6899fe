"""Checks of fixtures about the pitch network RMVPE, the separator VR and their resampler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from singwiz.core.features.pitch import resample_pitch
from singwiz.core.models import build_model
from singwiz.core.models.extractors import vr_audio
from singwiz.core.models.extractors.rmvpe_decoding import decode, viterbi_path
from singwiz.core.models.extractors.rmvpe_mel import frame_count, log_mel, pad_mel, pad_waveform
from singwiz.core.models.extractors.vr import VrNetwork
from singwiz.core.models.resampling import sinc_resample

if TYPE_CHECKING:
    from test_golden import Fixture


def compare(fixture: Fixture, name: str, actual: Any, limit: dict[str, float]) -> None:
    """Compare with the stored array ``name`` within absolute and relative limits per element."""
    fixture.unchecked.discard(f"array {name}")
    expected, found = fixture.arrays[name], np.asarray(actual)
    if found.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {found.shape}, not {expected.shape}")
    elif expected.dtype == bool:
        if not np.array_equal(found, expected):
            fixture.failures.append(f"{name}: differs in {(found != expected).sum()} places")
    elif not np.allclose(found, expected, rtol=limit.get("rtol", 0), atol=limit.get("atol", 0)):
        fixture.failures.append(f"{name}: off by {np.abs(found - expected).max():.3g}")


def check_resample(fixture: Fixture) -> None:
    """The same waveform between several pairs of rates."""
    waveform = fixture.tensor("wav")
    for name in fixture.data["outputs"]:
        if match := re.fullmatch(r"resampled_(\d+)_(\d+)_w(\d+)", name):
            orig, new, width = map(int, match.groups())
            rolloff = fixture.data["config"]["rolloff"]
            actual = sinc_resample(waveform, orig, new, width=width, rolloff=rolloff)
            compare(fixture, name, actual, fixture.data["tolerances"]["resampled"])


@torch.inference_mode()
def check_rmvpe(fixture: Fixture) -> None:
    """Names, mel, and the likelihoods from audio and from a mel."""
    tolerances = fixture.data["tolerances"]
    waveform = fixture.tensor("wav16k")
    frames = frame_count(len(waveform))
    padded = log_mel(pad_waveform(waveform[None]))
    mel = log_mel(waveform[None])
    compare(fixture, "mel", mel[0], tolerances["mel"])
    for name, options in fixture.data["config"]["models"].items():
        network = build_model("rmvpe", options).eval()
        fixture.check_state_dict(network, fixture.data["state_dict"][name])
        fixture.seed(network)
        hidden = network(padded)[0, :frames]
        of_mel = network(pad_mel(mel))[0, :frames]
        last = len(fixture.arrays[f"{name}_hidden_mel_last"])
        difference = (of_mel - hidden).abs().mean()
        compare(fixture, f"{name}_hidden", hidden, tolerances["hidden"])
        compare(fixture, f"{name}_hidden_mel_last", of_mel[-last:], tolerances["hidden"])
        compare(fixture, f"{name}_hidden_mel_absdiff_mean", difference, {"rtol": 0.01})
        # Random weights leave ties between classes, so the stored likelihoods are decoded.
        f0 = decode(fixture.tensor(f"{name}_hidden"))
        compare(fixture, f"{name}_f0", f0, tolerances["f0"])


def check_rmvpe_decode(fixture: Fixture) -> None:
    """F0 from likelihoods: two centres, thresholds, and other frame grids."""
    limit = fixture.data["tolerances"]["f0"]
    hidden = fixture.tensor("hidden")
    for name, expected in fixture.arrays.items():
        if match := re.fullmatch(r"f0_(local|viterbi)_([\d.]+)", name):
            path = viterbi_path(hidden.numpy()) if match[1] == "viterbi" else None
            centre = None if path is None else torch.from_numpy(path)
            compare(fixture, name, decode(hidden, float(match[2]), centre), limit)
        elif match := re.fullmatch(
            r"pitch_h(\d+)_sr(\d+)_s([\d.]+)_L(\d+)_(interp|raw)_(f0|uv)", name
        ):
            step = round(int(match[1]) * float(match[3])) / int(match[2])
            f0, unvoiced = resample_pitch(decode(hidden).numpy(), 0.01, step, int(match[4]))
            if match[5] == "raw":
                f0[unvoiced] = 0
            compare(fixture, name, f0 if match[6] == "f0" else unvoiced, limit)
        elif name == "f0_all_unvoiced":
            compare(fixture, name, decode(torch.zeros(len(expected), 360)), limit)


def separate(network: VrNetwork, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``[1, C, N]`` -> its padded spectrum, the mask, and the harmonic part ``[1, C, N]``."""
    sizes = {"fft_size": network.n_fft, "hop_size": network.hop_length}
    padded, left = vr_audio.pad_to_frames(waveform, hop_size=network.hop_length)
    seen = vr_audio.spectrum(padded, **sizes)
    mask = network(seen)
    harmonic = vr_audio.waveform(seen * mask, **sizes)
    return seen, mask, harmonic[..., left : left + waveform.shape[-1]]


@torch.inference_mode()
def check_vr(fixture: Fixture) -> None:
    """Names, mask, and a waveform through spectrogram, mask and back."""
    tolerances = fixture.data["tolerances"]
    for name, options in fixture.data["config"].items():
        renamed = {"nout": "n_out", "nout_lstm": "n_out_lstm"}
        network = build_model("vr", {renamed.get(key, key): options[key] for key in options})
        fixture.check_state_dict(network, fixture.data["state_dict"][name])
        fixture.seed(network.eval())
        waveform = fixture.tensor(f"{name}_wav")
        seen, mask, predicted = separate(network, waveform)
        compare(fixture, f"{name}_spec_abs_sum", seen.abs().sum(), tolerances["spec_abs_sum"])
        compare(fixture, f"{name}_mask", mask, tolerances["mask"])
        compare(fixture, f"{name}_pred", predicted, tolerances["pred"])
        mono = waveform[0, 0]
        harmonic = separate(network, mono.expand(1, network.channels, -1))[2].mean(1)[0]
        compare(fixture, f"{name}_harmonic", harmonic, tolerances["harmonic"])
        compare(fixture, f"{name}_noise", mono - harmonic, tolerances["noise"])


def build_listed(name: str) -> torch.nn.Module:
    """A network by its name in a listing: ``rmvpe_full``, ``vr_2048_512_32_128_mono``."""
    if name == "rmvpe_full":
        return build_model("rmvpe", {})
    _, *sizes, channels = name.split("_")
    keys = ("n_fft", "hop_length", "n_out", "n_out_lstm")
    config = dict(zip(keys, map(int, sizes), strict=True))
    return build_model("vr", config | {"is_mono": channels == "mono"})


LISTINGS = dict.fromkeys(("rmvpe_", "vr_"), build_listed)

CHECKS = {
    "resample": check_resample,
    "rmvpe": check_rmvpe,
    "rmvpe_decode": check_rmvpe_decode,
    "vr": check_vr,
}
